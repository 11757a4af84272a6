"""jijin report: a run as one page to look at."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from jijin.commands.shared import check_file
from jijin.commands.times import Time, span


def report(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a run, as `jijin catalog` makes it.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="The page; RUN/report.html if not given.")
    ] = None,
    start: Annotated[str | None, Time] = None,
    end: Annotated[str | None, Time] = None,
    title: Annotated[str | None, typer.Option(help="Of the page; the folder's name if not given.")] = None,
    waveforms: Annotated[
        str, typer.Option(metavar="SOURCE", help="Where waveforms are, if the run's own source has moved.")
    ] = "",
    records: Annotated[
        int, typer.Option(min=0, max=5000, help="Events with a record section, the largest; 0 reads no waveforms.")
    ] = 60,
    utc_offset: Annotated[
        float | None,
        typer.Option(metavar="HOURS", help="Local time - UTC, for hours; the sun's if not given."),
    ] = None,
    quarry_radius: Annotated[
        float, typer.Option(metavar="KM", help="Around a place of the map of day/night ratios.")
    ] = 5.0,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Failures only.")] = False,
) -> None:
    """One HTML page of a run that opens without a network: map, depth sections, statistics, record sections, tables."""
    from jijin.commands.messages import Messages
    from jijin.report.catalogue.clock import ClockConfig
    from jijin.report.catalogue.of_run import of_run
    from jijin.report.catalogue.page import ReportConfig, write

    _refuse_own(run, output)
    messages = Messages(quiet)
    messages.take_log()
    clock = ClockConfig(utc_offset_h=utc_offset, radius_km=quarry_radius)
    view = of_run(run, title, waveforms if records else None, span(start, end))
    if (start or end) and not (view.events or view.picks or any(view.coverage.values())):
        messages.note(f"{run}: nothing is in the time asked for, neither data nor picks nor events; the page is empty")
    config = ReportConfig(most_records=records, clock=clock)
    with messages.progress("reading waveforms", min(records, len(view.events)), "events") as progress:
        path = write(view, output or run / "report.html", config, progress)
    typer.echo(str(path))


def _refuse_own(run: Path, output: Path | None) -> None:
    """Fail where the page would take the place of a file of the run, or could not be written after the work."""
    check_file(output)
    page = output is None or output.suffix.lower() == ".html"
    if output and not page and output.exists() and output.resolve().parent == run.resolve():
        raise typer.BadParameter(f"-o {output}: that is a file of the run")
