"""Augmentation as a visible list of small callables, each working on a whole batch at once.

    for step in STUDY: batch = step(batch, rng)

A callable takes a Batch and a numpy Generator and returns a Batch; it never changes its input. Missing samples are
NaN in the data, and where data is missing the loss is masked.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from jijin.data.batch import Augmentation, Batch, chosen, deviation
from jijin.data.draw import log_uniform
from jijin.data.recording import Clip, Glitches, Polarity, Rotate, SpectralShape
from jijin.signal import normalise, shifted


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
                x[row] = shifted(x[row], int(shift[row]), fill)
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
class Normalise:
    """What a model sees, jijin.signal.normalise; of a window without any data nothing can be asked."""

    def __call__(self, batch: Batch, rng: Generator) -> Batch:
        empty = np.isnan(batch.data).all(1, keepdims=True)
        return Batch(normalise(batch.data), batch.target * ~empty, batch.weight * ~empty)


STUDY: tuple[Augmentation, ...] = (GaussianNoise(), RandomShift(), RandomGaps(), DropChannels(), Normalise())
FULL: tuple[Augmentation, ...] = (
    Rotate(),
    SpectralShape(),
    GaussianNoise(probability=0.15),
    Glitches(),
    Clip(),
    Polarity(),
    ShortRecord(),
    RandomGaps(),
    DropChannels(),
    Normalise(),
)


def apply(steps: tuple[Augmentation, ...], batch: Batch, rng: Generator) -> Batch:
    """The steps one after the other."""
    for step in steps:
        batch = step(batch, rng)
    return batch
