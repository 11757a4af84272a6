"""Physical features of a Record, numbers that a seismologist can read and that gain does not change.

    features(record) -> (len(NAMES),) float32, NaN where one cannot be measured

Only the vertical component between 1 and 16 Hz is looked at: what every network records, whatever its sensors and
sampling rates, so that a class is not told by the instruments that happened to record it. Amplitudes are freed of the
noise before P and given as log10; a band whose signal does not stand out of it is not measured.

Sources: P/S ratios in bands, Kim, Simpson & Richards (1993), doi:10.1029/93GL01267; Rg of shallow blasts, Bath (1975),
Phys. Earth Planet. Inter. 10; spectral banding of ripple firing that lasts from P through the coda, Hedlin, Minster &
Orcutt (1990), BSSA 80(6B).
"""

from __future__ import annotations

import math
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jijin.discriminate.record import P_SAMPLE, Record
from jijin.signal import bridge
from jijin.types import RATE

BANDS_HZ = ((1, 2), (2, 4), (4, 8), (8, 16))
ALL = len(BANDS_HZ)  # row of the whole band in _powers
LINE_HZ = (1.0, 16.0)
STEP = 10  # samples of the envelope's steps: 0.1 s
STANDS_OUT = 1.5  # times the noise power, for a band to be measured
LEAST_S = 0.4  # of data in a window, to measure it
SHORT_S, FIRST_S, WHOLE_S = 0.5, 5.0, 25.0  # after P: onset, first part, all of the event
Array = NDArray[np.float64]

BAND_NAMES = tuple(f"{low}-{high} Hz" for low, high in BANDS_HZ)
NAMES = (
    *(f"P/S {band}" for band in BAND_NAMES),
    "P 1-4 / 4-16 Hz",
    "S 1-4 / 4-16 Hz",
    "Rg 1-2 Hz / S 4-16 Hz",
    *(f"{a} / {b}" for a, b in pairwise(BAND_NAMES)),
    "complexity",
    "rise (log s)",
    "decay (log s)",
    "peak / mean",
    "onset",
    "SNR",
    "before P / quietest",
    "first motion up",
    "banding",
    "spectral line",
    "repetition",
    "S-P (log s)",
    "P probability (log odds)",
    "S probability (log odds)",
)


def features(record: Record) -> NDArray[np.float32]:
    """Values of NAMES."""
    there = np.isfinite(record.z)
    z = _centred(record.z, there)
    powers = _powers(z, there)
    noise = _mean(powers, there, -11, -1)
    values = (
        *_phases(powers, there, noise, record.s_minus_p_s),
        *_shares(powers, there, noise),
        *_shape(powers[ALL], there, noise[ALL]),
        _first_motion(z, there),
        _banding(z, there),
        *_periodic(z, powers[ALL], there),
        math.log10(max(record.s_minus_p_s, 0.1)),
        _log_odds(record.p_probability),
        _log_odds(record.s_probability),
    )
    return np.array(values, np.float32)


def _centred(z: NDArray[np.float32], there: NDArray[np.bool_]) -> Array:
    """Gaps bridged, of unit deviation; zero where there is no data."""
    x = bridge(z.astype(np.float64)[None], ~there[None])[0]
    deviation = x[there].std() if there.any() else 0.0
    return (x - x[0]) / deviation if deviation > 0 else np.zeros_like(x)


@cache
def _bandpass(low: float, high: float) -> Array:
    from scipy.signal import butter

    return np.asarray(butter(3, (low, high), "bandpass", fs=RATE, output="sos"))


def _powers(z: Array, there: NDArray[np.bool_]) -> Array:
    """Squares of z in each of BANDS_HZ and in all of them: (band + 1, sample)."""
    from scipy.signal import sosfilt

    bands = (*BANDS_HZ, (BANDS_HZ[0][0], BANDS_HZ[-1][1]))
    return np.stack([sosfilt(_bandpass(*band), z) ** 2 for band in bands]) * there


def _mean(powers: Array, there: NDArray[np.bool_], start_s: float, stop_s: float) -> Array:
    """Mean power from start_s to stop_s after P of each row (..., sample); NaN with less than LEAST_S of data."""
    part = slice(max(P_SAMPLE + round(start_s * RATE), 0), max(P_SAMPLE + round(stop_s * RATE), 0))
    count = int(there[part].sum())
    if count < min(LEAST_S, 0.8 * (stop_s - start_s)) * RATE:
        return np.full(powers.shape[:-1], np.nan)
    return np.asarray(powers[..., part].sum(-1) / count)


def _freed(power: Any, noise: Any) -> Any:
    """Power without that of the noise; NaN where it does not stand out, as it is where the noise is not known."""
    known = np.nan_to_num(noise)
    return np.where(power > STANDS_OUT * known, power - known, np.nan)


def _ratio(a: Any, b: Any) -> Any:
    """log10 of the amplitude ratio of two powers; NaN if one of them is NaN or 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        out = 0.5 * np.log10(np.asarray(a) / np.asarray(b))
    return np.where(np.isfinite(out), out, np.nan)


def _phases(powers: Array, there: NDArray[np.bool_], noise: Array, s_s: float) -> list[float]:
    """P/S in each band, spectral ratios of P and of S, and Rg over S; NaN without an S."""
    length = min(max(0.8 * s_s, LEAST_S), FIRST_S) if s_s == s_s else 3.0
    p = _freed(_mean(powers, there, 0, length), noise)
    out = [math.nan] * ALL, math.nan, math.nan
    if s_s == s_s:
        s = _freed(_mean(powers, there, s_s, s_s + length), noise)
        late = _freed(_mean(powers, there, 1.5 * s_s, 2.6 * s_s + 1), noise)  # group velocity about 2.9 to 2.1 km/s
        out = (
            _ratio(p, s)[:ALL].tolist(),
            float(_ratio(s[:2].sum(), s[2:4].sum())),
            float(_ratio(late[0], s[2:4].sum())),
        )
    return [*out[0], float(_ratio(p[:2].sum(), p[2:4].sum())), out[1], out[2]]


def _shares(powers: Array, there: NDArray[np.bool_], noise: Array) -> list[float]:
    """Each band over the next one, in all of the event."""
    whole = _freed(_mean(powers, there, 0, WHOLE_S), noise)[:ALL]
    return list(_ratio(whole[:-1], whole[1:]))


def _shape(power: Array, there: NDArray[np.bool_], noise: float) -> list[float]:
    """How the envelope rises and falls, and how it stands out of what was before."""
    first = _freed(_mean(power, there, 0, FIRST_S), noise)
    later = _freed(_mean(power, there, FIRST_S, WHOLE_S), noise)
    smooth = _steps(power, there)
    quiet = np.nanpercentile(smooth, 5) if np.isfinite(smooth).any() else math.nan
    after = smooth[P_SAMPLE // STEP :][: round(WHOLE_S * RATE / STEP)]
    rise, decay, peak = _times(after)
    onset = _ratio(_mean(power, there, 0, SHORT_S), _mean(power, there, -2.5, -0.1))
    snr = _ratio(np.nanmax(after) if np.isfinite(after).any() else math.nan, noise)
    numbers = (_ratio(later, first), rise, decay, peak, np.clip(onset, -1, 2), np.clip(snr, -1, 2))
    return [*map(float, numbers), float(np.clip(_ratio(noise, quiet), 0, 1.5))]


def _steps(power: Array, there: NDArray[np.bool_]) -> Array:
    """Power smoothed over half a second, in steps of STEP samples; NaN where there is no data."""
    mean = power.reshape(-1, STEP).mean(1)
    known = there.reshape(-1, STEP).all(1)
    out = np.convolve(mean, np.ones(5) / 5, "same")
    return np.where(known, out, np.nan)


def _times(power: Array) -> tuple[float, float, float]:
    """Of the steps after P: log10 of seconds to the peak and from it to a third of its amplitude; peak over mean."""
    if not np.isfinite(power).any() or np.nanmax(power) <= 0:
        return math.nan, math.nan, math.nan
    top = int(np.nanargmax(power))
    low = np.flatnonzero(power[top:] < power[top] / 9)
    left = len(power) - top
    fall = low[0] if len(low) else left
    return (
        math.log10(top * STEP / RATE + 0.2),
        math.log10(fall * STEP / RATE + 0.1),
        float(_ratio(power[top], np.nanmean(power))),
    )


def _first_motion(z: Array, there: NDArray[np.bool_]) -> float:
    """First half cycle after P over the noise before it, up positive; its size compressed to -1 ... 1."""
    from scipy.signal import sosfilt

    x = sosfilt(_bandpass(BANDS_HZ[0][0], BANDS_HZ[-1][1]), z)
    before, after = x[P_SAMPLE - 200 : P_SAMPLE - 10], x[P_SAMPLE - 5 : P_SAMPLE + 50]
    if not there[P_SAMPLE - 200 : P_SAMPLE + 50].all() or before.std() == 0:
        return math.nan
    clear = np.flatnonzero(np.abs(after) > 4 * before.std())
    return float(np.tanh(after[clear[0]] / before.std() / 8)) if len(clear) else 0.0


def _banding(z: Array, there: NDArray[np.bool_]) -> float:
    """Correlation of the fine structure of the spectra of the first and the later part: high where bands last."""
    parts = [slice(P_SAMPLE, P_SAMPLE + 600), slice(P_SAMPLE + 600, P_SAMPLE + 1200)]
    if not all(there[part].all() and z[part].std() > 0 for part in parts):
        return math.nan
    a, b = (_fine(z[part]) for part in parts)
    return float(np.corrcoef(a, b)[0, 1])


def _fine(x: Array) -> Array:
    """Log spectrum from 1 to 16 Hz, smoothed over half a hertz, less its trend over five."""
    spectrum = np.abs(np.fft.rfft(x * np.hanning(len(x)), 1024)) ** 2
    f = np.fft.rfftfreq(1024, 1 / RATE)
    log = np.log(spectrum + 1e-9 * spectrum.max())
    fine = np.convolve(log, np.ones(5) / 5, "same") - np.convolve(log, np.ones(51) / 51, "same")
    return np.asarray(fine[(f >= LINE_HZ[0]) & (f <= LINE_HZ[1])])


def _periodic(z: Array, power: Array, there: NDArray[np.bool_]) -> tuple[float, float]:
    """Height of the sharpest spectral line, log10 over its neighbourhood; how well the envelope repeats itself.

    Both over all of the record: a machine or a pile driver goes on while an earthquake passes.
    """
    runs = np.flatnonzero(there)
    if len(runs) < 10 * RATE:
        return math.nan, math.nan
    part = slice(int(runs[0]), int(runs[-1]) + 1)
    return _line(z[part]), _repetition(power[part], there[part])


def _line(z: Array) -> float:
    """From spectra of 5-s pieces, their median: only what lasts makes a line."""
    pieces = np.lib.stride_tricks.sliding_window_view(z, 512)[::256]
    spectra = np.abs(np.fft.rfft((pieces - pieces.mean(1, keepdims=True)) * np.hanning(512), axis=1)) ** 2
    log = np.log10(np.median(spectra, axis=0) + 1e-12)
    f = np.fft.rfftfreq(512, 1 / RATE)
    around = np.median(np.lib.stride_tricks.sliding_window_view(np.pad(log, 8, "edge"), 17), axis=1)
    return float((log - around)[(f >= LINE_HZ[0]) & (f <= LINE_HZ[1])].max())


def _repetition(power: Array, there: NDArray[np.bool_]) -> float:
    """Highest autocorrelation of the log envelope at lags of 0.4 to 10 s, after it has once fallen below its half."""
    n = len(power) // STEP * STEP
    envelope = power[:n].reshape(-1, STEP).mean(1)
    log = np.log(envelope + 1e-6 * envelope.max() + 1e-30)
    x = log - np.convolve(np.pad(log, 50, "edge"), np.ones(101) / 101, "valid")  # less what changes within ten seconds
    if x.std() == 0:
        return 0.0
    lags = np.fft.irfft(np.abs(np.fft.rfft(x, 2 * len(x))) ** 2)[: min(101, len(x) // 3)]
    lags = lags / lags[0] * len(x) / (len(x) - np.arange(len(lags)))
    low = np.flatnonzero(lags < 0.2)
    return float(max(lags[max(low[0], 4) :].max(initial=0.0), 0.0)) if len(low) else 0.0


def _log_odds(p: float) -> float:
    p = min(max(p, 0.01), 0.99)
    return math.log(p / (1 - p))
