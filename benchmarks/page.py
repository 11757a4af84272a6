"""A Markdown page: a template with its places filled, what it was measured on, and tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from jijin.study.machine import machine

if TYPE_CHECKING:
    from jijin.evaluate.shift import Stability

HERE = Path(__file__).parent
DOCS = HERE.parent / "docs"
Formats = str | Mapping[str, str]  # of numbers with a fraction: one for all, or by head and else three decimals
STEADINESS: Formats = {"moved: median s": ".4f", "95 % s": ".4f"}


def write(script: str, places: Mapping[str, object], page: str = "") -> None:
    """docs/PAGE.md, SCRIPT.md unless said, from SCRIPT_page.md. KeyError if one of its places is not filled."""
    template = (HERE / f"{script}_page.md").read_text(encoding="utf-8")
    text = template.format(made=made(script), measured=measured(), **places)
    (DOCS / f"{page or script}.md").write_text(text, encoding="utf-8")


def made(script: str) -> str:
    """The line that says which script made a page, when and on what."""
    return f"Made by `benchmarks/{script}.py` on {measured()}, obspy {version('obspy')}."


def measured() -> str:
    """When and on what."""
    return f"{date.today()}: {machine()}"


def table_of(lines: Sequence[Mapping[str, object]], formats: Formats = ".3f") -> str:
    """Lines whose keys are the heads."""
    return table(list(lines[0]), [list(line.values()) for line in lines], formats)


def table(heads: Sequence[str], lines: Iterable[Sequence[object]], formats: Formats = ".3f") -> str:
    """Lines below their heads, cells as `jijin evaluate` prints them; ValueError if a line lacks one."""
    from jijin.evaluate.protocols import text  # not before what is measured: it takes 70 MB

    by_head = formats if isinstance(formats, Mapping) else dict.fromkeys(heads, formats)
    specs = [by_head.get(head, ".3f") for head in heads]
    rows = [row(text(cell, spec) for cell, spec in zip(line, specs, strict=True)) for line in lines]
    return "\n".join([row(heads), "|" + "---|" * len(heads), *rows])


def row(cells: Iterable[str]) -> str:
    """One line of a table."""
    return f"| {' | '.join(cells)} |"


def steadiness(found: Stability) -> dict[str, object]:
    """One picker's stability over many starts, by the heads of its table."""
    return {
        "picker": found.picker, "seen in": found.seen_in, "phase": found.phase, "arrivals": found.arrivals,
        "lost": found.lost, "95 %": found.interval, "unsteady": found.unsteady,
        "moved: median s": found.moved_median_s, "95 % s": found.moved_95_s, "over 0.02 s": found.far,
    }  # fmt: skip
