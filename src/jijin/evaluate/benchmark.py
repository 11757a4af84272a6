"""The field's pick benchmark: Münchmeyer et al. 2022, doi:10.1029/2021JB023499.

Three tasks, each on a stretch of the record that the picker sees with what surrounds it: is there an onset in 30 s
(area under the curve of the highest detection probability), which phase is it in 10 s (Matthews' correlation of the
ratio of highest P to highest S, the ratio's threshold chosen on dev), and when (highest sample minus label).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jijin.data.labels import NOISE
from jijin.data.splits import place
from jijin.data.traces import DETECTION, LETTERS, LabelledTrace, P, S
from jijin.evaluate.pickers import Picker, predict_with
from jijin.evaluate.scores import auc, bootstrap_rows, moments
from jijin.evaluate.windows import Window, window_at
from jijin.types import IN_SAMPLES, RATE

LONG, SHORT = 3000, 1000  # samples of the stretches: 30 s, 10 s
INSIDE = 0.1  # share of a stretch at its ends where no onset is put
OUTLIER_S = 0.45  # beyond it a residual is an outlier, as in the paper


@dataclass(frozen=True, slots=True, eq=False)
class Target:
    """A window and the stretch first ... stop of it that is judged. onset : the only one in it; phase 0 for noise."""

    window: Window
    first: int
    stop: int
    phase: int = 0
    onset: float = float("nan")


@dataclass(frozen=True, slots=True)
class Detection:
    """Area under the receiver operating characteristic of event against noise."""

    picker: str
    events: int
    noise: int
    auc: float
    interval: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Identification:
    """Matthews' correlation coefficient of P against S; threshold of the ratio, from dev."""

    picker: str
    p_labels: int
    s_labels: int
    mcc: float
    interval: tuple[float, float]
    threshold: float


@dataclass(frozen=True, slots=True)
class Timing:
    """Residuals in s of the highest sample; those of outliers, beyond 0.45 s, are in none of them but counted."""

    picker: str
    phase: str
    labels: int
    mean_s: float
    deviation_s: float
    mae_s: float
    outliers: float


def detection_targets(traces: Sequence[LabelledTrace]) -> list[Target]:
    """30 s with the first onset of each earthquake, and 30 s of each noise trace: those with no other doubt in them."""
    out = []
    for trace in traces:
        if trace.onsets and trace.p and trace.onsets[0] == trace.p[0]:
            out += _around(trace, trace.p[0], P, LONG)
        elif trace.category == NOISE and not trace.onsets and not trace.masked:
            window = window_at(trace, max((trace.data.shape[1] - IN_SAMPLES) // 2, 0))
            seen = min(trace.data.shape[1], IN_SAMPLES)
            first = max((seen - LONG) // 2, 0)
            out.append(Target(window, first, min(first + LONG, seen)))
    return out


def phase_targets(traces: Sequence[LabelledTrace]) -> list[Target]:
    """10 s around each labelled onset that hold no other labelled one."""
    out = []
    for trace in traces:
        for phase, onsets in trace.by_phase.items():
            for onset in onsets:
                out += _around(trace, onset, phase, SHORT)
    return out


def _around(trace: LabelledTrace, onset: float, phase: int, length: int) -> list[Target]:
    """A stretch around an onset, at a place in it that depends on the trace alone; no other onset in a short one.

    Empty if the record or another onset leaves no room for it.
    """
    inside, spare = INSIDE * length, max(trace.data.shape[1] - length, 0)
    others = [x for x in trace.onsets if x != onset] if length == SHORT else []
    low = math.ceil(max([onset - length + inside, 0, *(x + 1 for x in others if x < onset)]))
    high = math.floor(min([onset - inside, spare, *(x - length for x in others if x > onset)]))
    if low > high:
        return []
    begin = low + round((high - low) * place(f"{trace.name}/{phase}/{length}"))
    start = int(np.clip(begin - (IN_SAMPLES - length) // 2, 0, max(trace.data.shape[1] - IN_SAMPLES, 0)))
    first = begin - start
    return [Target(window_at(trace, start), first, min(first + length, IN_SAMPLES), phase, onset - start)]


def certain(target: Target) -> bool:
    """Whether nothing that may be there is unlabelled in the stretch."""
    stretches = (s for phase in (P, S) for s in target.window.ignored[phase])
    return not any(first < target.stop and stop > target.first for first, stop in stretches)


def detection(picker: Picker, targets: Sequence[Target]) -> Detection:
    """Task 1."""
    curve = predict_with(picker.model, [t.window for t in targets], outputs=(DETECTION,))[DETECTION]
    score = np.array([c[t.first : t.stop].max() for c, t in zip(curve, targets, strict=True)])
    event = np.array([t.phase != 0 for t in targets])
    interval = bootstrap_rows(_groups(targets), lambda rows: auc(event[rows], score[rows]))
    return Detection(picker.name, int(event.sum()), int((~event).sum()), auc(event, score), interval)


def _groups(targets: Sequence[Target]) -> list[str]:
    return [t.window.source_group for t in targets]


def phases(picker: Picker, dev: Sequence[Target], scored: Sequence[Target]) -> tuple[Identification, list[Timing]]:
    """Tasks 2 and 3; the ratio's threshold is chosen on dev. A stretch with another, unlabelled onset is timed only."""
    ratio, is_p, _ = _peaks(picker, [t for t in dev if certain(t)])
    at = best_ratio(ratio, is_p)
    ratio, _, residuals = _peaks(picker, scored)
    rows = [timing(picker.name, phase, residuals, scored) for phase in (P, S)]
    sure = [i for i, t in enumerate(scored) if certain(t)]
    is_p, said = np.array([scored[i].phase == P for i in sure], bool), ratio[sure] >= at
    groups = _groups([scored[i] for i in sure])
    interval = bootstrap_rows(groups, lambda rows: mcc(is_p[rows], said[rows]))
    count = int(is_p.sum())
    return Identification(picker.name, count, len(sure) - count, mcc(is_p, said), interval, at), rows


def timing(name: str, phase: int, residuals: Sequence[float], targets: Sequence[Target]) -> Timing:
    """Task 3 for one phase; residuals in s, of every target."""
    residual = np.array([r for r, t in zip(residuals, targets, strict=True) if t.phase == phase])
    near = residual[np.abs(residual) <= OUTLIER_S]
    outliers = 1 - len(near) / len(residual) if len(residual) else float("nan")
    return Timing(name, LETTERS[phase], len(residual), *moments(near), outliers)


def _peaks(picker: Picker, targets: Sequence[Target]) -> tuple[NDArray[Any], NDArray[np.bool_], list[float]]:
    """Ratio of highest P to highest S, whether it is a P, and residual of the labelled phase in s, of each target."""
    curves = picker.curves([t.window for t in targets])
    ratios, residuals = [], []
    for i, t in enumerate(targets):
        p, s = (curves[phase][i, t.first : t.stop] for phase in (P, S))
        ratios.append(p.max() / max(s.max(), 1e-9))
        residuals.append((t.first + int((p if t.phase == P else s).argmax()) - t.onset) / RATE)
    return np.array(ratios, float), np.array([t.phase == P for t in targets], bool), residuals


def mcc(truth: NDArray[np.bool_], said: NDArray[np.bool_]) -> float:
    """Matthews' correlation coefficient of two rows of True and False; 0 where one of them is all alike."""
    tp, tn = float((truth & said).sum()), float((~truth & ~said).sum())
    fp, fn = float((~truth & said).sum()), float((truth & ~said).sum())
    product = (tp + fp) * (tp + fn) * (tn + fp) * (tn + fn)
    return (tp * tn - fp * fn) / product**0.5 if product else 0.0


def best_ratio(ratio: NDArray[np.float64], is_p: NDArray[np.bool_]) -> float:
    """The ratio with the highest MCC, the middle of two neighbours on a logarithmic scale; 1 without any."""
    if len(ratio) == 0:
        return 1.0
    x = np.unique(np.log10(np.clip(ratio, 1e-6, 1e6)))
    middles = (x[1:] + x[:-1]) / 2 if len(x) > 1 else np.zeros(1)
    values = np.array([mcc(is_p, ratio >= 10**m) for m in middles])
    best = np.flatnonzero(values >= values.max() - 1e-12)
    return float(10 ** middles[best[len(best) // 2]])
