"""Whether an event is an alarm by a rule, and the numbers that say so."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from jijin.live.rules import EventRule
from jijin.network.geo import distance_azimuth
from jijin.types import Event, net_sta


def judge(rule: EventRule, event: Event) -> tuple[str, dict[str, Any]]:
    """Why an event gives no alarm, "" if it does; and the numbers it was judged by."""
    origin, size = event.origin, event.magnitude.value if event.magnitude else None
    kind = event.source_type.event_type if event.source_type else None
    stations = sorted({net_sta(a.pick.seed_id) for a in origin.arrivals if a.time_weight > 0})
    km = None
    if rule.place is not None:
        km = float(distance_azimuth(rule.place[0], rule.place[1], origin.latitude, origin.longitude)[0])
    reason = {
        "stations": stations, "magnitude": size, "event_type": kind, "distance_km": km, "rms_s": round(origin.rms_s, 3),
        "azimuthal_gap_deg": round(origin.azimuthal_gap_deg, 1), "version": event.version, "asked": asdict(rule),
    }  # fmt: skip
    return next(iter(_refusals(rule, len(stations), size, kind, km, origin.rms_s)), ""), reason


def _refusals(
    rule: EventRule, stations: int, size: float | None, kind: str | None, km: float | None, rms_s: float
) -> Iterator[str]:
    if stations < rule.stations:
        yield f"{stations} stations"
    if rule.magnitude is not None and size is None and not rule.unknown_magnitude:
        yield "no magnitude"
    if rule.magnitude is not None and size is not None and size < rule.magnitude:
        yield f"magnitude {size:.1f}"
    if km is not None and rule.within_km is not None and km > rule.within_km:
        yield f"{km:.0f} km away"
    if rms_s > rule.rms_s:
        yield f"rms {rms_s:.2f} s"
    if kind in rule.never:
        yield f"it is of type {kind}"
