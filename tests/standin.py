"""A model for tests of what surrounds a model: anything louder than 0.3 is an earthquake."""

from __future__ import annotations

import numpy as np

from jijin.models import Prediction


class StandIn:
    """Z becoming louder than 0.3 is P, N or E becoming louder is S; onsets are where that happens, to the sample."""

    name = "standin"
    version = "7"

    def __init__(self) -> None:
        self.thresholds = {"detection": 0.5, "p": 0.5, "s": 0.5}
        self.time_uncertainty = {"p": {"scale": 1.0, "floor_s": 0.02}, "s": {"scale": 1.0, "floor_s": 0.05}}

    def predict(self, windows: np.ndarray) -> Prediction:
        loud = np.abs(np.nan_to_num(windows)) > 0.3
        p, s = loud[:, 0], loud[:, 1:].any(axis=1)
        return Prediction(held(p | s), bump(p), bump(s))


def held(flags: np.ndarray) -> np.ndarray:
    """True for 3 s after every True; (window, sample) -> float32 of the same shape."""
    sums = np.cumsum(np.pad(flags, ((0, 0), (300, 0))), axis=1)
    return (sums[:, 300:] > sums[:, :-300]).astype(np.float32)


def bump(flags: np.ndarray) -> np.ndarray:
    """A bell, 0.2 s wide and one high, at every beginning of a stretch of held(); none at the first sample."""
    onsets = np.diff(held(flags), axis=1, prepend=1.0) > 0
    bell = np.hanning(23)[1:-1]
    return np.array([np.convolve(row, bell, mode="same") for row in onsets], dtype=np.float32)
