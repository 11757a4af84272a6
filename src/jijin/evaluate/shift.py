"""The same record from many starts: a picker that sees windows should give the same picks wherever a window begins.

Picks of all starts are grouped in time. A group that some starts lack is an arrival that comes and goes; `lost` is the
chance that a pick made from one start is not made from another one, which does not depend on how many were tried.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from jijin.config import CutConfig
from jijin.data.traces import LETTERS, LabelledTrace, P, S
from jijin.evaluate.matching import Picks
from jijin.evaluate.pickers import Picker, applied, in_a_detector
from jijin.evaluate.scores import bootstrap, share_of
from jijin.evaluate.windows import window_at
from jijin.types import IN_SAMPLES, NS, RATE, Segment

STARTS = tuple(
    210 * k + k % 4 for k in range(10)
)  # samples: every tenth of a second, every phase of a network's strides
GRID_STARTS = tuple(611 * k for k in range(5))  # spread over the 30 s of the detector's coarsest grid
EDGE = 500  # samples at the ends of what is seen, where a picker has too little to go on: not compared
REACH = 50  # samples within which picks of two starts are one
SMALL_S = 0.02  # a move that does not matter
CHOICES = (
    *(CutConfig(between=count) for count in (0, 1, 2, 3, 5, 7)),
    *(CutConfig(blinding_s=blinding_s) for blinding_s in (1.0, 10.0)),
    *(CutConfig(stride_s, between=count) for stride_s in (15.0, 10.0) for count in (0, 3)),
)
EPOCH_NS = 1_700_000_040 * NS  # any multiple of the detector's strides


@dataclass(frozen=True, slots=True)
class Stability:
    """lost : share of picks another start does not make, with its 95 % interval; unsteady : share of arrivals that
    some start misses; moved : median and 95th percentile of the distance to the median time, in s; far : share of
    picks more than 0.02 s away."""

    picker: str
    seen_in: str
    phase: str
    arrivals: int
    lost: float
    interval: tuple[float, float]
    unsteady: float
    moved_median_s: float
    moved_95_s: float
    far: float


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """Picks of one phase of one record, from every start; samples of the record, all within first ... stop."""

    picks: Sequence[Picks]
    first: float
    stop: float
    source_group: str


def in_windows(picker: Picker, traces: Iterable[LabelledTrace], starts: Sequence[int] = STARTS) -> list[Stability]:
    """Stability of single windows, of both phases. Traces too short for two starts are left out."""
    seen: dict[int, list[Seen]] = {P: [], S: []}
    for trace in traces:
        here = [s for s in starts if s + IN_SAMPLES <= trace.data.shape[1]]
        if len(here) < 2:
            continue
        found = picker.picks([window_at(trace, start) for start in here])
        for phase in (P, S):
            picks = [[(x + start, p) for x, p in row] for row, start in zip(found[phase], here, strict=True)]
            seen[phase].append(Seen(picks, here[-1] + EDGE, here[0] + IN_SAMPLES - EDGE, trace.source_group))
    return [stability(picker.name, "windows", LETTERS[phase], seen[phase]) for phase in (P, S)]


def in_detector(
    picker: Picker, traces: Iterable[LabelledTrace], cut: CutConfig, starts: Sequence[int] = GRID_STARTS
) -> list[Stability]:
    """Stability of stitched windows: whole records through the detector, begun at many places of its grid."""
    seen: dict[int, list[Seen]] = {P: [], S: []}
    for trace in traces:
        runs = [detect(picker, trace, cut, start) for start in starts]
        for phase in (P, S):
            picks = [run[phase] for run in runs]
            seen[phase].append(Seen(picks, EDGE, trace.data.shape[1] - EDGE, trace.source_group))
    how = in_words(applied(picker, cut))
    return [stability(picker.name, how, LETTERS[phase], seen[phase]) for phase in (P, S)]


def in_words(cut: CutConfig) -> str:
    """How windows are laid.

    >>> in_words(CutConfig())
    'detector, every 30 s, 7 between, 5 s blinded'
    """
    return f"detector, every {cut.stride_s:g} s, {cut.between} between, {cut.blinding_s:g} s blinded"


def detect(picker: Picker, trace: LabelledTrace, cut: CutConfig, start: int) -> dict[int, Picks]:
    """Picks of a record through the detector, in samples of the record, which begins at a sample of the UTC grid."""
    begin_ns = EPOCH_NS + round(start * NS / RATE)
    detector = in_a_detector(picker, cut)
    recorded = [(c, row) for c, row in zip("ZNE", trace.data, strict=True) if row.any()]
    found = detector.feed([Segment(f"XX.STA..HH{c}", begin_ns, RATE, row) for c, row in recorded])
    found += detector.flush()
    return {
        phase: [((p.time_ns - begin_ns) * RATE / NS, p.probability) for p in found if p.phase_hint == LETTERS[phase]]
        for phase in (P, S)
    }


def stability(name: str, seen_in: str, phase: str, seen: Sequence[Seen]) -> Stability:
    """How steady the picks of all records are."""
    rows, moves, groups, unsteady = [], [], [], 0
    for record in seen:
        n = len(record.picks)
        for times in arrivals(record):
            rows.append((len(times) * (n - len(times)) / (n - 1), len(times)))
            moves += np.abs(times - np.median(times)).tolist()
            groups.append(record.source_group)
            unsteady += len(times) < n
    sums, moved = np.array(rows, float).reshape(-1, 2), np.array(moves or [np.nan]) / RATE
    lost, interval = float(share_of(sums.sum(0))), bootstrap(sums, groups, share_of)
    half, most = np.percentile(moved, (50, 95)).tolist()
    far = float((moved > SMALL_S).mean())
    return Stability(name, seen_in, phase, len(rows), lost, interval, unsteady / max(len(rows), 1), half, most, far)


def arrivals(record: Seen) -> list[NDArray[np.float64]]:
    """Times at which an arrival is picked, one a start that finds it, of every arrival well inside the stretch."""
    flat = sorted((x, -p, k) for k, row in enumerate(record.picks) for x, p in row)
    if not flat:
        return []
    breaks = np.flatnonzero(np.diff([x for x, *_ in flat]) > REACH) + 1
    out = []
    for group in np.split(np.arange(len(flat)), breaks):
        best: dict[int, tuple[float, float]] = {}  # of two picks of one start the surer
        for x, minus, k in (flat[i] for i in group):
            best[k] = min(best.get(k, (0.0, 0.0)), (minus, x))
        times = np.array([x for _, x in best.values()])
        if record.first + REACH <= np.median(times) < record.stop - REACH:
            out.append(times)
    return out
