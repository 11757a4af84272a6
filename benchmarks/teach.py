"""Picks of published pickers on any data set, as the table that completes labels: jijin train --teachers picks.csv

    python benchmarks/teach.py PEERS OUTPUT.csv DATASET [DATASET ...]

PEERS is a folder with a peers.py (NAMES and load(name)). Columns: dataset, trace_name, picker, phase, sample (100 Hz,
from the start of the trace), probability (at least 0.1); overlapping windows of 60 s every 30 s.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pandas as pd

from jijin.config import CutConfig
from jijin.data.believed import open_believed
from jijin.data.teachers import PICK_COLUMNS
from jijin.data.traces import LETTERS, LabelledTrace, P, S, from_labels
from jijin.evaluate.pickers import Picker, load_peers
from jijin.evaluate.shift import detect

LOWEST = 0.1  # probability that is written down


def main(peers: Path, output: Path, datasets: Sequence[str]) -> None:
    pickers = [Picker(name, model, {P: LOWEST, S: LOWEST}) for name, model in load_peers(peers)]
    with open_believed(datasets) as dataset:
        rows = [row for i in range(len(dataset)) for row in picks(pickers, from_labels(*dataset[i]))]
    pd.DataFrame(rows, columns=list(PICK_COLUMNS)).to_csv(output, index=False)


def picks(pickers: Sequence[Picker], trace: LabelledTrace) -> Iterator[tuple[str, str, str, str, float, float]]:
    """Rows of the table for one trace."""
    for picker in pickers:
        for phase, found in detect(picker, trace, CutConfig(), 0).items():
            for sample, probability in found:
                yield trace.dataset, trace.name, picker.name, LETTERS[phase], round(sample, 1), round(probability, 3)


if __name__ == "__main__":
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:])
