"""Z, N and E side by side on the 100 Hz grid; windows out, stitched curves back.

The grid is fixed in UTC: index g is 10 ms * g after 1970, a block is one stride long and starts at a multiple of it;
a window is the block it starts with and those that follow. So a window, and with it a pick, does not depend on where a
file or a packet starts. Each block is read once and every window with any data in any component is cut, and a few
more after a stretch, with which what comes later in the path lets go of its end; missing samples are NaN. A window
comes with what lies before it, for windows that begin between two blocks: see between.py.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache

import numpy as np
from numpy.typing import NDArray

from jijin.buffer import Channel, Combs, Run
from jijin.config import CutConfig
from jijin.errors import DataError
from jijin.onsets import REACH
from jijin.resampling import STEP_NS, check_rate, is_native
from jijin.types import IN_SAMPLES, NS, RATE, Segment, instrument_id, net_sta, utc

log = logging.getLogger("jijin")

SLAB = 64  # blocks read at a time
TAIL = 2 * IN_SAMPLES  # of what is read: a minute less a block of a window, a minute and a block before it
# Codes that may fill a row, best first. 1 and 2 stand for horizontals that do not point north and east;
# sets without Z are numbered 3, 2, 1 for vertical, north, east.
CODES = {"Z": ("Z3", "N1", "E2"), "3": ("3", "N2", "E1")}
PHASE_ROWS = {"P": (0, 1, 2), "S": (1, 2, 0)}  # where a phase is read, best first


def rows_of(codes: Iterable[str]) -> tuple[tuple[str, ...], ...]:
    """Orientation codes that fill the rows Z, N, E, best first in each row.

    >>> rows_of("Z12"), rows_of("123"), rows_of("H")
    ((('Z',), ('1',), ('2',)), (('3',), ('2',), ('1',)), (('H',), (), ()))
    """
    seen = set(codes)
    table = CODES["3" if "3" in seen and "Z" not in seen else "Z"]
    rows = tuple(tuple(code for code in row if code in seen) for row in table)
    unknown = sorted(seen - set("ZNE123"))
    return rows if any(rows) or not unknown else ((unknown[0],), (), ())


@dataclass(frozen=True, slots=True, eq=False)
class Window:
    """A minute that starts where its block starts, and what lies before it.

    samples : (3, sample) float64, rows Z, N, E, NaN where missing; the window starts at sample `at` of them.
    """

    instrument: str
    block: int
    samples: NDArray[np.float64]
    at: int = 0

    @property
    def data(self) -> NDArray[np.float64]:
        """(3, 6000), not copied."""
        return self.from_sample(0)

    def from_sample(self, start: int) -> NDArray[np.float64]:
        """The minute (3, 6000) that starts so many samples after the window does (negative: before it); not copied."""
        return self.samples[:, self.at + start : self.at + start + IN_SAMPLES]


@dataclass(frozen=True, slots=True)
class Span:
    """Grid indices first ... stop - 1 of a row come from one channel, offset_ns later than the grid says."""

    first: int
    stop: int
    seed_id: str
    offset_ns: int


@dataclass(slots=True)
class Instrument:
    """The channels of one sensor and what has been cut from them."""

    name: str  # NET.STA.LOC.BI
    stride: int  # samples in a block
    channels: dict[str, Channel] = field(default_factory=dict)  # by orientation code
    new: list[str] = field(default_factory=list)  # codes of which nothing has been said yet
    next_block: int | None = None  # first that is not cut yet
    spans: tuple[list[Span], list[Span], list[Span]] = field(default_factory=lambda: ([], [], []))
    tail: NDArray[np.float64] | None = None  # 2 min before next_block, of coming windows; None before the first cut

    def add(self, seed_id: str, run: Run) -> Run:
        """Take the samples of a run that are not too late; returns the ones that are."""
        code = seed_id[-1:]
        if code not in self.channels:
            self.channels[code] = Channel(seed_id)
            self.new.append(code)
        first = self._first_in_time(run)
        if first < run.stop:
            self.channels[code].add(run.between(first, run.stop))
        return run.between(run.first, first)

    def _first_in_time(self, run: Run) -> int:
        if self.next_block is None:
            return run.first
        frontier = self.next_block * self.stride
        on_time = frontier - run.grid_shift if is_native(run.sampling_rate) else run.position(frontier * STEP_NS)
        return max(run.first, math.ceil(on_time))

    def log_orientations(self) -> None:
        """Say what becomes of channels of an unknown orientation, once all that come together are there."""
        if not self.new:
            return
        used = {c for row in rows_of(self.channels) for c in row}
        for code in self.new:
            if code not in used or code not in "ZNE123":
                fate = "taken as vertical" if code in used else "the channel is not used"
                log.warning("%s: unknown orientation code '%s'; %s", self.name + code, code, fate)
        self.new.clear()

    def _rows(self) -> list[list[Channel]]:
        return [[self.channels[code] for code in row if self.channels[code].runs] for row in rows_of(self.channels)]

    def ready(self, wait_until_ns: int) -> int:
        """First block that may still change: some row has no data past it, and it is not older than wait_until_ns."""
        rows = self._rows()
        in_all = min(max((channel.ready_ns for channel in row), default=0) for row in rows)
        margin = max((c.runs[-1].end_ns - c.ready_ns for row in rows for c in row), default=0)
        return max(in_all, wait_until_ns - margin) // (self.stride * STEP_NS)

    def last(self) -> int:
        """First block after every window with data in it, or to be cut after them."""
        stops = [channel.stop_grid_index() for row in self._rows() for channel in row]
        return max(stops, default=0) // self.stride + IN_SAMPLES // self.stride + self._after()

    def _after(self) -> int:
        """How many windows without data follow a stretch: between.py holds a block, moved.py REACH samples."""
        return 1 + -(-REACH // self.stride)

    def cut(self, stop: int) -> Iterator[Window]:
        """Windows that end before block number stop."""
        while (first := self._skip_gap(stop)) < stop:
            end = min(first + SLAB, stop)
            new = (end - first) * self.stride
            data = np.empty((3, TAIL + new))
            data[:, :TAIL] = np.nan if self.tail is None else self.tail
            self._read(data[:, TAIL:], first)
            self.next_block, self.tail = end, data[:, new:].copy()
            yield from self._windows(data, first)
        if self.next_block is not None:  # else nothing is complete yet, and what comes may begin earlier
            self.next_block = first
        for channel in self.channels.values():
            if channel.runs:
                channel.trim(first * self.stride)

    def newest(self) -> Window | None:
        """The window that ends with the newest data, as far as they have come; None without any.

        Nothing is cut: samples that come later still find their place in the next such window. What lies before this
        one is forgotten. Not to be mixed with cut().
        """
        stops = [channel.stop_grid_index() for row in self._rows() for channel in row]
        if not stops:
            return None
        stop = -(-max(stops) // self.stride)
        first = stop - IN_SAMPLES // self.stride
        self.spans = ([], [], [])
        data = np.empty((3, IN_SAMPLES))
        self._read(data, first)
        for channel in self.channels.values():
            if channel.runs:
                channel.trim(first * self.stride)
        return Window(self.name, first, data)

    def _skip_gap(self, stop: int) -> int:
        """The next block to read; in a gap that is the next one with data, or stop."""
        at = self.next_block
        if at is not None and (at >= stop or (self.tail is not None and not np.isnan(self.tail).all())):
            return at  # most ticks of a feed complete no block: the tail is then not looked at
        start = -(2**62) if at is None else at * self.stride
        found = [channel.first_grid_index(start) for row in self._rows() for channel in row]
        block = min((index // self.stride for index in found if index is not None), default=stop)
        return block if at is None else max(at, min(block, stop))

    def _windows(self, data: NDArray[np.float64], first: int) -> Iterator[Window]:
        """data : (3, tail and blocks), first : the block after the tail.

        A window comes if there are data in it or in the blocks just before it.
        """
        length, after = IN_SAMPLES // self.stride, self._after()  # in blocks
        blocks = data.reshape(3, -1, self.stride).swapaxes(0, 1)
        empty = np.all(np.isnan(blocks[:, :, 0]), axis=1).tolist()  # a look at every sample takes as long as reading it
        filled = [not (start and np.isnan(block).all()) for start, block in zip(empty, blocks, strict=True)]
        for end in range(2 * length + 1, len(filled) + 1):
            if any(filled[end - length - after : end]):
                samples = data[:, : end * self.stride][:, -TAIL - self.stride :]
                yield Window(self.name, first + end - 3 * length, samples, TAIL + self.stride - IN_SAMPLES)

    def _read(self, out: NDArray[np.float64], first: int) -> None:
        """out : (3, sample) of the blocks from first on; a block without the best channel takes the next best."""
        out[:] = np.nan
        for row, channels, spans in zip(out, self._rows(), self.spans, strict=True):
            self._read_row(row, channels[:1], spans, first)
            for i in range(len(row) // self.stride) if channels[1:] else ():
                part = row[i * self.stride :][: self.stride]
                for channel in channels[1:]:
                    if np.isnan(part).all():
                        self._read_row(part, [channel], spans, first + i)

    def _read_row(self, out: NDArray[np.float64], channels: list[Channel], spans: list[Span], block: int) -> None:
        for channel in channels:
            for first, stop, offset in channel.fill(out, block * self.stride):
                _note(spans, Span(first, stop, channel.seed_id, offset))

    def origin(self, phase: str, index: int) -> tuple[str, int]:
        """Channel that a phase at a grid index is read on, and how much later than the grid its samples are, in ns.

        The offset is the vertical's, else that of the first component that has data there.
        """
        at = [next((s for s in reversed(row) if s.first <= index < s.stop), None) for row in self.spans]
        channel = next((at[i] for i in PHASE_ROWS[phase] if at[i]), None)
        clock = next((span for span in at if span), None)
        return (channel.seed_id if channel else self.name + "Z"), (clock.offset_ns if clock else 0)

    def forget(self, before: int) -> None:
        """Drop the origins of samples before a grid index."""
        for row in self.spans:
            while row and row[0].stop < before:
                row.pop(0)


def _note(spans: list[Span], new: Span) -> None:
    """Append a span, or lengthen the last one."""
    old = spans[-1] if spans else None
    if old and old.stop == new.first and (old.seed_id, old.offset_ns) == (new.seed_id, new.offset_ns):
        spans[-1] = Span(old.first, new.stop, old.seed_id, old.offset_ns)
    else:
        spans.append(new)


class Cutter:
    """Segments of any channels in, windows of their instruments out, each as soon as its data are complete."""

    def __init__(self, config: CutConfig) -> None:
        self.stride = config.stride
        self._wait_ns = int(min(config.max_wait_s, 1e9) * NS)
        self.instruments: dict[str, Instrument] = {}
        self._combs: dict[str, Combs] = {}  # by channel
        self._newest: dict[str, int] = {}  # NET.STA: end of its newest data
        self._late: set[str] = set()

    def add(self, segment: Segment) -> int:
        """Buffer a segment; returns how many of its samples can be used. DataError if its rate or its dtype cannot."""
        check_rate(segment.sampling_rate, segment.label)
        if segment.data.dtype.kind not in "iufb" or segment.data.ndim != 1:
            raise DataError(f"{segment.label}: samples must be a row of real numbers (got {_kind(segment)})")
        name, station = instrument_id(segment.seed_id), net_sta(segment.seed_id)
        runs = self._combs.setdefault(segment.seed_id, Combs()).runs_of(segment)
        for run in runs:
            if name not in self.instruments:
                self.instruments[name] = Instrument(name, self.stride)
            self._warn_late(segment.seed_id, self.instruments[name].add(segment.seed_id, run))
            self._newest[station] = max(self._newest.get(station, 0), run.end_ns)
        return sum(map(len, runs))

    def _warn_late(self, seed_id: str, late: Run) -> None:
        if len(late) and seed_id not in self._late:
            self._late.add(seed_id)
            log.warning("%s: data at %s came after its window was cut and are dropped", seed_id, utc(late.start_ns))

    def cut(self, final: bool = False) -> Iterator[Window]:
        """Windows that are complete, in order for each instrument; all that are left if final."""
        for name, instrument in self.instruments.items():
            wait_until_ns = self._newest[net_sta(name)] - self._wait_ns
            instrument.log_orientations()
            yield from instrument.cut(instrument.last() if final else instrument.ready(wait_until_ns))


def _kind(segment: Segment) -> str:
    return f"{segment.data.ndim} dimensions of {segment.data.dtype}"


class Stitcher:
    """Overlapping windows of one instrument, in order of time, to one value per sample.

    A sample is the average of the windows that contain it, weighted so that a window counts next to nothing within
    blinding_s of its ends; where there is only one window its value stands as it is.
    """

    def __init__(self, config: CutConfig) -> None:
        self.stride = config.stride
        self.weights = edge_weights(config.blinding_s).reshape(-1, self.stride)  # (block in window, sample)
        self._next: int | None = None  # number of the block that _open starts with
        self._open = np.empty(0, np.float32)  # (curve and weight, block, sample): sums that coming windows add to

    def push(self, block: int, curves: NDArray[np.float32]) -> NDArray[np.float32]:
        """curves : (curve, window, 6000), of windows one stride apart, the first starting with this block.

        Returns (curve, window * stride): the values from this block on that no later window can change.
        """
        count, length = curves.shape[1], len(self.weights)
        out, weight = np.empty((len(curves), count, self.stride), np.float32), self._sum(None, -1, block, count)
        opened = [weight[count:]]
        for row, curve in enumerate(curves):  # one by one: they stay in the cache
            total = self._sum(curve.reshape(count, length, self.stride), row, block, count)
            np.divide(total[:count], weight[:count], out=out[row])
            opened.insert(row, total[count:])
        self._next, self._open = block + count, np.stack(opened)
        return out.reshape(len(curves), -1)

    def _sum(self, parts: NDArray[np.float32] | None, row: int, block: int, count: int) -> NDArray[np.float32]:
        """parts : (window, block in window, sample), or None for ones -> weighted sums (block, sample)."""
        length = len(self.weights)
        total = np.zeros((count + length - 1, self.stride), np.float32)
        if block == self._next:
            total[: length - 1] = self._open[row]
        for i in reversed(range(length)):  # a block meets its windows in order of time, whatever comes in one push
            total[i : i + count] += self.weights[i] if parts is None else self.weights[i] * parts[:, i]
        return total


@cache
def edge_weights(blinding_s: float) -> NDArray[np.float32]:
    """(6000,): 1 inside, a cosine taper to nearly 0 over blinding_s at both ends."""
    centre = np.arange(IN_SAMPLES) + 0.5
    edge_s = np.minimum(centre, IN_SAMPLES - centre) / RATE
    taper = 0.5 - 0.5 * np.cos(np.pi * np.clip(edge_s / max(blinding_s, 1e-9), 0, 1))
    return np.maximum(taper, 1e-4).astype(np.float32)
