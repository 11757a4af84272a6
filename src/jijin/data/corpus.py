"""What a training run draws from: events, noise and synthetics of the training split, and what it validates on."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import overload

import numpy as np
from numpy.typing import NDArray

from jijin.data.believed import open_believed
from jijin.data.continuous import continuous
from jijin.data.dataset import Dataset, column
from jijin.data.labels import ABSENT, EARTHQUAKE, LABELLED, is_automatic, labelled
from jijin.data.regional import regional_earthquake
from jijin.data.splits import NAMES, Seeds, place, split_labels
from jijin.data.synthetic import Synthetic, earthquake
from jijin.data.teachers import complete_all, overlook, read_picks
from jijin.data.traces import LETTERS, LabelledTrace, by_analysts, from_labels
from jijin.errors import ConfigError, DataError

log = logging.getLogger(__name__)
REGIONAL = 6
SHORTEST_NOISE = 1000  # samples
MOST_SCORED = 4000  # traces of a kind, so that scoring a million takes 2 GB and not 100


class Traces(Sequence[LabelledTrace]):
    """Rows of a dataset as labelled traces, read when asked for: a million of them take no memory.

    trusted : labels by machines count neither way.
    """

    def __init__(self, dataset: Dataset, rows: NDArray[np.intp], trusted: bool = False) -> None:
        self.dataset, self.rows, self.trusted = dataset, rows, trusted

    def __len__(self) -> int:
        return len(self.rows)

    @overload
    def __getitem__(self, i: int) -> LabelledTrace: ...
    @overload
    def __getitem__(self, i: slice) -> Traces: ...
    def __getitem__(self, i: int | slice) -> LabelledTrace | Traces:
        if isinstance(i, slice):
            return Traces(self.dataset, self.rows[i], self.trusted)
        trace = from_labels(*self.dataset[int(self.rows[i])])
        return by_analysts(trace) if self.trusted else trace

    def __iter__(self) -> Iterator[LabelledTrace]:
        return (self[i] for i in range(len(self)))

    @property
    def datasets(self) -> list[str]:
        """Name of the data set of each trace."""
        return column(self.dataset.labels.iloc[self.rows], "dataset").astype(str).tolist()


@dataclass(frozen=True, slots=True, eq=False)
class Corpus:
    """What training reads. shares : probability of each event to be drawn; licences : by data set; pickers : whose
    picks completed the labels."""

    events: Sequence[LabelledTrace]
    shares: NDArray[np.float64]
    noise: Sequence[LabelledTrace]
    dev: Sequence[LabelledTrace]
    counts: dict[str, dict[str, int]]
    licences: dict[str, list[str]]
    pickers: list[str]


def load_corpus(
    paths: Sequence[str | Path],
    teachers: Sequence[Path] = (),
    records: Sequence[Path] = (),
    fractions: Sequence[float] = (6, 2, 2),
    seed: Seeds = 0,
) -> Corpus:
    """The training and dev split of the datasets at paths; the test split is not touched.

    teachers: CSVs of other pickers' picks that complete the labels of the training rows (see data/teachers.py), also of
    earthquakes that nobody picked; the training rows are then read into memory. records: folders of continuous
    miniSEED, labelled by the teachers alone and used for training only. Raises DataError if the training split has no
    labelled trace.
    """
    if records and not teachers:
        raise ConfigError("'records' need 'teachers': nothing else says what is in them")
    dataset = open_believed(paths)
    which = split_labels(
        dataset.labels, fractions, seed, keep=True
    )  # the data's own split first, as in jijin data audit
    event, quiet, trusted = _event(dataset), _quiet(dataset), _trusted(dataset)
    events: Sequence[LabelledTrace] = Traces(dataset, np.flatnonzero((which == "train") & event))
    noise: Sequence[LabelledTrace] = Traces(dataset, np.flatnonzero((which == "train") & quiet))
    dev = _some(Traces(dataset, np.flatnonzero((which == "dev") & event & trusted), trusted=True))
    weights, pickers = np.ones(len(events)), list[str]()
    if teachers:
        table = read_picks(teachers)
        pickers = sorted(set(table["picker"].astype(str)))
        if not set(dataset.labels["trace_name"].astype(str)) & set(table["trace_name"].astype(str)) and not records:
            log.warning("no pick of %s is of a trace of the data; the labels stay as they are", _listed(teachers))
        unpicked = Traces(dataset, np.flatnonzero((which == "train") & _unpicked(dataset)))
        events = complete_all([*events, *unpicked, *continuous(records)], table)
        events = [t for t in events if t.onsets]
        weights = np.array([max(len(t.p), 1) for t in events], float)
        noise = [t for t in complete_all(list(noise), table, noise=True) if _is_plain(t)]
    if not events:
        raise DataError(f"no labelled trace in the training split of {', '.join(map(str, paths))}")
    counts = {role: _count(traces) for role, traces in (("events", events), ("noise", noise), ("dev", dev))}
    shares = _shares(_names(events), weights)
    return Corpus(events, shares, noise, dev, counts, licences(dataset), pickers)


def scored_traces(
    paths: Sequence[str | Path],
    split: str,
    only: Sequence[str] | None = None,
    fractions: Sequence[float] = (6, 2, 2),
    seed: Seeds = 0,
    others: Sequence[Path] = (),
    automatic: bool = False,
    needed: bool = True,
) -> list[LabelledTrace]:
    """Traces to score on: events that analysts labelled (of the data sets in only), noise, and other sources.

    split: train, dev, test or all; seed may be several, see jijin.data.splits. others: CSVs of several pickers'
    picks; what two of them find and nobody labelled counts neither way. automatic: labels by machines too. At most
    MOST_SCORED of each kind are taken, chosen by name. Raises DataError if there is none, unless none is needed.
    """
    if split not in (*NAMES, "all"):
        raise ConfigError(f"'split' must be train, dev, test or all (got {split!r})")
    dataset = open_believed(paths)
    names = set(dataset.labels["dataset"].astype(str))
    if only is not None and not names.issuperset(only):
        raise ConfigError(f"'only' names {sorted(set(only) - names)}; there is {', '.join(sorted(names))}")
    here = np.isin(split_labels(dataset.labels, fractions, seed, keep=True), NAMES if split == "all" else [split])
    wanted = dataset.labels["dataset"].astype(str).isin(only or names).to_numpy(bool)
    kinds = (_event(dataset) & (_trusted(dataset) | automatic) & wanted, _quiet(dataset))
    rows = (np.flatnonzero(here & kind) for kind in kinds)
    out = [trace for mine in rows for trace in _some(Traces(dataset, mine, trusted=not automatic))]
    if needed and not out:
        count = int(np.logical_or(*kinds).sum())
        where = f"{count} records that could be are in other splits" if count else "no record has a label to trust"
        raise DataError(f"nothing to score in the {split} split of {', '.join(map(str, paths))}; {where}")
    return overlook(out, read_picks(others)) if others else out


def _event(dataset: Dataset) -> NDArray[np.bool_]:
    return labelled(dataset.labels).to_numpy(bool)


def _unpicked(dataset: Dataset) -> NDArray[np.bool_]:
    """Earthquakes, and what else radiates body waves, without a label of either phase."""
    return (dataset.labels["category"] == EARTHQUAKE).to_numpy(bool) & ~_event(dataset)


def _trusted(dataset: Dataset) -> NDArray[np.bool_]:
    """A label of either phase by an analyst, or of unknown making: not automatic, semi-automatic or an autopicker's."""
    out = np.zeros(len(dataset), bool)
    quality = dataset.labels["quality"].astype(str)
    for letter in LETTERS.values():
        machine = {word: is_automatic(word, letter) for word in quality.unique()}
        there = dataset.labels[f"{letter.lower()}_status"] == LABELLED
        out |= (there & ~quality.map(machine).astype(bool)).to_numpy(bool)
    return out


def _quiet(dataset: Dataset) -> NDArray[np.bool_]:
    """Nothing to pick: noise, and sources without body waves."""
    labels = dataset.labels
    return ((labels["category"] != EARTHQUAKE) & (labels["p_status"] == ABSENT)).to_numpy(bool)


def _some(traces: Traces) -> Traces:
    """At most MOST_SCORED, those whose names come first in a shuffle that never changes."""
    if len(traces) <= MOST_SCORED:
        return traces
    names = column(traces.dataset.labels.iloc[traces.rows], "trace_name").astype(str)
    order = np.argsort([place(name) for name in names])[:MOST_SCORED]
    return Traces(traces.dataset, traces.rows[np.sort(order)], traces.trusted)


def licences(dataset: Dataset) -> dict[str, list[str]]:
    """The licences that each data set names, in its own words."""
    names, told = (dataset.labels[key].astype(str) for key in ("dataset", "licence"))
    return {name: sorted(set(told[names == name]) - {""}) for name in sorted(set(names))}


def _listed(paths: Sequence[str | Path]) -> str:
    return ", ".join(map(str, paths))


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


def synthetic_pool(count: int, seed: int) -> list[Synthetic]:
    """count clean earthquakes to draw from while training; every REGIONAL-th has its path from Green's functions."""
    rng = np.random.default_rng((seed, 1))
    return [regional_earthquake(rng) if k % REGIONAL == 0 else earthquake(rng) for k in range(count)]
