"""Events while they happen: one name over all versions, nothing twice, what was known when is kept."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from earthquakes import START_NS, VP, VS, Truth, earthquake, network
from jijin.live.engine import Tick
from jijin.live.events import FOLDER, WINDOW_NS, EventChange, Events
from jijin.live.keeper import Keeper
from jijin.live.tracker import Change
from jijin.network.build import EventBuilder
from jijin.network.stations import Stations
from jijin.network.velocity import VelocityModel
from jijin.store import Store, pick_id
from jijin.types import NS, Pick

pytest.importorskip("pyocto")

HALF_SPACE = VelocityModel("half-space", (0.0,), (VP,), (VS,))


class SetClock:
    def __init__(self) -> None:
        self.time_ns = START_NS

    def now_ns(self) -> int:
        return self.time_ns


@pytest.fixture
def stations() -> Stations:
    return network(12, 50, np.random.default_rng(3))


@pytest.fixture
def truth(stations: Stations) -> Truth:
    rng = np.random.default_rng(5)
    return earthquake(stations, START_NS + 20 * NS, (5, 2, 8), rng, missed=(0, 0), sigma_s=(0.02, 0.04))


def made(stations: Stations, keeper: Keeper | None = None, **known: object) -> Events:
    return Events(EventBuilder(stations, HALF_SPACE), lambda *_: [], SetClock(), keeper, "fake/1", **known)  # type: ignore[arg-type]


def tell(events: Events, kind: str, picks: Iterable[Pick], keys: Iterable[str] | None = None) -> list[EventChange]:
    picks = list(picks)
    named = list(keys or map(pick_id, picks))
    changes = [Change(kind, key, pick) for key, pick in zip(named, picks, strict=True)]  # type: ignore[arg-type]
    events(Tick(START_NS, changes=changes))
    return events.step()


def in_time(truth: Truth) -> list[Pick]:
    return sorted(truth.picks, key=lambda pick: pick.time_ns)


def test_an_event_is_updated_under_its_name_while_its_picks_come(stations: Stations, truth: Truth) -> None:
    events, picks = made(stations), in_time(truth)
    told = [change for n in range(0, len(picks), 4) for change in tell(events, "new", picks[n : n + 4])]
    assert [c.kind for c in told] == ["new"] + ["updated"] * (len(told) - 1) and len(told) > 2
    assert {c.event.event_id for c in told} == {told[0].event.event_id}
    assert [c.event.version for c in told] == list(range(1, len(told) + 1))
    assert len(told[-1].event.origin.arrivals) > 0.8 * len(picks)


def test_confirmed_picks_at_slightly_other_times_are_the_same_event(stations: Stations, truth: Truth) -> None:
    events, picks = made(stations), in_time(truth)
    first = tell(events, "new", picks)[0].event
    moved = [replace(pick, time_ns=pick.time_ns + 30_000_000) for pick in picks]
    (change,) = tell(events, "confirmed", moved, map(pick_id, picks))
    assert change.kind == "updated" and change.event.event_id == first.event_id and change.event.version == 2
    assert {a.pick for a in change.event.origin.arrivals} <= set(moved)


def test_nothing_new_gives_no_version(stations: Stations, truth: Truth) -> None:
    events, picks = made(stations), in_time(truth)
    tell(events, "confirmed", picks)
    nudged = [replace(picks[0], time_ns=picks[0].time_ns + 1_000_000), *picks[1:]]
    assert tell(events, "confirmed", nudged, map(pick_id, picks)) == []


def test_an_event_whose_picks_are_withdrawn_is_none(stations: Stations, truth: Truth) -> None:
    events, picks = made(stations), in_time(truth)
    (new,) = tell(events, "new", picks)
    (gone,) = tell(events, "withdrawn", picks)
    assert (gone.kind, gone.event.event_id) == ("withdrawn", new.event.event_id) and not events.known


def test_an_event_that_one_association_misses_is_not_withdrawn_at_once(stations: Stations, truth: Truth) -> None:
    events, picks = made(stations), in_time(truth)
    tell(events, "new", picks)
    real, events._builder = events._builder, SimpleNamespace(build=lambda *_: [])  # type: ignore[assignment]
    assert events.step() == events.step() == []
    events._builder = real
    assert events.step() == [] and len(events.known) == 1
    events._builder = SimpleNamespace(build=lambda *_: [])  # type: ignore[assignment]
    assert [change.kind for _ in range(3) for change in events.step()] == ["withdrawn"]


def test_an_old_event_stays_as_it_is_and_memory_is_bounded(stations: Stations, truth: Truth) -> None:
    events, picks = made(stations), in_time(truth)
    tell(events, "confirmed", picks)
    for n in range(1, 5):
        later = [replace(pick, time_ns=pick.time_ns + n * WINDOW_NS) for pick in picks]
        (change,) = tell(events, "confirmed", later)
        assert change.kind == "new"
    assert len(events.known) <= 2 and len(events._picks) <= 2 * len(picks) and len(events._keys) <= 2 * len(picks)


def test_versions_are_kept_with_the_time_they_were_made_and_as_quakeml(
    stations: Stations, truth: Truth, tmp_path: Path
) -> None:
    from obspy import read_events

    keeper = Keeper(tmp_path, {}, stations)
    events, picks = made(stations, keeper), in_time(truth)
    tell(events, "new", picks[:14])
    events._clock.time_ns += 5 * NS  # type: ignore[attr-defined]
    (last,) = tell(events, "new", picks[14:])
    keeper.close()
    with Store.open(tmp_path) as store:
        kept = store.versions(last.event.event_id)
    assert [(e.version, e.creation_ns) for e in kept] == [(1, START_NS), (2, START_NS + 5 * NS)]
    files = sorted((tmp_path / FOLDER).iterdir())
    assert [path.name.rpartition(".v")[2] for path in files] == ["1.xml", "2.xml"]
    read = read_events(str(files[1]))[0]
    assert read.preferred_origin().time.ns // 10**6 == last.event.origin.time_ns // 10**6
    assert len(read.picks) == len(last.event.origin.arrivals)


def test_after_a_restart_an_event_goes_on_under_its_name(stations: Stations, truth: Truth) -> None:
    before, picks = made(stations), in_time(truth)
    first = tell(before, "confirmed", picks[:14])[0].event
    after = made(stations, known=[first], picks=[(pick_id(p), p) for p in picks[:14]])
    (change,) = tell(after, "confirmed", picks[14:])
    assert change.kind == "updated" and change.event.event_id == first.event_id


def test_an_associator_that_fails_is_asked_again(
    stations: Stations, truth: Truth, caplog: pytest.LogCaptureFixture
) -> None:
    events, picks = made(stations), in_time(truth)
    real, events._builder = events._builder, None  # type: ignore[assignment]
    assert tell(events, "new", picks) == [] and "could not be associated" in caplog.text
    events._builder = real
    assert [c.kind for c in events.step()] == ["new"]
