"""Picks and stations for other programs: PyOcto and GaMMA (associate), NonLinLoc and hypoDD (locate).

docs/formats.md tells every column, and which way each of them counts depth.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import IO, Any

from jijin.errors import DataError
from jijin.io.quakeml import resource
from jijin.io.tables import iso
from jijin.types import NS, Event, Pick, Station, nsl, utc

ToKm = Callable[[float, float], tuple[float, float]]  # latitude, longitude in degrees -> east, north in km
MINUTE = 60 * NS


def write_pyocto(picks: Iterable[Pick], file: IO[str]) -> None:
    """PyOcto's table of picks: station (NET.STA.LOC), phase, time (s since 1970), probability."""
    rows = ((nsl(p.seed_id), p.phase_hint, _unix(p.time_ns), f"{p.probability:.4f}") for p in picks)
    _csv(("station", "phase", "time", "probability"), rows, file)


def write_pyocto_stations(stations: Iterable[Station], file: IO[str], to_km: ToKm) -> None:
    """PyOcto's table of stations: id, degrees, elevation (m, up), and x, y, z (km east, north, down)."""
    rows = ((s.nsl, s.latitude, s.longitude, s.elevation_m, *_local(s, to_km)) for s in stations)
    _csv(("id", "latitude", "longitude", "elevation", "x", "y", "z"), rows, file)


def write_gamma(picks: Iterable[Pick], file: IO[str]) -> None:
    """GaMMA's table of picks: id (NET.STA.LOC), timestamp (UTC), prob, type (p or s). No amp: use_amplitude False."""
    rows = ((nsl(p.seed_id), _stamp(p.time_ns), f"{p.probability:.4f}", p.phase_hint.lower()) for p in picks)
    _csv(("id", "timestamp", "prob", "type"), rows, file)


def write_gamma_stations(stations: Iterable[Station], file: IO[str], to_km: ToKm) -> None:
    """GaMMA's table of stations: id, degrees, elevation(m) upwards, and x(km), y(km), z(km) east, north, down."""
    rows = ((s.nsl, s.longitude, s.latitude, s.elevation_m, *_local(s, to_km)) for s in stations)
    _csv(("id", "longitude", "latitude", "elevation(m)", "x(km)", "y(km)", "z(km)"), rows, file)


def write_nonlinloc(events: Iterable[Event], file: IO[str]) -> None:
    """NLLOC_OBS: events with a blank line after each. A pick without weight in the location has prior weight 0.

    PUBLIC_ID is the identifier that the event has in QuakeML; NonLinLoc hands it on to its results.
    """
    for event in events:
        file.write(f"PUBLIC_ID {resource('event', event.event_id)}\n")
        for arrival in event.origin.arrivals:
            file.write(_observation(arrival.pick, prior_weight=float(arrival.time_weight > 0)))
        file.write("\n")


def _observation(pick: Pick, prior_weight: float) -> str:
    """Station, instrument, component, onset, phase, motion, date, hour and minute, s, GAU, error (s), what is not
    known as -1, prior weight."""
    _, station, _, channel = pick.seed_id.split(".")
    minute, rest = divmod(_microseconds(pick.time_ns), 60_000_000)
    start = utc(minute * MINUTE)
    when = f"{start.strftime('%Y%m%d %H%M')} {rest / 1e6:9.6f}"
    error = f"GAU {pick.time_uncertainty_s:9.2e} {-1:9.2e} {-1:9.2e} {-1:9.2e}"
    return f"{station:6} ?    {channel or '?':4} ? {pick.phase_hint:6} ? {when} {error} {prior_weight:.1f}\n"


def write_nonlinloc_stations(stations: Iterable[Station], file: IO[str]) -> None:
    """GTSRCE lines of NonLinLoc's control file: code, degrees, km below the surface (0), elevation in km, up."""
    for code, station in _codes(stations):
        height = f"0.0 {station.elevation_m / 1000:.4f}"
        file.write(f"GTSRCE {code} LATLON {station.latitude:.6f} {station.longitude:.6f} {height}\n")


def write_hypodd(events: Sequence[Event], file: IO[str]) -> None:
    """ph2dt's phase file. Its identifiers are the numbers of write_hypodd_events.

    Picks without weight in the location are left out; an event without a magnitude has 0.0, as the format asks for one.
    """
    for number, event in enumerate(events, 1):
        file.write(_hypocentre(event, number))
        for arrival in event.origin.arrivals:
            if arrival.time_weight > 0:
                station = arrival.pick.seed_id.split(".")[1]
                travel_s = (arrival.pick.time_ns - event.origin.time_ns) / NS
                file.write(f"{station:7} {travel_s:10.4f} {arrival.time_weight:7.4f}   {arrival.pick.phase_hint}\n")


def write_hypodd_events(events: Sequence[Event], file: IO[str]) -> None:
    """A table of the numbers that the same events have in hypoDD's files: number, event_id."""
    _csv(("number", "event_id"), [(number, event.event_id) for number, event in enumerate(events, 1)], file)


def _hypocentre(event: Event, number: int) -> str:
    """# year month day hour minute s, degrees, depth (km, down), magnitude, errors (km), rms (s), number."""
    one = event.origin
    minute, rest = divmod((one.time_ns + 50_000) // 100_000, 600_000)
    time = utc(minute * MINUTE)
    when = f"{time.year:4} {time.month:2} {time.day:2} {time.hour:2} {time.minute:2} {rest / 1e4:7.4f}"
    where = f"{one.latitude:10.6f} {one.longitude:11.6f} {one.depth_km:8.4f}"
    size = event.magnitude.value if event.magnitude and event.magnitude.value is not None else 0.0
    errors = f"{one.horizontal_uncertainty_km[0]:6.3f} {one.depth_uncertainty_km:6.3f} {one.rms_s:6.3f}"
    return f"# {when} {where} {size:5.2f} {errors} {number:9}\n"


def write_hypodd_stations(stations: Iterable[Station], file: IO[str]) -> None:
    """hypoDD's station file: code, degrees, elevation in m, up."""
    for code, station in _codes(stations):
        file.write(f"{code:7} {station.latitude:10.6f} {station.longitude:11.6f} {station.elevation_m:7.1f}\n")


def _codes(stations: Iterable[Station]) -> Iterator[tuple[str, Station]]:
    """The station's code alone, which is all that these formats know, with its first entry.

    Raises DataError where two networks use one code: the picks could not be told apart.
    """
    found: dict[str, list[Station]] = defaultdict(list)
    for station in stations:
        found[station.nsl.split(".")[1]].append(station)
    for code, entries in found.items():
        networks = sorted({entry.nsl.split(".")[0] for entry in entries})
        if len(networks) > 1:
            raise DataError(f"station {code} is in the networks {', '.join(networks)}, and the format names no network")
        yield code, entries[0]


def _local(station: Station, to_km: ToKm) -> tuple[str, str, str]:
    east, north = to_km(station.latitude, station.longitude)
    return f"{float(east):.4f}", f"{float(north):.4f}", f"{-station.elevation_m / 1000:.4f}"


def _microseconds(time_ns: int) -> int:
    return (time_ns + 500) // 1000


def _unix(time_ns: int) -> str:
    seconds, rest = divmod(_microseconds(time_ns), 1_000_000)
    return f"{seconds}.{rest:06d}"


def _stamp(time_ns: int) -> str:
    """ISO 8601 without a zone, as GaMMA reads it."""
    return iso(time_ns).removesuffix("Z")


def _csv(header: Sequence[str], rows: Iterable[Sequence[Any]], file: IO[str]) -> None:
    table = csv.writer(file, lineterminator="\n")
    table.writerow(header)
    table.writerows(rows)
