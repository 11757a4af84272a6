"""The run's database: its tables, and how it is opened. SQLite in WAL mode: one writer, any number of readers."""

from __future__ import annotations

import errno
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from jijin.errors import DataError

VERSION = 1  # of the tables, in PRAGMA user_version
FILE, LOCK = "run.db", "run.lock"
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


def connect(folder: Path, write: bool) -> sqlite3.Connection:
    """A connection to a run's database, empty if it is not there yet and write is asked for."""
    path = folder / FILE
    if not write and not os.access(folder, os.W_OK):  # a medium that cannot be written: no log beside it either
        return sqlite3.connect(f"{path.absolute().as_uri()}?immutable=1", uri=True, isolation_level=None)
    db = sqlite3.connect(path, timeout=30, isolation_level=None)
    if write:
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("PRAGMA synchronous=FULL")
    else:
        db.execute("PRAGMA query_only=1")
    return db


def lock(folder: Path) -> sqlite3.Connection:
    """Keep other writers out for as long as this connection lives; the system drops it when a process is killed.

    DataError if another process writes.
    """
    db = sqlite3.connect(folder / LOCK, timeout=0, isolation_level=None)
    try:
        db.execute("BEGIN EXCLUSIVE")
    except sqlite3.OperationalError as error:
        db.close()
        raise DataError(f"{folder}: another jijin works on this run; wait for it to end") from error
    return db


def version(db: sqlite3.Connection) -> int:
    """Of the tables in a database; 0 for an empty one."""
    return int(db.execute("PRAGMA user_version").fetchone()[0])


@contextmanager
def transaction(db: sqlite3.Connection, path: Path) -> Iterator[None]:
    """All that is written in the block, or nothing. Raises OSError, with the file's name, when the disk is full."""
    try:
        db.execute("BEGIN IMMEDIATE")
        yield
        db.execute("COMMIT")
    except BaseException as error:
        if db.in_transaction:
            db.execute("ROLLBACK")
        if isinstance(error, sqlite3.OperationalError):
            raise told(error, path) from error
        raise


def told(error: sqlite3.Error, path: Path) -> OSError:
    """SQLite's error as the system's, with the file's name."""
    full = error.sqlite_errorcode == sqlite3.SQLITE_FULL
    reason = "the disk is full; what was finished before is kept" if full else f"cannot be written: {error}"
    return OSError(errno.ENOSPC if full else errno.EIO, reason, str(path))


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


def opened(folder: Path, write: bool) -> tuple[sqlite3.Connection, sqlite3.Connection | None]:
    """A run's database, and its lock if it is to be written. OSError if the folder cannot be written."""
    try:
        held = lock(folder) if write else None
        return connect(folder, write), held
    except sqlite3.Error as error:
        raise told(error, folder / FILE) from error


def between(start_ns: int | None, end_ns: int | None) -> tuple[int, int]:
    """Bounds for SQL; None is open."""
    return -(2**63) if start_ns is None else start_ns, 2**63 - 1 if end_ns is None else end_ns
