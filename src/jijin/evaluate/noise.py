"""False picks: an hour of real noise, and of noise with the disturbances that stations know."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from jijin.data.labels import NOISE, OTHER
from jijin.data.traces import P, S
from jijin.evaluate.matching import Picks, outside
from jijin.evaluate.pickers import Picker
from jijin.evaluate.windows import Window
from jijin.signal import bridge, missing
from jijin.types import IN_SAMPLES, RATE

SEED = 0
HINT = 0.1  # probability at which another picker sees something too
BESIDE_S = 0.5
Disturb = Callable[[NDArray[np.float64], np.random.Generator], NDArray[np.float64]]


@dataclass(frozen=True, slots=True)
class FalsePicks:
    """False picks of one picker on one kind of noise; shared : share that another picker sees too (over 0.1)."""

    noise: str
    picker: str
    hours: float
    p_per_hour: float
    s_per_hour: float
    shared: float


def false_picks(pickers: Sequence[Picker], windows: Sequence[Window]) -> list[FalsePicks]:
    """Every picker on each data set's noise and other sources, and on disturbed noise."""
    quiet = [w for w in windows if w.category in (NOISE, OTHER)]
    kinds = {name: [w for w in quiet if w.dataset == name] for name in sorted({w.dataset for w in quiet})}
    plain = [w for w in quiet if w.category == NOISE and w.hours > 0.9 * IN_SAMPLES / RATE / 3600]
    return [row for name, part in (*kinds.items(), *disturbed(plain)) for row in _rates(name, part, pickers)]


def _rates(noise: str, windows: Sequence[Window], pickers: Sequence[Picker]) -> Iterator[FalsePicks]:
    if not windows:
        return
    hours = sum(w.hours for w in windows)
    low = [picker.picks(windows, HINT) for picker in pickers]
    for k, picker in enumerate(pickers):
        own = {phase: _own(picker, low[k], windows, phase) for phase in (P, S)}
        others = [found for i, found in enumerate(low) if i != k]
        flags = [_seen(others, row, x) for phase in (P, S) for row, picks in enumerate(own[phase]) for x, _ in picks]
        p, s = (sum(map(len, own[phase])) / hours for phase in (P, S))
        yield FalsePicks(noise, picker.name, hours, p, s, float(np.mean(flags)) if flags else float("nan"))


def _own(picker: Picker, found: dict[int, list[Picks]], windows: Sequence[Window], phase: int) -> list[Picks]:
    """Picks over the picker's threshold outside of ignored stretches."""
    return [
        outside([x for x in picks if x[1] >= picker.thresholds[phase]], w.ignored[phase])
        for picks, w in zip(found[phase], windows, strict=True)
    ]


def _seen(others: Sequence[dict[int, list[Picks]]], row: int, x: float) -> bool:
    """Whether any other picker has a pick of either phase there."""
    reach = BESIDE_S * RATE
    return any(abs(y - x) <= reach for found in others for phase in (P, S) for y, _ in found[phase][row])


def disturbed(windows: Sequence[Window]) -> Iterator[tuple[str, list[Window]]]:
    """Every disturbance on the same windows of real noise, in units of each component's deviation."""
    for name, disturb in DISTURBANCES.items():
        rng = np.random.default_rng(SEED)
        yield name, [_disturb(w, disturb, rng) for w in windows]


def _disturb(window: Window, disturb: Disturb, rng: np.random.Generator) -> Window:
    gone = missing(window.data)
    x = bridge(window.data.astype(np.float64), gone)
    mean = x.mean(-1, keepdims=True)
    scale = np.maximum(x.std(-1, keepdims=True), 1e-12)
    data = mean + scale * disturb((x - mean) / scale, rng)
    return replace(window, data=np.where(gone | ~np.isfinite(data), 0, data).astype(np.float32))


def hum(x: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    """A machine: one frequency of 3 to 40 Hz that is switched on and off again within a second."""
    t = np.arange(IN_SAMPLES) / RATE
    on, lasts = rng.uniform(5, 30), rng.uniform(10, 25)
    envelope = np.clip(t - on, 0, 1) * np.clip(on + lasts - t, 0, 1)
    return x + rng.uniform(3, 10) * envelope * np.sin(2 * np.pi * rng.uniform(3, 40) * t + rng.uniform(0, 6))


def spikes(x: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    """Five single samples, each on one component."""
    out = x.copy()
    out[rng.integers(0, 3, 5), rng.integers(0, IN_SAMPLES, 5)] += rng.choice((-1, 1), 5) * rng.uniform(20, 200, 5)
    return out


def steps(x: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    """Two changes of the offset, on all components."""
    out = x.copy()
    for at in rng.integers(500, IN_SAMPLES - 500, 2):
        out[:, at:] += rng.uniform(-30, 30, (3, 1))
    return out


def calibration_pulse(x: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    """The answer of a seismometer of 1 Hz and damping 0.7 to a step of its calibration coil, and to its end 10 s later.

    x(t) = exp(-h w t) sin(w d t) / d, d = sqrt(1 - h^2): the step response in acceleration seen as velocity.
    """
    w, h = 2 * np.pi, 0.7
    d = np.sqrt(1 - h * h)
    t = np.arange(IN_SAMPLES) / RATE
    at, height = rng.uniform(5, 40), rng.uniform(20, 100) * rng.choice((-1, 1), (3, 1))
    since = [np.clip(t - begin, 0, None) for begin in (at, at + 10)]
    on, off = (np.exp(-h * w * s) * np.sin(w * d * s) / d for s in since)
    return x + height * (on - off)


def gaps(x: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    """Five gaps of 0.1 to 5 s in all components."""
    out = x.copy()
    for first, length in zip(rng.integers(0, IN_SAMPLES - 500, 5), rng.integers(10, 500, 5), strict=True):
        out[:, first : first + length] = np.nan
    return out


def wind(x: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    """Gusts: noise of 1 to 15 Hz that grows and fades over some seconds, five times."""
    from scipy.signal import butter, sosfilt

    t = np.arange(IN_SAMPLES) / RATE
    middles, widths = rng.uniform(0, 60, 5), rng.uniform(1, 5, 5)
    envelope = sum(rng.uniform(2, 8) * np.exp(-0.5 * ((t - m) / w) ** 2) for m, w in zip(middles, widths, strict=True))
    rough = sosfilt(butter(2, (1, 15), "bandpass", fs=RATE, output="sos"), rng.standard_normal((3, IN_SAMPLES)))
    return x + envelope * rough / rough.std()


DISTURBANCES: dict[str, Disturb] = {
    "hum": hum,
    "spikes": spikes,
    "steps": steps,
    "calibration pulses": calibration_pulse,
    "gaps": gaps,
    "wind": wind,
}
