"""The peaks of a probability curve: where they are, to a fraction of a sample, and how wide."""

from __future__ import annotations

from bisect import bisect

import numpy as np
from numpy.typing import NDArray

from jijin.resampling import RATE

REFINE = 10  # samples: the centroid moves a pick by at most 0.1 s
SPREAD = 50  # samples on both sides of a peak whose probability makes the uncertainty

Curve = NDArray[np.float32]


def peaks(curve: Curve, threshold: float, separation: int, most: int | None = None) -> list[int]:
    """Samples of the peaks at or above the threshold that stand apart from every higher one, highest first.

    Two peaks are apart if there are more than `separation` samples and a value below half the lower one between them.
    The peak of a plateau is its middle. most : stop at so many; None takes them all.
    """
    if curve.max(initial=0) < threshold:
        return []
    from scipy.signal import find_peaks

    found, more = find_peaks(np.concatenate([[0], curve, [0]]), height=threshold, prominence=0)
    found = found[more["prominences"] > more["peak_heights"] / 2] - 1  # the rest has no such valley on one side
    kept: list[int] = []
    in_order: list[int] = []  # the same by time; one that stands apart from its two neighbours does from all others
    for peak in found[np.argsort(-curve[found], kind="stable")].tolist():
        at = bisect(in_order, peak)
        if all(_apart(curve, peak, other, separation) for other in in_order[max(at - 1, 0) : at + 1]):
            kept.append(peak)
            in_order.insert(at, peak)
        if len(kept) == most:
            break
    return kept


def _apart(curve: Curve, peak: int, higher: int, separation: int) -> bool:
    return abs(peak - higher) > separation and curve[min(peak, higher) : max(peak, higher)].min() < curve[peak] / 2


def refine(curve: Curve, peak: int) -> float:
    """Peak position with a fraction: the centroid of what rises above half the peak, within 0.1 s of it.

    Where the curve is so broad that half its height is out of reach, a higher level is taken, the same on both sides;
    a symmetric peak is then found without bias wherever it lies between samples.
    """
    first, stop = max(peak - REFINE, 0), min(peak + REFINE + 1, len(curve))
    part = curve[first:stop].astype(np.float64)
    at = peak - first
    level = max(part[at] / 2, *_reached_ends(part, part[at] / 2, at))
    low, high = _stretch(part > level, at)
    if low == high:
        return float(peak)
    weight = part[low:high] - level
    return first + low + float((weight * np.arange(high - low)).sum() / weight.sum())


def _reached_ends(part: NDArray[np.float64], level: float, at: int) -> tuple[float, ...]:
    """Values at those ends that the curve reaches from the peak without falling to the level."""
    low, high = _stretch(part > level, at)
    ends = [part[0]] * (low == 0 and at == REFINE) + [part[-1]] * (high == len(part) and high - at == REFINE + 1)
    return (level, *map(float, ends))


def _stretch(flags: NDArray[np.bool_], at: int) -> tuple[int, int]:
    """The stretch of True around index at: first, one after the last; empty if flags[at] is False."""
    if not flags[at]:
        return at, at
    before, after = np.flatnonzero(~flags[:at]), np.flatnonzero(~flags[at:])
    return (int(before[-1]) + 1 if len(before) else 0), (at + int(after[0]) if len(after) else len(flags))


def spread_s(curve: Curve, peak: int, centre: float, smoothing_s: float = 0.0) -> float:
    """Square root of the second moment about centre of the probability within 0.5 s of the peak, in seconds.

    smoothing_s : the same of the kernel that the curve was smoothed with; its square is taken off.
    """
    first = max(peak - SPREAD, 0)
    part = curve[first : peak + SPREAD + 1].astype(np.float64)
    distance_s = (np.arange(first, first + len(part)) - centre) / RATE
    return float(np.sqrt(max((part * distance_s**2).sum() / part.sum() - smoothing_s**2, 0.0)))
