"""Fake models and records: what tests can compute themselves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from jijin.models import Prediction
from jijin.signal import bridge, missing
from jijin.types import Segment, samples_to_ns

START_NS = 1_700_000_000_000_000_000  # 2023-11-14T22:13:20Z


class FakeModel:
    """Sudden growth of the vertical is P, of the horizontals S; like a network it sees its window only."""

    name = "fake"
    version = "1"
    thresholds: ClassVar = {"detection": 0.3, "p": 0.3, "s": 0.3}
    time_uncertainty: ClassVar = {"p": {"scale": 1.0, "floor_s": 0.02}, "s": {"scale": 1.0, "floor_s": 0.05}}

    def predict(self, windows: ArrayLike) -> Prediction:
        raw = np.asarray(windows, np.float64)
        gaps = missing(raw)
        x = bridge(raw, gaps)
        p, s = _onset(x[:, :1]), _onset(x[:, 1:])
        detection = _smooth(np.maximum(p, s), 200)
        return Prediction(*((c * ~gaps.all(1)).astype(np.float32) for c in (np.minimum(3 * detection, 1), p, s)))


class StillModel(FakeModel):
    """As the shipped model, it leaves its peaks to the Detector to be moved."""

    name = "still"

    def unmoved(self, looks: bool) -> StillModel:
        return self


class FreeModel(FakeModel):
    """Costs nothing and sees nothing."""

    name = "free"

    def predict(self, windows: ArrayLike) -> Prediction:
        zeros = np.zeros((len(np.asarray(windows)), 6000), np.float32)
        return Prediction(zeros, zeros, zeros)


def _smooth(x: np.ndarray, width: int) -> np.ndarray:
    """Mean of the last `width` samples, of fewer at the start."""
    sums = np.cumsum(x, axis=-1)
    out = sums.copy()
    out[..., width:] -= sums[..., :-width]
    return out / np.minimum(np.arange(1, x.shape[-1] + 1), width)


def _onset(x: np.ndarray) -> np.ndarray:
    """(window, component, sample) -> (window, sample): short over long mean of the squared slope, as 0 ... 1."""
    slope = np.diff(x, axis=-1, prepend=x[..., :1]) ** 2
    ratio = _smooth(slope, 30) / (_smooth(slope, 600) + 1e-12 * slope.max(axis=-1, keepdims=True) + 1e-30)
    return _smooth(np.clip((ratio.max(axis=1) - 3) / 12, 0, 1), 5)


def wave(t: np.ndarray, onset_s: float, amplitude: float = 1.0, frequency_hz: float = 5.0) -> np.ndarray:
    """A decaying oscillation that begins at onset_s; t in s."""
    after = np.clip(t - onset_s, 0, None)
    return np.where(t >= onset_s, amplitude * np.exp(-after / 1.5) * np.cos(2 * np.pi * frequency_hz * after), 0.0)


def record(
    seed_id: str,
    seconds: float,
    onsets: dict[float, float],
    rate: float = 100.0,
    start_ns: int = START_NS,
    seed: int = 0,
    noise: float = 0.01,
) -> Segment:
    """Noise and waves at the onsets (seconds after START_NS -> amplitude)."""
    t = np.arange(round(seconds * rate)) / rate + (start_ns - START_NS) / 1e9
    data = noise * np.random.default_rng([seed, *map(ord, seed_id)]).standard_normal(len(t))
    for onset_s, amplitude in onsets.items():
        data += wave(t, onset_s, amplitude)
    return Segment(seed_id, start_ns, rate, data)


def slices(segment: Segment, cuts: list[int]) -> Iterator[Segment]:
    """The segment in pieces that end at these samples."""
    for first, stop in zip([0, *cuts], [*cuts, len(segment.data)], strict=True):
        if first < stop:
            start_ns = segment.start_ns + samples_to_ns(first, segment.sampling_rate)
            yield Segment(segment.seed_id, start_ns, segment.sampling_rate, segment.data[first:stop])
