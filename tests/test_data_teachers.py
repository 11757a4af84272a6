"""Tables of other pickers' picks: what is wrong with one is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from jijin.data.teachers import PICK_COLUMNS, read_picks
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
