"""Formats of station lists: StationXML, comma separated tables, the text of FDSN services."""

from __future__ import annotations

import csv
import warnings
from collections.abc import Callable, Collection
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from jijin.errors import DataError, ReadError
from jijin.io.tables import EPOCH
from jijin.network.stations import SEISMOMETERS
from jijin.types import Station

if TYPE_CHECKING:
    from obspy import Inventory

ALIASES = {
    "id": ("id", "nsl", "seed_id", "station_id", "trace_id"),
    "network": ("network", "net", "network_code", "station_network_code"),
    "station": ("station", "sta", "code", "station_code", "name"),
    "location": ("location", "loc", "location_code", "station_location_code"),
    "latitude": ("latitude", "lat", "latitude_deg", "station_latitude", "station_latitude_deg"),
    "longitude": ("longitude", "lon", "long", "lng", "longitude_deg", "station_longitude", "station_longitude_deg"),
    "elevation_m": ("elevation_m", "elevation", "elev", "elev_m", "elevation(m)", "station_elevation_m"),
    "elevation_km": ("elevation_km", "elev_km", "elevation(km)"),
    "depth_m": ("depth_m", "depth", "local_depth", "local_depth_m", "burial_m"),
    "start": ("start", "starttime", "start_time", "start_date", "starts", "on"),
    "end": ("end", "endtime", "end_time", "end_date", "ends", "off"),
}
T = TypeVar("T")
NEVER = datetime(2262, 1, 1, tzinfo=UTC)  # nanoseconds end then; tables write 2599 for an epoch that is open


def read_entries(path: Path) -> list[Station]:
    """Every entry of the file, as it stands there."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ReadError(f"{path}: cannot be read ({error.strerror}); --stations takes StationXML or a table") from error
    if not content.strip():
        raise ReadError(
            f"{path}: is empty; give StationXML or a table of network,station,latitude,longitude,elevation_m"
        )
    if content.lstrip(b"\xef\xbb\xbf \r\n\t").startswith(b"<"):
        return xml_entries(path)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ReadError(f"{path}: is neither StationXML nor text in UTF-8") from error
    return table_entries(path, text)


def read_inventory(path: Path) -> Inventory:
    """StationXML, or what else of station metadata ObsPy reads. ReadError names the file."""
    import obspy

    try:
        return obspy.read_inventory(str(path))
    except Exception as error:  # ObsPy's readers raise what lxml or struct happen to raise
        raise ReadError(f"{path}: ObsPy cannot read it as station metadata ({error})") from error


def xml_entries(path: Path) -> list[Station]:
    """Every station of the file, with the LOCs of its seismometers."""
    inventory = read_inventory(path)
    return [entry for network in inventory for station in network for entry in station_entries(network.code, station)]


def station_entries(network: str, station: Any) -> list[Station]:
    """One for each channel of a seismometer, its depth of burial taken off, and the station's own for any other LOC.

    Where a LOC has a seismometer and an accelerometer, which may stand apart, the seismometer's place is taken.
    """
    seismic = [c for c in station.channels if c.code[1:2] and c.code[1:2] in SEISMOMETERS and c.latitude is not None]
    by_rank = sorted(seismic, key=lambda c: -SEISMOMETERS.index(c.code[1]))
    instrument = {c.location_code: c.code[1] for c in by_rank}  # the last one stays
    channels = [
        xml_entry(f"{network}.{station.code}.{c.location_code}", c, c.depth or 0.0)
        for c in seismic
        if c.code[1] == instrument[c.location_code]
    ]
    own = xml_entry(f"{network}.{station.code}.", station, 0.0)
    return channels if any(entry.nsl == own.nsl for entry in channels) else [own, *channels]


def xml_entry(nsl: str, item: Any, depth_m: float) -> Station:
    """Place and epoch of ObsPy's Station or Channel."""
    start, end = (getattr(item, name) for name in ("start_date", "end_date"))
    return Station(
        nsl,
        float(item.latitude),
        float(item.longitude),
        float(item.elevation or 0.0) - depth_m,
        start.ns if start is not None else None,
        end.ns if end is not None and end.year < NEVER.year else None,
    )


def table_entries(path: Path, text: str) -> list[Station]:
    """A row, a station. The separator is whichever of , ; | and tab the first line has most of."""
    lines = [line for line in text.splitlines() if line.strip()]
    separator = max(",;|\t", key=lines[0].count)
    rows = list(csv.reader(lines, delimiter=separator))
    columns = known_columns(path, rows[0])
    data = [(f"{path}, row {n}", row) for n, row in enumerate(rows[1:], 2) if not row[0].lstrip().startswith("#")]
    for where, row in data:
        check_fields(where, row, last_filled(rows[0]), separator)
    named = [{name: row[i].strip() for name, i in columns.items() if i < len(row)} for _, row in data]
    warn_of_elevations(path, columns, named)
    return [table_entry(where, row) for (where, _), row in zip(data, named, strict=True)]


def warn_of_elevations(path: Path, columns: Collection[str], rows: list[dict[str, str]]) -> None:
    """Say how many stations are taken to stand at sea level, where any has no elevation."""
    column = next((name for name in ("elevation_km", "elevation_m") if name in columns), None)
    empty = sum(not row.get(column) for row in rows) if column else 0
    if column and not empty:
        return
    what = f"column {column} is empty in {empty} of {len(rows)} rows; these" if column else "no column elevation_m;"
    warnings.warn(f"{path}: {what} stations are taken to stand at sea level", stacklevel=4)


def check_fields(where: str, row: list[str], wanted: int, separator: str) -> None:
    """DataError for a row with other fields than the first one has, whose values would stand under wrong names.

    Empty fields at the end do no harm.
    """
    filled = last_filled(row)
    if filled > wanted or len(row) < wanted:
        hint = " (a decimal comma?)" if separator == "," and filled > wanted else ""
        raise DataError(f"{where}: {filled or len(row)} fields, the first row has {wanted}{hint}")


def last_filled(row: list[str]) -> int:
    """Fields up to the last one that is not empty."""
    return max((number for number, field in enumerate(row, 1) if field.strip()), default=0)


def known_columns(path: Path, header: list[str]) -> dict[str, int]:
    """Where each known column stands; a ReadError that names those that are missing."""
    names = [name.strip(" \t#").lower().replace(" ", "_") for name in header]
    there = {name: names.index(name) for name in names}
    columns = {name: there[alias] for name, aliases in ALIASES.items() for alias in reversed(aliases) if alias in there}
    needed = ("latitude", "longitude") if "id" in columns else ("network", "station", "latitude", "longitude")
    if missing := [name for name in needed if name not in columns]:
        found = ", ".join(name.strip() for name in header)
        raise ReadError(
            f"{path}: no column {' and no '.join(missing)} (found: {found}); "
            "the first row names network,station,latitude,longitude,elevation_m"
        )
    return columns


def table_entry(where: str, row: dict[str, str]) -> Station:
    """One row; where names it in errors."""

    def number(name: str, missing: float | None = None) -> float:
        return as_number(where, name, row.get(name, ""), missing)

    longitude = number("longitude")
    elevation_m = 1000.0 * number("elevation_km", 0.0) if "elevation_km" in row else number("elevation_m", 0.0)
    return Station(
        row_nsl(where, row),
        number("latitude"),
        longitude - 360.0 if 180 < longitude <= 360 else longitude,
        elevation_m - number("depth_m", 0.0),
        as_ns(where, "start", row.get("start", "")),
        as_ns(where, "end", row.get("end", "")),
    )


def row_nsl(where: str, row: dict[str, str]) -> str:
    """NET.STA.LOC of a row, from its codes or from an id that has at least NET.STA."""
    codes = row["id"].split(".") if row.get("id") else [row.get(n, "") for n in ("network", "station", "location")]
    net, sta, loc = (code.strip() for code in [*codes, "", ""][:3])
    if not sta:
        raise DataError(f"{where}: no station code; give network and station, or an id of NET.STA[.LOC]")
    return f"{net}.{sta}.{loc.replace('--', '')}"


def as_number(where: str, name: str, text: str, missing: float | None) -> float:
    """A finite number; missing stands for an empty field, None if there must be one."""
    if not text and missing is not None:
        return missing
    return converted(where, name, text, finite, "a number")


def finite(text: str) -> float:
    """float() without nan and infinity."""
    value = float(text)
    if not abs(value) < float("inf"):
        raise ValueError(text)
    return value


def as_ns(where: str, name: str, text: str) -> int | None:
    """Nanoseconds since 1970 of a time in ISO 8601, UTC unless it says otherwise; None if empty or beyond 2261."""
    if not text:
        return None
    moment = converted(where, name, text, datetime.fromisoformat, "a time such as 2019-07-01T00:00:00")
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return None if moment >= NEVER else (moment - EPOCH) // timedelta(microseconds=1) * 1000


def converted(where: str, name: str, text: str, convert: Callable[[str], T], wanted: str) -> T:
    """convert(text), or a DataError that tells what stands there."""
    try:
        return convert(text)
    except ValueError as error:
        raise DataError(f"{where}: {name} must be {wanted} (got {text!r})") from error
