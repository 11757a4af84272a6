"""Depth sections: events and stations seen from the south and from the east, at one scale in both directions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from jijin.network.geo import LocalFrame
from jijin.report.catalogue import svg
from jijin.report.catalogue.colours import is_round
from jijin.types import Event, Station

FLATTEST, TALLEST = 0.2, 1.0  # height to width of a section; beyond it depth has a scale of its own
MOST_BARS = 400  # events whose errors are drawn


def centre(events: Sequence[Event], stations: Sequence[Station]) -> LocalFrame:
    """The middle of the stations, or else of the events: kilometres are counted from there."""
    places = [(s.latitude, s.longitude) for s in stations] or [(e.origin.latitude, e.origin.longitude) for e in events]
    lat, lon = np.array(places or [(0.0, 0.0)]).T
    return LocalFrame(float(np.median(lat)), float(np.median(lon)))


def section(
    direction: str, events: Sequence[Event], shown: Sequence[int], stations: Sequence[Station],
    colours: Sequence[str], radii: Sequence[float],
) -> str:  # fmt: skip
    """direction "east": west is left; "north": south is left. Crosses are one standard deviation."""
    side = 0 if direction == "east" else 1
    frame = centre(events, stations)
    along = np.array(
        frame.to_km([events[k].origin.latitude for k in shown], [events[k].origin.longitude for k in shown])
    )
    there = np.array(frame.to_km([s.latitude for s in stations], [s.longitude for s in stations]))
    depths = np.array([events[k].origin.depth_km for k in shown])
    tops = np.array([-s.elevation_m / 1000 for s in stations])
    x, y, shape = _axes(direction, np.r_[along[side], there[side]], np.r_[depths, tops, 0.0])
    marks = [svg.segment(0, y.y(0), 100, y.y(0), "sea", svg.told(tip="sea level"))]
    errors = len(shown) <= MOST_BARS
    for k, place in zip(shown, along[side], strict=True):
        marks += _event(k, events[k], place, side, x, y, colours[k], radii[k], errors)
    marks += [
        svg.triangle(x.at(place), y.y(top), svg.told(tip=f"{station.nsl}, {station.elevation_m:.0f} m"))
        for station, place, top in zip(stations, there[side], tops, strict=True)
    ]
    return svg.frame(x, y, marks, f"depth section along {direction}", shape)


def _axes(direction: str, along: NDArray[np.float64], depths: NDArray[np.float64]) -> tuple[svg.Axis, svg.Axis, str]:
    west, east = ("west", "east") if direction == "east" else ("south", "north")
    x = svg.linear(f"km {west} – {east}", along.min(initial=0), along.max(initial=1))
    y = svg.linear("depth (km)", depths.min(), max(depths.max(), depths.min() + 1), down=True, most=6)
    tall = (y.high - y.low) / (x.high - x.low)
    if FLATTEST <= tall <= TALLEST:
        return x, y, f"aspect-ratio:{1 / tall:.3f}"
    held = min(max(tall, FLATTEST), TALLEST)
    scale = svg.linear(
        f"depth (km), {held / tall:.2g} times", depths.min(), max(depths.max(), depths.min() + 1), True, 6
    )
    return x, scale, f"aspect-ratio:{1 / held:.3f}"


def _event(
    number: int, event: Event, place: float, side: int, x: svg.Axis, y: svg.Axis,
    colour: str, radius: float, errors: bool,
) -> list[str]:  # fmt: skip
    at = x.at(place), y.y(event.origin.depth_km)
    mark = svg.dot if is_round(event) else svg.diamond
    found = [mark(*at, radius, svg.told(number), colour)]
    if errors:
        wide = x.at(_known(spread_km(event)[side]) + x.low)
        deep = _known(event.origin.depth_uncertainty_km) if event.origin.depth_resolved else 0.0
        tall = abs(y.y(deep) - y.y(0))
        bars = svg.segment(max(at[0] - wide, 0), at[1], min(at[0] + wide, 100), at[1], "error")
        bars += svg.segment(at[0], max(at[1] - tall, 0), at[0], min(at[1] + tall, 100), "error")
        found.insert(0, bars)
    return found


def _known(error_km: float) -> float:
    """No bar for an error that is not known."""
    return error_km if np.isfinite(error_km) else 0.0


def spread_km(event: Event) -> tuple[float, float]:
    """Standard deviation towards east and towards north of its ellipse.

    A point of the ellipse at right angles to a direction u lies √(uᵀ C u) away from its middle.
    """
    long, short = event.origin.horizontal_uncertainty_km
    angle = np.radians(event.origin.ellipse_azimuth_deg)
    east = np.hypot(long * np.sin(angle), short * np.cos(angle))
    return float(east), float(np.hypot(long * np.cos(angle), short * np.sin(angle)))
