"""How much steadier picks are, the more often what is in doubt is looked at: prints two tables of docs/performance.md.

    python benchmarks/looks.py SHARED/data/continuous

Pieces of continuous records with three components at 100 Hz, which the shipped weights have seen in training: of 80 s
in single windows, by the number of looks at a doubtful one; of 3 min in the detector, by the windows in between.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from jijin.config import CutConfig
from jijin.data.continuous import continuous
from jijin.data.traces import LabelledTrace
from jijin.evaluate.pickers import released
from jijin.evaluate.shift import GRID_STARTS, Stability, in_detector, in_windows
from jijin.looks import STARTS
from jijin.models import find
from jijin.models.onnx import OnnxModel
from jijin.types import IN_SAMPLES, RATE
from page import table

SHORT, LONG = (IN_SAMPLES + 2000, 24_000), (3 * IN_SAMPLES, 36_000)  # samples of a piece, and from one to the next
LOOKS = {1: (), 2: (26,), 4: STARTS, 8: (7, 13, 18, -24, -19, -13, -6)}
BETWEEN = (0, 1, 2, 3, 5, 7)
RUNS = "network runs a window"
COLUMNS = [RUNS, "P lost", "P moved: 95 % s", "S lost", "S moved: 95 % s"]


class Counting(OnnxModel):
    """Tells how many windows its network was shown, those at a single look too."""

    counts: list[int]

    def network(self, windows: NDArray[np.float32]) -> NDArray[np.float32]:
        self.counts.append(len(windows))
        return super().network(windows)


def counting(starts: Sequence[int] = STARTS) -> Counting:
    model = Counting(find("cba"), 1, starts)
    model.counts = []
    return model


def main(folder: Path) -> None:
    """The tables."""
    traces = continuous(sorted(folder.iterdir()))
    print_table("looks", by_looks(list(pieces(traces, *SHORT))))
    print()
    print_table("in between", by_windows_between(list(pieces(traces, *LONG))))


def by_looks(traces: Sequence[LabelledTrace]) -> Iterator[tuple[float, ...]]:
    once = 0
    for looks, starts in LOOKS.items():
        model = counting(starts)
        found = in_windows(released("cba", model), traces)
        once = once or sum(model.counts)
        yield looks, sum(model.counts) / once, *numbers(found)


def by_windows_between(traces: Sequence[LabelledTrace]) -> Iterator[tuple[float, ...]]:
    stride = CutConfig().stride_s * RATE
    length = [(trace.data.shape[1] + IN_SAMPLES) / stride for trace in traces]  # windows with a sample of it
    for between in BETWEEN:
        model = counting()
        found = in_detector(released("cba", model), traces, CutConfig(between=between))
        yield between, sum(model.counts) / sum(length) / len(GRID_STARTS), *numbers(found)


def numbers(found: Iterable[Stability]) -> Iterator[float]:
    return (x for row in found for x in (row.lost, row.moved_95_s))


def print_table(first: str, rows: Iterable[tuple[float, ...]]) -> None:
    print(table([first, *COLUMNS], list(rows), {first: "d", RUNS: ".2f", **dict.fromkeys(COLUMNS[1:], ".3f")}))


def pieces(traces: Iterable[LabelledTrace], length: int, every: int) -> Iterator[LabelledTrace]:
    """So many samples of each trace, every so many."""
    for trace in traces:
        for at in range(0, trace.data.shape[1] - length, every):
            yield LabelledTrace(trace.data[:, at : at + length], source_group=f"{trace.source_group}/{at}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
