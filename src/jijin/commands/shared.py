"""What several commands need: options that are refused, shares, a table, warnings in a line, the extra "train"."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any

import typer


def given(context: typer.Context) -> dict[str, str]:
    """Options that stand on the command line: the name of the parameter, and as it is written (--name)."""
    sources = {one.name: context.get_parameter_source(one.name) for one in context.command.params if one.name}
    written = {one.name: max(one.opts, key=len) for one in context.command.params if one.name}
    return {name: written[name] for name, source in sources.items() if source and source.name == "COMMANDLINE"}


def refuse(context: typer.Context, what: str, taken: Collection[str]) -> None:
    """Raise ConfigError for an option on the command line that `what` does not take, rather than ignore it."""
    from jijin.errors import ConfigError

    if ignored := [option for name, option in given(context).items() if name not in taken]:
        options = sorted(max(one.opts, key=len) for one in context.command.params if one.name in taken)
        raise ConfigError(f"{what} does not take {ignored[0]}; it takes {', '.join(options)}")


def parse_fractions(text: str | None) -> tuple[float, ...]:
    """The three shares of "6,2,2" (or "6:2:2"); where nothing was said, those of a model whose card does not tell."""
    from jijin.errors import ConfigError
    from jijin.models import FRACTIONS

    if text is None:
        return FRACTIONS
    try:
        return tuple(float(part) for part in text.replace(":", ",").split(","))
    except ValueError:
        raise ConfigError(f"'fractions' must look like 6,2,2 (got {text!r})") from None


def print_table(title: str, heads: Sequence[str], lines: Sequence[Sequence[str]]) -> None:
    """A table on stdout; 170 characters wide where that is no terminal."""
    from rich.console import Console
    from rich.table import Table

    table = Table(*heads, title=title)
    for line in lines:
        table.add_row(*line)
    Console(width=None if Console().is_terminal else 170).print(table)


def check_file(output: Path | None) -> None:
    """Fail before the work, not after it, where output is a folder or lies in none."""
    if output and output.is_dir():
        raise typer.BadParameter(f"-o {output}: that is a folder")
    if output and not output.parent.is_dir():
        raise typer.BadParameter(f"-o {output}: there is no folder {output.parent}")


def tell_warnings(tell: Callable[[str], None]) -> None:
    """From here on tell a warning that is meant for users in a line; others are shown as Python does."""
    others = getattr(warnings.showwarning, "others", warnings.showwarning)  # not those of an earlier call

    def show(message: Warning | str, category: type[Warning], *where: Any, **more: Any) -> None:
        if issubclass(category, UserWarning):
            tell(str(message))
        else:
            others(message, category, *where, **more)

    show.others = others  # type: ignore[attr-defined]
    warnings.showwarning = show


def require_train(*more: tuple[str, str]) -> None:
    """Raise MissingExtra where the extra "train" is not installed; more : other modules of it with their packages."""
    from importlib.util import find_spec

    from jijin.errors import MissingExtra

    for module, package in (("torch",) * 2, ("tensorboard",) * 2, ("onnx",) * 2, *more):
        if find_spec(module) is None:
            raise MissingExtra(package, "train")
