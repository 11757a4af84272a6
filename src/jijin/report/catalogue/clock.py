"""Events by local hour and weekday, and where they keep working hours: suspected quarries."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from jijin.config import check_range
from jijin.network.geo import LocalFrame
from jijin.types import DAY_NS, NS

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
HOUR_NS = 3600 * NS
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
FIRST_WEEKDAY = 3  # 1970-01-01 was a Thursday


@dataclass(frozen=True, slots=True)
class ClockConfig:
    """What day is, and what counts as a cluster of daytime events."""

    utc_offset_h: float | None = None  # local time - UTC; None takes the sun's, from the longitude
    day_start_h: float = 7.0  # local time; blasting hours of Wiemer & Baer (2000, BSSA 90)
    day_end_h: float = 18.0
    radius_km: float = 5.0  # around a node of the map
    fewest: int = 10  # events within it
    ratio: float = 1.5  # day/night ratio from which on a node is suspected
    chance: float = 0.01  # that any node of the map is suspected if all events fall at any hour alike

    def __post_init__(self) -> None:
        if self.utc_offset_h is not None:
            check_range("utc_offset_h", self.utc_offset_h, -14.01, 14)
        check_range("day_start_h", self.day_start_h, -0.01, 23)
        check_range("day_end_h", self.day_end_h, self.day_start_h, 24)
        check_range("radius_km", self.radius_km, 0, 500)
        check_range("fewest", self.fewest, 1, float("inf"))
        check_range("ratio", self.ratio, 1, float("inf"))
        check_range("chance", self.chance, 0, 1)

    @property
    def day_hours(self) -> float:
        return self.day_end_h - self.day_start_h


@dataclass(frozen=True, slots=True)
class Node:
    """A place of the map with enough events around it."""

    latitude: float
    longitude: float
    events: tuple[int, ...]  # their numbers
    day: int
    night: int
    ratio: float  # per hour of day to per hour of night; inf without any at night
    chance: float  # of so many days against nights, if the hour did not matter


def offset_h(longitudes: ArrayLike) -> float:
    """Local time - UTC by the sun, in whole hours, of the middle of some longitudes.

    >>> offset_h([14.2, 16.0])
    1.0
    """
    angles = np.radians(np.asarray(longitudes, float))
    middle = np.arctan2(np.sin(angles).mean(), np.cos(angles).mean()) if len(angles) else 0.0
    return float(np.round(np.degrees(middle) / 15.0)) + 0.0


def local_hours(times_ns: ArrayLike, utc_offset_h: float) -> Floats:
    """Hour of the local day, 0 to 24, of each time."""
    return (_local(times_ns, utc_offset_h) % DAY_NS) / HOUR_NS


def local_weekdays(times_ns: ArrayLike, utc_offset_h: float) -> Ints:
    """Number in WEEKDAYS of the local day of each time."""
    return (_local(times_ns, utc_offset_h) // DAY_NS + FIRST_WEEKDAY) % 7


def _local(times_ns: ArrayLike, utc_offset_h: float) -> Ints:
    return np.asarray(times_ns, np.int64) + round(utc_offset_h * HOUR_NS)


def day_night_ratio(day: int, night: int, day_hours: float) -> float:
    """Events an hour of day to events an hour of night: (Nd Ln) / (Nn Ld) of Wiemer & Baer (2000).

    >>> day_night_ratio(22, 13, 11), day_night_ratio(3, 0, 11)
    (2.0, inf)
    """
    return day * (24 - day_hours) / (night * day_hours) if night else float("inf") if day else float("nan")


def nodes(
    times_ns: ArrayLike, latitudes: ArrayLike, longitudes: ArrayLike, config: ClockConfig, utc_offset_h: float
) -> list[Node]:
    """Every place of a grid of half a radius that has enough events around it."""
    lat, lon = np.asarray(latitudes, float), np.asarray(longitudes, float)
    if len(lat) < config.fewest:
        return []
    frame = LocalFrame(float(np.median(lat)), float(np.median(lon)))
    places = np.column_stack(frame.to_km(lat, lon))
    centres, around = _neighbours(places, config)
    hours = local_hours(times_ns, utc_offset_h)
    is_day = (hours >= config.day_start_h) & (hours < config.day_end_h)
    days = _local(times_ns, utc_offset_h) // DAY_NS
    where = np.column_stack(frame.to_degrees(*centres.T)) if len(centres) else centres
    return [_node(place, np.array(near), is_day, days, config) for place, near in zip(where, around, strict=True)]


def _neighbours(places: Floats, config: ClockConfig) -> tuple[Floats, list[list[int]]]:
    """Grid nodes that have events enough within a radius, and which: only cells near an event are looked at."""
    from scipy.spatial import cKDTree

    step = config.radius_km / 2
    cells = np.unique(np.round(places / step).astype(int), axis=0)
    centres = cells * step
    around = [sorted(near) for near in cKDTree(places).query_ball_point(centres, config.radius_km)]
    enough = [len(near) >= config.fewest for near in around]
    return centres[enough], [near for near, kept in zip(around, enough, strict=True) if kept]


def _node(place: Floats, near: Ints, is_day: NDArray[np.bool_], days: Ints, config: ClockConfig) -> Node:
    day = int(is_day[near].sum())
    night = len(near) - day
    chance = _chance(len(set(days[near[is_day[near]]])), len(set(days[near[~is_day[near]]])), config)
    ratio = day_night_ratio(day, night, config.day_hours)
    return Node(float(place[0]), float(place[1]), tuple(map(int, near)), day, night, ratio, chance)


def _chance(with_day: int, with_night: int, config: ClockConfig) -> float:
    """Of so many dates with an event by day against those with one by night, or more: a swarm counts once a date."""
    from scipy.stats import binom

    return float(binom.sf(with_day - 1, with_day + with_night, config.day_hours / 24))


def suspected(found: list[Node], config: ClockConfig) -> list[Node]:
    """Clusters of daytime events, the surest first: nodes beyond ratio and chance that share no event with a surer one.

    The chance is divided by the number of nodes (Bonferroni).
    """
    likely = [node for node in found if node.ratio >= config.ratio and node.chance * len(found) < config.chance]
    taken: set[int] = set()
    kept = []
    for node in sorted(likely, key=lambda node: (node.chance, -len(node.events), node.latitude, node.longitude)):
        if taken.isdisjoint(node.events):
            kept.append(node)
        taken.update(node.events)
    return kept
