"""Any sampling rate from 20 to 1000 Hz to the 100 Hz grid, zero phase.

One short windowed sinc does interpolation and anti-aliasing. Its transition is wide on purpose: a steep filter rings
ahead of an impulsive onset, and a picker takes the ringing for the onset. An output sample is the same weighted sum of
the same raw samples however the record is cut, to the last bit: tap by tap, never in an order of a library's own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from jijin.errors import DataError
from jijin.types import NS, RATE

STEP_NS = 10_000_000  # one grid sample
LOWEST_HZ, HIGHEST_HZ = 20.0, 1000.0
DRIFT = 1e-4  # of a digitiser's clock, or of a rate that a format rounds: 19.9999997 Hz are 20 Hz
WIDTH = 6.0  # half length of the kernel, in samples of the lower of the two rates
CUTOFF = 0.42  # -6 dB, as a fraction of the lower rate; flat to 0.29, 50 dB down at 0.55
KAISER_BETA = 5.0
PHASES = 512  # positions between two raw samples: 0.1 ms at worst (20 Hz), 0.01 ms at 100 Hz
LONGEST_CYCLE = 64  # output samples after which the phases of a simple ratio repeat
PIECE = 8192  # output samples worked on at a time, so that they stay in the cache

Read = Callable[[int, int], NDArray[np.float64]]


def check_rate(sampling_rate: float, seed_id: str = "") -> None:
    """Raise DataError unless the rate (Hz) is one that can be brought to 100 Hz."""
    if not is_usable(sampling_rate):
        raise DataError(
            f"{seed_id or 'data'}: sampling rate must be {LOWEST_HZ:g} to {HIGHEST_HZ:g} Hz (got {sampling_rate:g} Hz)"
        )


def is_usable(sampling_rate: float) -> bool:
    """True for a rate (Hz) that can be brought to 100 Hz.

    >>> [is_usable(rate) for rate in (19.9, 19.9999997, 1000.01, 1001.0, float("nan"))]
    [False, True, True, False, False]
    """
    return LOWEST_HZ * (1 - DRIFT) <= sampling_rate <= HIGHEST_HZ * (1 + DRIFT)


def is_native(sampling_rate: float) -> bool:
    """True where samples go to the grid as they are."""
    return abs(sampling_rate / RATE - 1) < 1e-9


@dataclass(frozen=True, slots=True)
class Kernel:
    """Weights for one sampling rate.

    table : (phase, tap); row q weighs the raw samples floor(x) - half + 1 ... floor(x) + half around position x
    for the fraction q / PHASES of x. cycle, advance: after `cycle` outputs the position has moved by exactly
    `advance` raw samples; cycle is 0 where the ratio is not a simple one.
    """

    sampling_rate: float
    half: int
    table: NDArray[np.float64]
    cycle: int
    advance: int


@lru_cache(maxsize=64)
def kernel(sampling_rate: float) -> Kernel:
    """The kernel of a rate in Hz; cached."""
    scale = min(1.0, RATE / sampling_rate)  # raw sample in units of the slower rate's sample
    half = int(np.ceil(WIDTH / scale))
    tap = np.arange(1 - half, half + 1)
    u = (tap - np.arange(PHASES + 1)[:, None] / PHASES) * scale
    table = np.sinc(2 * CUTOFF * u) * np.i0(KAISER_BETA * np.sqrt(np.clip(1 - (u / WIDTH) ** 2, 0, None)))
    table *= np.abs(u) <= WIDTH
    table /= table.sum(1, keepdims=True)  # a constant stays that constant at every phase
    table = np.asfortranarray(table)  # read by tap
    ratio = Fraction(sampling_rate / RATE).limit_denominator(LONGEST_CYCLE)
    simple = abs(float(ratio) * RATE / sampling_rate - 1) < 1e-9
    return Kernel(sampling_rate, half, table, ratio.denominator * simple, ratio.numerator * simple)


def resample_to_grid(read: Read, anchor_ns: int, sampling_rate: float, first: int, stop: int) -> NDArray[np.float64]:
    """Values at the grid indices first ... stop - 1, that is at index * 10 ms since 1970 UTC.

    read(a, b) returns the raw samples a ... b - 1 as float64; sample n was taken at anchor_ns + n / sampling_rate.
    It is asked for samples before and after the record too, and decides what is there (jijin holds the edge value).
    """
    k = kernel(sampling_rate)
    out = np.empty(stop - first)
    for at in range(first, stop, PIECE):
        end = min(at + PIECE, stop)
        work = _cyclic if k.cycle else _scattered
        out[at - first : end - first] = work(k, read, anchor_ns, at, end)
    return out


def _cyclic(k: Kernel, read: Read, anchor_ns: int, first: int, stop: int) -> NDArray[np.float64]:
    """A simple ratio: every cycle-th output has the same weights, `advance` raw samples on. Exact integers."""
    count, unit = stop - first, STEP_NS * k.cycle
    starts = [divmod((g * STEP_NS - anchor_ns) * k.advance, unit) for g in range(first, min(first + k.cycle, stop))]
    low = starts[0][0] - k.half + 1
    x = read(low, starts[0][0] + k.advance * (count // k.cycle + 1) + k.half + 1)
    out = np.empty(count)
    for p, (index, rest) in enumerate(starts):
        phase = (2 * rest * PHASES + unit) // (2 * unit)
        n = len(range(p, count, k.cycle))
        begin = index - k.half + 1 - low
        out[p :: k.cycle] = _weigh(x[begin:], k.advance, n, k.table[phase])
    return out


def _weigh(x: NDArray[np.float64], step: int, count: int, taps: NDArray[np.float64]) -> NDArray[np.float64]:
    """sum over j of taps[j] * x[j + i * step], for i in 0 ... count - 1."""
    combs = [np.ascontiguousarray(x[r::step]) for r in range(step)]
    out, term = np.zeros(count), np.empty(count)
    for j, tap in enumerate(taps):
        np.multiply(combs[j % step][j // step : j // step + count], tap, out=term)
        out += term
    return out


def _scattered(k: Kernel, read: Read, anchor_ns: int, first: int, stop: int) -> NDArray[np.float64]:
    """Any ratio (99.998 Hz): every output looks up the weights of its own phase."""
    ns = np.arange(first, stop) * STEP_NS - anchor_ns
    position = ns * (k.sampling_rate / NS)
    index = np.floor(position).astype(np.int64)
    phase = np.rint((position - index) * PHASES).astype(np.int64)
    low = int(index[0]) - k.half + 1
    x, column = read(low, int(index[-1]) + k.half + 1), index - index[0]
    out = np.zeros(stop - first)
    for j, taps in enumerate(k.table.T):
        out += np.take(taps, phase) * np.take(x[j:], column)
    return out


def resample(data: ArrayLike, sampling_rate: float, seed_id: str = "") -> NDArray[Any]:
    """A record at sampling_rate (Hz, 20 to 1000) as it would be at 100 Hz; the first sample keeps its time.

    data : (..., sample) -> (..., sample), float64; at 100 Hz a copy in the dtype it came in. The edge value is held
    beyond both ends. Missing samples must be filled before. DataError names seed_id where the rate is out of range.

    >>> resample([0.0, 1.0, 0.0], 50.0).round(2).tolist()
    [0.14, 0.61, 0.84, 0.61, 0.14]
    """
    check_rate(sampling_rate, seed_id)
    x = np.asarray(data)
    if is_native(sampling_rate) or x.size == 0:
        return x.copy()
    rows = x.reshape(-1, x.shape[-1]).astype(np.float64)
    count = int(at_100_hz(x.shape[-1], sampling_rate))
    out = [resample_to_grid(holding(row), 0, sampling_rate, 0, count) for row in rows]
    return np.stack(out).reshape(*x.shape[:-1], count)


def at_100_hz(npts: ArrayLike, sampling_rate: ArrayLike) -> NDArray[np.float64]:
    """How many samples a record of npts samples at sampling_rate (Hz) has at 100 Hz."""
    return np.rint((np.asarray(npts, np.float64) - 1) * RATE / np.asarray(sampling_rate, np.float64)) + 1


def holding(row: NDArray[np.float64]) -> Read:
    """A reader of the row that holds its first and last value beyond the ends."""
    return lambda a, b: row[np.clip(np.arange(a, b), 0, len(row) - 1)]
