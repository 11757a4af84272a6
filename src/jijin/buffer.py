"""The raw samples of one channel, waiting to be cut.

Samples stay at their rate and in their dtype, in runs. The time of sample n of a run is always anchor + n / rate,
whatever pieces it arrived in, so slicing a record does not change a bit of what is computed from it.

* A piece that starts within half a sample of the next expected one continues the run.
* Otherwise there is a gap: both sides are kept and the gap is logged.
* Where pieces overlap, the sample that came first stays.
* Masked, NaN and infinite samples are gaps.
"""

from __future__ import annotations

import logging
import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jijin.resampling import STEP_NS, is_native, kernel, resample_to_grid
from jijin.signal import recorded
from jijin.types import NS, Segment, ns_to_samples, samples_to_ns, utc

log = logging.getLogger("jijin")

SLACK = 1e-3  # samples; above the rounding of start times to nanoseconds, so that half a sample is never a toss-up
SAME_COMB_S = 1e-6  # after a gap, a start this close to a whole number of samples is on the old sampling comb
COMBS = 8  # that are remembered of a channel
SAME_RATE = 1e-5  # relative; headers of one channel write 100 and 100.0000001


@dataclass(slots=True)
class Run:
    """Samples first ... stop - 1 of a comb of times anchor_ns + n / sampling_rate, in parts as they arrived."""

    anchor_ns: int
    sampling_rate: float
    first: int
    parts: list[NDArray[Any]] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)  # index of each part's first sample
    stop: int = 0

    @classmethod
    def of(cls, anchor_ns: int, sampling_rate: float, first: int, data: NDArray[Any]) -> Run:
        """A run of one part."""
        return cls(anchor_ns, sampling_rate, first, [data], [first], first + len(data))

    def __len__(self) -> int:
        return self.stop - self.first

    def time_ns(self, n: int) -> int:
        """Time of sample n."""
        return self.anchor_ns + samples_to_ns(n, self.sampling_rate)

    def position(self, time_ns: int) -> float:
        """Sample number, not rounded, at a time."""
        return ns_to_samples(time_ns - self.anchor_ns, self.sampling_rate)

    def nearest(self, time_ns: int) -> int:
        """First sample that is not more than half a sample before a time."""
        return math.ceil(self.position(time_ns) - 0.5 - SLACK)

    @property
    def start_ns(self) -> int:
        return self.time_ns(self.first)

    @property
    def end_ns(self) -> int:
        """Time one sample after the last."""
        return self.time_ns(self.stop)

    @property
    def last_ns(self) -> int:
        return self.time_ns(self.stop - 1)

    def between(self, first: int, stop: int) -> Run:
        """The samples first ... stop - 1 of this run as a run, sharing memory."""
        first, stop = max(first, self.first), min(stop, self.stop)
        out = Run(self.anchor_ns, self.sampling_rate, first, stop=max(first, stop))
        if first < stop:
            for i in range(bisect_right(self.starts, first) - 1, bisect_left(self.starts, stop)):
                begin = max(first, self.starts[i])
                out.starts.append(begin)
                out.parts.append(self.parts[i][begin - self.starts[i] : stop - self.starts[i]])
        return out

    def continues(self, other: Run) -> bool:
        """True if this run starts where the other one expects its next sample."""
        return self.same_rate(other) and abs(other.position(self.start_ns) - other.stop) <= 0.5 + 2 * SLACK

    def same_rate(self, other: Run) -> bool:
        return abs(self.sampling_rate / other.sampling_rate - 1) < SAME_RATE

    def extend(self, other: Run) -> None:
        """Append the samples of a run that continues this one; they take on this run's times."""
        self.starts += [start - other.first + self.stop for start in other.starts]
        self.parts += other.parts
        self.stop += len(other)

    def snap(self, other: Run) -> bool:
        """Count from the other run's anchor if that does not move the samples; True if so."""
        at = other.position(self.start_ns)
        if not self.same_rate(other) or abs(at - round(at)) >= SAME_COMB_S * self.sampling_rate:
            return False
        shift = round(at) - self.first
        self.anchor_ns, self.sampling_rate = other.anchor_ns, other.sampling_rate
        self.first, self.stop = self.first + shift, self.stop + shift
        self.starts = [start + shift for start in self.starts]
        return True

    def read(self, first: int, stop: int) -> NDArray[np.float64]:
        """Samples as float64; the edge value is held before the first and after the last."""
        inner = self.between(first, stop)
        if not inner.parts:
            edge = self.parts[-1][-1] if first >= self.stop else self.parts[0][0]
            return np.full(stop - first, edge, dtype=np.float64)
        out = np.empty(stop - first)
        begin, end = inner.first - first, inner.stop - first
        np.concatenate(inner.parts, out=out[begin:end])
        out[:begin], out[end:] = out[begin], out[end - 1]
        return out

    @property
    def context(self) -> int:
        """Raw samples needed on both sides of a grid sample."""
        return 0 if is_native(self.sampling_rate) else kernel(self.sampling_rate).half + 1

    @property
    def grid_shift(self) -> int:
        """Grid index of sample 0, for a run at 100 Hz."""
        return _grid(self.anchor_ns)

    @property
    def offset_ns(self) -> int:
        """How much later than its grid index a sample really is: within 5 ms at 100 Hz, none after resampling."""
        return self.anchor_ns - self.grid_shift * STEP_NS if is_native(self.sampling_rate) else 0

    def grid_span(self) -> tuple[int, int]:
        """Grid indices that the run covers: first, one after the last; each sample goes to the nearest index."""
        if is_native(self.sampling_rate):
            return self.first + self.grid_shift, self.stop + self.grid_shift
        return _grid(self.start_ns), _grid(self.last_ns) + 1

    def on_grid(self, first: int, stop: int, out: NDArray[np.float64]) -> None:
        """Write the values at grid indices of its span; at 100 Hz the samples themselves, not interpolated."""
        if is_native(self.sampling_rate):
            np.concatenate(self.between(first - self.grid_shift, stop - self.grid_shift).parts, out=out)
        else:
            out[:] = resample_to_grid(self.read, self.anchor_ns, self.sampling_rate, first, stop)

    def own(self) -> None:
        """Copy what still belongs to the caller, so that it may be changed or freed."""
        self.parts = [part if _is_ours(part) else _ours(part) for part in self.parts]


def _grid(time_ns: int) -> int:
    return (time_ns + STEP_NS // 2) // STEP_NS


def _is_ours(part: NDArray[Any]) -> bool:
    return part.base is None and not part.flags.writeable


def _ours(part: NDArray[Any]) -> NDArray[Any]:
    out = np.array(part)
    out.flags.writeable = False
    return out


def runs_of(segment: Segment) -> Iterator[Run]:
    """The stretches of a segment that hold samples which can be of a record and are not masked."""
    data = np.ma.getdata(segment.data)
    good = ~np.ma.getmaskarray(segment.data) if np.ma.isMaskedArray(segment.data) else None
    if data.dtype.kind == "f":
        sound = recorded(data)
        good = sound if good is None else good & sound
    if good is None or good.all():
        edges = np.array([[0, len(data)]] if len(data) else np.empty((0, 2), int))
    else:
        edges = np.flatnonzero(np.diff(good.astype(np.int8), prepend=0, append=0)).reshape(-1, 2)
    for first, stop in edges.tolist():
        yield Run.of(segment.start_ns, float(segment.sampling_rate), first, data[first:stop])


class Combs:
    """The combs of times that segments of one channel came on lately.

    A segment on one of them is counted from where it began. So the pieces of a record have its times to the bit,
    though each start is rounded to a nanosecond: whatever is masked, and whatever other record lies between them.
    """

    def __init__(self) -> None:
        self._known: list[Run] = []  # without samples; the last one used is the last

    def runs_of(self, segment: Segment) -> list[Run]:
        """As the function of that name."""
        own = Run(segment.start_ns, float(segment.sampling_rate), 0)
        alike = (one for one in reversed(self._known) if one.sampling_rate == own.sampling_rate)
        comb = next((one for one in alike if own.snap(one)), own)
        self._known = [*(one for one in self._known if one is not comb), comb][-COMBS:]
        runs = list(runs_of(segment))
        for run in runs:
            run.snap(comb)
        return runs


class Channel:
    """The runs of one channel, in the order of time; they never overlap."""

    def __init__(self, seed_id: str) -> None:
        self.seed_id = seed_id
        self.runs: list[Run] = []

    def add(self, run: Run) -> None:
        """Keep the samples of a run that are not there yet."""
        if not self.runs or run.start_ns >= self.runs[-1].end_ns:
            self._insert(len(self.runs), run)
            return
        for piece in self._new_in(run):
            self._insert(bisect_right(self.runs, piece.start_ns, key=lambda r: r.start_ns), piece)

    def _new_in(self, run: Run) -> list[Run]:
        """Pieces of a run at times where the channel has no sample."""
        pieces, rest = [], run
        for there in self.runs[max(bisect_right(self.runs, run.start_ns, key=lambda r: r.start_ns) - 1, 0) :]:
            if there.start_ns > rest.end_ns:
                break
            pieces.append(rest.between(rest.first, rest.nearest(there.start_ns)))
            rest = rest.between(rest.nearest(there.end_ns), rest.stop)
        return [piece for piece in [*pieces, rest] if len(piece)]

    def _insert(self, at: int, run: Run) -> None:
        before = self.runs[at - 1] if at else None
        if before is not None and run.continues(before):
            before.extend(run)
            run, at = before, at - 1
        else:
            if before is not None:
                run.snap(before)
                self._log_gap(before, run)
            self.runs.insert(at, run)
        if at + 1 < len(self.runs) and self.runs[at + 1].continues(run):
            run.extend(self.runs.pop(at + 1))

    def _log_gap(self, before: Run, after: Run) -> None:
        if log.isEnabledFor(logging.INFO) and after.start_ns > before.end_ns:
            gap_s = (after.start_ns - before.end_ns) / NS
            log.info("%s: gap of %.3f s from %s to %s", self.seed_id, gap_s, utc(before.end_ns), utc(after.start_ns))

    @property
    def ready_ns(self) -> int:
        """Time up to which the grid can be filled for good, if nothing comes out of order."""
        run = self.runs[-1]
        return run.end_ns - samples_to_ns(run.context, run.sampling_rate)

    def first_grid_index(self, start: int) -> int | None:
        """First grid index with data, from start on."""
        for run in self.runs[self._from(start) :]:
            first, stop = run.grid_span()
            if stop > start and len(run):
                return max(first, start)
        return None

    def stop_grid_index(self) -> int:
        return self.runs[-1].grid_span()[1]

    def _from(self, start: int) -> int:
        """Number of runs that end well before a grid index."""
        return bisect_left(self.runs, (start - 1) * STEP_NS, key=lambda r: r.end_ns)

    def fill(self, out: NDArray[np.float64], start: int) -> Iterator[tuple[int, int, int]]:
        """Write the data from grid index start on into out (sample,); yields first, stop, offset_ns of each run."""
        for run in self.runs[self._from(start) :]:
            first, stop = run.grid_span()
            if first >= start + len(out):
                return
            first, stop = max(first, start), min(stop, start + len(out))
            if first < stop:
                run.on_grid(first, stop, out[first - start : stop - start])
                yield first, stop, run.offset_ns

    def trim(self, start: int) -> None:
        """Forget what lies before a grid index, but for the context that resampling needs; own the rest."""
        del self.runs[: min(self._from(start), len(self.runs) - 1)]
        head = self.runs[0]
        keep = math.floor(head.position(start * STEP_NS)) - 2 * head.context - 1
        if keep > head.first:
            self.runs[0] = head.between(min(keep, head.stop - 1), head.stop)
        for run in self.runs:
            run.own()
