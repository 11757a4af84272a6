"""Gradient-boosted trees at run time: numbers in arrays, no package needed.

Node k of a tree asks whether feature[k] <= threshold[k]; yes goes to left[k], no to right[k], a missing value where
missing_left[k] says. A leaf has left -1 and adds value[k] to the score of the tree's class.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Forest:
    """Every array but the last two is (tree, node). column : class of each tree; baseline : score of each class."""

    feature: NDArray[np.intp]
    threshold: Array
    left: NDArray[np.intp]
    right: NDArray[np.intp]
    missing_left: NDArray[np.bool_]
    value: Array
    column: NDArray[np.intp]
    baseline: Array

    def log_probabilities(self, x: Array) -> Array:
        """x : (row, feature), NaN where missing -> (row, class)."""
        trees = np.arange(len(self.feature))
        at = np.zeros((len(x), len(trees)), np.intp)
        for _ in range(self.feature.shape[1]):  # a path is never longer
            value = np.take_along_axis(x, self.feature[trees, at], 1)
            first = np.where(np.isnan(value), self.missing_left[trees, at], value <= self.threshold[trees, at])
            onward = np.where(first, self.left[trees, at], self.right[trees, at])
            if (onward < 0).all():
                break
            at = np.where(onward < 0, at, onward)
        own = self.column[:, None] == np.arange(len(self.baseline))  # (tree, class)
        scores = self.baseline + self.value[trees, at] @ own
        scores -= scores.max(1, keepdims=True)
        return np.asarray(scores - np.log(np.exp(scores).sum(1, keepdims=True)))


_INTEGERS = ("feature", "left", "right", "missing_left", "column")


def to_lists(forest: Forest) -> dict[str, Any]:
    """For JSON."""
    return {
        f.name: getattr(forest, f.name).astype(int).tolist()
        if f.name in _INTEGERS
        else np.round(getattr(forest, f.name), 6).tolist()
        for f in fields(Forest)
    }


def from_lists(content: Mapping[str, Any], features: int) -> Forest:
    """From JSON. KeyError, TypeError or ValueError where the arrays are none of a forest on so many features."""
    arrays = {f.name: np.array(content[f.name], np.intp if f.name in _INTEGERS else float) for f in fields(Forest)}
    shape = arrays["feature"].shape
    if len(shape) != 2 or any(
        arrays[n].shape != shape for n in ("threshold", "left", "right", "missing_left", "value")
    ):
        raise ValueError("the trees' arrays differ in shape")
    inside = all(((arrays[n] >= -1) & (arrays[n] < shape[1])).all() for n in ("left", "right"))
    known = ((arrays["feature"] >= 0) & (arrays["feature"] < features)).all()
    if (
        not inside
        or not known
        or arrays["column"].shape != shape[:1]
        or (arrays["column"] >= len(arrays["baseline"])).any()
    ):
        raise ValueError("the trees point outside of their nodes, features or classes")
    arrays["missing_left"] = arrays["missing_left"].astype(bool)
    return Forest(**arrays)
