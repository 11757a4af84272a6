"""A run made up: a network, a month of earthquakes on a fault, a quarry, picks with errors, waveforms to look at."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from jijin.network.geo import LocalFrame, azimuthal_gap_deg, distance_azimuth
from jijin.report.catalogue.view import RunView
from jijin.types import (
    DAY_NS,
    NS,
    Arrival,
    Event,
    Magnitude,
    Origin,
    Pick,
    Segment,
    SourceType,
    Station,
    StationMagnitude,
)

START_NS = 1_709_251_200 * NS  # 2024-03-01
DAYS = 30
CENTRE = LocalFrame(42.75, 13.2)
VP, VP_VS = 5.8, 1.78
RATE_HZ = 100.0


def stations(count: int = 14, seed: int = 1) -> list[Station]:
    """Some within 35 km, one without a location code."""
    rng = np.random.default_rng(seed)
    east, north = rng.uniform(-35, 35, (2, count))
    lat, lon = CENTRE.to_degrees(east, north)
    return [
        Station(f"IV.S{k:02d}.{'00' if k else ''}", float(lat[k]), float(lon[k]), float(rng.uniform(100, 1800)))
        for k in range(count)
    ]


def events(network: list[Station], quakes: int = 300, blasts: int = 40, seed: int = 2) -> list[Event]:
    """Earthquakes in a plane that dips to the west, and blasts at noon on working days, all in order of time."""
    rng = np.random.default_rng(seed)
    made = []
    for _ in range(quakes):
        deep = rng.uniform(2, 16)
        place = (8 - 0.6 * deep + rng.normal(0, 1.2), rng.normal(0, 9), deep)
        made.append(
            event(
                network,
                int(START_NS + rng.uniform(0, DAYS) * DAY_NS),
                place,
                rng,
                min(rng.exponential(0.4343) + 0.4, 5.5),
            )
        )
    for _ in range(blasts):
        day = rng.choice([d for d in range(DAYS) if (d + 4) % 7 < 5])
        time_ns = int(START_NS + day * DAY_NS + rng.normal(11, 0.6) * 3600 * NS)
        made.append(
            event(
                network,
                time_ns,
                (-22 + rng.normal(0, 0.6), 18 + rng.normal(0, 0.6), 0.5),
                rng,
                rng.uniform(0.8, 1.7),
                "quarry blast",
            )
        )
    made.sort(key=lambda one: one.origin.time_ns)
    return [replace(one, event_id=f"jijin{k:05d}") for k, one in enumerate(made)]


def event(
    network: list[Station],
    time_ns: int,
    place_km: tuple[float, float, float],
    rng: np.random.Generator,
    size: float,
    kind: str = "earthquake",
) -> Event:
    """An event heard as far as its magnitude says, with one wrong pick in thirty."""
    lat, lon = (float(v) for v in CENTRE.to_degrees(*place_km[:2]))
    arrivals = sorted(
        _arrivals(network, time_ns, lat, lon, place_km[2], rng, 25 + 22 * size), key=lambda a: a.pick.time_ns
    )
    used = [a for a in arrivals if a.time_weight]
    gap = azimuthal_gap_deg([a.azimuth_deg for a in used])
    error = 0.4 + gap / 200 * float(rng.uniform(0.4, 1.2))
    origin = Origin(
        time_ns, lat, lon, place_km[2], 0.05 + error / 20, (error, error * 0.6), float(rng.uniform(0, 180)),
        error * 1.6, ((error, 0.0, 0.0, 0.0),) * 4, gap < 250,
        float(np.std([a.time_residual_s for a in used] or [0.0])),
        gap, min((a.distance_km for a in arrivals), default=0.0), tuple(arrivals), "made up", "edt",
    )  # fmt: skip
    return Event("", origin, _magnitude(arrivals, size, rng), _source(kind, rng), creation_ns=time_ns)


def _arrivals(network, time_ns, lat, lon, depth_km, rng, reach_km):  # type: ignore[no-untyped-def]
    for station in network:
        distance, azimuth = (float(v) for v in distance_azimuth(lat, lon, station.latitude, station.longitude))
        path = np.hypot(distance, depth_km + station.elevation_m / 1000)
        if path > reach_km:
            continue
        for phase, travel, sigma, chance in (("P", path / VP, 0.06, 0.95), ("S", path / VP * VP_VS, 0.12, 0.8)):
            wrong = rng.random() < 1 / 30
            residual = float(rng.normal(0, sigma) + wrong * rng.normal(0, 1.5))
            if rng.random() < chance:
                pick = Pick(
                    f"{station.nsl}.{'HHZ' if phase == 'P' else 'HHN'}",
                    phase,
                    time_ns + round((travel + residual) * NS),
                    sigma,
                    float(rng.uniform(0.4, 1)),
                )
                yield Arrival(pick, distance, azimuth, 90.0, residual, 0.0 if abs(residual) > 0.6 else 1.0)


def _magnitude(arrivals: list[Arrival], size: float, rng: np.random.Generator) -> Magnitude:
    names = dict.fromkeys(a.pick.seed_id[:-1] + "E" for a in arrivals)
    each = [
        StationMagnitude(name, float(size + rng.normal(0, 0.2)), 0.01, 0.3, None, 20.0, "" if k else "clipped")
        for k, name in enumerate(names)
    ]
    if len(each) < 4:
        return Magnitude("ML", None, None, "hutton_boore_1987", reason="fewer than 4 stations")
    return Magnitude("ML", float(np.mean([s.value for s in each[1:]])), 0.2, "hutton_boore_1987", tuple(each))


def _source(kind: str, rng: np.random.Generator) -> SourceType | None:
    sure = float(rng.uniform(0.6, 0.99))
    other = "explosion" if kind == "earthquake" else "earthquake"
    reasons = (("P/S ratio 4-8 Hz", 1.4), ("Rg energy", 0.7), ("spectral lines", -0.3))
    return SourceType(kind if sure > 0.7 else None, sure, {kind: sure, other: 1 - sure}, reasons)


def waveforms(made: list[Event], seed: int = 3):  # type: ignore[no-untyped-def]
    """Noise, with a wavelet at each pick of whatever event the span holds."""

    def read(nsl: str, start_ns: int, end_ns: int) -> list[Segment]:
        rng = np.random.default_rng([seed, start_ns % 2**32])
        count = int((end_ns - start_ns) / NS * RATE_HZ)
        t = start_ns + np.arange(count) / RATE_HZ * NS
        data = rng.normal(0, 30, count) + 4000
        for one in made:
            if start_ns < one.origin.time_ns < end_ns:
                for a in one.origin.arrivals:
                    if a.pick.seed_id.startswith(nsl + "."):
                        late = (t - (a.pick.time_ns - a.time_residual_s * NS)) / NS
                        shape = np.where(
                            late > 0, np.exp(-np.clip(late, 0, 50) / (1 if a.pick.phase_hint == "P" else 2.5)), 0
                        )
                        data += rng.normal(0, 600 if a.pick.phase_hint == "P" else 1500, count) * shape
        return [Segment(f"{nsl}.HHZ", start_ns, RATE_HZ, data.astype(np.int32))]

    return read


def coverage(network: list[Station], seed: int = 4) -> dict[str, list[tuple[int, int]]]:
    """Days that are whole, partly there, or missing."""
    rng = np.random.default_rng(seed)
    found = {}
    for k, station in enumerate(network):
        spans = []
        for day in range(DAYS):
            start = START_NS + day * DAY_NS
            if rng.random() > 0.04 * (k % 4):
                spans.append((start, start + (DAY_NS if rng.random() > 0.1 else int(rng.uniform(0.2, 0.9) * DAY_NS))))
        found[station.nsl] = spans
    return found


def run(**changes: object) -> RunView:
    """All of it together."""
    network = stations()
    made = events(network)
    picks = {station.nsl: 900 + 40 * k for k, station in enumerate(network)}
    settings = {"velocity": "regional", "associate": {"min_picks": 6}, "model": "cba 1.0"}
    notes = ["IV.S03 2024-03-05: damaged record at byte 4096"]
    view = RunView("A made-up run", made, network, coverage(network), picks, settings, notes, waveforms(made))
    return replace(view, **changes)
