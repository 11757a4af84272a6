"""What all figures of the study share: size, style, a colour and a line for each model, and files written from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jijin.io.tables import replacing

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from jijin.study.results import ModelResult

PANEL_INCH = (4.0, 2.9)  # a panel that stands beside others on a screen and below them on a phone
WIDE_INCH = 8.6
DPI = 160
STYLE: Any = {
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "legend.frameon": False,
    "legend.fontsize": 8,
    "legend.handlelength": 3,  # dashes can be told apart
    "text.parse_math": False,  # a dollar in a name is a dollar
    "svg.hashsalt": "jijin",  # the same figure is the same file
}
# Okabe and Ito's palette, told apart with any colour vision; lines differ as well
COLOURS = {
    "tree": ("#8a8a8a", "#444444"),
    "cnn": ("#E69F00",),
    "cba": ("#0072B2", "#D55E00"),
    "peer": ("#009E73", "#CC79A7", "#56B4E9", "#000000"),
}
LINES = ("-", (0, (5, 1.5)), (0, (1, 1)), (0, (5, 1, 1, 1)))
SPLITS = {"train": "#56B4E9", "dev": "#E69F00", "test": "#0072B2"}


@dataclass(frozen=True, slots=True)
class Look:
    """How a model is drawn, in every figure alike."""

    colour: str
    line: str | tuple[int, tuple[float, ...]]


def looks(models: Sequence[ModelResult]) -> dict[str, Look]:
    """Look of each model by name: colours by family, then line styles."""
    out: dict[str, Look] = {}
    for family in dict.fromkeys(m.family for m in models):
        colours = COLOURS.get(family, COLOURS["peer"])
        for k, model in enumerate(m for m in models if m.family == family):
            out[model.name] = Look(colours[k % len(colours)], LINES[k % len(LINES)])
    return out


def panel(title: str, inches: tuple[float, float] = PANEL_INCH) -> tuple[Figure, Axes]:
    """A figure of one axis; it belongs to no pyplot window."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=inches, layout="constrained")
    axes = figure.subplots()
    axes.set_title(plain(title))
    return figure, axes


def plain(text: str) -> str:
    """Text as a label that no leading underscore hides from a legend."""
    return f"\N{ZERO WIDTH SPACE}{text}" if text.startswith("_") else text


def grid(axes: Axes) -> None:
    axes.grid(color="#8a8a8a", alpha=0.25, linewidth=0.5)


def legend(axes: Axes, columns: int = 2) -> None:
    """Below the axis, where it hides nothing."""
    if axes.get_legend_handles_labels()[0]:
        axes.figure.legend(loc="outside lower center", ncols=columns)


def save(figure: Figure, folder: Path, name: str) -> tuple[Path, Path]:
    """Write folder/name.png and .svg, each whole or not at all."""
    paths = folder / f"{name}.png", folder / f"{name}.svg"
    for path, metadata in zip(paths, ({}, {"Date": None}), strict=True):
        with replacing(path) as file:
            figure.savefig(file, format=path.suffix[1:], dpi=DPI, metadata=metadata)
        figure.set_layout_engine("none")  # it is laid out: not once more for the second file
    return paths


def slug(text: str) -> str:
    """A name as a file name: letters, digits, dots and dashes, never hidden."""
    return "".join(c if c.isalnum() or c in ".-" else "_" for c in text).lstrip(".") or "unnamed"
