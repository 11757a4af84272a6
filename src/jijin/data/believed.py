"""Datasets as they are trained and scored on: what cannot be believed of their labels is left out, and it is said."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from jijin.data import open_datasets
from jijin.data.dataset import Dataset
from jijin.data.labels import LABELLED, UNLABELLED

OUTSIDE = "labels outside of their traces are not used"
TWICE = "rows of one trace_name count as traces of their own, so picks of the other's event are false"


def open_believed(paths: Sequence[str | Path]) -> Dataset:
    """open_datasets, in which a label that is not on a sample of its trace is unlabelled.

    Warns, once for each data set and with their number, of such labels and of rows that share a trace_name.
    """
    dataset = open_datasets(paths)
    labels, lost = dataset.labels, outside(dataset)
    _warn(labels, lost["p"].astype(int) + lost["s"], OUTSIDE)
    _warn(labels, labels.duplicated(["dataset", "trace_name"]), TWICE)
    for phase, rows in lost.items():
        sample, status = f"{phase}_sample", f"{phase}_status"
        words = labels[status].astype(str).mask(rows, UNLABELLED).astype("category")
        labels = labels.assign(**{sample: labels[sample].mask(rows), status: words})
    dataset.labels = labels
    return dataset


def outside(dataset: Dataset) -> dict[str, pd.Series]:
    """Of "p" and of "s", rows whose label is not on a sample of the trace."""
    labels, last = dataset.labels, dataset.lengths() - 1
    samples = {phase: labels[f"{phase}_sample"].where(labels[f"{phase}_status"] == LABELLED) for phase in "ps"}
    return {phase: (sample < 0) | (sample > last) for phase, sample in samples.items()}


def _warn(labels: pd.DataFrame, counts: pd.Series, what: str) -> None:
    for name, count in counts.groupby(labels["dataset"].astype(str)).sum().items():
        if count:
            warnings.warn(f"{name}: {what} ({count}); 'jijin data audit' lists them", stacklevel=4)
