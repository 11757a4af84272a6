"""Picks of a run to its events, UTC day by UTC day, each day committed as a whole.

A day's picks are associated together with those of OVERLAP_NS before and after it, but for picks that events of the
days beside it have taken; of what comes out, the events whose first pick lies within the day, or a little before it,
are its own. Even days come first, then odd ones: days of one kind do not meet, so processes work on them side by side,
and an event at midnight is found once. A year takes no more memory than a few days, and a run that was killed goes on
as if it had not been.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from jijin.catalog import workers
from jijin.catalog.settings import RunConfig, from_tables
from jijin.catalog.told import Report, remarks
from jijin.discriminate import Discriminator
from jijin.errors import DataError
from jijin.io.archive import Archive, Waveforms
from jijin.io.file_archive import day_name
from jijin.network.associate import TWINS_S
from jijin.network.build import EventBuilder
from jijin.network.magnitude import Sizer
from jijin.network.station_files import read_inventory
from jijin.network.stations import Stations
from jijin.network.velocity import VelocityModel
from jijin.store import Store
from jijin.store.codec import build
from jijin.types import DAY_NS, NS, Event, Pick, Segment, net_sta

OVERLAP_NS = 600 * NS  # longer than any travel time that is associated
EARLY_NS = 60 * NS  # a first pick this far into the day before may be new: its event lacked picks to be found there
RESPONSE = "response.xml"  # in the folder of a run: the inventory that magnitudes need


@dataclass(frozen=True, slots=True)
class DayTask:
    """A day (since 1970) of a run in a folder, with the part of the archive that magnitudes may need."""

    day: int
    folder: Path
    archive: Archive


@dataclass(frozen=True, slots=True)
class DayEvents:
    """What came of a day; failed says why nothing did, "" if all is well."""

    day: int
    events: tuple[Event, ...] = ()
    notes: tuple[str, ...] = ()
    failed: str = ""


def event_builder(store: Store, config: RunConfig) -> EventBuilder:
    """What a run makes its events with: its stations, velocity model and responses, kept when it was begun."""
    return builder_of(store.settings, Stations(tuple(store.stations())), store.folder / RESPONSE, config)


def builder_of(
    settings: Mapping[str, Any], stations: Stations, response: Path | None, config: RunConfig
) -> EventBuilder:
    """The same for a run that may not be there yet. ConfigError, ReadError or DataError for what cannot be used."""
    velocity: VelocityModel = build(VelocityModel, settings["velocity"])
    late_s = {(name, phase): value for key, value in settings["corrections"].items() for name, phase in [key.split()]}
    inventory = read_inventory(response) if response and response.exists() else None
    sizer = Sizer(inventory, config.magnitude)
    discriminator = Discriminator(config=config.discriminate)
    return EventBuilder(stations, velocity, config.associate, config.locate, sizer, discriminator, late_s)


def build_days(store: Store, archive: Archive, count: int, report: Report) -> None:
    """Events of every day with picks that is not finished yet, by so many processes."""
    left = sorted(set(store.pick_days()) - store.event_days())
    told: set[str] = set()
    if left:
        report.note(f"{store.count_picks()} picks; associating and locating {len(left)} day(s)")
    with report.progress("locating", len(left), "days") as advance:
        for parity in (0, 1):
            days = [day for day in left if day % 2 == parity]
            tasks = (DayTask(day, store.folder, archive.day(day)) for day in days)
            for result in _results(tasks, min(count, len(days))):
                _keep(store, result, told, report)
                advance(1)


def _results(tasks: Iterable[DayTask], count: int) -> Iterator[DayEvents]:
    if count > 1:
        return workers.in_processes(tasks, build_day, _given_up, count)
    return workers.here(tasks, build_day)


def _given_up(task: DayTask, reason: str) -> DayEvents:
    return DayEvents(task.day, failed=reason)


def _keep(store: Store, result: DayEvents, told: set[str], report: Report) -> None:
    for note in result.notes:
        if note not in told:
            told.add(note)
            report.note(note)
    if result.failed:
        report.fail(f"events of {day_name(result.day)}: {result.failed}")
    else:
        store.add_event_day(result.day, result.events)


def build_day(task: DayTask) -> DayEvents:
    """The events of one day, given those of the days beside it that are in the run."""
    notes: list[str] = []
    with Store.open(task.folder) as store, remarks() as logged:
        builder = _builder(task.folder, json.dumps(store.settings))
        events = of_day(store, builder, lenient(task.archive.segments, notes.append), task.day)
    return DayEvents(task.day, tuple(events), tuple(dict.fromkeys([*notes, *logged])))


@lru_cache(maxsize=1)
def _builder(folder: Path, settings: str) -> EventBuilder:
    """Of a run, made once in each process; settings are there to know another run in the same folder."""
    with Store.open(folder) as store:
        return event_builder(store, from_tables(json.loads(settings)["config"], str(folder)))


def of_day(store: Store, builder: EventBuilder, waveforms: Waveforms, day: int) -> list[Event]:
    """The events of one day, given those of the days beside it that are in the run."""
    start, end = day * DAY_NS, (day + 1) * DAY_NS
    beside = store.events(start - 2 * OVERLAP_NS, end + 2 * OVERLAP_NS)
    taken = [pick for event in beside for pick in event.origin.picks]
    picks = list(free(store.each_pick(start - OVERLAP_NS, end + OVERLAP_NS), taken))
    return [event for event in builder.build(picks, waveforms) if start - EARLY_NS <= _first_ns(event) < end]


def free(picks: Iterable[Pick], taken: Iterable[Pick]) -> Iterator[Pick]:
    """Picks that are not taken, and not of an onset that is: a station's sensors each have a pick of it."""
    times: dict[tuple[str, str], list[int]] = {}
    for pick in taken:
        times.setdefault((net_sta(pick.seed_id), pick.phase_hint), []).append(pick.time_ns)
    for pick in picks:
        near = times.get((net_sta(pick.seed_id), pick.phase_hint), ())
        if all(abs(pick.time_ns - time_ns) > TWINS_S * NS for time_ns in near):
            yield pick


def _first_ns(event: Event) -> int:
    return min(pick.time_ns for pick in event.origin.picks)


def lenient(waveforms: Waveforms, tell: Callable[[str], None]) -> Waveforms:
    """Waveforms for magnitudes: what cannot be read is told and left out, the event is worth more."""

    def samples(name: str, start_ns: int, end_ns: int) -> list[Segment]:
        try:
            return waveforms(name, start_ns, end_ns)
        except (DataError, OSError) as error:
            tell(f"no waveforms for a magnitude: {error}")
            return []

    return samples
