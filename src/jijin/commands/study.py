"""jijin study: every model of the original study on any data, one report."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from jijin.commands.shared import require_train

if TYPE_CHECKING:
    from jijin.commands.messages import Messages
    from jijin.study.published import Found
    from jijin.study.run import StudyConfig
    from jijin.study.sample import Sample

EXAMPLE = {"earthquakes": 200, "noise": 200, "epochs": 18, "cnn_epochs": 4}  # some minutes on two cores
WHOLE = {"earthquakes": 10_000, "noise": 10_000, "epochs": 10, "cnn_epochs": 10}


def _number(name: str, what: str) -> Any:
    return typer.Option(min=1, help=f"{what}; {WHOLE[name]} if not given, {EXAMPLE[name]} of the example.")


def study(
    output: Annotated[Path, typer.Option("--output", "-o", metavar="DIR", help="Folder of the report.")],
    data: Annotated[
        list[Path] | None, typer.Option("--data", help="STEAD, SeisBench's format or a pack; repeat for more.")
    ] = None,
    example: Annotated[bool, typer.Option("--example", help="Make a small synthetic data set and study that.")] = False,
    earthquakes: Annotated[int | None, _number("earthquakes", "Earthquakes, at most")] = None,
    noise: Annotated[int | None, _number("noise", "Noise windows, at most")] = None,
    epochs: Annotated[int | None, _number("epochs", "Epochs of CBA")] = None,
    cnn_epochs: Annotated[int | None, _number("cnn_epochs", "Epochs of the CNN")] = None,
    peers: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Folder with a peers.py; else SeisBench's pickers, if it is there."),
    ] = None,
    download: Annotated[bool, typer.Option("--download", help="Let SeisBench fetch weights that it lacks.")] = False,
    threads: Annotated[
        int | None, typer.Option(min=1, help="CPU threads of the networks; all CPUs if not given.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the choice of windows and of training; not of the split.")] = 0,
    unseen: Annotated[bool, typer.Option(help="Test on nothing that the shipped cba may have learnt from.")] = False,
) -> None:
    """Decision tree, CNN, CBA and published pickers on the same windows, and one report to look at.

    Trains the first three from scratch on the data given (6 : 2 : 2 by earthquake), runs all on the same test windows,
    and writes OUTPUT/index.html. Stopped while CBA trains, the same command goes on there.
    """
    if example == bool(data):
        raise typer.BadParameter("give --data or --example, one of the two")
    _require_folder(output)
    require_train(("sklearn", "scikit-learn"))
    from jijin.commands.messages import Messages
    from jijin.study.run import StudyConfig, run

    messages = Messages()
    messages.take_log()
    asked = {"earthquakes": earthquakes, "noise": noise, "epochs": epochs, "cnn_epochs": cnn_epochs, "threads": threads}
    numbers = (EXAMPLE if example else WHOLE) | {key: value for key, value in asked.items() if value is not None}
    named = ", ".join(map(str, data)) if data else "--example"
    config = StudyConfig(**numbers, seed=seed, unseen=unseen, data=named, peers=str(peers or "SeisBench's"))
    found = _peers(peers, messages)
    output.mkdir(parents=True, exist_ok=True)
    with _told_to_go_on(messages):
        done = run(_sample(data, output, config, messages), output, config, found, download, messages.note)
    from jijin.study.report import write

    typer.echo(str(write(done, output)))


def _require_folder(output: Path) -> None:
    """Raise ConfigError where a file lies in the place of the folder."""
    from jijin.errors import ConfigError

    if output.exists() and not output.is_dir():
        raise ConfigError(f"{output} is a file; give -o a folder, in which the report and its files are written")


@contextmanager
def _told_to_go_on(messages: Messages) -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        messages.note("interrupted; the same command goes on: CBA at its last epoch, trees and CNN from the beginning")
        raise


def _peers(folder: Path | None, messages: Messages) -> Found | None:
    """The pickers of the folder, now: what is wrong with it is not to be told after hours of training."""
    from jijin.study.published import of_folder

    found = of_folder(folder) if folder else None
    for note in found[1] if found else ():
        messages.note(note)
    return found


def _sample(data: list[Path] | None, output: Path, config: StudyConfig, messages: Messages) -> Sample:
    from jijin.models import split_seeds
    from jijin.study.example import NAME, SOURCE, write_example
    from jijin.study.sample import draw

    source, name = (None, None) if data else (SOURCE, NAME)
    if not data:
        messages.note("making the example: synthetic earthquakes and noise in STEAD's layout")
        data = [write_example(output / "example", config.earthquakes, config.noise)]
    with messages.bar("reading") as progress:
        seeds = split_seeds(["cba"]) if config.unseen else 0
        sample = draw(data, config.earthquakes, config.noise, config.seed, source, progress, name, seeds)
    messages.note(sample.study.source)
    return sample
