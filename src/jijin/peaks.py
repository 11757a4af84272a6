"""The peaks of a probability curve: where they are, to a fraction of a sample, and how wide."""

from __future__ import annotations

from bisect import bisect

import numpy as np
from numpy.typing import NDArray

from jijin.types import RATE

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
    found = _prominent(curve, _summits(curve, threshold))
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


def _summits(curve: Curve, threshold: float) -> NDArray[np.intp]:
    """Middles of the plateaus, of one sample or more, that lie at or above the threshold and above both neighbours."""
    high = np.flatnonzero(curve >= threshold)
    level = curve[high]
    starts = np.flatnonzero((level[1:] != level[:-1]) | (high[1:] > high[:-1] + 1)) + 1
    first, last = high[np.concatenate([[0], starts])], high[np.concatenate([starts, [len(high)]]) - 1]
    level, end = curve[first], len(curve) - 1
    before = np.where(first > 0, curve[first - 1], 0)
    after = np.where(last < end, curve[np.minimum(last + 1, end)], 0)
    return ((first + last) // 2)[(before < level) & (after < level)]


def _prominent(curve: Curve, summits: NDArray[np.intp]) -> NDArray[np.intp]:
    """Those with a value below half their height, or the curve's end, on both sides before it is higher than they are.

    summits : sample, ascending. See the prominence of scipy.signal.find_peaks: more than half the height.
    """
    heights = curve[summits].tolist()
    valleys = np.minimum.reduceat(curve, summits).tolist()[:-1]  # between neighbours
    left = _lowest_until_higher(heights, [0.0, *valleys])
    right = _lowest_until_higher(heights[::-1], [0.0, *valleys[::-1]])[::-1]
    good = [max(a, b) < height / 2 for a, b, height in zip(left, right, heights, strict=True)]
    return summits[good]


def _lowest_until_higher(heights: list[float], valleys: list[float]) -> list[float]:
    """The lowest value between each summit and the next higher one before it; valleys[i] lies before summit i."""
    lowest: list[float] = []
    waiting: list[int] = []  # summits that nothing as high has followed yet, falling
    for i, height in enumerate(heights):
        low = valleys[i]
        while waiting and heights[waiting[-1]] <= height:
            low = min(low, lowest[waiting.pop()])
        lowest.append(low)
        waiting.append(i)
    return lowest


def _apart(curve: Curve, peak: int, higher: int, separation: int) -> bool:
    return abs(peak - higher) > separation and curve[min(peak, higher) : max(peak, higher)].min() < curve[peak] / 2


def refine(curve: Curve, peak: int) -> float:
    """Peak position with a fraction: the centroid of what rises above half the peak, within 0.1 s of it.

    Where the curve is so broad that half its height is out of reach, a higher level is taken, the same on both sides;
    a symmetric peak is then found without bias wherever it lies between samples.
    """
    first, at = max(peak - REFINE, 0), min(peak, REFINE)
    part: list[float] = curve[first : peak + REFINE + 1].tolist()
    level = max(part[at] / 2, *_reached_ends(part, part[at] / 2, at))
    low, high = _stretch(part, level, at)
    if low == high:
        return float(peak)
    weight = [value - level for value in part[low:high]]
    return first + low + sum(i * w for i, w in enumerate(weight)) / sum(weight)


def _reached_ends(part: list[float], level: float, at: int) -> tuple[float, ...]:
    """Values at those ends that the curve reaches from the peak without falling to the level."""
    low, high = _stretch(part, level, at)
    ends = [part[0]] * (low == 0 and at == REFINE) + [part[-1]] * (high == len(part) and high - at == REFINE + 1)
    return (level, *ends)


def _stretch(part: list[float], level: float, at: int) -> tuple[int, int]:
    """The stretch above the level around index at: first, one after the last; empty if part[at] is not above it."""
    if not part[at] > level:
        return at, at
    low = high = at
    while low and part[low - 1] > level:
        low -= 1
    while high < len(part) and part[high] > level:
        high += 1
    return low, high


def spread_s(curve: Curve, peak: int, centre: float, smoothing_s: float = 0.0) -> float:
    """Square root of the second moment about centre of the probability within 0.5 s of the peak, in seconds.

    smoothing_s : the same of the kernel that the curve was smoothed with; its square is taken off.
    """
    first = max(peak - SPREAD, 0)
    part = curve[first : peak + SPREAD + 1].astype(np.float64)
    distance_s = (np.arange(first, first + len(part)) - centre) / RATE
    return float(np.sqrt(max((part * distance_s**2).sum() / part.sum() - smoothing_s**2, 0.0)))
