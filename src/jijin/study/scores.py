"""Earthquake or noise: scores of a value a window against the truth."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from jijin.study.results import Fold, Protocol


def confusion(truth: ArrayLike, said: ArrayLike) -> NDArray[np.int64]:
    """(2, 2) counts: rows noise, earthquake as labelled; columns as predicted.

    >>> confusion([False, False, True], [False, True, True]).tolist()
    [[1, 1], [0, 1]]
    """
    cell = 2 * np.asarray(truth, np.int64) + np.asarray(said, np.int64)
    return np.bincount(cell.ravel(), minlength=4).astype(np.int64).reshape(2, 2)


def fold(counts: NDArray[np.int64]) -> Fold:
    """Scores of a confusion matrix, the earthquake being what is looked for; 0 where there is nothing to divide by."""
    (right_noise, false), (missed, hit) = counts.tolist()
    total = right_noise + false + missed + hit
    return Fold(
        accuracy=(right_noise + hit) / max(total, 1),
        precision=hit / max(hit + false, 1),
        recall=hit / max(hit + missed, 1),
        f1=2 * hit / max(2 * hit + false + missed, 1),
    )


def protocol(what: str, train_windows: int, truth: ArrayLike, said: ArrayLike) -> Protocol:
    """Scores in the original study's own way. truth, said : (window,), or (window, step) where each step is scored."""
    counts = confusion(truth, said)
    return Protocol(what, train_windows, len(np.asarray(truth)), fold(counts), counts)


def best_threshold(score: ArrayLike, truth: ArrayLike) -> float:
    """The threshold with the highest F1, of score >= threshold: the middle of those that are equally good.

    score, truth : (window,). Thresholds lie half-way between neighbouring scores.

    >>> round(best_threshold([0.1, 0.2, 0.8, 0.9], [False, False, True, True]), 3)
    0.5
    """
    values, index = np.unique(np.asarray(score, float), return_inverse=True)
    is_event = np.asarray(truth, bool)
    events = np.bincount(index, is_event, len(values))
    kept = np.cumsum(np.bincount(index, minlength=len(values))[::-1])[::-1]  # windows at or above each value
    hits = np.cumsum(events[::-1])[::-1]
    f1 = 2 * hits / (kept + is_event.sum())
    cuts = np.concatenate([[values[0] / 2], (values[1:] + values[:-1]) / 2])  # just below each value
    best = np.flatnonzero(f1 >= f1.max() - 1e-9)
    return float(cuts[best[(len(best) - 1) // 2]])
