"""The tables of the study. Our numbers are of this run; those of the original study have a column to themselves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from jijin.data.traces import LETTERS, P, S
from jijin.evaluate import TOLERANCE_S, Report
from jijin.study.results import ORIGINAL, Fold, ModelResult, Original, Study

ORIGINAL_TEST_WINDOWS = 1_200  # that the original study timed its predictions on
ORIGINAL_PRESENTED = 20_000 * 10  # windows that its CBA was trained with
LEAST = 1e-7  # probabilities are kept this far from 0 and 1 in the loss: a tree says 0 and 1
NONE = float("nan")


def models(study: Study) -> pd.DataFrame:
    """One row a model, all measured in one run on the same test windows."""
    truth = study.data.is_earthquake[study.test]
    return pd.DataFrame([_model(result, truth) for result in study.models])


def _model(result: ModelResult, truth: NDArray[np.bool_]) -> dict[str, Any]:
    d, count = result.detection, max(len(truth), 1)
    return {
        "model": result.name,
        "trained on": result.trained_on,
        "F1": d.f1,
        "precision": d.precision,
        "recall": d.recall,
        "accuracy": d.accuracy,
        "loss": log_loss(result.score, truth),
        "F1 of P": phase_f1(result.report, P),
        "F1 of S": phase_f1(result.report, S),
        "parameters": count_or_none(result.parameters or None),
        "training (s)": or_nan(result.training_s),
        "prediction (s)": result.prediction_s,
        "ms a window": 1000 * result.prediction_s / count,
    }


def log_loss(score: NDArray[Any], truth: NDArray[np.bool_]) -> float:
    """Mean of -log of the probability that was given to what is true; score and truth (window,)."""
    given = np.where(truth, score, 1 - np.asarray(score, float))
    return 0.0 - float(np.log(np.clip(given, LEAST, 1)).mean()) if len(given) else NONE  # 0 - 0 has no sign


def phase_f1(report: Report | None, phase: int) -> float:
    """F1 at 0.5 s; NaN without picks to score or labels to score them on."""
    if report is None or not report.phases[phase][TOLERANCE_S].labels:
        return NONE
    return report.phases[phase][TOLERANCE_S].f1


def or_nan(value: float | None) -> float:
    return NONE if value is None else float(value)


def count_or_none(value: int | None) -> Any:
    """A whole number, or pandas' NA, so that a column of counts has no decimals."""
    return pd.NA if value is None else value


def originals(study: Study) -> pd.DataFrame:
    """What the original study reported beside what this run measured: two data sets, two columns, never mixed."""
    rows = [row for original in ORIGINAL for row in _beside(study, original)]
    columns = ["model", "what", "published", "published on", "our model", "ours", "ours on"]
    return pd.DataFrame(rows, columns=columns)


def _beside(study: Study, original: Original) -> Iterator[tuple[str, ...]]:
    """A row for each of our models of that kind; one that says so where there is none."""
    seen = ORIGINAL_PRESENTED if original.what == "training time" else ORIGINAL_TEST_WINDOWS
    published = _told(original, original.value, seen)
    found = False
    for result in study.models:
        for value, where in _ours(result, original, len(study.test)):
            found = True
            seen = (result.presented or 0) if original.what == "training time" else len(study.test)
            ours = _told(original, value, seen)
            yield original.model, original.what, published, original.data, result.name, ours, where
    if not found:
        yield original.model, original.what, published, original.data, "–", "not measured", "–"


def _ours(result: ModelResult, original: Original, count: int) -> Iterator[tuple[float, str]]:
    """Our values of what the study reported, and what on; also by the study's own protocol where it was followed."""
    if not same_model(result, original.model):
        return
    value = MEASURED[original.what](result)
    if np.isfinite(value):
        yield value, _measured_on(result, original.what, count)
    for protocol in result.published:
        score = {"accuracy": protocol.scores.accuracy, "F1": protocol.scores.f1}.get(original.what)
        if score is not None:
            yield score, f"as the study did it: {protocol.what}"


def _measured_on(result: ModelResult, what: str, count: int) -> str:
    if what.endswith("5-fold"):
        return f"{len(result.folds)} folds by earthquake"
    return result.trained_on if what == "training time" else f"the {count:,} test windows"


def same_model(result: ModelResult, original: str) -> bool:
    """Whether a model of ours is of the kind that the original study reported on."""
    if original == "EQTransformer":
        return result.family == "peer" and result.name.lower().startswith("eqt")
    return result.name == original if result.family == "tree" else result.family == original.lower()


def _fold_accuracy(result: ModelResult) -> float:
    return float(np.mean([fold.accuracy for fold in result.folds])) if result.folds else NONE


def speed(result: ModelResult) -> float:
    """Windows a second that its training got through; NaN for one that came trained."""
    seen = result.presented or result.training_windows
    return seen / result.training_s if seen and result.training_s else NONE


MEASURED: dict[str, Callable[[ModelResult], float]] = {
    "accuracy": lambda result: result.detection.accuracy,
    "precision": lambda result: result.detection.precision,
    "F1": lambda result: result.detection.f1,
    "accuracy, 5-fold": _fold_accuracy,
    "time of 5-fold": lambda result: result.costs.get("5-fold", NONE),
    "prediction time": lambda result: result.prediction_s,
    "training time": lambda result: or_nan(result.training_s),
}


def _told(original: Original, value: float, seen: int) -> str:
    """A value with its unit; of a time also the speed that follows from the number of windows."""
    text = f"{value:.4g} {original.unit}" if original.unit else f"{value:.2f}"
    if original.what == "prediction time" and seen:
        return f"{text}, {1000 * value / seen:.3g} ms a window"
    if original.what == "training time" and seen and value:
        return f"{text}, {seen / value:.3g} windows/s"
    return text


def picks(study: Study) -> pd.DataFrame:
    """Scores of the picks, a row a model and phase; residual = pick - label."""
    return pd.DataFrame([_picks(m.name, m.report, phase) for m in study.models if m.report for phase in (P, S)])


def _picks(name: str, report: Report, phase: int) -> dict[str, Any]:
    wide, narrow = report.phases[phase][TOLERANCE_S], report.phases[phase][0.1]
    mean, deviation, mae = report.residuals[phase]
    return {
        "model": name,
        "phase": LETTERS[phase],
        "labels": wide.labels,
        "threshold": report.thresholds[phase],
        "precision": wide.precision if wide.labels else NONE,
        "recall": wide.recall if wide.labels else NONE,
        "F1": wide.f1 if wide.labels else NONE,
        "95 %": _range(wide.interval) if wide.labels else "–",
        "F1 at 0.1 s": narrow.f1 if wide.labels else NONE,
        "mean (s)": mean,
        "deviation (s)": deviation,
        "mean absolute (s)": mae,
        "false an hour of noise": report.false_per_hour.get("noise", {}).get(phase, NONE),
    }


def _range(interval: tuple[float, float]) -> str:
    return f"{interval[0]:.3f} to {interval[1]:.3f}"


def components(study: Study) -> pd.DataFrame:
    """F1 with fewer components, and what is lost against all three; a row a model and input."""
    return pd.DataFrame([
        _component(name, given, reports, study.component_scores.get(name, {}))
        for name, reports in study.components.items()
        for given in reports
    ])  # fmt: skip


def _component(name: str, given: str, reports: Any, scores: Any) -> dict[str, Any]:
    row: dict[str, Any] = {"model": name, "input": given}
    for phase, letter in LETTERS.items():
        f1, whole = phase_f1(reports[given], phase), phase_f1(reports.get("ZNE"), phase)
        row |= {f"F1 of {letter}": f1, f"loss of {letter}": whole - f1}
        score = reports[given].phases[phase][TOLERANCE_S]
        row[f"95 % of {letter}"] = _range(score.interval) if score.labels else "–"
    f1, whole = (scores[key].f1 if key in scores else NONE for key in (given, "ZNE"))
    return row | {"F1 of detection": f1, "loss of detection": whole - f1}


def cost(study: Study) -> pd.DataFrame:
    """What the trainings took; a row a model that was trained in this run."""
    published = next(o.value for o in ORIGINAL if o.what == "training time")
    rows = [
        {
            "model": m.name,
            "training windows": count_or_none(m.training_windows),
            "windows presented": count_or_none(m.presented),
            "training (s)": m.training_s,
            "windows a second": speed(m),
            "published windows a second": ORIGINAL_PRESENTED / published if same_model(m, "CBA") else NONE,
            "peak memory (MB)": or_nan(m.peak_mb),
        }
        for m in study.models
        if m.training_s is not None
    ]
    return pd.DataFrame(rows)


def parts(result: ModelResult) -> dict[str, float]:
    """Seconds of a training by part; what nobody measured is "other"."""
    known = {name: seconds for name, seconds in result.costs.items() if name != "5-fold"}
    rest = or_nan(result.training_s) - sum(known.values())
    return {**known, "other": rest} if known and rest > 0 else known


def folds(study: Study) -> pd.DataFrame:
    """Cross-validation, a row a model and fold, and the mean."""
    rows = []
    for m in study.models:
        values = np.array([[f.accuracy, f.precision, f.recall, f.f1] for f in m.folds]).reshape(-1, 4)
        numbered = [(str(k), *row) for k, row in enumerate(values.tolist(), 1)]
        if numbered:
            numbered += [("mean", *values.mean(0)), ("standard deviation", *values.std(0))]
        rows += [(m.name, *row) for row in numbered]
    return pd.DataFrame(rows, columns=["model", "fold", "accuracy", "precision", "recall", "F1"])


def protocols(study: Study) -> pd.DataFrame:
    """Tree and CNN scored the way the original study did it, a row a model and protocol."""
    rows = [
        (m.name, p.what, p.train_windows, p.test_windows, *_fold(p.scores)) for m in study.models for p in m.published
    ]
    columns = ["model", "protocol", "training windows", "test windows", "accuracy", "precision", "recall", "F1"]
    return pd.DataFrame(rows, columns=columns)


def _fold(fold: Fold) -> tuple[float, float, float, float]:
    return fold.accuracy, fold.precision, fold.recall, fold.f1


def windows(study: Study) -> pd.DataFrame:
    """Windows, earthquakes and labels by data set, and in all."""
    data = study.data
    table = pd.DataFrame({
        "data set": data.labels["dataset"].astype(str).to_numpy(),
        **{split: data.split == split for split in ("train", "dev", "test")},
        "earthquake": data.is_earthquake,
        "noise": ~data.is_earthquake,
        "P labels": [len(w.onsets.get(P, ())) for w in data.windows],
        "S labels": [len(w.onsets.get(S, ())) for w in data.windows],
        "group": [w.source_group for w in data.windows],
    })  # fmt: skip
    names = [*sorted(set(table["data set"])), "all"]
    parts = [table if name == "all" else table[table["data set"] == name] for name in names]
    counts = [part.drop(columns=["data set", "group"]).sum().astype(int) for part in parts]
    rows = pd.DataFrame(counts).assign(groups=[part["group"].nunique() for part in parts])
    rows.insert(0, "data set", names)
    return rows.reset_index(drop=True)


def scores(study: Study) -> pd.DataFrame:
    """Every test window: what it is, and the probability that each model gave to an earthquake."""
    rows, labels = study.test, study.data.labels.iloc[study.test]
    table = pd.DataFrame({
        "trace_name": labels["trace_name"].astype(str).to_numpy(),
        "dataset": labels["dataset"].astype(str).to_numpy(),
        "earthquake": study.data.is_earthquake[rows],
    })  # fmt: skip
    return table.assign(**{m.name: np.asarray(m.score, float) for m in study.models})


def settings(study: Study) -> pd.DataFrame:
    """What the run was asked for."""
    return pd.DataFrame([(str(k), str(v)) for k, v in study.settings.items()], columns=["setting", "value"])
