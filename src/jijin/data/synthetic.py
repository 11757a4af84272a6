"""Synthetic earthquakes with a known answer: P, S, coda and no noise. For training, and for tests.

A stochastic point-source model, the P and the S wave train each made in three steps:
    excitation   a pulse at every arrival, then scattered energy that grows and dies away (coda), slowly: when S comes,
                 half of P is still there, and an S that does not stand out of it is no label
    source       velocity spectrum with corner frequency fc (Brune 1970, doi:10.1029/JB075i026p04997)
    path         attenuation exp(-pi f t*), as a causal low-pass so that nothing moves ahead of the onset
Beyond 120 km the train starts with Pn and Sn, weaker and ahead of the crustal phases. Half of the stations stand on a
slow layer, which converts some of both (layer.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy.signal import lfilter

from jijin.data.draw import log_uniform
from jijin.data.layer import conversions
from jijin.types import IN_SAMPLES, RATE

VP_KM_S, VS_KM_S = 6.1, 3.5  # crust; Pn and Sn 8.0 and 4.5 km/s below it (IASP91, Kennett & Engdahl 1991)
VPN_KM_S, VSN_KM_S, MOHO_DELAY_S = 8.0, 4.5, 6.5
LEAD = 100  # samples of silence before P
# Medians of recorded events (the training split of jijin's data): what is left of P's first second when S comes, and of
# that of S two S-P times later.
P_CODA, FAR_P_CODA, S_CODA = 0.5, 0.3, 0.22
FAR_S = 12.0  # S-P from which FAR_P_CODA holds; there are few such records
KAPPA_P_S, KAPPA_S_S = (0.0, 0.03), (0.01, 0.07)  # attenuation below the station (Anderson & Hough 1984)
HEAD_WAVE = 0.12  # least amplitude of Pn over Pg, and of Sn over Sg: Lg is what stands out of many regional records
CONTRAST_S = 2.0  # of an S over the P coda and Sp, so that an analyst would see it
Arrivals = list[tuple[float, float]]  # seconds after the first P, amplitude


@dataclass(frozen=True, slots=True, eq=False)
class Synthetic:
    """data : (3, sample) ZNE, peak 1, silent before p_sample; onsets in samples at 100 Hz.

    later_p, later_s : Pg and Sg (Lg) where Pn and Sn come first: what is picked when the first one drowns. s_sample is
    the first S that stands out of the event's own P coda.
    """

    data: NDArray[np.float32]
    p_sample: float
    s_sample: float
    coda_end_sample: float
    distance_km: float
    later_p: float | None = None
    later_s: float | None = None
    hidden_s: bool = False  # no S stands out of the P coda; s_sample is where the first one arrives
    only_first: bool = False  # more P or S may follow the first ones, and nobody knows when


@dataclass(frozen=True, slots=True)
class Path:
    """Arrivals after the first P, in seconds, with their amplitudes; p_onsets : P, or Pn and Pg; s_onsets alike."""

    distance_km: float
    p: Arrivals
    s: Arrivals
    p_onsets: tuple[float, ...]
    s_onsets: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Fall:
    """How a wave train dies away: (1 + t / knee_s) ** -power, the coda of Aki & Chouet 1975."""

    knee_s: float
    power: float

    @classmethod
    def to(cls, level: float, after_s: float, knee_s: float) -> Fall:
        """The fall that is at a level of the first amplitude so many seconds after the onset."""
        return cls(knee_s, max(-np.log(level), 0.05) / np.log1p(after_s / knee_s))

    def at(self, since_s: NDArray[Any]) -> NDArray[Any]:
        return np.asarray((1 + np.maximum(since_s, 0) / self.knee_s) ** -self.power)


def earthquake(rng: Generator, s_minus_p: float | None = None) -> Synthetic:
    """One earthquake at one station; s_minus_p in seconds, drawn from 0.15 to 70 s when not given.

    >>> e = earthquake(np.random.default_rng(0), s_minus_p=4.0)
    >>> e.data.shape[0], round((e.s_sample - e.p_sample) / 100, 2), float(abs(e.data[:, :100]).max())
    (3, 4.0, 0.0)
    """
    sp = draw_s_minus_p(rng) if s_minus_p is None else s_minus_p
    path = _path(rng, sp)
    coda_s = min(4 + 1.2 * sp + rng.exponential(3 + 0.4 * sp), 120.0)
    start = LEAD + rng.uniform(0, 1)  # onsets fall between samples
    p, s, turn = _wave_trains(rng, path, sp, start, int((sp + coda_s) * RATE) + LEAD + 2)
    p = p + sum(conversions(rng, p, s, sp))  # what S has to stand out of
    seen = [onset for onset in path.s_onsets if _s_is_clear(s, p, round(start + onset * RATE))]
    data = to_zne(p + s, turn) * fading_end(p.shape[1])
    if rng.random() < 0.25:  # an accelerometer
        data = np.diff(data, prepend=0)
    p_sample, later_p = _first_two(path.p_onsets, start)
    s_sample, later_s = _first_two(seen or [sp], start)
    end = start + (sp + coda_s) * RATE
    return Synthetic(unit(site(rng, data)), p_sample, s_sample, end, path.distance_km, later_p, later_s, not seen)


def _first_two(onsets_s: Sequence[float], start: float) -> tuple[float, float | None]:
    """The first onset and the one after it, if there is one, in samples."""
    samples = [start + onset * RATE for onset in onsets_s]
    return samples[0], samples[1] if len(samples) > 1 else None


def _wave_trains(
    rng: Generator, path: Path, sp: float, start: float, length: int
) -> tuple[NDArray[Any], NDArray[Any], float]:
    """P and S, each (3, length) of vertical, radial, transverse, and the azimuth of the radial in radians."""
    corner = _corner_hz(rng, path.distance_km)
    t_star = (sp * 1.37 + 0.3) / rng.uniform(80, 900)  # travel time of P over Q
    turn, incidence = rng.uniform(0, 2 * np.pi), np.radians(rng.triangular(2, 15, 60))
    p_fall = Fall.to(_level(rng, P_CODA if sp < FAR_S else FAR_P_CODA), sp, sp * rng.uniform(0.03, 0.3))
    s_fall = Fall.to(_level(rng, S_CODA), 2 * sp, sp * rng.uniform(0.05, 0.5))
    kappa_p, kappa_s = rng.uniform(*KAPPA_P_S), rng.uniform(*KAPPA_S_S)
    p = _train(rng, path.p, length, start, p_fall, _p_polarisation(incidence, rng))
    s = _train(rng, path.s, length, start, s_fall, _s_polarisation(incidence, rng))
    p = attenuate(brune(p, corner * 1.4), t_star + kappa_p)
    s = attenuate(brune(s, corner), t_star * rng.uniform(1, 2.2) + kappa_s)
    return p, s, turn


def draw_s_minus_p(rng: Generator) -> float:
    """Seconds between P and S: mostly local, more than one in four regional (up to 70 s)."""
    low, high = ((0.15, 3), (1, 12), (6, 25), (20, 70))[rng.choice(4, p=(0.22, 0.3, 0.2, 0.28))]
    return log_uniform(rng, low, high)


def _level(rng: Generator, middle: float) -> float:
    """A share of an amplitude, scattered by a factor of 1.8 either way."""
    return float(np.clip(middle * np.exp(rng.normal(0, 0.6)), 0.02, 1.0))


def _path(rng: Generator, sp: float) -> Path:
    """Direct waves close by; Pn, Pg and Sn, Sg beyond about 120 km. Multiples follow each phase."""
    distance = sp / (1 / VS_KM_S - 1 / VP_KM_S)
    ratio = float(np.exp(rng.normal(1.1, 0.6)))  # S over P amplitude
    if sp < 15 or rng.random() < 0.3:
        return Path(distance, _multiples(rng, 0.0, 1.0), _multiples(rng, sp, ratio), (0.0,), (sp,))
    distance = (sp - 0.7 * MOHO_DELAY_S) / (1 / VSN_KM_S - 1 / VPN_KM_S)
    p_delay = max(distance / VP_KM_S - (distance / VPN_KM_S + MOHO_DELAY_S), 0.8)
    s_delay = max(distance / VS_KM_S - (distance / VSN_KM_S + 1.7 * MOHO_DELAY_S), 1.2)
    head, head_s = log_uniform(rng, HEAD_WAVE, 1, size=2)
    p = _multiples(rng, 0.0, head) + _multiples(rng, p_delay, 1.0)
    s = _multiples(rng, sp, ratio * head_s) + _multiples(rng, sp + s_delay, ratio)
    return Path(distance, p, s, (0.0, p_delay), (sp, sp + s_delay))


def _multiples(rng: Generator, start: float, amplitude: float) -> Arrivals:
    """A phase and the few reflections and conversions that follow it."""
    count = rng.poisson(2)
    delays = start + rng.exponential(0.15 + 0.03 * start, count)
    return [(start, amplitude), *zip(delays, amplitude * rng.uniform(0.1, 0.8, count), strict=True)]


def _corner_hz(rng: Generator, distance_km: float) -> float:
    """Corner frequency: what is recorded far away is larger, so slower."""
    top = 30 / (1 + distance_km / 60)
    return log_uniform(rng, 1.0, max(top, 2.5))


def _train(
    rng: Generator,
    arrivals: Arrivals,
    length: int,
    start: float,
    fall: Fall,
    polarisation: NDArray[Any],
) -> NDArray[Any]:
    """Excitation of one wave train (3, sample), vertical, radial, transverse: polarised pulses, scattered coda."""
    time = np.arange(length) / RATE
    out = np.zeros((3, length))
    scatter, emergence = rng.uniform(0.1, 0.8), rng.exponential(0.05 + 0.02 * fall.knee_s)
    sharpness = rng.uniform(0, 1) ** min(fall.knee_s / 2, 1)  # of the onsets: far away many are emergent
    mixing = rng.uniform(0.3, 1)  # share of the coda that has forgotten where it came from
    coda = mixing * np.sqrt((polarisation**2).mean()) + (1 - mixing) * np.abs(polarisation)
    for delay, amplitude in arrivals:
        onset = start / RATE + delay
        since = time - onset
        rises = np.where(since > 0, 1 - np.exp(-np.maximum(since, 0) / (emergence + 1e-3)), 0)
        out += amplitude * scatter * coda * (rises * fall.at(since)) * rng.standard_normal((3, length))
        _pulse(out, onset * RATE, amplitude * sharpness * rng.choice((-1, 1)) * polarisation)
    return out


def _s_is_clear(s: NDArray[Any], p: NDArray[Any], sample: int) -> bool:
    """Whether the first second of an S stands out of the P coda beside it, on the vertical or on the horizontals."""
    after, before = s[:, sample : sample + 100], p[:, max(sample - 50, 0) : sample + 50]
    rise, ground = (after**2).mean(-1), CONTRAST_S**2 * (before**2).mean(-1)
    return bool(rise[0] > ground[0] or rise[1:].sum() > ground[1:].sum())


def fading_end(length: int) -> NDArray[Any]:
    """The last quarter fades, as a coda does, instead of being cut off."""
    fade = length // 4
    return np.concatenate([np.ones(length - fade), np.cos(np.linspace(0, np.pi / 2, fade))])


def _pulse(out: NDArray[Any], sample: float, amplitude: NDArray[Any]) -> None:
    """Add an impulse whose centre is one sample after the onset, shared by the two samples that follow the onset.

    amplitude : (3, 1), of each component.
    """
    first = int(np.ceil(sample))
    if first + 1 < out.shape[-1]:
        out[:, first : first + 2] += amplitude * np.array([first - sample, 1 - (first - sample)]) * 3


def brune(x: NDArray[Any], corner_hz: float) -> NDArray[Any]:
    """Velocity of Brune's source: two equal poles at the corner, differentiated."""
    pole = np.exp(-2 * np.pi * corner_hz / RATE)
    return lfilter([1, -1], np.poly([pole, pole]), x, axis=-1) * (1 - pole)


def attenuate(x: NDArray[Any], t_star: float) -> NDArray[Any]:
    """Causal low-pass whose corner 1 / (pi t*) stands in for exp(-pi f t*)."""
    pole = np.exp(-2 * RATE**-1 / max(t_star, 1e-3))
    return lfilter([1 - pole], [1, -pole], x, axis=-1)


def _p_polarisation(incidence: float, rng: Generator) -> NDArray[Any]:
    """Vertical, radial, transverse amplitude of a P wave; scattering leaves some on the transverse."""
    return np.array([[np.cos(incidence)], [np.sin(incidence)], [rng.uniform(0.02, 0.35)]])


def _s_polarisation(incidence: float, rng: Generator) -> NDArray[Any]:
    """Vertical, radial, transverse amplitude of an S wave with a random share of SH."""
    angle = rng.uniform(0, np.pi)
    vertical = np.cos(angle) * np.sin(incidence) + rng.uniform(0.05, 0.3)
    return np.array([[vertical], [np.cos(angle) * np.cos(incidence)], [np.sin(angle)]])


def to_zne(zrt: NDArray[Any], azimuth: float) -> NDArray[Any]:
    """Vertical, radial, transverse to Z, N, E."""
    z, r, t = zrt
    c, s = np.cos(azimuth), np.sin(azimuth)
    return np.stack([z, c * r - s * t, s * r + c * t])


def site(rng: Generator, x: NDArray[Any]) -> NDArray[Any]:
    """Resonances of the ground below the station, stronger on the horizontals."""
    for _ in range(rng.poisson(0.7)):
        radius, angle = rng.uniform(0.8, 0.97), 2 * np.pi * log_uniform(rng, 1.0, 20) / RATE
        ringing = lfilter([1 - radius], [1, -2 * radius * np.cos(angle), radius**2], x, axis=-1)
        x = x + ringing * np.array([[0.3], [1.0], [1.0]]) * rng.uniform(0.2, 1.5)
    return x


def unit(x: NDArray[Any]) -> NDArray[np.float32]:
    return (x / max(np.abs(x).max(), 1e-12)).astype(np.float32)


def noise(rng: Generator, length: int = IN_SAMPLES) -> NDArray[np.float32]:
    """(3, length) ground noise with a random power-law spectrum, microseism and sometimes a hum. Unit deviation."""
    f = np.fft.rfftfreq(length, 1 / RATE)
    f[0] = f[1]
    spectrum = f ** -rng.uniform(0, 1.2)
    spectrum += rng.uniform(0, 20) * np.exp(-(((f - rng.uniform(0.12, 0.3)) / 0.08) ** 2))
    for _ in range(rng.poisson(1)):
        spectrum += rng.exponential(0.5) * np.exp(-(((f - rng.uniform(1, 45)) / rng.uniform(0.02, 3)) ** 2))
    return shaped_noise(rng, np.repeat(spectrum[None], 3, 0), length)


def shaped_noise(rng: Generator, amplitude: NDArray[Any], length: int) -> NDArray[np.float32]:
    """Gaussian noise with the given amplitude spectrum (component, frequency) on rfftfreq's axis of any length."""
    old, new = np.linspace(0, 1, amplitude.shape[-1]), np.linspace(0, 1, length // 2 + 1)
    shape = np.stack([np.interp(new, old, row) for row in amplitude])
    random = rng.standard_normal(shape.shape) + 1j * rng.standard_normal(shape.shape)
    x = np.fft.irfft(shape * random, length)
    return (x / max(x.std(), 1e-12)).astype(np.float32)
