"""What a report is made of: sections of pictures, tables and paragraphs, before they are files or HTML."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import pandas as pd

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """figures/NAME.png and .svg. size: wide, across the page; panel and small, side by side where there is room."""

    name: str
    figure: Figure
    caption: str
    size: Literal["small", "panel", "wide"] = "panel"


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """tables/NAME.csv with all digits; on the page numbers are rounded, by column as specs say."""

    name: str
    frame: pd.DataFrame
    caption: str
    specs: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Note:
    """A paragraph. missing: it stands for something that the data do not allow."""

    text: str
    missing: bool = False


@dataclass(frozen=True, slots=True)
class Verbatim:
    """Text with its line breaks, folded away on the page."""

    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Embedded:
    """An image that another part of the run has drawn: a path in the output folder."""

    path: str
    caption: str
    size: Literal["natural"] = "natural"


Item = Picture | Table | Note | Verbatim | Embedded


@dataclass(frozen=True, slots=True)
class Section:
    """key is the anchor on the page."""

    key: str
    title: str
    items: Sequence[Item]


def shown(value: Any, spec: str = "") -> str:
    """A value of a table as a reader sees it: a dash for nothing, three decimals unless spec says otherwise.

    >>> shown(0.91234), shown(372023), shown(float("nan")), shown("stead"), shown(30.62, ".1f")
    ('0.912', '372,023', '–', 'stead', '30.6')
    >>> shown(-0.0001), shown(-0.0), shown(-0.01)
    ('0.000', '0.000', '-0.010')
    """
    if value is None or (isinstance(value, float) and math.isnan(value)) or value is pd.NA:
        return "–"
    if isinstance(value, str):
        return value
    text = format(value, spec or (",d" if float(value).is_integer() and not isinstance(value, float) else ".3f"))
    return text if text.strip("-0.") else text.removeprefix("-")  # what rounds to nothing has no sign


def probability(value: float) -> str:
    """With two decimals, or as many as it takes to tell it from 0 and 1.

    >>> probability(0.5), probability(0.00031), probability(0.99962), probability(1.0), probability(2e-9)
    ('0.50', '0.0003', '0.9996', '1.00', '2e-09')
    """
    shown = (f"{value:.{digits}f}" for digits in range(2, 8))
    return next((text for text in shown if float(text) not in (0, 1) or value in (0, 1)), f"{value:.1g}")
