"""How much steadier picks are, the more often a doubtful window is looked at: prints the table of docs/performance.md.

    python benchmarks/looks.py SHARED/data/continuous

Pieces of 80 s of continuous records with three components at 100 Hz, which the shipped weights have seen in training.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from jijin.data.continuous import continuous
from jijin.data.traces import LabelledTrace
from jijin.evaluate.pickers import released
from jijin.evaluate.shift import in_windows
from jijin.looks import STARTS
from jijin.models import find
from jijin.models.onnx import OnnxModel
from jijin.types import IN_SAMPLES
from page import table

PIECE, EVERY = IN_SAMPLES + 2000, 24_000  # samples
LOOKS = {1: (), 2: (26,), 4: STARTS, 8: (7, 13, 18, -24, -19, -13, -6)}
COLUMNS = ["looks", "network runs a window", "P lost", "P moved: 95 % s", "S lost", "S moved: 95 % s"]


class Counting(OnnxModel):
    """Tells how many windows its network was shown."""

    shown = 0

    def network(self, windows: NDArray[np.float32]) -> NDArray[np.float32]:
        self.shown += len(windows)
        return super().network(windows)


def main(folder: Path) -> None:
    """The table."""
    traces, rows, once = list(pieces(continuous(sorted(folder.iterdir())))), [], 0
    for looks, starts in LOOKS.items():
        model = Counting(find("cba"), 1, starts)
        found = in_windows(released("cba", model), traces)
        once = once or model.shown
        rows.append((looks, model.shown / once, *(x for row in found for x in (row.lost, row.moved_95_s))))
    print(table(COLUMNS, rows, {"looks": "d", COLUMNS[1]: ".2f", **dict.fromkeys(COLUMNS[2:], ".3f")}))


def pieces(traces: Iterable[LabelledTrace]) -> Iterator[LabelledTrace]:
    """PIECE samples of each trace, every EVERY samples."""
    for trace in traces:
        for at in range(0, trace.data.shape[1] - PIECE, EVERY):
            yield LabelledTrace(trace.data[:, at : at + PIECE], source_group=f"{trace.source_group}/{at}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
