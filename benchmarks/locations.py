"""Locations from picks of real networks, by analysts and automatic, against references: the table of docs/locate.md.

    python benchmarks/locations.py NETWORKS

A folder a case, in it a folder an event with stations.csv, picks.csv and event.json. P count as known to 0.05 s, S to
0.1 s. The likelihood at the reference, in the same velocity model, over that at our place tells which explains the
picks; it is printed for every event.
"""

from __future__ import annotations

import csv
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from obspy import UTCDateTime

from jijin.network.geo import LocalFrame, distance_azimuth
from jijin.network.locate import Locator
from jijin.network.readings import Readings, readings_of
from jijin.network.refine import evaluated, likelihood_of
from jijin.network.stations import Stations, read_stations
from jijin.network.velocity import read_velocity
from jijin.types import Pick
from page import table

SIGMA_S = {"P": 0.05, "S": 0.1}
LEAST = 6  # stations


def picks_of(path: Path) -> list[Pick]:
    """Picks of picks.csv; its stations have no location codes."""
    with path.open(encoding="utf-8") as file:
        return [
            Pick(f"{r['network']}.{r['station']}..HHZ", r["phase"], UTCDateTime(r["time"]).ns, SIGMA_S[r["phase"]], 0.9)
            for r in csv.DictReader(file)
        ]


def likelihood(locator: Locator, readings: Readings, latitude: float, longitude: float, depth_km: float) -> float:
    """Equal differential times at a place."""
    frame = LocalFrame(latitude, longitude)
    return likelihood_of(readings, evaluated(readings, locator.setting, frame, np.array([0.0, 0.0, depth_km])))


def rows(folder: Path, velocity: str) -> Iterator[tuple[float, ...]]:
    """Of each event: stations, km and km of depth off the reference, seconds it took, S picks."""
    events = sorted(path for path in folder.iterdir() if picks_of(path / "picks.csv"))
    stations = Stations(tuple(s for path in events for s in read_stations(path / "stations.csv")))
    locator = Locator(stations, read_velocity(velocity))
    locator.locate(picks_of(events[0] / "picks.csv"))  # makes the tables
    for path in events:
        picks, there = picks_of(path / "picks.csv"), json.loads((path / "event.json").read_text())
        reference = there["latitude"], there["longitude"], there["depth_km"]
        begun = time.process_time()
        origin = locator.locate(picks)
        seconds = time.process_time() - begun
        readings = readings_of(picks, stations, {})
        ours = likelihood(locator, readings, origin.latitude, origin.longitude, origin.depth_km)
        km, _ = distance_azimuth(origin.latitude, origin.longitude, *reference[:2])
        ratio = likelihood(locator, readings, *reference) / ours
        names, s_picks = {pick.seed_id for pick in picks}, sum(pick.phase_hint == "S" for pick in picks)
        off = float(km), origin.depth_km - reference[2]
        yield len(names), *off, seconds, s_picks
        told = f"{len(picks)} picks ({s_picks} S), {off[0]:.1f} km, {off[1]:+.1f} km deep, rms {origin.rms_s:.2f} s"
        print(f"  {path.name}: {told}, likelihood at the reference {ratio:.2f} of ours", file=sys.stderr)


def line(name: str, found: list[tuple[float, ...]]) -> list[object]:
    """One line of the table."""
    events = np.array(found)
    near, deep = events[:, 1] <= 3, np.abs(events[:, 2]) <= 5
    medians = np.median(np.abs(events[:, 1:3]), axis=0)
    return [name, len(events), near.sum(), deep.sum(), (near & deep).sum(), *medians]


def main() -> None:
    """Print a row a case and model: events of LEAST stations or more, then those that have S picks too."""
    heads = ["case", "events", "within 3 km", "depth within 5 km", "both", "median km", "median km of depth"]
    milliseconds, lines = [], []
    for velocity in ("regional", "iasp91"):
        for case in ("nz_alpine", "uturuncu"):
            found = list(rows(Path(sys.argv[1]) / case, velocity))
            milliseconds += [1e3 * row[3] for row in found]
            enough = [row for row in found if row[0] >= LEAST]
            with_s = [row for row in enough if row[4]]
            lines.append(line(f"{case}, {velocity}, {LEAST} stations or more", enough))
            lines.append(line("of these with S picks", with_s))
    print(f"{table(heads, lines, '.1f')}\n\n{np.median(milliseconds):.0f} ms of one core an event (median).")


if __name__ == "__main__":
    main()
