"""Windows that begin between those of the stride, where the stitched curves are in doubt.

Where a network doubts an onset, the probability that it gives goes up and down with what else its window holds, and
with the sample at which the window begins (jijin.looks), so that a pick comes and goes with the grid of windows. Near a
doubtful peak more windows count therefore, evenly laid between those of the stride: eight instead of two hold a sample.
What that brings and costs: docs/performance.md, "Windows in between"; what is left: docs/consensus.md. Most blocks hold
no such peak and cost nothing more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from jijin.config import CutConfig
from jijin.looks import shares
from jijin.onsets import APART
from jijin.peaks import Curve, peaks
from jijin.types import IN_SAMPLES, RATE
from jijin.windows import Window, edge_weights

# Probabilities between which a peak of the stitched curves is in doubt. The upper one is higher than in jijin.looks: a
# peak of .9 does not go, but its time moves. Chosen on the dev split and on records that were trained on.
DOUBT = (0.15, 0.95)
NEAR, BEYOND = 100, 200  # samples around a doubtful peak up to which windows in between count, and from which on not
LEAST = 0.02  # weight below which a window in between is not worth a run of the network
PERIOD, STEP = 48, 13  # samples after which the network's strides repeat, and by which windows in between differ in it
Curves = NDArray[np.float32]
Key = tuple[str, int]
Predict = Callable[[list[NDArray[np.float64]]], Curves]  # minutes (3, 6000) -> (curve, minute, 6000)


class Between:
    """Further windows of a detector's instruments; what they say is kept as long as blocks to come need it."""

    def __init__(self, config: CutConfig, predict: Predict) -> None:
        """predict : a look at windows, each from its own start alone."""
        self.stride, self._predict = round(config.stride_s * RATE), predict
        self._edges = edge_weights(config.blinding_s)
        self._base = self._edges.reshape(-1, self.stride).sum(0)  # of the windows of the stride
        self._starts = starts(self.stride, config.between)
        self._said: dict[tuple[str, int], Curves] = {}  # by instrument and grid index: curves up to the window's end

    def steady(self, windows: Iterable[Window], blocks: Iterable[Curves]) -> None:
        """blocks : the stitched curves (3, stride) of the block that each window starts with, rows picking.CURVES;
        changed in place near what is in doubt. The windows of an instrument come in order of time."""
        doubts = [(window, curves, doubt_near(curves)) for window, curves in zip(windows, blocks, strict=True)]
        wanted = {key: data for window, _, near in doubts for key, data in self._wanted(window, near)}
        if wanted:
            self._said.update(zip(wanted, self._predict(list(wanted.values())).swapaxes(0, 1), strict=True))
        if self._said:
            for doubt in doubts:
                self._blend(*doubt)
            self._forget({window.instrument: (window.block + 1) * self.stride for window, *_ in doubts})

    def _wanted(self, window: Window, near: Curve) -> Iterator[tuple[Key, NDArray[np.float64]]]:
        """Windows in between that count and have not been looked at."""
        for key, start, *_ in self._near(window, near):
            if key not in self._said:
                yield key, window.from_sample(start)

    def _blend(self, window: Window, curves: Curves, near: Curve) -> None:
        total, weight = self._base * curves, self._base.copy()
        for key, _, share, block, part in self._near(window, near):
            total[:, block] += share * self._said[key][:, part]
            weight[block] += share
        np.divide(total, weight, out=curves)

    def _near(self, window: Window, near: Curve) -> Iterator[tuple[Key, int, Curve, slice, slice]]:
        """Of each window in between that counts: its key, its start and its weight over the samples that it shares with
        the block, and where they are in the block and, from its end, in itself."""
        for start in self._starts if near.any() else ():
            first, stop = max(start, 0), min(start + IN_SAMPLES, self.stride)
            block, part = slice(first, stop), slice(first - start - IN_SAMPLES, (stop - start - IN_SAMPLES) or None)
            weight = near[block] * self._edges[part]
            if weight.max() > LEAST:
                yield (window.instrument, window.block * self.stride + start), start, weight, block, part

    def _forget(self, upto: dict[str, int]) -> None:
        """Keep of the instruments what lies after these grid indices."""
        for name, start in [key for key in self._said if key[0] in upto]:
            left, said = start + IN_SAMPLES - upto[name], self._said.pop((name, start))
            if left > 0:
                self._said[name, start] = said[:, -left:].copy()


def starts(stride: int, count: int) -> tuple[int, ...]:
    """Where windows in between start that share a sample with a block, in samples from its start.

    count : of windows evenly laid between two of the stride, but for a few samples, so that they begin at other places
    of the network's own strides than these two do. None where the stride is too short for that.

    >>> starts(6000, 3)
    (-4515, -2966, -1513, 1485, 3034, 4487)
    """
    if stride < (count + 1) * PERIOD:
        return ()
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
