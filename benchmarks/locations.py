"""Locations from picks of real networks, by analysts and automatic, against references: the table of docs/locate.md.

    python benchmarks/locations.py NETWORKS

A folder a case, in it a folder an event with stations.csv, picks.csv and event.json. P count as known to 0.05 s, S to
0.1 s. The likelihood at the reference, in the same velocity model, over that at our place tells which explains the
picks; it is printed for every event.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from cases import Reference, others_picks, reference
from jijin.network.geo import LocalFrame
from jijin.network.locate import Locator
from jijin.network.readings import Readings, readings_of
from jijin.network.refine import evaluated, likelihood_of
from jijin.network.stations import Stations, read_stations
from jijin.network.velocity import read_velocity
from jijin.types import Origin, net_sta
from page import table
from timing import CPU, timed

SIGMA_S = {"P": 0.05, "S": 0.1}
LEAST = 6  # stations


def likelihood(locator: Locator, readings: Readings, at: Origin | Reference) -> float:
    """Equal differential times at a place."""
    frame = LocalFrame(at.latitude, at.longitude)
    return likelihood_of(readings, evaluated(readings, locator.setting, frame, np.array([0.0, 0.0, at.depth_km])))


def rows(folder: Path, velocity: str) -> Iterator[tuple[float, ...]]:
    """Of each event: stations, km and km of depth off the reference, seconds it took, S picks."""
    events = {path: picks for path in sorted(folder.iterdir()) if (picks := others_picks(path, SIGMA_S))}
    stations = Stations(tuple(s for path in events for s in read_stations(path / "stations.csv")))
    locator = Locator(stations, read_velocity(velocity))
    locator.locate(next(iter(events.values())))  # makes the tables
    for path, picks in events.items():
        there = reference(path)
        seconds, origin = timed(CPU, locator.locate, picks)
        readings = readings_of(picks, stations, {})
        ratio = likelihood(locator, readings, there) / likelihood(locator, readings, origin)
        names, s_picks = {net_sta(pick.seed_id) for pick in picks}, sum(pick.phase_hint == "S" for pick in picks)
        off = there.off(origin)
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
