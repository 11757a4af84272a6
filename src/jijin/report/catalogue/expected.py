"""The stations of a record section, and when P and S should come to them."""

from __future__ import annotations

from dataclasses import dataclass

from jijin.network.geo import distance_azimuth
from jijin.network.stations import Stations
from jijin.report.catalogue.view import RunView
from jijin.types import Event, nsl

MOST = 30  # the nearest


@dataclass(frozen=True, slots=True)
class Expected:
    """Seconds after the origin time, None where no travel times are at hand."""

    nsl: str
    distance_km: float
    p_s: float | None
    s_s: float | None


def expected(event: Event, view: RunView, stations: Stations) -> list[Expected]:
    """Stations with an arrival and those nearer than the farthest of them, the nearest first.

    A station that is close and has no pick is one to look at: that it ran is known by the run's coverage.
    """
    picked = {nsl(arrival.pick.seed_id): arrival.distance_km for arrival in event.origin.arrivals}
    reach_km = max(picked.values(), default=0.0)
    ran = [name for name, spans in view.coverage.items() if any(a <= event.origin.time_ns < b for a, b in spans)]
    found = [_one(name, event, view, stations, picked.get(name)) for name in sorted({*picked, *ran})]
    near = [one for one in found if one and one.distance_km <= reach_km]
    return sorted(near, key=lambda one: (one.distance_km, one.nsl))[:MOST]


def _one(name: str, event: Event, view: RunView, stations: Stations, distance_km: float | None) -> Expected | None:
    origin, station = event.origin, stations.lookup(name, event.origin.time_ns)
    if station is None:
        return None if distance_km is None else Expected(name, distance_km, None, None)
    if distance_km is None:
        distance_km = float(distance_azimuth(origin.latitude, origin.longitude, station.latitude, station.longitude)[0])
    if view.travel_times is None:
        return Expected(name, distance_km, None, None)
    above_km = -station.elevation_m / 1000
    p, s = (float(view.travel_times.time(phase, distance_km, origin.depth_km, above_km)) for phase in "PS")
    return Expected(name, distance_km, p, s)
