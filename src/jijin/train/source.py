"""The source classifier: logistic regression around a beginning, its strength and calibration by cross-validation.

    loss = sum of weight * -log p(class)  +  strength / 2 * |coefficients - beginning|^2

Classes weigh the same in all, events of a class too, stations of an event share its weight. The beginning is zero, or
the coefficients of a trained model: with a few labelled blasts of a new quarry only what they speak for moves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jijin.data.splits import place
from jijin.discriminate.model import SourceModel, standardise

STRENGTHS = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0)  # per unit of total weight
TEMPERATURES = tuple(np.round(np.geomspace(0.3, 10, 24), 3).tolist())
DEPENDENCES = (0.0, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0)
FOLDS = 5
Array = NDArray[np.float64]
Rows = NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """x : (row, feature) with NaN, y : (row,) index of the class, groups : the event of each row."""

    x: Array
    y: Rows
    groups: NDArray[np.str_]
    features: tuple[str, ...]
    classes: tuple[str, ...]

    def part(self, rows: Any) -> Sample:
        """Some of the rows."""
        return replace(self, x=self.x[rows], y=self.y[rows], groups=self.groups[rows])


def weights(y: Rows, groups: NDArray[np.str_]) -> Array:
    """Weight of each row: classes equal, events equal within a class, rows equal within an event; 1 in all."""
    out = np.zeros(len(y))
    for k in np.unique(y):
        rows = np.flatnonzero(y == k)
        _, index = np.unique(groups[rows], return_inverse=True)
        out[rows] = 1 / np.bincount(index)[index]
        out[rows] /= out[rows].sum()
    return out / out.sum()


def fit(sample: Sample, strength: float, start: SourceModel | None = None) -> SourceModel:
    """The regression of one strength; start keeps its means and scales."""
    from scipy.optimize import minimize

    w = weights(sample.y, sample.groups)
    mean, scale = (start.mean, start.scale) if start else _moments(sample.x, w)
    z = standardise(sample.x, mean, scale)
    k, n = len(sample.classes), len(sample.features)
    zero = np.zeros((k, n + 1)) if start is None else np.column_stack([start.coefficients, start.intercepts])
    truth = np.eye(k)[sample.y]

    def loss(flat: Array) -> tuple[float, Array]:
        away = flat.reshape(k, n + 1) - zero
        theta = flat.reshape(k, n + 1)
        logits = z @ theta[:, :n].T + theta[:, n]
        logits -= logits.max(1, keepdims=True)
        p = np.exp(logits)
        p /= p.sum(1, keepdims=True)
        error = w[:, None] * (p - truth)
        slope = np.column_stack([error.T @ z, error.sum(0)]) + strength * away
        value = -(w * np.log(np.maximum((p * truth).sum(1), 1e-300))).sum() + 0.5 * strength * (away**2).sum()
        return float(value), slope.ravel()

    found = minimize(loss, zero.ravel(), jac=True, method="L-BFGS-B", options={"maxiter": 500})
    theta = found.x.reshape(k, n + 1)
    return SourceModel(sample.classes, sample.features, mean, scale, theta[:, :n], theta[:, n])


def _moments(x: Array, w: Array) -> tuple[Array, Array]:
    """Weighted mean and deviation of each feature, of the rows that have it."""
    there = np.isfinite(x)
    share = w[:, None] * there
    total = np.maximum(share.sum(0), 1e-12)
    mean = (share * np.nan_to_num(x)).sum(0) / total
    scale = np.sqrt((share * np.where(there, x - mean, 0) ** 2).sum(0) / total)
    return mean, np.where(scale > 1e-6, scale, 1.0)


def folds(y: Rows, groups: Sequence[str] | NDArray[np.str_], count: int = FOLDS, seed: int = 0) -> Rows:
    """Fold of each row: the events of each class in the order of a hash, dealt out; a fold never divides an event."""
    out = np.zeros(len(y), np.intp)
    names = np.asarray(groups).astype(str)
    dealt: dict[str, int] = {}
    for k in np.unique(y):
        of_class = sorted(set(names[y == k]) - set(dealt), key=lambda name: place(name, seed))
        dealt |= {name: i % count for i, name in enumerate(of_class)}
    out[:] = [dealt[name] for name in names]
    return out
