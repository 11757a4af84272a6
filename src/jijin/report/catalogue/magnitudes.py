"""Magnitude-frequency: completeness, b-value and their errors. Pure functions of magnitudes."""

from __future__ import annotations

from dataclasses import dataclass
from math import e, log10

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
BIN = 0.1  # magnitude units
CORRECTION = 0.2  # maximum curvature finds too low a completeness by about this (Woessner & Wiemer, 2005, BSSA 95)
FEWEST = 50  # magnitudes at and above completeness that a b-value is given for


@dataclass(frozen=True, slots=True)
class GutenbergRichter:
    """log10 N(M or larger) = a - b M from `completeness` up; None with the reason where the data do not tell."""

    completeness: float | None
    events: int  # at completeness and above
    b: float | None = None
    b_uncertainty: float | None = None  # one standard deviation
    a: float | None = None
    reason: str = ""


def binned(magnitudes: ArrayLike, width: float = BIN) -> tuple[Floats, NDArray[np.int64]]:
    """Centres of bins, multiples of width from the smallest magnitude to the largest, and how many lie in each."""
    index = _index(magnitudes, width)
    if not len(index):
        return np.empty(0), np.empty(0, int)
    low = int(index.min())
    counts = np.bincount(index - low)
    return np.round((low + np.arange(len(counts))) * width, 10), counts


def _index(magnitudes: ArrayLike, width: float) -> NDArray[np.int64]:
    """Number of the bin that each lies in; of two bins at its border the upper one."""
    return np.floor(np.round(np.asarray(magnitudes, float) / width, 6) + 0.5).astype(int)


def completeness(magnitudes: ArrayLike, width: float = BIN) -> float:
    """Magnitude from which on the catalogue is complete: maximum curvature + 0.2 (Wiemer & Wyss, 2000, BSSA 90).

    The fullest bin of the frequency-magnitude distribution is where the cumulative one bends most.
    """
    centres, counts = binned(magnitudes, width)
    return float(np.round(centres[int(np.argmax(counts))] + CORRECTION, 10))


def b_value(magnitudes: ArrayLike, least: float, width: float = BIN) -> tuple[float, float]:
    """b and its standard deviation from the magnitudes at least - width / 2 and above.

    b after Aki (1965, Bull. Earthq. Res. Inst. 43) with Utsu's (1966) half bin, which is exact for magnitudes that are
    not rounded and right to 1 % of b = 1 for those rounded to 0.1; its error after Shi & Bolt (1982, BSSA 72).
    """
    above = complete(magnitudes, least, width)
    mean = above.mean()
    b = log10(e) / (mean - (least - width / 2))
    scatter = np.sqrt(((above - mean) ** 2).sum() / (len(above) * (len(above) - 1)))
    return float(b), float(b * b * scatter / log10(e))


def complete(magnitudes: ArrayLike, least: float, width: float = BIN) -> Floats:
    """Those in the bin of `least` and above."""
    values = np.asarray(magnitudes, float)
    return values[_index(values, width) >= _index([least], width)[0]]


def gutenberg_richter(magnitudes: ArrayLike, width: float = BIN) -> GutenbergRichter:
    """All of it, as far as the magnitudes allow."""
    values = np.asarray(magnitudes, float)
    if not len(values):
        return GutenbergRichter(None, 0, reason="no event has a magnitude")
    least = completeness(values, width)
    above = complete(values, least, width)
    if len(above) < FEWEST:
        return GutenbergRichter(
            least, len(above), reason=f"{len(above)} magnitudes from completeness up; {FEWEST} are needed"
        )
    if np.ptp(above) == 0:
        return GutenbergRichter(least, len(above), reason="all magnitudes from completeness up are equal")
    b, error = b_value(values, least, width)
    return GutenbergRichter(least, len(above), b, error, log10(len(above)) + b * (least - width / 2))


def at_least(magnitudes: ArrayLike, centres: Floats, width: float = BIN) -> NDArray[np.int64]:
    """How many magnitudes lie in each bin or above it."""
    ordered = np.sort(_index(magnitudes, width))
    return len(ordered) - np.searchsorted(ordered, _index(centres, width))
