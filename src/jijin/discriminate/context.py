"""What else is known of an event: the clock, its depth, quarries nearby. Off unless asked for, and never enough alone.

Each part is a log odds of a blast against an earthquake from shares that are written in ContextConfig, not trained:
hours of work are those of a region, and a catalogue in which analysts held the depth of blasts at zero teaches only
that. Their sum is held within +-most, so that a waveform that speaks clearly is never outvoted by the clock.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from jijin.config import check_range
from jijin.types import NS, Origin

DEGREE_KM = 111.195
THURSDAY = 3  # 1 January 1970


@dataclass(frozen=True, slots=True)
class ContextConfig:
    """Shares of blasts; earthquakes do not know the hour, and are taken as even over the day and the week."""

    working_hours: tuple[float, float] = (7.0, 18.0)  # local mean solar time
    share_in_hours: float = 0.95  # of blasts
    share_on_sunday: float = 0.03
    share_deep: float = 0.02  # of blasts whose depth is resolved and surely below deep_km; of earthquakes half
    deep_km: float = 5.0
    quarries: tuple[tuple[float, float], ...] = ()  # latitude and longitude of known ones, degrees
    quarry_km: float = 5.0  # an epicentre within this, and its own uncertainty, of a quarry is at it
    share_at_quarry: float = 0.8  # of blasts
    share_by_chance: float = 0.05  # of earthquakes that lie that near to one
    most: float = 1.5  # log odds that all of it counts at most

    def __post_init__(self) -> None:
        for name in ("share_in_hours", "share_on_sunday", "share_deep", "share_at_quarry", "share_by_chance"):
            check_range(name, getattr(self, name), 0, 0.999)
        check_range("most", self.most, 0, 5)
        check_range("length of 'working_hours'", self.working_hours[1] - self.working_hours[0], 0, 23.9)


def context(origin: Origin, config: ContextConfig) -> list[tuple[str, float]]:
    """Parts of the log odds of a blast, in words; their sum is within +-config.most."""
    parts = list(_parts(origin, config))
    total = sum(odds for _, odds in parts)
    shrink = min(1.0, config.most / abs(total)) if total else 1.0
    return [(name, odds * shrink) for name, odds in parts]


def _parts(origin: Origin, c: ContextConfig) -> Iterator[tuple[str, float]]:
    hour = local_hour(origin.time_ns, origin.longitude)
    inside = c.working_hours[0] <= hour < c.working_hours[1]
    yield "context: local hour", _odds(inside, c.share_in_hours, (c.working_hours[1] - c.working_hours[0]) / 24)
    sunday = weekday(origin.time_ns, origin.longitude) == 6
    yield "context: day of the week", _odds(sunday, c.share_on_sunday, 1 / 7)
    if origin.depth_resolved:
        deep = origin.depth_km - 2 * origin.depth_uncertainty_km > c.deep_km
        yield "context: depth", _odds(deep, c.share_deep, 0.5)
    if c.quarries:
        near = min(_apart_km(origin, *quarry) for quarry in c.quarries)
        at = near <= c.quarry_km + origin.horizontal_uncertainty_km[0]
        yield "context: known quarry", _odds(at, c.share_at_quarry, c.share_by_chance)


def _odds(true: bool, of_blasts: float, of_earthquakes: float) -> float:
    return math.log(of_blasts / of_earthquakes) if true else math.log((1 - of_blasts) / (1 - of_earthquakes))


def local_hour(time_ns: int, longitude: float) -> float:
    """Hour of the day, 0 to 24, in local mean solar time: no time zone needs to be known.

    >>> round(local_hour(0, -120.0), 3)
    16.0
    """
    return (time_ns / NS / 3600 + longitude / 15) % 24


def weekday(time_ns: int, longitude: float) -> int:
    """Day of the week in local mean solar time, Monday is 0.

    >>> weekday(0, 0.0), weekday(0, -120.0)
    (3, 2)
    """
    return (math.floor((time_ns / NS / 3600 + longitude / 15) / 24) + THURSDAY) % 7


def _apart_km(origin: Origin, latitude: float, longitude: float) -> float:
    """Distance on a sphere, by the haversine formula."""
    a, b = math.radians(origin.latitude), math.radians(latitude)
    half = math.radians(longitude - origin.longitude) / 2
    h = math.sin((b - a) / 2) ** 2 + math.cos(a) * math.cos(b) * math.sin(half) ** 2
    return 2 * math.degrees(math.asin(min(math.sqrt(h), 1.0))) * DEGREE_KM
