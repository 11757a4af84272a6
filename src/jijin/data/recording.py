"""As if the same waves were recorded by another sensor or digitiser; each as in data/augment.py."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy.fft import irfft, rfft
from scipy.signal import butter, sosfilt

from jijin.data.batch import Array, Batch, chosen, deviation
from jijin.data.draw import log_uniform
from jijin.signal import bridge
from jijin.types import RATE

PAD = 200  # samples at both ends of what is filtered by its spectrum


@dataclass(frozen=True, slots=True)
class Polarity:
    """The sign of each component turned in half of the windows: sensors are wired in every way. Their gains are divided
    out by the normalisation."""

    def __call__(self, batch: Batch, rng: Generator) -> Batch:
        return replace(batch, data=batch.data * rng.choice((np.float32(-1), np.float32(1)), (len(batch), 3, 1)))


@dataclass(frozen=True, slots=True)
class Rotate:
    """Turns the horizontals by a random angle."""

    probability: float = 0.5

    def __call__(self, batch: Batch, rng: Generator) -> Batch:
        rows = chosen(rng, len(batch), self.probability)
        angle = rng.uniform(0, 2 * np.pi, (len(rows), 1)).astype(np.float32)
        data = batch.data.copy()
        both = (np.isfinite(data[rows, 1]) == np.isfinite(data[rows, 2])).all(-1)  # or one's gaps would be the other's
        rows, angle = rows[both], angle[both]
        north, east = data[rows, 1], data[rows, 2]
        data[rows, 1] = np.cos(angle) * north - np.sin(angle) * east
        data[rows, 2] = np.sin(angle) * north + np.cos(angle) * east
        return replace(batch, data=data)


@dataclass(frozen=True, slots=True)
class SpectralShape:
    """A random corner: slower digitisers (a low-pass without phase, as theirs), other sensors (a causal high-pass).

    The low-pass must not delay what is seen: a label would then lie ahead of its onset, and teach early picks.
    """

    probability: float = 0.35
    low: float = 0.7  # share of low-passes

    def __call__(self, batch: Batch, rng: Generator) -> Batch:
        rows = chosen(rng, len(batch), self.probability)
        first, second = np.split(rows, [round(len(rows) * self.low)])
        data = batch.data.copy()
        data[first] = _filter_present(lambda x: _lowpass(x, rng), data[first])
        for row in second:
            corner = log_uniform(rng, 0.5, 3)
            sos = butter(rng.integers(1, 5), corner, "highpass", fs=RATE, output="sos").astype(np.float32)
            data[row] = _filter_present(lambda x, sos=sos: sosfilt(sos, x, axis=-1), data[row])  # type: ignore[misc]
        return replace(batch, data=data)


def _lowpass(x: Array, rng: Generator) -> Array:
    """(window, component, sample), each window below its own corner of 6 to 45 Hz: Butterworth's gain, no phase.

    Orders up to 40 ring ahead of an onset as the filters of digitisers of 20 to 80 Hz do; the label stays at the onset.
    """
    corner = log_uniform(rng, 6, 45, (len(x), 1, 1))
    order = log_uniform(rng, 1, 40, (len(x), 1, 1))
    padded = np.pad(x, ((0, 0), (0, 0), (PAD, PAD)), "edge")  # or the end would run over into the start
    frequency = np.fft.rfftfreq(padded.shape[-1], 1 / RATE)
    gain = (1 / np.sqrt(1 + (frequency / corner) ** (2 * order))).astype(np.float32)
    return irfft(rfft(padded, axis=-1) * gain, padded.shape[-1], axis=-1)[..., PAD:-PAD]


def _filter_present(function: Callable[[Array], Array], x: Array) -> Array:
    """Filter (..., sample), with straight lines over what is missing, which stays missing.

    It begins at nought: a filter that comes to rest before it would else answer to a step.
    """
    gaps = np.isnan(x)
    y = bridge(x, gaps)
    y -= y[..., :1]
    return np.where(gaps, np.float32(np.nan), function(y.astype(np.float32)))


@dataclass(frozen=True, slots=True)
class Clip:
    """Cuts a window off at a share of its peak, as an overdriven digitiser does."""

    probability: float = 0.08

    def __call__(self, batch: Batch, rng: Generator) -> Batch:
        rows = chosen(rng, len(batch), self.probability)
        data = batch.data.copy()
        peak = np.nanmax(np.abs(data[rows]), axis=(1, 2), keepdims=True, initial=0)
        limit = peak * log_uniform(rng, 0.02, 1, (len(rows), 1, 1)).astype(np.float32)
        data[rows] = np.clip(data[rows], -limit, limit)
        return replace(batch, data=data)


@dataclass(frozen=True, slots=True)
class Glitches:
    """Spikes, steps and calibration-like pulses, half of them on one component alone: sharp, and no earthquake."""

    probability: float = 0.2

    def __call__(self, batch: Batch, rng: Generator) -> Batch:
        data, n = batch.data.copy(), batch.data.shape[-1]
        for row in chosen(rng, len(batch), self.probability):
            size, share = float(deviation(data[row])), rng.random()
            for start in rng.integers(0, n, rng.integers(1, 6)):
                length = int(rng.choice((1, 1, 2, 5, 40, n)))
                scale = size * (200 if length <= 2 else 55) ** (share * rng.uniform(0.5, 1))  # a spike may be huge
                decay = np.exp(-np.arange(min(length, n - start)) / max(length / 3, 1)) if length == 40 else 1
                data[row, self._where(rng), start : start + length] += np.float32(scale * decay * rng.choice((-1, 1)))
        return replace(batch, data=data)

    @staticmethod
    def _where(rng: Generator) -> NDArray[np.bool_]:
        """Which components it is on."""
        return np.arange(3) == rng.integers(3) if rng.random() < 0.5 else rng.random(3) < 0.6
