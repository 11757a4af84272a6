"""Picks of the models on the test windows, found once for residuals, examples and curves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jijin.data.labels import OTHER
from jijin.data.traces import P, S
from jijin.evaluate import RATE, THRESHOLDS, Picks, Window, find_picks, match
from jijin.study.results import ModelResult, Study

TOLERANCE_S = 0.5


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
    return np.array([r / RATE for found, w in _scored(picks, windows) for r in _match(found, w, phase)[0]])


def precision_recall(
    curves: NDArray[Any], windows: Sequence[Window], phase: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Precision and recall of picks at evaluate.THRESHOLDS, ascending; precision is NaN where nothing is picked."""
    found = find_picks(curves, phase, THRESHOLDS[0])  # once; a higher threshold keeps the higher ones
    counts = np.array([_counts([[x for x in w if x[1] >= t] for w in found], windows, phase) for t in THRESHOLDS])
    hit, false, missed = counts.T
    with np.errstate(invalid="ignore"):
        return hit / (hit + false), hit / (hit + missed)


def _counts(picks: Sequence[Picks], windows: Sequence[Window], phase: int) -> NDArray[np.float64]:
    """Matched, false and missed."""
    rows = [_match(found, w, phase) for found, w in _scored(picks, windows)]
    return np.array([(len(r), false, missed) for r, false, missed in rows], float).reshape(-1, 3).sum(0)


def _match(picks: Picks, window: Window, phase: int) -> tuple[Any, ...]:
    return match(picks, window.onsets[phase], window.ignored[phase], TOLERANCE_S * RATE)


def _scored(picks: Sequence[Picks], windows: Sequence[Window]) -> list[tuple[Picks, Window]]:
    """Earthquakes and noise, as evaluate scores them."""
    return [pair for pair in zip(picks, windows, strict=True) if pair[1].category != OTHER]
