"""Stitched curves in, the same out, five seconds later, with their peaks moved to where the seismogram changes.

What jijin.onsets does to a window by itself is done here once to a peak, whatever number of windows have a part in it:
to do it in each of them takes longer, and its time would depend on how each of them scales and filters what it holds.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from jijin.ends import Curves, Ends
from jijin.onsets import LOWEST, REACH, retime
from jijin.signal import missing, normalise
from jijin.windows import Window

WARM_UP = 1000  # samples ahead that the high-pass sees


class Moved:
    """Moves the peaks of instruments' stitched curves.

    It works on a stride at a time, the same ones however the curves come: from REACH samples before a block to REACH
    before the next, as it needs to see so many on either side.
    """

    def __init__(self, stride: int) -> None:
        self.stride = stride
        self._ends = Ends(2 * REACH, 2 * REACH)  # the last REACH samples are to be moved yet, the others can be seen

    def push(self, windows: Sequence[Window], block: int, curves: Curves) -> tuple[int, Curves]:
        """curves : (3, sample), rows picking.CURVES, final, from this block on; windows : the last of them start as far
        apart as the blocks do, a block later at most. Those of an instrument come in order of time.

        Returns a grid index, and the moved curves from there on. After curves that nothing follows directly, REACH
        samples are left out; the Cutter sees to it that they are empty.
        """
        count = curves.shape[1] // self.stride
        whole = self._ends.join(windows[0].instrument, block, count, curves)
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
