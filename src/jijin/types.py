"""What the stages hand on: Segment, Pick, Event. Frozen; times are integer nanoseconds since 1970 UTC."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from obspy import UTCDateTime

NS = 1_000_000_000  # nanoseconds in a second
RATE = 100.0  # Hz, of every model and of the grid that windows and picks live on
IN_SAMPLES = 6000  # of the window that a model looks at: 60 s


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


DAY_NS = 86_400 * NS
VP_VS = 1.73  # where nothing better is known: that of a Poisson solid (ratio 0.25), the square root of 3


@dataclass(frozen=True, slots=True, order=True)
class StationDay:
    """A unit of work on an archive: one UTC day of all channels of a station."""

    station: str  # NET.STA
    day: int  # days since 1970-01-01

    @property
    def start_ns(self) -> int:
        return self.day * DAY_NS

    @property
    def end_ns(self) -> int:
        """Time at which the next day starts."""
        return self.start_ns + DAY_NS

    def __str__(self) -> str:
        return f"{self.station} {date.fromordinal(date(1970, 1, 1).toordinal() + self.day)}"


@dataclass(frozen=True, slots=True, eq=False)
class Segment:
    """Samples of one channel without a gap.

    data : (sample,), any real dtype, never changed by jijin; sampling_rate in Hz.
    """

    seed_id: str  # NET.STA.LOC.CHA
    start_ns: int  # time of the first sample
    sampling_rate: float
    data: np.ndarray[Any, Any]
    file: str = ""  # it was read from, where that is known

    @property
    def label(self) -> str:
        """What messages call it: its seed id, or its file where the header has no codes."""
        return self.seed_id if self.seed_id.strip(".") else self.file or self.seed_id

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
    source_type: SourceType | None = field(default=None, compare=False)  # by one station; None: not asked for


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


def net_sta(name: str) -> str:
    """NET.STA of NET.STA, NET.STA.LOC or NET.STA.LOC.CHA.

    >>> net_sta("BW.RJOB..EHZ"), net_sta("BW.RJOB")
    ('BW.RJOB', 'BW.RJOB')
    """
    return ".".join(name.split(".")[:2])


def nsl(seed_id: str) -> str:
    """NET.STA.LOC of NET.STA.LOC.CHA.

    >>> nsl("BW.RJOB..EHZ"), nsl("KS.SEO.00.HGZ")
    ('BW.RJOB.', 'KS.SEO.00')
    """
    return seed_id.rpartition(".")[0]


def by_time(picks: Iterable[Pick]) -> list[Pick]:
    """Picks in order of time, then of channel and phase."""
    return sorted(picks, key=lambda pick: (pick.time_ns, pick.seed_id, pick.phase_hint))


def instrument_id(seed_id: str) -> str:
    """NET.STA.LOC.BI: the channels of one sensor share it (band and instrument code, no orientation).

    >>> instrument_id("BW.RJOB..EHZ"), instrument_id("KS.SEO.00.HGZ"), instrument_id("XX.A..")
    ('BW.RJOB..EH', 'KS.SEO.00.HG', 'XX.A..')
    """
    station, _, channel = seed_id.rpartition(".")
    return f"{station}.{channel[:-1]}"


@dataclass(frozen=True, slots=True)
class Station:
    """Where a sensor stands, for as long as it stands there."""

    nsl: str  # NET.STA.LOC; an empty LOC of a table without locations holds for every location
    latitude: float  # degrees, WGS84
    longitude: float
    elevation_m: float = 0.0  # of the sensor above sea level: depth of burial is taken off
    start_ns: int | None = None  # None: as far back as there is data
    end_ns: int | None = None


@dataclass(frozen=True, slots=True)
class Arrival:
    """A pick seen as a phase of an event; QuakeML's words, units in the names."""

    pick: Pick
    distance_km: float  # epicentral
    azimuth_deg: float  # from the epicentre to the station, clockwise from north
    takeoff_angle_deg: float | None  # of the ray at the source, 0 is down
    time_residual_s: float  # pick - predicted
    time_weight: float  # 0 to 1: 0 took no part in the location


@dataclass(frozen=True, slots=True)
class Origin:
    """When and where: a hypocentre with what is known of its errors. Uncertainties are one standard deviation."""

    time_ns: int
    latitude: float
    longitude: float
    depth_km: float  # below sea level; negative above it
    time_uncertainty_s: float
    horizontal_uncertainty_km: tuple[float, float]  # semi-axes of the ellipse, the longer one first
    ellipse_azimuth_deg: float  # of the longer one, clockwise from north
    depth_uncertainty_km: float
    covariance: tuple[tuple[float, ...], ...]  # 4 x 4: east km, north km, down km, time s
    depth_resolved: bool  # False: the data hardly constrain it, or it was held fixed
    rms_s: float  # weighted
    azimuthal_gap_deg: float
    nearest_km: float  # epicentral distance of the nearest station used
    arrivals: tuple[Arrival, ...]  # of all picks of the event, those without weight too
    velocity_model: str  # its name
    method: str  # "edt" or whatever located it

    @property
    def picks(self) -> list[Pick]:
        """Of all arrivals, by time."""
        return by_time(arrival.pick for arrival in self.arrivals)

    @property
    def time(self) -> UTCDateTime:
        """Origin time as ObsPy's UTCDateTime."""
        return utc(self.time_ns)


@dataclass(frozen=True, slots=True)
class StationMagnitude:
    """One channel's part in a magnitude, or why it has none. A station has one for each horizontal component."""

    seed_id: str  # of the channel the amplitude is read on; NET.STA.LOC where there is none
    value: float | None
    amplitude_mm: float | None  # zero to peak on a Wood-Anderson seismograph
    period_s: float | None
    time_ns: int | None  # of the amplitude
    distance_km: float  # hypocentral
    reason: str = ""  # why it is not used: "clipped", "SNR 1.8", "no response", "outlier"; "" if it is used
    note: str = ""  # what is odd about its response though it can be used


@dataclass(frozen=True, slots=True)
class Magnitude:
    """An event's magnitude; value None where no station has one, with the reason."""

    kind: str  # "ML"
    value: float | None
    uncertainty: float | None  # scatter of the stations, one standard deviation; None for one station
    formula: str  # "hutton_boore_1987"
    stations: tuple[StationMagnitude, ...] = ()
    reason: str = ""


@dataclass(frozen=True, slots=True)
class SourceType:
    """What it was, in QuakeML's words, with how sure that is; event_type None is "not determined"."""

    event_type: str | None  # "earthquake", "explosion", "quarry blast", "landslide", "other event", "not existing"
    probability: float  # calibrated, of event_type; of the likeliest class where it is None
    probabilities: Mapping[str, float] = field(default_factory=dict)  # by class
    reasons: tuple[tuple[str, float], ...] = ()  # features with what they spoke for (log odds), strongest first
    certainty: str = "suspected"  # QuakeML's event_type_certainty; "known" only by a person


@dataclass(frozen=True, slots=True)
class Event:
    """An earthquake, or what else shook the ground: picks that belong together, located, sized, classified."""

    event_id: str  # stays the same over all versions of the event
    origin: Origin
    magnitude: Magnitude | None = None
    source_type: SourceType | None = None
    version: int = 1  # counts up each time it is made anew with other data
    creation_ns: int | None = None  # when this version was made
    evaluation_mode: str = "automatic"
