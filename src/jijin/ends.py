"""Ends of instruments' curves, kept for what follows them: steps of the path that have to see beyond a block."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Curves = NDArray[np.float32]


class Ends:
    """The last samples of the curves of each instrument, and which block comes next."""

    def __init__(self, least: int, kept: int) -> None:
        """least : samples of nothing ahead of curves that follow no others; kept : samples for those that follow."""
        self.least, self.kept = least, kept
        self.coming: dict[str, int] = {}  # number of the next block, by instrument
        self._curves: dict[str, Curves] = {}

    def join(self, instrument: str, block: int, count: int, curves: Curves) -> Curves:
        """The curves (3, sample) of so many blocks from this one on, behind what they follow directly."""
        follows = self.coming.get(instrument) == block
        before = self._curves[instrument] if follows else np.zeros((len(curves), self.least), np.float32)
        whole = np.concatenate([before, curves], axis=1)
        self.coming[instrument], self._curves[instrument] = block + count, whole[:, -self.kept :].copy()
        return whole
