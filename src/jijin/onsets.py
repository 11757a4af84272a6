"""Onsets on the waveform: the network's probabilities gathered into peaks, each where the seismogram itself changes.

A network that is sure of an onset but not of its time spreads the probability over the samples that it may lie on; a
pick is to be judged by the probability that an onset lies nearby. So each curve is first summed up under a Gaussian of
0.2 s, scaled such that a sure and sharp onset keeps its height.

The network knows which change of the seismogram is a P and which is an S, but not to the sample when: its training
labels scatter by several samples. Within the peak, the Akaike information criterion of two stretches of noise-like
signal (Maeda 1985, doi:10.4294/zisin1948.38.3_365), summed over the components, finds the sample at which the variance
changes. The peak is moved as it is, so everything that follows (stitching, picking, uncertainty) stays, and two
windows that overlap agree on the time. Lengths were
chosen on training windows labelled by analysts; GATHER and the share of S on the dev split.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from jijin.peaks import SPREAD, Curve, peaks, refine, spread_s
from jijin.resampling import RATE

SHARPNESS = {"P": 5.0, "S": 8.0}  # samples: deviation of the Gaussian that the network is trained to give at an onset
GATHER = 20.0  # samples: deviation of the Gaussian that probability is summed under
FAINT = 0.02  # probability below which a whole window is left as it is
LOWEST = 0.1  # probability of a peak that is looked at
SURE = 0.3  # probability of a P that an S is not looked for in
APART = 50  # samples between peaks
MOST = 20  # peaks a window that are looked at, the highest ones
FLANK = 100  # samples on both sides that move with a peak, unless another peak is nearer
LEAST = 20  # samples before an onset that can tell its noise
Window = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Search:
    """Where an onset is looked for, in samples around the peak of its curve, and how far the peak moves towards it."""

    before: int
    after: int
    reach: int  # an onset farther away is another one
    contrast: float  # deviation after the onset over before it, on some component, that makes it believable
    share: float  # of the way; 1 trusts the waveform alone


P = Search(before=150, after=25, reach=30, contrast=3.0, share=1.0)
S = Search(before=60, after=20, reach=25, contrast=2.0, share=0.75)


def settle(window: Window, gaps: NDArray[np.bool_], p: Curve, s: Curve) -> tuple[Curve, Curve]:
    """What a network says of P and S (sample,) in one normalised window (3, sample), gathered and moved to the onsets.

    gaps : (3, sample), True where a component has no data. See gather and retime.
    """
    return retime(window, gaps, gather(p, SHARPNESS["P"]), gather(s, SHARPNESS["S"]))


def retime(window: Window, gaps: NDArray[np.bool_], p: Curve, s: Curve) -> tuple[Curve, Curve]:
    """P and S curves (sample,) of one normalised window (3, sample) with their peaks moved; inputs stay as they are.

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
    from scipy.fft import irfft, next_fast_len, rfft

    n = next_fast_len(len(curve) + int(4 * GATHER), real=True)
    wide = irfft(rfft(curve, n) * _gaussian(n), n)[: len(curve)]
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
    out, found = curve.copy(), sorted(peaks(curve, LOWEST, APART, MOST))
    for k, peak in enumerate(found):
        centre = refine(curve, peak)
        first = max([round(centre) - search.before, 0, *(e + 10 for e in earlier if e < peak - 10)])
        onset = find_onset(window, gaps, first, round(centre) + search.after, search.contrast)
        if onset is not None and abs(onset - centre) <= search.reach:
            low = _valley(curve, found[k - 1] if k else peak - FLANK, peak)
            high = _valley(curve, peak, found[k + 1] if k + 1 < len(found) else peak + FLANK)
            _move(out, curve, low, high, search.share * (onset - centre))
    return out


def find_onset(window: Window, gaps: NDArray[np.bool_], first: int, stop: int, contrast: float) -> int | None:
    """Sample in [first, stop) at which the variance changes; None without noise ahead of it or a change to speak of."""
    if first < 0 or stop > window.shape[-1] or stop - first < 2 * LEAST:
        return None
    part = window[:, first:stop].astype(np.float64)
    part = part[(part.std(-1) > 1e-6) & ~gaps[:, first:stop].any(-1)]
    if len(part) == 0:
        return None
    at = 4 + int(criterion(part)[4:-4].argmin())
    if at < LEAST or (part[:, at:].std(-1) < contrast * part[:, :at].std(-1)).all():
        return None
    return first + at


def criterion(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Akaike's criterion of a change at each sample of x (component, sample), summed over components: (sample,).

    AIC(k) = k log var(x[:k]) + (n - k) log var(x[k:]).

    >>> x = np.random.default_rng(0).standard_normal((1, 200)) * np.repeat([1.0, 9.0], 100)
    >>> int(criterion(x)[4:-4].argmin()) + 4
    100
    """
    n, k = x.shape[-1], np.arange(1, x.shape[-1])
    sums, squares = np.cumsum(x, -1), np.cumsum(x * x, -1)
    before = squares[:, :-1] / k - (sums[:, :-1] / k) ** 2
    m, rest, rest_squares = n - k, sums[:, -1:] - sums[:, :-1], squares[:, -1:] - squares[:, :-1]
    after = rest_squares / m - (rest / m) ** 2
    aic = k * np.log(np.maximum(before, 1e-8)) + m * np.log(np.maximum(after, 1e-8))
    return np.concatenate([[np.inf], aic.sum(0)])


def _valley(curve: Curve, left: int, right: int) -> int:
    """Lowest sample between two, inside the curve."""
    first, last = max(left, 0), min(right, len(curve) - 1)
    return first + int(curve[first : last + 1].argmin())


def _move(out: Curve, curve: Curve, low: int, high: int, shift: float) -> None:
    """Move what rises above the line from low to high by a fraction of samples or many; out is changed."""
    index = np.arange(low, high + 1)
    line = np.interp(index, (low, high), (curve[low], curve[high]))
    bump = np.maximum(curve[low : high + 1] - line, 0)
    first, last = max(low + int(shift) - 1, 0), min(high + int(shift) + 2, len(curve))
    out[low : high + 1] = np.minimum(curve[low : high + 1], line)
    target = np.arange(first, last)
    moved = np.interp(target - shift, index, bump, 0, 0) + np.interp(target, index, line)
    out[first:last] = np.clip(moved, out[first:last], 1)  # on a slope the sum could pass 1
