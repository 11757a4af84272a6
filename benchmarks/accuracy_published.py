"""A part of the accuracy page: jijin beside every published picker whose picks are at hand, on whole records.

Of those no curves are at hand but picks, found once in overlapping windows of 60 s: see the data's peer_picks.csv.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from accuracy_bench import SPLITS, Bench
from accuracy_parts import Filled, margin, picks_of
from jijin.config import CutConfig
from jijin.data.teachers import by_trace, groups
from jijin.data.traces import LETTERS, LabelledTrace, P, S
from jijin.evaluate import Window, count
from jijin.evaluate.matching import TOLERANCE_S, TOLERANCES_S, Picks
from jijin.evaluate.scores import THRESHOLDS, f1_of, moments, score_of
from jijin.evaluate.shift import detect
from page import table

LEAST = 5700  # samples of the records that the pickers were given, all of three components
VOTE = "the mean of the seven"
Found = Callable[[LabelledTrace, int], Picks]  # picks of a phase on a record


@dataclass(frozen=True, slots=True, eq=False)
class Records:
    """The records of a split that all were given, and what counts on each."""

    traces: list[LabelledTrace]
    windows: list[Window]

    @property
    def earthquakes(self) -> list[str]:
        """The group of each record."""
        return [w.source_group for w in self.windows]

    def counts(self, found: Found, phase: int, reach_s: float, threshold: float) -> NDArray[np.float64]:
        """Hit, false and missed of each record, (record, 3), by picks of the threshold or more."""
        return count(self.picks(found, phase, threshold), self.windows, phase, reach_s)[0]

    def picks(self, found: Found, phase: int, threshold: float) -> list[Picks]:
        """Picks of the threshold or more of each record."""
        return [[pick for pick in found(t, phase) if pick[1] >= threshold] for t in self.traces]


def published(bench: Bench) -> Filled:
    """F1 of jijin as shipped and of each published picker at its best on dev, and the difference."""
    every = {split: given([*bench.manual[split], *bench.automatic[split]]) for split in SPLITS}
    pickers = found_by(bench)
    lines: list[list[object]] = []
    for phase in (P, S):
        own = bench.cba.thresholds[phase]
        ours = np.concatenate([every[s].counts(pickers["cba"], phase, TOLERANCE_S, own) for s in SPLITS])
        for name, found in pickers.items():
            at = own if name == "cba" else best(found, every["dev"], phase)
            lines.append([LETTERS[phase], name, at, *told(found, every, phase, at, None if name == "cba" else ours)])
    heads = ["phase", "picker", "threshold"]
    heads += [f"{split}: {what}" for split in SPLITS for what in ("labels", "F1 at 0.5 s", "F1 at 0.1 s", "MAE s")]
    dev, test = (str(len(records.traces)) for records in every.values())
    counted = {"published_dev": dev, "published_test": test, "vote": VOTE}
    return {"published": table([*heads, "dev and test: cba less it", "95 % of it"], lines), **counted}


def told(
    found: Found, every: Mapping[str, Records], phase: int, at: float, ours: NDArray[np.float64] | None
) -> list[object]:
    """The cells of one picker; ours : counts of jijin on all splits, if there is to be a difference."""
    cells: list[object] = []
    for records in every.values():
        groups_, picks = records.earthquakes, records.picks(found, phase, at)
        sharp, wide = (score_of(count(picks, records.windows, phase, t)[0], groups_) for t in TOLERANCES_S)
        residuals = count(picks, records.windows, phase, TOLERANCE_S)[1]
        cells += [wide.labels, wide.f1, sharp.f1, moments(residuals)[2]]
    if ours is None:
        return [*cells, "", ""]
    theirs = np.concatenate([records.counts(found, phase, TOLERANCE_S, at) for records in every.values()])
    return [*cells, *margin(ours, theirs, [g for records in every.values() for g in records.earthquakes])[2:]]


def given(traces: Sequence[LabelledTrace]) -> Records:
    """The records that the pickers were given."""
    kept = [t for t in traces if t.data.shape[1] >= LEAST and t.data.any(1).all()]
    return Records(kept, [whole(t) for t in kept])


def whole(trace: LabelledTrace) -> Window:
    """What counts on a whole record."""
    ignored = {phase: tuple((a, b) for o, a, b in trace.masked if o == phase) for phase in (P, S)}
    hours = trace.data.shape[1] / 360_000
    return Window(trace.data, trace.by_phase, ignored, trace.source_group, hours, trace.category, trace.dataset)


def found_by(bench: Bench) -> dict[str, Found]:
    """By name: jijin through the detector, each published picker, and all of them together."""
    picks, names = by_trace(bench.table), sorted(set(bench.table["picker"].astype(str)))
    nothing, seen = bench.table[:0], dict[str, dict[int, Picks]]()

    def at(trace: LabelledTrace) -> Any:
        return picks.get((trace.dataset, trace.name), nothing)

    def ours(trace: LabelledTrace, phase: int) -> Picks:
        key = f"{trace.dataset}/{trace.name}"
        if key not in seen:
            seen[key] = detect(bench.cba, trace, CutConfig(), 0)
        return seen[key][phase]

    theirs = {name: lambda t, phase, name=name: picks_of(at(t), phase, name) for name in names}
    return {"cba": ours, **theirs, VOTE: lambda t, phase: together(at(t), phase, len(names))}


def together(picks: Any, phase: int, pickers: int) -> Picks:
    """Groups of picks as one each: their median time, and the mean of the pickers' probabilities, 0 of who has none."""
    own = picks[picks["phase"] == LETTERS[phase]].sort_values("sample")
    found = ((group["sample"].median(), group.groupby("picker")["probability"].max().sum()) for group in groups(own))
    return [(float(sample), float(total) / pickers) for sample, total in found]


def best(found: Found, records: Records, phase: int) -> float:
    """The threshold with the best F1 at 0.5 s, the middle of equal ones."""
    f1 = np.array([f1_of(records.counts(found, phase, TOLERANCE_S, t).sum(0)) for t in THRESHOLDS])
    equal = np.flatnonzero(f1 >= f1.max() - 1e-9)
    return THRESHOLDS[int(equal[(len(equal) - 1) // 2])]
