"""Picks of a run to its events, one UTC day after the other, each day committed as a whole.

A day's picks are associated together with those of OVERLAP_NS before and after it, but for picks that events of the
day before have taken; of what comes out, the events whose first pick lies before the day's end are its own. So an event
at midnight is found once, a year takes no more memory than a day, and a run that was killed goes on as if it had not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from jijin.catalog.settings import RunConfig
from jijin.catalog.told import Report
from jijin.discriminate import Discriminator
from jijin.errors import DataError, ReadError
from jijin.io.archive import Waveforms
from jijin.network.associate import TWINS_S
from jijin.network.build import EventBuilder
from jijin.network.magnitude import Sizer
from jijin.network.stations import Stations, net_sta
from jijin.network.velocity import VelocityModel
from jijin.store import Store
from jijin.store.codec import build
from jijin.types import DAY_NS, NS, Event, Pick, Segment

if TYPE_CHECKING:
    from obspy import Inventory

OVERLAP_NS = 600 * NS  # longer than any travel time that is associated
EARLY_NS = 60 * NS  # a first pick this far into the day before may be new: its event lacked picks to be found there
RESPONSE = "response.xml"  # in the folder of a run: the inventory that magnitudes need


class Builder(Protocol):
    """Picks to events; EventBuilder is one."""

    def build(self, picks: Iterable[Pick], waveforms: Waveforms | None = None) -> list[Event]:
        """Associated, located, sized and classified."""


def event_builder(store: Store, config: RunConfig) -> EventBuilder:
    """What a run makes its events with: its stations, velocity model and responses, kept when it was begun."""
    settings, stations = store.settings, Stations(tuple(store.stations()))
    velocity: VelocityModel = build(VelocityModel, settings["velocity"])
    late_s = {(name, phase): value for key, value in settings["corrections"].items() for name, phase in [key.split()]}
    sizer = Sizer(_inventory(store.folder / RESPONSE), config.magnitude)
    discriminator = Discriminator(config=config.discriminate)
    return EventBuilder(stations, velocity, config.associate, config.locate, sizer, discriminator, late_s)


def _inventory(path: Path) -> Inventory | None:
    if not path.exists():
        return None
    from obspy import read_inventory

    try:
        return read_inventory(str(path))
    except Exception as error:  # ObsPy's readers raise what lxml or struct happen to raise
        raise ReadError(f"{path}: ObsPy cannot read it as station metadata ({error})") from error


def build_days(store: Store, builder: Builder, waveforms: Waveforms, report: Report) -> None:
    """Events of every day with picks that is not finished yet."""
    days = sorted(set(store.pick_days()) - store.event_days())
    samples = lenient(waveforms, report.note)
    with report.progress("locating", len(days), "days") as advance:
        for day in days:
            store.add_event_day(day, of_day(store, builder, samples, day))
            advance(1)


def of_day(store: Store, builder: Builder, waveforms: Waveforms, day: int) -> list[Event]:
    """The events of one day, given those of the day before."""
    start, end = day * DAY_NS, (day + 1) * DAY_NS
    before = store.events(start - 2 * OVERLAP_NS, start)
    taken = [pick for event in before for pick in picks_of(event)]
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


def picks_of(event: Event) -> Sequence[Pick]:
    """All picks of an event, those without weight too."""
    return [arrival.pick for arrival in event.origin.arrivals]


def _first_ns(event: Event) -> int:
    return min(pick.time_ns for pick in picks_of(event))


def lenient(waveforms: Waveforms, tell: Callable[[str], None]) -> Waveforms:
    """Waveforms for magnitudes: what cannot be read is told and left out, the event is worth more."""

    def samples(name: str, start_ns: int, end_ns: int) -> list[Segment]:
        try:
            return waveforms(name, start_ns, end_ns)
        except (DataError, OSError) as error:
            tell(f"no waveforms for a magnitude: {error}")
            return []

    return samples
