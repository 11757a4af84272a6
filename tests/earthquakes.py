"""A network and its earthquakes with known answers: straight rays in a half-space, missed and false picks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from jijin.network.geo import LocalFrame
from jijin.network.stations import Stations
from jijin.types import NS, Pick, Station

START_NS = 1_700_000_000 * NS
VP, VS = 6.0, 6.0 / 1.75  # km/s of the half-space
CENTRE = LocalFrame(42.0, 13.0)


@dataclass(frozen=True, slots=True)
class Truth:
    """An earthquake as it was, with all picks it left."""

    time_ns: int
    latitude: float
    longitude: float
    depth_km: float
    picks: frozenset[Pick]


def network(count: int, extent_km: float, rng: np.random.Generator, frame: LocalFrame = CENTRE) -> Stations:
    """Stations at random places of a square, none closer to another than a third of their mean spacing."""
    places: list[np.ndarray] = []
    while len(places) < count:
        place = rng.uniform(-0.5, 0.5, 2) * extent_km
        if all(np.hypot(*(place - other)) > extent_km / np.sqrt(count) / 3 for other in places):
            places.append(place)
    latitude, longitude = frame.to_degrees(*np.array(places).T)
    elevation = rng.uniform(0, min(1000.0, 50 * extent_km), count)
    return Stations(
        tuple(
            Station(f"XX.S{i:03d}.", *map(float, s))
            for i, s in enumerate(zip(latitude, longitude, elevation, strict=True))
        )
    )


def earthquake(
    stations: Stations,
    time_ns: int,
    place_km: Sequence[float],
    rng: np.random.Generator,
    reach: int | None = None,
    missed: tuple[float, float] = (0.1, 0.2),
    sigma_s: tuple[float, float] = (0.05, 0.1),
    frame: LocalFrame = CENTRE,
) -> Truth:
    """An earthquake at east, north, depth in km, picked at the `reach` nearest stations but for the share missed."""
    east, north = frame.to_km([s.latitude for s in stations], [s.longitude for s in stations])
    rise = place_km[2] + np.array([s.elevation_m for s in stations]) / 1000
    distance = np.hypot(np.hypot(east - place_km[0], north - place_km[1]), rise)
    picks = []
    for index in np.argsort(distance)[:reach]:
        for phase, velocity, lost, sigma in zip("PS", (VP, VS), missed, sigma_s, strict=True):
            if rng.random() >= lost:
                delay = distance[index] / velocity + rng.normal(0, sigma)
                picks.append(onset(list(stations)[index], phase, time_ns + round(delay * NS), sigma, rng))
    latitude, longitude = frame.to_degrees(place_km[0], place_km[1])
    return Truth(time_ns, float(latitude), float(longitude), place_km[2], frozenset(picks))


def onset(station: Station, phase: str, time_ns: int, sigma_s: float, rng: np.random.Generator) -> Pick:
    channel = "HHZ" if phase == "P" else "HHN"
    return Pick(station.nsl + f".{channel}", phase, time_ns, sigma_s, float(rng.uniform(0.4, 1.0)))


def swarm(
    stations: Stations, count: int, duration_s: float, extent_km: float, depth_km: float, rng: np.random.Generator
) -> list[Truth]:
    """Earthquakes at random times and places, each seen at the nearest 6 stations up to all of them, few by most."""
    times = np.sort(rng.uniform(0, duration_s, count))
    reach = np.clip(6 * rng.pareto(1.0, count) + 6, 6, len(stations)).astype(int)
    places = rng.uniform([-0.45 * extent_km] * 2 + [1], [0.45 * extent_km] * 2 + [depth_km], (count, 3))
    return [
        earthquake(stations, START_NS + round(t * NS), place.tolist(), rng, int(n))
        for t, place, n in zip(times, places, reach, strict=True)
    ]


def false_picks(stations: Stations, count: int, duration_s: float, rng: np.random.Generator) -> list[Pick]:
    """Picks of nothing, at any time on any station."""
    where, when = rng.integers(0, len(stations), count), rng.uniform(0, duration_s, count)
    phases = rng.choice(["P", "S"], count)
    every = list(stations)
    return [
        onset(every[w], str(p), START_NS + round(t * NS), 0.1, rng) for w, t, p in zip(where, when, phases, strict=True)
    ]


def owners(truths: Sequence[Truth], events: Sequence[Sequence[Pick]]) -> list[int | None]:
    """For every event the index of the earthquake that over half of its picks belong to, None for one of nothing.

    Of several events of one earthquake the one with most picks has it, the others are one too many: None.
    """
    owner = {pick: index for index, truth in enumerate(truths) for pick in truth.picks}
    out: list[int | None] = [None] * len(events)
    for place in sorted(range(len(events)), key=lambda i: -len(events[i])):
        of = [owner.get(pick) for pick in events[place]]
        best = max(set(of), key=lambda index: (of.count(index), index is not None))
        out[place] = best if best not in out and of.count(best) > len(of) / 2 else None
    return out
