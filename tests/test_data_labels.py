"""Labels: what an empty cell means, and STEAD's strings that hold arrays."""

from __future__ import annotations

import dataclasses
import re

import numpy as np
import pandas as pd
import pytest

from jijin.data import labels as lb
from jijin.errors import DataError


def seisbench_labels(**columns: object) -> lb.Labels:
    """Labels of a table of one row with these SeisBench columns."""
    from jijin.data.seisbench import to_labels

    meta = pd.DataFrame({"trace_name": ["a"], **{name: [value] for name, value in columns.items()}})
    return lb.record(to_labels(meta, np.array([100.0]), pd.Series(["ZNE"]), "test", "test.csv").iloc[0].to_dict())


@pytest.mark.parametrize(
    ("text", "value"),
    [("[[ 2896.]]", 2896.0), ("[ 56.5 55.5 47.0]", 53.0), ("[5.0 nan 3]", 4.0), ("[39.0, 42.0, 36.0]", 39.0),
     ("[1e1\n 2e1 3e1]", 20.0), ("[nan nan nan]", np.nan), ("[]", np.nan), ("", np.nan), ("None", np.nan),
     ("[None 4 None]", 4.0), ("-3.5", -3.5), (None, np.nan)],
)  # fmt: skip
def test_a_string_that_holds_an_array_is_the_mean_of_its_finite_numbers(text: str | None, value: float) -> None:
    meta = pd.DataFrame({"snr_db": pd.Series([text], dtype=object)})
    assert lb.numbers(meta, "snr_db", where="a.csv").tolist() == pytest.approx([value], nan_ok=True)


def test_a_word_in_a_column_of_numbers_names_file_column_and_word() -> None:
    with pytest.raises(DataError, match=r"chunk1\.csv: column 'snr_db' of row 2 holds 'loud'"):
        lb.numbers(pd.DataFrame({"snr_db": ["[1 2 3]", "loud"]}), "snr_db", where="chunk1.csv")


@pytest.mark.parametrize("cell", ["3000,5", "[3000. 4500.]", "[3000, 4500]", "3000 4500", "100 Hz", "1;2"])
def test_more_than_one_number_where_one_belongs_names_file_column_and_trace(cell: str) -> None:
    message = re.escape(f"test.csv: column 'trace_P_arrival_sample' of trace a holds {cell!r}; write one number")
    with pytest.raises(DataError, match=message):
        seisbench_labels(trace_P_arrival_sample=cell)


def test_a_decimal_comma_is_no_array_where_there_may_be_one() -> None:
    with pytest.raises(DataError, match="column 'trace_snr_db' of trace a holds '56,5'"):
        seisbench_labels(trace_snr_db="56,5")


@pytest.mark.parametrize("cell", ["NA", "n/a", "N/A", "na", "NONE", "nan", " "])
def test_a_word_for_no_number_is_missing_in_a_column_of_numbers(cell: str) -> None:
    assert seisbench_labels(trace_P_arrival_sample=cell, trace_snr_db=cell).p_status == lb.UNLABELLED


def test_one_number_may_stand_in_brackets_or_between_blanks() -> None:
    assert seisbench_labels(trace_P_arrival_sample="[[ 3000.5 ]]").p_sample == 3000.5
    assert seisbench_labels(trace_P_arrival_sample=" 3000.5 ").p_sample == 3000.5


@pytest.mark.parametrize("word", ["not picked (S present)", "not given (S present)", "missing", "not picked", ""])
def test_an_unpicked_s_of_an_earthquake_is_masked_and_never_taken_for_no_s(word: str) -> None:
    label = seisbench_labels(source_type="earthquake", trace_P_arrival_sample=500.0, trace_S_status=word)
    assert (label.p_status, label.s_status) == (lb.LABELLED, lb.UNLABELLED)


@pytest.mark.parametrize(
    ("columns", "first"),
    [
        ({"Pg": 1200.0, "Pn": 900.0}, 900),
        ({"Pg": 900.0}, 900),
        ({"P": 1300.0, "Pn": 900.0}, 1300),
        ({"P1": 700.0}, 700),
    ],
)
def test_of_phases_that_name_a_path_the_earliest_is_p_and_a_plain_p_goes_before_them(
    columns: dict[str, float], first: int
) -> None:
    label = seisbench_labels(**{f"trace_{phase}_arrival_sample": sample for phase, sample in columns.items()})
    assert label.p_sample == first


def test_an_s_with_a_sample_is_labelled_even_if_its_status_says_not_picked() -> None:
    label = seisbench_labels(trace_S_arrival_sample=900.0, trace_S_status="not picked (S present)")
    assert (label.s_status, label.s_sample) == (lb.LABELLED, 900.0)


def test_noise_and_landslides_have_no_phases_at_all() -> None:
    for word, category in (("noise", lb.NOISE), ("landslide", lb.OTHER), ("Surface event", lb.OTHER)):
        label = seisbench_labels(source_type=word, trace_P_arrival_sample=np.nan)
        assert (label.category, label.p_status, label.s_status) == (category, lb.ABSENT, lb.ABSENT)


@pytest.mark.parametrize("word", ["explosion", "quarry_blast", "mining_induced", "icequake", "", "something new"])
def test_any_other_source_without_picks_is_masked(word: str) -> None:
    label = seisbench_labels(source_type=word)
    assert (label.category, label.p_status, label.s_status) == (lb.EARTHQUAKE, lb.UNLABELLED, lb.UNLABELLED)


def test_noise_with_a_transient_in_it_is_masked() -> None:
    assert seisbench_labels(source_type="noise", stalta_max=9.0).p_status == lb.UNLABELLED
    assert seisbench_labels(source_type="noise", stalta_max=2.0).p_status == lb.ABSENT
    quality = "pre-event window (transient)"
    assert seisbench_labels(source_type="noise", label_quality=quality).s_status == lb.UNLABELLED


def test_a_rejected_pick_counts_only_if_its_check_passed() -> None:
    columns = {"source_type": "earthquake", "trace_P_arrival_sample": 500.0, "label_quality": "automatic_rejected"}
    assert seisbench_labels(**columns, qc_good="True").p_sample == 500.0
    doubted = seisbench_labels(**columns, qc_good="False")
    assert doubted.p_status == lb.UNLABELLED and np.isnan(doubted.p_sample)


def test_labels_are_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        seisbench_labels().p_sample = 3.0  # type: ignore[misc]


def test_a_stacked_table_keeps_rows_columns_and_words() -> None:
    one = lb.table({"category": "noise", "dataset": "a"}, pd.Series(["x"]))
    two = lb.table({"category": "earthquake", "dataset": "b", "p_sample": 3.0}, pd.Series(["y", "z"]))
    both = lb.stack([one, two])
    assert list(both.columns) == list(lb.COLUMNS)
    assert both["dataset"].astype(str).tolist() == ["a", "b", "b"]
    assert both["trace_name"].tolist() == ["x", "y", "z"] and both["p_sample"].tolist()[1:] == [3.0, 3.0]
