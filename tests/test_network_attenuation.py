"""Formulas against what they are defined by, and against their authors' own way of writing them."""

from __future__ import annotations

from math import exp, log10
from pathlib import Path

import pytest

from jijin.errors import ConfigError
from jijin.network.attenuation import FORMULAS, read_attenuation


def test_a_millimetre_at_100_km_is_magnitude_3() -> None:
    assert FORMULAS["hutton_boore_1987"].magnitude(1.0, 100.0) == 3.0
    assert FORMULAS["bakun_joyner_1984"].magnitude(1.0, 100.0) == pytest.approx(3.0, abs=0.002)


def test_ten_millimetres_at_17_km_are_magnitude_3_too() -> None:
    assert FORMULAS["hutton_boore_1987"].magnitude(10.0, 17.0) == pytest.approx(3.0, abs=0.02)


@pytest.mark.parametrize("r", [12.0, 100.0, 650.0])
def test_formulas_for_nanometres_at_magnification_1_hold_for_millimetres_at_2080(r: float) -> None:
    nm = 25_000.0
    mm = nm * 2080 * 1e-6
    expected = log10(nm) + 1.11 * log10(r) + 0.00189 * r - 2.09
    assert FORMULAS["iaspei_2013"].magnitude(mm, r) == pytest.approx(expected)
    near = expected - 1.16 * exp(-0.2 * r)
    assert FORMULAS["luckett_2019"].magnitude(mm, r) == pytest.approx(near)
    assert FORMULAS["hutton_boore_1987"].magnitude(mm, r) == pytest.approx(expected, abs=0.002)


def test_every_formula_names_where_it_is_from() -> None:
    assert all(any(year in f.source for year in (name[-4:],)) for name, f in FORMULAS.items())


def test_a_formula_of_ones_own_is_read_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "afar.toml"
    path.write_text(
        "a = 1.274336\nb = -0.000273\nc = 2\nreference_km = 17\nmax_km = 150\nhorizontals = 'max'\n"
        "[station_corrections]\n'XX.AAA' = -0.25\n"
    )
    formula = read_attenuation(str(path))
    assert (formula.name, formula.horizontals, formula.max_km) == ("afar", "max", 150.0)
    assert formula.magnitude(10.0, 17.0) == 3.0
    assert formula.magnitude(10.0, 17.0, "XX.AAA") == 2.75
    assert formula.magnitude(1.0, 34.0) == pytest.approx(1.274336 * log10(2) - 0.000273 * 17 + 2)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("a = 1\nb = 0\n", "mine.toml: 'c' is missing"),
        ("a = 1\nb = 0\nc = 3\nmin_kms = 1\n", "unknown key 'min_kms'; did you mean 'min_km'?"),
        ("a = 'one'\nb = 0\nc = 3\n", "'a' must be a number (got 'one')"),
        ("a = 1\nb = 0\nc = 3\n[station_corrections]\n'XX.A' = '1'\n", "'XX.A' must be a number (got '1')"),
        ("a = 1\nb = 0\nc = 3\nhorizontals = 'sum'\n", "must be 'mean' or 'max'"),
        ("a = 1\nb = 0\nc = 3\nmin_km = 5\nmax_km = 4\n", "'max_km' must be in (5"),
        ("a = = 1\n", "Invalid value"),
    ],
)
def test_a_broken_formula_file_is_a_sentence_with_its_name(tmp_path: Path, text: str, sentence: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(text)
    with pytest.raises(ConfigError) as told:
        read_attenuation(str(path))
    assert sentence in str(told.value) and "mine.toml" in str(told.value)


def test_an_unknown_formula_or_a_missing_file_is_a_sentence() -> None:
    with pytest.raises(ConfigError, match="unknown formula 'richter'; take hutton_boore_1987"):
        read_attenuation("richter")
    with pytest.raises(ConfigError, match=r"nowhere\.toml: cannot be read"):
        read_attenuation("nowhere.toml")


def test_the_file_in_the_docs_is_hutton_and_boore_with_a_station_correction(tmp_path: Path) -> None:
    page = (Path(__file__).parents[1] / "docs" / "magnitudes.md").read_text(encoding="utf-8")
    path = tmp_path / "docs.toml"
    path.write_text(page.partition("```toml\n")[2].partition("```")[0])
    ours, theirs = read_attenuation(str(path)), FORMULAS["hutton_boore_1987"]
    assert [ours.magnitude(2.0, r) for r in (10, 50, 700)] == [theirs.magnitude(2.0, r) for r in (10, 50, 700)]
    assert ours.magnitude(1.0, 100.0, "XX.AAA") == pytest.approx(2.88)


def test_the_docs_list_every_formula() -> None:
    page = (Path(__file__).parents[1] / "docs" / "magnitudes.md").read_text(encoding="utf-8")
    assert [name for name in FORMULAS if f"| `{name}`" not in page] == []
