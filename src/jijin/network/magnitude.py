"""Local magnitude of an event: what each station says, why some say nothing, and their median."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from math import hypot, sqrt
from statistics import fmean, median
from typing import TYPE_CHECKING

import numpy as np

from jijin.config import check_range
from jijin.errors import ConfigError, DataError
from jijin.io.archive import Waveforms
from jijin.network.amplitude import SEISMOGRAPHS, TAPER_S, Amplitude, Span, measure
from jijin.network.attenuation import read_attenuation
from jijin.network.responses import Sensor, Sensors
from jijin.network.stations import SEISMOMETERS
from jijin.types import (
    NS,
    VP_VS,
    Arrival,
    Event,
    Magnitude,
    Origin,
    Segment,
    StationMagnitude,
    instrument_id,
    net_sta,
    nsl,
)

if TYPE_CHECKING:
    from obspy import Inventory

MIN_RATE_HZ = 20.0  # below, the 1.25 Hz and more of a Wood-Anderson seismogram are cut off
MAIN_NS = 5 * NS  # after S, or S - P if that is more: with less of a record there is no amplitude
OUTLIER = "outlier"  # begins the reason of a channel that is one
SIGMA = 1.4826  # standard deviation of a normal distribution over its median absolute deviation


@dataclass(frozen=True, slots=True)
class MagnitudeConfig:
    """How events are sized. None: what the formula says."""

    formula: str = "hutton_boore_1987"  # one of attenuation.FORMULAS, or a TOML file
    seismograph: str = "uhrhammer_collins_1990"  # one of amplitude.SEISMOGRAPHS: gain 2080, damping 0.7
    horizontals: str | None = None  # "mean" of a station's two components, or "max"
    min_distance_km: float | None = None  # hypocentral
    max_distance_km: float | None = None
    min_snr: float = 3.0  # of the Wood-Anderson amplitude to the highest one before P
    noise_s: float = 10.0  # before P
    after_s_s: float = 10.0  # the window ends this, plus S - P, after S: what is faster than 0.7 of S is in it
    highpass_hz: float = 0.2  # all above is kept, nothing below half of it: microseism, drift
    max_deviation: float = 0.6  # from the median, or 3 robust standard deviations if that is more: outliers

    def __post_init__(self) -> None:
        if self.seismograph not in SEISMOGRAPHS:
            raise ConfigError(f"unknown seismograph {self.seismograph!r}; take {' or '.join(SEISMOGRAPHS)}")
        if self.horizontals not in (None, "mean", "max"):
            raise ConfigError(f"'horizontals' must be 'mean' or 'max' (got {self.horizontals!r})")
        check_range("min_snr", self.min_snr, 0, 1000)
        check_range("noise_s", self.noise_s, 2, 600)
        check_range("after_s_s", self.after_s_s, 0, 600)
        check_range("highpass_hz", self.highpass_hz, 0, 1)
        check_range("max_deviation", self.max_deviation, 0, 10)


class Sizer:
    """Events to magnitudes. Without an inventory every magnitude is None, with the reason.

    Raises ConfigError for an unknown or broken formula.
    """

    def __init__(self, inventory: Inventory | None, config: MagnitudeConfig | None = None) -> None:
        self.config = config or MagnitudeConfig()
        self.formula = read_attenuation(self.config.formula)
        self._sensors = Sensors(inventory) if inventory is not None else None

    def size(self, origin: Origin, waveforms: Waveforms | None) -> Magnitude:
        """Local magnitude from the stations that have a pick.

        waveforms gives counts; what it gives beyond the time asked for is used to taper. Rejected channels
        stay in the result with the reason. No earthquake, no magnitude: value is None where no channel is left.
        """
        if self._sensors is None:
            return self._nothing((), "no inventory with responses was given")
        if waveforms is None:
            return self._nothing((), "no waveforms were given")
        readings: list[StationMagnitude] = []
        for name, arrivals in sorted(by_nsl(origin.arrivals).items()):
            readings += self.station(name, origin, arrivals, waveforms)
        return self.combine(readings)

    def until_ns(self, origin: Origin) -> int:
        """When the last window of an origin ends: before, a live feed has not brought all that size() can use."""
        spans = (self.span(origin, arrivals) for arrivals in by_nsl(origin.arrivals).values())
        return max((span.end_ns for span in spans), default=origin.time_ns)

    def combine(self, readings: Iterable[StationMagnitude]) -> Magnitude:
        """Median over stations (NET.STA) of the mean of their channels, outliers marked and left out."""
        kept = _without_outliers(list(readings), self.config.max_deviation)
        values = list(_by_station(kept).values())
        if not values:
            return self._nothing(kept, _why_none(kept))
        scatter = _robust_deviation(values) if len(values) > 1 else None
        return Magnitude("ML", median(values), scatter, self.formula.name, tuple(kept))

    def _nothing(self, readings: Sequence[StationMagnitude], reason: str) -> Magnitude:
        return Magnitude("ML", None, None, self.formula.name, tuple(readings), reason)

    def again(self, event: Event, origin: Origin) -> Magnitude:
        """From the amplitudes that were read for an event located before, where its waveforms are gone.

        At the distances from the new origin; stations without a pick in it are left out.
        """
        before, now = by_nsl(event.origin.arrivals), by_nsl(origin.arrivals)
        kept = list[StationMagnitude]()
        for one in event.magnitude.stations if event.magnitude else ():
            name = nsl(one.seed_id)
            if name in before and name in now:
                was, at = before[name][0].distance_km, now[name][0].distance_km
                judged = replace(one, reason="") if one.reason.startswith(OUTLIER) else one
                kept.append(self.moved(judged, (was, event.origin.depth_km), (at, origin.depth_km)))
        return self.combine(kept)

    def moved(
        self, one: StationMagnitude, before_km: tuple[float, float], now_km: tuple[float, float]
    ) -> StationMagnitude:
        """A reading at another distance: before_km, now_km are of epicentre and depth."""
        vertical = sqrt(max(one.distance_km**2 - before_km[0] ** 2, 0)) + now_km[1] - before_km[1]
        distance = hypot(now_km[0], vertical)
        if one.value is None or abs(distance - one.distance_km) < 1e-6:
            return replace(one, distance_km=distance)
        change = self.formula.correction(max(distance, 0.01)) - self.formula.correction(one.distance_km)
        return replace(one, value=one.value + change, distance_km=distance)

    def station(
        self, nsl: str, origin: Origin, arrivals: Sequence[Arrival], waveforms: Waveforms
    ) -> list[StationMagnitude]:
        """What each horizontal says: of the instrument with the pick, or, if it is of no use, of the next one."""
        span = self.span(origin, arrivals)
        margin = round(2 * TAPER_S * NS)
        found = [s for s in waveforms(nsl, span.noise_ns - margin, span.end_ns + margin) if _usable(s)]
        picked = instrument_id(arrivals[0].pick.seed_id)
        readings: list[StationMagnitude] = []
        for instrument in sorted({instrument_id(s.seed_id) for s in found}, key=lambda i: (i != picked, i)):
            channels = [s for s in found if instrument_id(s.seed_id) == instrument]
            readings += self._instrument(channels, origin, arrivals[0].distance_km, span)
            if any(not reading.reason for reading in readings):
                return readings
        nothing = "no horizontal component" if found else "no waveform"
        distance = float(np.hypot(arrivals[0].distance_km, origin.depth_km))
        return readings or [StationMagnitude(nsl, None, None, None, None, distance, nothing)]

    def _instrument(
        self, segments: Sequence[Segment], origin: Origin, epicentral_km: float, span: Span
    ) -> list[StationMagnitude]:
        readings = []
        for seed_id in sorted({s.seed_id for s in segments}):
            reading = self._channel(seed_id, [s for s in segments if s.seed_id == seed_id], origin, epicentral_km, span)
            readings += [reading] if reading else []
        if (self.config.horizontals or self.formula.horizontals) == "max":
            return _larger_only(readings)
        return readings

    def _channel(
        self, seed_id: str, segments: Sequence[Segment], origin: Origin, epicentral_km: float, span: Span
    ) -> StationMagnitude | None:
        """None for a vertical."""
        nothing = StationMagnitude(seed_id, None, None, None, None, float(np.hypot(epicentral_km, origin.depth_km)))
        assert self._sensors is not None
        try:
            sensor = self._sensors.at(seed_id, span.p_ns)
        except DataError as error:
            return replace(nothing, reason=str(error)) if seed_id[-1] != "Z" else None
        if not sensor.horizontal:
            return None
        distance = float(np.hypot(epicentral_km, origin.depth_km + sensor.elevation_m / 1000))
        nothing = replace(nothing, distance_km=distance, note=sensor.note)
        try:
            return self._reading(nothing, self._measured(segments, sensor, span, distance))
        except DataError as error:
            return replace(nothing, reason=str(error))

    def _measured(self, segments: Sequence[Segment], sensor: Sensor, span: Span, distance_km: float) -> Amplitude:
        low = self.formula.min_km if self.config.min_distance_km is None else self.config.min_distance_km
        high = self.formula.max_km if self.config.max_distance_km is None else self.config.max_distance_km
        if not low <= distance_km <= high or not distance_km:
            raise DataError(f"{distance_km:.1f} km away, outside of the {low:g} to {high:g} km of the formula")
        band = self.config.highpass_hz / 2, self.config.highpass_hz
        return measure(segments, sensor, span, SEISMOGRAPHS[self.config.seismograph], band)

    def _reading(self, nothing: StationMagnitude, amplitude: Amplitude) -> StationMagnitude:
        station = net_sta(nothing.seed_id)
        return replace(
            nothing,
            value=self.formula.magnitude(amplitude.value_mm, nothing.distance_km, station),
            amplitude_mm=amplitude.value_mm,
            period_s=amplitude.period_s,
            time_ns=amplitude.time_ns,
            reason="" if amplitude.snr >= self.config.min_snr else f"SNR {amplitude.snr:.1f}",
        )

    def span(self, origin: Origin, arrivals: Sequence[Arrival]) -> Span:
        """From the predicted times, so that a wrong pick moves nothing."""
        predicted = {a.pick.phase_hint: a.pick.time_ns - round(a.time_residual_s * NS) for a in arrivals}
        if "P" not in predicted:
            predicted["P"] = origin.time_ns + round((predicted["S"] - origin.time_ns) / VP_VS)
        p, s = predicted["P"], predicted.get("S", origin.time_ns + round((predicted["P"] - origin.time_ns) * VP_VS))
        wave = max(s - p, 0)
        end = s + wave + round(self.config.after_s_s * NS)
        return Span(p - round(self.config.noise_s * NS), p, min(s + max(wave, MAIN_NS), end), end)


def by_nsl(arrivals: Iterable[Arrival]) -> dict[str, list[Arrival]]:
    """Arrivals by NET.STA.LOC; of those of one station the earliest first."""
    found: dict[str, list[Arrival]] = defaultdict(list)
    for arrival in sorted(arrivals, key=lambda a: a.pick.time_ns):
        found[nsl(arrival.pick.seed_id)].append(arrival)
    return found


def _usable(segment: Segment) -> bool:
    code = segment.seed_id.rpartition(".")[2]
    return len(code) == 3 and code[1] in SEISMOMETERS and segment.sampling_rate >= MIN_RATE_HZ and len(segment.data) > 0


def _larger_only(readings: list[StationMagnitude]) -> list[StationMagnitude]:
    used = [r for r in readings if not r.reason]
    largest = max(used, key=lambda r: r.amplitude_mm or 0.0, default=None)
    smaller = "the other horizontal is larger"
    return [replace(r, reason=smaller) if not r.reason and r is not largest else r for r in readings]


def _by_station(readings: Iterable[StationMagnitude]) -> dict[str, float]:
    """Mean magnitude of the channels in use by NET.STA: two sensors at a site are one station."""
    found: dict[str, list[float]] = defaultdict(list)
    for reading in readings:
        if reading.value is not None and not reading.reason:
            found[net_sta(reading.seed_id)].append(reading.value)
    return {station: fmean(values) for station, values in found.items()}


def _without_outliers(readings: list[StationMagnitude], max_deviation: float) -> list[StationMagnitude]:
    """Channels of stations far from the median marked as outliers; two stations cannot tell which one is wrong."""
    stations = _by_station(readings)
    if len(stations) < 3:
        return readings
    centre = median(stations.values())
    limit = max(max_deviation, 3 * _robust_deviation(list(stations.values())))
    far = {name: value - centre for name, value in stations.items() if abs(value - centre) > limit}
    marked = []
    for reading in readings:
        off = far.get(net_sta(reading.seed_id))
        marked.append(replace(reading, reason=f"{OUTLIER}: {off:+.2f}") if off and not reading.reason else reading)
    return marked


def _robust_deviation(values: Sequence[float]) -> float:
    """Standard deviation from the median absolute deviation."""
    centre = median(values)
    return SIGMA * median(abs(value - centre) for value in values)


def _why_none(readings: Sequence[StationMagnitude]) -> str:
    if not readings:
        return "no station has a pick"
    reasons = [reading.reason for reading in readings]
    commonest = max(sorted(set(reasons)), key=reasons.count)
    return f"no station can be used; {reasons.count(commonest)} of {len(reasons)} channels: {commonest}"
