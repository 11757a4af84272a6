"""How a model states the uncertainty of its picks' times: fitted to the picks near a label."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from jijin.data.traces import P, S
from jijin.evaluate import Window
from jijin.evaluate.calibration import known_picks
from jijin.onsets import smoothing_s
from jijin.picking import REFERENCE_S

ONE_DEVIATION = 0.68  # share of the residuals within one standard deviation
LEAST_SPREAD_S = 1e-3
POWERS = np.arange(0.5, 4.01, 0.25)
FEWEST_RESIDUALS = 50
FLOOR_S = {P: 0.01, S: 0.02}  # no onset is known better than about a sample
Curves = Mapping[int, NDArray[np.float32]]  # of each phase, (window, sample)
Spreads = dict[int, NDArray[np.float64]]  # of each phase (2, pick): the spread of a peak and the residual, in s


def spreads(curves: Curves, windows: Sequence[Window], best: Mapping[int, float]) -> Spreads:
    """Of the picks near a label, at the best thresholds, the spread of the peak and the residual."""
    plain = {"scale": 1.0, "floor_s": LEAST_SPREAD_S, "smoothing_s": round(smoothing_s(), 4)}
    picks = {phase: known_picks(curves[phase], windows, phase, best[phase], plain) for phase in (P, S)}
    return {
        phase: np.array([(k.uncertainty_s, k.residual_s) for k in found]).reshape(-1, 2).T
        for phase, found in picks.items()
    }


def fitted(known: Spreads, seen: Spreads | None = None) -> dict[str, dict[str, float]]:
    """A model's "time_uncertainty": the factor fits known, the power known and seen."""
    every = {phase: np.concatenate([known[phase], seen[phase]], axis=1) for phase in (P, S)} if seen else known
    return {key: _of_phase(phase, known[phase], every[phase]) for phase, key in ((P, "p"), (S, "s"))}


def _of_phase(phase: int, known: NDArray[np.float64], every: NDArray[np.float64]) -> dict[str, float]:
    floor_s = FLOOR_S[phase]
    power = growth(every[0], every[1], floor_s)
    scale = factor(known[0], known[1], power, floor_s)
    return {"scale": scale, "floor_s": floor_s, "power": power, "smoothing_s": round(smoothing_s(), 4)}


def factor(spread_s: ArrayLike, residual_s: ArrayLike, power: float, floor_s: float) -> float:
    """The smallest scale with which jijin.picking.deviation_s holds 68 % of the residuals, all in s; 1 without any.

    Only a scale over 1 covers what is off by more than the spread of its peak, whatever the power.

    >>> factor(np.full(101, 0.1), np.linspace(0, 0.1, 101), 2.0, 0.0), factor([0.2], [0.4], 2.0, 0.0)
    (0.68, 2.0)
    """
    spread, size = np.asarray(spread_s, float), np.abs(np.asarray(residual_s, float))
    if not size.size:
        return 1.0
    grown = size / (REFERENCE_S * (spread / REFERENCE_S) ** power)
    needed = np.where(size <= floor_s, 0, np.maximum(grown, np.where(size > spread, size / spread, 0)))
    return round(float(np.quantile(needed, ONE_DEVIATION)), 3)


def growth(spread_s: ArrayLike, residual_s: ArrayLike, floor_s: float) -> float:
    """The power of a peak's spread with which residuals grow, both in s: the likeliest, if they are Laplacian.

    1 for fewer than 50. Residuals below floor_s count as floor_s, since labels are no better.

    >>> spread = np.geomspace(0.03, 0.3, 200)
    >>> growth(spread, 0.5 * spread**2, 0.0)
    2.0
    """
    spread, size = np.asarray(spread_s, float), np.maximum(np.abs(np.asarray(residual_s, float)), floor_s)
    if len(size) < FEWEST_RESIDUALS:
        return 1.0
    costs = [len(size) * np.log((size / spread**k).mean()) + k * np.log(spread).sum() for k in POWERS]
    return float(POWERS[int(np.argmin(costs))])
