"""How well source types are told: confusions by event and by data set, explosion against earthquake, reliability.

All intervals are 95 %, bootstrapped by group: an event, or for noise a station.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jijin.discriminate.classes import EARTHQUAKE, EXPLOSION
from jijin.evaluate.scores import auc, bootstrap, bootstrap_rows, share_of

NOT_DETERMINED = "not determined"
SNR_EDGES = (-np.inf, 0.5, 1.0, np.inf)  # log10 of the peak amplitude over the noise
S_P_EDGES_S = (0.0, 1.5, 4.0, np.inf)
STATION_EDGES = (1, 3, 6, np.inf)
RELIABILITY_EDGES = (0.0, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1.0)
Array = NDArray[np.float64]
Table = tuple[str, list[str], list[list[str]]]  # title, heads, lines


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """What was told of units, each an event or a window of noise, that the model had not seen.

    log : (unit, class) log likelihoods; y : (unit,) index of the true class; snr : log10 amplitude ratio, and
    s_minus_p_s, are medians over the stations, NaN where unknown.
    """

    classes: tuple[str, ...]
    log: Array
    y: NDArray[np.intp]
    groups: NDArray[np.str_]
    datasets: NDArray[np.str_]
    stations: NDArray[np.intp]
    snr: Array
    s_minus_p_s: Array

    def __len__(self) -> int:
        return len(self.y)

    def part(self, rows: Any) -> Outcome:
        """Some of the units."""
        kept = {n: getattr(self, n)[rows] for n in ("log", "y", "groups", "datasets", "stations", "snr", "s_minus_p_s")}
        return replace(self, **kept)

    def probabilities(self, prior: Mapping[str, float] | None = None) -> Array:
        """(unit, class); prior None: all classes alike."""
        shares = np.array([prior.get(c, 1e-6) if prior else 1.0 for c in self.classes])
        p = np.exp(self.log - self.log.max(1, keepdims=True)) * shares
        return np.asarray(p / p.sum(1, keepdims=True))

    def told(self, prior: Mapping[str, float] | None, certainty: float) -> NDArray[np.str_]:
        """The class told of each unit, or NOT_DETERMINED."""
        p = self.probabilities(prior)
        return np.where(p.max(1) >= certainty, np.asarray(self.classes)[p.argmax(1)], NOT_DETERMINED)


def confusion(
    outcome: Outcome, told: NDArray[np.str_], rows: Sequence[tuple[str, NDArray[np.bool_]]]
) -> list[list[str]]:
    """A line for each (name, units): their number, and what share of them was told each class."""
    lines = []
    for name, there in rows:
        n = int(there.sum())
        shares = [float((told[there] == c).mean()) if n else np.nan for c in (*outcome.classes, NOT_DETERMINED)]
        lines.append([name, str(n), *(f"{share:.2f}" for share in shares)])
    return lines


def recall(outcome: Outcome, told: NDArray[np.str_], name: str) -> tuple[int, float, float, float, float, float]:
    """How often units of a class were told right.

    (units, share right, its interval's low and high, share right of the determined, share determined)
    """
    there = outcome.y == outcome.classes.index(name)
    if not there.any():
        return 0, np.nan, np.nan, np.nan, np.nan, np.nan
    right, known = told[there] == name, told[there] != NOT_DETERMINED
    sums = np.column_stack([right, np.ones(len(right))]).astype(float)
    low, high = bootstrap(sums, outcome.groups[there].tolist(), share_of)
    of_known = float(right.sum() / known.sum()) if known.any() else np.nan
    return int(there.sum()), float(right.mean()), low, high, of_known, float(known.mean())


def blast_odds(outcome: Outcome) -> tuple[Array, NDArray[np.bool_], Outcome]:
    """Log likelihood ratio of explosion to earthquake, which units are explosions, and the units of the two classes."""
    pair = [outcome.classes.index(name) for name in (EXPLOSION, EARTHQUAKE)]
    part = outcome.part(np.isin(outcome.y, pair))
    return part.log[:, pair[0]] - part.log[:, pair[1]], part.y == pair[0], part


def blast_scores(outcome: Outcome) -> tuple[int, int, float, tuple[float, float], float, tuple[float, float]]:
    """Explosions and earthquakes, AUC, balanced accuracy at even odds, with their intervals."""
    odds, blast, part = blast_odds(outcome)

    def balanced(score: Array, positive: NDArray[np.bool_]) -> float:
        if not positive.any() or positive.all():
            return float("nan")
        return float(((score[positive] > 0).mean() + (score[~positive] <= 0).mean()) / 2)

    groups = part.groups.tolist()
    auc_range = bootstrap_rows(groups, lambda rows: auc(blast[rows], odds[rows]))
    balanced_range = bootstrap_rows(groups, lambda rows: balanced(odds[rows], blast[rows]))
    counts = int(blast.sum()), int((~blast).sum())
    return *counts, auc(blast, odds), auc_range, balanced(odds, blast), balanced_range


def reliability(outcome: Outcome) -> list[tuple[float, float, int, float, float]]:
    """(low, high, units, mean probability, share right) of what is likeliest; every class weighs the same."""
    p = outcome.probabilities()
    best, right = p.max(1), p.argmax(1) == outcome.y
    weight = 1 / np.bincount(outcome.y, minlength=len(outcome.classes))[outcome.y]
    out = []
    for low, high in pairwise(RELIABILITY_EDGES):
        here = (best > low) & (best <= high)
        if here.any():
            mean, share = (float(np.average(v[here], weights=weight[here])) for v in (best, right))
            out.append((low, high, int(here.sum()), mean, share))
    return out


def tables(outcome: Outcome, prior: Mapping[str, float], certainty: float) -> list[Table]:
    """All of it, to print."""
    told = outcome.told(prior, certainty)
    heads = ["", "units", *outcome.classes, NOT_DETERMINED]
    truth = [(name, outcome.y == k) for k, name in enumerate(outcome.classes)]
    labels = np.asarray(outcome.classes)[outcome.y]
    pairs = sorted(set(zip(outcome.datasets.tolist(), labels.tolist(), strict=True)))
    sets = [(f"{d}: {c}", (outcome.datasets == d) & (labels == c)) for d, c in pairs]
    out = [
        (f"told at a certainty of {certainty:g}, by true class", heads, confusion(outcome, told, truth)),
        ("the same by data set", heads, confusion(outcome, told, sets)),
        ("right answers by class", ["class", "units", "right", "95 %", "right of determined", "determined"],
         [_recall_line(outcome, told, name) for name in outcome.classes]),
        ("reliability, classes weighing the same", ["probability", "units", "mean probability", "right"],
         [[f"{a:.2f}-{b:.2f}", str(n), f"{m:.2f}", f"{r:.2f}"] for a, b, n, m, r in reliability(outcome)]),
    ]  # fmt: skip
    return out + _blast_tables(outcome)


def _recall_line(outcome: Outcome, told: NDArray[np.str_], name: str) -> list[str]:
    n, right, low, high, of_known, known = recall(outcome, told, name)
    return [name, str(n), f"{right:.2f}", f"{low:.2f}-{high:.2f}", f"{of_known:.2f}", f"{known:.2f}"]


def _blast_tables(outcome: Outcome) -> list[Table]:
    """Explosion against earthquake in the data sets that have both, so that no other region's instruments help."""
    k = {outcome.classes.index(name) for name in (EARTHQUAKE, EXPLOSION) if name in outcome.classes}
    both = [d for d in sorted(set(outcome.datasets.tolist())) if k <= set(outcome.y[outcome.datasets == d].tolist())]
    if len(k) < 2 or not both:
        return []
    part = outcome.part(np.isin(outcome.datasets, both))
    bins = [("all", np.ones(len(part), bool))]
    for name, values, edges in (
        ("SNR", part.snr, SNR_EDGES), ("S-P s", part.s_minus_p_s, S_P_EDGES_S),
        ("stations", part.stations, STATION_EDGES),
    ):  # fmt: skip
        for low, high in pairwise(edges):
            bins.append((f"{name} {low:g} to {high:g}", (values >= low) & (values < high)))
    bins.append(("no S picked", ~np.isfinite(part.s_minus_p_s)))
    heads = ["units", "explosions", "earthquakes", "AUC", "95 %", "balanced accuracy", "95 %"]
    lines = [_blast_line(name, part.part(there)) for name, there in bins if there.any()]
    return [(f"explosion against earthquake in {', '.join(both)}", heads, lines)]


def _blast_line(name: str, outcome: Outcome) -> list[str]:
    blasts, quakes, area, area_range, share, share_range = blast_scores(outcome)
    spans = (f"{low:.2f}-{high:.2f}" for low, high in (area_range, share_range))
    return [name, str(blasts), str(quakes), f"{area:.2f}", next(spans), f"{share:.2f}", next(spans)]
