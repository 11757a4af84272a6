"""jijin picks: the tables of a run on stdout; picks and stations excluded, events located again or given a type."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from jijin.store import Store


class Kind(StrEnum):
    """Tables that can be printed."""

    picks = "picks"
    events = "events"
    arrivals = "arrivals"
    station_magnitudes = "station_magnitudes"
    coverage = "coverage"


Table = Annotated[Kind, typer.Option("--table", help="What to print.")]
Ids = typer.Option(metavar="ID", help="A pick_id of the table of picks, or its beginning; may be given several times.")
Types = typer.Option(
    metavar="EVENT=TYPE", help="What an event is known to be, a word of QuakeML: EVENT='quarry blast'."
)
Names = typer.Option(metavar="NET.STA", help="All picks of a station; may be given several times.")


def picks(
    run: Annotated[Path, typer.Argument(help="Folder of a run, made by jijin catalog.")],
    table: Table = Kind.picks,
    exclude_pick: Annotated[list[str] | None, Ids] = None,
    exclude_station: Annotated[list[str] | None, Names] = None,
    include_pick: Annotated[list[str] | None, Ids] = None,
    include_station: Annotated[list[str] | None, Names] = None,
    event_type: Annotated[list[str] | None, Types] = None,
    relocate: Annotated[bool, typer.Option("--relocate", help="Locate again the events whose picks changed.")] = False,
) -> None:
    """Print a table of a run as CSV, or exclude picks and stations and locate again.

    Excluded picks are kept, marked; --include-pick and --include-station take them in again. An event that changes gets
    a new version, and the files of the run are written anew.
    """
    changes: dict[str, Any] = {"exclude_picks": exclude_pick, "exclude_stations": exclude_station}
    changes |= {"include_picks": include_pick, "include_stations": include_station}
    changes = {name: value or [] for name, value in changes.items()} | {"event_types": _pairs(event_type or [])}
    if relocate or any(changes.values()):
        _edit(run, changes, relocate)
    else:
        _print(run, table)


def _pairs(words: list[str]) -> dict[str, str]:
    from jijin.errors import ConfigError

    for word in words:
        if not all(word.partition("=")):
            raise ConfigError(f"--event-type must look like EVENT='quarry blast' (got {word!r})")
    return dict(word.split("=", 1) for word in words)


def _edit(run: Path, changes: dict[str, Any], relocate: bool) -> None:
    from jijin.catalog.edit import edit
    from jijin.commands.messages import Messages

    messages = Messages()
    messages.take_log()
    done = edit(run, **changes, relocate=relocate, tell=messages.note)
    for event in done.located:
        where = f"{event.origin.latitude:.4f} {event.origin.longitude:.4f}, {event.origin.depth_km:.1f} km deep"
        typer.echo(f"{event.event_id}: version {event.version} at {where}, RMS {event.origin.rms_s:.3f} s")
    for event in done.typed:
        typer.echo(f"{event.event_id}: version {event.version} is known to be: {event.source_type.event_type}")  # type: ignore[union-attr]
    for event_id, reason in done.withdrawn:
        typer.echo(f"{event_id}: withdrawn: {reason}")
    if not done:
        messages.note("nothing changed")
    elif done.marked and not relocate:
        messages.note("events are as they were; --relocate locates them with the picks that are left")


def _print(run: Path, kind: Kind) -> None:
    import io

    from jijin.commands.output import to_stdout
    from jijin.store import Store

    text = io.StringIO()
    with Store.open(run) as store:
        _write(store, kind, text)
    to_stdout(text.getvalue().encode())


def _write(store: Store, kind: Kind, file: Any) -> None:
    import csv

    from jijin.io import catalog_tables as tables

    if kind is Kind.picks:
        csv.writer(file, lineterminator="\n").writerows(_picks(store))
    elif kind is Kind.coverage:
        csv.writer(file, lineterminator="\n").writerows(_coverage(store))
    else:
        tables.write_csv(tables.TABLES[kind.value], store.events(), file)


def _picks(store: Store) -> Iterator[list[Any]]:
    """pick_id, the event that has it, why it is excluded, and the columns of picks.csv."""
    from jijin.io.tables import COLUMNS, row
    from jijin.store import pick_id

    events = {pick_id(a.pick): event.event_id for event in store.events() for a in event.origin.arrivals}
    excluded = store.excluded()
    yield ["pick_id", "event_id", "excluded", *COLUMNS]
    for pick in store.each_pick(excluded=True):
        name = pick_id(pick)
        yield [name, events.get(name, ""), excluded.get(name, ""), *row(pick).values()]


def _coverage(store: Store) -> Iterator[list[Any]]:
    """Hours of data by channel and day; a station-day without data has one row without a channel."""
    from jijin.io.file_archive import day_name

    yield ["station", "day", "seed_id", "hours", "gaps"]
    for job, channels in store.coverage().items():
        for one in channels:
            hours = round(one.seconds / 3600, 4)
            yield [job.station, day_name(job.day), one.seed_id, hours, len(one.spans) - 1]
        if not channels:
            yield [job.station, day_name(job.day), "", 0, 0]
