"""Onsets on the waveform: the network's probabilities gathered into peaks, each where the seismogram itself changes.

A network that is sure of an onset but not of its time spreads the probability over the samples that it may lie on; a
pick is to be judged by the probability that an onset lies nearby. So each curve is first summed up under a Gaussian of
0.2 s, scaled such that a sure and sharp onset keeps its height.

The network knows which change of the seismogram is a P and which is an S, but not to the sample when: its training
labels scatter by several samples. Within the peak, the Akaike information criterion of two stretches of noise-like
signal (Maeda 1985, doi:10.4294/zisin1948.38.3_365), summed over the components, finds the sample at which the variance
changes, in what the noise before it does not foretell, since microseism would hide the change. S is looked for on the
horizontals: on the vertical a slow layer below the station shows, ahead of it, S that became P. The peak is moved as
it is, so what follows (picking, uncertainty) stays; in a Detector that is done once, on the stitched curve
(jijin.moved). Lengths were chosen on training windows labelled by analysts; how far a peak moves, of P on these and the
dev split, as they are, under microseism and at 40 and 20 Hz, whose filters ring ahead of an onset; of S, and on which
components, on arrivals that published pickers share (docs/consensus.md, and the dev split). GATHER was chosen on dev.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from jijin.peaks import SPREAD, Curve, peaks, refine, spread_s
from jijin.types import RATE

SHARPNESS = {"P": 5.0, "S": 8.0}  # samples: deviation of the Gaussian that the network is trained to give at an onset
GATHER = 20.0  # samples: deviation of the Gaussian that probability is summed under
FAINT = 0.02  # probability below which a whole window is left as it is
LOWEST = 0.1  # probability of a peak that is looked at
SURE = 0.3  # probability of a P that an S is not looked for in
APART = 50  # samples between peaks
FLANK = 100  # samples on either side of a peak that move with it, or less: up to the valley before the next peak
LEAST = 20  # samples before an onset that can tell its noise
CONTRAST = 3.0  # deviation after an onset over before it, on some component, that makes it believable
Window = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Search:
    """Where an onset is looked for, in samples around the peak of its curve, and how far the peak moves towards it."""

    before: int
    after: int
    reach: int  # an onset farther away is another one
    share: float  # of the way; 1 trusts the waveform alone
    horizontal: bool  # the vertical counts only where no horizontal does


P = Search(before=150, after=25, reach=30, share=0.7, horizontal=False)
S = Search(before=100, after=30, reach=25, share=0.5, horizontal=True)
REACH = 500  # samples: from one to a peak that is moved there, to a P ahead of it, and to what its onset is found with


def retime(window: Window, gaps: NDArray[np.bool_], p: Curve, s: Curve) -> tuple[Curve, Curve]:
    """P and S curves (sample,) of a normalised window (3, sample) with their peaks moved; inputs stay as they are.

    What lies more than REACH samples away changes nothing, but where a curve stays up for as long: its end is a valley.
    gaps : (3, sample), True where a component has no data: it does not count for onsets nearby.
    """
    new_p = _retime(window, gaps, p, P, [])
    return new_p, _retime(window, gaps, s, S, peaks(new_p, SURE, APART))


def gather(curve: Curve, sharpness: float) -> Curve:
    """Probability of an onset around each sample (sample,): a Gaussian of that sharpness and height 1 stays 1 high.

    A curve that is faint throughout comes back itself.

    >>> x = np.arange(600)
    >>> sure, unsure = (np.exp(-0.5 * ((x - 300) / d) ** 2).astype(np.float32) / d * 5 for d in (5, 20))
    >>> [round(float(gather(c, 5).max()), 2) for c in (sure, unsure)], round(float(unsure.max()), 2)
    ([1.0, 0.73], 0.25)
    """
    if curve.max(initial=0) < FAINT:
        return curve
    n = -(-(len(curve) + int(4 * GATHER)) // 128) * 128
    wide = np.fft.irfft(np.fft.rfft(curve, n) * _gaussian(n), n)[: len(curve)].astype(np.float32, copy=False)
    return np.clip(wide * np.float32(np.hypot(sharpness, GATHER) / sharpness), 0, 1)


def smoothing_s() -> float:
    """Spread, as picks are measured, that gathering gives to a peak without any width of its own."""
    x = np.arange(-3 * SPREAD, 3 * SPREAD + 1)
    return spread_s(np.exp(-0.5 * (x / GATHER) ** 2).astype(np.float32), 3 * SPREAD, 3 * SPREAD)


@cache
def _gaussian(n: int) -> NDArray[np.float32]:
    """Transfer function of the Gaussian that gathers, on the frequencies of rfft."""
    frequency_hz = np.fft.rfftfreq(n, 1 / RATE)
    gain: NDArray[np.float32] = np.exp(-2 * (np.pi * frequency_hz * GATHER / RATE) ** 2).astype(np.float32)
    return gain


def _retime(window: Window, gaps: NDArray[np.bool_], curve: Curve, search: Search, earlier: list[int]) -> Curve:
    """earlier : peaks of the phase before, whose energy is not the noise that this phase rises out of."""
    out, found = curve.copy(), sorted(peaks(curve, LOWEST, APART))
    centres = [refine(curve, peak) for peak in found]
    spans = []
    for peak, centre in zip(found, centres, strict=True):
        first = max([round(centre) - search.before, 0, *(e + 10 for e in earlier if e < peak - 10)])
        spans.append((first, round(centre) + search.after))
    onsets = find_onsets(window, gaps, spans, search.horizontal)
    for k, (peak, centre, onset) in enumerate(zip(found, centres, onsets, strict=True)):
        if onset is not None and abs(onset - centre) <= search.reach:
            low = _valley(curve, max([peak - FLANK, *found[:k][-1:]]), peak)
            high = _valley(curve, peak, min([peak + FLANK, *found[k + 1 : k + 2]]))
            _move(out, curve, low, high, search.share * (onset - centre))
    return out


def find_onsets(
    window: Window, gaps: NDArray[np.bool_], spans: Sequence[tuple[int, int]], horizontal: bool = False
) -> list[int | None]:
    """In each of the spans (first, stop) the sample at which the variance changes, by Akaike's criterion.

    None without noise ahead of it or a change to speak of, and where a span is short or sticks out of the window. A
    component that is dead or has a gap in a span does not count there; nor, if horizontal, does the vertical where
    another one does.

    >>> x = np.random.default_rng(0).standard_normal((1, 200)) * np.repeat([1.0, 9.0], 100)
    >>> find_onsets(x, np.zeros((1, 200), bool), [(0, 200), (10, 90)])
    [100, None]
    """
    found: list[int | None] = [None] * len(spans)
    usable = [i for i, (a, b) in enumerate(spans) if a >= 0 and b <= window.shape[-1] and b - a >= 2 * LEAST]
    if usable:
        first, stop = np.array([spans[i] for i in usable]).T
        index = np.minimum(first[:, None] + np.arange((stop - first).max()), stop[:, None] - 1)
        whole = np.logical_not(gaps[:, index].any(-1))
        changes = _changes(whitened(window[:, index].astype(np.float64), stop - first), whole, stop - first, horizontal)
        for i, start, change in zip(usable, first.tolist(), changes, strict=True):
            found[i] = None if change is None else start + change
    return found


def whitened(x: NDArray[np.float64], length: NDArray[np.intp]) -> NDArray[np.float64]:
    """x : (component, span, sample) without what the sample before tells of each, learnt from the first half of the
    length (span,): order 1 of AR-AIC.

    Sleeman & van Eck 1999, doi:10.1016/S0031-9201(99)00007-2. White noise stays as it is, slow noise is differenced.
    """
    noise = np.where(np.arange(x.shape[-1]) < length[:, None] // 2, x, 0)
    power = np.maximum((noise**2).sum(-1, keepdims=True), 1e-30)
    told = np.clip((noise[..., 1:] * noise[..., :-1]).sum(-1, keepdims=True) / power, 0, 1)
    new = x[..., 1:] - told * x[..., :-1]
    return np.concatenate([new[..., :1], new], axis=-1)


def _changes(
    x: NDArray[np.float64], whole: NDArray[np.bool_], length: NDArray[np.intp], horizontal: bool
) -> list[int | None]:
    """x : (component, span, sample), whole : (component, span); only the first length (span,) samples of each count.

    AIC(k) = k log var(x[:k]) + (n - k) log var(x[k:]), summed over components.
    """
    k, n, row = np.arange(1, x.shape[-1]), length[:, None], np.arange(len(length))
    sums, squares = np.cumsum(x, -1), np.cumsum(x * x, -1)
    total, total_squares = sums[:, row, length - 1], squares[:, row, length - 1]
    before = squares[..., :-1] / k - (sums[..., :-1] / k) ** 2
    m, rest = np.maximum(n - k, 1), total[..., None] - sums[..., :-1]
    after = (total_squares[..., None] - squares[..., :-1]) / m - (rest / m) ** 2
    variance = total_squares / length - (total / length) ** 2
    counts, least = whole & (variance > 1e-12), np.maximum(1e-8 * variance, 1e-20)[..., None]
    if horizontal:
        counts[0] &= ~counts[1:].any(0)
    aic = k * np.log(np.maximum(before, least)) + m * np.log(np.maximum(after, least))
    aic = np.where((k >= 4) & (k < n - 4), (aic * counts[..., None]).sum(0), np.inf)
    best = aic.argmin(-1)
    rises = after[:, row, best] >= CONTRAST**2 * before[:, row, best]
    good = (k[best] >= LEAST) & (rises & counts).any(0)
    return [change if ok else None for change, ok in zip(k[best].tolist(), good.tolist(), strict=True)]


def _valley(curve: Curve, left: int, right: int) -> int:
    """Lowest sample between two, inside the curve."""
    first, last = max(left, 0), min(right, len(curve) - 1)
    return first + int(curve[first : last + 1].argmin())


def _move(out: Curve, curve: Curve, low: int, high: int, shift: float) -> None:
    """Move what rises above the line from low to high by a fraction of samples or many; out is changed."""
    length, base = high - low + 1, float(curve[low])  # doubles, or a plateau comes out with a peak of its own
    slope = (float(curve[high]) - base) / max(high - low, 1)
    line = base + slope * np.arange(length)
    bump = np.maximum(curve[low : high + 1] - line, 0)
    out[low : high + 1] = np.minimum(curve[low : high + 1], line)
    ahead = int(shift) - 1  # where the moved bump, with room for its fraction, starts
    moved = base + slope * np.clip(np.arange(ahead, ahead + length + 2), 0, length - 1)
    begin, part = math.floor(shift) - ahead, shift - math.floor(shift)
    moved[begin : begin + length] += (1 - part) * bump
    moved[begin + 1 : begin + 1 + length] += part * bump
    first = low + ahead
    start, stop = max(first, 0), min(first + length + 2, len(curve))
    out[start:stop] = np.clip(moved[start - first : stop - first], out[start:stop], 1)  # on a slope it could pass 1
