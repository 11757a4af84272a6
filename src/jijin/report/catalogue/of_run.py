"""A finished or growing run as its page sees it."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jijin.errors import JijinError
from jijin.io.archive import Archive, Span, open_archive
from jijin.network.traveltime import TravelTimes
from jijin.network.velocity import VelocityModel
from jijin.report.catalogue.availability import union
from jijin.report.catalogue.view import RunView
from jijin.report.catalogue.view import Span as Stretch
from jijin.store import Store
from jijin.store.codec import decode
from jijin.types import Event, nsl

MARGIN = 1.2  # tables of travel times reach so much farther than the farthest arrival
LEAST_REACH_KM = 50.0


def of_run(
    folder: str | Path, name: str | None = None, waveforms: str | None = "", span: Span | None = None
) -> RunView:
    """The run in a folder, or the part of it within a span. All its events are in memory, with their arrivals.

    waveforms: where they are read; "" for the run's own source, but for a data centre, which is asked only if named;
    None for nowhere. Raises DataError if no run is there, or ReadError if waveforms are asked for by name and are not
    there. That the run's own source is a feed, or not there any more, becomes a note.
    """
    span = span or Span()
    with Store.open(folder) as store:
        settings, progress, stations = store.settings, store.progress(), store.stations()
        events = store.events(span.start_ns, span.end_ns)
        picks = Counter(nsl(pick.seed_id) for pick in store.each_pick(span.start_ns, span.end_ns))
        coverage = _coverage(store, span)
    notes = [f"{job}: {note}" for job, note in progress.notes.items()]
    if progress.todo:
        notes.insert(0, f"{progress.todo} of {progress.total} station-days are still to be done")
    archive = _archive(settings, waveforms, notes)
    return RunView(
        name or Path(folder).absolute().name, events, stations, coverage, picks, settings, notes,
        archive.segments if archive else None, _travel_times(settings, events),
    )  # fmt: skip


def _coverage(store: Store, span: Span) -> dict[str, list[Stretch]]:
    """By NET.STA.LOC, where any channel has data."""
    found: dict[str, list[Stretch]] = defaultdict(list)
    for channels in store.coverage().values():
        for channel in channels:
            cut = (span.cut(*stretch) for stretch in channel.spans)
            found[nsl(channel.seed_id)] += [(start, end) for start, end in cut if start < end]
    return {name: union(stretches) for name, stretches in found.items()}


def _archive(settings: Mapping[str, Any], source: str | None, notes: list[str]) -> Archive | None:
    """Where waveforms are read, None if nowhere."""
    own = str(settings.get("source") or "")
    if source is None or not (source or own):
        return None
    span = Span(settings.get("start_ns"), settings.get("end_ns"))
    if source:
        return open_archive(source, span)
    if own.startswith("fdsn://"):
        notes.append(f"no waveforms in this page: they would be asked for again, as --waveforms '{own}' does")
        return None
    try:
        return open_archive(own, span)
    except (JijinError, OSError) as error:
        notes.append(f"no waveforms in this page: {error}")
        return None


def _travel_times(settings: Mapping[str, Any], events: Sequence[Event]) -> TravelTimes | None:
    """In the velocity model that the run was made with."""
    if not settings.get("velocity"):
        return None
    model = decode(VelocityModel, json.dumps(settings["velocity"]))
    farthest = max((a.distance_km for event in events for a in event.origin.arrivals), default=0.0)
    return TravelTimes(model, max(MARGIN * farthest, LEAST_REACH_KM))
