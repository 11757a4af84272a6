"""How much steadier picks are, the more often a doubtful window is looked at: prints the table of docs/performance.md.

    python benchmarks/looks.py SHARED/data/continuous

Pieces of 80 s of continuous records with three components at 100 Hz, which the shipped weights have seen in training.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import jijin
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
    traces, rows, once = list(pieces(folder)), [], 0
    for looks, starts in LOOKS.items():
        model = Counting(find("cba"), 1, starts)
        found = in_windows(released("cba", model), traces)
        once = once or model.shown
        rows.append((looks, model.shown / once, *(x for row in found for x in (row.lost, row.moved_95_s))))
    print(table(COLUMNS, rows, {"looks": "d", COLUMNS[1]: ".2f", **dict.fromkeys(COLUMNS[2:], ".3f")}))


def pieces(folder: Path) -> Iterator[LabelledTrace]:
    """Of every station with three components of one length."""
    for file in sorted(folder.rglob("*.mseed")):
        stream = jijin.read(file).merge(fill_value=0)
        for station in sorted({trace.id[:-1] for trace in stream}):
            rows = [x for c in ("Z", "N1", "E2") for code in c for x in stream.select(id=station + code)]
            if len(rows) == 3 and len({(len(x), x.stats.starttime.ns, x.stats.sampling_rate) for x in rows}) == 1:
                data = np.stack([x.data for x in rows]).astype(np.float32)
                for at in range(0, data.shape[1] - PIECE, EVERY):
                    yield LabelledTrace(data[:, at : at + PIECE], source_group=f"{station}{at}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
