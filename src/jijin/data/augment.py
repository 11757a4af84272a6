"""Augmentation as a visible list of small callables, each working on a whole batch at once.

    for step in STUDY: batch = step(batch, rng)

A callable takes a Batch and a numpy Generator and returns a Batch; it never changes its input. Missing samples are
NaN in the data, and where data is missing the loss is masked.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy.fft import irfft, rfft
from scipy.signal import butter, sosfilt

from jijin.data.draw import log_uniform
from jijin.signal import bridge
from jijin.types import RATE

PAD = 200  # samples at both ends of what is filtered by its spectrum
Array = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """data, target and weight : (batch, 3, sample); data is ZNE, target and weight are detection, P, S."""

    data: Array
    target: Array
    weight: Array

    def __len__(self) -> int:
        return len(self.data)


Augmentation = Callable[[Batch, Generator], Batch]


def chosen(rng: Generator, rows: int, probability: float) -> NDArray[np.intp]:
    """The rows that a step applies to."""
    return np.flatnonzero(rng.random(rows) < probability)


def deviation(x: Array) -> np.float32:
    """Standard deviation of the samples that are there; 0 if none is."""
    return np.float32(np.nanstd(x)) if np.isfinite(x).any() else np.float32(0)


@dataclass(frozen=True, slots=True)
class GaussianNoise:
    """White noise of up to level times the window's deviation."""

    level: float = 0.5
    probability: float = 0.3

    def __call__(self, batch: Batch, rng: Generator) -> Batch:
        rows = chosen(rng, len(batch), self.probability)
        data = batch.data.copy()
        size = np.array([deviation(x) for x in data[rows]]).reshape(-1, 1, 1)
        scale = size * rng.uniform(0, self.level, (len(rows), 1, 1))
        data[rows] += scale.astype(np.float32) * rng.standard_normal(data[rows].shape, np.float32)
        return replace(batch, data=data)


@dataclass(frozen=True, slots=True)
class RandomShift:
    """Moves a window by up to most samples either way; what comes in at the edge is missing."""

    most: int = 1000
    probability: float = 0.3

    def __call__(self, batch: Batch, rng: Generator) -> Batch:
        rows = len(batch)
        shift = np.where(rng.random(rows) < self.probability, rng.integers(-self.most, self.most + 1, rows), 0)
        out = Batch(batch.data.copy(), batch.target.copy(), batch.weight.copy())
        for row in np.flatnonzero(shift).tolist():
            for x, fill in ((out.data, np.nan), (out.target, 0), (out.weight, 0)):
                x[row] = _moved(x[row], int(shift[row]), fill)
        return out


def _moved(x: Array, by: int, fill: float) -> Array:
    """x (component, sample) later by so many samples; what comes in is fill."""
    out, n = np.full_like(x, fill), x.shape[-1]
    out[:, max(by, 0) : n + min(by, 0)] = x[:, max(-by, 0) : n - max(by, 0)]
    return out


@dataclass(frozen=True, slots=True)
class RandomGaps:
    """One stretch of up to longest samples without data on all components; what was to be found in it is masked."""

    longest: int = 1500
    probability: float = 0.15

    def __call__(self, batch: Batch, rng: Generator) -> Batch:
        n, rows = batch.data.shape[-1], chosen(rng, len(batch), self.probability)
        length = log_uniform(rng, 5, self.longest, len(rows))
        start = rng.uniform(-length, n, len(rows))
        inside = np.zeros((len(batch), 1, n), bool)
        index = np.arange(n)
        inside[rows, 0] = (index >= start[:, None]) & (index < (start + length)[:, None])
        return _without(batch, inside)


@dataclass(frozen=True, slots=True)
class ShortRecord:
    """Only a stretch of 2 to 40 s of the window is there, as of a trigger's record or the end of a file."""

    probability: float = 0.08

    def __call__(self, batch: Batch, rng: Generator) -> Batch:
        n, rows = batch.data.shape[-1], chosen(rng, len(batch), self.probability)
        length = log_uniform(rng, 200, 4000, len(rows))
        start = rng.uniform(0, n - length)
        index = np.arange(n)
        outside = np.zeros((len(batch), 1, n), bool)
        outside[rows, 0] = (index < start[:, None]) | (index >= (start + length)[:, None])
        return _without(batch, outside)


def _without(batch: Batch, gone: NDArray[np.bool_]) -> Batch:
    """The batch with samples gone (batch, 1, sample) missing; what was to be found in them is masked."""
    data, target = np.where(gone, np.float32(np.nan), batch.data), np.where(gone, np.float32(0), batch.target)
    return Batch(data, target, batch.weight * ~gone)


@dataclass(frozen=True, slots=True)
class DropChannels:
    """Leaves Z only, Z and one horizontal, both horizontals, or one horizontal. The S of a lone Z stays a label."""

    probability: float = 0.2

    def __call__(self, batch: Batch, rng: Generator) -> Batch:
        keep = np.array([(1, 0, 0), (1, 0, 0), (1, 1, 0), (1, 0, 1), (0, 1, 1), (0, 1, 0), (0, 0, 1)], bool)
        rows = chosen(rng, len(batch), self.probability)
        data = batch.data.copy()
        kept = keep[rng.integers(len(keep), size=len(rows))]
        data[rows] = np.where(kept[:, :, None], data[rows], np.float32(np.nan))
        return replace(batch, data=data)


@dataclass(frozen=True, slots=True)
class Gain:
    """Each component multiplied by its own factor, and its sign turned: sensors are wired and scaled in every way."""

    spread: float = 0.3  # of the natural logarithm

    def __call__(self, batch: Batch, rng: Generator) -> Batch:
        shape = (len(batch), 3, 1)
        factor = np.exp(rng.normal(0, self.spread, shape)) * rng.choice((-1, 1), shape)
        return replace(batch, data=batch.data * factor.astype(np.float32))


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
    """Filter (..., sample) around the mean, with straight lines over what is missing, which stays missing."""
    gaps = np.isnan(x)
    y = bridge(x, gaps)
    y -= y.mean(-1, keepdims=True)
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


STUDY: tuple[Augmentation, ...] = (GaussianNoise(), RandomShift(), RandomGaps(), DropChannels())
FULL: tuple[Augmentation, ...] = (
    Rotate(),
    SpectralShape(),
    GaussianNoise(probability=0.15),
    Glitches(),
    Clip(),
    Gain(),
    ShortRecord(),
    RandomGaps(),
    DropChannels(),
)


def apply(steps: tuple[Augmentation, ...], batch: Batch, rng: Generator) -> Batch:
    """The steps one after the other."""
    for step in steps:
        batch = step(batch, rng)
    return batch
