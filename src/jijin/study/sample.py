"""The windows of a study: chosen earthquakes and noise of any data set, one 60-s window each, split by earthquake."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from jijin.data.believed import open_believed
from jijin.data.dataset import Dataset
from jijin.data.labels import ABSENT, EARTHQUAKE, NOISE, labelled
from jijin.data.pack import choose
from jijin.data.splits import NAMES, Seeds, place, split_labels
from jijin.data.traces import LabelledTrace, from_labels
from jijin.errors import DataError
from jijin.evaluate import Window, window_at
from jijin.study.results import StudySet
from jijin.types import IN_SAMPLES

WITHOUT = {EARTHQUAKE: "have no labelled onset", NOISE: "may hold an onset that nobody labelled"}  # not usable
EDGE = 150  # samples that an onset keeps from the edge of its window, where the trace allows
Progress = Callable[[int, int], None]
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """The windows in one array, data : (window, 3, 6000), and as labelled traces to train on.

    The windows of study and the traces look at data, so the samples are in memory once.
    """

    study: StudySet
    data: NDArray[np.float32]
    traces: Sequence[LabelledTrace]

    @property
    def is_earthquake(self) -> NDArray[np.bool_]:
        """Of each window."""
        return self.study.is_earthquake

    def rows(self, split: str) -> NDArray[np.intp]:
        """Numbers of the windows of a split, in an order that a hash of their names gives."""
        here = np.flatnonzero(self.study.split == split)
        names = self.study.labels["trace_name"].astype(str).to_numpy()[here]
        return here[np.argsort([place(name, seed=2) for name in names], kind="stable")]


def draw(
    paths: Sequence[str | Path],
    earthquakes: int,
    noise: int,
    seed: int = 0,
    source: str | None = None,
    progress: Progress = lambda done, total: None,
    name: str | None = None,
    split_seeds: Seeds = 0,
) -> Sample:
    """Up to so many earthquakes and noise windows of the data sets at paths.

    Earthquakes have a labelled onset, noise none and nothing that may be one. Which are chosen depends on their names
    and seed alone (as in jijin data pack), and so does where a window lies in a longer trace, its onsets inside. A
    shorter trace is followed by zeros. The split is the data set's own, else 6 : 2 : 2 by earthquake; it does not
    depend on seed but on split_seeds (see jijin.data.splits). source and name say what the
    data is, and name its data sets, in place of what the files say. Raises DataError if a split has no earthquake or
    no noise.
    """
    with open_believed(paths) as dataset:
        rows = _usable(dataset.labels)
        _check_any(dataset.labels, rows, paths)
        earthquakes = _at_most(dataset.labels, rows, EARTHQUAKE, earthquakes)
        noise = _at_most(dataset.labels, rows, NOISE, noise)
        rows = rows[choose(dataset.labels.iloc[rows], earthquakes, noise, None, seed)]
        labels = dataset.labels.iloc[rows].reset_index(drop=True)
        split = split_labels(labels, seed=split_seeds, keep=True)
        _check(labels, split, paths)
        data = np.zeros((len(rows), 3, IN_SAMPLES), np.float32)
        cut = []
        for k, row in enumerate(rows):
            cut.append(_cut(dataset, int(row), data[k], seed))
            progress(k + 1, len(rows))
    windows, traces = [w for w, _ in cut], [t for _, t in cut]
    labels = labels.assign(dataset=name) if name else labels
    return Sample(StudySet(windows, labels, split, source or _words(labels, windows)), data, traces)


def _usable(labels: pd.DataFrame) -> NDArray[np.intp]:
    event = labels["category"] == EARTHQUAKE
    picked = labelled(labels)
    quiet = (labels["category"] == NOISE) & (labels["p_status"] == ABSENT)
    return np.flatnonzero((event & picked) | quiet)


def _at_most(labels: pd.DataFrame, rows: NDArray[np.intp], category: str, asked: int) -> int:
    """How many of a category to choose from the usable rows; where they are fewer than asked, it is said why."""
    there, usable = (int((part == category).sum()) for part in (labels["category"], labels["category"].iloc[rows]))
    if usable < asked:
        rest = f"; {there - usable} more {WITHOUT[category]}" if there > usable else ", which are all there are"
        log.warning("asked for %d %s windows, took %d%s", asked, category, usable, rest)
    return min(asked, usable)


def _check_any(labels: pd.DataFrame, rows: NDArray[np.intp], paths: Sequence[str | Path]) -> None:
    """Raise DataError if there is nothing at all of a category, or nothing usable."""
    where, kinds = ", ".join(map(str, paths)), labels["category"].astype(str)
    for category in (EARTHQUAKE, NOISE):
        there = int((kinds == category).sum())
        if not there:
            raise DataError(f"{where}: no {category} in these data; the study needs both: add --data with {category}")
        if not (kinds.iloc[rows] == category).any():
            raise DataError(f"{where}: all {there} {category} traces {WITHOUT[category]}; add --data with others")


def _check(labels: pd.DataFrame, split: NDArray[np.str_], paths: Sequence[str | Path]) -> None:
    for name in NAMES:
        for category in (EARTHQUAKE, NOISE):
            if not ((labels["category"] == category).to_numpy() & (split == name)).any():
                where = ", ".join(map(str, paths))
                raise DataError(f"{where}: no {category} in the {name} split; the study needs more of them")


def _cut(dataset: Dataset, row: int, out: NDArray[np.float32], seed: int) -> tuple[Window, LabelledTrace]:
    """The window of a trace, written to out (3, 6000), and the same as a trace whose first sample is the window's."""
    labels = dataset.label(row)
    trace = from_labels(dataset.waveform(row), labels)
    start = start_of(trace, place(f"{labels.dataset}/{labels.trace_name}", seed + 1))
    window = window_at(trace, start)
    np.nan_to_num(window.data, copy=False)
    out[:] = window.data
    moved = replace(
        trace,
        data=out,
        p=tuple(x - start for x in trace.p),
        s=tuple(x - start for x in trace.s),
        masked=tuple((o, a - start, b - start) for o, a, b in trace.masked),
    )
    return replace(window, data=out), moved


def start_of(trace: LabelledTrace, share: float) -> int:
    """First sample of the window in a longer trace: share (0 to 1) of the way through those that hold all onsets.

    Where one window cannot hold them all, the first onset is five seconds into it.
    """
    spare = trace.data.shape[1] - IN_SAMPLES
    if spare <= 0:
        return 0
    first, last = (trace.onsets[0], trace.onsets[-1]) if trace.onsets else (math.inf, -math.inf)
    low, high = max(last + EDGE - IN_SAMPLES, 0), min(first - EDGE, spare)
    if low > high:
        low = high = min(max(first - 500, 0), spare)
    return round(low + share * (high - low))


def _words(labels: pd.DataFrame, windows: Sequence[Window]) -> str:
    """What the data is, for the report."""
    counts = labels.groupby("dataset", observed=True)["category"].value_counts().unstack(fill_value=0)
    parts = [
        ", ".join(f"{int(n)} {kind}" for kind, n in row.items() if n) + f" of {name}" for name, row in counts.iterrows()
    ]
    short = sum(w.hours * 3600 < 59.9 for w in windows)
    padded = (
        f"; {short} windows are shorter than 60 s and end in zeros, by which a classifier may tell them"
        if short
        else ""
    )
    return "; ".join(parts) + padded
