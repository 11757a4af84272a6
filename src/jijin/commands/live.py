"""jijin live: a feed in; picks, events, alarms and a page out, for as long as it runs."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Annotated

import typer

Sources = Annotated[
    list[str],
    typer.Argument(metavar="SOURCE...", help="seedlink://HOST[:PORT], shake://ADDRESS:PORT, replay://FILE or FOLDER."),
]
Run = Annotated[Path, typer.Option("-o", "--output", metavar="RUN", help="Folder of the run; an old one goes on.")]
Streams = Annotated[
    str, typer.Option(help="What to ask SeedLink servers for: 'KS_*:HH?,IU_MAJO:00BH?'; * is everything.")
]
Model = Annotated[
    str | None, typer.Option("--model", metavar="NAME|FILE", help="A model of the package, or an ONNX file.")
]
Threshold = typer.Option(metavar="X", help="Lowest probability of a pick, above 0 and up to 1; else the model's own.")

TOKEN = "JIJIN_TOKEN"  # environment variable with the token of the page


def live(
    sources: Sources,
    run: Run,
    streams: Streams = "*",
    stations: Annotated[
        Path | None, typer.Option(metavar="FILE", help="StationXML, or a table (CSV): events too.")
    ] = None,
    velocity: Annotated[str, typer.Option(metavar="NAME|FILE", help="As for jijin catalog.")] = "regional",
    response: Annotated[Path | None, typer.Option(metavar="FILE", help="StationXML, for magnitudes.")] = None,
    corrections: Annotated[Path | None, typer.Option(metavar="FILE", help="Delays of stations (CSV).")] = None,
    alert: Annotated[Path | None, typer.Option(metavar="FILE", help="Rules of alarms and their sinks (TOML).")] = None,
    web: Annotated[str | None, typer.Option(metavar="HOST:PORT", help="Serve a page, as at 127.0.0.1:8720.")] = None,
    config: Annotated[Path | None, typer.Option(metavar="FILE", help="Settings of all stages (TOML).")] = None,
    speed: Annotated[float, typer.Option(metavar="X", help="Of a replay: 1 is real time, inf as fast as it goes.")] = 1,
    model: Model = None,
    threshold_p: Annotated[float | None, Threshold] = None,
    threshold_s: Annotated[float | None, Threshold] = None,
    tick: Annotated[float, typer.Option(metavar="S", help="Look at what has come this often.")] = 0.5,
    wait: Annotated[float, typer.Option(metavar="S", help="Final picks wait so long for a lagging component.")] = 30,
    keep_days: Annotated[float, typer.Option(metavar="DAYS", help="Delete older picks, events and alarms.")] = 30,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Write nothing but errors to stderr.")] = False,
    verbose: Annotated[bool, typer.Option("-v", "--verbose", help="Tell details on stderr.")] = False,
) -> None:
    """Pick P and S in live data, within a second or two of their arrival.

    One line on stdout for each pick that is new, updated, confirmed or withdrawn. RUN keeps the confirmed picks
    and where to go on: stop it with SIGTERM or Ctrl-C, start it again, and no pick is lost or written twice.
    The exit status is 1 if the disk did not take everything.
    """
    from dataclasses import replace

    from jijin.catalog.settings import read_config
    from jijin.commands.messages import Messages
    from jijin.live.config import LiveConfig
    from jijin.live.session import LiveRequest, Session

    messages = Messages(quiet, verbose)
    _log(logging.ERROR if quiet else logging.INFO if verbose else logging.WARNING)
    stages = read_config(config)
    given = {"threshold_p": threshold_p, "threshold_s": threshold_s}
    pick = replace(stages.pick, **{name: value for name, value in given.items() if value is not None})
    request = LiveRequest(
        tuple(sources), streams, speed, stations, velocity, response, corrections,
        replace(stages, model=model or stages.model, pick=pick),
        LiveConfig(tick_s=tick, wait_s=wait, keep_days=keep_days), alert, web, os.environ.get(TOKEN),
    )  # fmt: skip
    session = Session(run, request)
    if session.web and (not quiet or session.web.address.token):  # a token that was made is known from nowhere else
        typer.echo(f"jijin: the page is at {session.web.address.url}", err=True)
    told = session.run()
    if session.keeper.unwritten:
        messages.fail(told)
        raise typer.Exit(1)
    messages.note(told)


def _log(level: int) -> None:
    """What the package logs, to stderr with its time: a run goes on for months."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    log = logging.getLogger("jijin")
    log.handlers = [handler]
    log.setLevel(level)
