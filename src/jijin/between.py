"""Windows that begin between those of the stride, where the stitched curves are in doubt.

Where a network doubts an onset, the probability that it gives goes up and down with what else its window holds, and
with the sample at which the window begins (jijin.looks), so that a pick comes and goes with the grid of windows. Near a
doubtful peak more windows count therefore, evenly laid between those of the stride: as shipped sixteen instead of
two hold a sample. What that brings and costs: docs/performance.md, "Windows in between"; what is left:
docs/consensus.md. A block without such a peak costs nothing more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from jijin.config import CutConfig
from jijin.ends import Curves, Ends
from jijin.looks import DOUBT, shares
from jijin.onsets import APART
from jijin.peaks import Curve, peaks
from jijin.types import IN_SAMPLES, RATE
from jijin.windows import Window, edge_weights

NEAR, BEYOND = 100, 200  # samples around a doubtful peak up to which windows in between count, and from which on not
BESIDE = BEYOND + 100  # samples on either side of a block that its doubts are judged with
LEAST = 0.02  # weight below which a window in between is not worth a run of the network
PERIOD, STEP = 48, 13  # samples after which the network's strides repeat, and by which windows in between differ in it
Key = tuple[str, int]
Predict = Callable[[list[NDArray[np.float64]]], Curves]  # minutes (3, 6000) -> (curve, minute, 6000)


@dataclass(frozen=True, slots=True)
class Part:
    """A window in between where it shares samples with a block."""

    key: Key
    start: int  # of the window, in samples from the block's
    weights: Curve  # over the samples that are shared
    block: slice  # of these, in the block
    said: slice  # and, from its end, in the window


@dataclass(frozen=True, slots=True)
class Doubtful:
    """A block with a doubtful peak in or near it."""

    window: Window  # that starts a block later
    curves: Curves  # (3, block), to be changed in place
    near: Curve  # (sample,): how far windows in between count
    parts: list[Part]  # those that count


class Between:
    """Stitched curves of instruments in, the same out, a block later, with what windows in between say of doubts."""

    def __init__(self, config: CutConfig, predict: Predict) -> None:
        """predict : a look at windows, each from its own start alone."""
        self.stride, self._predict = config.stride, predict
        self._edges = edge_weights(config.blinding_s)
        self._base = self._edges.reshape(-1, self.stride).sum(0)  # of the windows of the stride
        self.places = places(self.stride, config.between)
        # Of the grid's windows alone: the last block, whose doubts are judged once the next one is there.
        self._ends = Ends(BESIDE, BESIDE + self.stride)
        self._said: dict[Key, Curves] = {}  # by instrument and grid index: curves up to the window's end

    def push(self, runs: Iterable[tuple[Sequence[Window], Curves]]) -> list[tuple[int, Curves]]:
        """runs : windows that follow one another, and the stitched curves (3, sample) of the blocks that they start
        with, rows picking.CURVES; those of an instrument come in order of time.

        Returns for each run a block, and what is settled from it on. After a run that no other follows directly, a
        block is left out; the Cutter sees to it that it is empty.
        """
        if not self.places:
            return [(windows[0].block, curves) for windows, curves in runs]
        settled, doubts = list[tuple[int, Curves]](), list[Doubtful]()
        for windows, curves in runs:
            base = self._ends.join(windows[0].instrument, windows[0].block, len(windows), curves)
            count = (base.shape[1] - BESIDE) // self.stride  # of blocks; the last one is held
            settled.append((windows[-1].block - count + 1, base[:, BESIDE : -self.stride].copy()))
            doubts += self._doubts(windows[len(windows) - count + 1 :], base, settled[-1][1])
        self._look({key: data for doubt in doubts for key, data in self._wanted(doubt)})
        for doubt in doubts:
            self._blend(doubt)
        self._forget()
        return settled

    def _doubts(self, following: Sequence[Window], base: Curves, settled: Curves) -> Iterator[Doubtful]:
        """following : of each settled block the window that starts a block later."""
        for i, window in enumerate(following):
            at = i * self.stride
            near = doubt_near(base[:, at : at + self.stride + 2 * BESIDE])[BESIDE : BESIDE + self.stride]
            if near.any():
                yield Doubtful(window, settled[:, at : at + self.stride], near, list(self._parts(window, near)))

    def _wanted(self, doubt: Doubtful) -> Iterator[tuple[Key, NDArray[np.float64]]]:
        """Windows in between that count and have not been looked at."""
        for part in doubt.parts:
            if part.key not in self._said:
                yield part.key, doubt.window.from_sample(part.start - self.stride)

    def _look(self, wanted: dict[Key, NDArray[np.float64]]) -> None:
        if wanted:
            self._said.update(zip(wanted, self._predict(list(wanted.values())).swapaxes(0, 1), strict=True))

    def _blend(self, doubt: Doubtful) -> None:
        total, weight = self._base * doubt.curves, self._base.copy()
        for part in doubt.parts:
            total[:, part.block] += part.weights * self._said[part.key][:, part.said]
            weight[part.block] += part.weights
        doubt.curves[:] += doubt.near * (total / weight - doubt.curves)

    def _parts(self, window: Window, near: Curve) -> Iterator[Part]:
        """window : that starts a block later."""
        for start in self.places:
            first, stop = max(start, 0), min(start + IN_SAMPLES, self.stride)
            block, said = slice(first, stop), slice(first - start - IN_SAMPLES, (stop - start - IN_SAMPLES) or None)
            if (near[block] * self._edges[said]).max() > LEAST:
                key = window.instrument, (window.block - 1) * self.stride + start
                yield Part(key, start, self._edges[said], block, said)

    def _forget(self) -> None:
        """Keep what lies in blocks that are held or to come."""
        for name, index in list(self._said):
            left, said = index + IN_SAMPLES - (self._ends.coming[name] - 1) * self.stride, self._said.pop((name, index))
            if left > 0:
                self._said[name, index] = said[:, -left:].copy() if left < said.shape[1] else said


def places(stride: int, count: int) -> tuple[int, ...]:
    """Where windows in between start that share a sample with a block, in samples from its start.

    count : of windows between two of the stride, or as many as are a second apart; none if a block is shorter than what
    its doubts are judged with. They are evenly laid, but for a few samples, so that they begin at other places of the
    network's own strides than these two do.

    >>> places(6000, 3), places(200, 3)
    ((-4499, -2998, -1497, 1501, 3002, 4503), ())
    """
    count = min(count, round(stride / RATE) - 1) if stride >= BESIDE else 0
    steps = [stride * k / (count + 1) for k in range(1, count + 1)]
    offsets = [PERIOD * round((step - STEP * k) / PERIOD) + STEP * k for k, step in enumerate(steps, 1)]
    return tuple(at + offset for at in range(-IN_SAMPLES, stride, stride) for offset in offsets)


def doubt_near(curves: Curves) -> Curve:
    """From 0 to 1, (sample,): how far the P or the S curve, of (3, sample), has a doubtful peak nearby."""
    near = np.zeros(curves.shape[1], np.float32)
    for curve in curves[1:]:
        found = peaks(curve, DOUBT[0], APART)
        for peak, share in zip(found, shares(curve[found], *DOUBT), strict=True):
            distance = np.abs(np.arange(max(peak - BEYOND, 0), min(peak + BEYOND, len(near))) - peak)
            here = near[max(peak - BEYOND, 0) : peak + BEYOND]
            np.maximum(here, share * np.clip((BEYOND - distance) / np.float32(BEYOND - NEAR), 0, 1), out=here)
    return near
