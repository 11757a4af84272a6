"""What cannot be believed of labels is left out when data are opened, and said once."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from jijin.data import open_dataset
from jijin.data.believed import open_believed
from jijin.data.corpus import load_corpus
from jijin.data.export import write_seisbench
from jijin.data.pack import pack
from jijin.data.traces import P, S


def write(folder: Path, p: list[float], s: list[float]) -> Path:
    """Earthquakes of 1000 samples at 50 Hz, so 1999 at 100 Hz, whose table says that they are longer."""
    data = np.random.default_rng(0).standard_normal((len(p), 3, 1000)).astype(np.float32)
    rows = pd.DataFrame({"trace_P_arrival_sample": p, "trace_S_arrival_sample": s, "trace_sampling_rate_hz": 50.0})
    rows["trace_name"], rows["source_type"] = list("abcdefgh"[: len(p)]), "earthquake"
    path = write_seisbench(folder, data, rows)
    table = path / "metadata.csv"
    pd.read_csv(table).assign(trace_npts=9999).to_csv(table, index=False)
    return path


@pytest.mark.parametrize("packed", [False, True])
def test_labels_outside_of_their_traces_are_counted_when_data_are_opened(tmp_path: Path, packed: bool) -> None:
    path = write(tmp_path / "set", [500.0, -5.0, np.inf, 999.0], [600.0, 700.0, 800.0, 1000.0])
    path = pack(open_dataset(path), tmp_path / "pack").path if packed else path
    with pytest.warns(UserWarning, match=r"^set: labels outside of their traces are not used \(3\); 'jijin data aud"):
        labels = open_believed([path]).labels
    np.testing.assert_array_equal(labels["p_sample"], [1000, np.nan, np.nan, 1998])
    np.testing.assert_array_equal(labels["s_sample"], [1200, 1400, 1600, np.nan])
    assert labels["p_status"].tolist() == ["labelled", "unlabelled", "unlabelled", "labelled"]


def test_a_label_outside_of_its_trace_is_masked_and_whoever_reads_the_trace_is_not_warned(tmp_path: Path) -> None:
    path = write(tmp_path / "set", [500.0, -5.0], [np.inf, 700.0])
    with pytest.warns(UserWarning, match=r"\(2\)"):
        events = load_corpus([path], fractions=(1, 0, 0)).events
    with warnings.catch_warnings(action="error"):
        first, second = events
    assert (first.p, first.s, {output for output, *_ in first.masked} >= {S}) == ((1000.0,), (), True)
    assert (second.p, second.s, (P, 0, 1400) in second.masked) == ((), (1400.0,), True)


def test_sound_data_are_opened_without_a_word(tmp_path: Path) -> None:
    path = write(tmp_path / "set", [0.0, np.nan], [999.0, np.nan])
    with warnings.catch_warnings(action="error"):
        labels = open_believed([path]).labels
    pd.testing.assert_frame_equal(labels, open_dataset(path).labels)


def test_rows_that_share_a_name_are_counted_each_data_set_by_itself(tmp_path: Path) -> None:
    paths = [write(tmp_path / name, [500.0] * 3, [600.0] * 3) for name in ("one", "two")]
    table = paths[1] / "metadata.csv"
    pd.read_csv(table).assign(trace_name=list("aab")).to_csv(table, index=False)
    with pytest.warns(UserWarning) as told:
        open_believed(paths)
    assert [str(w.message).split(",")[0] for w in told] == ["two: rows of one trace_name count as traces of their own"]
    assert "(1);" in str(told[0].message)
