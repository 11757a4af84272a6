"""Tables of other pickers' picks: what is wrong with one is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from jijin.data.teachers import PICK_COLUMNS, consensus, read_picks
from jijin.data.traces import P
from jijin.errors import DataError

HEADER = ",".join(PICK_COLUMNS)


@pytest.mark.parametrize(("separator", "word"), [(";", "semicolons"), ("\t", "tabs")])
def test_a_table_whose_separator_is_no_comma_says_so(tmp_path: Path, separator: str, word: str) -> None:
    path, row = tmp_path / "picks.csv", separator.join(("a", "t1", "eqt", "P", "100,5", "0,9"))
    path.write_text(f"{HEADER.replace(',', separator)}\n{row}\n")
    with pytest.raises(DataError, match=f"dataset is missing; it is separated by {word}: save it with commas"):
        read_picks([path])


def test_a_table_that_lacks_a_column_names_it_alone(tmp_path: Path) -> None:
    (tmp_path / "picks.csv").write_text(HEADER.replace("picker", "model") + "\n")
    with pytest.raises(DataError, match=r"picker is missing$"):
        read_picks([tmp_path / "picks.csv"])


def test_a_row_that_is_there_twice_weighs_once_and_it_is_said(tmp_path: Path) -> None:
    times = {"eqt_original_fast": 100, "a": 110, "b": 112, "c": 114}
    rows = [f"d,t,{picker},P,{sample},0.9" for picker, sample in times.items()]
    once, twice = tmp_path / "once.csv", tmp_path / "twice.csv"
    once.write_text("\n".join([HEADER, *rows]) + "\n")
    twice.write_text("\n".join([HEADER, *rows, rows[0]]) + "\n")
    with pytest.warns(UserWarning, match=r"twice\.csv: rows that are there already are left out \(1\)"):
        table = read_picks([twice])
    assert table["picker"].tolist() == list(times)
    assert consensus(table).agreed[P] == consensus(read_picks([once])).agreed[P] == [111.0]
    with pytest.warns(UserWarning, match=r"once\.csv, .*twice\.csv: .* \(5\)"):
        assert len(read_picks([once, twice])) == 4
