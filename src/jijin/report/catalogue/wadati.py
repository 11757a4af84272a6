"""Vp/Vs from P and S arrival times alone (Wadati, 1933), of all events together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from jijin.types import NS, Event, nsl

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
FEWEST = 3  # stations with P and S of an event that it takes part with
FEWEST_PAIRS = 10  # of all events
ROUNDS = 50  # of reweighting, at most
LEAST_S = 0.01  # scatter of the best picks: a chance agreement of few is no reason to drop the others
TUKEY = 4.685  # scatters beyond which a pair counts nothing


@dataclass(frozen=True, slots=True)
class Pair:
    """P and S of one event at one station."""

    event: int  # number in the catalogue
    nsl: str
    p_s: float  # seconds from the event's origin time
    s_s: float


@dataclass(frozen=True, slots=True)
class Wadati:
    """S minus P against P, each event's P counted from the origin time at which its own line starts."""

    vp_vs: float | None
    uncertainty: float | None  # one standard deviation
    pairs: tuple[Pair, ...] = ()  # those of the fit
    p_s: tuple[float, ...] = ()  # travel time of P that the pairs themselves imply
    s_minus_p_s: tuple[float, ...] = ()
    reason: str = ""


def pairs(events: Iterable[Event]) -> list[Pair]:
    """Every station of every event that has both; of two picks of a phase the more probable one."""
    return [pair for number, event in enumerate(events) for pair in _pairs(number, event)]


def _pairs(number: int, event: Event) -> list[Pair]:
    times: dict[str, dict[str, float]] = {}
    for arrival in sorted(event.origin.arrivals, key=lambda arrival: arrival.pick.probability):
        pick = arrival.pick
        times.setdefault(nsl(pick.seed_id), {})[pick.phase_hint] = (pick.time_ns - event.origin.time_ns) / NS
    both: Mapping[str, dict[str, float]] = {name: t for name, t in sorted(times.items()) if {"P", "S"} <= set(t)}
    return [Pair(number, name, t["P"], t["S"]) for name, t in both.items() if t["S"] > t["P"]]


def fit(found: Iterable[Pair]) -> Wadati:
    """Vp/Vs with its error, robust against wrong picks and free of the origin times.

    In a medium of one Vp/Vs the S times of an event are its P times stretched and shifted. One slope for all events
    and a shift for each are fitted by orthogonal distance, as P and S both have errors, with Tukey's biweight.
    """
    kept = sorted(_of_enough_stations(list(found)), key=lambda pair: pair.event)
    if not kept:
        return Wadati(None, None, reason=f"no event has both P and S at {FEWEST} stations")
    if len(kept) < FEWEST_PAIRS:
        return Wadati(None, None, reason=f"{len(kept)} pairs of P and S; {FEWEST_PAIRS} are needed")
    _, event = np.unique([pair.event for pair in kept], return_inverse=True)
    p, s = np.array([pair.p_s for pair in kept]), np.array([pair.s_s for pair in kept])
    start = _start(p, s, event)
    slope, error = _line(p, s, event, start) if np.isfinite(start) else (start, start)
    if not 1 < slope < 5:
        return Wadati(None, None, reason="P and S times lie on no line")
    travel = p - _medians(p - (s - p) / (slope - 1), event)
    return Wadati(slope, error, tuple(kept), tuple(map(float, travel)), tuple(map(float, s - p)))


def _of_enough_stations(found: list[Pair]) -> list[Pair]:
    counts = Counter(pair.event for pair in found)
    return [pair for pair in found if counts[pair.event] >= FEWEST]


def _by_event(values: Floats, event: Ints) -> list[Floats]:
    """Values of one event after the other; event is in order."""
    return np.split(values, np.flatnonzero(np.diff(event)) + 1)


def _medians(values: Floats, event: Ints) -> Floats:
    """Of each value the median of its event."""
    return np.array([np.median(part) for part in _by_event(values, event)])[event]


def _start(p: Floats, s: Floats, event: Ints) -> float:
    """Median of the slopes between the stations of each event, those close to one another left out."""
    slopes = [_slopes(*both) for both in zip(_by_event(p, event), _by_event(s, event), strict=True)]
    return float(np.median(found)) if len(found := np.concatenate(slopes)) else float("nan")


def _slopes(p: Floats, s: Floats) -> Floats:
    one, other = np.triu_indices(len(p), 1)
    apart = p[one] - p[other]
    far = np.abs(apart) > 0.3 * np.ptp(p)
    return (s[one] - s[other])[far] / apart[far]


def _line(p: Floats, s: Floats, event: Ints, slope: float) -> tuple[float, float]:
    """Slope of s = slope p + shift of the event, and its standard deviation, from a first guess of the slope."""
    distance = (s - slope * p - _medians(s - slope * p, event)) / np.hypot(1, slope)
    for _ in range(ROUNDS):
        weight = _weights(distance)
        x, y = p - _means(p, weight, event), s - _means(s, weight, event)
        before, slope = slope, _orthogonal(x, y, weight)
        distance = (y - slope * x) / np.hypot(1, slope)
        if abs(slope - before) < 1e-9:
            break
    free = max(weight.sum() - event.max() - 2, 1)
    along = (weight * ((x + slope * y) / np.hypot(1, slope)) ** 2).sum()
    variance = (weight * distance**2).sum() / free
    return slope, float(np.sqrt(variance / along) * (1 + slope**2)) if along else 0.0


def _weights(distance: Floats) -> Floats:
    scale = max(1.4826 * float(np.median(np.abs(distance))), LEAST_S)
    return np.clip(1 - (distance / (TUKEY * scale)) ** 2, 0, None) ** 2


def _means(values: Floats, weight: Floats, event: Ints) -> Floats:
    """Of each value the weighted mean of its event."""
    total = np.maximum(np.bincount(event, weight), 1e-12)
    return (np.bincount(event, weight * values) / total)[event]


def _orthogonal(x: Floats, y: Floats, weight: Floats) -> float:
    xx, yy, xy = (float((weight * product).sum()) for product in (x * x, y * y, x * y))
    return float(yy - xx + np.hypot(yy - xx, 2 * xy)) / (2 * xy) if xy else 0.0
