"""Stitched curves in, the same out, five seconds later, with their peaks moved to where the seismogram changes.

What jijin.onsets does to a window by itself is done here once to a peak, whatever number of windows have a part in it:
to do it in each of them takes longer, and its time would depend on how each of them scales and filters what it holds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from jijin.onsets import LOWEST, REACH, retime
from jijin.signal import missing, normalise
from jijin.windows import Window

WARM_UP = 1000  # samples ahead that the high-pass sees
Curves = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Held:
    """The end of an instrument's curves: the last REACH samples are to be moved yet, those before them can be seen."""

    block: int  # that comes next
    curves: Curves  # (3, 2 REACH)


class Moved:
    """Moves the peaks of instruments' stitched curves.

    It works on a stride at a time, the same ones however the curves come: from REACH samples before a block to REACH
    before the next, as it needs to see so many on either side.
    """

    def __init__(self, stride: int) -> None:
        self.stride = stride
        self._held: dict[str, Held] = {}  # by instrument

    def push(self, windows: Sequence[Window], block: int, curves: Curves) -> tuple[int, Curves]:
        """curves : (3, sample), rows picking.CURVES, final, from this block on; windows : the last of them start as far
        apart as the blocks do, a block later at most. Those of an instrument come in order of time.

        Returns a grid index, and the moved curves from there on. After curves that nothing follows directly, REACH
        samples are left out; the Cutter sees to it that they are empty.
        """
        name, count = windows[0].instrument, curves.shape[1] // self.stride
        held = self._held.get(name)
        before = held.curves if held and held.block == block else np.zeros((len(curves), 2 * REACH), np.float32)
        whole = np.concatenate([before, curves], axis=1)
        self._held[name] = Held(block + count, whole[:, -2 * REACH :].copy())
        out = whole[:, REACH:-REACH].copy()
        for i, window in enumerate(windows[len(windows) - count :]):
            at = i * self.stride
            seen = whole[:, at : at + self.stride + 2 * REACH]
            if seen[1:].max() >= LOWEST:
                end = window.at - (window.block - block - i - 1) * self.stride  # of the block, in window.samples
                moved = _moved(window.samples[:, end - seen.shape[1] - WARM_UP : end], seen)
                out[1:, at : at + self.stride] = moved[:, REACH:-REACH]
        return block * self.stride - REACH, out


def _moved(samples: NDArray[np.float64], curves: Curves) -> Curves:
    """samples : (3, sample), the last of them those of the curves -> P and S (2, sample), 0 where all are missing."""
    gaps = missing(samples)
    ready, length = normalise(samples, gaps=gaps), curves.shape[1]
    out = np.stack(retime(ready[:, -length:], gaps[:, -length:], *curves[1:]))
    out[:, gaps[:, -length:].all(axis=0)] = 0
    return out
