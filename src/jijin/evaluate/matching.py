"""Picks from probability curves, and the label that each belongs to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jijin.data.traces import LETTERS
from jijin.evaluate.windows import Window
from jijin.picking import OnsetFinder
from jijin.types import NS, RATE, Pick

TOLERANCES_S = (0.1, 0.5)
TOLERANCE_S = max(TOLERANCES_S)  # where one number is told
EXACT = {"scale": 0.0, "floor_s": 0.0}
Picks = list[tuple[float, float]]  # (sample, probability)


def find_picks(curves: NDArray[np.floating[Any]], phase: int, threshold: float) -> list[Picks]:
    """Picks of each window, (window, sample) -> (sample, probability), by the same rules as the detector."""
    return [[(sample_of(p), p.probability) for p in row] for row in find_onsets(curves, phase, threshold, EXACT)]


def find_onsets(
    curves: NDArray[np.floating[Any]], phase: int, threshold: float, uncertainty: Mapping[str, float]
) -> list[list[Pick]]:
    """The same as Picks with their time_uncertainty_s; time_ns counts from the start of the window."""
    out: list[list[Pick]] = []
    for curve in curves:
        if curve.max() < threshold:
            out.append([])
            continue
        finder = OnsetFinder(LETTERS[phase], threshold, uncertainty, 50)
        found = finder.push(curve.astype(np.float32), lambda *_: ("", 0), final=True)
        out.append([o.pick for o in found])
    return out


def sample_of(pick: Pick) -> float:
    """Where a pick of find_onsets lies in its window."""
    return pick.time_ns * RATE / NS


def match(
    picks: Picks, onsets: Sequence[float], ignored: Sequence[tuple[float, float]], reach: float
) -> tuple[Any, ...]:
    """Residuals in samples of matched picks, number of false picks and of missed labels; reach in samples.

    >>> match([(100.0, 0.9), (480.0, 0.5), (700.0, 0.4)], [103.0], [(650, 750)], 50)
    ([-3.0], 1, 0)
    """
    pairs, free = pair(picks, onsets, reach)
    return [pick[0] - onset for pick, onset in pairs], len(outside(free, ignored)), len(onsets) - len(pairs)


def pair(picks: Picks, onsets: Sequence[float], reach: float) -> tuple[list[tuple[tuple[float, float], float]], Picks]:
    """Every onset with the nearest pick within reach samples, each pick once; and the picks that are left."""
    free, pairs = list(picks), []
    for onset in onsets:
        best = min(free, key=lambda pick: abs(pick[0] - onset), default=None)
        if best is not None and abs(best[0] - onset) <= reach:
            pairs.append((best, onset))
            free.remove(best)
    return pairs, free


def outside(picks: Picks, ignored: Sequence[tuple[float, float]]) -> Picks:
    """Picks that lie outside of the ignored stretches, [first, stop) in samples."""
    return [pick for pick in picks if not any(a <= pick[0] < b for a, b in ignored)]


def residuals_s(
    picks: Sequence[Picks], windows: Sequence[Window], phase: int, reach_s: float = TOLERANCE_S
) -> list[float]:
    """pick - label in seconds, of all windows."""
    rows = zip(picks, windows, strict=True)
    return [(x[0] - onset) / RATE for p, w in rows for x, onset in pair(p, w.onsets[phase], reach_s * RATE)[0]]
