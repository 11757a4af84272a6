"""Agreement with other pickers on continuous records that nobody labelled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from jijin.config import CutConfig
from jijin.data.teachers import PROBABILITY, groups
from jijin.data.traces import LETTERS, LabelledTrace, P, S
from jijin.errors import DataError
from jijin.evaluate.pickers import Picker
from jijin.evaluate.shift import detect

NEAR = 50  # samples
SHARE = 3  # pickers that make an arrival


@dataclass(frozen=True, slots=True)
class Agreement:
    """Of one phase on one record: what three others share, how much of it we find, and what only one side has.

    ours_alone : picks of ours that no other has at any probability in the table.
    """

    picker: str
    record: str
    phase: str
    shared: int
    recall: float
    ours: int
    ours_alone: int
    theirs_alone: int


@dataclass(frozen=True, slots=True)
class Difference:
    """Samples of the record at which only one side has a pick."""

    phase: str
    ours_alone: tuple[float, ...]
    theirs_alone: tuple[float, ...]


def agreement(
    picker: Picker, trace: LabelledTrace, table: pd.DataFrame, cut: CutConfig | None = None
) -> tuple[list[Agreement], list[Difference]]:
    """Both phases of one record; table: picks of others (columns as in teachers.read_picks)."""
    own = detect(picker, trace, cut or CutConfig(), 0)
    here = table[(table["dataset"] == trace.dataset) & (table["trace_name"] == trace.name)]
    rows, places = [], []
    for phase in (P, S):
        name = LETTERS[phase]
        theirs = here[here["phase"] == name]
        ours = np.array([x for x, _ in own[phase]])
        both = shared(theirs)
        missed = tuple(x for x in both if not _near(x, ours))
        alone = tuple(x for x in ours.tolist() if not _near(x, theirs["sample"].to_numpy(float)))
        recall = 1 - len(missed) / len(both) if both else float("nan")
        rows.append(
            Agreement(picker.name, trace.source_group, name, len(both), recall, len(ours), len(alone), len(missed))
        )
        places.append(Difference(name, alone, missed))
    return rows, places


def agreements(pickers: Sequence[Picker], traces: Sequence[LabelledTrace], table: pd.DataFrame) -> list[Agreement]:
    """Both phases of every record, of every picker in the detector. DataError if the table has too few pickers."""
    names = sorted(set(table["picker"].astype(str)))
    if len(names) < SHARE:
        raise DataError(f"an arrival is what {SHARE} pickers share; the table has {', '.join(names)}")
    return [row for picker in pickers for trace in traces for row in agreement(picker, trace, table)[0]]


def shared(picks: pd.DataFrame) -> list[float]:
    """Median samples of arrivals of one phase that at least SHARE pickers find at a probability of 0.3."""
    sure = picks[picks["probability"] >= PROBABILITY].sort_values("sample")
    return [float(g["sample"].median()) for g in groups(sure) if g["picker"].nunique() >= SHARE]


def _near(x: float, others: Sequence[float] | NDArray[np.float64]) -> bool:
    return bool((np.abs(np.asarray(others) - x) <= NEAR).any())
