"""What the page of a run shows: its events and stations, where there were data, and where waveforms come from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from jijin.io.archive import Waveforms
from jijin.network.traveltime import TravelTimes
from jijin.types import Event, Station

Span = tuple[int, int]  # start and end in nanoseconds


@dataclass(frozen=True, slots=True)
class RunView:
    """A run as its page sees it. Whatever is not known is left empty; the page then says so."""

    name: str
    events: Sequence[Event]  # in order of time
    stations: Sequence[Station]
    coverage: Mapping[str, Sequence[Span]] = field(default_factory=dict)  # NET.STA.LOC -> where it has data
    picks: Mapping[str, int] = field(default_factory=dict)  # NET.STA.LOC -> number of picks, of events or not
    settings: Mapping[str, Any] = field(default_factory=dict)
    notes: Sequence[str] = ()  # what was lost, one sentence each
    waveforms: Waveforms | None = None
    travel_times: TravelTimes | None = None  # those that the events are located with


def magnitude(event: Event) -> float | None:
    """Its magnitude, None if it has none."""
    return event.magnitude.value if event.magnitude else None


def kind(event: Event) -> str:
    """What it was, in QuakeML's words; "not determined" if nobody says."""
    return (event.source_type and event.source_type.event_type) or "not determined"


def used(event: Event) -> int:
    """How many picks its location rests on."""
    return sum(arrival.time_weight > 0 for arrival in event.origin.arrivals)


def largest(events: Sequence[Event], most: int) -> list[int]:
    """Numbers of the largest events, by magnitude, those without one after them by picks; in order of time."""
    if len(events) <= most:
        return list(range(len(events)))

    def size(number: int) -> tuple[float, int]:
        value = magnitude(events[number])
        return (float("-inf") if value is None else value, used(events[number]))

    return sorted(sorted(range(len(events)), key=size, reverse=True)[:most])


def span(view: RunView) -> Span | None:
    """First and last moment that the run knows of, by its data or else by its events."""
    ends = [end for spans in view.coverage.values() for one in spans for end in one]
    ends += [event.origin.time_ns for event in view.events]
    return (min(ends), max(ends)) if ends else None
