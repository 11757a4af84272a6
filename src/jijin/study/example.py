"""A small data set in STEAD's own layout, to look at a study without STEAD. All synthetic: no real record is in it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.random import Generator
from numpy.typing import NDArray

from jijin.data import synthetic
from jijin.data.compose import burst
from jijin.data.dataset import copy_window
from jijin.types import IN_SAMPLES, RATE

KM_PER_DEGREE = 111.19
S_MINUS_P_S_KM = 1 / synthetic.VS_KM_S - 1 / synthetic.VP_KM_S
SOURCE = "synthetic earthquakes and noise in STEAD's layout (jijin study --example); no real record is among them"
NAME = "example (synthetic)"  # of the data set in tables, titles and areas
COLUMNS = (
    "network_code", "receiver_code", "receiver_type", "receiver_latitude", "receiver_longitude",
    "receiver_elevation_m", "p_arrival_sample", "p_status", "p_weight", "p_travel_sec", "s_arrival_sample", "s_status",
    "s_weight", "source_id", "source_origin_time", "source_origin_uncertainty_sec", "source_latitude",
    "source_longitude", "source_error_sec", "source_gap_deg", "source_horizontal_uncertainty_km", "source_depth_km",
    "source_depth_uncertainty_km", "source_magnitude", "source_magnitude_type", "source_magnitude_author",
    "source_mechanism_strike_dip_rake", "source_distance_deg", "source_distance_km", "back_azimuth_deg", "snr_db",
    "coda_end_sample", "trace_start_time", "trace_category", "trace_name",
)  # fmt: skip
AREAS = {"A": (37.5, -121.8), "B": (36.2, 138.0), "C": (42.6, 13.2), "D": (-33.0, -71.0)}  # latitude, longitude
STATIONS, STATIONS_PER_EVENT = 8, 3
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Place:
    """A point at the surface, in degrees."""

    latitude: float
    longitude: float

    def towards(self, other: Place) -> tuple[float, float]:
        """Distance in km and azimuth in degrees, on a plane: good to a per cent within an area."""
        north = (other.latitude - self.latitude) * KM_PER_DEGREE
        east = (other.longitude - self.longitude) * KM_PER_DEGREE * np.cos(np.radians(self.latitude))
        return float(np.hypot(north, east)), float(np.degrees(np.arctan2(east, north)) % 360)


@dataclass(frozen=True, slots=True)
class Site:
    """A station with its usual level of noise, in counts."""

    code: str
    place: Place
    noise: float


def write_example(folder: Path, earthquakes: int = 300, noise: int = 300, seed: int = 0) -> Path:
    """Write merged.csv and merged.hdf5 to a folder: records of earthquakes in four made-up areas, and of noise.

    Each earthquake is recorded at up to three stations of its area. Magnitudes follow Gutenberg and Richter's law with
    b = 1; amplitudes grow with magnitude and fall with distance; P lies 5 to 10 s into the record, as in STEAD.
    """
    import h5py

    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    sites = {area: [_site(rng, area, k) for k in range(STATIONS)] for area in AREAS}
    rows = []
    with h5py.File(folder / "merged.hdf5", "w") as file:
        for row, data in (*_earthquakes(rng, sites, earthquakes), *_noise(rng, sites, noise)):
            dataset = file.create_dataset(f"data/{row['trace_name']}", data=data.T[:, ::-1])  # (6000, ENZ)
            dataset.attrs.update({key: str(row.get(key, "")) for key in COLUMNS})
            rows.append(row)
    pd.DataFrame(rows, columns=list(COLUMNS)).to_csv(folder / "merged.csv", index=False)
    (folder / "README.txt").write_text(f"{SOURCE[0].upper()}{SOURCE[1:]}.\n")
    return folder


def _near(rng: Generator, area: str, spread_deg: float) -> Place:
    latitude, longitude = np.array(AREAS[area]) + rng.normal(0, spread_deg, 2)
    return Place(round(float(latitude), 4), round(float(longitude), 4))


def _site(rng: Generator, area: str, number: int) -> Site:
    return Site(f"{area}{number:02d}", _near(rng, area, 0.4), float(np.exp(rng.normal(np.log(200), 1.2))))


def _earthquakes(rng: Generator, sites: dict[str, list[Site]], count: int) -> Iterator[tuple[Row, NDArray[np.float32]]]:
    written, number = 0, 0
    while written < count:
        area = list(AREAS)[rng.choice(len(AREAS), p=(0.4, 0.3, 0.2, 0.1))]
        event = _event(rng, area, number)
        number += 1
        for k in rng.permutation(STATIONS)[: min(STATIONS_PER_EVENT, count - written)]:
            yield _record(rng, event, sites[area][k])
            written += 1


def _event(rng: Generator, area: str, number: int) -> Row:
    """What is the same in every record of an earthquake."""
    place = _near(rng, area, 0.25)
    return {
        "source_id": f"synthetic{number:05d}",
        "source_origin_time": _time(rng),
        "source_latitude": place.latitude,
        "source_longitude": place.longitude,
        "source_depth_km": round(float(rng.gamma(3, 3)) + 1, 2),
        "source_magnitude": round(min(1.0 + rng.exponential(1 / np.log(10)), 5.5), 1),
        "source_magnitude_type": "ml",
        "source_magnitude_author": "synthetic",
    }


def _record(rng: Generator, event: Row, site: Site) -> tuple[Row, NDArray[np.float32]]:
    """An earthquake at a station: its row and (3, 6000) in ZNE."""
    epicentre = Place(event["source_latitude"], event["source_longitude"])
    distance, _ = epicentre.towards(site.place)
    hypocentral = float(np.hypot(distance, event["source_depth_km"]))
    wave = _wave(rng, max(hypocentral * S_MINUS_P_S_KM, 0.3))
    first = int(rng.integers(500, 1001))
    start = first - round(wave.p_sample)
    data, added = synthetic.noise(rng) * np.float32(site.noise), np.zeros((3, IN_SAMPLES), np.float32)
    copy_window(wave.data, -start, added)
    data += added * np.float32(site.noise * _ratio(rng, event["source_magnitude"], hypocentral))
    p, s = start + wave.p_sample, start + wave.s_sample
    coda = min(start + wave.coda_end_sample, IN_SAMPLES - 1.0)
    travel_s = hypocentral / synthetic.VP_KM_S
    begin = event["source_origin_time"] + timedelta(seconds=travel_s - p / RATE)
    row = {
        **event, **_receiver(site, begin),
        "p_arrival_sample": round(p, 2), "p_status": "manual", "p_weight": 0.5, "p_travel_sec": round(travel_s, 2),
        "s_arrival_sample": round(s, 2), "s_status": "manual", "s_weight": 0.5,
        "source_distance_deg": round(distance / KM_PER_DEGREE, 3), "source_distance_km": round(distance, 2),
        "back_azimuth_deg": round(site.place.towards(epicentre)[1], 1), "snr_db": _snr(data, p, s),
        "coda_end_sample": f"[[{coda:.0f}.]]", "trace_category": "earthquake_local",
        "trace_name": f"{site.code}.XX_{begin:%Y%m%d%H%M%S}_EV",
    }  # fmt: skip
    return row, data


def _ratio(rng: Generator, magnitude: float, distance_km: float) -> float:
    """Peak of the earthquake over the noise's deviation: ten times a unit of magnitude, less with distance."""
    exponent = magnitude - 1.0 - 1.5 * np.log10(max(distance_km, 3) / 30) + rng.normal(1.6, 0.25)
    return float(np.clip(10**exponent, 6, 3000))


def _noise(rng: Generator, sites: dict[str, list[Site]], count: int) -> Iterator[tuple[Row, NDArray[np.float32]]]:
    """Noise of every station; in a third of the records something else grows and fades."""
    every = [site for area in sites.values() for site in area]
    for _ in range(count):
        site, begin = every[int(rng.integers(len(every)))], _time(rng)
        data = synthetic.noise(rng) * np.float32(site.noise)
        if rng.random() < 1 / 3:
            data += burst(rng) * np.float32(site.noise)
        name = f"{site.code}.XX_{begin:%Y%m%d%H%M%S}_NO"
        yield {**_receiver(site, begin), "trace_category": "noise", "trace_name": name}, data


def _wave(rng: Generator, s_minus_p: float) -> synthetic.Synthetic:
    """An earthquake whose S stands out of its P coda: STEAD has none but such."""
    while (wave := synthetic.earthquake(rng, s_minus_p)).hidden_s:
        pass
    return wave


def _receiver(site: Site, begin: datetime) -> Row:
    return {
        "network_code": "XX",
        "receiver_code": site.code,
        "receiver_type": "HH",
        "receiver_latitude": site.place.latitude,
        "receiver_longitude": site.place.longitude,
        "receiver_elevation_m": 0.0,
        "trace_start_time": begin,
    }


def _time(rng: Generator) -> datetime:
    """Some time of ten years, to a hundredth of a second."""
    return datetime(2010, 1, 1) + timedelta(seconds=round(float(rng.uniform(0, 3.15e8)), 2))


def _snr(data: NDArray[np.float32], p: float, s: float) -> str:
    """STEAD's string of three numbers, E N Z in dB: 95th percentiles of five seconds from S on and before P."""
    before, after = (np.percentile(np.abs(data[:, int(a) : int(a) + 450]), 95, -1) for a in (p - 460, s))
    return "[" + " ".join(f"{x:.8f}" for x in 20 * np.log10(after / before)[::-1]) + "]"
