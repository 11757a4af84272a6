"""Whether what a picker says of its picks is true: the time uncertainty in seconds, the probability as a share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from jijin.data.labels import OTHER
from jijin.data.traces import LETTERS, P, S
from jijin.evaluate.matching import find_onsets, find_picks, outside, pair, sample_of
from jijin.evaluate.pickers import Picker
from jijin.evaluate.scores import THRESHOLDS, bootstrap, share_of
from jijin.evaluate.windows import Window
from jijin.types import RATE

REACH_S = 0.5  # a pick farther from its label is another arrival, and no statement about time
SNR_EDGES_DB = (-np.inf, 10.0, 20.0, 30.0, np.inf)
BINS = 10  # of probability


@dataclass(frozen=True, slots=True)
class Known:
    """A pick with a label: what it says and what is true, in s."""

    uncertainty_s: float
    residual_s: float
    snr_db: float
    source_group: str


@dataclass(frozen=True, slots=True)
class Coverage:
    """Picks of a kind: the share within one stated uncertainty (68 % would be right) and the median of what is stated.

    needed_s is the 68th percentile of the absolute residual: what should have been stated, were it one number.
    """

    picker: str
    phase: str
    part: str
    picks: int
    within: float
    interval: tuple[float, float]
    stated_s: float
    needed_s: float


@dataclass(frozen=True, slots=True)
class Reliability:
    """Picks in a bin of probability: its mean, and the share of them that have a label within 0.5 s."""

    picker: str
    phase: str
    picks: int
    probability: float
    right: float


def known_picks(
    curves: NDArray[np.float32], windows: Sequence[Window], phase: int, threshold: float, stated: Mapping[str, float]
) -> list[Known]:
    """Picks at a threshold that have a label, with the uncertainty that a model states (see jijin.picking)."""
    out = []
    for found, w in zip(find_onsets(curves, phase, threshold, stated), windows, strict=True):
        by_sample = {sample_of(p): p.time_uncertainty_s for p in found}
        picks = [(sample_of(p), p.probability) for p in found]
        for (x, _), onset in pair(picks, w.onsets[phase], REACH_S * RATE)[0]:
            out.append(Known(by_sample[x], (x - onset) / RATE, w.snr_db, w.source_group))
    return out


def coverages(picker: Picker, windows: Sequence[Window]) -> list[Coverage]:
    """Coverage of both phases: all picks, by signal-to-noise ratio, and by what is stated, from small to large."""
    curves, out = picker.curves(windows), []
    for phase in (P, S):
        stated = picker.model.time_uncertainty[LETTERS[phase].lower()]
        known = known_picks(curves[phase], windows, phase, picker.thresholds[phase], stated)
        parts = {"all": known}
        for low, high in pairwise(SNR_EDGES_DB):
            parts[f"SNR {low:g} to {high:g} dB"] = [k for k in known if low <= k.snr_db < high]
        order = sorted(known, key=lambda k: k.uncertainty_s)
        for third, name in enumerate(("smallest", "middle", "largest")):
            parts[f"{name} third"] = order[third * len(order) // 3 : (third + 1) * len(order) // 3]
        out += [_coverage(picker.name, LETTERS[phase], part, picks) for part, picks in parts.items() if picks]
    return out


def _coverage(name: str, phase: str, part: str, known: Sequence[Known]) -> Coverage:
    stated, residual = (np.array([getattr(k, field) for k in known]) for field in ("uncertainty_s", "residual_s"))
    sums = np.stack([np.abs(residual) <= stated, np.ones(len(known))], 1)
    interval = bootstrap(sums, [k.source_group for k in known], share_of)
    needed = float(np.quantile(np.abs(residual), 0.68))
    return Coverage(
        name, phase, part, len(known), float(share_of(sums.sum(0))), interval, float(np.median(stated)), needed
    )


def reliability(picker: Picker, windows: Sequence[Window]) -> list[Reliability]:
    """How often picks of each probability are right, on earthquakes and noise; from the lowest threshold up."""
    windows = [w for w in windows if w.category != OTHER]
    curves, out = picker.curves(windows), []
    for phase in (P, S):
        said, right = _judged(curves[phase], windows, phase)
        bins = np.minimum((said * BINS).astype(int), BINS - 1)
        for k in np.unique(bins).tolist():
            here = bins == k
            means = float(said[here].mean()), float(right[here].mean())
            out.append(Reliability(picker.name, LETTERS[phase], int(here.sum()), *means))
    return out


def _judged(
    curves: NDArray[np.float32], windows: Sequence[Window], phase: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Probability of each pick, and 1 where it has a label; picks in ignored stretches left out."""
    said, right = [], []
    for picks, w in zip(find_picks(curves, phase, THRESHOLDS[0]), windows, strict=True):
        pairs, free = pair(picks, w.onsets[phase], REACH_S * RATE)
        counted = outside(free, w.ignored[phase])
        said += [pick[1] for pick, _ in pairs] + [pick[1] for pick in counted]
        right += [1.0] * len(pairs) + [0.0] * len(counted)
    return np.array(said), np.array(right)


def calibration_error(rows: Sequence[Reliability]) -> float:
    """Expected calibration error: mean distance of probability and share of right picks, weighted by picks.

    Guo et al. 2017, arXiv:1706.04599.
    """
    total = sum(r.picks for r in rows)
    return sum(r.picks * abs(r.probability - r.right) for r in rows) / total if total else float("nan")
