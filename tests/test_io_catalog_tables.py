"""Tables of a catalogue: what is in them, the same in CSV and Parquet, and told in docs/formats.md."""

from __future__ import annotations

import io
import re
import sys
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from catalogue import BARE, EVENTS, FULL, PICKS, T0
from jijin.errors import MissingExtra
from jijin.io import tables
from jijin.io.catalog_tables import TABLES, write_csv, write_parquet

FORMATS = Path(__file__).parents[1] / "docs" / "formats.md"
TIMES = {name: [c.name for c in table.columns if c.kind == "time"] for name, table in TABLES.items()}


def items(name: str) -> list[object]:
    return list(PICKS) if name == "picks" else list(EVENTS)


def as_csv(name: str, of: list[object] | None = None) -> pd.DataFrame:
    file = io.StringIO()
    write_csv(TABLES[name], items(name) if of is None else of, file)
    file.seek(0)
    return pd.read_csv(file, parse_dates=TIMES[name])


def as_parquet(name: str) -> pd.DataFrame:
    pytest.importorskip("pyarrow")
    file = io.BytesIO()
    write_parquet(TABLES[name], items(name), file)
    file.seek(0)
    return pd.read_parquet(file)


def test_an_event_in_its_columns() -> None:
    full, bare = as_csv("events").to_dict("records")
    assert (full["event_id"], full["version"], full["depth_km"]) == (FULL.event_id, 3, 8.123)
    assert (full["latitude"], full["longitude"]) == (-43.25, 170.5)
    assert full["time"] == pd.Timestamp("2019-09-01T04:15:05.250000Z")
    assert (full["magnitude"], full["magnitude_uncertainty"], full["magnitude_station_count"]) == (1.85, 0.22, 1)
    assert (full["event_type"], full["event_type_probability"]) == ("quarry blast", 0.91)
    assert (full["horizontal_uncertainty_max_km"], full["ellipse_azimuth_deg"]) == (0.53, 63.4)
    assert (full["used_phase_count"], full["used_station_count"], full["associated_phase_count"]) == (3, 2, 4)
    assert full["depth_resolved"] and not bare["depth_resolved"]
    assert (bare["depth_km"], bare["evaluation_mode"]) == (-0.3, "manual")
    assert pd.isna(bare["magnitude"]) and bare["magnitude_reason"] == BARE.magnitude.reason  # type: ignore[union-attr]
    assert pd.isna(bare["event_type"]) and pd.isna(bare["creation_time"])


def test_arrivals_are_joined_to_events_by_their_identifier() -> None:
    found = as_csv("arrivals")
    assert list(found["event_id"]) == [FULL.event_id] * 4 + [BARE.event_id]
    assert list(found["time_residual_s"])[:4] == [0.021, -0.043, 0.002, 2.6]
    assert found["takeoff_angle_deg"].isna().tolist()[:4] == [False, False, False, True]


def test_station_magnitudes_keep_what_was_rejected() -> None:
    found = as_csv("station_magnitudes")
    assert list(found["used"]) == [True, True, False, False]
    assert list(found["reason"].fillna("")) == ["", "", "outlier: +2.25", "clipped"]
    assert list(found["amplitude_mm"])[:3] == [0.42, 0.84, 60.0]


@pytest.mark.parametrize("name", TABLES)
def test_parquet_has_the_rows_and_columns_of_csv(name: str) -> None:
    ours, theirs = as_parquet(name), as_csv(name)
    assert list(ours.columns) == list(theirs.columns) and len(ours) == len(theirs) > 0
    for column in TABLES[name].columns:
        left, right = ours[column.name], theirs[column.name]
        assert left.isna().tolist() == right.isna().tolist()
        if column.kind == "number":
            assert left.dropna().tolist() == pytest.approx(right.dropna().tolist(), abs=0.6 * 10**-column.digits)
        elif column.kind == "time":
            assert ((left - right).dropna().abs() <= pd.Timedelta("1us")).all()
        else:
            assert left.dropna().tolist() == right.dropna().tolist()


def test_times_in_parquet_keep_their_nanoseconds() -> None:
    assert as_parquet("picks")["time"][0].value == T0 + 3_400_000_400


def test_picks_are_the_table_that_jijin_detect_writes() -> None:
    theirs, ours = io.StringIO(), io.StringIO()
    tables.write_csv(PICKS, theirs)
    write_csv(TABLES["picks"], PICKS, ours)
    assert ours.getvalue() == theirs.getvalue()


def test_an_uncertainty_that_is_no_number_is_an_empty_field() -> None:
    odd = replace(FULL, origin=replace(FULL.origin, depth_uncertainty_km=float("nan")))
    assert as_csv("events", [odd])["depth_uncertainty_km"].isna().all()
    file = io.StringIO()
    write_csv(TABLES["events"], [odd], file)
    assert "nan" not in file.getvalue()


@pytest.mark.parametrize("name", TABLES)
def test_no_rows_still_have_columns(name: str) -> None:
    assert list(as_csv(name, []).columns) == [column.name for column in TABLES[name].columns]


@pytest.mark.parametrize("name", TABLES)
def test_the_docs_tell_every_column_in_order(name: str) -> None:
    text = FORMATS.read_text(encoding="utf-8")
    heading = "## Picks as CSV" if name == "picks" else f"### `{name}`"
    section = text.partition(f"{heading}\n")[2].partition("\n##")[0]
    assert re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE) == [column.name for column in TABLES[name].columns]


def test_parquet_without_pyarrow_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingExtra, match=r"pip install 'jijin\[parquet\]'"):
        write_parquet(TABLES["picks"], PICKS, io.BytesIO())
