"""Magnitudes of a live event: they come with the data, and stay when the data go."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace

import pytest

import ground
from jijin.io.archive import Waveforms
from jijin.io.timeline import between
from jijin.live.engine import Tick
from jijin.live.events import Events
from jijin.live.sizer import LiveSizer
from jijin.live.tracker import Change
from jijin.network.magnitude import Sizer
from jijin.types import NS, Event, Segment

FOUND = ground.segments(ground.shaking(1e-6))
HERE = ground.origin(ground.arrivals("AAA", 60.0))
WHOLE = Sizer(ground.inventory()).size(HERE, ground.waveforms(FOUND))


def ring(first_s: float, last_s: float, found: Sequence[Segment] = FOUND) -> Waveforms:
    """The data of these seconds after the first sample."""
    held = [between(s, ground.START + round(first_s * NS), ground.START + round(last_s * NS)) for s in found]
    return ground.waveforms([segment for segment in held if segment])


def test_the_magnitude_comes_with_the_main_part_of_the_window() -> None:
    sizer = LiveSizer(ground.inventory())
    seen = [sizer.size(HERE, ring(0, until_s)) for until_s in (36, 42, 46, 60)]
    assert [found.value is None for found in seen] == [True, True, False, False]
    assert "the end of the record" in seen[1].reason
    assert seen[-1] == WHOLE


def test_until_ns_is_when_all_windows_are_over() -> None:
    sizer = LiveSizer(ground.inventory())
    end_s = (sizer.until_ns(HERE) - ground.START) / NS
    assert end_s == pytest.approx(ground.S_S + (ground.S_S - ground.P_S) + 10)
    assert sizer.until_ns(ground.origin()) == ground.origin().time_ns


def test_a_magnitude_stays_when_the_waveforms_are_gone() -> None:
    sizer = LiveSizer(ground.inventory())
    assert sizer.size(HERE, ring(0, 60)) == WHOLE
    assert sizer.size(HERE, ring(80, 90)) == sizer.size(HERE, ring(0, 0)) == WHOLE


def test_an_amplitude_of_an_unfinished_window_stays_when_the_station_falls_silent() -> None:
    sizer = LiveSizer(ground.inventory())
    early = sizer.size(HERE, ring(0, 46))
    assert early.value is not None
    assert sizer.size(HERE, ring(80, 90)) == early


def test_an_event_that_moves_is_as_large_as_if_it_were_read_there() -> None:
    moved = ground.origin(ground.arrivals("AAA", 70.0), depth_km=9.0)
    sizer = LiveSizer(ground.inventory(elevation_m=500.0))
    sizer.size(HERE, ring(0, 60))
    there = Sizer(ground.inventory(elevation_m=500.0)).size(moved, ground.waveforms(FOUND))
    found = sizer.size(moved, ring(80, 90))
    assert found.value == pytest.approx(there.value)
    assert [one.distance_km for one in found.stations] == pytest.approx([one.distance_km for one in there.stations])


def test_the_next_event_at_a_station_is_read_by_itself() -> None:
    sizer = LiveSizer(ground.inventory())
    sizer.size(HERE, ring(0, 60))
    later = [Segment(s.seed_id, s.start_ns + 600 * NS, s.sampling_rate, 10 * s.data) for s in FOUND]
    first, second = ground.arrivals("AAA", 60.0, late_s=600.0)
    on_time = ground.placed(HERE.time_ns + 600 * NS, 0.0, 0.0, 0.0, [ground.on_time(first), ground.on_time(second)])
    found = sizer.size(on_time, ground.waveforms(later))
    assert found.value == pytest.approx(WHOLE.value + 1, abs=1e-6)  # type: ignore[operator]
    assert sizer.size(HERE, ring(80, 90)) == WHOLE


def test_an_event_is_sized_again_when_its_windows_are_over() -> None:
    now = SimpleNamespace(ns=ground.START + round(40 * NS))
    clock = SimpleNamespace(now_ns=lambda: now.ns)
    sizer = LiveSizer(ground.inventory())

    def build(picks: object, waveforms: Waveforms | None = None) -> list[Event]:
        return [Event("e", HERE, sizer.size(HERE, waveforms))]

    def arrived(nsl: str, start_ns: int, end_ns: int) -> list[Segment]:
        return ring(0, (now.ns - ground.START) / NS)(nsl, start_ns, end_ns)

    events = Events(SimpleNamespace(build=build), arrived, clock, until_ns=sizer.until_ns)  # type: ignore[arg-type]
    events.stepped = True
    told: list[Event] = []
    events.listeners.append(lambda change: told.append(change.event))

    def tick(at_s: float, *changes: Change) -> None:
        now.ns = ground.START + round(at_s * NS)
        events(Tick(now.ns, changes=changes))

    tick(40, *(Change("new", str(i), a.pick) for i, a in enumerate(HERE.arrivals)))
    assert [event.magnitude.value for event in told] == [None]  # type: ignore[union-attr]
    tick(50)
    assert len(told) == 1
    tick(75)
    assert [event.magnitude.value for event in told] == [None, WHOLE.value]  # type: ignore[union-attr]
    tick(85)
    assert len(told) == 2
