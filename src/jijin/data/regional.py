"""Synthetic regional earthquakes from Green's functions: Pn, Pg, Sn, Lg and what lies between them, up to 5 or 6.5 Hz.

The library holds the answer of layered crusts to double couples, 100 to 460 km away (scripts/greens made it). Each
earthquake is one path of it with a mechanism, a source and a station of its own, and with lateral scattering, which no
layered crust has: every component is smeared over the next seconds, and a little of it leaks into the others.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy.signal import fftconvolve, resample_poly

from jijin.data.draw import log_uniform
from jijin.data.synthetic import (
    KAPPA_S_S,
    Synthetic,
    attenuate,
    brune,
    fading_end,
    site,
    to_zne,
    unit,
)
from jijin.types import RATE

FILE = Path(__file__).with_name("regional.npz")
LAW = 1000.0  # of the companding that keeps a path in bytes: mu of ITU-T G.711, for a range of 1:1000
UP = 5  # times that the library's rate of 20 Hz goes into RATE
SCATTERED = 1500  # samples over which an arrival is smeared
TOP_HZ = 6.0  # highest corner frequency of a source: there is nothing above 6.5 Hz to show another one
RISE = 15  # samples over which P comes up: what is band-limited rings before its onset, and a cut would be a click
LEAK = 0.5  # of the scattering that goes to another component


@dataclass(frozen=True, slots=True, eq=False)
class Path1D:
    """greens : (8, sample) at 20 Hz, encoded, displacement for an impulse: Z and R of strike slip, dip slip and 45
    degree dip slip, then T of the first two; p_s, s_s : first P and first S after the first sample."""

    greens: NDArray[np.int8]
    crust: int  # seed of scripts/greens, which makes the same crust of it again
    depth_km: float
    distance_km: float
    p_s: float
    s_s: float


def encode(x: NDArray[np.floating]) -> NDArray[np.int8]:
    """x over its peak, in bytes whose steps are 5 % of a large value and a twenty-thousandth of the peak near zero.

    >>> encode(np.array([0.0, 0.001, -0.5, 1.0])).tolist()
    [0, 13, -114, 127]
    """
    share = x / max(float(np.abs(x).max()), 1e-300)
    return np.round(127 * np.sign(share) * np.log1p(LAW * np.abs(share)) / np.log1p(LAW)).astype(np.int8)


def decode(code: NDArray[np.int8]) -> NDArray[np.float32]:
    """What encode was given, over its peak.

    >>> [f"{x:.3f}" for x in decode(encode(np.array([0.0, 0.001, -0.5, 1.0])))]
    ['0.000', '0.001', '-0.493', '1.000']
    """
    share = code.astype(np.float32) / 127
    return (np.sign(share) * np.expm1(np.abs(share) * np.log1p(LAW)) / LAW).astype(np.float32)


@cache
def library(file: Path = FILE) -> Sequence[Path1D]:
    """The paths of a file of the library."""
    with np.load(file) as content:
        about, greens = content["about"], content["greens"]
    return [
        Path1D(code[:, : int(length)], int(crust), *map(float, row))
        for code, (crust, *row, length) in zip(greens, about, strict=True)
    ]


def digest() -> str:
    """The first 16 digits of the library's SHA-256, for the record of a training."""
    return hashlib.sha256(FILE.read_bytes()).hexdigest()[:16]


def regional_earthquake(rng: Generator, paths: Sequence[Path1D] | None = None) -> Synthetic:
    """One earthquake at one station, with P for a label and no S: it teaches that what follows P is no other P.

    The first S of a layered crust is seldom what pickers that have learnt from analysts take for S: they are after it,
    on Lg, or nowhere (docs/synthetics.md). A network that is taught the first one leaves S of real distant earthquakes.

    >>> e = regional_earthquake(np.random.default_rng(0))
    >>> e.data.shape[0], e.s_sample > e.p_sample + 1000, bool(abs(e.data).max() == 1)
    (3, True, True)
    """
    paths = paths or library()
    path = paths[int(rng.integers(len(paths)))]
    moved = resample_poly(_double_couple(rng, decode(path.greens)), UP, 1, axis=-1)
    moved = _scattered(rng, attenuate(brune(moved, log_uniform(rng, 0.7, TOP_HZ)), rng.uniform(*KAPPA_S_S)))
    p, s = path.p_s * RATE, path.s_s * RATE
    moved *= np.clip((np.arange(moved.shape[1]) - p) / RISE, 0, 1) * fading_end(moved.shape[1])
    data = unit(site(rng, to_zne(moved, rng.uniform(0, 2 * np.pi))))
    return Synthetic(data, p, s, data.shape[1], path.distance_km, hidden_s=True, only_first=True)


def _double_couple(rng: Generator, greens: NDArray[np.float32]) -> NDArray[np.float32]:
    """(3, sample), vertical, radial, transverse, of a random fault seen at a random azimuth.

    The weights of pygrt (of Wang & Herrmann 1980, A1 to A5, with signs of its own), of a random normal and slip.
    """
    slip, normal = np.linalg.qr(rng.standard_normal((3, 3)))[0][:, :2].T
    moment = np.outer(slip, normal) + np.outer(normal, slip)  # north, east, down; the station is to the north
    a1, a2, a3 = (moment[0, 0] - moment[1, 1]) / 2, -moment[0, 2], -(moment[0, 0] + moment[1, 1]) / 2
    a4, a5 = moment[0, 1], -moment[1, 2]
    zr = np.array([a1, a2, a3]) @ greens[:6].reshape(2, 3, -1)
    return np.concatenate([zr, (np.array([a4, a5]) @ greens[6:])[None]]).astype(np.float32)


def _scattered(rng: Generator, x: NDArray[np.floating]) -> NDArray[np.floating]:
    """x (3, sample) with a coda of random phase after everything that arrives, nothing before it."""
    fade = np.exp(-np.arange(1, SCATTERED + 1) / RATE / log_uniform(rng, 0.5, 6))
    kernel = rng.standard_normal((3, 3, SCATTERED)) * fade * np.where(np.eye(3), 1, LEAK)[..., None]
    kernel *= log_uniform(rng, 0.01, 0.1)
    late = sum(fftconvolve(kernel[:, k], x[k][None], axes=-1)[:, : x.shape[1] - 1] for k in range(3))
    return x + np.pad(late, ((0, 0), (1, 0)))
