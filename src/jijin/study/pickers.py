"""Pickers on the study's windows: CBA trained here, the shipped one and published ones, all through the same code."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jijin.data.traces import DETECTION, P, S
from jijin.evaluate import Report, best_thresholds, evaluate
from jijin.evaluate.pickers import predict_batches
from jijin.study.results import Fold, ModelResult
from jijin.study.sample import Sample
from jijin.study.scores import best_threshold, confusion, fold

FEWER = ("ZN", "Z", "E")  # components that CBA is given beside all three
BATCH = 64


@dataclass(frozen=True, slots=True, eq=False)
class Output:
    """score : (window,), earthquake or noise; p, s : (window, 6000) probabilities; seconds that it all took.

    The score of a window is the largest value of its detection curve; without one, as of PhaseNet, that of P + S.
    """

    score: NDArray[np.float32]
    p: NDArray[np.float32]
    s: NDArray[np.float32]
    seconds: float

    @property
    def curves(self) -> dict[int, NDArray[np.float32]]:
        """Phase to curves."""
        return {P: self.p, S: self.s}


@dataclass(frozen=True, slots=True, eq=False)
class Tuned:
    """Thresholds chosen on dev: of the score, and of each phase."""

    score: float
    phases: Mapping[int, float]


def predict(model: Any, windows: NDArray[np.float32]) -> Output:
    """Run a jijin model (attributes detection, p, s) or a peer (keys "det", "p", "s") on windows (window, 3, 6000)."""
    began = time.perf_counter()
    parts = list(_predict(model, windows))
    seconds = time.perf_counter() - began
    score, p, s = (np.concatenate(column) for column in zip(*parts, strict=True))
    return Output(score, p, s, seconds)


def _predict(model: Any, windows: NDArray[np.float32]) -> Iterator[tuple[NDArray[Any], ...]]:
    batches = (windows[at : at + BATCH] for at in range(0, len(windows), BATCH))
    for out in predict_batches(model, batches, (DETECTION, P, S)):
        yield out[DETECTION].max(1), out[P], out[S]


def tune(sample: Sample, model: Any) -> Tuned:
    """Thresholds with the highest F1 on the dev windows."""
    rows = sample.rows("dev")
    out, windows = predict(model, sample.data[rows]), [sample.study.windows[i] for i in rows]
    return Tuned(best_threshold(out.score, sample.is_earthquake[rows]), best_thresholds(out.curves, windows))


def run_picker(sample: Sample, model: Any, name: str, family: str, tuned: Tuned, **about: Any) -> ModelResult:
    """A picker on the common test windows."""
    rows = sample.study.test
    out = predict(model, sample.data[rows])
    counts = confusion(sample.is_earthquake[rows], out.score >= tuned.score)
    kept = {phase: curves.astype(np.float16) for phase, curves in out.curves.items()}  # of every picker, until the end
    return ModelResult(
        name=name, family=family, score=out.score, threshold=tuned.score, detection=fold(counts), confusion=counts,
        prediction_s=out.seconds, curves=kept, report=_report(sample, name, out, tuned), **about,
    )  # fmt: skip


def _report(sample: Sample, name: str, out: Output, tuned: Tuned) -> Report:
    windows = [sample.study.windows[i] for i in sample.study.test]
    return evaluate(name, out.curves, windows, tuned.phases)


def by_components(
    sample: Sample, model: Any, whole: ModelResult, tuned: Tuned, inputs: Sequence[str] = FEWER
) -> tuple[dict[str, Report], dict[str, Fold]]:
    """Scores of picks and of earthquake or noise with some components only, the others zero; whole is that with all.

    Thresholds stay those of all three components.
    """
    assert whole.report is not None
    reports, folds = {"ZNE": whole.report}, {"ZNE": whole.detection}
    rows = sample.study.test
    for components in inputs:
        windows = sample.data[rows] * np.array([[c in components] for c in "ZNE"], np.float32)
        out = predict(model, windows)
        reports[components] = _report(sample, whole.name, out, tuned)
        folds[components] = fold(confusion(sample.is_earthquake[rows], out.score >= tuned.score))
    return reports, folds
