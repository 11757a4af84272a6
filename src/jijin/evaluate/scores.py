"""Precision, recall, F1 and residuals of picks; false picks an hour of noise."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jijin.data.labels import NOISE, OTHER
from jijin.data.traces import P, S
from jijin.evaluate.matching import TOLERANCE_S, TOLERANCES_S, Picks, find_picks, match, outside
from jijin.evaluate.windows import Window
from jijin.types import RATE

THRESHOLDS = tuple(round(0.05 * k, 2) for k in range(2, 20))
QUIET = (NOISE, OTHER)  # categories in which every pick is false
RESAMPLES, FEW_RESAMPLES = 1000, 300
FEW_LABELS = 10  # of a data set that cannot speak for itself


@dataclass(frozen=True, slots=True)
class Score:
    """One phase at one tolerance; interval is the 95 % range of F1 over earthquakes."""

    precision: float
    recall: float
    f1: float
    interval: tuple[float, float]
    labels: int


@dataclass(frozen=True, slots=True)
class Report:
    """Scores of one picker. phases : phase -> tolerance in s -> Score; residuals : phase -> mean, deviation, MAE.

    false_per_hour and hours : category (noise, other) -> what was picked there, and how long it is.
    """

    name: str
    thresholds: Mapping[int, float]
    phases: Mapping[int, Mapping[float, Score]]
    residuals: Mapping[int, tuple[float, float, float]]
    false_per_hour: Mapping[str, Mapping[int, float]]
    hours: Mapping[str, float]
    windows: int
    groups: int


def score(picks: Sequence[Picks], windows: Sequence[Window], phase: int, reach_s: float) -> tuple[Score, list[float]]:
    """Score of one phase, and the residuals in seconds."""
    counts, residuals = count(picks, windows, phase, reach_s)
    return score_of(counts, [w.source_group for w in windows]), residuals


def count(
    picks: Sequence[Picks], windows: Sequence[Window], phase: int, reach_s: float
) -> tuple[NDArray[np.float64], list[float]]:
    """Hit, false and missed of each window, (window, 3), and the residuals in seconds."""
    rows = [match(p, w.onsets[phase], w.ignored[phase], reach_s * RATE) for p, w in zip(picks, windows, strict=True)]
    counts = np.array([(len(r), false, missed) for r, false, missed in rows], float).reshape(-1, 3)
    return counts, [x / RATE for r, _, _ in rows for x in r]


def score_of(counts: NDArray[np.float64], groups: Sequence[str]) -> Score:
    """Score of rows (hit, false, missed), each of an earthquake.

    What nothing tells of is NaN: recall and F1 without a label, precision without a pick.
    """
    hit, false, missed = counts.sum(0)
    nothing = float("nan")
    precision = float(hit / (hit + false)) if hit + false else nothing
    if not hit + missed:
        return Score(precision, nothing, nothing, (nothing, nothing), 0)
    recall, f1 = float(hit / (hit + missed)), float(f1_of(counts.sum(0)))
    return Score(precision, recall, f1, bootstrap(counts, groups, f1_of), int(hit + missed))


def f1_of(counts: NDArray[Any]) -> Any:
    """F1 of (..., [hit, false, missed])."""
    hit = counts[..., 0]
    return 2 * hit / np.maximum(2 * hit + counts[..., 1] + counts[..., 2], 1)


def share_of(sums: NDArray[Any]) -> Any:
    """The share that (..., [part, whole]) tells."""
    return sums[..., 0] / np.maximum(sums[..., 1], 1)


def bootstrap(
    sums: NDArray[np.float64], groups: Sequence[str], measure: Callable[[NDArray[Any]], Any]
) -> tuple[float, float]:
    """2.5 and 97.5 % of a measure of sums when the earthquakes are drawn again with replacement.

    sums : (row, quantity), groups : the earthquake of each row; measure takes totals (..., quantity).
    """
    _, index = np.unique(np.asarray(groups), return_inverse=True)
    if len(index) == 0:
        return float("nan"), float("nan")
    per_group = np.zeros((index.max() + 1, sums.shape[1]))
    np.add.at(per_group, index, sums)
    draws = np.random.default_rng(0).integers(len(per_group), size=(RESAMPLES, len(per_group)))
    low, high = np.nanpercentile(measure(per_group[draws].sum(1)), (2.5, 97.5))
    return float(low), float(high)


def bootstrap_rows(groups: Sequence[str], measure: Callable[[NDArray[np.intp]], float]) -> tuple[float, float]:
    """The same for a measure of rows that is no function of sums; it takes the numbers of the rows that were drawn."""
    _, index = np.unique(np.asarray(groups), return_inverse=True)
    members = [np.flatnonzero(index == k) for k in range(index.max(initial=-1) + 1)]
    rng = np.random.default_rng(0)
    draws = (rng.integers(len(members), size=len(members)) for _ in range(FEW_RESAMPLES if members else 0))
    values = [measure(np.concatenate([members[k] for k in draw])) for draw in draws]
    if not values or np.isnan(values).all():
        return float("nan"), float("nan")
    low, high = np.nanpercentile(values, (2.5, 97.5))
    return float(low), float(high)


def evaluate(
    name: str,
    curves: Mapping[int, NDArray[np.float32]],
    windows: Sequence[Window],
    thresholds: Mapping[int, float],
) -> Report:
    """Report of a picker from its probability curves, phase -> (window, sample).

    Earthquakes and noise make the scores. What is picked on other sources, such as landslides, is only counted.
    """
    kept = [i for i, w in enumerate(windows) if w.category != OTHER]
    counted = [windows[i] for i in kept]
    phases, residuals, false = {}, {}, {kind: dict[int, float]() for kind in QUIET}
    for phase in (P, S):
        picks = find_picks(curves[phase], phase, thresholds[phase])
        scored = {t: score([picks[i] for i in kept], counted, phase, t) for t in TOLERANCES_S}
        phases[phase] = {t: result for t, (result, _) in scored.items()}
        residuals[phase] = moments(scored[TOLERANCE_S][1])
        for kind in QUIET:
            false[kind][phase] = false_per_hour(picks, windows, phase, kind)
    hours = {kind: sum(w.hours for w in windows if w.category == kind) for kind in QUIET}
    groups = len({w.source_group for w in counted})
    return Report(name, dict(thresholds), phases, residuals, false, hours, len(counted), groups)


def false_per_hour(picks: Sequence[Picks], windows: Sequence[Window], phase: int, category: str) -> float:
    """Picks an hour of the windows of a category, outside of what is ignored; NaN without such windows."""
    rows = [(p, w) for p, w in zip(picks, windows, strict=True) if w.category == category]
    hours = sum(w.hours for _, w in rows)
    return sum(len(outside(p, w.ignored[phase])) for p, w in rows) / hours if hours else float("nan")


def moments(residuals: Sequence[float] | NDArray[np.float64]) -> tuple[float, float, float]:
    """Mean, standard deviation and mean absolute residual, in seconds; NaN without any."""
    x = np.asarray(residuals) if len(residuals) else np.array([np.nan])
    return float(x.mean()), float(x.std()), float(np.abs(x).mean())


def counts_at(
    curves: NDArray[np.floating[Any]], windows: Sequence[Window], phase: int, balanced: bool = False
) -> NDArray[np.float64]:
    """Hit, false and missed within 0.5 s at each of THRESHOLDS, (threshold, 3), on earthquakes and noise."""
    rows = [i for i, w in enumerate(windows) if w.category != OTHER]
    kept = [windows[i] for i in rows]
    weight = balance(kept, phase) if balanced else np.ones(len(kept))
    found = find_picks(curves[rows], phase, THRESHOLDS[0])  # once; a higher threshold keeps the higher ones
    higher = ([[x for x in w if x[1] >= t] for w in found] for t in THRESHOLDS)
    return np.array([weight @ count(picks, kept, phase, TOLERANCE_S)[0] for picks in higher])


def balance(windows: Sequence[Window], phase: int) -> NDArray[np.float64]:
    """Weights (window,) with which every data set counts as if it had as many labels as the next one.

    Data sets of under ten labels count as one together; a window of a data set without labels, noise, weighs 1.
    """
    labels = Counter({w.dataset: 0 for w in windows})
    for w in windows:
        labels[w.dataset] += len(w.onsets[phase])
    few = sum(n for n in labels.values() if n < FEW_LABELS)
    alike = {name: n if n >= FEW_LABELS else few if n else 0 for name, n in labels.items()}
    share = sum(labels.values()) / max(sum(n >= FEW_LABELS for n in labels.values()) + (few > 0), 1)
    return np.array([share / alike[w.dataset] if alike[w.dataset] else 1.0 for w in windows])


def best_thresholds(
    curves: Mapping[int, NDArray[np.float32]], windows: Sequence[Window], within: float = 0.0, balanced: bool = False
) -> dict[int, float]:
    """Threshold of each phase with the best F1 at 0.5 s on earthquakes and noise: the middle of those so near.

    balanced : all data sets count alike, see balance, or the largest one would choose.
    """
    out = {}
    for phase in (P, S):
        out[phase] = middle_of_best(f1_of(counts_at(curves[phase], windows, phase, balanced)), within)
    return out


def middle_of_best(f1: NDArray[Any], within: float = 0.0) -> float:
    """Of THRESHOLDS, whose F1 (threshold,) is given: the middle one of those so near to the best.

    >>> middle_of_best(np.array([0.5, 0.9, 0.9, 0.9, 0.6]))
    0.2
    """
    near = np.flatnonzero(f1 >= f1.max() - within - 1e-9)
    return THRESHOLDS[int(near[(len(near) - 1) // 2])]


def summary(report: Report) -> dict[str, Any]:
    """A report as plain numbers for a card or a table."""
    out: dict[str, Any] = {
        "windows": report.windows,
        "events": report.groups,
        "hours": {kind: round(hours, 2) for kind, hours in report.hours.items()},
    }
    for phase, key in ((P, "p"), (S, "s")):
        mean, deviation, mae = report.residuals[phase]
        out[key] = {
            "threshold": report.thresholds[phase],
            **{
                f"{tolerance}_s": {
                    "labels": s.labels,
                    "precision": round(s.precision, 4),
                    "recall": round(s.recall, 4),
                    "f1": round(s.f1, 4),
                    "f1_95": [round(x, 4) for x in s.interval],
                }
                for tolerance, s in report.phases[phase].items()
            },
            "residual_mean_s": round(mean, 4),
            "residual_deviation_s": round(deviation, 4),
            "residual_mae_s": round(mae, 4),
            "false_per_hour": {k: round(v[phase], 2) for k, v in report.false_per_hour.items() if report.hours[k]},
        }
    return out


def auc(positive: NDArray[np.bool_], score: NDArray[Any]) -> float:
    """Area under the receiver operating characteristic: the share of pairs in the right order, ties half.

    >>> auc(np.array([False, True, False, True]), np.array([0.1, 0.4, 0.4, 0.8]))
    0.875
    """
    from scipy.stats import rankdata

    n, m = int(positive.sum()), int((~positive).sum())
    if n == 0 or m == 0:
        return float("nan")
    return float((rankdata(score)[positive].sum() - n * (n + 1) / 2) / (n * m))
