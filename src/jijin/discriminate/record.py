"""The vertical component of one station around a P: all that a source is told by."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from jijin.io.timeline import between
from jijin.resampling import STEP_NS, is_usable, resample
from jijin.types import NS, RATE, Segment

BEFORE_S, AFTER_S = 30, 50  # around P
P_SAMPLE = int(BEFORE_S * RATE)
LENGTH = int((BEFORE_S + AFTER_S) * RATE)
VERTICAL = "Z3"  # orientation codes
LEAST_S = 20.0  # of data after P, to say anything: with ten, a third of the records would be taken for another class


@dataclass(frozen=True, slots=True, eq=False)
class Record:
    """z : (LENGTH,) float32 at 100 Hz, any units, NaN where there is no data; P is at P_SAMPLE.

    s_minus_p_s: NaN without an S. Probabilities are the picker's; 0 where it has no pick.
    """

    z: NDArray[np.float32]
    s_minus_p_s: float = math.nan
    p_probability: float = 0.0
    s_probability: float = 0.0


def cut(trace: NDArray[np.float32], p_sample: float) -> NDArray[np.float32]:
    """trace (sample,) at 100 Hz, laid such that p_sample comes to P_SAMPLE; NaN outside of it and where not finite."""
    out = np.full(LENGTH, np.nan, np.float32)
    shift = P_SAMPLE - round(p_sample)
    first, last = max(shift, 0), min(shift + len(trace), LENGTH)
    if last > first:
        out[first:last] = trace[first - shift : last - shift]
    out[~np.isfinite(out)] = np.nan
    return out


def span_ns(p_ns: int) -> tuple[int, int]:
    """What of a station's data belongs to a P: first and last nanosecond."""
    return p_ns - BEFORE_S * NS, p_ns + AFTER_S * NS


def vertical(segments: Sequence[Segment], p_ns: int, picked: str = "") -> NDArray[np.float32] | None:
    """The vertical component (LENGTH,) around p_ns; None where too little of it is there.

    Of several vertical channels the picked one is taken, else the one with most data, then the first by name. Channels
    whose rate cannot be brought to 100 Hz, such as LHZ, are left out.
    """
    channels: dict[str, list[Segment]] = {}
    for segment in segments:
        if segment.seed_id[-1:] in VERTICAL and is_usable(segment.sampling_rate):
            channels.setdefault(segment.seed_id, []).append(segment)
    if picked in channels:
        channels = {picked: channels[picked]}
    rows = [_laid(channels[seed_id], p_ns) for seed_id in sorted(channels)]
    rows = [row for row in rows if np.isfinite(row[P_SAMPLE:]).sum() >= LEAST_S * RATE]
    return max(rows, key=lambda row: int(np.isfinite(row).sum()), default=None)


def _laid(segments: Sequence[Segment], p_ns: int) -> NDArray[np.float32]:
    """Segments of one channel on the grid around p_ns; an earlier sample is not written over."""
    out = np.full(LENGTH, np.nan, np.float32)
    parts = (between(segment, *span_ns(p_ns)) for segment in sorted(segments, key=lambda s: s.start_ns))
    for part in (part for part in parts if part):
        data = np.asarray(part.data, np.float64)
        values = resample(data - data.mean(), part.sampling_rate, part.seed_id)
        row = cut(values.astype(np.float32), (p_ns - part.start_ns) / STEP_NS)
        out = np.where(np.isnan(out), row, out)
    return out
