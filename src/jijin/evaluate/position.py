"""Whether picks depend on where in a window an onset lies: near a border, or on a whole second.

EQTransformer has both faults: its training windows were cut at whole seconds, and onsets lay in their first part.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from jijin.data.traces import LETTERS, LabelledTrace, P, S
from jijin.evaluate.matching import find_picks, pair
from jijin.evaluate.pickers import Picker
from jijin.evaluate.shift import REACH, STARTS
from jijin.evaluate.windows import window_at
from jijin.types import IN_SAMPLES, RATE

POSITIONS_S = (1.2, 2.0, 5.0, 10.0, 30.0, 50.0, 55.0, 58.0, 58.8)
TENTHS = 10  # of a second


@dataclass(frozen=True, slots=True)
class Position:
    """Onsets that lie so far from the start of a window: recall at 0.5 s and the median residual."""

    picker: str
    phase: str
    position_s: float
    labels: int
    recall: float
    median_s: float


@dataclass(frozen=True, slots=True)
class Second:
    """Picks of onsets around a tenth of the window's second (0: the whole second), within 0.05 s.

    moved_s : mean distance from the same onset's median pick over all starts; labels_here, picks_here : share of all
    labels and of all picks that lie in this tenth.
    """

    picker: str
    phase: str
    tenth: int
    picks: int
    moved_s: float
    labels_here: float
    picks_here: float


def positions(picker: Picker, traces: Iterable[LabelledTrace], at_s: Sequence[float] = POSITIONS_S) -> list[Position]:
    """Every labelled onset at every position; what a window has before or after the record is missing."""
    labelled = [(phase, onset, t) for t in traces for phase, onsets in t.by_phase.items() for onset in onsets]
    return [row for position_s in at_s for row in _at(picker, labelled, position_s)]


def _at(picker: Picker, labelled: Sequence[tuple[int, float, LabelledTrace]], position_s: float) -> Iterator[Position]:
    starts = [round(onset - position_s * RATE) for _, onset, _ in labelled]
    curves = picker.curves([window_at(t, start) for (_, _, t), start in zip(labelled, starts, strict=True)])
    for phase in (P, S):
        rows = [i for i, (own, *_) in enumerate(labelled) if own == phase]
        picks = find_picks(curves[phase][rows], phase, picker.thresholds[phase])
        pairs = [pair(p, [labelled[i][1] - starts[i]], REACH)[0] for p, i in zip(picks, rows, strict=True)]
        residuals = [(pick[0] - onset) / RATE for found in pairs for pick, onset in found]
        median = float(np.median(residuals)) if residuals else float("nan")
        recall = len(residuals) / len(rows) if rows else float("nan")
        yield Position(picker.name, LETTERS[phase], position_s, len(rows), recall, median)


def seconds(picker: Picker, traces: Iterable[LabelledTrace], starts: Sequence[int] = STARTS) -> list[Second]:
    """Every labelled onset from many starts, its picks by the tenth of the window's second that the label is in."""
    found: dict[int, list[NDArray[np.float64]]] = {P: [], S: []}  # rows of: label, pick in the window, move
    for trace in traces:
        windows = [window_at(trace, s) for s in starts if s + IN_SAMPLES <= trace.data.shape[1]]
        if len(windows) >= 2:
            for phase, picks in picker.picks(windows).items():
                found[phase] += _moves(
                    [pair(p, w.onsets[phase], REACH)[0] for p, w in zip(picks, windows, strict=True)]
                )
    return [row for phase in (P, S) for row in _tenths(picker.name, LETTERS[phase], found[phase])]


def _moves(pairs: Sequence[Sequence[tuple[tuple[float, float], float]]]) -> list[NDArray[np.float64]]:
    """Label, pick and distance from the median residual of one trace with one label of a phase, a row each start."""
    rows = [(onset, pick[0]) for found in pairs if len(found) == 1 for pick, onset in found]
    if len(rows) < 2:
        return []
    label, pick = np.array(rows).T
    residual = pick - label
    return [np.stack([label, pick, residual - np.median(residual)], 1)]


def _tenths(name: str, phase: str, found: Sequence[NDArray[np.float64]]) -> Iterator[Second]:
    rows = np.concatenate(found) if found else np.empty((0, 3))
    label, pick = ((rows[:, k] % RATE / RATE * TENTHS + 0.5).astype(int) % TENTHS for k in (0, 1))
    for tenth in range(TENTHS):
        here = label == tenth
        moved = float(rows[here, 2].mean()) / RATE if here.any() else float("nan")
        shares = (float((x == tenth).mean()) if len(rows) else float("nan") for x in (label, pick))
        yield Second(name, phase, tenth, int(here.sum()), moved, *shares)
