"""Random sizes: what can be small or large is drawn evenly in its logarithm."""

from __future__ import annotations

from typing import Any, overload

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray


@overload
def log_uniform(rng: Generator, low: float, high: float) -> float: ...
@overload
def log_uniform(rng: Generator, low: float, high: float, size: int | tuple[int, ...]) -> NDArray[np.float64]: ...
def log_uniform(rng: Generator, low: float, high: float, size: int | tuple[int, ...] | None = None) -> Any:
    """One number between low and high, or an array of a size, each octave as likely as the next; low over 0.

    >>> x = log_uniform(np.random.default_rng(0), 1, 100, 1000)
    >>> bool(x.min() >= 1), bool(x.max() <= 100), round(float((x < 10).mean()), 1)
    (True, True, 0.5)
    """
    drawn = np.exp(rng.uniform(np.log(low), np.log(high), size))
    return float(drawn) if size is None else drawn
