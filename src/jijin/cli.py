"""The command jijin. Only typer is imported here: --help answers at once, a command loads what it needs."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from jijin import __version__
from jijin.commands import data
from jijin.commands.catalog import catalog
from jijin.commands.detect import detect
from jijin.commands.evaluate import evaluate
from jijin.commands.live import live
from jijin.commands.picks import picks
from jijin.commands.report import report
from jijin.commands.shared import tell_warnings
from jijin.commands.study import study
from jijin.commands.train import export, train
from jijin.errors import ConfigError, JijinError, ModelError

app = typer.Typer(
    name="jijin",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (detect, catalog, picks, live, train, export, evaluate, report, study):
    app.command()(command)
app.add_typer(data.app, name="data")


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"jijin {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print it.")] = False,
) -> None:
    """Seismograms to P and S picks, and picks to an earthquake catalogue, on an ordinary PC.

    Exit status: 0 all well, also without a single pick; 1 something could not be read or written; 2 a wrong
    option; 130 interrupted.
    """


def main() -> None:
    """Run the command line; an error raised on purpose becomes one sentence on stderr and an exit status."""
    tell_warnings(_say)  # until a command has Messages
    try:
        if "" in sys.argv[1:]:  # a path of no letters would be the current folder
            raise ConfigError("an argument is empty, as of a shell variable that is not set; '.' is the current folder")
        app()
    except (ConfigError, ModelError) as error:
        _stop(error, 2)
    except (JijinError, OSError) as error:
        _stop(error, 1)


def _say(text: str) -> None:
    sys.stderr.write(f"jijin: {text}\n")


def _stop(error: Exception, status: int) -> None:
    if isinstance(error, BrokenPipeError):  # the reader of our output has seen enough, as in `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    _say(sentence(error))
    sys.exit(status)


def sentence(error: Exception) -> str:
    """What went wrong, in one line: of an operating system's error the file and the reason, without its number."""
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return " ".join(str(error).split())


if __name__ == "__main__":
    main()
