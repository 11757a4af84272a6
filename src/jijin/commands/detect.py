"""jijin detect: seismograms in, picks out."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from jijin.commands.shared import check_file

if TYPE_CHECKING:
    from jijin.discriminate import Discriminator


class Format(StrEnum):
    """What picks are written as."""

    csv = "csv"
    quakeml = "quakeml"
    json = "json"


SUFFIXES = {".csv": Format.csv, ".xml": Format.quakeml, ".quakeml": Format.quakeml, ".qml": Format.quakeml}
SUFFIXES[".json"] = Format.json

Paths = Annotated[list[Path] | None, typer.Argument(metavar="PATH...", help="Waveform files, or folders of them.")]
Output = Annotated[Path | None, typer.Option("-o", "--output", metavar="FILE", help="File to write, else stdout.")]
Kind = Annotated[Format | None, typer.Option("--format", help="By default after the suffix of -o, csv on stdout.")]
Plot = Annotated[Path | None, typer.Option("--plot", metavar="DIR", help="Folder for one figure (PNG) a detection.")]
Model = Annotated[str, typer.Option("--model", metavar="NAME|FILE", help="A model of the package, or an ONNX file.")]
Threshold = typer.Option(metavar="X", help="Lowest probability of a pick, above 0 and up to 1; else the model's own.")


def detect(
    paths: Paths = None,
    example: Annotated[bool, typer.Option("--example", help="Use the earthquake record that ObsPy ships.")] = False,
    output: Output = None,
    kind: Kind = None,
    plot: Plot = None,
    model: Model = "cba",
    threshold_p: Annotated[float | None, Threshold] = None,
    threshold_s: Annotated[float | None, Threshold] = None,
    source_type: Annotated[
        bool, typer.Option("--source-type", help="Also tell what each detection is: earthquake, explosion, noise ...")
    ] = False,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Write nothing but errors to stderr.")] = False,
    verbose: Annotated[bool, typer.Option("-v", "--verbose", help="Name every file on stderr.")] = False,
) -> None:
    """Pick P and S in seismograms.

    One row a pick, in order of time, on stdout or in -o. A file that cannot be read is named on stderr; the
    others are still used, and the exit status is 1. If none can be read nothing is written.
    """
    if example == bool(paths):
        raise typer.BadParameter("give PATHs or --example, one of the two")
    output = None if output == Path("-") else output
    kind = kind or _format_of(output)
    _check_targets(output, plot, paths or [])
    from jijin.commands.batch import run
    from jijin.commands.messages import Messages
    from jijin.config import PickConfig

    picking = PickConfig(threshold_p=threshold_p, threshold_s=threshold_s)
    raise typer.Exit(
        run(paths, model, picking, plot, output, kind.value, Messages(quiet, verbose), _judge(source_type))
    )


def _judge(asked: bool) -> Discriminator | None:
    if not asked:
        return None
    from jijin.discriminate import Discriminator

    return Discriminator()


def _format_of(output: Path | None) -> Format:
    if output is None:
        return Format.csv
    if output.suffix.lower() not in SUFFIXES:
        known = ", ".join(SUFFIXES)
        raise typer.BadParameter(f"-o {output}: its suffix tells no format ({known} do); give --format")
    return SUFFIXES[output.suffix.lower()]


def _check_targets(output: Path | None, plot: Path | None, paths: list[Path]) -> None:
    """Fail before the work, not after it."""
    check_file(output)
    if output and output.resolve() in {path.resolve() for path in paths}:
        raise typer.BadParameter(f"-o {output}: that is one of the files to read")
    if plot and plot.exists() and not plot.is_dir():
        raise typer.BadParameter(f"--plot {plot}: that is not a folder")
