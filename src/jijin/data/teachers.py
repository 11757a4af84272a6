"""Labels completed where several published pickers agree: missing S, second events, early automatic P.

A table of picks (columns dataset, trace_name, picker, phase, sample, probability) is grouped in time. A group that
enough pickers share becomes an onset; a group that only some of them see is masked, so that nothing is learned from it.
A manual label is never moved.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from jijin.data.traces import DETECTION, LabelledTrace, P, S

REACH = 40  # samples within which picks of different pickers are one onset
AGREE = 3  # pickers that make an onset
PROBABILITY = 0.3  # a pick below it does not vote for an onset
RETIME = 60  # samples by which an automatic label may move
DOUBT = 100  # samples masked on both sides of an onset that only some pickers see
SHARP = ("eqt_original_fast", "eqt_conservative", "eqcct_original")  # pickers with the smallest P residuals


@dataclass(frozen=True, slots=True)
class Consensus:
    """Onset samples of one trace that pickers agree on, and those they do not."""

    agreed: dict[int, list[float]]
    doubtful: dict[int, list[float]]


def consensus(picks: pd.DataFrame, noise: bool = False) -> Consensus:
    """Agreement on one trace. In noise a lone picker is taken to be wrong, elsewhere its pick is doubtful."""
    agreed: dict[int, list[float]] = {P: [], S: []}
    doubtful: dict[int, list[float]] = {P: [], S: []}
    for output, phase in ((P, "P"), (S, "S")):
        for group in _groups(picks[picks["phase"] == phase].sort_values("sample")):
            votes = group[group["probability"] >= PROBABILITY]["picker"].nunique()
            if votes >= AGREE:
                agreed[output].append(_time(group))
            elif votes >= 2 or not noise:
                doubtful[output].append(_time(group))
    return Consensus(agreed, doubtful)


def _groups(picks: pd.DataFrame) -> Iterable[pd.DataFrame]:
    """Runs of picks with less than REACH samples between neighbours."""
    if len(picks) == 0:
        return []
    breaks = np.cumsum(np.diff(picks["sample"].to_numpy(), prepend=-np.inf) > REACH)
    return (group for _, group in picks.groupby(breaks))


def _time(group: pd.DataFrame) -> float:
    """Median time of the sharp pickers where two of them are there, else of all."""
    sharp = group[group["picker"].isin(SHARP)]
    return float((sharp if len(sharp) >= 2 else group)["sample"].median())


def complete(trace: LabelledTrace, found: Consensus, manual: bool) -> LabelledTrace:
    """The trace with what the pickers agree on added, its automatic labels re-timed and doubtful stretches masked."""
    p = _merge(trace.p, found.agreed[P], manual)
    s = _merge(trace.s, found.agreed[S], manual)
    masked = [m for m in trace.masked if not (m[0] == S and any(m[1] <= x < m[2] for x in s))]
    for output, labels in ((P, p), (S, s)):
        for x in found.doubtful[output]:
            if all(abs(x - label) > DOUBT for label in labels):
                masked += [(output, int(x) - DOUBT, int(x) + DOUBT), (DETECTION, int(x) - DOUBT, int(x) + 2000)]
    return replace(trace, p=tuple(p), s=tuple(s), masked=tuple(masked))


def _merge(labels: tuple[float, ...], agreed: list[float], manual: bool) -> list[float]:
    out = list(labels)
    for x in agreed:
        near = [k for k, label in enumerate(out) if abs(label - x) <= DOUBT]
        if not near:
            out.append(x)
        elif not manual and near[0] < len(labels) and abs(out[near[0]] - x) <= RETIME:
            out[near[0]] = x
    return sorted(out)


def complete_all(
    traces: list[LabelledTrace], picks: pd.DataFrame, manual: frozenset[str], noise: bool = False
) -> list[LabelledTrace]:
    """Every trace completed; manual names the datasets whose labels analysts made. Trace keys are (dataset, name)."""
    tables = dict(iter(picks.groupby(["dataset", "trace_name"])))
    out = []
    for trace in traces:
        table = tables.get((trace.dataset, trace.name))
        out.append(trace if table is None else complete(trace, consensus(table, noise), trace.dataset in manual))
    return out
