"""When each station has data: one row of bars a station."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from itertools import pairwise

from jijin.io.tables import iso
from jijin.report.catalogue import svg
from jijin.report.catalogue.view import RunView, Span
from jijin.report.catalogue.view import span as whole
from jijin.types import NS

FINEST = 1500  # parts of the row: gaps shorter than one are not drawn
ROW_PX = 17
MOST_BARS = 300  # of a row


def union(spans: Iterable[Span], gap_ns: int = 0) -> list[Span]:
    """Spans in order, those that touch, overlap or are less than gap_ns apart as one.

    >>> union([(5, 9), (0, 3), (2, 4), (12, 14)]), union([(0, 3), (5, 9)], 2)
    ([(0, 4), (5, 9), (12, 14)], [(0, 9)])
    """
    out: list[Span] = []
    for start, end in sorted(spans):
        if out and start - out[-1][1] <= gap_ns:
            out[-1] = out[-1][0], max(out[-1][1], end)
        else:
            out.append((start, end))
    return out


def share(spans: Iterable[Span], within: Span) -> float:
    """Of the time within that spans cover, 0 to 1."""
    return sum(end - start for start, end in union(spans)) / max(within[1] - within[0], 1)


def rows(view: RunView) -> str:
    """Names, bars and percentages of all stations."""
    within = whole(view)
    assert within is not None
    x = svg.moments(*within)
    body = "".join(_row(name, spans, x, within) for name, spans in sorted(view.coverage.items()))
    ticks = "".join(
        f'<text class="x{" odd" if k % 2 else ""}" x="{x.at(v):.2f}%" y="12">{escape(name)}</text>'
        for k, (v, name) in enumerate(x.ticks)
    )
    return (
        f'<div class="coverage">{body}<span></span><svg style="height:18px">{ticks}</svg><span></span></div>'
        f'<p class="xtitle">{escape(x.title)}</p>'
    )


def _row(name: str, spans: Sequence[Span], x: svg.Axis, within: Span) -> str:
    merged = union(spans, (within[1] - within[0]) // FINEST)
    while len(merged) > MOST_BARS:  # a station of many gaps: the shorter ones go
        merged = union(merged, 2 * min(b[0] - a[1] for a, b in pairwise(merged)))
    bars = "".join(
        svg.bar(x.at(start), 12, x.at(end) - x.at(start), 76, "data", svg.told(tip=_tip(name, start, end)))
        for start, end in merged
    )
    percent = f"{100 * share(spans, within):.1f} %"
    return f'<b>{escape(name)}</b><svg style="height:{ROW_PX}px">{bars}</svg><span>{percent}</span>'


def _tip(name: str, start: int, end: int) -> str:
    begin, over = (iso(moment)[:19].replace("T", " ") for moment in (start, end))
    return f"{name}: {begin} to {over}, {(end - start) / NS / 3600:.1f} h"
