"""One station-day: its samples from the archive, through one Detector, to the picks of that day.

Windows lie on a grid fixed in UTC, so a day picked by itself gives the picks of a continuous run, as long as it sees
enough of what is before and after it: MARGIN_NS on both sides. Of the picks found, those within the day are its own; a
pick at midnight belongs to the later day, whichever of the two finds it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

from jijin.catalog.told import remarks
from jijin.config import CutConfig, PickConfig
from jijin.detector import Detector
from jijin.io.archive import Archive, Span
from jijin.io.timeline import CHUNK_NS, between
from jijin.store import Coverage, DayResult
from jijin.types import NS, Pick, Segment, StationDay, by_time, samples_to_ns

MARGIN_NS = 600 * NS  # the longest detection (300 s), two windows, and as much again


@dataclass(frozen=True, slots=True)
class Picking:
    """How station-days are picked. model : a name or a file, loaded once in each process, or a model."""

    model: Any = "cba"
    cut: CutConfig = field(default_factory=CutConfig)
    pick: PickConfig = field(default_factory=PickConfig)
    span: Span = field(default_factory=Span)  # picks outside of it are left out


@dataclass(frozen=True, slots=True)
class Task:
    """A station-day with all that a worker in another process, or on another machine, needs for it."""

    job: StationDay
    archive: Archive
    picking: Picking


def pick_day(task: Task) -> DayResult:
    """Picks and coverage of a station-day. What goes wrong is in the result: one station never stops the others."""
    with remarks() as texts:
        try:
            result = _pick_day(task)
        except Exception as error:  # files, servers and thirty readers: anything may be raised, none may end the run
            reason = " ".join(str(error).split()) or type(error).__name__
            return DayResult(task.job, note=reason[:500], failed=True)
    return replace(result, remarks=tuple(dict.fromkeys(texts)))


def _pick_day(task: Task) -> DayResult:
    job, archive, picking = task.job, task.archive, task.picking
    segments = archive.segments(job.station, job.start_ns - MARGIN_NS, job.end_ns + MARGIN_NS)
    start_ns, end_ns = picking.span.cut(job.start_ns, job.end_ns)
    own = [part for one in segments if (part := between(one, start_ns, end_ns))]
    note = "; ".join(f"{where}: {what}" for where, what in archive.problems.items())
    if not own:
        return DayResult(job, note=note, failed=bool(note))
    detector = Detector(_model(picking.model), picking.cut, picking.pick)
    found = list(_picks(detector, segments))
    mine = (pick for pick in found if start_ns <= pick.time_ns < end_ns)
    return DayResult(job, tuple(by_time(mine)), tuple(coverage(own)), note)


def _picks(detector: Detector, segments: list[Segment]) -> Iterator[Pick]:
    """Fed in pieces, so that only the samples themselves are in memory for the whole day."""
    starts = sorted({at for s in segments for at in range(s.start_ns // CHUNK_NS, (s.end_ns - 1) // CHUNK_NS + 1)})
    for at in starts:
        parts = (between(one, at * CHUNK_NS, (at + 1) * CHUNK_NS) for one in segments)
        yield from detector.feed([part for part in parts if part])
    yield from detector.flush()


def _model(model: Any) -> Any:
    return _load(model) if isinstance(model, str) else model


@cache
def _load(name: str) -> Any:
    """A model on one thread: processes share the work, and sums do not depend on the machine."""
    from jijin.models import load

    return load(name, threads=1)


def coverage(segments: Iterable[Segment]) -> list[Coverage]:
    """Where each channel has data; pieces less than one and a half samples apart are one."""
    found: dict[str, list[tuple[int, int]]] = {}
    for one in sorted(segments, key=lambda s: (s.seed_id, s.start_ns)):
        spans = found.setdefault(one.seed_id, [])
        if spans and one.start_ns - spans[-1][1] <= samples_to_ns(0.5, one.sampling_rate):
            spans[-1] = (spans[-1][0], max(spans[-1][1], one.end_ns))
        else:
            spans.append((one.start_ns, one.end_ns))
    return [Coverage(seed_id, tuple(spans)) for seed_id, spans in found.items()]
