"""The plots of a catalogue but for its map: in time, by magnitude, by hour, Wadati's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from jijin.report.catalogue import clock, magnitudes, svg
from jijin.report.catalogue.clock import ClockConfig
from jijin.report.catalogue.colours import is_round
from jijin.report.catalogue.magnitudes import GutenbergRichter
from jijin.report.catalogue.view import Span, magnitude, used
from jijin.report.catalogue.wadati import Wadati
from jijin.types import NS, Event

CURVE_POINTS = 500  # of a curve, at most
MOST_PAIRS = 4000  # of P and S that are drawn; the line is of all
MOST_PARTS = 90  # bars of events in time
PARTS = ((1, "a second"), (10, "10 seconds"), (60, "a minute"), (600, "10 minutes"), (3600, "an hour"),
         (21_600, "6 hours"), (86_400, "a day"), (604_800, "a week"), (2_592_000, "30 days"))  # fmt: skip


def in_time(events: Sequence[Event], shown: Sequence[int], colours: Sequence[str], span: Span) -> str:
    """Magnitude of each event against time, or its number of picks where none has a magnitude."""
    sized = any(magnitude(event) is not None for event in events)
    value = {k: magnitude(events[k]) if sized else float(used(events[k])) for k in shown}
    known = {k: v for k, v in value.items() if v is not None}
    x = svg.moments(*span)
    name = "magnitude" if sized else "picks used"
    y = svg.linear(name, min(known.values(), default=0), max(known.values(), default=1), most=5)
    marks = [
        _stem(x.at(events[k].origin.time_ns), y.y(v), k, colours[k], is_round(events[k])) for k, v in known.items()
    ]
    return svg.frame(x, y, marks, f"{name} against time")


def _stem(x: float, y: float, event: int, colour: str, circle: bool) -> str:
    mark = svg.dot if circle else svg.diamond
    return svg.segment(x, 100, x, y, "stem") + mark(x, y, 3.2, svg.told(event), colour)


def cumulative(events: Sequence[Event], span: Span) -> str:
    """Number of events up to each moment, over the number of each part of the time."""
    times = np.sort([event.origin.time_ns for event in events])
    x, y = svg.moments(*span), svg.counting("events so far", len(times))
    width, counts, edges = _parts(times, span)
    tallest = max(counts.max(initial=0), 1)
    bars = [
        svg.bar(x.at(left), 100 - 60 * n / tallest, x.at(right) - x.at(left), 60 * n / tallest, "bar",
                svg.told(tip=f"{n} events within {width} from {_moment(left)}"))
        for n, left, right in zip(counts, edges[:-1], edges[1:], strict=True) if n
    ]  # fmt: skip
    return svg.frame(x, y, [*bars, svg.curve(_steps(times, x, y), "curve")], "cumulative number of events")


def _parts(times: np.ndarray, span: Span) -> tuple[str, np.ndarray, np.ndarray]:
    """Hours, days or more: their name, how many events each has, and their ends."""
    seconds = (span[1] - span[0]) / NS
    step, name = next((part for part in PARTS if seconds / part[0] <= MOST_PARTS), PARTS[-1])
    ns = step * NS
    edges = np.arange(span[0] // ns, span[1] // ns + 2, dtype=np.int64) * ns
    counts = np.histogram(times, edges)[0]
    return name, counts, np.clip(edges, *span)


def _moment(time_ns: float) -> str:
    from jijin.io.tables import iso

    return iso(int(time_ns))[:16].replace("T", " ")


def _steps(times: np.ndarray, x: svg.Axis, y: svg.Axis) -> list[tuple[float, float]]:
    """Corners of the staircase; of a long catalogue every so manieth."""
    if not len(times):
        return []
    numbers = np.unique(np.linspace(0, len(times) - 1, min(len(times), CURVE_POINTS)).astype(int))
    corners = [(0.0, y.y(0))]
    for k in numbers:
        corners += [(x.at(times[k]), corners[-1][1]), (x.at(times[k]), y.y(k + 1))]
    return [*corners, (100.0, corners[-1][1])]


def frequency_magnitude(values: Sequence[float], law: GutenbergRichter) -> str:
    """How many events have each magnitude (squares) and at least that (circles), with the fitted line."""
    centres, counts = magnitudes.binned(values)
    above = magnitudes.at_least(values, centres)
    x = svg.linear("magnitude", centres.min(), centres.max())
    y = svg.logarithmic("events", above.max(initial=1))
    marks = [
        svg.diamond(x.at(m), y.y(np.log10(n)), 3.2, svg.told(tip=f"M {m:.1f}: {n} events"))
        for m, n in zip(centres, counts, strict=True)
        if n
    ]
    marks += [
        svg.dot(x.at(m), y.y(np.log10(n)), 3.4, svg.told(tip=f"M {m:.1f} and above: {n} events"), name="count")
        for m, n in zip(centres, above, strict=True)
    ]
    return svg.frame(x, y, [*_law(law, x, y), *marks], "magnitude-frequency distribution")


def _law(law: GutenbergRichter, x: svg.Axis, y: svg.Axis) -> list[str]:
    marks = []
    if law.completeness is not None:
        tip = svg.told(tip=f"complete from M {law.completeness:.1f}")
        marks.append(svg.segment(x.at(law.completeness), 0, x.at(law.completeness), 100, "limit", tip))
    if law.a is not None and law.b is not None and law.completeness is not None:
        end = min(law.a / law.b, x.high)
        points = [(x.at(m), y.y(law.a - law.b * (m - magnitudes.BIN / 2))) for m in (law.completeness, end)]
        marks.append(svg.curve(points, "fit"))
    return marks


def by_hour(events: Sequence[Event], offset_h: float, config: ClockConfig) -> str:
    """Events in each hour of the local day, those that are no earthquakes on top; the day's hours shaded."""
    hours = clock.local_hours([event.origin.time_ns for event in events], offset_h).astype(int)
    x = svg.Axis(f"local hour (UTC{offset_h:+g})", 0, 24, [(h, str(h)) for h in range(0, 25, 3)])
    day = svg.bar(x.at(config.day_start_h), 0, x.at(config.day_hours), 100, "day")
    return _bars(events, list(hours), x, [f"{h}–{h + 1} h" for h in range(24)], "events by local hour", [day])


def by_weekday(events: Sequence[Event], offset_h: float) -> str:
    """Events on each local day of the week."""
    days = clock.local_weekdays([event.origin.time_ns for event in events], offset_h)
    x = svg.Axis("local day of the week", 0, 7, [(k + 0.5, name) for k, name in enumerate(clock.WEEKDAYS)])
    return _bars(events, list(days), x, list(clock.WEEKDAYS), "events by day of the week", [])


def _bars(
    events: Sequence[Event], where: Sequence[int], x: svg.Axis, names: Sequence[str], label: str, under: list[str]
) -> str:
    quakes = Counter(k for k, event in zip(where, events, strict=True) if is_round(event))
    others = Counter(k for k, event in zip(where, events, strict=True) if not is_round(event))
    y = svg.counting("events", max(Counter(where).values(), default=1))
    marks = list(under)
    for k, name in enumerate(names):
        low, high = y.at(quakes[k]), y.at(others[k])
        left, width = x.at(k + 0.08), x.at(k + 0.92) - x.at(k + 0.08)
        tip = svg.told(tip=f"{name}: {quakes[k] + others[k]} events, {others[k]} of them taken for no earthquake")
        marks.append(svg.bar(left, 100 - low, width, low, "bar", tip))
        marks.append(svg.bar(left, 100 - low - high, width, high, "bar other", tip))
    return svg.frame(x, y, marks, label, "height:200px")


def wadati(found: Wadati) -> str:
    """S minus P against the travel time of P."""
    x = svg.linear("P travel time (s)", 0, max(found.p_s, default=1))
    y = svg.linear("S − P (s)", 0, max(found.s_minus_p_s, default=1), most=5)
    every = max(1, -(-len(found.pairs) // MOST_PAIRS))
    marks = [
        svg.dot(x.at(p), y.y(s), 2.4, svg.told(pair.event), name="pair")
        for pair, p, s in list(zip(found.pairs, found.p_s, found.s_minus_p_s, strict=True))[::every]
    ]
    if found.vp_vs is not None:
        end = min(x.high, y.high / (found.vp_vs - 1))
        marks.append(svg.curve([(x.at(0), y.y(0)), (x.at(end), y.y(end * (found.vp_vs - 1)))], "fit"))
    return svg.frame(x, y, marks, "Wadati diagram")
