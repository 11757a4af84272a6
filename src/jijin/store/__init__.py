"""A run on disk: RUN/run.db with its settings, stations, station-days, picks and events.

One process writes (the others are refused), any number read at the same time. Each method that writes is one
transaction: a process killed at any moment leaves the state before or after it, never between. Each raises OSError,
with the file's name, where the disk is full or cannot be written.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any

from jijin.errors import DataError
from jijin.store import schema
from jijin.store.codec import decode, encode
from jijin.store.rows import Coverage, DayResult, Progress, pick_id, pick_row, to_pick
from jijin.store.schema import exists
from jijin.types import DAY_NS, Event, Pick, Station, StationDay

__all__ = ["Coverage", "DayResult", "Progress", "Store", "exists", "pick_id"]


class Store:
    """The database of one run. Use it in a `with`, or close() it; open for writing it keeps other writers out."""

    def __init__(self, folder: Path, db: schema.Database, lock: sqlite3.Connection | None) -> None:
        self.folder, self._db, self._lock = folder, db, lock

    @classmethod
    def create(cls, folder: str | Path, settings: Mapping[str, Any], stations: Iterable[Station] = ()) -> Store:
        """A new run in a folder, which is made if it is not there; settings are kept as JSON.

        DataError if the folder already holds a run or another process writes there.
        """
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        store = cls(folder, *schema.opened(folder, write=True))
        try:
            if schema.version(store._db):
                raise DataError(f"{folder}: it holds a run already; resume that, or name another folder")
            store._make(settings, stations)
        except BaseException:
            store.close()
            raise
        return store

    @classmethod
    def open(cls, folder: str | Path, write: bool = False) -> Store:
        """The run in a folder, to read or to go on with. DataError if there is none, or of another version."""
        folder = Path(folder)
        if not exists(folder):
            raise DataError(f"{folder}: no run is in it ({schema.FILE} is missing); 'jijin catalog' makes one")
        store = cls(folder, *schema.opened(folder, write))
        found = schema.version(store._db)
        if found != schema.VERSION:
            store.close()
            raise DataError(
                f"{folder}: made by a version of jijin with tables of version {found}, not {schema.VERSION}"
            )
        return store

    def _make(self, settings: Mapping[str, Any], stations: Iterable[Station]) -> None:
        rows = [(s.nsl, s.latitude, s.longitude, s.elevation_m, s.start_ns, s.end_ns) for s in stations]
        with self._writing():
            for statement in schema.TABLES.split(";"):
                self._db.execute(statement)
            self._db.execute("INSERT INTO meta VALUES ('settings', ?)", [json.dumps(dict(settings))])
            self._db.executemany("INSERT INTO station VALUES (?, ?, ?, ?, ?, ?)", rows)
            self._db.execute(f"PRAGMA user_version={schema.VERSION}")

    def close(self) -> None:
        """Let other writers in. Everything is on disk already."""
        self._db.close()
        if self._lock:
            self._lock.close()

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @contextmanager
    def _writing(self) -> Iterator[None]:
        with schema.transaction(self._db):
            yield

    # settings and stations

    @property
    def settings(self) -> dict[str, Any]:
        """What the run was made with."""
        found: dict[str, Any] = json.loads(self._value("SELECT value FROM meta WHERE key = 'settings'"))
        return found

    def change_settings(self, settings: Mapping[str, Any]) -> None:
        """Others in their place; what the run holds already was made with those before."""
        with self._writing():
            self._db.execute("UPDATE meta SET value = ? WHERE key = 'settings'", [json.dumps(dict(settings))])

    def stations(self) -> list[Station]:
        """The table of stations, in its order, with all epochs."""
        return [Station(*row) for row in self._db.execute("SELECT * FROM station ORDER BY rowid")]

    # station-days and picks

    def plan(self, jobs: Iterable[StationDay]) -> None:
        """Set down the work; station-days that are known already are left as they are."""
        rows = [(job.station, job.day) for job in jobs]
        with self._writing():
            self._db.executemany("INSERT OR IGNORE INTO station_day (station, day) VALUES (?, ?)", rows)

    def todo(self) -> list[StationDay]:
        """Station-days without a result, those that failed among them, in order of day, then station."""
        found = "SELECT station, day FROM station_day WHERE state != 'done' ORDER BY day, station"
        return [StationDay(*row) for row in self._db.execute(found)]

    def progress(self) -> Progress:
        """How far the run is."""
        counts = dict(self._db.execute("SELECT state, count(*) FROM station_day GROUP BY state"))
        noted = self._db.execute("SELECT station, day, note FROM station_day WHERE note != '' ORDER BY day, station")
        notes = {StationDay(station, day): note for station, day, note in noted}
        return Progress(counts.get("done", 0), counts.get("failed", 0), counts.get("todo", 0), notes)

    def station_names(self) -> list[str]:
        """NET.STA of every station with work, in order."""
        return [name for (name,) in self._db.execute("SELECT DISTINCT station FROM station_day ORDER BY station")]

    def add_station_day(self, result: DayResult) -> None:
        """A station-day's picks, coverage and state together; a result that is there already is replaced."""
        job, state = result.job, "failed" if result.failed else "done"
        spans = [(job.station, job.day, c.seed_id, c.seconds, json.dumps(c.spans)) for c in result.coverage]
        with self._writing():
            self._db.execute(
                "INSERT OR REPLACE INTO station_day VALUES (?, ?, ?, ?, ?)",
                [job.station, job.day, state, result.note, len(result.picks)],
            )
            self._db.executemany("INSERT OR REPLACE INTO coverage VALUES (?, ?, ?, ?, ?)", spans)
            self._insert(result.picks)

    def add_picks(self, picks: Iterable[Pick]) -> None:
        """Picks of no station-day, as of a live feed; one that is there already is left as it is."""
        with self._writing():
            self._insert(picks)

    def _insert(self, picks: Iterable[Pick]) -> None:
        self._db.executemany("INSERT OR IGNORE INTO pick VALUES (?,?,?,?,?,?,?,?,?,'')", map(pick_row, picks))

    def picks(self, start_ns: int | None = None, end_ns: int | None = None, excluded: bool = False) -> list[Pick]:
        """Picks in start_ns <= time < end_ns, by time; those a person has excluded only if asked for."""
        return list(self.each_pick(start_ns, end_ns, excluded))

    def each_pick(
        self, start_ns: int | None = None, end_ns: int | None = None, excluded: bool = False
    ) -> Iterator[Pick]:
        """The same one by one: a year of a large network does not fit in memory."""
        where = "time_ns >= ? AND time_ns < ?" + ("" if excluded else " AND excluded = ''")
        found = f"SELECT * FROM pick WHERE {where} ORDER BY time_ns, seed_id, phase_hint"
        return map(to_pick, self._db.execute(found, schema.between(start_ns, end_ns)))

    def count_picks(self) -> int:
        """Of those that are not excluded."""
        return int(self._value("SELECT count(*) FROM pick WHERE excluded = ''"))

    def pick_days(self) -> list[int]:
        """Days since 1970 that have picks, excluded ones too, in order."""
        return [day for (day,) in self._db.execute("SELECT DISTINCT time_ns / ? FROM pick ORDER BY 1", [DAY_NS])]

    def pick_ids(self, beginning: str) -> list[str]:
        """Those that begin so; one that is whole is one."""
        found = self._db.execute(
            "SELECT pick_id FROM pick WHERE substr(pick_id, 1, ?) = ?", [len(beginning), beginning]
        )
        return [one for (one,) in found]

    def excluded(self) -> dict[str, str]:
        """Excluded picks: pick_id -> why."""
        return dict(self._db.execute("SELECT pick_id, excluded FROM pick WHERE excluded != ''"))

    def exclude(self, pick_ids: Iterable[str], reason: str) -> None:
        """Mark picks as not to be used, with a reason; an empty reason takes them in again. They are kept."""
        with self._writing():
            self._db.executemany("UPDATE pick SET excluded = ? WHERE pick_id = ?", [(reason, one) for one in pick_ids])

    def coverage(self) -> dict[StationDay, list[Coverage]]:
        """Where there are data, by station-day; a station-day without any has an empty list."""
        days = "SELECT station, day FROM station_day WHERE state != 'todo' ORDER BY station, day"
        found: dict[StationDay, list[Coverage]] = {StationDay(*row): [] for row in self._db.execute(days)}
        rows = self._db.execute("SELECT station, day, seed_id, spans FROM coverage ORDER BY station, day, seed_id")
        for station, day, seed_id, spans in rows:
            found[StationDay(station, day)].append(Coverage(seed_id, tuple(map(tuple, json.loads(spans)))))
        return found

    # events

    def save_event(self, event: Event) -> Event:
        """Keep an event beside its earlier versions; returned with the version and the creation time it got."""
        with self._writing():
            return self._save(event)

    def add_event_day(self, day: int, events: Sequence[Event]) -> None:
        """The events of a day (days since 1970), and that the day is finished, together."""
        with self._writing():
            for event in events:
                self._save(event)
            self._db.execute("INSERT OR IGNORE INTO event_day VALUES (?)", [day])

    def event_days(self) -> set[int]:
        """Days whose events are finished."""
        return {day for (day,) in self._db.execute("SELECT day FROM event_day")}

    def _save(self, event: Event) -> Event:
        last = self._value("SELECT ifnull(max(version), 0) FROM event WHERE event_id = ?", event.event_id)
        made = time.time_ns() if event.creation_ns is None else event.creation_ns
        kept = replace(event, version=max(event.version, last + 1), creation_ns=made)
        where, size, kind = kept.origin, kept.magnitude, kept.source_type
        self._db.execute("UPDATE event SET withdrawn = '' WHERE event_id = ?", [kept.event_id])
        self._db.execute(
            "INSERT INTO event VALUES (?, ?, ?, ?, ?, ?, ?, ?, '', ?)",
            [kept.event_id, kept.version, where.time_ns, where.latitude, where.longitude, where.depth_km,
             size and size.value, kind and kind.event_type, encode(kept)],
        )  # fmt: skip
        return kept

    def events(self, start_ns: int | None = None, end_ns: int | None = None) -> list[Event]:
        """The latest version of each event that is not withdrawn, with start_ns <= origin time < end_ns, by time."""
        found = """SELECT body FROM event AS e WHERE time_ns >= ? AND time_ns < ? AND withdrawn = ''
            AND version = (SELECT max(version) FROM event WHERE event_id = e.event_id) ORDER BY time_ns, event_id"""
        return [decode(Event, body) for (body,) in self._db.execute(found, schema.between(start_ns, end_ns))]

    def event_ids(self) -> list[str]:
        """Every event, withdrawn ones too, by the time of its first version."""
        found = "SELECT event_id FROM event GROUP BY event_id ORDER BY min(time_ns), event_id"
        return [one for (one,) in self._db.execute(found)]

    def versions(self, event_id: str) -> list[Event]:
        """All versions of an event, the first one first; an unknown event has none."""
        found = "SELECT body FROM event WHERE event_id = ? ORDER BY version"
        return [decode(Event, body) for (body,) in self._db.execute(found, [event_id])]

    def withdraw(self, event_id: str, reason: str) -> None:
        """An event is none any more: it and its versions stay, with the reason, but events() leaves it out."""
        with self._writing():
            self._db.execute("UPDATE event SET withdrawn = ? WHERE event_id = ?", [reason, event_id])

    def withdrawn(self) -> dict[str, str]:
        """Withdrawn events: event_id -> why."""
        return dict(self._db.execute("SELECT event_id, withdrawn FROM event WHERE withdrawn != ''"))

    def forget(self, before_ns: int) -> list[str]:
        """Delete picks and events before that time, so that a run that never ends stays of one size.

        Returns the ids of the events. The file keeps its size; what is freed is used again.
        """
        gone = [
            name for (name,) in self._db.execute("SELECT DISTINCT event_id FROM event WHERE time_ns < ?", [before_ns])
        ]
        with self._writing():
            self._db.execute("DELETE FROM pick WHERE time_ns < ?", [before_ns])
            self._db.executemany("DELETE FROM event WHERE event_id = ?", [(name,) for name in gone])
        return gone

    def _value(self, query: str, *values: Any) -> Any:
        return self._db.execute(query, values).fetchone()[0]
