"""Synthetic sources other than earthquakes: blasts, and the machines, hammers and trains that set off false alarms.

blast      the path of a synthetic earthquake, with a weak S, first motion up, Rg of low frequency, and the shots of
           a ripple-fired quarry blast 25 to 100 ms apart (Smith 1989, doi:10.1785/BSSA0790041089)
engine     spectral lines: a fundamental of 2 to 12 Hz and its harmonics, wandering a little
hammer     the same blow every 0.4 to 3 s: pile driving, footsteps, a crusher
train      half a minute of broad-band noise that swells and fades, beating with the axles
tone       a pump or a drill: 1 to 45 Hz and overtones, switched on and off at once or slowly
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy.signal import butter, lfilter, sosfilt

from jijin.data.draw import log_uniform
from jijin.data.layer import earliest_s_as_p
from jijin.data.synthetic import LEAD, VP_KM_S, Synthetic, earthquake, noise
from jijin.types import RATE

SHOTS, DELAY_S = (1, 30), (0.025, 0.1)
RG_KM_S, RG_HZ = (2.0, 3.0), (0.5, 2.5)
SYNTHETIC_NOISE = 12_000  # samples
KM_A_SECOND = 8.2  # of S - P, in the crust of the synthetics


def blast(rng: Generator, s_minus_p: float | None = None) -> Synthetic:
    """One blast at one station, as jijin.data.synthetic.earthquake gives an earthquake; s_minus_p to 20 s."""
    sp = log_uniform(rng, 0.3, 20) if s_minus_p is None else s_minus_p
    event = earthquake(rng, sp)
    data = _weaken_s(rng, event) + _rg(rng, event, sp)
    data = _ripple(rng, data)
    first = data[0, int(event.p_sample) + 1 : int(event.p_sample) + 12]
    data = data if first[np.abs(first).argmax()] > 0 else -data
    peak = max(float(np.abs(data).max()), 1e-12)
    out = (data / peak).astype(np.float32)
    return replace(event, data=out)


def _weaken_s(rng: Generator, event: Synthetic) -> NDArray[np.float64]:
    """Everything from Sp on, made smaller; over a tenth of S - P, so that no step is seen."""
    time, s_minus_p = np.arange(event.data.shape[1]), event.s_sample - event.p_sample
    over, first = max(0.1 * s_minus_p, 5.0), event.s_sample - earliest_s_as_p(s_minus_p / RATE) * RATE
    share = float(np.exp(rng.normal(-1.2, 0.5)))
    after = np.clip((time - first) / over + 1, 0, 1)
    return event.data.astype(np.float64) * (1 - after * (1 - min(share, 1.0)))


def _rg(rng: Generator, event: Synthetic, sp: float) -> NDArray[np.float64]:
    """A short-period Rayleigh wave, low frequencies first, retrograde; it hardly gets farther than 100 km."""
    distance, n = KM_A_SECOND * sp, event.data.shape[1]
    speed, strength = rng.uniform(*RG_KM_S), float(np.exp(rng.normal(-1.2, 0.8)) * np.exp(-distance / 60))
    start = (event.p_sample + (distance / speed - distance / VP_KM_S) * RATE) / RATE
    time = np.arange(n) / RATE - start
    length = 0.8 + 0.08 * distance
    high, low = rng.uniform(1.2, RG_HZ[1]), rng.uniform(RG_HZ[0], 1.0)
    chirp = np.clip(time / (2 * length), 0, 1)
    phase = 2 * np.pi * np.cumsum(low + (high - low) * chirp) / RATE
    envelope = np.exp(-(((time - length) / length) ** 2)) * (time > -length)
    azimuth, level = rng.uniform(0, 2 * np.pi), strength * float(np.abs(event.data[0]).max())
    horizontal = 0.7 * np.sin(phase)
    return level * envelope * np.stack([np.cos(phase), horizontal * np.cos(azimuth), horizontal * np.sin(azimuth)])


def _ripple(rng: Generator, data: NDArray[np.float64]) -> NDArray[np.float64]:
    """The record of a row of shots, each a little late or early."""
    shots, delay = int(rng.integers(*SHOTS, endpoint=True)), rng.uniform(*DELAY_S)
    times = np.arange(shots) * delay + rng.normal(0, 0.05 * delay, shots)
    comb = np.zeros(int(RATE * (shots * DELAY_S[1] + 0.2)))
    np.add.at(comb, np.clip((times * RATE).round().astype(int), 0, len(comb) - 1), rng.uniform(0.5, 1, shots))
    comb[0] = max(comb[0], 0.5)
    return np.asarray(lfilter(comb, 1, data, axis=-1))


def engine(rng: Generator, length: int) -> NDArray[np.float32]:
    """(3, length), unit deviation: a machine that runs, or starts or stops on the way."""
    base, lines = rng.uniform(2, 12), int(rng.integers(1, 5))
    wander = np.cumsum(rng.standard_normal(length)) * 0.002 * rng.uniform(0, 1)
    phase = 2 * np.pi * np.cumsum(base * (1 + wander / 50)) / RATE
    tones = [rng.uniform(0.2, 1) * np.sin((k + 1) * phase + rng.uniform(0, 6.28)) for k in range(lines)]
    swing = 1 + 0.5 * rng.uniform() * np.sin(2 * np.pi * rng.uniform(0.05, 1) * np.arange(length) / RATE)
    return _three(rng, np.sum(tones, 0) * swing * _on(rng, length))


def hammer(rng: Generator, length: int) -> NDArray[np.float32]:
    """(3, length), unit deviation: one blow again and again, nearly evenly."""
    every, ring = rng.uniform(0.4, 3.0), rng.uniform(3, 18)
    at = np.arange(rng.uniform(0, every), length / RATE, every)
    at = at + rng.normal(0, 0.01 * every, len(at))
    blows = np.zeros(length)
    index = (at * RATE).astype(int)
    ok = (index >= 0) & (index < length)
    blows[index[ok]] = rng.uniform(0.7, 1.2, int(ok.sum()))
    pole, angle = np.exp(-rng.uniform(4, 20) / RATE), 2 * np.pi * ring / RATE
    return _three(rng, lfilter([1, -1], [1, -2 * pole * np.cos(angle), pole**2], blows * _on(rng, length)))


def train(rng: Generator, length: int) -> NDArray[np.float32]:
    """(3, length), unit deviation: something long passes by."""
    time = np.arange(length) / RATE
    middle, width = rng.uniform(0.3, 0.7) * length / RATE, rng.uniform(6, 20)
    envelope = np.exp(-(((time - middle) / width) ** 2))
    low = rng.uniform(2, 6)
    rumble = sosfilt(
        butter(2, (low, low * rng.uniform(2, 5)), "bandpass", fs=RATE, output="sos"), rng.standard_normal(length)
    )
    axles = np.maximum(np.sin(2 * np.pi * rng.uniform(1, 4) * time + rng.uniform(0, 6.28)), 0) ** 3
    lines = np.sin(2 * np.pi * rng.uniform(3, 14) * time)
    x = rumble / rumble.std() * (1 + rng.uniform(0.5, 3) * axles) + rng.uniform(0, 1.5) * lines
    return _three(rng, x * envelope)


def tone(rng: Generator, length: int) -> NDArray[np.float32]:
    """(3, length), unit deviation: one pitch, which may climb and fall as it starts."""
    time = np.arange(length) / RATE
    lasts, takes = log_uniform(rng, 2, 60), log_uniform(rng, 0.1, 5)
    on = rng.uniform(0.5 - lasts, 0.98 * time[-1])
    envelope = np.clip((time - on) / takes, 0, 1) * np.clip((on + lasts - time) / takes, 0, 1)
    pitch = log_uniform(rng, 1, 45) * (1 - rng.choice((0, 0.5)) * (1 - envelope))
    turns = 2 * np.pi * np.cumsum(pitch) / RATE
    overtones = np.array([k for k in range(1, 5) if k * pitch.max() < RATE / 2])[:, None]
    size, phase = rng.exponential(1, (3, len(overtones), 1)) / overtones, rng.uniform(0, 6.28, (3, len(overtones), 1))
    x = (size * np.sin(overtones * turns + phase)).sum(1) + rng.uniform(0, 0.5) * rng.standard_normal((3, length))
    return (x * envelope / max(float((x * envelope).std()), 1e-12)).astype(np.float32)


def _on(rng: Generator, length: int) -> NDArray[np.float64]:
    """1 while it runs: half of all run from before the record to after it."""
    first, last = (rng.uniform(0, 0.5), rng.uniform(0.6, 1)) if rng.random() < 0.5 else (-1.0, 2.0)
    at = np.arange(length) / length
    return np.asarray(np.clip((at - first) * 40, 0, 1) * np.clip((last - at) * 40, 0, 1))


def _three(rng: Generator, x: NDArray[Any]) -> NDArray[np.float32]:
    rows = np.stack([np.roll(x, int(rng.integers(0, 8))) * rng.uniform(0.4, 1) for _ in range(3)])
    return (rows / max(float(rows.std()), 1e-12)).astype(np.float32)


ANTHROPOGENIC = (engine, hammer, train)


def on_noise(rng: Generator, event: Synthetic, background: NDArray[np.float32] | None = None) -> NDArray[np.float32]:
    """(3, sample): an earthquake or a blast after a third of the noise, its peak 4 to 100 times its deviation."""
    out = _background(rng, background)
    start = int(rng.uniform(0.3, 0.4) * out.shape[1]) - LEAD
    part = event.data[:, : out.shape[1] - start]
    out[:, start : start + part.shape[1]] += part * log_uniform(rng, 4, 100)
    return out


def disturbed(rng: Generator, background: NDArray[np.float32] | None = None) -> NDArray[np.float32]:
    """(3, sample): one of ANTHROPOGENIC over noise, 1 to 20 times as strong."""
    out = _background(rng, background)
    source = ANTHROPOGENIC[int(rng.integers(len(ANTHROPOGENIC)))]
    return out + source(rng, out.shape[1]) * np.float32(log_uniform(rng, 1, 20))


def _background(rng: Generator, background: NDArray[np.float32] | None) -> NDArray[np.float32]:
    """Noise above 1 Hz, of unit deviation on each component: the given one, else two minutes of synthetic noise."""
    x = noise(rng, SYNTHETIC_NOISE) if background is None else background
    x = sosfilt(butter(2, 1.0, "highpass", fs=RATE, output="sos"), x.astype(np.float64), axis=-1)
    return (x / np.maximum(x.std(1, keepdims=True), 1e-12)).astype(np.float32)
