"""A labelled trace and the training targets that its labels mean."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jijin.data.labels import LABELLED, UNLABELLED, Labels, is_automatic
from jijin.onsets import SHARPNESS

DETECTION, P, S = 0, 1, 2  # rows of the targets, in the order of the model's outputs
LETTERS = {P: "P", S: "S"}  # phase_hint of a pick in such a row
TARGET_DEVIATION = (0.0, SHARPNESS["P"], SHARPNESS["S"])  # samples: Gaussian around P and S; wider ones blur the picks
CODA_SHARE = 1.4  # an earthquake ends this many S-P times after S, as in EQTransformer's training
NEAR = 100  # samples beside a label that is not used, in which nothing counts
S_SEARCH = 7000  # samples after P in which an unpicked S may hide


@dataclass(frozen=True, slots=True, eq=False)
class LabelledTrace:
    """data : (3, sample) ZNE, 100 Hz; onsets in samples; masked : rows (output, start, stop) that no loss looks at."""

    data: NDArray[np.float32]
    p: tuple[float, ...] = ()
    s: tuple[float, ...] = ()
    masked: tuple[tuple[int, int, int], ...] = ()
    source_group: str = ""
    dataset: str = ""
    name: str = ""
    category: str = ""  # earthquake, noise or other, as in the labels
    snr_db: float = math.nan
    distance_km: float = math.nan
    automatic: tuple[int, ...] = ()  # phases whose labels are a machine's, which others may move
    s_elsewhere: tuple[tuple[float, ...], ...] = ()  # for each S where others put it; () where none was asked

    @property
    def by_phase(self) -> dict[int, tuple[float, ...]]:
        """Onsets of P and of S."""
        return {P: self.p, S: self.s}

    @property
    def ignored(self) -> dict[int, tuple[tuple[int, int], ...]]:
        """Stretches [first, stop) in which picks of P and of S count neither way."""
        return {phase: tuple((a, b) for output, a, b in self.masked if output == phase) for phase in (P, S)}

    @property
    def onsets(self) -> tuple[float, ...]:
        """All P and S, in time order."""
        return tuple(sorted(self.p + self.s))


def from_labels(data: NDArray[np.float32], labels: Labels) -> LabelledTrace:
    """A trace as its table row describes it; what is there but not picked is masked."""
    return LabelledTrace(
        data,
        p=(labels.p_sample,) if labels.p_status == LABELLED else (),
        s=(labels.s_sample,) if labels.s_status == LABELLED else (),
        masked=tuple(_unknown(labels, data.shape[1])),
        source_group=labels.source_group,
        dataset=labels.dataset,
        name=labels.trace_name,
        category=labels.category,
        snr_db=labels.snr_db,
        distance_km=labels.distance_km,
        automatic=tuple(phase for phase, letter in LETTERS.items() if is_automatic(labels.quality, letter)),
    )


def by_analysts(trace: LabelledTrace) -> LabelledTrace:
    """The trace without the labels of machines, which count neither way."""
    if not trace.automatic:
        return trace
    gone = [(phase, int(x)) for phase in trace.automatic for x in trace.by_phase[phase]]
    masked = [(phase, x - NEAR, x + NEAR) for phase, x in gone] + [(DETECTION, 0, trace.data.shape[1])]
    kept = {phase: () if phase in trace.automatic else onsets for phase, onsets in trace.by_phase.items()}
    return replace(trace, p=kept[P], s=kept[S], masked=(*trace.masked, *masked), automatic=())


def _unknown(labels: Labels, length: int) -> list[tuple[int, int, int]]:
    """Where an unpicked phase may be: S after P, P before S; everywhere when neither is known."""
    first = int(labels.p_sample) if labels.p_status == LABELLED else 0
    last = int(labels.s_sample) if labels.s_status == LABELLED else length
    out = []
    if labels.s_status == UNLABELLED:
        out += [(S, first + 10, min(length, first + S_SEARCH)), (DETECTION, first, length)]
    if labels.p_status == UNLABELLED:
        out += [(P, 0, last), (DETECTION, 0, length)]
    return out


def detections(trace: LabelledTrace) -> list[tuple[float, float]]:
    """Stretches from each P to CODA_SHARE S-P times after its S (at least 1 s); an S alone gives none."""
    out = []
    for k, p in enumerate(sorted(trace.p)):
        later = sorted(trace.p)[k + 1 : k + 2]
        partner = [s for s in trace.s if s > p and not (later and s > later[0] + 50)]
        if partner:
            s = min(partner)
            out.append((p, s + max(CODA_SHARE * (s - p), 100)))
    return out


def targets(trace: LabelledTrace, start: int, length: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Target and weight, each (3, length), of the window that begins at sample start of the trace.

    Target rows: detection (0 or 1), P and S (a Gaussian that is 1 at the onset). Weight is 0 where masked.
    """
    y, w = np.zeros((3, length), np.float32), np.ones((3, length), np.float32)
    for output, first, last in trace.masked:
        w[output, max(first - start, 0) : max(last - start, 0)] = 0
    for on, off in detections(trace):
        y[DETECTION, max(int(on) - start, 0) : max(int(off) - start, 0)] = 1
    for output, onsets in trace.by_phase.items():
        for onset in onsets:
            _bump(y[output], w[output], onset - start, TARGET_DEVIATION[output])
    return y, w


def _bump(y: NDArray[Any], w: NDArray[Any], onset: float, deviation: float) -> None:
    """Raise a Gaussian at a sample, whole or not, and make sure that the loss looks at it."""
    first, last = int(max(onset - 4 * deviation, 0)), int(min(onset + 4 * deviation + 1, len(y)))
    if last > first:
        x = (np.arange(first, last) - onset) / deviation
        y[first:last] = np.maximum(y[first:last], np.exp(-0.5 * x * x))
        w[first:last] = 1
