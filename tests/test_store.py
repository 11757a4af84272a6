"""The run's database: what is written comes back, whole or not at all; one writer."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from jijin.errors import DataError
from jijin.store import Coverage, DayResult, Store, exists, pick_id
from jijin.types import (
    Arrival,
    Detection,
    Event,
    Magnitude,
    Origin,
    Pick,
    SourceType,
    Station,
    StationDay,
    StationMagnitude,
)

DAY = StationDay("XX.AAA", 19675)
NOON = DAY.start_ns + 43_200 * 10**9
P = Pick("XX.AAA..HHZ", "P", NOON, 0.0123456789, 1 / 3, Detection(NOON - 1, NOON + 2, 0.9))
S = Pick("XX.AAA..HHN", "S", NOON + 10**9, 0.05, 0.8)
STATIONS = [Station("XX.AAA.", 1.5, -2.5, 100.0), Station("XX.AAA.", 1.6, -2.5, 90.0, NOON, None)]


def event(event_id: str = "e1", time_ns: int = NOON - 10**9) -> Event:
    arrival = Arrival(P, 12.5, 90.0, None, 0.1, 1.0)
    origin = Origin(
        time_ns, 1.2, -2.4, 7.5, 0.1, (2.0, 1.0), 45.0, 3.0, ((1.0, 0.0), (0.0, 1.0)), True, 0.2, 180.0, 12.5,
        (arrival, replace(arrival, pick=S, takeoff_angle_deg=120.0)), "regional", "edt",
    )  # fmt: skip
    size = Magnitude("ML", None, None, "hutton_boore_1987", (StationMagnitude("XX.AAA.", None, None, None, None, 14.6, "no response"),), "no response")  # fmt: skip  # noqa: E501
    kind = SourceType(None, 0.6, {"earthquake": 0.6, "explosion": 0.4}, (("P/S ratio", -0.25),))
    return Event(event_id, origin, size, kind, creation_ns=NOON)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.create(tmp_path / "run", {"model": "cba", "threshold_p": None}, STATIONS)


def test_settings_and_stations_with_their_epochs_come_back(store: Store) -> None:
    store.close()
    with Store.open(store.folder) as again:
        assert again.settings == {"model": "cba", "threshold_p": None}
        assert again.stations() == STATIONS


def test_picks_come_back_to_the_last_digit(store: Store) -> None:
    store.add_station_day(DayResult(DAY, (S, P)))
    assert store.picks() == [P, S]
    assert store.picks(start_ns=NOON + 1) == [S]
    assert store.picks(end_ns=NOON + 10**9) == [P]


def test_a_station_day_that_is_added_twice_adds_no_pick_twice(store: Store) -> None:
    store.plan([DAY])
    store.add_station_day(DayResult(DAY, note="no memory", failed=True))
    assert store.todo() == [DAY] and store.progress().failed == 1
    for _ in range(2):
        store.add_station_day(DayResult(DAY, (P,), (Coverage("XX.AAA..HHZ", ((NOON, NOON + 864 * 10**9),)),)))
    assert store.picks() == [P] and store.todo() == []
    assert (store.progress().done, store.progress().total) == (1, 1)
    assert store.coverage()[DAY][0].seconds == 864.0


def test_planning_again_keeps_what_is_done(store: Store) -> None:
    later = StationDay("XX.AAA", DAY.day + 1)
    store.plan([DAY])
    store.add_station_day(DayResult(DAY))
    store.plan([later, DAY])
    assert store.todo() == [later]


def test_an_excluded_pick_is_kept_but_not_used(store: Store) -> None:
    store.add_picks([P, S])
    store.exclude([pick_id(S)], "a cow")
    assert store.picks() == [P] and store.picks(excluded=True) == [P, S]
    assert store.excluded() == {pick_id(S): "a cow"}
    store.add_picks([S])
    assert store.picks() == [P]
    store.exclude([pick_id(S)], "")
    assert store.picks() == [P, S]


def test_events_come_back_as_they_were_with_all_versions(store: Store) -> None:
    first = store.save_event(event())
    assert first == event()
    second = store.save_event(replace(event(), magnitude=Magnitude("ML", 2.5, 0.1, "hutton_boore_1987")))
    assert second.version == 2
    assert store.events() == [second] and store.versions("e1") == [first, second]


def test_a_withdrawn_event_is_no_event_until_it_is_saved_anew(store: Store) -> None:
    store.add_event_day(DAY.day, [event(), event("e2", NOON)])
    store.withdraw("e1", "too few picks")
    assert [one.event_id for one in store.events()] == ["e2"]
    assert store.withdrawn() == {"e1": "too few picks"} and store.event_days() == {DAY.day}
    store.save_event(event())
    assert [one.event_id for one in store.events()] == ["e1", "e2"] and store.withdrawn() == {}


def test_a_second_writer_is_refused_and_readers_are_not(store: Store) -> None:
    with pytest.raises(DataError, match="another jijin works on this run"):
        Store.open(store.folder, write=True)
    with Store.open(store.folder) as reader:
        store.add_picks([P])
        assert reader.picks() == [P]
        with pytest.raises(OSError, match="readonly"):
            reader.add_picks([S])
    store.close()
    Store.open(store.folder, write=True).close()


def test_a_run_is_not_made_over_another(store: Store) -> None:
    store.close()
    with pytest.raises(DataError, match="holds a run already"):
        Store.create(store.folder, {})


def test_tables_of_another_version_are_told(store: Store) -> None:
    store._db.execute("PRAGMA user_version=99")
    store.close()
    with pytest.raises(DataError, match="tables of version 99, not 1"):
        Store.open(store.folder)


def test_a_folder_without_a_run_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no run is in it"):
        Store.open(tmp_path)
    (tmp_path / "run.db").write_text("this is no database, it is a note that somebody left in this place" * 20)
    with pytest.raises(DataError, match="not the database of a run"):
        Store.open(tmp_path)


def test_a_full_disk_is_told_and_loses_nothing_that_was_finished(store: Store) -> None:
    store.add_picks([P])
    pages = store._db.execute("PRAGMA page_count").fetchone()[0]
    store._db.execute(f"PRAGMA max_page_count={pages}")
    many = tuple(replace(S, time_ns=S.time_ns + n) for n in range(1000))
    with pytest.raises(OSError, match="the disk is full; what was finished before is kept"):
        store.add_station_day(DayResult(DAY, many))
    assert store.picks() == [P] and store.coverage() == {}


@contextmanager
def limit(size: int) -> Iterator[None]:
    """No file may grow beyond so many bytes."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.skipif(sys.platform == "win32", reason="no limit on the size of a file")
@pytest.mark.parametrize("size", [0, 1 << 10, 20 << 10, 40 << 10])
def test_a_limit_on_the_size_of_files_is_one_sentence_whatever_file_meets_it(
    store: Store, tmp_path: Path, size: int
) -> None:
    store.add_picks([replace(P, time_ns=NOON + n) for n in range(1000)])
    store.close()
    told = (
        r"cannot be written: disk I/O error; check the disk, your quota and `ulimit -f`, then go on: '.*run\.(db|lock)'"
    )
    with pytest.raises(OSError, match=told), limit(size):
        Store.create(tmp_path / "new", {}, STATIONS)
    with pytest.raises(OSError, match=told), limit(size), Store.open(store.folder, write=True) as again:
        again.exclude(again.pick_ids(""), "by hand")


@pytest.mark.skipif(sys.platform == "win32", reason="no limit on the size of a file")
def test_a_disk_without_a_free_byte_is_full_and_no_other_jijin(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jijin.store.schema.shutil.disk_usage", lambda path: SimpleNamespace(free=0))
    with pytest.raises(OSError, match="the disk is full; what was finished before is kept"), limit(0):
        Store.create(tmp_path / "new", {}, STATIONS)
    store.close()
    with pytest.raises(OSError, match="the disk is full; what was finished before is kept"), limit(0):
        Store.open(store.folder)


KILLED = """
import os, signal, sys
from pathlib import Path
from jijin.store import Store, schema
if sys.argv[2] == "create":
    schema.TABLES = schema.TABLES.replace("CREATE INDEX event_time ON event (time_ns);", "SELECT die();")
connect = schema.connect
def dying(*args, **named):
    db = connect(*args, **named)
    db.create_function("die", 0, lambda: os.kill(os.getpid(), signal.SIGKILL))
    return db
schema.connect = dying
if sys.argv[2] == "create":
    Store.create(sys.argv[1], {})
store = Store.open(sys.argv[1], write=True)
with store._writing():
    store._db.execute("INSERT INTO event_day VALUES (7)")
    store._db.execute("SELECT die()")
"""


def killed(folder: Path, moment: str) -> None:
    done = subprocess.run([sys.executable, "-c", KILLED, str(folder), moment], check=False)
    assert done.returncode == -signal.SIGKILL


def test_a_process_killed_in_a_transaction_leaves_nothing_of_it_and_no_lock(store: Store) -> None:
    store.close()
    killed(store.folder, "write")
    with Store.open(store.folder, write=True) as again:
        assert again.event_days() == set()
        assert again._db.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_a_run_killed_while_it_is_made_is_made_anew(tmp_path: Path) -> None:
    killed(tmp_path, "create")
    assert not exists(tmp_path)
    with Store.create(tmp_path, {"a": 1}) as store:
        assert store.settings == {"a": 1}


def test_a_run_in_a_folder_that_cannot_be_written_is_read(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    store.add_picks([P])
    store.close()
    before = sorted(store.folder.iterdir())
    monkeypatch.setattr("jijin.store.schema.os.access", lambda path, mode: False)
    with Store.open(store.folder) as reader:
        assert reader.picks() == [P]
        assert sorted(store.folder.iterdir()) == before


def test_the_database_is_one_that_any_sqlite_can_read(store: Store) -> None:
    store.add_picks([P])
    plain = sqlite3.connect(store.folder / "run.db")
    assert plain.execute("SELECT seed_id, phase_hint, time_ns FROM pick").fetchall() == [(P.seed_id, "P", NOON)]
