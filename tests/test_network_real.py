"""Real networks, from the data that benchmarks/networks.py measures on; without them nothing here is checked."""

from __future__ import annotations

import csv
import json
import os
from pathlib import Path

import numpy as np
import pytest
from obspy import UTCDateTime

import jijin
from jijin.network.build import EventBuilder
from jijin.network.geo import distance_azimuth
from jijin.network.stations import read_stations
from jijin.network.velocity import read_velocity
from jijin.types import NS, Pick

NETWORKS = Path(os.environ.get("JIJIN_SHARED", Path(__file__).parents[2] / "shared")) / "data" / "networks"
pytestmark = pytest.mark.skipif(not NETWORKS.exists(), reason=f"{NETWORKS} is absent: real networks are NOT checked")
FIRST_P_S = (4.3, 15.3, 39.9, 77.9, 102.5, 136.6, 180.2, 198.0, 235.8, 268.8)  # by eye, after 03:00 at Hengill
WEAK_S = (51.5, 66.0, 132.8)  # at five stations or fewer: two in the coda of the largest, one ahead of a larger one


def build(folder, picks):
    return EventBuilder(read_stations(folder / "stations.csv"), read_velocity("regional")).build(picks)


def test_the_events_of_a_swarm_in_iceland_are_found_and_none_is_invented():
    """Ten that the eye finds at once, and what it finds when it is shown where.

    The built-in velocities are 0.1 to 0.2 s off at the same stations in most events: P at THF21, S at BIT06 and BLK22.
    """
    folder = NETWORKS / "hengill_iceland_malmi"
    events = build(folder, jijin.pick(jijin.read(folder / "waveforms.mseed")))
    start = UTCDateTime("2018-12-30T03:00:00").ns
    first = np.array([(event.origin.picks[0].time_ns - start) / NS for event in events])
    assert all(np.sum(np.abs(first - time_s) < 1) == 1 for time_s in FIRST_P_S)
    assert all(np.abs(np.array([*FIRST_P_S, *WEAK_S]) - time_s).min() < 1 for time_s in first)
    off = np.abs([arrival.time_residual_s for event in events for arrival in event.origin.arrivals])
    assert np.mean(off < 0.25) > 0.98


def analysts(folder):
    for row in csv.DictReader((folder / "picks.csv").open()):
        channel = "HHZ" if row["phase"] == "P" else "HHN"
        name = f"{row['network']}.{row['station']}..{channel}"
        yield Pick(name, row["phase"], UTCDateTime(row["time"]).ns, 0.1, 1.0)


def test_picks_of_analysts_give_their_hypocentres():
    """New Zealand, 13 events; of those with picks at six stations or more all lie within 3 km, and 5 km in depth."""
    found = {}
    for folder in sorted((NETWORKS / "nz_alpine").iterdir()):
        told = json.loads((folder / "event.json").read_text())
        for event in build(folder, list(analysts(folder))):
            origin = event.origin
            flat, _ = distance_azimuth(origin.latitude, origin.longitude, told["latitude"], told["longitude"])
            assert abs(origin.time - UTCDateTime(told["time"])) < 2
            if len({pick.seed_id[:7] for pick in origin.picks}) >= 6:
                found[folder.name] = flat, abs(origin.depth_km - told["depth_km"])
    assert len(found) >= 6
    assert max(flat for flat, _ in found.values()) < 3 and max(deep for _, deep in found.values()) < 5
