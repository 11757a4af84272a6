"""Colours and sizes of events, the same in the map, the sections and the plots."""

from __future__ import annotations

from collections.abc import Sequence

from jijin.report.catalogue.view import kind, magnitude, used
from jijin.types import Event

DEPTHS = ("#f9b03f", "#ee6a50", "#c2378b", "#7d2fc0", "#3d4fd8")  # shallow to deep, told apart in grey as well
SMALLEST, LARGEST = 3.0, 13.0  # radius in pixels
QUIET = ("earthquake", "not determined")  # drawn as circles; all else as diamonds


def depth_colour(depth_km: float, low: float, high: float) -> str:
    """Colour of a depth between the shallowest and the deepest of a catalogue.

    >>> depth_colour(0, 0, 20), depth_colour(20, 0, 20), depth_colour(2.5, 0, 20)
    ('#f9b03f', '#3d4fd8', '#f48d48')
    """
    place = min(max((depth_km - low) / (high - low), 0.0), 1.0) * (len(DEPTHS) - 1)
    k = min(int(place), len(DEPTHS) - 2)
    channels = zip(_rgb(DEPTHS[k]), _rgb(DEPTHS[k + 1]), strict=True)
    return "#" + "".join(f"{round(a + (b - a) * (place - k)):02x}" for a, b in channels)


def _rgb(colour: str) -> list[int]:
    return [int(colour[k : k + 2], 16) for k in (1, 3, 5)]


def depth_range(events: Sequence[Event]) -> tuple[float, float]:
    """Depths in km at the ends of the colours: those of all but the last twentieth at either end."""
    depths = sorted(event.origin.depth_km for event in events) or [0.0]
    low, high = depths[len(depths) // 20], depths[-1 - len(depths) // 20]
    return (low, high) if high - low >= 1 else (low - 0.5, low + 0.5)


def radii(events: Sequence[Event]) -> list[float]:
    """In pixels, by magnitude if any event has one, else by the number of picks."""
    values = [magnitude(event) for event in events]
    if all(value is None for value in values):
        return _scaled([float(used(event)) ** 0.5 for event in events])
    least = min(value for value in values if value is not None)
    return _scaled([least if value is None else value for value in values])


def _scaled(values: Sequence[float]) -> list[float]:
    """Between the smallest radius and the largest, on the squares: small events are many."""
    low, high = min(values, default=0), max(values, default=0)
    if high - low < 1e-9:
        return [(SMALLEST + LARGEST) / 2.5] * len(values)
    return [SMALLEST + (LARGEST - SMALLEST) * ((v - low) / (high - low)) ** 1.5 for v in values]


def is_round(event: Event) -> bool:
    """Whether it is drawn as an earthquake."""
    return kind(event) in QUIET
