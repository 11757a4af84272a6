"""Files for other programs, read by those programs where they are at hand, else by another parser than the writer's."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import obspy
import pandas as pd
import pytest

from catalogue import BARE, EVENTS, FULL, PICKS, T0
from jijin.errors import DataError
from jijin.io import phases
from jijin.io.catalog_quakeml import write_events
from jijin.network.geo import LocalFrame
from jijin.types import Station

STATIONS = [
    Station("NZ.COVA.10", -43.2, 170.6, 1350.0),
    Station("NZ.LABE.", -43.4, 170.4, 820.0),
    Station("NZ.WHAT.", -43.3, 170.2, -40.0),
]
TO_KM = LocalFrame(-43.3, 170.4).to_km


def text(write: object, *what: object) -> io.StringIO:
    file = io.StringIO()
    write(*what[:1], file, *what[1:])  # type: ignore[operator]
    file.seek(0)
    return file


def test_pyocto_takes_its_tables() -> None:
    pyocto = pytest.importorskip("pyocto")
    picks = pd.read_csv(text(phases.write_pyocto, PICKS))
    stations = pd.read_csv(text(phases.write_pyocto_stations, STATIONS, TO_KM), keep_default_na=False)
    model = pyocto.VelocityModel0D(6.0, 3.5, tolerance=2.0)
    associator = pyocto.OctoAssociator((-50, 50), (-50, 50), (0, 50), model, 300, 3, 3, 1, 0, 0)
    _, assignments = associator.associate(picks, stations)
    assert set(assignments.columns) >= {"event_idx", "pick_idx", "residual"}
    assert set(picks["station"]) == set(stations["id"])
    assert [round((t - T0 / 1e9) * 1e6) for t in picks["time"]] == [3_400_000, 5_910_000, 4_000_000, 9_000_000]


def test_pyocto_counts_z_downwards_and_elevation_upwards() -> None:
    stations = pd.read_csv(text(phases.write_pyocto_stations, STATIONS, TO_KM))
    assert list(stations["z"]) == [-1.35, -0.82, 0.04] and list(stations["elevation"]) == [1350.0, 820.0, -40.0]
    north = obspy.geodetics.gps2dist_azimuth(-43.4, 170.4, -43.3, 170.4)[0] / 1000
    assert stations["y"][1] == pytest.approx(-north, abs=0.001) and stations["x"][1] == pytest.approx(0, abs=1e-4)


def test_gamma_has_lower_case_phases_and_its_own_names() -> None:
    picks = pd.read_csv(text(phases.write_gamma, PICKS), parse_dates=["timestamp"])
    assert list(picks.columns) == ["id", "timestamp", "prob", "type"]
    assert list(picks["type"]) == ["p", "s", "p", "p"]
    assert picks["timestamp"][0] == pd.Timestamp("2019-09-01T04:15:08.650000")
    stations = pd.read_csv(text(phases.write_gamma_stations, STATIONS, TO_KM))
    assert list(stations["z(km)"]) == [-1.35, -0.82, 0.04] and list(stations["elevation(m)"]) == [1350.0, 820.0, -40.0]
    assert set(picks["id"]) == set(stations["id"])


def fields(line: str) -> tuple[str, str, str, float, str, float]:
    words = line.split()
    return words[0], words[2], words[4], float(words[8]), words[6] + words[7], float(words[10])


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.event_id)
def test_nonlinloc_observations_are_those_that_obspy_writes(event: object) -> None:
    quakeml, theirs = io.BytesIO(), io.BytesIO()
    write_events([event], quakeml, "cba/1", "0")  # type: ignore[list-item]
    quakeml.seek(0)
    obspy.read_events(quakeml, format="QUAKEML").write(theirs, format="NLLOC_OBS")
    first, *expected = theirs.getvalue().decode().splitlines()
    ours = text(phases.write_nonlinloc, [event]).read().splitlines()
    assert ours[0] == first and ours[-1] == ""
    assert sorted(map(fields, ours[1:-1])) == [pytest.approx(fields(line)) for line in sorted(expected)]


def test_nonlinloc_leaves_out_what_the_location_left_out_by_its_prior_weight() -> None:
    lines = text(phases.write_nonlinloc, [FULL, BARE]).read().splitlines()
    assert [line.split()[-1] for line in lines if " GAU " in line] == ["1.0", "1.0", "1.0", "0.0", "1.0"]
    assert lines.count("") == 2


def test_nonlinloc_stations_have_their_height_in_kilometres_up() -> None:
    lines = text(phases.write_nonlinloc_stations, STATIONS).read().splitlines()
    assert lines[0].split() == ["GTSRCE", "COVA", "LATLON", "-43.200000", "170.600000", "0.0", "1.3500"]


def test_hypodd_reads_back_with_obspy(tmp_path: Path) -> None:
    path = tmp_path / "phase.dat"
    with path.open("w") as file:
        phases.write_hypodd(EVENTS, file)
    full, bare = obspy.read_events(str(path), format="HYPODDPHA", inventory=None)
    origin = full.preferred_origin()
    assert abs(origin.time - FULL.origin.time) < 1e-4
    assert (origin.latitude, origin.longitude, origin.depth) == (-43.25, 170.5, pytest.approx(8123.0))
    assert float(full.preferred_magnitude().mag) == 1.85 and float(bare.preferred_magnitude().mag) == 0.0
    assert [str(pick.time) for pick in full.picks] == [
        "2019-09-01T04:15:08.650000Z",
        "2019-09-01T04:15:11.160000Z",
        "2019-09-01T04:15:09.250000Z",
    ]
    assert [pick.phase_hint for pick in full.picks] == ["P", "S", "P"]
    assert [arrival.time_weight for arrival in origin.arrivals] == [1.0, 0.8, 0.9]
    assert bare.preferred_origin().depth == -300.0
    numbers = pd.read_csv(text(phases.write_hypodd_events, EVENTS), dtype=str)
    assert list(numbers.columns) == ["number", "event_id"]
    assert [str(event.resource_id).rpartition("/")[2] for event in (full, bare)] == numbers["number"].tolist()
    assert numbers["event_id"].tolist() == [FULL.event_id, BARE.event_id]


def test_hypodd_stations_have_their_height_in_metres_up() -> None:
    table = pd.read_csv(text(phases.write_hypodd_stations, STATIONS), sep=r"\s+", header=None)
    assert table.values.tolist()[2] == ["WHAT", -43.3, 170.2, -40.0]


@pytest.mark.parametrize("write", [phases.write_nonlinloc_stations, phases.write_hypodd_stations])
def test_one_code_in_two_networks_is_told_where_the_format_has_no_network(write: object) -> None:
    with pytest.raises(DataError, match="station COVA is in the networks AU, NZ"):
        text(write, [*STATIONS, Station("AU.COVA.", -30.0, 140.0)])


def test_an_origin_on_the_last_moment_of_a_minute_does_not_have_60_seconds() -> None:
    late = replace(FULL, origin=replace(FULL.origin, time_ns=T0 - T0 % 60_000_000_000 + 59_999_990_000))
    line = text(phases.write_hypodd, [late]).readline()
    assert line.split()[4:7] == ["4", "16", "0.0000"]
