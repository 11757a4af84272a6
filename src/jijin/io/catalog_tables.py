"""A catalogue as tables: events, arrivals and station magnitudes, and picks; CSV, or Parquet with the extra "parquet".

docs/formats.md tells every column with unit and sign. Parquet holds the same columns with types: times are
timestamps in UTC with nanoseconds, what is not there is null.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import IO, TYPE_CHECKING, Any

from jijin.errors import MissingExtra
from jijin.io.tables import iso
from jijin.types import Arrival, Event, Pick, StationMagnitude, net_sta

if TYPE_CHECKING:
    import pyarrow as pa

BATCH = 20_000  # rows of Parquet that are in memory at a time


@dataclass(frozen=True, slots=True)
class Column:
    """Name, kind ("text", "number", "count", "flag" or "time", which is ns) and digits after the point in CSV."""

    name: str
    kind: str
    digits: int = 6


@dataclass(frozen=True, slots=True)
class Table:
    """What is in a table, and the rows that one item (an Event, or a Pick) has in it: values in order of columns."""

    columns: tuple[Column, ...]
    rows: Callable[[Any], Iterable[tuple[Any, ...]]]


def write_csv(table: Table, items: Iterable[Any], file: IO[str]) -> None:
    """A row of names, then the rows of every item; what is not there is an empty field. Lines end in a line feed."""
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(column.name for column in table.columns)
    for row in _rows(table, items):
        writer.writerow(_text(value, column) for value, column in zip(row, table.columns, strict=True))


def write_parquet(table: Table, items: Iterable[Any], file: IO[bytes]) -> None:
    """The same rows as Parquet. Raises MissingExtra without pyarrow."""
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        raise MissingExtra("pyarrow", "parquet") from error
    schema = pa.schema([(column.name, _arrow_type(column)) for column in table.columns])
    rows = _rows(table, items)
    with pq.ParquetWriter(file, schema) as writer:
        while batch := list(islice(rows, BATCH)):
            columns = zip(zip(*batch, strict=True), schema, strict=True)
            arrays = [pa.array(values, field.type) for values, field in columns]
            writer.write_batch(pa.record_batch(arrays, schema=schema))


def _rows(table: Table, items: Iterable[Any]) -> Iterator[tuple[Any, ...]]:
    """What is no number is not there."""
    for item in items:
        for row in table.rows(item):
            yield tuple(None if value != value else value for value in row)


def _text(value: Any, column: Column) -> str:
    if value is None:
        return ""
    if column.kind == "time":
        return iso(value)
    if column.kind == "flag":
        return "true" if value else "false"
    return str(round(float(value), column.digits)) if column.kind == "number" else str(value)


def _arrow_type(column: Column) -> pa.DataType:
    import pyarrow as pa

    kinds = {"text": pa.string(), "number": pa.float64(), "count": pa.int64(), "flag": pa.bool_()}
    return kinds.get(column.kind, pa.timestamp("ns", tz="UTC"))


def _columns(text: str) -> tuple[Column, ...]:
    """A column a line: name, kind, and digits where there are any."""
    found = [line.split() for line in text.strip().splitlines()]
    return tuple(Column(name, kind, *map(int, digits)) for name, kind, *digits in found)


def _event_row(event: Event) -> Iterator[tuple[Any, ...]]:
    one, size, source = event.origin, event.magnitude, event.source_type
    used = [arrival for arrival in one.arrivals if arrival.time_weight > 0]
    yield (
        *(event.event_id, event.version, one.time_ns, one.latitude, one.longitude, one.depth_km),
        *((size.value, size.kind, size.uncertainty) if size else (None, None, None)),
        *((_magnitude_stations(event), size.formula, size.reason or None) if size else (None, None, None)),
        *((source.event_type, source.certainty, source.probability) if source else (None, None, None)),
        *(one.time_uncertainty_s, *one.horizontal_uncertainty_km, one.ellipse_azimuth_deg),
        *(one.depth_uncertainty_km, one.depth_resolved, one.rms_s, one.azimuthal_gap_deg, one.nearest_km),
        *(len(used), len({net_sta(arrival.pick.seed_id) for arrival in used}), len(one.arrivals)),
        *(one.velocity_model, one.method, event.evaluation_mode, event.creation_ns),
    )


def _magnitude_stations(event: Event) -> int:
    stations = event.magnitude.stations if event.magnitude else ()
    return len({net_sta(one.seed_id) for one in stations if not one.reason})


def _arrival_rows(event: Event) -> Iterator[tuple[Any, ...]]:
    for one in event.origin.arrivals:
        yield event.event_id, *_arrival_row(one)


def _arrival_row(one: Arrival) -> tuple[Any, ...]:
    pick = one.pick
    read = (pick.seed_id, pick.phase_hint, pick.time_ns, pick.time_uncertainty_s, pick.probability)
    return *read, one.distance_km, one.azimuth_deg, one.takeoff_angle_deg, one.time_residual_s, one.time_weight


def _station_magnitude_rows(event: Event) -> Iterator[tuple[Any, ...]]:
    for one in event.magnitude.stations if event.magnitude else ():
        yield event.event_id, *_station_magnitude_row(one)


def _station_magnitude_row(one: StationMagnitude) -> tuple[Any, ...]:
    read = (one.seed_id, one.value, one.amplitude_mm, one.period_s, one.time_ns, one.distance_km)
    return *read, not one.reason, one.reason or None, one.note or None


def _pick_row(pick: Pick) -> Iterator[tuple[Any, ...]]:
    found = pick.detection
    detection = (found.start_ns, found.end_ns, found.probability) if found else (None, None, None)
    yield pick.seed_id, pick.phase_hint, pick.time_ns, pick.time_uncertainty_s, pick.probability, *detection


EVENTS = Table(
    _columns("""
        event_id                       text
        version                        count
        time                           time
        latitude                       number
        longitude                      number
        depth_km                       number 4
        magnitude                      number 3
        magnitude_type                 text
        magnitude_uncertainty          number 3
        magnitude_station_count        count
        magnitude_formula              text
        magnitude_reason               text
        event_type                     text
        event_type_certainty           text
        event_type_probability         number 4
        time_uncertainty_s             number 4
        horizontal_uncertainty_max_km  number 4
        horizontal_uncertainty_min_km  number 4
        ellipse_azimuth_deg            number 2
        depth_uncertainty_km           number 4
        depth_resolved                 flag
        rms_s                          number 4
        azimuthal_gap_deg              number 2
        nearest_km                     number 4
        used_phase_count               count
        used_station_count             count
        associated_phase_count         count
        velocity_model                 text
        method                         text
        evaluation_mode                text
        creation_time                  time
    """),
    _event_row,
)
ARRIVALS = Table(
    _columns("""
        event_id                       text
        seed_id                        text
        phase_hint                     text
        time                           time
        time_uncertainty_s             number 4
        probability                    number 4
        distance_km                    number 4
        azimuth_deg                    number 2
        takeoff_angle_deg              number 2
        time_residual_s                number 4
        time_weight                    number 4
    """),
    _arrival_rows,
)
STATION_MAGNITUDES = Table(
    _columns("""
        event_id                       text
        seed_id                        text
        magnitude                      number 3
        amplitude_mm                   number 9
        period_s                       number 4
        time                           time
        distance_km                    number 4
        used                           flag
        reason                         text
        note                           text
    """),
    _station_magnitude_rows,
)
PICKS = Table(  # as jijin.io.tables has them
    _columns("""
        seed_id                        text
        phase_hint                     text
        time                           time
        time_uncertainty_s             number 4
        probability                    number 4
        detection_start                time
        detection_end                  time
        detection_probability          number 4
    """),
    _pick_row,
)
TABLES: Mapping[str, Table] = {  # by the name that a file of it has
    "events": EVENTS,
    "arrivals": ARRIVALS,
    "station_magnitudes": STATION_MAGNITUDES,
    "picks": PICKS,
}
