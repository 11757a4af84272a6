"""What the page says of each station: what it gave, and how far its arrivals lie from where they are expected."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from jijin.report.catalogue.availability import share
from jijin.report.catalogue.data import near, rounded
from jijin.report.catalogue.view import RunView, Span
from jijin.report.catalogue.view import span as whole
from jijin.types import Event, Station, nsl

Residuals = Mapping[tuple[str, str], list[float]]  # by NET.STA.LOC and phase


def station_rows(view: RunView, middle: float) -> list[dict[str, Any]]:
    """A row a station of the table, as JSON; longitudes are near the middle of the map."""
    residuals = _residuals(view.events)
    within = whole(view)
    return [_row(station, view, residuals, within, middle) for station in view.stations]


def _row(station: Station, view: RunView, residuals: Residuals, within: Span | None, middle: float) -> dict[str, Any]:
    known = {*view.coverage, *view.picks, *(name for name, _ in residuals)}
    names = [name for name in known if _is(name, station.nsl)]
    spans = [one for name in names for one in view.coverage.get(name, ())]
    row: dict[str, Any] = {
        "id": station.nsl, "lat": station.latitude, "lon": near(station.longitude, middle),
        "elev": rounded(station.elevation_m, 0),
        "picks": sum(view.picks.get(name, 0) for name in names) if view.picks else None,
        "data": rounded(100 * share(spans, within), 1) if view.coverage and within else None,
    }  # fmt: skip
    for phase in "PS":
        row |= _of_phase(phase, np.array([v for name in names for v in residuals.get((name, phase), ())]))
    return row


def _of_phase(phase: str, values: np.ndarray) -> dict[str, Any]:
    """Number of arrivals, median residual, and scatter by the median absolute deviation."""
    if not len(values):
        return {f"n{phase}": 0, f"r{phase}": None, f"s{phase}": None}
    middle = float(np.median(values))
    scatter = 1.4826 * float(np.median(np.abs(values - middle)))
    return {f"n{phase}": len(values), f"r{phase}": rounded(middle, 3), f"s{phase}": rounded(scatter, 3)}


def _is(name: str, of: str) -> bool:
    """Whether a NET.STA.LOC is a station's of the table, whose LOC may be left out."""
    return name == of or (of.endswith(".") and name.startswith(of))


def _residuals(events: Sequence[Event]) -> Residuals:
    """Those of the arrivals that took part in a location."""
    found: dict[tuple[str, str], list[float]] = defaultdict(list)
    for event in events:
        for arrival in event.origin.arrivals:
            if arrival.time_weight > 0:
                found[nsl(arrival.pick.seed_id), arrival.pick.phase_hint].append(arrival.time_residual_s)
    return found
