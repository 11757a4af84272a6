"""A window in the making: what is added to it, and which onsets can still be asked for. Nothing here is random."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from jijin.data.batch import Array
from jijin.data.dataset import copy_window
from jijin.data.synthetic import Synthetic
from jijin.data.traces import DETECTION, LabelledTrace, P, S, targets
from jijin.signal import bridge, highpass
from jijin.types import IN_SAMPLES

VISIBLE_P, VISIBLE_S = 1.8, 1.4  # peak over background above which an onset can be asked for
CLEAR = 2.0  # times as much for Pn and Sn when Pg and Lg have no label: an analyst would pick those if in doubt
RISES = 4.0  # peak of an onset over its own noise with which a row of the window shows it


@dataclass(slots=True)
class Canvas:
    """One window in the making; the only mutable piece. data, target, weight : (3, IN_SAMPLES); p, s : onset samples;
    until : (output, onset) -> sample up to which more of its kind may follow, nobody knows when."""

    data: Array
    target: Array = field(default_factory=lambda: np.zeros((3, IN_SAMPLES), np.float32))
    weight: Array = field(default_factory=lambda: np.ones((3, IN_SAMPLES), np.float32))
    p: list[float] = field(default_factory=list)
    s: list[float] = field(default_factory=list)
    until: dict[tuple[int, float], float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """No component keeps its offset: it would be a step at the start of every filter."""
        self.data = centred(self.data)


def overlay(canvas: Canvas, before: Array, event: Synthetic, start: int, scale: float) -> None:
    """Add an event that begins at sample start; onsets that what is already there would hide are masked.

    before : (6, IN_SAMPLES), the window's bands.
    """
    added = np.zeros_like(canvas.data)
    copy_window(event.data, -start, added)
    added *= scale
    added = np.where(np.isnan(canvas.data), np.float32(np.nan), added)  # or it were seen where nothing is recorded
    clean, sure = bands(added), CLEAR if event.only_first else 1.0
    p, seen_p = first_seen(clean, before, (event.p_sample, event.later_p), start, sure * VISIBLE_P)
    ground = before + np.where(np.arange(IN_SAMPLES) < event.s_sample + start, clean, 0)
    s, seen_s = first_seen(clean, ground, (event.s_sample, event.later_s), start, sure * VISIBLE_S)
    seen_s &= not event.hidden_s
    target, weight = targets(LabelledTrace(event.data, (p,), (s,)), 0, IN_SAMPLES)
    until = {(P, p): s - 100, (S, s): float(IN_SAMPLES)} if event.only_first else {}
    for output, onset, seen in ((P, p, seen_p), (S, s, seen_s)):
        if not seen:
            blank(target, weight, output, int(onset), 100)
        if not seen or onset < 0:
            forget(weight, output, onset, until)
    if not seen_s:
        blank(target, weight, DETECTION, int(p), IN_SAMPLES)
    mask_drowned(canvas, before, clean)
    canvas.data = canvas.data + added
    canvas.target, canvas.weight = np.maximum(canvas.target, target), canvas.weight * weight
    canvas.p, canvas.s, canvas.until = [*canvas.p, p], [*canvas.s, s], canvas.until | until


def add(canvas: Canvas, what: Array) -> None:
    """Add something to a window, and mask the onsets of the window that drown in it."""
    mask_drowned(canvas, bands(canvas.data), bands(what))
    canvas.data = canvas.data + what


def mask_drowned(canvas: Canvas, signal: Array, ground: Array) -> None:
    """Mask the onsets of a window that are not visible once ground is added; both (6, IN_SAMPLES) as bands gives."""
    seen = []
    for output, onsets, ratio in ((P, canvas.p, VISIBLE_P), (S, canvas.s, VISIBLE_S)):
        for onset in onsets:
            seen.append(visible(signal, ground, onset, ratio))
            if not seen[-1]:
                blank(canvas.target, canvas.weight, output, int(onset), 100)
                forget(canvas.weight, output, onset, canvas.until)
    if seen and not any(seen):
        blank(canvas.target, canvas.weight, DETECTION, 0, IN_SAMPLES)


def first_seen(
    signal: Array, ground: Array, onsets: Sequence[float | None], start: int, ratio: float
) -> tuple[float, bool]:
    """The first of the onsets, moved by start, that the ground does not hide, and True; else the first, and False."""
    here = [onset + start for onset in onsets if onset is not None]
    seen = [onset for onset in here if visible(signal, ground, onset, ratio)]
    return (seen or here)[0], bool(seen)


def visible(signal: Array, ground: Array, onset: float, ratio: float) -> bool:
    """Whether the signal's first second stands out of the two seconds of ground around the onset, on any row on which
    it rises out of the signal's own noise (on any, if it rises on none)."""
    i = int(onset)
    if not 0 <= i < IN_SAMPLES:
        return True
    height = np.abs(signal[:, i : i + 100]).max(-1)
    own = signal[:, max(i - 200, 0) : max(i - 20, 1)]
    rises = height > RISES * np.sqrt((own**2).mean(-1))
    around = ground[:, max(i - 100, 0) : i + 100]
    out = height > ratio * np.sqrt((around**2).mean(-1)) + 1e-20
    return bool((out & rises).any() if rises.any() else out.any())


def blank(target: Array, weight: Array, output: int, onset: int, reach: int) -> None:
    """Mask an onset: the target is left out of the loss on both sides of it (detections: from it on)."""
    first = max(onset if output == DETECTION else onset - reach, 0)
    last = max(onset + reach, 0)
    target[output, first:last] = 0
    weight[output, first:last] = 0


def forget(weight: Array, output: int, onset: float, until: Mapping[tuple[int, float], float]) -> None:
    """Mask what follows a hidden onset, as far as another one of its kind may be there."""
    weight[output, max(int(onset), 0) : max(int(until.get((output, onset), 0)), 0)] = 0


def centred(x: Array) -> Array:
    """(3, sample) without the mean of each component's samples that are there."""
    count = np.isfinite(x).sum(-1, keepdims=True)
    return (x - np.nansum(x, -1, keepdims=True) / np.maximum(count, 1)).astype(np.float32)


def highpassed(x: Array) -> Array:
    """(3, sample) above the model's corner frequency, as the model has it; straight lines where samples are missing."""
    gaps = ~np.isfinite(x)
    return highpass(bridge(x, gaps) if gaps.any() else x)


def bands(x: Array) -> Array:
    """(6, sample) of (3, sample): above the corner frequency, and the differences from sample to sample of that.

    The second is what an analyst sees after filtering: P of 10 Hz stand out of the differences where microseism of
    0.7 Hz hides them in the first.
    """
    slow = highpassed(x)
    return np.concatenate([slow, np.diff(slow, prepend=slow[:, :1])])


def peak(x: Array) -> float:
    """Highest amplitude above the corner frequency."""
    return float(np.abs(highpassed(x)).max())
