"""Training windows on their way through augmentation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

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
