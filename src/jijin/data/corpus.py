"""What a training run draws from: events, noise and synthetics of the training split, and what it validates on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import overload

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from jijin.data import open_datasets
from jijin.data.dataset import Dataset, column
from jijin.data.labels import LABELLED, NOISE
from jijin.data.splits import split_labels
from jijin.data.synthetic import Synthetic, earthquake
from jijin.data.teachers import complete_all
from jijin.data.traces import LabelledTrace, from_labels, is_quiet
from jijin.errors import ConfigError, DataError

MANUAL, AUTOMATIC = "manual", "automatic"  # in a data set's own word for the quality of its labels
SHORTEST_NOISE = 1000  # samples


class Traces(Sequence[LabelledTrace]):
    """Rows of a dataset as labelled traces, read when asked for: a million of them take no memory."""

    def __init__(self, dataset: Dataset, rows: NDArray[np.intp]) -> None:
        self.dataset, self.rows = dataset, rows

    def __len__(self) -> int:
        return len(self.rows)

    @overload
    def __getitem__(self, i: int) -> LabelledTrace: ...
    @overload
    def __getitem__(self, i: slice) -> Traces: ...
    def __getitem__(self, i: int | slice) -> LabelledTrace | Traces:
        if isinstance(i, slice):
            return Traces(self.dataset, self.rows[i])
        return from_labels(*self.dataset[int(self.rows[i])])

    def __iter__(self) -> Iterator[LabelledTrace]:
        return (self[i] for i in range(len(self)))

    @property
    def datasets(self) -> list[str]:
        """Name of the data set of each trace."""
        return column(self.dataset.labels.iloc[self.rows], "dataset").astype(str).tolist()


@dataclass(frozen=True, slots=True, eq=False)
class Corpus:
    """Traces by role, and their licences. shares : probability of each event to be drawn."""

    events: Sequence[LabelledTrace]
    shares: NDArray[np.float64]
    noise: Sequence[LabelledTrace]
    dev_events: Sequence[LabelledTrace]
    dev_noise: Sequence[LabelledTrace]
    test_events: Sequence[LabelledTrace]
    test_noise: Sequence[LabelledTrace]
    counts: dict[str, dict[str, int]]
    licences: list[str]


def load_corpus(
    paths: Sequence[str | Path],
    teachers: Path | None = None,
    records: Sequence[Path] = (),
    fractions: Sequence[float] = (6, 2, 2),
    seed: int = 0,
) -> Corpus:
    """Datasets at paths, split by earthquake. Dev events whose labels no analyst made are left out.

    teachers: a CSV of other pickers' picks that completes the labels of the training rows (see data/teachers.py); the
    training rows are then read into memory. records: folders of continuous miniSEED, labelled by the teachers alone and
    used for training only. Raises DataError if the training split has no labelled trace.
    """
    if records and teachers is None:
        raise ConfigError("'records' need 'teachers': nothing else says what is in them")
    dataset = open_datasets(paths)
    picked = _roles(dataset, fractions, seed)
    events: Sequence[LabelledTrace] = picked["events"]
    noise: Sequence[LabelledTrace] = picked["noise"]
    weights = np.ones(len(events))
    if teachers is not None:
        table = pd.read_csv(teachers)
        table["dataset"] = table["dataset"].str.removeprefix("windows/")
        events = complete_all([*events, *_continuous(records)], table, _manual(dataset))
        weights = np.array([max(len(t.p), 1) for t in events], float)
        noise = [t for t in complete_all(list(noise), table, frozenset(), noise=True) if _is_plain(t)]
    if not events:
        raise DataError(f"no labelled trace in the training split of {', '.join(map(str, paths))}")
    roles = {**picked, "events": events, "noise": noise}
    counts = {role: _count(traces) for role, traces in roles.items()}
    licences = sorted(set(dataset.labels["licence"].astype(str)) - {""})
    return Corpus(**roles, shares=_shares(_names(events), weights), counts=counts, licences=licences)


def _roles(dataset: Dataset, fractions: Sequence[float], seed: int) -> dict[str, Traces]:
    labels = dataset.labels
    which = split_labels(labels, fractions, seed)
    event = ((labels["p_status"] == LABELLED) | (labels["s_status"] == LABELLED)).to_numpy(bool)
    trusted = ~labels["quality"].astype(str).str.startswith(AUTOMATIC).to_numpy(bool)
    quiet = is_quiet(labels)
    noise = (labels["category"] == NOISE).to_numpy(bool)  # a landslide must not be picked, but it is not noise either
    rows = {"events": (which == "train") & event, "noise": (which == "train") & quiet}
    for part in ("dev", "test"):
        rows[f"{part}_events"] = (which == part) & event & trusted
        rows[f"{part}_noise"] = (which == part) & quiet & noise
    return {role: Traces(dataset, np.flatnonzero(mask)) for role, mask in rows.items()}


def _manual(dataset: Dataset) -> frozenset[str]:
    """Data sets with labels of analysts: those are never moved."""
    labels = dataset.labels
    return frozenset(labels["dataset"][labels["quality"].astype(str).str.contains(MANUAL)].astype(str))


def _is_plain(trace: LabelledTrace) -> bool:
    """Noise that no two pickers find anything in."""
    return not trace.onsets and not trace.masked and trace.data.shape[1] >= SHORTEST_NOISE


def _shares(names: Sequence[str], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """A data set counts with the square root of its size, a trace in it with its weight (its number of P)."""
    _, index = np.unique(np.asarray(names), return_inverse=True)
    share = weights / np.sqrt(np.bincount(index, weights)[index])
    return share / share.sum()


def _names(traces: Sequence[LabelledTrace]) -> list[str]:
    return traces.datasets if isinstance(traces, Traces) else [t.dataset for t in traces]


def _count(traces: Sequence[LabelledTrace]) -> dict[str, int]:
    names, counts = np.unique(np.asarray(_names(traces), str), return_counts=True)
    return dict(zip(names.tolist(), counts.tolist(), strict=True))


def _continuous(folders: Sequence[Path]) -> list[LabelledTrace]:
    """One trace a station from folders of miniSEED: 100 Hz, ZNE, the stretch that all components share."""
    from jijin.io.files import read

    out = []
    for folder in folders:
        stream = read(folder).merge()
        for station in sorted({tr.stats.station for tr in stream}):
            rows = [stream.select(station=station, component=c) for c in ("Z", "[N1]", "[E2]")]
            if all(len(row) == 1 and not np.ma.isMaskedArray(row[0].data) for row in rows):
                n = min(row[0].stats.npts for row in rows)
                data = np.stack([row[0].data[:n] for row in rows]).astype(np.float32)
                source = f"continuous/{folder.name}"
                out.append(LabelledTrace(data, (), (), (), f"{source}/{station}", source, station))
    return out


def synthetic_pool(count: int, seed: int) -> list[Synthetic]:
    """count clean earthquakes to draw from while training."""
    rng = np.random.default_rng((seed, 1))
    return [earthquake(rng) for _ in range(count)]
