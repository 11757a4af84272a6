"""The last steps from a network to curves: where it is in doubt it looks again, and its peaks move to the onsets.

A network with strides and pooling sees another picture of a window that begins a sample later (Zhang 2019,
arXiv:1904.11486), and the probability of an onset that it doubts goes up and down by a tenth, so that its pick comes
and goes. A window with such an onset is therefore shown to the network from three further samples, and the mean of all
counts, the more the more it is in doubt (test-time augmentation by shifts): docs/performance.md, "Looking again", has
what that brings and costs, and docs/consensus.md what it leaves. Most windows hold no such onset and cost nothing more.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jijin.onsets import APART, SHARPNESS, gather, retime
from jijin.peaks import Curve, peaks
from jijin.signal import missing, normalise, shifted

# Samples. With the window as it is: about the quarters (0, 13, 26, 39) of the 48 after which all strides of the network
# repeat, and every phase of its first stride of 4.
STARTS = (13, -22, -9)
# Probabilities of a peak between which the network looks again, at a window by itself, or at those in between: a peak
# of .9 does not go, but its time moves. Chosen on the dev split, and on records that were trained on. Over FADE inside
# both the weight of the other looks grows from 0 to 1, so that a peak at a bound is the same on either side of it.
DOUBT, FADE = (0.15, 0.95), 0.05
MOST = 20  # peaks that are asked, the highest ones
Curves = NDArray[np.float32]
Network = Callable[[NDArray[np.float32]], Curves]  # normalised windows (window, 3, 6000) -> (output, window, 6000)


def predicted(windows: NDArray[Any], network: Network, starts: Sequence[int] = STARTS, moved: bool = True) -> Curves:
    """Windows (window, 3, 6000), any units, missing samples NaN or long runs of zeros -> what a model says of them,
    (output, window, 6000): 0 where all components are missing. starts, moved : see settle."""
    gaps = missing(windows)
    out, there = np.zeros((3, len(gaps), gaps.shape[-1]), np.float32), np.flatnonzero(~gaps.all(axis=(1, 2)))
    if len(there):  # a window without any data costs nothing
        ready = normalise(windows[there], gaps=gaps[there])
        for i, x, said in zip(there, ready, network(ready).swapaxes(0, 1), strict=True):
            out[:, i] = settle(x, gaps[i], said, network, starts, moved)
        out[:, gaps.all(axis=1)] = 0
    return out


def settle(
    window: NDArray[np.float32],
    gaps: NDArray[np.bool_],
    said: Curves,
    network: Network,
    starts: Sequence[int] = STARTS,
    moved: bool = True,
) -> Curves:
    """What a network said (detection, P and S; (3, sample)) of a normalised window (3, sample), as a model gives it.

    gaps : (3, sample), True where a component has no data; starts : as in look_again, none to believe the first look,
    which else gives way to the mean as far as there is doubt; moved : whether peaks move to the onsets.
    See onsets.gather and onsets.retime.
    """
    p, s = gathered(said)
    if starts and (share := doubt(p, s)):
        said = said + share * (look_again(window, said, network, starts) - said)
        p, s = gathered(said)
    return np.stack([said[0], *(retime(window, gaps, p, s) if moved else (p, s))])


def doubt(p: Curve, s: Curve) -> np.float32:
    """From 0 to 1: how far one of the gathered curves (sample,) has a peak that other looks may raise or sink.

    >>> curve = np.zeros(6000, np.float32)
    >>> sure, unsure, nearly = (np.where(np.arange(6000) == 3000, np.float32(h), curve) for h in (0.99, 0.5, 0.925))
    >>> float(doubt(curve, curve)), float(doubt(sure, curve)), float(doubt(sure, unsure))
    (0.0, 0.0, 1.0)
    >>> round(float(doubt(curve, nearly)), 3)
    0.5
    """
    heights = np.concatenate([curve[peaks(curve, DOUBT[0], APART, MOST)] for curve in (p, s)])
    return shares(heights, *DOUBT).max(initial=0)


def shares(heights: Curve, least: float, most: float) -> Curve:
    """From 0 to 1: how far peaks so high are between two bounds."""
    return np.clip(np.minimum(heights - least, most - heights) / FADE, 0, 1).astype(np.float32)


def look_again(window: NDArray[np.float32], said: Curves, network: Network, starts: Sequence[int] = STARTS) -> Curves:
    """Mean (3, sample) of what the network said and of what it says where the window comes so many samples later (or
    earlier); a sample that a look lacks is the others' alone."""
    looks = network(np.stack([shifted(window, by) for by in starts])).swapaxes(0, 1)
    total, once = said.copy(), np.ones(said.shape[-1], np.float32)
    seen = once + sum(shifted(once, -by) for by in starts)  # np.nanmean of all takes half a run of the network
    for look, by in zip(looks, starts, strict=True):
        total += shifted(look, -by)
    return total / seen


def gathered(said: Curves) -> tuple[Curve, Curve]:
    """P and S, each (sample,), as onsets.gather makes them."""
    _, p, s = said
    return gather(p, SHARPNESS["P"]), gather(s, SHARPNESS["S"])
