"""The largest amplitude that a Wood-Anderson seismograph would have drawn, in mm, zero to peak.

Ground displacement is had by dividing by the channel's response (evalresp, through ObsPy), the seismograph by
multiplying with its own; both in one step in the frequency domain, so nothing is integrated.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import pi
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jijin.errors import DataError
from jijin.io.timeline import between, joined
from jijin.network.responses import Sensor
from jijin.signal import missing
from jijin.types import NS, Segment, ns_to_samples, samples_to_ns

Floats = NDArray[np.float64]
TAPER_S = 1.0  # at either end of what is transformed
RING_S = 20.0  # room for what the filters add after the end, so that it does not come round to the beginning
GUARD_S = 1.0  # before the predicted P: the prediction may be late
MIN_NOISE_S = 2.0
FLAT = 5  # samples that are all the highest, or all the lowest, of a record are clipped peaks,
LOUD = 1000  # if it is louder than this many counts: quiet records have flat peaks by rounding


@dataclass(frozen=True, slots=True)
class WoodAnderson:
    """A torsion seismograph: mm on paper per mm of ground."""

    gain: float
    damping: float
    period_s: float = 0.8

    def response(self, frequency_hz: Floats) -> NDArray[np.complex128]:
        """gain s² / (s² + 2 h w s + w²) at s = 2 pi i f."""
        s, w = 2j * pi * frequency_hz, 2 * pi / self.period_s
        return np.asarray(self.gain * s**2 / (s**2 + 2 * self.damping * w * s + w**2))


SEISMOGRAPHS = {
    # Uhrhammer & Collins (1990), BSSA 80, 702-716, measured 2080 and 0.7; IASPEI's (2013) constant rests on it
    "uhrhammer_collins_1990": WoodAnderson(2080.0, 0.7),
    # Anderson & Taylor (1935): what the maker promised. ML comes out 0.13 larger at short periods
    "anderson_taylor_1935": WoodAnderson(2800.0, 0.8),
}


@dataclass(frozen=True, slots=True)
class Span:
    """When an event shakes a station, in ns: noise from noise_ns to p_ns, signal from p_ns to end_ns.

    The record may end, or have a gap, from main_ns on: the largest amplitude is over by then.
    """

    noise_ns: int
    p_ns: int
    main_ns: int
    end_ns: int


@dataclass(frozen=True, slots=True)
class Amplitude:
    """What is read on a Wood-Anderson seismogram."""

    value_mm: float  # zero to peak
    period_s: float | None  # twice the time between the zero crossings around the peak
    time_ns: int
    snr: float  # value over the highest amplitude before P


def measure(
    segments: Iterable[Segment], sensor: Sensor, span: Span, seismograph: WoodAnderson, band_hz: tuple[float, float]
) -> Amplitude:
    """Amplitude of one channel within span.

    segments : of the channel, counts; may overlap. band_hz : the transform passes everything above the second and
    nothing below the first.
    Raises DataError with the reason, a clause, where a gap, clipping, a dead channel or too little record before P
    makes the reading worthless.
    """
    record = _record(segments, span)
    rate = record.sampling_rate
    _check_samples(record, span)
    trace = wood_anderson(record.data, rate, sensor, seismograph, band_hz)
    taper = record.start_ns + round(TAPER_S * NS)
    first, onset, last = (_index(record, t) for t in (max(span.noise_ns, taper), span.p_ns - _guard(), span.end_ns))
    if onset - first < MIN_NOISE_S * rate:
        raise DataError(f"less than {MIN_NOISE_S:g} s of record before P")
    peak = onset + int(np.abs(trace[onset:last]).argmax())
    noise = float(np.abs(trace[first:onset]).max())
    value = float(abs(trace[peak]))
    if not value > 0:
        raise DataError("no signal above 0.1 Hz")
    time_ns = record.start_ns + samples_to_ns(peak, rate)
    return Amplitude(value, _period_s(trace, peak, rate), time_ns, value / noise if noise else float("inf"))


def wood_anderson(
    counts: NDArray[Any], sampling_rate: float, sensor: Sensor, seismograph: WoodAnderson, band_hz: tuple[float, float]
) -> Floats:
    """A gap-free record (sample,) in counts as mm on a Wood-Anderson seismogram, the same samples."""
    from scipy.signal import detrend
    from scipy.signal.windows import tukey

    count = len(counts)
    x = detrend(np.asarray(counts, np.float64)) * tukey(count, min(1.0, 2 * TAPER_S * sampling_rate / count))
    padded = 1 << int(count + RING_S * sampling_rate).bit_length()
    frequency = np.asarray(np.fft.rfftfreq(padded, 1 / sampling_rate), np.float64)
    response = sensor.to_displacement(padded, sampling_rate)
    keep = _band(frequency, (*band_hz, 0.8 * sampling_rate / 2, 0.95 * sampling_rate / 2)) * (np.abs(response) > 0)
    shape = keep * seismograph.response(frequency) / np.where(keep > 0, response, 1)
    return np.asarray(1000 * np.fft.irfft(np.fft.rfft(x, padded) * shape, padded)[:count])


def _band(frequency: Floats, corners: tuple[float, float, float, float]) -> Floats:
    """1 between the second and third corner, 0 outside of the first and fourth, cosines between."""
    steps = np.interp(frequency, corners, (0, 1, 1, 0))
    return np.asarray(0.5 - 0.5 * np.cos(pi * steps))


def _guard() -> int:
    return round(GUARD_S * NS)


def _index(record: Segment, time_ns: int) -> int:
    return int(np.ceil(ns_to_samples(time_ns - record.start_ns, record.sampling_rate)))


def _record(segments: Iterable[Segment], span: Span) -> Segment:
    """The gap-free run of samples that P lies in; it must hold the main part of the span."""
    run = next((r for r in joined(segments) if r.start_ns <= span.p_ns - _guard() and r.end_ns > span.p_ns), None)
    if run is None:
        raise DataError("no record around P")
    if run.end_ns < span.main_ns:
        raise DataError(f"a gap, or the end of the record, {(run.end_ns - span.p_ns) / NS:.1f} s after P")
    return run


def _check_samples(record: Segment, span: Span) -> None:
    """Raise DataError, a clause, if what is read between noise and end is filled up, dead, no counts or clipped."""
    part = between(record, span.noise_ns, span.end_ns)
    data = np.asarray(part.data if part else [], np.float64)
    if not len(data) or missing(data).any():
        raise DataError("a gap, filled with zeros or NaN, in the window")
    loudest = np.abs(data).max()
    if data.min() == data.max():
        raise DataError("dead channel: all samples are the same")
    if loudest < 1:
        raise DataError("the samples are below 1: no counts")
    if _is_clipped(data):
        raise DataError("clipped")


def _is_clipped(data: Floats, full_scale: float = 2.0**23) -> bool:
    """Cut off at the top or bottom, or over 90 % of a 24-bit digitiser's range (beyond it, it is none of 24 bits)."""
    if 0.9 * full_scale < np.abs(data).max() <= full_scale:
        return True
    if np.ptp(data) / 2 < LOUD:
        return False
    return any(int(np.count_nonzero(data == extreme)) >= FLAT for extreme in (data.max(), data.min()))


def _period_s(trace: Floats, peak: int, rate: float) -> float | None:
    """Twice the distance between the zero crossings on either side of a sample, None if one is missing."""
    changes = np.flatnonzero(np.diff(np.signbit(trace)))
    before, after = changes[changes < peak], changes[changes >= peak]
    if not len(before) or not len(after):
        return None
    return float(2 * (_crossing(trace, after[0]) - _crossing(trace, before[-1])) / rate)


def _crossing(trace: Floats, index: int) -> float:
    """Where the straight line between a sample and the next is zero."""
    left, right = trace[index], trace[index + 1]
    return float(index + left / (left - right))
