"""Picks of the models on the test windows, found once for residuals, examples and curves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jijin.data.labels import OTHER
from jijin.data.traces import P, S
from jijin.evaluate import TOLERANCE_S, Picks, Window, count, counts_at, find_picks
from jijin.study.results import ModelResult, Study


@dataclass(frozen=True, slots=True, eq=False)
class Picker:
    """A model that picks. picks : phase -> of each test window its picks at the model's threshold."""

    name: str
    family: str
    picks: Mapping[int, Sequence[Picks]]
    curves: Mapping[int, NDArray[Any]]


def pickers(study: Study) -> list[Picker]:
    """The models that have curves and thresholds, in their order."""
    return [_picker(m) for m in study.models if m.report is not None and P in m.curves and S in m.curves]


def _picker(result: ModelResult) -> Picker:
    assert result.report is not None
    thresholds = result.report.thresholds
    picks = {phase: find_picks(result.curves[phase], phase, thresholds[phase]) for phase in (P, S)}
    return Picker(result.name, result.family, picks, result.curves)


def residuals(picks: Sequence[Picks], windows: Sequence[Window], phase: int) -> NDArray[np.float64]:
    """pick - label in seconds of the picks within 0.5 s of a label, windows of other sources left out."""
    kept = [k for k, w in enumerate(windows) if w.category != OTHER]
    return np.array(count([picks[k] for k in kept], [windows[k] for k in kept], phase, TOLERANCE_S)[1])


def precision_recall(
    curves: NDArray[Any], windows: Sequence[Window], phase: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Precision and recall of picks at evaluate.THRESHOLDS, ascending; precision is NaN where nothing is picked."""
    hit, false, missed = counts_at(curves, windows, phase).T
    with np.errstate(invalid="ignore"):
        return hit / (hit + false), hit / (hit + missed)
