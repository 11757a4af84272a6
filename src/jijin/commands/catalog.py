"""jijin catalog: an archive of waveforms in, located and sized events out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from jijin.commands.times import Time, span

if TYPE_CHECKING:
    from jijin.catalog.run import Request
    from jijin.commands.messages import Messages
    from jijin.io.archive import Span

Source = Annotated[
    str | None,
    typer.Argument(
        help="A folder or file, sds://ROOT, fdsn://NODE?net=..&sta=.., s3://BUCKET/... or another fsspec URL."
    ),
]
Stations = Annotated[Path | None, typer.Option(metavar="FILE", help="StationXML, or a table of stations (CSV).")]
Velocity = Annotated[
    str, typer.Option(metavar="NAME|FILE", help="regional, iasp91, ak135; or a file: TOML, CSV, NonLinLoc, .tvel.")
]
Response = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="StationXML with responses, for magnitudes; else that of --stations."),
]
Corrections = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Station corrections: CSV of station,phase,correction_s, or TOML.")
]
Config = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Settings of all stages (TOML), see docs/catalog.md.")
]
Workers = Annotated[int | None, typer.Option(min=1, help="Processes that pick; one for each CPU unless given.")]
Dask = Annotated[
    str | None, typer.Option(metavar="tcp://HOST:PORT", help="Pick on the workers of this Dask scheduler.")
]
Output = Annotated[Path, typer.Option("-o", "--output", metavar="RUN", help="Folder of the run.")]


def catalog(
    output: Output,
    source: Source = None,
    stations: Stations = None,
    start: Annotated[str | None, Time] = None,
    end: Annotated[str | None, Time] = None,
    velocity: Velocity = "regional",
    response: Response = None,
    corrections: Corrections = None,
    config: Config = None,
    workers: Workers = None,
    dask: Dask = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run in -o.")] = False,
    example: Annotated[bool, typer.Option("--example", help="Use a synthetic network, put into RUN/example.")] = False,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Write nothing but errors to stderr.")] = False,
    verbose: Annotated[bool, typer.Option("-v", "--verbose", help="Say more on stderr.")] = False,
) -> None:
    """Make an earthquake catalogue from an archive.

    Station-days are picked, picks associated, events located and sized. RUN then holds catalog.xml (QuakeML), tables
    and run.db. Stopped in any way, the same command with --resume goes on; SOURCE and options may then be left out.
    """
    if example and (source or stations):
        raise typer.BadParameter("--example brings its own SOURCE and --stations")
    if not (example or resume) and not (source and stations):
        raise typer.BadParameter("give SOURCE and --stations, or --example, or --resume")
    if bool(source) != bool(stations):
        raise typer.BadParameter("SOURCE and --stations go together")
    if not (example or source) and (any((start, end, response, corrections, config)) or velocity != "regional"):
        raise typer.BadParameter("the run has its settings; leave them out, or repeat SOURCE and --stations too")
    from jijin.commands.messages import Messages
    from jijin.config import cpus

    messages = Messages(quiet, verbose)
    messages.take_log()
    if example:
        source, stations = _example(output, messages)
    request = None
    if source and stations:
        request = _request(source, stations, span(start, end), velocity, response, corrections, config)
    raise typer.Exit(_run(output, request, resume, workers or cpus(), dask, messages))


def _run(
    output: Path, request: Request | None, resume: bool, workers: int, dask: str | None, messages: Messages
) -> int:
    from jijin.catalog.run import run

    try:
        with run(output, request, resume=resume, workers=workers, dask=dask, report=messages) as store:
            progress, events, picks = store.progress(), store.events(), store.count_picks()
    except KeyboardInterrupt:
        messages.note(f"interrupted: jijin catalog --resume -o {output} goes on")
        return 130
    sized = sum(event.magnitude is not None and event.magnitude.value is not None for event in events)
    messages.note(
        f"{progress.total} station-days, {picks} picks, {len(events)} events, {sized} with a magnitude, in {output}"
    )
    return int(bool(messages.failed))


def _request(
    source: str,
    stations: Path,
    span: Span,
    velocity: str,
    response: Path | None,
    corrections: Path | None,
    config: Path | None,
) -> Request:
    from jijin.catalog.run import Request
    from jijin.catalog.settings import read_config

    return Request(source, stations, span, velocity, response, corrections, read_config(config))


def _example(output: Path, messages: Messages) -> tuple[str, Path]:
    """The synthetic network in RUN/example, made there unless it is there."""
    from jijin.data.network_day import STATIONS, write_network

    folder = output / "example"
    if not (folder / "truth.csv").exists():
        quakes = write_network(folder)
        what = f"{STATIONS} stations, 2 hours, {len(quakes)} earthquakes"
        messages.note(f"{folder}: a synthetic network, {what}; truth.csv has the earthquakes as they are")
    return str(folder / "waveforms"), folder / "stations.xml"
