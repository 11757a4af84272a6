"""Train, dev and test by earthquake: the group's name alone decides, so no row can be on both sides.

The split of a group is a hash of its name and the seed. It does not depend on the order of rows, on which other
groups are there, on the machine or on the Python version: add a data set tomorrow and every old row stays where it
was, and one earthquake in two data sets lands in one split as long as both give it the same source_group.

Weights that began with others, trained under another seed, have seen what either seed put into train: several seeds
hold out what all of them hold out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import blake2b
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from jijin.errors import ConfigError

Seeds = int | Sequence[int]  # of several, those of dev and test are the first one's that no other has in train
NAMES = ("train", "dev", "test")
PARENT_PREFIX = "pre_"  # trace_name of a noise window cut in front of the P of the trace named after it


def split(source_groups: Iterable[str], fractions: Sequence[float] = (6, 2, 2), seed: Seeds = 0) -> NDArray[np.str_]:
    """train, dev or test for each row; fractions need not add up to one.

    The shares hold on average over groups: of a handful of groups a split may get none. With several seeds more is in
    train: what any of them puts there.
    """
    edges = _edges(fractions)
    codes, groups = pd.factorize(np.asarray([str(group) for group in source_groups], dtype=object))
    first, *others = (_parts(groups, edges, one) for one in ((seed,) if isinstance(seed, int) else seed))
    for other in others:
        first = np.where(other == NAMES[0], other, first)
    return first[codes]


def _parts(groups: Iterable[str], edges: NDArray[np.float64], seed: int) -> NDArray[np.str_]:
    places = np.array([place(group, seed) for group in groups], dtype=np.float64)
    return np.asarray(NAMES)[np.searchsorted(edges, places, side="right")]


def _edges(fractions: Sequence[float]) -> NDArray[np.float64]:
    share = np.asarray(fractions, dtype=np.float64)
    if share.shape != (3,) or (share < 0).any() or not np.isfinite(share).all() or share.sum() <= 0:
        raise ConfigError(f"'fractions' must be three numbers, none negative, for train, dev, test (got {fractions})")
    return (np.cumsum(share) / share.sum())[:2]


def place(name: str, seed: int = 0) -> float:
    """Where a name falls in [0, 1): the first 53 bits of BLAKE2b of "seed:name".

    >>> round(place("ncedc201212041333"), 6)
    0.205779
    """
    digest = blake2b(f"{seed}:{name}".encode(), digest_size=8).digest()
    return (int.from_bytes(digest, "big") >> 11) / 2**53


def split_labels(
    labels: pd.DataFrame, fractions: Sequence[float] = (6, 2, 2), seed: Seeds = 0, keep: bool = False
) -> NDArray[np.str_]:
    """Split of each row of a labels table; keep takes the data set's own split where it has one."""
    out = split(labels["source_group"], fractions, seed)
    if not keep:
        return out
    own = labels["split"].astype(str).str.lower().replace({"val": "dev", "valid": "dev", "validation": "dev"})
    return np.where(own.isin(NAMES), own, out).astype(out.dtype)


def parents(labels: pd.DataFrame) -> pd.Series:
    """Index of the row that each noise window was cut from (by name), -1 where there is none in the table."""
    names = labels["trace_name"].astype(str)
    first = pd.Series(np.arange(len(names)), index=names)
    first = first[~first.index.duplicated()]
    child = names.str.startswith(PARENT_PREFIX)
    found = first.reindex(names[child].str[len(PARENT_PREFIX) :]).fillna(-1).to_numpy(np.int64)
    out = pd.Series(-1, index=labels.index, dtype=np.int64)
    out[child.to_numpy()] = found
    return out


def inherit_groups(labels: pd.DataFrame) -> NDArray[Any]:
    """source_group of each row, where a noise window named pre_<trace> takes the group of <trace> if that is known.

    Such a window holds the same station's noise minutes before the same earthquake, and often the same samples.
    """
    groups = labels["source_group"].astype(object).to_numpy().copy()
    parent = parents(labels).to_numpy()
    known = parent >= 0
    groups[known] = groups[parent[known]]
    return groups
