"""A synthetic network: waveforms around midnight, station metadata and the earthquakes that are in them.

Eight stations, two hours, earthquakes at known places and times with known local magnitudes. Arrivals are those of the
regional velocity model, waveforms are jijin.data.synthetic's, noise is noise. It shows how a run works; how good picks
are on real records it cannot tell.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from jijin.data.synthetic import LEAD, earthquake, noise
from jijin.io.tables import iso
from jijin.network.amplitude import SEISMOGRAPHS
from jijin.network.attenuation import read_attenuation
from jijin.network.geo import LocalFrame
from jijin.network.traveltime import TravelTimes
from jijin.network.velocity import read_velocity
from jijin.types import DAY_NS, NS, RATE, utc

if TYPE_CHECKING:
    from obspy import Inventory

MIDNIGHT_NS = 19_724 * DAY_NS  # 2024-01-02
CENTRE = LocalFrame(36.5, 127.8)
STATIONS, EXTENT_KM = 8, 60.0
COUNTS = 1e9  # per m/s, flat
GROUND_NOISE = 3e-8  # m/s, root mean square


@dataclass(frozen=True, slots=True)
class Quake:
    """An earthquake of the example, as it is."""

    time_ns: int
    latitude: float
    longitude: float
    depth_km: float
    magnitude: float  # ML by Hutton and Boore (1987)


@dataclass(frozen=True, slots=True)
class Site:
    """A station of the example."""

    name: str
    latitude: float
    longitude: float
    elevation_m: float


def write_network(folder: Path, quakes: int = 12, hours: float = 2.0, seed: int = 0) -> list[Quake]:
    """Write waveforms/ (a miniSEED file for each channel and day), stations.xml with responses, and truth.csv.

    hours : half of them before midnight. Returns the earthquakes, by time. One happens five seconds before midnight.
    """
    rng = np.random.default_rng(seed)
    sites, truth = _sites(rng), _quakes(rng, quakes, round(hours * 1800))
    times = TravelTimes(read_velocity("regional"), reach_km=200.0)
    (folder / "waveforms").mkdir(parents=True, exist_ok=True)
    for site in sites:
        _write(site, _record(rng, site, truth, times, round(hours * 1800)), folder / "waveforms")
    inventory(sites).write(str(folder / "stations.xml"), format="STATIONXML")
    with (folder / "truth.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["time", *[one.name for one in fields(Quake)][1:]])
        table.writerows([iso(quake.time_ns), *(round(x, 4) for x in astuple(quake)[1:])] for quake in truth)
    return truth


def _sites(rng: np.random.Generator) -> list[Site]:
    """One in the middle, the others around it."""
    angle = 2 * np.pi * (np.arange(STATIONS) + rng.uniform(-0.3, 0.3, STATIONS)) / (STATIONS - 1)
    radius = EXTENT_KM / 2 * rng.uniform(0.5, 1.0, STATIONS) * (np.arange(STATIONS) > 0)
    latitude, longitude = CENTRE.to_degrees(radius * np.sin(angle), radius * np.cos(angle))
    rows = zip(latitude.tolist(), longitude.tolist(), rng.uniform(20, 600, STATIONS).tolist(), strict=True)
    return [Site(f"SY{n:02d}", *row) for n, row in enumerate(rows, 1)]


def _quakes(rng: np.random.Generator, count: int, half: int) -> list[Quake]:
    """Within half seconds of midnight, most of them small; the middle one five seconds before it."""
    slots = np.linspace(-half + 200, half - 300, count)
    after = slots + rng.uniform(-0.2, 0.2, count) * (slots[1] - slots[0])
    after[count // 2] = -5.0
    places = rng.uniform(-EXTENT_KM / 3, EXTENT_KM / 3, (2, count))
    latitude, longitude = CENTRE.to_degrees(*places)
    depth, size = rng.uniform(4, 14, count), np.clip(1.3 + rng.exponential(0.4, count), 1.3, 3.2)
    times = MIDNIGHT_NS + np.round(np.sort(after) * NS).astype(int)
    rows = zip(times.tolist(), latitude.tolist(), longitude.tolist(), depth.tolist(), size.tolist(), strict=True)
    return [Quake(*row) for row in rows]


def _record(
    rng: np.random.Generator, site: Site, quakes: Sequence[Quake], times: TravelTimes, half: int
) -> NDArray[np.int32]:
    """(3, sample) counts of the whole time."""
    length = int(2 * half * RATE)
    ground = noise(rng, length).astype(float) * GROUND_NOISE
    for quake, distance_km, p_s, s_s in _arrivals(site, quakes, times):
        wave = earthquake(rng, s_s - p_s)
        shape = wave.data * _scale(wave.data, quake.magnitude, float(np.hypot(distance_km, quake.depth_km)))
        at = (quake.time_ns - MIDNIGHT_NS) / NS + half + p_s
        first = round(at * RATE - wave.p_sample)
        stop = min(first + shape.shape[1], length)
        ground[:, first:stop] += shape[:, : stop - first]
    return np.round(ground * COUNTS).astype(np.int32)


def _arrivals(site: Site, quakes: Sequence[Quake], times: TravelTimes) -> Iterator[tuple[Quake, float, float, float]]:
    """Each earthquake with its distance in km and the seconds that P and S take."""
    for quake in quakes:
        east, north = CENTRE.to_km([site.latitude, quake.latitude], [site.longitude, quake.longitude])
        distance = float(np.hypot(east[0] - east[1], north[0] - north[1]))
        p, s = (float(times.time(phase, distance, quake.depth_km, -site.elevation_m / 1000)) for phase in "PS")
        yield quake, distance, p, s


def _scale(shape: NDArray[Any], magnitude: float, distance_km: float) -> float:
    """What makes a velocity record (3, sample) of peak 1 read as that magnitude on a Wood-Anderson seismograph."""
    padded = 1 << int(shape.shape[1] + 20 * RATE).bit_length()
    frequency = np.fft.rfftfreq(padded, 1 / RATE)
    frequency[0] = frequency[1]
    seismograph = SEISMOGRAPHS["uhrhammer_collins_1990"]
    paper = seismograph.response(frequency.astype(float)) / (2j * np.pi * frequency)
    mm = 1000 * np.fft.irfft(np.fft.rfft(shape[1:], padded) * paper, padded)[:, LEAD : shape.shape[1]]
    wanted = 10 ** (magnitude - read_attenuation("hutton_boore_1987").correction(distance_km))
    return float(wanted / np.sqrt(np.prod(np.abs(mm).max(axis=1))))


def _write(site: Site, counts: NDArray[np.int32], folder: Path) -> None:
    from obspy import Trace

    half = counts.shape[1] // 2
    start_ns = MIDNIGHT_NS - round(half / RATE) * NS
    for component, row in zip("ZNE", counts, strict=True):
        for at_ns, part in ((start_ns, row[:half]), (MIDNIGHT_NS, row[half:])):
            codes = {"network": "XX", "station": site.name, "channel": f"HH{component}"}
            trace = Trace(part, {**codes, "sampling_rate": RATE, "starttime": utc(at_ns)})
            day = utc(at_ns)
            trace.write(str(folder / f"{trace.id}.D.{day.year}.{day.julday:03d}"), format="MSEED", encoding="STEIM2")


def inventory(sites: Sequence[Site]) -> Inventory:
    """StationXML of the sites: seismometers that are flat in velocity."""
    from obspy.core.inventory import Channel, Inventory, Network, Response
    from obspy.core.inventory import Station as XmlStation

    stations = []
    for site in sites:
        place = {"latitude": site.latitude, "longitude": site.longitude, "elevation": site.elevation_m}
        response = Response.from_paz([], [], COUNTS, input_units="M/S", output_units="COUNTS")
        turned = {"Z": (0.0, -90.0), "N": (0.0, 0.0), "E": (90.0, 0.0)}
        channels = [
            Channel(f"HH{c}", "", depth=0.0, azimuth=a, dip=d, sample_rate=RATE, response=response, **place)
            for c, (a, d) in turned.items()
        ]
        stations.append(XmlStation(site.name, channels=channels, **place))
    return Inventory([Network("XX", stations, description="synthetic")], source="jijin, synthetic")
