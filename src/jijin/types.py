"""What the stages hand on: Segment in, Pick out. Frozen; times are integer nanoseconds since 1970 UTC."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from obspy import UTCDateTime

NS = 1_000_000_000  # nanoseconds in a second


def samples_to_ns(samples: float, sampling_rate: float) -> int:
    """Duration of a number of samples at sampling_rate (Hz), in nanoseconds.

    >>> samples_to_ns(150, 75.0)
    2000000000
    """
    return round(samples * NS / sampling_rate)


def ns_to_samples(ns: int, sampling_rate: float) -> float:
    """Number of samples, not rounded, that a duration in nanoseconds holds at sampling_rate (Hz)."""
    return ns * sampling_rate / NS


def utc(time_ns: int) -> UTCDateTime:
    """Nanoseconds since 1970 as ObsPy's time."""
    from obspy import UTCDateTime

    return UTCDateTime(ns=int(time_ns))


@dataclass(frozen=True, slots=True, eq=False)
class Segment:
    """Samples of one channel without a gap.

    data : (sample,), any real dtype, never changed by jijin; sampling_rate in Hz.
    """

    seed_id: str  # NET.STA.LOC.CHA
    start_ns: int  # time of the first sample
    sampling_rate: float
    data: np.ndarray[Any, Any]

    @property
    def end_ns(self) -> int:
        """Time one sample after the last: where the next segment would start if nothing is missing."""
        return self.start_ns + samples_to_ns(len(self.data), self.sampling_rate)


@dataclass(frozen=True, slots=True)
class Detection:
    """A stretch of signal that looks like an earthquake; probability is the highest in it."""

    start_ns: int
    end_ns: int
    probability: float


@dataclass(frozen=True, slots=True)
class Pick:
    """One onset, in QuakeML's words where it has them."""

    seed_id: str  # NET.STA.LOC.CHA of the channel the phase is read on
    phase_hint: str  # "P" or "S"
    time_ns: int
    time_uncertainty_s: float  # one standard deviation
    probability: float  # that an onset lies nearby, 0 to 1; see jijin.onsets
    detection: Detection | None = None  # None where the detection curve stayed below its threshold

    @property
    def time(self) -> UTCDateTime:
        """Onset time as ObsPy's UTCDateTime."""
        return utc(self.time_ns)


def instrument_id(seed_id: str) -> str:
    """NET.STA.LOC.BI: the channels of one sensor share it (band and instrument code, no orientation).

    >>> instrument_id("BW.RJOB..EHZ"), instrument_id("KS.SEO.00.HGZ"), instrument_id("XX.A..")
    ('BW.RJOB..EH', 'KS.SEO.00.HG', 'XX.A..')
    """
    station, _, channel = seed_id.rpartition(".")
    return f"{station}.{channel[:-1]}"
