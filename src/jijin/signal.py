"""Pure array functions on samples: what happens to a seismogram before a model sees it."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from jijin.resampling import RATE, resample

__all__ = ["RATE", "bridge", "missing", "normalise", "resample"]

HIGHPASS_HZ = 0.7  # takes out microseism and drift; causal, so that no energy moves ahead of an onset
ZERO_RUN = 50  # samples: a longer run of exact zeros in raw data is a filled gap, not a signal


@cache
def highpass_filter(sampling_rate: float) -> NDArray[np.float32]:
    from scipy.signal import butter

    return butter(2, HIGHPASS_HZ, btype="highpass", fs=sampling_rate, output="sos").astype(np.float32)


def missing(windows: NDArray[Any]) -> NDArray[np.bool_]:
    """Samples that hold no data: NaN, infinite, or in a run of more than ZERO_RUN exact zeros.

    windows : (..., sample) -> bool of the same shape. A zero-filled gap in someone else's windows is found this way.
    """
    out = ~np.isfinite(windows)
    zero = windows == 0
    if zero.any():
        out |= _long_runs(zero, ZERO_RUN)
    return out


def _long_runs(flags: NDArray[np.bool_], shortest: int) -> NDArray[np.bool_]:
    """flags : (..., sample); keep only the runs of True that are longer than shortest samples."""
    out = np.zeros_like(flags)
    rows, flat = out.reshape(-1, flags.shape[-1]), flags.reshape(-1, flags.shape[-1])
    for row in np.flatnonzero(flat.sum(-1) > shortest):
        edges = np.flatnonzero(np.diff(flat[row].astype(np.int8), prepend=0, append=0))
        for start, stop in edges.reshape(-1, 2):
            rows[row, start:stop] = stop - start > shortest
    return out


def bridge(windows: NDArray[Any], gaps: NDArray[np.bool_]) -> NDArray[Any]:
    """A copy with straight lines over the missing samples (flat at the ends), so that a filter sees no step.

    windows, gaps : (..., sample). A row without any data becomes zero.
    """
    out = windows.copy()
    rows, flags = out.reshape(-1, out.shape[-1]), gaps.reshape(-1, out.shape[-1])
    index = np.arange(out.shape[-1])
    for row in np.flatnonzero(flags.any(-1)):
        good = ~flags[row]
        rows[row] = np.interp(index, index[good], rows[row, good]) if good.any() else 0.0
    return out


def normalise(windows: ArrayLike, sampling_rate: float = RATE) -> NDArray[np.float32]:
    """What a model sees: high-passed above 0.7 Hz (causal), each component divided by its standard deviation.

    windows : (..., sample), any units -> float32 of the same shape. Missing samples come out as zero,
    and so does a component that is constant.
    """
    from scipy.signal import sosfilt

    raw = np.asarray(windows)
    if not np.issubdtype(raw.dtype, np.floating) or raw.dtype == np.float16:
        raw = raw.astype(np.float64)  # integers would wrap around on the next lines
    gaps = missing(raw)
    x = bridge(raw, gaps) if gaps.any() else raw
    x = (x - x[..., :1]).astype(np.float32)  # at rest on the first sample; in the raw dtype, so no digit is lost
    x = sosfilt(highpass_filter(sampling_rate), x, axis=-1).astype(np.float32, copy=False)
    return _standardise(x, gaps)


def _standardise(x: NDArray[np.float32], gaps: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Zero mean and unit standard deviation over the samples that are there; zero where they are not."""
    holes = gaps.any()
    valid = np.maximum((~gaps).sum(-1, keepdims=True, dtype=np.float32), 1) if holes else np.float32(x.shape[-1])
    if holes:
        x[gaps] = 0
    x -= x.sum(-1, keepdims=True) / valid
    if holes:
        x[gaps] = 0
    scale = np.abs(x).max(-1, keepdims=True)  # first to order one, so that squares of 1e-9 m/s do not vanish
    x /= np.where(scale > 0, scale, 1)
    deviation = np.sqrt((x * x).sum(-1, keepdims=True) / valid)
    x /= np.where(deviation > 0, deviation, 1)
    return x
