"""What the overlap of windows is worth: F1 on dev records by stride, each record laid on the grid from many starts.

    python benchmarks/strides.py DATA        a folder with windows/ (labelled data sets) and peer_picks.csv

Prints the table of docs/performance.md: earthquakes that the shipped weights have not been trained on, labels by
machines too. Strides that do not divide a window are tried too, which the detector does not offer.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from jijin.data.corpus import scored_traces
from jijin.data.traces import LETTERS, LabelledTrace, P, S
from jijin.evaluate.matching import TOLERANCES_S, find_picks, match
from jijin.evaluate.scores import f1_of
from jijin.models import load, split_seeds
from jijin.models.onnx import OnnxModel
from jijin.types import IN_SAMPLES, RATE
from jijin.windows import edge_weights
from page import table

STRIDES_S = (15, 20, 30, 40, 50)
BLINDING_S = 5.0
STARTS = 6  # places of a record on the grid, at random


def main(data: Path) -> None:
    """The table."""
    model, others = load(), [data / "peer_picks.csv"]
    traces = scored_traces([data / "windows"], "dev", None, seed=split_seeds(["cba"]), others=others, automatic=True)
    lines = [[stride_s, *scores(model, traces, stride_s * 100)] for stride_s in STRIDES_S]
    print(table(["stride, s", "P 0.5 s", "P 0.1 s", "S 0.5 s", "S 0.1 s"], lines, ".4f"))


def scores(model: OnnxModel, traces: Sequence[LabelledTrace], stride: int) -> list[float]:
    """F1 of P and S at each tolerance, over all traces and starts."""
    rng, counts = np.random.default_rng(0), defaultdict[tuple[int, float], NDArray[np.float64]](lambda: np.zeros(3))
    for trace in traces:
        for _ in range(STARTS):
            curves = stitched(model, trace, stride, int(rng.random() * stride))
            for phase, labels in trace.by_phase.items():
                picks = find_picks(curves[phase - P][None], phase, model.thresholds[LETTERS[phase].lower()])[0]
                for tolerance_s in TOLERANCES_S:
                    right, false, missed = match(picks, labels, trace.ignored[phase], tolerance_s * RATE)
                    counts[phase, tolerance_s] += (len(right), false, missed)
    return [float(f1_of(counts[phase, tolerance_s])) for phase in (P, S) for tolerance_s in TOLERANCES_S[::-1]]


def stitched(model: OnnxModel, trace: LabelledTrace, stride: int, start: int) -> NDArray[np.float32]:
    """P and S curves (2, sample) of a trace that begins at this sample of the grid."""
    length = trace.data.shape[1]
    firsts = range((start - IN_SAMPLES) // stride * stride + stride - start, length, stride)
    room = np.full((3, length + 2 * IN_SAMPLES), np.nan)
    room[:, IN_SAMPLES : IN_SAMPLES + length] = np.where(trace.data.any(1, keepdims=True), trace.data, np.nan)
    found = model.predict([room[:, IN_SAMPLES + first : 2 * IN_SAMPLES + first] for first in firsts])
    total, weight = np.zeros((2, room.shape[1])), np.full(room.shape[1], 1e-9)
    for i, first in enumerate(firsts):
        here = slice(IN_SAMPLES + first, 2 * IN_SAMPLES + first)
        total[:, here] += edge_weights(BLINDING_S) * np.stack([found.p[i], found.s[i]])
        weight[here] += edge_weights(BLINDING_S)
    return (total / weight)[:, IN_SAMPLES : IN_SAMPLES + length].astype(np.float32)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(Path(sys.argv[1]))
