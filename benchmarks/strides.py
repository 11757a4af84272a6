"""What windows are worth: F1 on dev records by stride and windows in between, each begun at many places of the grid.

    python benchmarks/strides.py DATA        a folder with windows/ (labelled data sets) and peer_picks.csv

Prints the table of docs/performance.md: earthquakes that the shipped weights have not been trained on, labels by
machines too.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Sequence
from itertools import product
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from jijin.config import CutConfig
from jijin.data.corpus import scored_traces
from jijin.data.traces import LabelledTrace, P, S
from jijin.evaluate.matching import TOLERANCES_S, match
from jijin.evaluate.pickers import Picker, released
from jijin.evaluate.scores import f1_of
from jijin.evaluate.shift import detect
from jijin.models import load, split_seeds
from jijin.types import RATE
from page import table

CUTS = tuple(CutConfig(stride_s, between) for stride_s, between in product((60.0, 30.0, 15.0), (0, 3))) + (
    CutConfig(between=7),
)
STARTS = 6  # places of a record on the grid, at random


def main(data: Path) -> None:
    """The table."""
    picker, others = released("cba", load()), [data / "peer_picks.csv"]
    traces = scored_traces([data / "windows"], "dev", None, seed=split_seeds(["cba"]), others=others, automatic=True)
    lines = [[f"{cut.stride_s:g}", cut.between, *scores(picker, traces, cut)] for cut in CUTS]
    print(table(["stride, s", "in between", "P 0.5 s", "P 0.1 s", "S 0.5 s", "S 0.1 s"], lines, ".4f"))


def scores(picker: Picker, traces: Sequence[LabelledTrace], cut: CutConfig) -> list[float]:
    """F1 of P and S at each tolerance, over all traces and starts."""
    rng, counts = np.random.default_rng(0), defaultdict[tuple[int, float], NDArray[np.float64]](lambda: np.zeros(3))
    for trace in traces:
        for _ in range(STARTS):
            found = detect(picker, trace, cut, int(rng.random() * cut.stride_s * RATE))
            for (phase, labels), tolerance_s in product(trace.by_phase.items(), TOLERANCES_S):
                right, false, missed = match(found[phase], labels, trace.ignored[phase], tolerance_s * RATE)
                counts[phase, tolerance_s] += (len(right), false, missed)
    return [float(f1_of(counts[phase, tolerance_s])) for phase in (P, S) for tolerance_s in TOLERANCES_S[::-1]]


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(Path(sys.argv[1]))
