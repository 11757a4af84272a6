"""Where the stations stand: from StationXML, or from a table of them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from jijin.errors import DataError, ReadError
from jijin.network.geo import distance_azimuth
from jijin.types import Station, net_sta

log = logging.getLogger("jijin")

SEISMOMETERS = "HLPNG"  # SEED's instrument codes of ground motion; of several, the first gives the station's place
WIDE_KM = 2200.0  # across a table of stations, 20 degrees: more is no local network
SAME_PLACE_KM = 0.1  # entries of one sensor that lie closer than this are one


@dataclass(frozen=True)
class Stations:
    """All stations with all their epochs, in the order of NET.STA.LOC and time; iterating gives each Station.

    Raises DataError if one sensor stands in two places at one time, or a place is none.
    """

    stations: tuple[Station, ...]

    def __post_init__(self) -> None:
        for station in self.stations:
            check_place(station)
        object.__setattr__(self, "stations", merged(self.stations))
        check_swapped(self.stations)

    def __iter__(self) -> Iterator[Station]:
        return iter(self.stations)

    def __len__(self) -> int:
        return len(self.stations)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and net_sta(name) in self._of

    def __getitem__(self, name: str) -> tuple[Station, ...]:
        """All entries of NET.STA; KeyError if there is none."""
        return self._of[net_sta(name)]

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Every NET.STA once, in order."""
        return tuple(self._of)

    @cached_property
    def _of(self) -> dict[str, tuple[Station, ...]]:
        return grouped(self.stations, net_sta)

    @cached_property
    def _at(self) -> dict[str, tuple[Station, ...]]:
        return grouped(self.stations, str)

    def lookup(self, seed_id: str, time_ns: int) -> Station | None:
        """Where the sensor of NET.STA.LOC[.CHA] stood at that time, None if the table does not say.

        An entry of that LOC comes first, then one without a LOC, then those of other LOCs if they share one place.
        """
        network, name, location, *_ = (seed_id + "...").split(".")
        for nsl in (f"{network}.{name}.{location}", f"{network}.{name}."):
            for entry in self._at.get(nsl, ()):
                if stands(entry, time_ns):
                    return entry
        there = [entry for entry in self._of.get(f"{network}.{name}", ()) if stands(entry, time_ns)]
        alike = there and all(apart_km(there[0], other) <= SAME_PLACE_KM for other in there)
        return there[0] if alike else None


def grouped(stations: Iterable[Station], key: Callable[[str], str]) -> dict[str, tuple[Station, ...]]:
    """Entries by key(nsl), in order."""
    found: dict[str, list[Station]] = {}
    for station in stations:
        found.setdefault(key(station.nsl), []).append(station)
    return {name: tuple(entries) for name, entries in found.items()}


def stands(entry: Station, time_ns: int) -> bool:
    """Whether the entry holds at that time: from its start up to, and not with, its end."""
    return (entry.start_ns is None or entry.start_ns <= time_ns) and (entry.end_ns is None or time_ns < entry.end_ns)


def apart_km(one: Station, other: Station) -> float:
    """Distance of two entries, height included."""
    flat, _ = distance_azimuth(one.latitude, one.longitude, other.latitude, other.longitude)
    return float(np.hypot(flat, (one.elevation_m - other.elevation_m) / 1000.0))


def check_place(station: Station) -> None:
    """Raise DataError for coordinates that cannot be a station's."""
    lat, lon, name = station.latitude, station.longitude, station.nsl
    if not -90 <= lat <= 90:
        hint = "; are latitude and longitude swapped?" if -90 <= lon <= 90 and abs(lat) <= 360 else ""
        raise DataError(f"station {name}: latitude {lat:g} is out of range (-90 to 90){hint}")
    if not -180 <= lon <= 180:
        raise DataError(f"station {name}: longitude {lon:g} is out of range (-180 to 180)")
    if lat == lon == 0:
        raise DataError(
            f"station {name}: latitude and longitude are both 0, so its place is not known; give it or drop it"
        )
    if not -12_000 <= station.elevation_m <= 9_000:
        raise DataError(
            f"station {name}: elevation {station.elevation_m:g} m is out of range (-12000 to 9000); is it in m?"
        )
    if None not in (station.start_ns, station.end_ns) and station.end_ns <= station.start_ns:  # type: ignore[operator]
        raise DataError(f"station {name}: its epoch ends before it starts")


def check_swapped(stations: tuple[Station, ...]) -> None:
    """Raise DataError for a station far from all others that would stand among them with its coordinates swapped."""
    if len(stations) < 3:
        return
    lat, lon = (np.array([getattr(s, name) for s in stations]) for name in ("latitude", "longitude"))
    middle = np.median(lat), np.median(lon)
    far, _ = distance_azimuth(*middle, lat, lon)
    swappable = (abs(lon) <= 90) & (far > 2000)
    swapped, _ = distance_azimuth(*middle, np.where(swappable, lon, lat), lat)
    for station, km, other_km in zip(stations, far, np.where(swappable, swapped, far), strict=True):
        if other_km < 0.25 * km:
            raise DataError(
                f"station {station.nsl} is {km:.0f} km from the others and would be {other_km:.0f} km "
                "with latitude and longitude swapped; correct it"
            )


def merged(stations: Iterable[Station]) -> tuple[Station, ...]:
    """Sorted; entries of one sensor in one place whose epochs touch or overlap become one."""
    kept: list[Station] = []
    for station in sorted(stations, key=lambda s: (s.nsl, s.start_ns or 0, s.end_ns or 0)):
        before = kept[-1] if kept and kept[-1].nsl == station.nsl else None
        if before is None or not meets(before, station):
            kept.append(station)
        elif apart_km(before, station) <= SAME_PLACE_KM:
            kept[-1] = replace(before, end_ns=later(before.end_ns, station.end_ns))
        elif before.end_ns != station.start_ns or station.start_ns is None:
            raise DataError(
                f"station {station.nsl} is given twice for the same time, {apart_km(before, station):.1f} km apart; "
                "keep one, or give each its start and end"
            )
        else:
            kept.append(station)
    return tuple(kept)


def meets(before: Station, after: Station) -> bool:
    """Whether the second epoch, which starts no earlier, begins before the first one is over."""
    return before.end_ns is None or after.start_ns is None or after.start_ns <= before.end_ns


def later(one: int | None, other: int | None) -> int | None:
    """The later of two ends, None being never."""
    return None if one is None or other is None else max(one, other)


def read_stations(path: str | Path) -> Stations:
    """Stations of a StationXML file, or of a table with columns network, station, latitude, longitude, elevation_m.

    See docs/locate.md for the other columns and names. Raises ReadError for a file that is missing, empty or neither,
    DataError for one with impossible places; both name the file.
    """
    from jijin.network.station_files import read_entries

    path = Path(path)
    entries = read_entries(path)
    if not entries:
        raise ReadError(f"{path}: no stations in it")
    try:
        stations = Stations(tuple(entries))
    except DataError as error:
        raise DataError(f"{path}: {error}") from error
    if (wide := span_km(stations)) > WIDE_KM:
        log.warning(
            "%s: its stations are up to %.0f km apart; they are searched as one network; "
            "if no coordinates are wrong, make a run for each region",
            *(path, wide),
        )
    return stations


def span_km(stations: Stations) -> float:
    """Distance of the station farthest from the first to the one farthest from it: the span, or little less."""
    lat, lon = (np.array([getattr(s, name) for s in stations]) for name in ("latitude", "longitude"))
    first, _ = distance_azimuth(lat[0], lon[0], lat, lon)
    there = int(np.argmax(first))
    wide, _ = distance_azimuth(lat[there], lon[there], lat, lon)
    return float(wide.max())
