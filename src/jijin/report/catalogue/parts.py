"""The sections of the page, each as HTML: what a catalogue shows and what it cannot show, said where it would stand."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from jijin.io.tables import iso
from jijin.report.catalogue import availability, charts, clock, magnitudes, sections, wadati
from jijin.report.catalogue.clock import ClockConfig, Node
from jijin.report.catalogue.colours import DEPTHS, depth_range
from jijin.report.catalogue.data import kinds
from jijin.report.catalogue.view import RunView, Span, kind, magnitude
from jijin.types import DAY_NS, NS


@dataclass(frozen=True, slots=True)
class Drawn:
    """The events that are drawn one by one, and how: the same in every section."""

    shown: Sequence[int]  # their numbers
    colours: Sequence[str]  # of all events
    radii: Sequence[float]
    span: Span


def section(key: str, title: str, *inside: str) -> str:
    return f'<section id="{key}">\n<h2>{escape(title)}</h2>\n' + "\n".join(inside) + "\n</section>"


def note(text: str) -> str:
    return f'<p class="note">{escape(text)}</p>'


def missing(text: str) -> str:
    return f'<p class="missing">{escape(text)}</p>'


def figure(title: str, plot: str, text: str) -> str:
    return f"<div><h3>{escape(title)}</h3>{plot}{note(text)}</div>"


def two(*inside: str) -> str:
    return f'<div class="two">{"".join(inside)}</div>'


def signed(text: str) -> str:
    """Numbers with minus signs that are such, and none before a zero."""
    return text.replace("-0 ", "0 ").replace("-", "−")


def facts(view: RunView) -> str:
    """The numbers on top."""
    values = [m for m in map(magnitude, view.events) if m is not None]
    depths = [event.origin.depth_km for event in view.events]
    found = [
        ("events", f"{len(view.events):,}"),
        ("stations", f"{len(view.stations):,}"),
        ("picks", f"{sum(view.picks.values()):,}" if view.picks else "–"),
        ("magnitudes", signed(f"{min(values):.1f} to {max(values):.1f}") if values else "none"),
        ("depths (km)", signed(f"{min(depths):.0f} to {max(depths):.0f}") if depths else "–"),
        *((name, f"{count:,}") for name, count in kinds(view.events) if name != "not determined"),
    ]
    cards = "".join(f"<div><b>{escape(value)}</b><span>{escape(name)}</span></div>" for name, value in found)
    return f'<div class="facts">{cards}</div>'


def time_told(within: Span) -> str:
    """From when to when, and how long that is."""
    hours = (within[1] - within[0]) / NS / 3600
    long = (
        f"{hours / 24:.1f} days" if hours >= 48 else f"{hours:.1f} hours" if hours >= 1 else f"{hours * 60:.1f} minutes"
    )
    first, last = (iso(moment)[:19].replace("T", " ") for moment in within)
    return f"{first} to {last} UTC, {long}."


def filter_bar(view: RunView) -> str:
    """Fields that hide events everywhere at once."""
    if not view.events:
        return ""
    sized = any(magnitude(event) is not None for event in view.events)
    options = "".join(f"<option>{escape(name)}</option>" for name, _ in kinds(view.events))
    fields = [
        '<label>magnitude from <input id="least-m" type="number" step="0.1"></label>' if sized else "",
        '<label>picks from <input id="least-n" type="number" min="0" step="1"></label>',
        '<label>horizontal error up to <input id="most-error" type="number" min="0" step="0.5"> km</label>',
        f'<label>type <select id="of-kind"><option value="">all</option>{options}</select></label>'
        if len(kinds(view.events)) > 1
        else "",
        '<span id="passing" class="note"></span>',
    ]
    return f'<div class="bar" id="filter">{"".join(fields)}</div>'


def legend(view: RunView) -> str:
    """What colours, sizes and shapes mean."""
    if not view.events:
        return ""
    low, high = depth_range(view.events)
    sized = any(magnitude(event) is not None for event in view.events)
    shape = '<svg width="16" height="14"><path class="{}" d="{}"/></svg>'
    parts = [
        f'<span>depth {signed(f"{low:.0f} ")}km<i class="ramp" '
        f'style="background:linear-gradient(90deg,{",".join(DEPTHS)})"></i>{high:.0f} km</span>',
        f"<span>size: {'magnitude' if sized else 'number of picks'}</span>",
        f"<span>{shape.format('dot', 'M8 1a6 6 0 1 0 .01 0z')} earthquake, or not determined</span>",
        f"<span>{shape.format('dot', 'M8 0l7 7-7 7-7-7z')} anything else</span>",
        f"<span>{shape.format('station', 'M8 1l6 11h-12z')} station</span>",
    ]
    return f'<div class="legend">{"".join(parts)}</div>'


def depth_sections(view: RunView, drawn: Drawn) -> str:
    east, north = (
        sections.section(direction, view.events, drawn.shown, view.stations, drawn.colours, drawn.radii)
        for direction in ("east", "north")
    )
    text = (
        "Seen from the {}. Crosses are one standard deviation; depth has the scale of the distance unless its axis "
        "says otherwise."
    )
    return two(
        figure("Section west – east", east, text.format("south")),
        figure("Section south – north", north, text.format("east")),
    )


def in_time(view: RunView, drawn: Drawn) -> str:
    return two(
        figure("Events", charts.in_time(view.events, drawn.shown, drawn.colours, drawn.span), "Colour is depth."),
        figure(
            "Cumulative number",
            charts.cumulative(view.events, drawn.span),
            "Bars: events within equal parts of the time; point at one.",
        ),
    )


def by_magnitude(view: RunView) -> str:
    """The magnitude-frequency distribution, or why there is none."""
    values = [m for m in map(magnitude, view.events) if m is not None]
    law = magnitudes.gutenberg_richter(values)
    if law.completeness is None:
        return missing(f"There is no magnitude-frequency distribution: {law.reason}.")
    told = [
        f"{len(values):,} of {len(view.events):,} events have a magnitude, events of all types counted.",
        f"Complete from about M {law.completeness:.1f} (maximum curvature + 0.2; Wiemer and Wyss, 2000), "
        f"{law.events:,} events.",
        f"No b-value: {law.reason}."
        if law.b is None
        else f"b = {law.b:.2f} ± {law.b_uncertainty:.2f} (Aki, 1965, and Utsu, 1966; error: Shi and Bolt, 1982), "
        f"a = {law.a:.2f}.",
        "Circles: that magnitude and above; diamonds: that magnitude.",
    ]
    return figure("Magnitude-frequency distribution", charts.frequency_magnitude(values, law), " ".join(told))


def hours(view: RunView, config: ClockConfig, span: Span, suspects: Sequence[Node], offset_h: float) -> str:
    """Histograms by hour and weekday and suspected quarries, as far as the run is long enough for them."""
    if span[1] - span[0] < DAY_NS:
        return missing("The run is shorter than a day: there are no hours to compare.")
    origin = "the sun's time at the network, to the hour" if config.utc_offset_h is None else "as set"
    text = (
        f"Local time is UTC{offset_h:+g} h, {origin}. Shaded: {config.day_start_h:g} to {config.day_end_h:g} h. "
        "Orange: taken for no earthquake. At night a network hears more; a hump by day is blasting."
    )
    plots = [figure("Hour", charts.by_hour(view.events, offset_h, config), text)]
    if span[1] - span[0] >= 7 * DAY_NS:
        plot = charts.by_weekday(view.events, offset_h)
        plots.append(figure("Day of the week", plot, "Earthquakes know no Sunday."))
    return two(*plots) + quarries(view, config, offset_h, suspects)


def quarries(view: RunView, config: ClockConfig, offset_h: float, suspects: Sequence[Node]) -> str:
    """Where events keep working hours, as a table."""
    how = (
        f"Day/night ratio after Wiemer and Baer (2000): events an hour by day to events an hour by night within "
        f"{config.radius_km:g} km, for places with {config.fewest} events or more; the map can show it. Suspected: "
        f"{config.ratio:g} or more, and dates with an event by day so much more frequent than dates with one by night "
        f"that chance does it anywhere on the map in one of {1 / config.chance:.0f} catalogues."
    )
    if not suspects:
        return "<h3>Suspected quarries</h3>" + note(f"None. {how}")
    heads = ("latitude", "longitude", "events", "by day", "by night", "ratio", "chance", "usual hour", "no earthquake")
    rows = "".join(_quarry(view, node, offset_h) for node in suspects)
    table = f"<table><thead><tr>{''.join(f'<th>{h}</th>' for h in heads)}</tr></thead><tbody>{rows}</tbody></table>"
    return f'<h3>Suspected quarries</h3><div class="scroll">{table}</div>{note(how)}'


def _quarry(view: RunView, node: Node, offset_h: float) -> str:
    events = [view.events[k] for k in node.events]
    times = clock.local_hours([event.origin.time_ns for event in events], offset_h).astype(int).tolist()
    usual = max(sorted(set(times)), key=times.count)
    blasts = sum(kind(event) not in ("earthquake", "not determined") for event in events)
    cells = (
        f"{node.latitude:.3f}", f"{node.longitude:.3f}", len(events), node.day, node.night,
        f"{node.ratio:.1f}" if node.night else "only by day", f"{node.chance:.0e}", f"{usual}–{usual + 1} h", blasts,
    )  # fmt: skip
    return f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"


def vp_vs(view: RunView) -> str:
    """The Wadati diagram, or why there is none."""
    found = wadati.fit(wadati.pairs(view.events))
    if found.vp_vs is None:
        return missing(f"There is no Wadati diagram: {found.reason}.")
    count = len({pair.event for pair in found.pairs})
    text = (
        f"Vp/Vs = {found.vp_vs:.3f} ± {found.uncertainty:.3f} from {len(found.pairs):,} pairs of {count:,} events: one "
        "slope for all, each event with an origin time of its own, wrong picks weighed down. From arrival times alone; "
        "no location is in it. Orange: the chosen event."
    )
    if len(found.pairs) > charts.MOST_PAIRS:
        text += " Some of the pairs are drawn."
    return figure("Wadati diagram", charts.wadati(found), text)


def data(view: RunView) -> str:
    if not any(view.coverage.values()):
        return missing("The run does not say when its stations had data.")
    return availability.rows(view) + note("Percent: of the whole time. Gaps shorter than a pixel are not drawn.")


def settings(view: RunView) -> str:
    text = json.dumps(dict(view.settings), indent=1, default=str, ensure_ascii=False)
    lost = "".join(f"<li>{escape(one)}</li>" for one in view.notes)
    title = f"What could not be used ({len(view.notes)})"
    inside = f"<details><summary>{title}</summary><ul>{lost}</ul></details>" if lost else ""
    return inside + f"<details><summary>Settings</summary><pre>{escape(text)}</pre></details>"
