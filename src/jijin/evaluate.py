"""Scores of a picker against labels: precision, recall, F1 and residuals, false picks an hour of noise.

The same code scores jijin and its peers: anything whose predict(windows (window, 3, 6000)) gives P and S probabilities.
residual = pick - label, in seconds. Intervals are bootstrapped by earthquake (source_group), since records of one event
are not independent.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jijin.data.dataset import copy_window
from jijin.data.labels import NOISE, OTHER
from jijin.data.traces import LabelledTrace, P, S
from jijin.errors import DataError, ReadError
from jijin.picking import OnsetFinder
from jijin.types import NS

RATE, LENGTH, MARGIN = 100.0, 6000, 100
TOLERANCES_S = (0.1, 0.5)
THRESHOLDS = tuple(round(0.05 * k, 2) for k in range(2, 20))
QUIET = (NOISE, OTHER)  # categories in which every pick is false
PLACES = 3  # windows that a trace longer than 60 s is looked at through
RESAMPLES = 1000
Picks = list[tuple[float, float]]  # (sample, probability)


@dataclass(frozen=True, slots=True, eq=False)
class Window:
    """data : (3, 6000). onsets and ignored stretches (first, last sample) per phase; hours that hold data.

    category is that of the whole trace: a window of an earthquake's coda is not noise.
    """

    data: NDArray[np.float32]
    onsets: Mapping[int, tuple[float, ...]]
    ignored: Mapping[int, tuple[tuple[float, float], ...]]
    source_group: str
    hours: float
    category: str


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


def evaluation_windows(traces: Sequence[LabelledTrace], places: int = PLACES) -> list[Window]:
    """Windows of 60 s on every trace, evenly laid; what a shorter trace lacks is missing.

    A label in the first or last second of a window counts neither way.
    """
    out = []
    for trace in traces:
        spare = max(trace.data.shape[1] - LENGTH, 0)
        for start in sorted(set(np.linspace(0, spare, places if spare else 1).round().astype(int).tolist())):
            out.append(window_at(trace, start))
    return out


def window_at(trace: LabelledTrace, start: int) -> Window:
    """The window from sample start of a trace, with the labels that lie in it."""
    data = np.zeros((3, LENGTH), np.float32)  # zeros: peers know no other sign for missing
    covered = copy_window(trace.data, start, data)
    onsets, ignored = {}, {}
    for phase, labels in ((P, trace.p), (S, trace.s)):
        here = [x - start for x in labels if -MARGIN <= x - start < LENGTH + MARGIN]
        onsets[phase] = tuple(x for x in here if MARGIN <= x < LENGTH - MARGIN)
        edge = [(x - 100, x + 100) for x in here if x not in onsets[phase]]
        ignored[phase] = (*edge, *((a - start, b - start) for o, a, b in trace.masked if o == phase))
    return Window(data, onsets, ignored, trace.source_group, covered / RATE / 3600, trace.category)


def find_picks(curves: NDArray[np.floating[Any]], phase: int, threshold: float) -> list[Picks]:
    """Picks of each window, (window, sample) -> (sample, probability), by the same rules as the detector."""
    name = "PS"[phase - P]
    out: list[Picks] = []
    for curve in curves:
        if curve.max() < threshold:
            out.append([])
            continue
        finder = OnsetFinder(name, threshold, {"scale": 0.0, "floor_s": 0.0}, 50)
        found = finder.push(curve.astype(np.float32), lambda *_: ("", 0), final=True)
        out.append([(o.pick.time_ns * RATE / NS, o.pick.probability) for o in found])
    return out


def match(
    picks: Picks, onsets: Sequence[float], ignored: Sequence[tuple[float, float]], reach: float
) -> tuple[Any, ...]:
    """Residuals in samples of matched picks, number of false picks and of missed labels; reach in samples.

    >>> match([(100.0, 0.9), (480.0, 0.5), (700.0, 0.4)], [103.0], [(650, 750)], 50)
    ([-3.0], 1, 0)
    """
    free, residuals = list(picks), []
    for onset in onsets:
        best = min(free, key=lambda pick: abs(pick[0] - onset), default=None)
        if best is not None and abs(best[0] - onset) <= reach:
            residuals.append(best[0] - onset)
            free.remove(best)
    return residuals, _free(free, ignored), len(onsets) - len(residuals)


def _free(picks: Picks, ignored: Sequence[tuple[float, float]]) -> int:
    """How many picks lie outside of the ignored stretches."""
    return sum(not any(a <= x < b for a, b in ignored) for x, _ in picks)


def score(picks: Sequence[Picks], windows: Sequence[Window], phase: int, reach_s: float) -> tuple[Score, list[float]]:
    """Score of one phase, and the residuals in seconds."""
    rows = [match(p, w.onsets[phase], w.ignored[phase], reach_s * RATE) for p, w in zip(picks, windows, strict=True)]
    counts = np.array([(len(r), false, missed) for r, false, missed in rows], float).reshape(-1, 3)
    hit, false, missed = counts.sum(0)
    interval = _bootstrap(counts, [w.source_group for w in windows])
    result = Score(
        hit / max(hit + false, 1), hit / max(hit + missed, 1), _f1(counts.sum(0)), interval, int(hit + missed)
    )
    return result, [x / RATE for r, _, _ in rows for x in r]


def _f1(counts: NDArray[Any]) -> Any:
    """F1 of (..., [hit, false, missed])."""
    hit = counts[..., 0]
    return 2 * hit / np.maximum(2 * hit + counts[..., 1] + counts[..., 2], 1)


def _bootstrap(counts: NDArray[Any], groups: Sequence[str]) -> tuple[float, float]:
    """2.5 and 97.5 % of F1 when the earthquakes are drawn again with replacement."""
    _, index = np.unique(np.asarray(groups), return_inverse=True)
    if len(index) == 0:
        return float("nan"), float("nan")
    per_group = np.zeros((index.max() + 1, 3))
    np.add.at(per_group, index, counts)
    draws = np.random.default_rng(0).integers(len(per_group), size=(RESAMPLES, len(per_group)))
    low, high = np.percentile(_f1(per_group[draws].sum(1)), (2.5, 97.5))
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
    category = np.array([w.category for w in windows])
    hours = {kind: sum(w.hours for w in windows if w.category == kind) for kind in QUIET}
    counted = [w for w in windows if w.category != OTHER]
    phases, residuals, false = {}, {}, {kind: dict[int, float]() for kind in QUIET}
    for phase in (P, S):
        picks = find_picks(curves[phase], phase, thresholds[phase])
        kept = [p for p, w in zip(picks, windows, strict=True) if w.category != OTHER]
        scored = {t: score(kept, counted, phase, t) for t in TOLERANCES_S}
        phases[phase] = {t: result for t, (result, _) in scored.items()}
        residuals[phase] = _moments(scored[max(TOLERANCES_S)][1])
        for kind in QUIET:
            total = sum(_free(picks[i], windows[i].ignored[phase]) for i in np.flatnonzero(category == kind).tolist())
            false[kind][phase] = total / hours[kind] if hours[kind] else float("nan")
    groups = len({w.source_group for w in counted})
    return Report(name, dict(thresholds), phases, residuals, false, hours, len(counted), groups)


def _moments(residuals: Sequence[float]) -> tuple[float, float, float]:
    """Mean, standard deviation and mean absolute residual, in seconds; NaN without any."""
    x = np.asarray(residuals) if len(residuals) else np.array([np.nan])
    return float(x.mean()), float(x.std()), float(np.abs(x).mean())


def best_thresholds(
    curves: Mapping[int, NDArray[np.float32]], windows: Sequence[Window], within: float = 0.0
) -> dict[int, float]:
    """Threshold of each phase with the best F1 at 0.5 s on earthquakes and noise: the middle of those so near."""
    rows = [i for i, w in enumerate(windows) if w.category != OTHER]
    curves, windows = {phase: curves[phase][rows] for phase in (P, S)}, [windows[i] for i in rows]
    out = {}
    for phase in (P, S):
        found = find_picks(curves[phase], phase, THRESHOLDS[0])  # once; a higher threshold keeps the higher ones
        f1 = [score([[x for x in w if x[1] >= t] for w in found], windows, phase, 0.5)[0].f1 for t in THRESHOLDS]
        equal = np.flatnonzero(np.asarray(f1) >= max(f1) - within - 1e-9)
        out[phase] = THRESHOLDS[int(equal[(len(equal) - 1) // 2])]
    return out


def predict_with(model: Any, windows: Sequence[Window], batch: int = 64) -> dict[int, NDArray[np.float32]]:
    """Curves of a jijin model (attributes p, s) or of a peer (keys "p", "s") on the windows."""
    parts: dict[int, list[NDArray[np.float32]]] = {P: [], S: []}
    for at in range(0, len(windows), batch):
        out = model.predict(np.stack([w.data for w in windows[at : at + batch]]))
        for phase, key in ((P, "p"), (S, "s")):
            parts[phase].append(out[key] if isinstance(out, Mapping) else getattr(out, key))
    return {
        phase: np.concatenate(arrays) if arrays else np.empty((0, LENGTH), np.float32)
        for phase, arrays in parts.items()
    }


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


def load_peers(folder: Path) -> list[tuple[str, Any]]:
    """Pickers of a folder whose peers.py has NAMES and load(name); the file is run. Name and picker of each."""
    path = folder / "peers.py"
    if not path.is_file():
        raise ReadError(f"{path}: no such file; a folder of peers has a peers.py with NAMES and load(name)")
    spec = importlib.util.spec_from_file_location("jijin_peers", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
        return [(name, module.load(name)) for name in module.NAMES]
    except ModuleNotFoundError as error:
        raise DataError(f"{path} needs {error.name}: pip install {error.name}") from error
