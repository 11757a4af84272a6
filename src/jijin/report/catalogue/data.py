"""What the script of the page knows of events and stations, as JSON."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from jijin.io.tables import iso
from jijin.report.catalogue.coast import Box
from jijin.report.catalogue.colours import depth_colour, depth_range, is_round, radii
from jijin.report.catalogue.expected import Expected
from jijin.report.catalogue.view import RunView, kind, magnitude, used
from jijin.types import Arrival, Event, Magnitude


def in_script(value: Any) -> str:
    """JSON that can stand in a script element: no word in it ends the element."""
    text = json.dumps(value, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026").replace("\u2028", "\\u2028")


def rounded(value: float | None, digits: int) -> float | None:
    """For JSON: what is not finite is None."""
    return None if value is None or not np.isfinite(value) else round(float(value), digits)


def near(longitude: float, middle: float) -> float:
    """The same meridian, within 180 degrees of another one: a map over the date line is one map.

    >>> near(-179.0, 178.0), near(13.0, 14.0)
    (181.0, 13.0)
    """
    return longitude - 360 * round((longitude - middle) / 360)


def event_row(event: Event, colour: str, radius: float, middle: float) -> dict[str, Any]:
    """An event as the map, the table and the panel show it."""
    origin = event.origin
    long, short = origin.horizontal_uncertainty_km
    return {
        "id": event.event_id, "time": iso(origin.time_ns)[:23].replace("T", " "), "ms": origin.time_ns // 1_000_000,
        "lat": rounded(origin.latitude, 5), "lon": rounded(near(origin.longitude, middle), 5),
        "z": rounded(origin.depth_km, 2), "m": rounded(magnitude(event), 2), "kind": kind(event),
        "n": used(event), "np": _count(event, "P"), "ns": _count(event, "S"),
        "rms": rounded(origin.rms_s, 3), "gap": rounded(origin.azimuthal_gap_deg, 0),
        "near": rounded(origin.nearest_km, 1),
        "et": rounded(origin.time_uncertainty_s, 3), "ea": rounded(long, 2), "eb": rounded(short, 2),
        "eaz": rounded(origin.ellipse_azimuth_deg, 0), "ez": rounded(origin.depth_uncertainty_km, 2),
        "zok": origin.depth_resolved, "mode": event.evaluation_mode, "v": event.version,
        "c": colour, "r": round(radius, 1), "o": int(is_round(event)),
        **_source(event), **_size(event.magnitude),
    }  # fmt: skip


def _count(event: Event, phase: str) -> int:
    return sum(arrival.pick.phase_hint == phase for arrival in event.origin.arrivals)


def _source(event: Event) -> dict[str, Any]:
    found = event.source_type
    if found is None:
        return {}
    classes = sorted(found.probabilities.items(), key=lambda item: -item[1])
    return {
        "p": rounded(found.probability, 3),
        "sure": found.certainty,
        "classes": [[name, rounded(value, 3)] for name, value in classes],
        "why": [[name, rounded(value, 2)] for name, value in found.reasons],
    }


def _size(found: Magnitude | None) -> dict[str, Any]:
    if found is None:
        return {}
    return {"mk": found.kind, "me": rounded(found.uncertainty, 2), "mf": found.formula, "mwhy": found.reason}


def detail(event: Event, stations: Sequence[Expected]) -> dict[str, Any]:
    """Arrivals and station magnitudes of an event, and when P and S are expected, the nearest station first."""
    arrivals = sorted(event.origin.arrivals, key=lambda a: (a.distance_km, a.pick.time_ns))
    sizes = sorted(event.magnitude.stations if event.magnitude else (), key=lambda s: s.distance_km)
    return {
        "arrivals": [_arrival(a, event) for a in arrivals],
        "sizes": [[s.seed_id, rounded(s.value, 2), rounded(s.amplitude_mm, 6), rounded(s.distance_km, 1),
                   "; ".join(filter(None, (s.reason, s.note)))] for s in sizes],
        "stations": [[e.nsl, rounded(e.distance_km, 2), rounded(e.p_s, 2), rounded(e.s_s, 2)] for e in stations],
    }  # fmt: skip


def _arrival(arrival: Arrival, event: Event) -> list[Any]:
    pick = arrival.pick
    seconds = (pick.time_ns - event.origin.time_ns) / 1e9
    return [pick.seed_id, pick.phase_hint, rounded(seconds, 3), rounded(arrival.time_residual_s, 3),
            rounded(arrival.time_weight, 3), rounded(arrival.distance_km, 2), rounded(arrival.azimuth_deg, 0),
            rounded(pick.probability, 3), rounded(pick.time_uncertainty_s, 3)]  # fmt: skip


def event_rows(view: RunView, shown: Sequence[int], middle: float) -> list[dict[str, Any] | None]:
    """All events by number, None for those that are not drawn."""
    low, high = depth_range(view.events)
    sizes = radii(view.events)
    drawn = set(shown)
    return [
        event_row(e, depth_colour(e.origin.depth_km, low, high), sizes[k], middle) if k in drawn else None
        for k, e in enumerate(view.events)
    ]


def kinds(events: Sequence[Event]) -> list[tuple[str, int]]:
    """Event types, the most frequent first."""
    return Counter(kind(event) for event in events).most_common()


def box(view: RunView, margin: float = 1.5) -> tuple[Box, float] | None:
    """What the map has to hold with room around it, and the longitude in its middle; None of an empty run."""
    places = [(s.latitude, s.longitude) for s in view.stations]
    places += [(e.origin.latitude, e.origin.longitude) for e in view.events]
    if not places:
        return None
    first = places[0][1]
    lat, lon = np.array([(latitude, near(longitude, first)) for latitude, longitude in places]).T
    tall, wide = max(np.ptp(lat) * margin, 1.0), max(np.ptp(lon) * margin, 1.5)
    edges = lat.min() - tall, lon.min() - wide, lat.max() + tall, lon.max() + wide
    return tuple(map(float, edges)), float((lon.min() + lon.max()) / 2)  # type: ignore[return-value]
