"""The page of a run: one HTML file that fetches nothing, with its scripts, coasts and waveforms inside."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any

from jijin.config import check_range
from jijin.io.tables import replacing
from jijin.network.stations import Stations
from jijin.report import bundled
from jijin.report.catalogue import clock, coast, data, parts, records
from jijin.report.catalogue.clock import ClockConfig, Node
from jijin.report.catalogue.colours import depth_colour, depth_range, radii
from jijin.report.catalogue.expected import Expected, expected
from jijin.report.catalogue.parts import Drawn, section
from jijin.report.catalogue.stations import station_rows
from jijin.report.catalogue.view import RunView, largest
from jijin.report.catalogue.view import span as whole

WEB = Path(__file__).parents[1] / "web"
STYLES = ("base.css", "catalogue.css")
SCRIPTS = ("tips.js", "map.js", "record.js", "catalogue.js")
POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:"
NO_TIME = (0, 1)
RESIDUALS = "Residual: median of pick − expected of the arrivals used; scatter by the median absolute deviation."
Told = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class ReportConfig:
    """How much goes into the page, which bounds its size: the largest events first, the rest in the run's tables."""

    most_events: int = 4000  # drawn one by one; statistics are of all
    most_details: int = 500  # with their arrivals
    most_records: int = 60  # with waveforms, some 25 kB each
    clock: ClockConfig = field(default_factory=ClockConfig)

    def __post_init__(self) -> None:
        check_range("most_events", self.most_events, 0, 20_000)
        for name in ("most_details", "most_records"):
            check_range(name, getattr(self, name), -1, 20_000)

    @property
    def details(self) -> int:
        """Events with arrivals: those with waveforms are among them."""
        return max(self.most_details, self.most_records)


def write(view: RunView, path: str | Path, config: ReportConfig | None = None, progress: Told | None = None) -> Path:
    """Write the page; the file appears whole or not at all. progress is told 1 for each event whose waveforms are read.

    Raises OSError if the file cannot be written. Waveforms that cannot be read are left out and logged.
    """
    path = Path(path)
    html = page(view, config or ReportConfig(), progress or (lambda done: None))
    with replacing(path) as file:
        file.write(html.encode())
    return path


def page(view: RunView, config: ReportConfig, progress: Told) -> str:
    """The whole HTML; any text of the run is escaped."""
    drawn = _drawn(view, config)
    offset_h = config.clock.utc_offset_h
    if offset_h is None:
        offset_h = clock.offset_h([s.longitude for s in view.stations] or [e.origin.longitude for e in view.events])
    nodes = _nodes(view, config.clock, offset_h)
    suspects = clock.suspected(nodes, config.clock)
    body = "\n".join(_sections(view, config, drawn, offset_h, suspects))
    known = data.in_script(_known(view, config, drawn, nodes, progress))
    styles = "\n".join([bundled.style("leaflet.css"), *map(_own, STYLES)])
    scripts = [bundled.script("leaflet.js"), *map(_own, SCRIPTS)]
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(view.name)}</title>
<style>{styles}</style>
</head>
<body>
{body}
<div id="tip" role="tooltip" hidden></div>
<script type="application/json" id="data">{known}</script>
{"".join(f"<script>{code}</script>" for code in scripts)}
</body>
</html>
"""


def _own(name: str) -> str:
    return bundled.inline((WEB / name).read_text(encoding="utf-8"))


def _drawn(view: RunView, config: ReportConfig) -> Drawn:
    low, high = depth_range(view.events)
    colours = [depth_colour(event.origin.depth_km, low, high) for event in view.events]
    return Drawn(largest(view.events, config.most_events), colours, radii(view.events), whole(view) or NO_TIME)


def _nodes(view: RunView, config: ClockConfig, offset_h: float) -> list[Node]:
    origins = [event.origin for event in view.events]
    times, lat, lon = ([getattr(o, name) for o in origins] for name in ("time_ns", "latitude", "longitude"))
    return clock.nodes(times, lat, lon, config, offset_h)


def _sections(
    view: RunView, config: ReportConfig, drawn: Drawn, offset_h: float, suspects: Sequence[Node]
) -> list[str]:
    head = parts.filter_bar(view) + '<div id="map"></div>' + parts.legend(view) + _map_note(view, drawn)
    contents = {
        "Map": head + (parts.depth_sections(view, drawn) if view.events else parts.missing("The run has no events."))
    }
    if view.events:
        contents |= {
            "Event": '<div id="panel" class="panel"></div>',
            "Time": parts.in_time(view, drawn),
            "Magnitudes and Vp/Vs": parts.two(parts.by_magnitude(view), parts.vp_vs(view)),
            "Hours and quarries": parts.hours(view, config.clock, drawn.span, suspects, offset_h),
        }
    contents |= {"Data": parts.data(view), "Stations": _table("station-table") + parts.note(RESIDUALS)}
    if view.events:
        contents["Events"] = _table("event-table") + '<button id="more" hidden></button>' + _event_note(view, config)
    contents["Run"] = parts.settings(view)
    keys = {title: f"part-{k}" if title != "Event" else "event" for k, title in enumerate(contents)}
    links = "".join(f'<a href="#{keys[title]}">{escape(title)}</a>' for title in contents)
    within = whole(view)
    top = [f"<h1>{escape(view.name)}</h1>", f"<p>{escape(parts.time_told(within))}</p>" if within else "",
           parts.facts(view), f"<nav>{links}</nav>"]  # fmt: skip
    return top + [section(keys[title], title, inside) for title, inside in contents.items()]


def _table(key: str) -> str:
    return f'<div class="scroll"><table id="{key}"></table></div>'


def _map_note(view: RunView, drawn: Drawn) -> str:
    some = len(drawn.shown) < len(view.events)
    told = f"Drawn are the {len(drawn.shown):,} largest of {len(view.events):,} events; statistics are of all. "
    return parts.note(
        (told if some else "")
        + "Point at a mark to read it, click it to see the event. Ellipses are one standard deviation: they hold "
        "39 % of the epicentres. Coasts and borders: Natural Earth, 1:10,000,000, good to a kilometre or so."
    )


def _event_note(view: RunView, config: ReportConfig) -> str:
    told = "Click a row to see the event, a heading to sort. *: depth not resolved. ±: one standard deviation, "
    told += "along the longer axis of the ellipse."
    if len(view.events) > config.most_records:
        told += f" The page holds waveforms of the {config.most_records:,} largest events, arrivals of the "
        told += f"{config.details:,} largest; the run has all."
    return parts.note(told)


def _known(view: RunView, config: ReportConfig, drawn: Drawn, nodes: Sequence[Node], progress: Told) -> dict[str, Any]:
    """What the scripts work with."""
    box = data.box(view)
    middle = box[1] if box else 0.0
    events = view.events
    near = _near(view, config)
    return {
        "events": data.event_rows(view, drawn.shown, middle), "total": len(events),
        "stations": station_rows(view, middle),
        "details": {k: data.detail(events[k], near[k]) for k in near},
        "records": _records(view, config, near, progress),
        "first": (largest(events, 1) or [0])[0],
        "earth": coast.shapes(box[0]) if box else {}, "box": box and [box[0][:2], box[0][2:]],
        "cells": [_cell(node, config.clock, middle) for node in nodes], "radius": config.clock.radius_km,
    }  # fmt: skip


def _near(view: RunView, config: ReportConfig) -> dict[int, list[Expected]]:
    """Of each event whose arrivals are in the page its stations."""
    stations = Stations(tuple(view.stations))
    return {k: expected(view.events[k], view, stations) for k in largest(view.events, config.details)}


def _records(
    view: RunView, config: ReportConfig, near: Mapping[int, Sequence[Expected]], progress: Told
) -> dict[int, list[dict[str, Any]]]:
    found: dict[int, list[dict[str, Any]]] = {}
    if view.waveforms is None:
        return found
    for k in largest(view.events, config.most_records):
        names = [one.nsl for one in near.get(k, ())]
        found[k] = [trace.encoded() for trace in records.traces(view.events[k], names, view.waveforms)]
        progress(1)
    return {number: traces for number, traces in found.items() if traces}


def _cell(node: Node, config: ClockConfig, middle: float) -> dict[str, Any]:
    from jijin.network.geo import LocalFrame

    half, lon = config.radius_km / 4, data.near(node.longitude, middle)
    corners = LocalFrame(node.latitude, lon).to_degrees([-half, half], [-half, half])
    (south, north), (west, east) = (corner.tolist() for corner in corners)
    return {"box": [[south, data.near(west, middle)], [north, data.near(east, middle)]], "day": node.day,
            "night": node.night, "ratio": data.rounded(node.ratio, 2)}  # fmt: skip
