"""Training and validation windows of the study: the real ones as they are, each once an epoch."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch
from numpy.random import default_rng

from jijin.data.augment import STUDY, Normalise, apply
from jijin.data.batch import Augmentation, Batch
from jijin.data.traces import LabelledTrace, targets
from jijin.evaluate import Window
from jijin.signal import missing
from jijin.train.validation import Validation
from jijin.types import IN_SAMPLES

GROUP = 8  # windows that a thread makes at a time: they stay in the cache


@dataclass(frozen=True, slots=True, eq=False)
class Epochs:
    """Batches of 60-s traces, in a new order every epoch, with the study's augmentation.

    Batch k of a seed is always the same; threads makes it sooner and changes nothing in it.
    """

    traces: Sequence[LabelledTrace]
    steps: tuple[Augmentation, ...] = STUDY
    seed: int = 0
    threads: int = 1

    def batch(self, k: int, size: int) -> Batch:
        """Batch k, as the last of the steps leaves it: normalised, if the network is to see it."""
        rows = self._rows(k, size)
        groups = [rows[at : at + GROUP] for at in range(0, size, GROUP)]
        with ThreadPoolExecutor(self.threads) as pool:
            parts = list(pool.map(lambda part: self._part(groups[part], (self.seed, 1, k, part)), range(len(groups))))
        return Batch(*(np.concatenate([getattr(part, x) for part in parts]) for x in ("data", "target", "weight")))

    def _part(self, rows: Sequence[int], seed: tuple[int, ...]) -> Batch:
        return apply(self.steps, raw_batch([self.traces[i] for i in rows]), default_rng(seed))

    def _rows(self, k: int, size: int) -> list[int]:
        """Windows k * size to (k + 1) * size of all epochs laid end to end."""
        n = len(self.traces)
        epochs = range(k * size // n, ((k + 1) * size - 1) // n + 1)
        order = np.concatenate([default_rng((self.seed, 0, epoch)).permutation(n) for epoch in epochs])
        first = k * size - epochs[0] * n
        return [int(i) for i in order[first : first + size]]


def raw_batch(traces: Sequence[LabelledTrace]) -> Batch:
    """Windows and targets of 60-s traces; missing samples are NaN, as augmentation wants them."""
    data = np.stack([trace.data for trace in traces])
    data[missing(data)] = np.nan
    target, weight = zip(*(targets(trace, 0, IN_SAMPLES) for trace in traces), strict=True)
    return Batch(data, np.stack(target), np.stack(weight))


def validation(traces: Sequence[LabelledTrace], windows: Sequence[Window]) -> Validation:
    """The same windows as they are, for the loss and for F1."""
    ready = Normalise()(raw_batch(traces), default_rng(0))
    data, target, weight = map(torch.from_numpy, (ready.data, ready.target, ready.weight))
    return Validation(data, target, weight, list(windows))
