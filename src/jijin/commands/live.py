"""jijin live: a feed in; picks, events, alarms and a page out, for as long as it runs."""

from __future__ import annotations

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
Model = Annotated[str, typer.Option("--model", metavar="NAME|FILE", help="A model of the package, or an ONNX file.")]
Threshold = typer.Option(metavar="X", help="Lowest probability of a pick, above 0 and up to 1; else the model's own.")


def live(
    sources: Sources,
    run: Run,
    streams: Streams = "*",
    speed: Annotated[float, typer.Option(metavar="X", help="Of a replay: 1 is real time, inf as fast as it goes.")] = 1,
    model: Model = "cba",
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
    """
    from jijin.commands.messages import Messages
    from jijin.config import PickConfig
    from jijin.live.config import LiveConfig
    from jijin.live.session import Session

    messages = Messages(quiet, verbose)
    messages.take_log()
    config = LiveConfig(tick_s=tick, wait_s=wait, keep_days=keep_days)
    session = Session(run, sources, streams, speed, model, config, PickConfig(threshold_p, threshold_s))
    messages.note(session.run())
