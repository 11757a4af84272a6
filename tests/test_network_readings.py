"""Station corrections from files, and what a velocity model is wrong by."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from jijin.errors import DataError
from jijin.network.readings import ErrorModel, Readings, check_corrections, placed, read_corrections
from jijin.network.stations import Stations
from jijin.types import NS, Pick, Station

STATIONS = Stations((Station("CH.A.", 46.0, 7.0, 500.0), Station("CH.B.", 46.2, 7.0, -30.0)))


def pick(name: str, phase: str, seconds: float) -> Pick:
    return Pick(f"{name}..HHZ", phase, round(seconds * NS), 0.05, 0.8)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("late.csv", "station,phase,correction_s\nCH.A,P,0.12\nCH.A..,s,-0.3\n"),
        ("late.toml", '"CH.A" = { P = 0.12, S = -0.3 }\n'),
    ],
)
def test_corrections_are_read_from_tables(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    assert read_corrections(tmp_path / name) == {("CH.A", "P"): 0.12, ("CH.A", "S"): -0.3}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("station,phase\nCH.A,P\n", "is no CSV of station,phase,correction_s"),
        ("sta,ph\n", r"is no CSV of station,phase,correction_s.*no column station"),
        (
            "station;phase;correction_s\nCH.A;P;0,1\n",
            r"no column station; it is separated by semicolons: save it with c",
        ),
        ("", "is no CSV of station,phase,correction_s"),
        ("station,phase,correction_s\nCH.A,P,much\n", "must be a number of seconds"),
        ("station,phase,correction_s\nCH.A,Lg,0.1\n", "CH.A LG: phase must be P or S"),
        ("station,phase,correction_s\nCH.A,P,120\n", "under 60 s"),
    ],
)
def test_bad_corrections_are_one_sentence(tmp_path: Path, text: str, sentence: str) -> None:
    (tmp_path / "late.csv").write_text(text)
    with pytest.raises(DataError, match=f"late.csv.*{sentence}"):
        read_corrections(tmp_path / "late.csv")


def test_corrections_of_unknown_stations_are_told_and_an_error_where_all_are(caplog: pytest.LogCaptureFixture) -> None:
    stations = Stations((Station("CH.A.", 46.0, 7.0),))
    check_corrections({}, stations)
    check_corrections({("CH.A", "P"): 0.1}, stations)
    assert not caplog.text
    check_corrections({("CH.A", "P"): 0.1, ("CH.B", "S"): 0.1}, stations)
    assert "CH.B not in the table of stations, so not used" in caplog.text
    with pytest.raises(DataError, match=r"none of A is in the table of stations; write NET\.STA"):
        check_corrections({("A", "P"): 0.1, ("A", "S"): 0.2}, stations)


def test_a_missing_file_of_corrections_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"none\.csv: cannot be read: No such file"):
        read_corrections(tmp_path / "none.csv")


def test_readings_are_in_order_of_time_with_corrections_taken_off() -> None:
    picks = [pick("CH.B", "Sg", 12.0), pick("CH.A", "P", 10.0), pick("CH.A", "LR", 11.0), pick("CH.C", "P", 9.0)]
    readings = placed(picks, STATIONS, {("CH.B", "S"): 0.5})
    assert [p.phase_hint for p in readings.picks] == ["P", "Sg"] and readings.is_s.tolist() == [False, True]
    assert readings.time_s.tolist() == [0.0, 1.5] and readings.depth_km.tolist() == [-0.5, 0.03]


def test_the_velocity_models_error_grows_with_the_root_of_the_travel_time() -> None:
    readings = Readings((pick("CH.A", "P", 0.0),), (STATIONS.stations[0],), (0.0,))
    variance = ErrorModel(per_root_s=0.1, floor_s=0.02).variance(readings, np.array([[0.0], [4.0]]))
    assert np.sqrt(variance[:, 0]) == pytest.approx([np.hypot(0.05, 0.02), np.sqrt(0.05**2 + 0.02**2 + 0.2**2)])
