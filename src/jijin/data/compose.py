"""Training windows put together: a real or synthetic earthquake, somewhere in the window, on real or synthetic noise.

Batch k of a seed is always the same, so a run can be stopped, resumed and repeated.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy.signal import resample_poly

from jijin.data import synthetic
from jijin.data.augment import FULL, Augmentation, Batch, apply, deviation
from jijin.data.dataset import copy_window
from jijin.data.draw import log_uniform
from jijin.data.sources import ANTHROPOGENIC, tone
from jijin.data.synthetic import Synthetic
from jijin.data.traces import DETECTION, LabelledTrace, P, S, targets
from jijin.signal import ZERO_RUN, bridge, highpass, missing, normalise
from jijin.types import IN_SAMPLES

# As if recorded faster or slower: an event of two to four times the distance is about as much slower.
STRETCH = ((1, 2), (2, 3), (4, 5), (9, 10), (10, 9), (5, 4), (3, 2), (2, 1), (5, 2), (3, 1), (4, 1))
VISIBLE_P, VISIBLE_S = 1.8, 1.4  # peak over background above which an onset can be asked for
CLEAR = 2.0  # times as much for Pn and Sn when Pg and Lg have no label: an analyst would pick those if in doubt
SIZES, REGIONAL_SIZES = (3.0, 600.0), (15.0, 3000.0)  # peak of an event over the noise; Pn is a small part of its peak
RISES = 4.0  # peak of an onset over its own noise with which a row of the window shows it
TAIL = 1000  # samples at the end that a trace is extended with
QUIET = 300  # samples before the first onset that make enough noise to extend a trace with
MACHINES = (tone, *ANTHROPOGENIC)
Array = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Mix:
    """Shares of the windows of a batch; what is left of one is noise only."""

    real: float = 0.5
    synthetic: float = 0.35
    second: float = 0.35  # windows with an event that get another, synthetic one
    stretch: float = 0.45
    extra_noise: float = 0.35  # real windows that get noise added
    burst: float = 0.12  # windows with a bump that grows and fades and is no earthquake
    machine: float = 0.08  # windows in which a machine is switched on or off, piles are driven, or a train passes
    microseism: float = 0.25  # windows that get slow noise under which only fast onsets are seen


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


@dataclass(frozen=True)
class Composer:
    """Draws batches. events and noise are traces of the training split; synthetics a pool of clean earthquakes.

    shares : probability of each event, all the same if None.
    """

    events: Sequence[LabelledTrace]
    noise: Sequence[LabelledTrace]
    synthetics: Sequence[Synthetic]
    shares: NDArray[np.float64] | None = None
    mix: Mix = field(default_factory=Mix)
    steps: tuple[Augmentation, ...] = FULL
    seed: int = 0

    def batch(self, k: int, size: int) -> Batch:
        """Batch k of this seed, normalised and ready for the network."""
        rng = np.random.default_rng((self.seed, k))
        canvases = [self._window(rng) for _ in range(size)]
        raw = Batch(*(np.stack([getattr(c, name) for c in canvases]) for name in ("data", "target", "weight")))
        out = apply(self.steps, raw, rng)
        empty = np.isnan(out.data).all(1, keepdims=True)  # no component has data: nothing can be asked for
        return Batch(normalise(out.data), out.target * ~empty, out.weight * ~empty)

    def _window(self, rng: Generator) -> Canvas:
        kind, event = rng.random(), self.mix.real + self.mix.synthetic
        if kind < self.mix.real and self.events:
            canvas = self._real(rng)
        else:
            canvas = Canvas(background(rng, self.noise))
            if kind < event and self.synthetics:
                self._overlay(canvas, rng)
        if kind < event and self.synthetics and rng.random() < self.mix.second:
            self._overlay(canvas, rng)
        if rng.random() < self.mix.microseism:
            add(canvas, microseism(rng) * (peak(canvas.data) * log_uniform(rng, 0.003, 1)))
        if rng.random() < self.mix.burst:
            add(canvas, burst(rng) * deviation(canvas.data))
        if rng.random() < self.mix.machine:
            source = MACHINES[int(rng.integers(len(MACHINES)))]
            add(canvas, source(rng, IN_SAMPLES) * (deviation(canvas.data) * np.float32(log_uniform(rng, 0.5, 15))))
        return canvas

    def _real(self, rng: Generator) -> Canvas:
        trace = self.events[self._draw(rng)]
        trace = neighbourhood(trace, rng)
        if rng.random() < self.mix.stretch:
            trace = stretch(trace, *STRETCH[rng.integers(len(STRETCH))])
        anchor = draw_anchor(trace, rng)
        start = round(anchor - rng.uniform(-100, IN_SAMPLES + 100))
        canvas = Canvas(cut(trace, start, rng), *targets(trace, start, IN_SAMPLES))
        canvas.p, canvas.s = ([x - start for x in onsets] for onsets in (trace.p, trace.s))
        if rng.random() < self.mix.extra_noise:
            add_noise(canvas, background(rng, self.noise), rng)
        return canvas

    def _draw(self, rng: Generator) -> int:
        """Number of an event; the running sum of a million shares is made once."""
        total = self._cumulative
        return int(np.searchsorted(total[:-1], rng.random() * total[-1], side="right"))

    @cached_property
    def _cumulative(self) -> NDArray[np.float64]:
        return np.cumsum(np.ones(len(self.events)) if self.shares is None else self.shares)

    def _overlay(self, canvas: Canvas, rng: Generator) -> None:
        """Add a clean earthquake at a random place and size."""
        event = self.synthetics[int(rng.integers(len(self.synthetics)))]
        start = round(rng.uniform(-0.3 * event.data.shape[1], IN_SAMPLES - 200))
        before = bands(canvas.data)
        overlay(canvas, before, event, start, draw_scale(rng, before, event))


def centred(x: Array) -> Array:
    """(3, sample) without the mean of each component's samples that are there."""
    count = np.isfinite(x).sum(-1, keepdims=True)
    return (x - np.nansum(x, -1, keepdims=True) / np.maximum(count, 1)).astype(np.float32)


def without_zeros(x: Array) -> Array:
    """(3, sample) with NaN where a reader gives zeros: a component that was not recorded, a gap that was filled.

    What is added to a window would otherwise be heard there, and the offset around a gap be seen as a step.
    """
    return np.where(missing(x), np.float32(np.nan), x)


def part(x: Array, first: int, length: int) -> Array:
    """(3, length or less) from sample first without_zeros; what lies beyond its ends tells a gap that begins there."""
    low = max(first - ZERO_RUN, 0)
    return without_zeros(x[:, low : first + length + ZERO_RUN])[:, first - low :][:, :length]


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


def draw_scale(rng: Generator, before: Array, event: Synthetic) -> float:
    """A factor on an event with which its peak is SIZES times the deviation of before, both above the corner frequency
    or both differenced."""
    rows = slice(3, None) if rng.random() < 0.5 else slice(3)
    size, sizes = float(np.abs(bands(event.data)[rows]).max()), REGIONAL_SIZES if event.only_first else SIZES
    return max(float(deviation(before[rows])) / max(size, 1e-12) * log_uniform(rng, *sizes), 1e-12)


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


def first_seen(
    signal: Array, ground: Array, onsets: Sequence[float | None], start: int, ratio: float
) -> tuple[float, bool]:
    """The first of the onsets, moved by start, that the ground does not hide, and True; else the first, and False."""
    here = [onset + start for onset in onsets if onset is not None]
    seen = [onset for onset in here if visible(signal, ground, onset, ratio)]
    return (seen or here)[0], bool(seen)


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


def add_noise(canvas: Canvas, noise: Array, rng: Generator) -> None:
    """Add noise of 0.2 to 30 % of the window's peak; a gap in the noise is no gap in the window."""
    noise = bridge(noise, np.isnan(noise))
    signal, ground = bands(canvas.data), bands(noise)
    level = np.abs(signal[:3]).max() * log_uniform(rng, 0.002, 0.3)
    scale = np.float32(level / max(deviation(ground[:3]), 1e-12))
    mask_drowned(canvas, signal, ground * scale)
    canvas.data = canvas.data + noise * scale


def background(rng: Generator, traces: Sequence[LabelledTrace]) -> Array:
    """(3, IN_SAMPLES) of noise: mostly real, else synthetic."""
    if not traces or rng.random() < 0.25:
        return synthetic.noise(rng, IN_SAMPLES)
    x = traces[int(rng.integers(len(traces)))].data
    if rng.random() < 0.5:
        x = x[:, ::-1]  # noise has no direction in time
    first = rng.integers(0, max(x.shape[1] - IN_SAMPLES, 0) + 1)
    x = part(x, int(first), IN_SAMPLES)
    return np.pad(centred(x), ((0, 0), (0, IN_SAMPLES - x.shape[1])), "symmetric")


def burst(rng: Generator) -> Array:
    """(3, IN_SAMPLES): band-limited noise under an envelope that grows and fades slowly; a car, a gust, a machine."""
    time, centre, width = np.arange(IN_SAMPLES), rng.uniform(0, IN_SAMPLES), rng.uniform(100, 1200)
    envelope = np.exp(-0.5 * ((time - centre) / width) ** 2)
    f = np.linspace(0, 50, 257)
    band = np.exp(-(((f - rng.uniform(2, 30)) / rng.uniform(0.5, 8)) ** 2))
    carrier = synthetic.shaped_noise(rng, np.repeat(band[None], 3, 0), IN_SAMPLES)
    return carrier * (envelope * log_uniform(rng, 1, 20)).astype(np.float32)


def microseism(rng: Generator) -> Array:
    """(3, IN_SAMPLES), of unit deviation above the corner frequency: noise that falls steeply above 0.15 to 1.2 Hz."""
    f = np.linspace(0, 50, IN_SAMPLES // 2 + 1) / rng.uniform(0.15, 1.2)
    spectrum = f**2 / (1 + f ** (2 + rng.uniform(2.5, 6)))
    x = synthetic.shaped_noise(rng, np.repeat(spectrum[None], 3, 0), IN_SAMPLES)
    return x / np.float32(max(float(deviation(highpassed(x))), 1e-12))


def draw_anchor(trace: LabelledTrace, rng: Generator) -> float:
    """The sample that a window is laid around: an onset, or anywhere in a trace without one."""
    onsets = trace.onsets
    return float(onsets[rng.integers(len(onsets))] if onsets else rng.uniform(0, trace.data.shape[1]))


def neighbourhood(trace: LabelledTrace, rng: Generator) -> LabelledTrace:
    """Some windows' length of a long record around one of its onsets, a short one whole; without_zeros."""
    reach, n = 2 * IN_SAMPLES, trace.data.shape[1]
    if n <= 2 * reach:
        return replace(trace, data=without_zeros(trace.data))
    first = int(np.clip(draw_anchor(trace, rng) - reach, 0, n - 2 * reach))
    last = first + 2 * reach
    p, s = (tuple(x - first for x in onsets if first <= x < last) for onsets in (trace.p, trace.s))
    masked = tuple((o, a - first, b - first) for o, a, b in trace.masked if b > first and a < last)
    return replace(trace, data=part(trace.data, first, last - first), p=p, s=s, masked=masked)


def stretch(trace: LabelledTrace, up: int, down: int) -> LabelledTrace:
    """The trace as if it had run down/up times faster; onsets, masks and missing samples move along."""
    r = up / down
    gaps = ~np.isfinite(trace.data)
    whole = bridge(trace.data, gaps)
    data = resample_poly(whole - whole[:, :1], up, down, axis=-1, padtype="line").astype(np.float32)
    data[gaps[:, np.arange(data.shape[1]) * down // up]] = np.nan
    masked = tuple((o, round(a * r), round(b * r)) for o, a, b in trace.masked)
    return replace(trace, data=data, p=tuple(x * r for x in trace.p), s=tuple(x * r for x in trace.s), masked=masked)


def cut(trace: LabelledTrace, start: int, rng: Generator) -> Array:
    """(3, IN_SAMPLES) from sample start; past its ends the trace is missing, or goes on with its own mirrored noise."""
    data, n = trace.data, trace.data.shape[1]
    left, right = max(-start, 0), max(start + IN_SAMPLES - n, 0)
    inner = data[:, max(start, 0) : min(start + IN_SAMPLES, n)]
    quiet = int(min(trace.onsets, default=0)) - 50
    faded = max(trace.onsets, default=0) < n - TAIL  # an onset in the mirror would have no label
    return np.concatenate(
        [
            _extension(data[:, : max(quiet, 0)], left, rng, quiet >= QUIET)[:, ::-1],
            inner,
            _extension(data[:, -min(TAIL, n) :][:, ::-1], right, rng, faded and rng.random() < 0.5),
        ],
        axis=1,
    )[:, :IN_SAMPLES]


def _extension(noise: Array, length: int, rng: Generator, possible: bool) -> Array:
    """(3, length): noise mirrored again and again, or missing."""
    if length == 0 or not possible or rng.random() < 0.3:
        return np.full((3, length), np.nan, np.float32)
    return np.pad(noise, ((0, 0), (0, max(length - noise.shape[1], 0))), "symmetric")[:, :length]
