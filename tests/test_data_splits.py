"""Splits: by earthquake, and the same for everyone."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from jijin.data.labels import table
from jijin.data.splits import inherit_groups, split, split_labels
from jijin.errors import ConfigError

GROUPS = [f"event{k}" for k in range(20_000)]


def test_shares_are_six_two_two() -> None:
    parts = split(GROUPS)
    shares = [float(np.mean(parts == name)) for name in ("train", "dev", "test")]
    assert shares == pytest.approx([0.6, 0.2, 0.2], abs=0.015)  # four standard deviations


def test_the_split_of_a_group_does_not_depend_on_order_or_company() -> None:
    whole = dict(zip(GROUPS, split(GROUPS), strict=True))
    assert split(GROUPS[::-7]).tolist() == [whole[group] for group in GROUPS[::-7]]


def test_the_split_is_the_same_in_another_process_with_another_hash_seed() -> None:
    code = "from jijin.data.splits import split; print(*split([f'event{k}' for k in range(40)]))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.split() == split(GROUPS[:40]).tolist()


def test_the_split_never_changes_between_versions() -> None:
    assert split(GROUPS[:8]).tolist() == ["test", "train", "dev", "dev", "test", "train", "train", "train"]


def test_another_seed_is_another_split() -> None:
    agree = np.mean(split(GROUPS, seed=1) == split(GROUPS, seed=0))
    assert agree == pytest.approx(0.6**2 + 0.2**2 + 0.2**2, abs=0.015)


def test_of_several_seeds_nothing_is_held_out_that_one_of_them_trains_on() -> None:
    one, other, both = split(GROUPS), split(GROUPS, seed=3), split(GROUPS, seed=(0, 3))
    assert ((both == "train") == ((one == "train") | (other == "train"))).all()
    held = both != "train"
    assert (both[held] == one[held]).all() and held.mean() == pytest.approx(0.4**2, abs=0.015)
    assert (split(GROUPS, seed=[0]) == one).all()


def test_a_share_of_zero_stays_empty() -> None:
    assert set(split(GROUPS, (1, 0, 1))) == {"train", "test"}
    assert set(split(GROUPS, (0, 0, 1))) == {"test"}


@pytest.mark.parametrize("fractions", [(6, 2), (0, 0, 0), (1, -1, 1), (float("nan"), 1, 1)])
def test_shares_that_cannot_be_are_an_error(fractions: tuple[float, ...]) -> None:
    with pytest.raises(ConfigError, match="'fractions' must be three numbers"):
        split(GROUPS[:3], fractions)


def labels(names: list[str], groups: list[str], own: list[str]) -> pd.DataFrame:
    return table({"source_group": groups, "split": own}, pd.Series(names))


def test_the_data_sets_own_split_is_kept_only_when_asked() -> None:
    rows = labels(["a", "b", "c"], ["g", "g", "h"], ["test", "validation", ""])
    assert split_labels(rows).tolist() == split(["g", "g", "h"]).tolist()
    assert split_labels(rows, keep=True).tolist() == ["test", "dev", split(["h"])[0]]


def test_noise_cut_before_an_earthquake_takes_the_group_of_the_earthquake() -> None:
    rows = labels(["a", "pre_a", "pre_b", "pre_"], ["event", "own1", "own2", "own3"], [""] * 4)
    assert inherit_groups(rows).tolist() == ["event", "event", "own2", "own3"]
    assert rows["source_group"].tolist() == ["event", "own1", "own2", "own3"]  # the input is not changed
