"""A part of the accuracy page: jijin beside seven published pickers on whole records.

What each of the seven picks there is read from the data's peer_picks.csv: probabilities over 0.1, found once in
overlapping windows of 60 s.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from accuracy_bench import AUTOMATIC, SPLITS, Bench
from accuracy_parts import Filled, margin, picks_of
from jijin.config import CutConfig
from jijin.data.labels import OTHER
from jijin.data.teachers import by_trace, groups
from jijin.data.traces import LETTERS, LabelledTrace, P, S
from jijin.evaluate import Window, count
from jijin.evaluate.matching import TOLERANCE_S, TOLERANCES_S, Picks
from jijin.evaluate.scores import THRESHOLDS, f1_of, middle_of_best, moments
from jijin.evaluate.shift import detect
from jijin.types import RATE
from page import table

LEAST = 5700  # samples of the records that the pickers were given, all of three components
ENSEMBLE = "the mean of the seven"
Found = dict[int, list[Picks]]  # by phase: the picks of each record


@dataclass(frozen=True, slots=True, eq=False)
class Records:
    """The records of a split that all pickers were given, and what counts on each."""

    traces: list[LabelledTrace]
    windows: list[Window]

    def counts(self, found: Found, phase: int, threshold: float) -> NDArray[np.float64]:
        """Hit, false and missed of each record within 0.5 s, (record, 3), by picks of the threshold or more."""
        return count(above(found, phase, threshold), self.windows, phase, TOLERANCE_S)[0]


def published(bench: Bench) -> Filled:
    """F1 of jijin as shipped and of each published picker at its best on dev, and the difference."""
    records = {split: comparable([*bench.manual[split], *bench.automatic[split]]) for split in SPLITS}
    found = {split: found_by(bench, records[split].traces) for split in SPLITS}
    lines: list[list[object]] = []
    for phase in (P, S):
        at = {name: best(one, records["dev"], phase) for name, one in found["dev"].items()}
        at["cba"] = bench.cba.thresholds[phase]
        counts = {name: {s: records[s].counts(found[s][name], phase, at[name]) for s in SPLITS} for name in at}
        for name, mine in counts.items():
            cells = [x for s in SPLITS for x in scores(found[s][name], records[s], phase, at[name], mine[s])]
            beside = [""] * 4 if name == "cba" else differences(counts["cba"], mine, records)
            lines.append([LETTERS[phase], name, at[name], *cells, *beside])
    heads = [f"{split}: {what}" for split in SPLITS for what in ("labels", "F1 at 0.5 s", "F1 at 0.1 s", "MAE s")]
    heads += [f"{what}, {of}" for of in ("test", "dev and test") for what in ("cba less it", "95 %")]
    dev, test = (str(len(records[split].traces)) for split in SPLITS)
    filled = table(["phase", "picker", "threshold", *heads], lines)
    return {"published": filled, "published_dev": dev, "published_test": test, "ensemble": ENSEMBLE}


def scores(found: Found, records: Records, phase: int, at: float, counts: NDArray[np.float64]) -> list[object]:
    """Labels, and how many of them by analysts; F1 at 0.5 s of all, from counts; F1 at 0.1 s and MAE by analysts."""
    rows = zip(above(found, phase, at), records.windows, strict=True)
    picks, windows = zip(*((x, w) for x, w in rows if w.dataset not in AUTOMATIC), strict=True)
    sharp, wide = (count(picks, windows, phase, reach_s) for reach_s in TOLERANCES_S)
    labels, by_analysts = (sum(len(w.onsets[phase]) for w in some) for some in (records.windows, windows))
    f1, f1_sharp = (float(f1_of(x.sum(0))) for x in (counts, sharp[0]))
    return [f"{labels} ({by_analysts} by analysts)", f1, f1_sharp, moments(wide[1])[2]]


def differences(
    ours: dict[str, NDArray[np.float64]], theirs: dict[str, NDArray[np.float64]], records: dict[str, Records]
) -> list[object]:
    """F1 of ours less theirs and its interval, of the test split and of both splits."""
    cells: list[object] = []
    for splits in (SPLITS[-1:], SPLITS):
        one, other = (np.concatenate([counts[split] for split in splits]) for counts in (ours, theirs))
        cells += margin(one, other, [w.source_group for split in splits for w in records[split].windows])[2:]
    return cells


def comparable(traces: Sequence[LabelledTrace]) -> Records:
    """The records that the pickers were given, of earthquakes and noise."""
    kept = [t for t in traces if t.data.shape[1] >= LEAST and t.data.any(1).all() and t.category != OTHER]
    return Records(kept, [whole(t) for t in kept])


def whole(trace: LabelledTrace) -> Window:
    """What counts on a whole record."""
    hours = trace.data.shape[1] / RATE / 3600
    return Window(trace.data, trace.by_phase, trace.ignored, trace.source_group, hours, trace.category, trace.dataset)


def found_by(bench: Bench, traces: Sequence[LabelledTrace]) -> dict[str, Found]:
    """By name: jijin through the detector, each published picker, and all of them together."""
    picks, nothing = by_trace(bench.table), bench.table[:0]
    names = sorted(set(bench.table["picker"].astype(str)))
    tables = [picks.get((t.dataset, t.name), nothing) for t in traces]
    ours = [detect(bench.cba, t, CutConfig(), 0) for t in traces]
    out: dict[str, Found] = {"cba": {phase: [x[phase] for x in ours] for phase in (P, S)}}
    for name in names:
        out[name] = {phase: [picks_of(x, phase, name) for x in tables] for phase in (P, S)}
    out[ENSEMBLE] = {phase: [together(x, phase, len(names)) for x in tables] for phase in (P, S)}
    return out


def together(picks: Any, phase: int, pickers: int) -> Picks:
    """Groups of picks as one each: the median time of each picker's surest one, and the mean of their probabilities, 0
    of who has none."""
    own = picks[picks["phase"] == LETTERS[phase]].sort_values("sample").reset_index(drop=True)
    surest = (group.loc[group.groupby("picker")["probability"].idxmax()] for group in groups(own))
    return [(float(group["sample"].median()), float(group["probability"].sum()) / pickers) for group in surest]


def above(found: Found, phase: int, threshold: float) -> list[Picks]:
    """Picks of the threshold or more of each record."""
    return [[pick for pick in picks if pick[1] >= threshold] for picks in found[phase]]


def best(found: Found, records: Records, phase: int) -> float:
    """The threshold with the best F1 at 0.5 s, the middle of equal ones."""
    return middle_of_best(np.array([f1_of(records.counts(found, phase, t).sum(0)) for t in THRESHOLDS]))
