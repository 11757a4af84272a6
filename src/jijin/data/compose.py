"""Training windows put together: a real or synthetic earthquake, somewhere in the window, on real or synthetic noise.

Batch k of a seed is always the same, so a run can be stopped, resumed and repeated.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy.signal import resample_poly

from jijin.data import synthetic
from jijin.data.augment import FULL, apply
from jijin.data.batch import Augmentation, Batch, deviation
from jijin.data.canvas import Array, Canvas, add, bands, centred, highpassed, mask_drowned, overlay, peak
from jijin.data.draw import log_uniform
from jijin.data.sources import ANTHROPOGENIC, tone
from jijin.data.synthetic import Synthetic
from jijin.data.traces import LabelledTrace, targets
from jijin.signal import ZERO_RUN, bridge, missing
from jijin.types import IN_SAMPLES

# As if recorded faster or slower: an event of two to four times the distance is about as much slower.
STRETCH = ((1, 2), (2, 3), (4, 5), (9, 10), (10, 9), (5, 4), (3, 2), (2, 1), (5, 2), (3, 1), (4, 1))
SIZES, REGIONAL_SIZES = (3.0, 600.0), (15.0, 3000.0)  # peak of an event over the noise; Pn is a small part of its peak
TAIL = 1000  # samples at the end that a trace is extended with
QUIET = 300  # samples before the first onset that make enough noise to extend a trace with
MACHINES = (tone, *ANTHROPOGENIC)


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
    elsewhere: float = 0.5  # S that are put where one of the other pickers has it


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
        """Batch k of this seed, as the last of the steps leaves it: normalised, if the network is to see it."""
        rng = np.random.default_rng((self.seed, k))
        canvases = [self._window(rng) for _ in range(size)]
        raw = Batch(*(np.stack([getattr(c, name) for c in canvases]) for name in ("data", "target", "weight")))
        return apply(self.steps, raw, rng)

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
        trace = neighbourhood(elsewhere(trace, rng, self.mix.elsewhere), rng)
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


def draw_scale(rng: Generator, before: Array, event: Synthetic) -> float:
    """A factor on an event with which its peak is SIZES times the deviation of before, both above the corner frequency
    or both differenced."""
    rows = slice(3, None) if rng.random() < 0.5 else slice(3)
    size, sizes = float(np.abs(bands(event.data)[rows]).max()), REGIONAL_SIZES if event.only_first else SIZES
    return max(float(deviation(before[rows])) / max(size, 1e-12) * log_uniform(rng, *sizes), 1e-12)


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


def elsewhere(trace: LabelledTrace, rng: Generator, share: float) -> LabelledTrace:
    """The trace with that share of its S where one of the other pickers has it, any of them as likely as the others.

    An S that is seen again and again is learnt by heart, as is its error; what is learnt so is how sure its time is.
    """
    if not trace.s_elsewhere:
        return trace
    s = [
        float(rng.choice(others)) if others and rng.random() < share else label
        for label, others in zip(trace.s, trace.s_elsewhere, strict=True)
    ]
    return replace(trace, s=tuple(s), s_elsewhere=())


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


def part(x: Array, first: int, length: int) -> Array:
    """(3, length or less) from sample first without_zeros; what lies beyond its ends tells a gap that begins there."""
    low = max(first - ZERO_RUN, 0)
    return without_zeros(x[:, low : first + length + ZERO_RUN])[:, first - low :][:, :length]


def without_zeros(x: Array) -> Array:
    """(3, sample) with NaN where a reader gives zeros: a component that was not recorded, a gap that was filled.

    What is added to a window would otherwise be heard there, and the offset around a gap be seen as a step.
    """
    return np.where(missing(x), np.float32(np.nan), x)
