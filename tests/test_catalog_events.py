"""Events of a run, day by day: whole at midnight, once, and the same after a run was killed between two days."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from earthquakes import VP, VS, Truth, earthquake, false_picks, network
from jijin.catalog.events import build_days, free, lenient
from jijin.catalog.told import Silence
from jijin.io.file_archive import FileArchive
from jijin.network.stations import Stations
from jijin.network.velocity import VelocityModel
from jijin.store import Store
from jijin.store.codec import encode
from jijin.types import DAY_NS, NS, Event, Pick, Segment

MIDNIGHT = 19_676 * DAY_NS  # 2023-11-15; START_NS of earthquakes.py is 106 minutes before it
AFTER_S = [-900.0, -70.0, -2.0, 55.0, 700.0]  # origin times around midnight


@pytest.fixture(scope="module")
def stations() -> Stations:
    return network(10, 50.0, np.random.default_rng(5))


@pytest.fixture(scope="module")
def truths(stations: Stations) -> list[Truth]:
    """All seen in full; the third has picks on both sides of midnight."""
    rng = np.random.default_rng(6)
    places = [(5, -4, 8), (-9, 3, 6), (2, 2, 9), (0, 9, 7), (-6, -6, 10)]
    times = [MIDNIGHT + round(after * NS) for after in AFTER_S]
    return [earthquake(stations, t, place, rng, missed=(0, 0)) for t, place in zip(times, places, strict=True)]


def built(folder: Path, stations: Stations, picks: list[Pick], stop: int | None = None, count: int = 1) -> list[Event]:
    """Events of a new run with these picks; one that is stopped before a day is opened again and finished."""
    velocity = VelocityModel("half-space", (0.0,), (VP,), (VS,))
    settings = {"velocity": json.loads(encode(velocity)), "corrections": {}, "config": {}}
    with Store.create(folder, settings, stations) as store:
        store.add_picks(picks)
        days = [day for day in store.pick_days() if day % 2 == 0] + [day for day in store.pick_days() if day % 2]
        if stop is not None:
            store.pick_days = lambda: days[:stop]  # type: ignore[method-assign]
        build_days(store, FileArchive({}), count, Silence())
    with Store.open(folder, write=True) as store:
        build_days(store, FileArchive({}), count, Silence())
        return store.events()


def seen(truths: list[Truth]) -> list[Pick]:
    return sorted((pick for truth in truths for pick in truth.picks), key=lambda pick: pick.time_ns)


def test_every_earthquake_around_midnight_is_one_whole_event(
    stations: Stations, truths: list[Truth], tmp_path: Path
) -> None:
    found = built(tmp_path, stations, seen(truths))
    assert len(found) == len(truths)
    for event, truth in zip(found, truths, strict=True):
        assert abs(event.origin.time_ns - truth.time_ns) < NS
        assert len(set(event.origin.picks) & truth.picks) >= 0.9 * len(truth.picks)


def test_a_run_stopped_between_two_days_gives_the_same_events(
    stations: Stations, truths: list[Truth], tmp_path: Path
) -> None:
    picks = seen(truths) + false_picks(stations, 60, 7200.0, np.random.default_rng(7))
    whole, resumed = built(tmp_path / "a", stations, picks), built(tmp_path / "b", stations, picks, stop=1)
    assert [(e.event_id, e.origin) for e in whole] == [(e.event_id, e.origin) for e in resumed]
    assert len(whole) == len(truths)


def test_three_days_side_by_side_give_every_earthquake_once(stations: Stations, tmp_path: Path) -> None:
    rng = np.random.default_rng(8)
    times = [MIDNIGHT + day * DAY_NS + after * NS for day in (0, 1) for after in (-30, -2, 40)]
    quakes = [earthquake(stations, t, (3.0 * n - 8, 5.0 - 2 * n, 8), rng, missed=(0, 0)) for n, t in enumerate(times)]
    found = built(tmp_path, stations, seen(quakes), count=2)
    assert [round((event.origin.time_ns - t) / NS) for event, t in zip(found, times, strict=True)] == [0] * 6


def test_two_sensors_at_every_station_give_no_event_twice(
    stations: Stations, truths: list[Truth], tmp_path: Path
) -> None:
    picks = seen(truths)
    second = [
        replace(p, seed_id=p.seed_id.replace("HH", "HN"), time_ns=p.time_ns + NS // 50, probability=0.3) for p in picks
    ]
    found = built(tmp_path, stations, [*picks, *second])
    assert [e.origin.time_ns // NS for e in found] == [
        e.origin.time_ns // NS for e in built(tmp_path / "b", stations, picks)
    ]


def test_a_pick_of_another_sensor_at_a_taken_onset_is_not_free() -> None:
    taken = Pick("XX.A..HHZ", "P", MIDNIGHT, 0.1, 0.9)
    twin = replace(taken, seed_id="XX.A.10.HNZ", time_ns=MIDNIGHT + NS // 10)
    others = [
        replace(twin, seed_id="XX.B..HHZ"),
        replace(twin, phase_hint="S"),
        replace(taken, time_ns=MIDNIGHT + 2 * NS),
    ]
    assert list(free([taken, twin, *others], [taken])) == others


def test_waveforms_that_cannot_be_read_are_told_and_left_out() -> None:
    def broken(name: str, start_ns: int, end_ns: int) -> list[Segment]:
        raise OSError("the server is gone")

    told: list[str] = []
    assert lenient(broken, told.append)("XX.A.", 0, 1) == []
    assert told == ["no waveforms for a magnitude: the server is gone"]
