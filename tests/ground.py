"""Ground motion with a known Wood-Anderson amplitude, as counts of sensors with a known response."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from obspy import UTCDateTime
from obspy.core.inventory import Channel, Inventory, Network, Response, Site, Station
from scipy.signal.windows import tukey

from jijin.types import NS, Arrival, Origin, Pick, Segment

RATE, COUNTS = 100.0, 1e9  # Hz; counts per m, m/s or m/s²
START = 1_600_000_000 * NS  # time of the first sample
ORIGIN_S, P_S, S_S = 20.0, 30.0, 37.3  # after START: P and S of a station 60 km away, say


def inventory(units: str = "M/S", stations: Sequence[str] = ("AAA",), elevation_m: float = 0.0) -> Inventory:
    """Stations XX.*, channels HHZ, HHN, HHE at location 00, flat responses of COUNTS in units."""
    return Inventory([Network("XX", [_station(code, units, elevation_m) for code in stations])])


def _station(code: str, units: str, elevation_m: float) -> Station:
    where = {"latitude": 0.0, "longitude": 0.0, "elevation": elevation_m}
    dips = {"HHZ": -90.0, "HHN": 0.0, "HHE": 0.0}
    channels = [Channel(c, "00", **where, depth=0.0, dip=dip) for c, dip in dips.items()]
    for channel in channels:
        channel.start_date = UTCDateTime(2000, 1, 1)
        channel.response = Response.from_paz([], [], stage_gain=COUNTS, input_units=units, output_units="COUNTS")
    return Station(code, **where, channels=channels, site=Site("nowhere"))


def wood_anderson_gain(frequency: float, gain: float = 2080.0, damping: float = 0.7) -> float:
    """Of a pendulum of 0.8 s, by the textbook's formula for the amplitude of forced oscillation."""
    ratio = frequency * 0.8
    return gain * ratio**2 / np.sqrt((1 - ratio**2) ** 2 + (2 * damping * ratio) ** 2)


def shaking(amplitude_m: float, frequency: float = 5.0, units: str = "M/S") -> np.ndarray:
    """Counts of 90 s: a sinusoid of displacement for 14 s after S, a hundredth of it after P, noise before."""
    t = np.arange(round(90 * RATE)) / RATE
    w = 2 * np.pi * frequency
    factor, phase = {"M": (1, 0), "M/S": (w, np.pi / 2), "M/S**2": (w**2, np.pi)}[units]
    envelope = _burst(t, S_S, 14.0) + 0.01 * _burst(t, P_S, 20.0)
    noise = np.random.default_rng(7).normal(0, 0.0002, len(t))
    return COUNTS * amplitude_m * factor * (envelope * np.sin(w * t + phase) + noise)


def _burst(t: np.ndarray, start: float, length: float) -> np.ndarray:
    inside = (t >= start) & (t < start + length)
    out = np.zeros(len(t))
    out[inside] = tukey(inside.sum(), 0.5)
    return out


def segments(counts: np.ndarray, station: str = "AAA", channels: str = "NE") -> list[Segment]:
    return [Segment(f"XX.{station}.00.HH{c}", START, RATE, counts) for c in channels]


def waveforms(found: Sequence[Segment]) -> Callable[[str, int, int], list[Segment]]:
    """What an archive does: the samples within the time asked for."""
    from jijin.io.timeline import between

    def read(nsl: str, start_ns: int, end_ns: int) -> list[Segment]:
        mine = (s for s in found if s.seed_id.rpartition(".")[0] == nsl)
        return [part for s in mine if (part := between(s, start_ns, end_ns))]

    return read


def arrivals(station: str, epicentral_km: float, late_s: float = 0.0) -> tuple[Arrival, Arrival]:
    """P and S at their predicted times, the picks late by late_s."""

    def one(phase: str, after_s: float) -> Arrival:
        time_ns = START + round((after_s + late_s) * NS)
        return Arrival(Pick(f"XX.{station}.00.HHZ", phase, time_ns, 0.1, 0.9), epicentral_km, 0.0, None, late_s, 1.0)

    return one("P", P_S), one("S", S_S)


def on_time(arrival: Arrival) -> Arrival:
    """The same pick, predicted to come when it does."""
    return replace(arrival, time_residual_s=0.0)


def origin(*of: tuple[Arrival, Arrival], depth_km: float = 0.0) -> Origin:
    found = [arrival for pair in of for arrival in pair]
    return placed(START + round(ORIGIN_S * NS), 0.0, 0.0, depth_km, found)


def placed(time_ns: int, latitude: float, longitude: float, depth_km: float, found: Sequence[Arrival]) -> Origin:
    """An origin of which only time, place and arrivals matter."""
    square = tuple(tuple(float(i == j) for j in range(4)) for i in range(4))
    errors = {"horizontal_uncertainty_km": (1.0, 1.0), "ellipse_azimuth_deg": 0.0, "depth_uncertainty_km": 1.0}
    quality = {"depth_resolved": True, "rms_s": 0.1, "azimuthal_gap_deg": 90.0, "nearest_km": 1.0, "covariance": square}
    named = {"arrivals": tuple(found), "velocity_model": "flat", "method": "test"}
    return Origin(time_ns, latitude, longitude, depth_km, 0.1, **errors, **quality, **named)  # type: ignore[arg-type]
