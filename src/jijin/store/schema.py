"""The run's database: its tables, and how it is opened. SQLite in WAL mode: one writer, any number of readers."""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from jijin.errors import DataError

VERSION = 1  # of the tables, in PRAGMA user_version
FILE, LOCK = "run.db", "run.lock"
REASONS = {  # by SQLite's code
    sqlite3.SQLITE_FULL: "the disk is full; what was finished before is kept",
    sqlite3.SQLITE_IOERR: "cannot be written: disk I/O error; check the disk, your quota and `ulimit -f`, then go on",
    sqlite3.SQLITE_CANTOPEN: "cannot be opened; check who may read and write it and its folder",
}
TABLES = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE station (
    nsl TEXT NOT NULL, latitude REAL NOT NULL, longitude REAL NOT NULL, elevation_m REAL NOT NULL,
    start_ns INTEGER, end_ns INTEGER);
CREATE TABLE station_day (
    station TEXT NOT NULL, day INTEGER NOT NULL, state TEXT NOT NULL DEFAULT 'todo', note TEXT NOT NULL DEFAULT '',
    picks INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (station, day)) WITHOUT ROWID;
CREATE TABLE pick (
    pick_id TEXT PRIMARY KEY, seed_id TEXT NOT NULL, phase_hint TEXT NOT NULL, time_ns INTEGER NOT NULL,
    time_uncertainty_s REAL NOT NULL, probability REAL NOT NULL, detection_start_ns INTEGER,
    detection_end_ns INTEGER, detection_probability REAL, excluded TEXT NOT NULL DEFAULT '') WITHOUT ROWID;
CREATE INDEX pick_time ON pick (time_ns);
CREATE TABLE coverage (
    station TEXT NOT NULL, day INTEGER NOT NULL, seed_id TEXT NOT NULL, seconds REAL NOT NULL, spans TEXT NOT NULL,
    PRIMARY KEY (station, day, seed_id)) WITHOUT ROWID;
CREATE TABLE event_day (day INTEGER PRIMARY KEY);
CREATE TABLE event (
    event_id TEXT NOT NULL, version INTEGER NOT NULL, time_ns INTEGER NOT NULL, latitude REAL NOT NULL,
    longitude REAL NOT NULL, depth_km REAL NOT NULL, magnitude REAL, event_type TEXT,
    withdrawn TEXT NOT NULL DEFAULT '', body TEXT NOT NULL, PRIMARY KEY (event_id, version)) WITHOUT ROWID;
CREATE INDEX event_time ON event (time_ns);
"""


class Database(sqlite3.Connection):
    """A connection whose failures are the system's errors, OSError with the file's name; path is that file."""

    path: Path

    def execute(self, sql: str, parameters: Any = (), /) -> sqlite3.Cursor:
        """As SQLite's; raises OSError where the disk, or the system, does not let it."""
        with _as_system(self.path):
            return super().execute(sql, parameters)

    def executemany(self, sql: str, parameters: Any, /) -> sqlite3.Cursor:
        """As SQLite's; raises OSError where the disk, or the system, does not let it."""
        with _as_system(self.path):
            return super().executemany(sql, parameters)


def connect(folder: Path, write: bool) -> Database:
    """A connection to a run's database, empty if it is not there yet and write is asked for. OSError if it fails."""
    path = folder / FILE
    if not write and not os.access(folder, os.W_OK):  # a medium that cannot be written: no log beside it either
        return _connection(path, 30, "?immutable=1")
    db = _connection(path, 30)
    if write:
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("PRAGMA synchronous=FULL")
    else:
        db.execute("PRAGMA query_only=1")
    return db


def _connection(path: Path, timeout_s: float, options: str = "") -> Database:
    where = f"{path.absolute().as_uri()}{options}"
    with _as_system(path):
        db = sqlite3.connect(where, timeout=timeout_s, isolation_level=None, factory=Database, uri=True)
    db.path = path
    return db


def lock(folder: Path) -> sqlite3.Connection:
    """Keep other writers out for as long as this connection lives; the system drops it when a process is killed.

    DataError if another process writes, OSError if the folder cannot be written.
    """
    db = _connection(folder / LOCK, 0)
    try:
        db.execute("BEGIN EXCLUSIVE")
    except OSError as error:
        db.close()
        if error.errno == errno.EBUSY:
            raise DataError(f"{folder}: another jijin works on this run; wait for it to end") from error
        raise
    return db


def version(db: Database) -> int:
    """Of the tables in a database; 0 for an empty one."""
    return int(db.execute("PRAGMA user_version").fetchone()[0])


@contextmanager
def transaction(db: Database) -> Iterator[None]:
    """All that is written in the block, or nothing."""
    try:
        db.execute("BEGIN IMMEDIATE")
        yield
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise


@contextmanager
def _as_system(path: Path) -> Iterator[None]:
    """SQLite's error as the system's, with the file's name, what is wrong and what to do."""
    try:
        yield
    except sqlite3.OperationalError as error:
        code = error.sqlite_errorcode & 0xFF  # without what SQLite adds in its extended codes
        if code == sqlite3.SQLITE_IOERR and not shutil.disk_usage(path.parent).free:
            code = sqlite3.SQLITE_FULL  # of the log's index, laid out before the log
        number = {sqlite3.SQLITE_FULL: errno.ENOSPC, sqlite3.SQLITE_BUSY: errno.EBUSY}.get(code, errno.EIO)
        raise OSError(number, REASONS.get(code, f"cannot be written: {error}"), str(path)) from error


def exists(folder: str | Path) -> bool:
    """Whether a folder holds a run; one whose making was cut short is none."""
    if not (Path(folder) / FILE).is_file():
        return False
    db = connect(Path(folder), write=False)
    try:
        return version(db) > 0
    except sqlite3.DatabaseError as error:
        raise DataError(f"{Path(folder) / FILE}: not the database of a run: {error}") from error
    finally:
        db.close()


def opened(folder: Path, write: bool) -> tuple[Database, sqlite3.Connection | None]:
    """A run's database, and its lock if it is to be written. OSError if the folder cannot be written."""
    held = lock(folder) if write else None
    return connect(folder, write), held


def between(start_ns: int | None, end_ns: int | None) -> tuple[int, int]:
    """Bounds for SQL; None is open."""
    return -(2**63) if start_ns is None else start_ns, 2**63 - 1 if end_ns is None else end_ns
