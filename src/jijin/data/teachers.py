"""Labels completed where several published pickers agree: missing S, second events, early automatic P.

A table of picks (columns dataset, trace_name, picker, phase, sample, probability) is grouped in time. A group that
enough pickers share becomes an onset; a group that only some of them see is masked, so that nothing is learned from it.
A manual label stays; where the sharp pickers have the same S is kept beside it, for training to put it there now and
then. An automatic one moves to the onset that pickers agree on, or else by the median of its data set; where none of
them has a pick of its phase, though some have others on this trace, it is most likely wrong and goes: nothing is
learned from there either.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd

from jijin.data.traces import DETECTION, LETTERS, LabelledTrace, P, S, detections
from jijin.errors import DataError
from jijin.io.tables import separator_hint

REACH = 40  # samples within which picks of different pickers are one onset
AGREE = 3  # pickers that make an onset
PROBABILITY = 0.3  # a pick below it does not vote for an onset
RETIME = 60  # samples within which an automatic label and an agreed onset tell how early the labels are
ENOUGH = 10  # re-timed labels of a data set that tell how early its other labels are
LEAST_S_MINUS_P = 10  # samples
DOUBT = 100  # samples masked on both sides of an onset that only some pickers see; by which a label may move
SEEN = 2  # pickers that find an arrival which nobody labelled: it counts neither way in scores ...
LABEL_REACH = 50  # ... unless a label is that near (samples)
OVERLOOK = 60  # samples on both sides of it that are ignored
PICK_COLUMNS = ("dataset", "trace_name", "picker", "phase", "sample", "probability")
SHARP = ("eqt_original_fast", "eqt_conservative", "eqcct_original")  # pickers with the smallest residuals


@dataclass(frozen=True, slots=True)
class Consensus:
    """Onset samples of one trace that pickers agree on, those they do not, and every pick, however weak."""

    agreed: dict[int, list[float]]
    doubtful: dict[int, list[float]]
    picked: dict[int, list[float]]
    sharp_s: list[float]  # S of the sharp pickers


def consensus(picks: pd.DataFrame, noise: bool = False) -> Consensus:
    """Agreement on one trace. In noise a lone picker is taken to be wrong, elsewhere its pick is doubtful."""
    agreed: dict[int, list[float]] = {P: [], S: []}
    doubtful: dict[int, list[float]] = {P: [], S: []}
    picked = {output: picks["sample"][picks["phase"] == phase].tolist() for output, phase in LETTERS.items()}
    for output, phase in LETTERS.items():
        for group in groups(picks[picks["phase"] == phase].sort_values("sample")):
            votes = group[group["probability"] >= PROBABILITY]["picker"].nunique()
            if votes >= AGREE:
                agreed[output].append(_time(group))
            elif votes >= 2 or not noise:
                doubtful[output].append(_time(group))
    sharp = picks[picks["picker"].isin(SHARP) & (picks["probability"] >= PROBABILITY)]
    sharp_s = sharp["sample"][sharp["phase"] == LETTERS[S]].tolist()
    return Consensus(agreed, doubtful, picked, sharp_s)


def agreements(traces: Iterable[LabelledTrace], picks: pd.DataFrame, noise: bool = False) -> list[Consensus]:
    """consensus of every trace, from the picks of its (dataset, name)."""
    tables = by_trace(picks)
    return [consensus(tables.get((t.dataset, t.name), picks[:0]), noise) for t in traces]


def by_trace(picks: pd.DataFrame) -> dict[Any, pd.DataFrame]:
    """(dataset, trace_name) -> the picks of that trace."""
    return dict(iter(picks.groupby(["dataset", "trace_name"])))


def groups(picks: pd.DataFrame) -> Iterable[pd.DataFrame]:
    """Runs of picks with at most REACH samples between neighbours."""
    if len(picks) == 0:
        return []
    breaks = np.cumsum(np.diff(picks["sample"].to_numpy(), prepend=-np.inf) > REACH)
    return (group for _, group in picks.groupby(breaks))


def _time(group: pd.DataFrame) -> float:
    """Median time of the sharp pickers where two of them are there, else of all."""
    sharp = group[group["picker"].isin(SHARP)]
    return float((sharp if len(sharp) >= 2 else group)["sample"].median())


def complete(trace: LabelledTrace, found: Consensus, bias: Mapping[int, float] = MappingProxyType({})) -> LabelledTrace:
    """The trace with what the pickers agree on added, its automatic labels re-timed and doubtful stretches masked.

    bias : phase -> samples by which automatic labels of this data set come early; those that no agreement re-times
    are moved by it. Automatic labels that no picker sees are dropped.
    """
    unseen = _unseen(trace, found)
    kept = {phase: [x for x in labels if (phase, x) not in unseen] for phase, labels in trace.by_phase.items()}
    early = {phase: bias.get(phase, 0.0) for phase in trace.automatic}
    p, s = (_merge(kept[phase], found.agreed[phase], early.get(phase)) for phase in (P, S))
    onsets = {P: found.agreed[P], S: s, DETECTION: found.agreed[S] if p else []}  # with both, how long an event is on
    masked = [m for m in trace.masked if not any(m[1] <= x < m[2] for x in onsets.get(m[0], ()))]
    for output, labels in ((P, p), (S, s)):
        doubtful = found.doubtful[output] + [x for phase, x in unseen if phase == output]
        for x in doubtful:
            if all(abs(x - label) > DOUBT for label in labels):
                masked += [(output, int(x) - DOUBT, int(x) + DOUBT), (DETECTION, int(x) - DOUBT, int(x) + 2000)]
    masked += [(DETECTION, int(on), int(off)) for on, off in detections(trace) if any(on <= x < off for _, x in unseen)]
    elsewhere = tuple(_beside(label, found.sharp_s, p) for label in s)
    return replace(trace, p=tuple(p), s=tuple(s), masked=tuple(masked), s_elsewhere=elsewhere)


def _beside(label: float, picked: Sequence[float], p: Sequence[float]) -> tuple[float, ...]:
    """Where others pick this S, and clearly after the P that it is of."""
    first = max((x for x in p if x < label), default=-np.inf) + LEAST_S_MINUS_P
    return tuple(x for x in picked if abs(x - label) <= RETIME and x >= first)


def _unseen(trace: LabelledTrace, found: Consensus) -> list[tuple[int, float]]:
    """Labels of machines that no picker sees, though some see something on this trace: without any pick nobody may have
    looked."""
    if not any(found.picked.values()):
        return []
    labels = [(phase, x) for phase in trace.automatic for x in trace.by_phase[phase]]
    return [(phase, x) for phase, x in labels if _nearest(x, found.picked[phase]) is None]


def _merge(labels: Sequence[float], agreed: list[float], early: float | None) -> list[float]:
    """Labels and agreed onsets in one list. early is None for manual labels, which stay: an automatic one becomes the
    agreed one near it, or moves by so much."""
    moved = list(labels) if early is None else [_moved(label, agreed, early) for label in labels]
    return sorted(moved + [x for x in agreed if _nearest(x, labels) is None])


def _moved(label: float, agreed: list[float], early: float) -> float:
    near = _nearest(label, agreed)
    return label + early if near is None else near


def _nearest(x: float, others: Sequence[float]) -> float | None:
    """The other that is nearest and at most DOUBT samples away."""
    best = min(others, key=lambda other: abs(other - x), default=None)
    return best if best is not None and abs(best - x) <= DOUBT else None


def early_by(traces: Sequence[LabelledTrace], found: Sequence[Consensus]) -> dict[int, float]:
    """Phase -> median of agreed onset minus label, in samples, over labels with an agreed onset within RETIME."""
    out = {}
    for phase in (P, S):
        pairs = [
            (x, _nearest(x, c.agreed[phase]))
            for t, c in zip(traces, found, strict=True)
            for x in (t.by_phase[phase] if phase in t.automatic else ())
        ]
        shifts = [at - x for x, at in pairs if at is not None and abs(at - x) <= RETIME]
        if len(shifts) >= ENOUGH:
            out[phase] = float(np.median(shifts))
    return out


def complete_all(traces: list[LabelledTrace], picks: pd.DataFrame, noise: bool = False) -> list[LabelledTrace]:
    """Every trace completed, from the picks of its (dataset, name)."""
    known = agreements(traces, picks, noise)
    names = np.array([t.dataset if t.automatic else "" for t in traces])
    biases = {}
    for name in set(names.tolist()) - {""}:
        rows = np.flatnonzero(names == name).tolist()
        biases[name] = early_by([traces[i] for i in rows], [known[i] for i in rows])
    return [complete(t, c, biases.get(t.dataset, {})) for t, c in zip(traces, known, strict=True)]


def read_picks(paths: Sequence[Path]) -> pd.DataFrame:
    """Tables of picks as one; a data set is named without the folder that it lies in.

    A row that is there already, in the same table or another, is left out with a warning: it would weigh twice.
    """
    table = pd.concat([_read(path) for path in paths])
    table = table.assign(dataset=table["dataset"].str.removeprefix("windows/"))
    if (twice := table.duplicated(list(PICK_COLUMNS))).any():
        where = ", ".join(map(str, paths))
        warnings.warn(f"{where}: rows that are there already are left out ({twice.sum()})", stacklevel=2)
    return table[~twice]


def _read(path: Path) -> pd.DataFrame:
    try:
        _check_columns(path, [str(name) for name in pd.read_csv(path, nrows=0).columns])
        table = pd.read_csv(path)
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: not a table of picks ({str(error).strip()}); see docs/data.md") from None
    for name in ("sample", "probability"):
        numbers = pd.to_numeric(table[name], errors="coerce")
        if numbers.isna().any():
            row = int(numbers.isna().to_numpy().argmax())
            raise DataError(f"{path}: '{name}' of line {row + 2} is no number ({table[name].iloc[row]!r})")
        table[name] = numbers
    return table


def _check_columns(path: Path, header: Sequence[str]) -> None:
    if lacking := [name for name in PICK_COLUMNS if name not in header]:
        raise DataError(
            f"{path}: a table of picks has the columns {', '.join(PICK_COLUMNS)}; "
            f"{lacking[0]} is missing{separator_hint(header)}"
        )


def overlook(traces: Iterable[LabelledTrace], picks: pd.DataFrame) -> list[LabelledTrace]:
    """The traces with arrivals that several pickers find and nobody labelled masked, so that they count neither way."""
    tables = by_trace(picks[picks["probability"] >= PROBABILITY])
    return [_overlook(t, tables.get((t.dataset, t.name), picks[:0])) for t in traces]


def _overlook(trace: LabelledTrace, picks: pd.DataFrame) -> LabelledTrace:
    masked = list(trace.masked)
    for output, labels in trace.by_phase.items():
        for group in groups(picks[picks["phase"] == LETTERS[output]].sort_values("sample")):
            x = _time(group)
            if group["picker"].nunique() >= SEEN and all(abs(x - label) > LABEL_REACH for label in labels):
                masked.append((output, round(x) - OVERLOOK, round(x) + OVERLOOK))
    return replace(trace, masked=tuple(masked))
