"""Plots as SVG that follow the width of the page: places in percent, text and marks at their own size."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from html import escape
from math import ceil, floor, log10

from jijin.io.tables import EPOCH
from jijin.types import NS

Tick = tuple[float, str]
DAY_S = 86_400
STEPS_S = (1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 21_600, 43_200,
           DAY_S, 2 * DAY_S, 5 * DAY_S, 10 * DAY_S, 30 * DAY_S, 90 * DAY_S, 365 * DAY_S, 1826 * DAY_S)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Axis:
    """From low to high, with ticks. down: of a y axis whose low end is at the top."""

    title: str
    low: float
    high: float
    ticks: Sequence[Tick]
    down: bool = False

    def at(self, value: float) -> float:
        """Percent of the way from low to high."""
        return 100 * (value - self.low) / (self.high - self.low)

    def y(self, value: float) -> float:
        """Percent from the top."""
        return self.at(value) if self.down else 100 - self.at(value)


def linear(title: str, low: float, high: float, down: bool = False, most: int = 7) -> Axis:
    """An axis that holds low and high with a little room; its ticks are round numbers."""
    if high <= low:
        low, high = low - 0.5, high + 0.5
    room = 0.04 * (high - low)
    low, high = low - room, high + room
    return Axis(title, low, high, [(v, number(v)) for v in round_numbers(low, high, most)], down)


def counting(title: str, high: float, most: int = 5) -> Axis:
    """An axis of numbers of things, from 0; ticks are whole."""
    values = [v for v in round_numbers(0, max(high, 1) * 1.06, most) if v == round(v)]
    return Axis(title, 0, max(high, 1) * 1.06, [(v, f"{v:,.0f}") for v in values])


def logarithmic(title: str, high: float) -> Axis:
    """An axis of log10 of numbers of things, from below 1 to above high."""
    top = log10(max(high, 1)) + 0.2
    return Axis(title, -0.2, top, [(float(k), f"{10**k:,d}") for k in range(floor(top) + 1)])


def round_numbers(low: float, high: float, most: int) -> list[float]:
    """Multiples of 1, 2 or 5 times a power of ten within low and high, at most so many.

    >>> round_numbers(-0.3, 2.1, 6)
    [0.0, 0.5, 1.0, 1.5, 2.0]
    """
    power = 10.0 ** floor(log10((high - low) / most))
    steps = (factor * power for factor in (1, 2, 5, 10))
    step = next(step for step in steps if floor(high / step) - ceil(low / step) + 1 <= most)
    return [round(k * step, 10) + 0.0 for k in range(ceil(low / step), floor(high / step) + 1)]


def number(value: float) -> str:
    """A tick's label, with a minus sign that is one."""
    return f"{value:g}".replace("-", "−")


def moments(low_ns: int, high_ns: int, most: int = 7) -> Axis:
    """An axis of UTC; values are nanoseconds. The title names the date where the labels do not."""
    low, high = low_ns / NS, max(high_ns, low_ns + NS) / NS
    step = next((step for step in STEPS_S if (high - low) / step <= most), STEPS_S[-1])
    form = "%H:%M:%S" if step < 60 else "%H:%M" if step < DAY_S else "%Y-%m-%d"
    values = range(ceil(low / step) * step, floor(high) + 1, step)
    ticks = [(float(v * NS), (EPOCH + timedelta(seconds=v)).strftime(form)) for v in values]
    day = (EPOCH + timedelta(seconds=floor(low))).strftime(", from %Y-%m-%d") if step < DAY_S else ""
    return Axis(f"time (UTC{day})", low * NS, high * NS, ticks)


def frame(x: Axis, y: Axis, marks: Iterable[str], label: str, shape: str = "height:240px") -> str:
    """A plot: marks on the lines of its ticks, labels outside. shape is CSS for its inner rectangle."""
    lines = "".join(f'<line class="grid" x1="{x.at(v):.2f}%" x2="{x.at(v):.2f}%" y2="100%"/>' for v, _ in x.ticks)
    lines += "".join(f'<line class="grid" x2="100%" y1="{y.y(v):.2f}%" y2="{y.y(v):.2f}%"/>' for v, _ in y.ticks)
    names = "".join(
        f'<text class="x{" odd" if k % 2 else ""}" x="{x.at(v):.2f}%" y="100%" dy="17">{escape(name)}</text>'
        for k, (v, name) in enumerate(x.ticks)
    )
    names += "".join(
        f'<text class="y" y="{y.y(v):.2f}%" x="0" dx="-7" dy="4">{escape(name)}</text>' for v, name in y.ticks
    )
    return (
        f'<div class="plot"><p class="ytitle">{escape(y.title)}</p>'
        f'<svg role="img" aria-label="{escape(label)}" style="{shape}">{lines}<rect class="frame" width="100%" '
        f'height="100%"/>{"".join(marks)}{names}</svg><p class="xtitle">{escape(x.title)}</p></div>'
    )


def told(event: int | None = None, tip: str = "") -> str:
    """Attributes of a mark: the event it belongs to, or what is said of it when it is pointed at."""
    return f' data-e="{event}"' if event is not None else f' data-t="{escape(tip)}"' if tip else ""


def dot(x: float, y: float, radius: float, extra: str = "", fill: str = "", name: str = "dot") -> str:
    """A circle at percent x and y; radius in pixels."""
    colour = f' fill="{fill}"' if fill else ""
    return f'<circle class="{name}" cx="{x:.2f}%" cy="{y:.2f}%" r="{radius:.1f}"{colour}{extra}/>'


def diamond(x: float, y: float, radius: float, extra: str = "", fill: str = "") -> str:
    """A square on its corner, for what is no earthquake."""
    r, colour = radius * 1.2, f' fill="{fill}"' if fill else ""
    path = f"M0-{r:.1f}L{r:.1f} 0 0 {r:.1f}-{r:.1f} 0z"
    return f'<svg x="{x:.2f}%" y="{y:.2f}%" class="at"><path class="dot" d="{path}"{colour}{extra}/></svg>'


def triangle(x: float, y: float, extra: str = "") -> str:
    """A station."""
    return f'<svg x="{x:.2f}%" y="{y:.2f}%" class="at"><path class="station" d="M0-6L5.5 4-5.5 4z"{extra}/></svg>'


def segment(x1: float, y1: float, x2: float, y2: float, name: str, extra: str = "") -> str:
    """A straight line between points in percent."""
    return f'<line class="{name}" x1="{x1:.2f}%" y1="{y1:.2f}%" x2="{x2:.2f}%" y2="{y2:.2f}%"{extra}/>'


def curve(points: Iterable[tuple[float, float]], name: str) -> str:
    """A line through points in percent."""
    path = "L".join(f"{10 * x:.1f} {10 * y:.1f}" for x, y in points)
    inner = f'<path class="{name}" vector-effect="non-scaling-stroke" d="M{path}"/>' if path else ""
    return f'<svg viewBox="0 0 1000 1000" preserveAspectRatio="none" width="100%" height="100%">{inner}</svg>'


def bar(x: float, y: float, width: float, height: float, name: str, extra: str = "") -> str:
    """A rectangle, all in percent."""
    box = f'x="{x:.3f}%" y="{y:.2f}%" width="{max(width, 0.02):.3f}%" height="{max(height, 0):.2f}%"'
    return f'<rect class="{name}" {box}{extra}/>'
