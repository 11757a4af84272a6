"""Physical features of three-component windows: numbers that a seismologist can read, and that gain does not change.

    window_features(windows (window, 3, sample)) -> (window, len(NAMES)) float32

Everything is measured on the window high-passed at 1 Hz. A component without data counts for nothing; a feature that
cannot be measured is 0.

Sources: STA/LTA, Allen (1978), BSSA 68; kurtosis as an onset function, Saragiotis et al. (2002),
doi:10.1109/TGRS.2002.800438; polarisation from the covariance of the components, Jurkevics (1988), BSSA 78.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from jijin.types import RATE

BANDS_HZ = ((1, 2), (2, 4), (4, 8), (8, 16), (16, 32))
STA, LTA = 50, 1000  # samples
AROUND = 200  # samples of the loudest stretch on which polarisation is measured
BLOCK = 50  # samples a step of the envelope
NAMES = (
    "STA/LTA max",
    "kurtosis",
    "peak / median envelope",
    "rise time (s)",
    "time over half peak (s)",
    "decay time (s)",
    *(f"energy {low}-{high} Hz" for low, high in BANDS_HZ),
    "dominant frequency (Hz)",
    "bandwidth (Hz)",
    "rectilinearity",
    "vertical / horizontal",
    "largest jump of envelope",
)
Array = NDArray[np.float32]


def window_features(windows: ArrayLike, chunk: int = 64) -> Array:
    """Features of windows (window, 3, sample), ZNE, 100 Hz, any units; NaN or zeros are missing. Columns: NAMES."""
    x = np.asarray(windows, np.float32)
    parts = [_features(x[at : at + chunk]) for at in range(0, len(x), chunk)]
    return np.concatenate([np.zeros((0, len(NAMES)), np.float32), *parts])


def _features(x: Array) -> Array:
    x = _prepared(x)
    envelope = _blocks(np.sqrt((x**2).sum(1)))  # (window, block)
    spectrum, frequency = _spectrum(x)
    columns = (
        _sta_lta(x),
        _kurtosis(x),
        _ratio(envelope.max(-1), np.median(envelope, -1)),
        *_shape(envelope),
        *_bands(spectrum, frequency),
        *_moments(spectrum, frequency),
        *_polarisation(x),
        _ratio((envelope[:, 1:] / np.maximum(envelope[:, :-1], 1e-3)).max(-1), np.float32(1)),
    )
    return np.nan_to_num(np.stack(columns, -1)).astype(np.float32)


def _prepared(x: Array) -> Array:
    """High-passed at 1 Hz, missing samples zero, the whole window of unit deviation."""
    from scipy.signal import butter, sosfilt

    sos = butter(2, 1.0, "highpass", fs=RATE, output="sos").astype(np.float32)
    there = np.isfinite(x)
    first = np.where(there.any(-1), np.take_along_axis(np.nan_to_num(x), there.argmax(-1)[..., None], -1)[..., 0], 0)
    y = sosfilt(sos, np.where(there, x - first[..., None], 0).astype(np.float32), axis=-1)
    return _ratio(y, y.std((1, 2), keepdims=True))


def _ratio(a: NDArray[Any], b: NDArray[Any] | np.float32) -> Array:
    """a / b, 0 where b is 0."""
    return np.where(b > 0, a / np.where(b > 0, b, 1), 0).astype(np.float32)


def _blocks(x: Array) -> Array:
    """(window, sample) -> (window, block): mean of each half second."""
    n = x.shape[-1] // BLOCK * BLOCK
    return x[:, :n].reshape(len(x), -1, BLOCK).mean(-1)


def _sta_lta(x: Array) -> Array:
    """Largest ratio of the mean power of half a second to that of the ten seconds before."""
    power = np.cumsum((x**2).sum(1), -1, dtype=np.float64)
    short = power[:, LTA + STA :] - power[:, LTA:-STA]
    long = power[:, LTA:-STA] - power[:, : -LTA - STA]
    floor = 1e-6 * LTA
    return ((short / STA) / (np.maximum(long, floor) / LTA)).max(-1).astype(np.float32)


def _kurtosis(x: Array) -> Array:
    """Excess kurtosis of all samples: 0 for Gaussian noise, large for a short event."""
    power = x**2
    return (_ratio((power**2).mean((1, 2)), power.mean((1, 2)) ** 2) - 3 * (power.sum((1, 2)) > 0)).astype(np.float32)


def _shape(envelope: Array) -> tuple[Array, Array, Array]:
    """Seconds from a tenth of the peak to the peak, over half of it, and from it down to a fifth."""
    step, blocks = BLOCK / RATE, np.arange(envelope.shape[-1])
    peak, top = envelope.argmax(-1)[:, None], envelope.max(-1, keepdims=True)
    low_before = np.where((blocks < peak) & (envelope < 0.1 * top), blocks, -1).max(-1)
    low_after = np.where((blocks > peak) & (envelope < 0.2 * top), blocks, envelope.shape[-1]).min(-1)
    over = (envelope > 0.5 * top).sum(-1)
    return tuple((a * step).astype(np.float32) for a in (peak[:, 0] - low_before, over, low_after - peak[:, 0]))


def _spectrum(x: Array) -> tuple[Array, NDArray[Any]]:
    """Power spectrum summed over components, (window, frequency)."""
    from scipy.fft import rfft

    taper = np.hanning(x.shape[-1]).astype(np.float32)
    return (np.abs(rfft(x * taper, axis=-1)) ** 2).sum(1), np.fft.rfftfreq(x.shape[-1], 1 / RATE)


def _bands(spectrum: Array, frequency: NDArray[Any]) -> list[Array]:
    """Shares of the energy in BANDS_HZ."""
    total = spectrum.sum(-1)
    return [_ratio(spectrum[:, (frequency >= low) & (frequency < high)].sum(-1), total) for low, high in BANDS_HZ]


def _moments(spectrum: Array, frequency: NDArray[Any]) -> tuple[Array, Array]:
    """Frequency of the largest (smoothed) power, and the spread of the power about its centre."""
    smooth = _blocks_of(spectrum, 12)
    total, f = spectrum.sum(-1), frequency.astype(np.float32)
    centre = _ratio((spectrum * f).sum(-1), total)
    spread = np.sqrt(_ratio((spectrum * (f - centre[:, None]) ** 2).sum(-1), total))
    return (smooth.argmax(-1) + 0.5) * np.float32(12 * f[1]) * (total > 0), spread


def _blocks_of(x: Array, size: int) -> Array:
    n = x.shape[-1] // size * size
    return x[:, :n].reshape(len(x), -1, size).mean(-1)


def _polarisation(x: Array) -> tuple[Array, Array]:
    """Rectilinearity 1 - (l2 + l3) / (2 l1) of the loudest two seconds; vertical over horizontal amplitude there."""
    peak = np.abs(x).sum(1).argmax(-1)
    start = np.clip(peak - AROUND // 2, 0, x.shape[-1] - AROUND)
    index = (start[:, None] + np.arange(AROUND))[:, None]
    part = np.take_along_axis(x, np.broadcast_to(index, (len(x), 3, AROUND)), -1)
    part = part - part.mean(-1, keepdims=True)
    values = np.linalg.eigvalsh(np.einsum("wcs,wds->wcd", part, part))  # ascending
    rectilinearity = (values[:, 2] > 0) - _ratio(values[:, 0] + values[:, 1], 2 * values[:, 2])
    power = (part**2).sum(-1)
    return rectilinearity.astype(np.float32), np.sqrt(_ratio(2 * power[:, 0], power[:, 1] + power[:, 2]))
