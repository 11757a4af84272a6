"""A real earthquake with real responses: Livermore, 16 July 2019, Mw 4.31 by NCSS, on seven of Berkeley's stations."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import obspy
import pytest
from obspy.core.inventory import Channel, Inventory, Network, Response, Site, Station
from obspy.geodetics import gps2dist_azimuth

import ground
from jijin.io.formats import to_segments
from jijin.network.magnitude import MagnitudeConfig, Sizer
from jijin.types import NS, Arrival, Magnitude, Origin, Pick

GOLDEN = json.loads((Path(__file__).parent / "golden" / "berkeley_responses.json").read_text(encoding="utf-8"))
SHARED = Path(os.environ.get("JIJIN_SHARED", Path(__file__).parents[2] / "shared"))
CASE = SHARED / "data" / "networks" / "california_M4p3_mttime"
MW = 4.31
WHOLE = pytest.mark.skipif(
    not CASE.is_dir(), reason=f"{CASE} is absent: the magnitude of a real earthquake is NOT checked"
)


def response(channel: dict[str, object]) -> Response:
    """Poles and zeros of the sensor, then the digitiser; the sensitivity as the data centre gives it."""
    poles = [complex(*pole) for pole in channel["poles"]]  # type: ignore[attr-defined]
    at = {"stage_gain_frequency": channel["frequency_hz"], "normalization_frequency": channel["frequency_hz"]}
    at["normalization_factor"] = channel["normalization"]
    found = Response.from_paz(
        [0j, 0j],
        poles,
        channel["volt_per_ms"] * channel["count_per_volt"],
        input_units="M/S",
        **at,  # type: ignore[operator]
    )
    found.response_stages[0].output_units = found.instrument_sensitivity.output_units = "COUNTS"
    found.instrument_sensitivity.value = channel["sensitivity"]
    found.instrument_sensitivity.frequency = channel["frequency_hz"]
    return found


def inventory() -> Inventory:
    stations: dict[str, Station] = {}
    for seed_id, channel in GOLDEN["channels"].items():
        _, code, location, name = seed_id.split(".")
        where = {"latitude": 0.0, "longitude": 0.0, "elevation": GOLDEN["elevations_m"][code]}
        station = stations.setdefault(code, Station(code, **where, site=Site("")))
        station.channels.append(Channel(name, location, **where, depth=0.0, dip=0.0, response=response(channel)))
    return Inventory([Network("BK", list(stations.values()))])


def origin() -> Origin:
    """The catalogue's, with arrivals at 6 and 3.47 km/s: windows need no better."""
    event = json.loads((CASE / "event.json").read_text(encoding="utf-8"))
    start = obspy.UTCDateTime(event["time"]).ns
    arrivals = []
    for line in (CASE / "stations.csv").read_text(encoding="utf-8").splitlines()[1:]:
        network, code, latitude, longitude, _ = line.split(",")
        metres = gps2dist_azimuth(event["latitude"], event["longitude"], float(latitude), float(longitude))[0]
        distance = float(np.hypot(metres / 1000, event["depth_km"]))
        for phase, velocity in (("P", 6.0), ("S", 3.47)):
            pick = Pick(f"{network}.{code}.00.BHZ", phase, start + round(distance / velocity * NS), 0.1, 0.9)
            arrivals.append(Arrival(pick, metres / 1000, 0.0, None, 0.0, 1.0))
    return ground.placed(start, event["latitude"], event["longitude"], event["depth_km"], arrivals)


def size(formula: str) -> Magnitude:
    read = ground.waveforms(to_segments(obspy.read(str(CASE / "waveforms.mseed"))))
    return Sizer(inventory(), MagnitudeConfig(formula=formula)).size(origin(), read)


@WHOLE
@pytest.mark.parametrize("formula", ["hutton_boore_1987", "iaspei_2013", "bakun_joyner_1984"])
def test_the_livermore_earthquake_has_its_size(formula: str) -> None:
    found = size(formula)
    assert found.value == pytest.approx(MW, abs=0.3)
    assert found.uncertainty is not None and found.uncertainty < 0.35


@WHOLE
def test_stations_agree_and_those_without_a_response_say_so() -> None:
    found = size("hutton_boore_1987")
    used = [one for one in found.stations if not one.reason]
    assert {one.seed_id for one in used} == set(GOLDEN["channels"])
    assert all(60 < one.distance_km < 200 and one.note == "" for one in used)
    assert {one.reason for one in found.stations if one.reason} == {"no response"}
