"""Picks of an event to its hypocentre: a search by equal differential times, then least squares with honest errors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from jijin.config import check_range
from jijin.errors import ConfigError, DataError
from jijin.network.geo import LocalFrame, azimuthal_gap_deg, distance_azimuth
from jijin.network.readings import Corrections, ErrorModel, Readings, placed, readings_of
from jijin.network.refine import Fit, Setting, likelihood_of, posterior, recentred, refine
from jijin.network.search import search
from jijin.network.stations import Stations
from jijin.network.traveltime import TravelTimes, takeoff_deg
from jijin.network.velocity import VelocityModel
from jijin.types import NS, Arrival, Origin, Pick, net_sta

Floats = NDArray[np.float64]
USED = 0.1  # time_weight from which a pick counts for gap and distance
STARTS = 3  # places of the search that are refined; the likeliest one wins


@dataclass(frozen=True, slots=True)
class LocateConfig:
    """How picks become a hypocentre. None follows from the network."""

    model_error_s: float = 0.1  # what a travel time of 1 s is wrong by; grows with the square root of the time
    model_error_floor_s: float = 0.02  # and however near the station: clocks, coordinates
    min_picks: int = 4
    min_stations: int = 3
    min_depth_km: float | None = None  # below sea level; None: as high as the highest station
    max_depth_km: float | None = None  # None: the aperture of the network, at least 30 and at most 200 km
    fixed_depth_km: float | None = None  # hold depth there
    resolved_depth_km: float = 5.0  # depth counts as resolved up to this uncertainty, or a tenth of itself

    def __post_init__(self) -> None:
        check_range("model_error_s", self.model_error_s, -1e-9, 10)
        check_range("model_error_floor_s", self.model_error_floor_s, 0, 10)
        check_range("min_picks", self.min_picks, 2, 1000)
        check_range("min_stations", self.min_stations, 1, 1000)
        check_range("resolved_depth_km", self.resolved_depth_km, 0, 1000)
        for name in ("min_depth_km", "max_depth_km", "fixed_depth_km"):
            value = getattr(self, name)
            if value is not None:
                check_range(name, value, -10, 800)
        if None not in (self.min_depth_km, self.max_depth_km) and self.min_depth_km >= self.max_depth_km:  # type: ignore[operator]
            raise ConfigError(f"'max_depth_km' must be below 'min_depth_km' (got {self.max_depth_km:g})")


class Locator:
    """Locates one event at a time; travel time tables are made at the first and kept.

    corrections : seconds that arrivals come later than predicted, by (NET.STA, "P" or "S"); see read_corrections().
    """

    def __init__(
        self,
        stations: Stations,
        velocity: VelocityModel | TravelTimes,
        config: LocateConfig | None = None,
        corrections: Corrections | None = None,
    ) -> None:
        if not len(stations):
            raise DataError("no stations: picks cannot be located without places to go with them")
        self.stations = stations
        self.config = config or LocateConfig()
        self.corrections: Corrections = corrections or {}
        top, bottom = depth_limits(stations, self.config)
        reach = min(max(2 * aperture_km(stations), 2.2 * bottom), max(400.0, 2.2 * bottom))
        times = velocity if isinstance(velocity, TravelTimes) else TravelTimes(velocity, reach, min(top, 0.0))
        errors = ErrorModel(self.config.model_error_s, self.config.model_error_floor_s)
        self.setting = Setting(times, errors, (top, bottom))

    def locate(self, picks: Sequence[Pick]) -> Origin:
        """The hypocentre of the event that the picks belong to, in whatever order.

        Of several picks of one phase at a station the most probable is used; picks of stations without a place are
        named in a warning. Raises DataError where too few are left.
        """
        readings = readings_of(picks, self.stations, self.corrections)
        self._check(readings)
        setting = self.setting
        starts = search(readings, setting.times, setting.depths_km, setting.errors)[:STARTS]
        fits = [refine(readings, setting, readings.middle, start) for start in starts]
        fit = recentred(max(fits, key=lambda fit: likelihood_of(readings, fit)))
        return self._origin(picks, readings, fit, posterior(readings, setting, fit))

    def _check(self, readings: Readings) -> None:
        """Raise DataError for picks that no hypocentre follows from."""
        count = len({net_sta(pick.seed_id) for pick in readings.picks})
        if len(readings.picks) < self.config.min_picks or count < self.config.min_stations:
            raise DataError(
                f"{len(readings.picks)} usable picks at {count} stations cannot be located: it takes "
                f"{self.config.min_picks} at {self.config.min_stations}"
            )

    def _origin(self, picks: Sequence[Pick], readings: Readings, fit: Fit, covariance: Floats) -> Origin:
        """The fit in degrees, with everything that follows from it."""
        arrivals = self._arrivals(picks, readings, fit)
        used = [a for a in arrivals if a.time_weight >= USED]
        major, minor, azimuth = ellipse(covariance)
        depth, uncertainty = float(fit.place_km[2]), float(np.sqrt(covariance[2, 2]))
        residual = readings.time_s - fit.predicted_s - fit.origin_s
        return Origin(
            time_ns=readings.reference_ns + round(fit.origin_s * NS),
            latitude=fit.frame.latitude,
            longitude=fit.frame.longitude,
            depth_km=depth,
            time_uncertainty_s=float(np.sqrt(covariance[3, 3])),
            horizontal_uncertainty_km=(major, minor),
            ellipse_azimuth_deg=azimuth,
            depth_uncertainty_km=uncertainty,
            covariance=tuple(tuple(map(float, row)) for row in covariance),
            depth_resolved=self._resolved(depth, uncertainty),
            rms_s=float(np.sqrt((fit.precision * residual**2).sum() / fit.precision.sum())),
            azimuthal_gap_deg=azimuthal_gap_deg([a.azimuth_deg for a in used]),
            nearest_km=min(a.distance_km for a in used or arrivals),
            arrivals=arrivals,
            velocity_model=self.setting.times.model.name,
            method="edt",
        )

    def _resolved(self, depth_km: float, uncertainty_km: float) -> bool:
        """Whether depth is free, away from its limits, and known well enough."""
        top, bottom = self.setting.depths_km
        inside = top + 0.1 < depth_km < bottom - 0.1
        return inside and uncertainty_km <= max(self.config.resolved_depth_km, 0.1 * depth_km)

    def _arrivals(self, picks: Sequence[Pick], readings: Readings, fit: Fit) -> tuple[Arrival, ...]:
        """All picks that have a place, in order of time; those that were not used have no weight."""
        weights = dict(zip(readings.picks, fit.weight.tolist(), strict=True))
        every = placed(picks, self.stations, self.corrections)
        distance, azimuth = distance_azimuth(
            fit.frame.latitude,
            fit.frame.longitude,
            [station.latitude for station in every.stations],
            [station.longitude for station in every.stations],
        )
        time, along, down = every.of_phase(self.setting.times, "time_and_gradient", distance, fit.place_km[2:])
        shift_s = (every.reference_ns - readings.reference_ns) / NS
        columns = distance, azimuth, takeoff_deg(along, down), every.time_s + shift_s - fit.origin_s - time
        rows = zip(every.picks, *(column.tolist() for column in columns), strict=True)
        return tuple(Arrival(p, km, degrees, angle, s, weights.get(p, 0.0)) for p, km, degrees, angle, s in rows)


def aperture_km(stations: Stations) -> float:
    """Diagonal of the box that the stations lie in, without those that lie far from nearly all others."""
    middle = LocalFrame(*np.median([[s.latitude, s.longitude] for s in stations], axis=0))
    east, north = middle.to_km([s.latitude for s in stations], [s.longitude for s in stations])
    return float(np.hypot(*(np.subtract(*np.percentile(axis, [98, 2])) for axis in (east, north))))


def depth_limits(stations: Stations, config: LocateConfig) -> tuple[float, float]:
    """Depths that are searched, km below sea level; both the same where depth is held."""
    if config.fixed_depth_km is not None:
        return config.fixed_depth_km, config.fixed_depth_km
    highest = max(0.0, *(s.elevation_m / 1000.0 for s in stations), 0.0)
    top = -highest if config.min_depth_km is None else config.min_depth_km
    deep = min(max(aperture_km(stations), 30.0), 200.0) if config.max_depth_km is None else config.max_depth_km
    return float(top), float(max(deep, top + 1.0))


def ellipse(covariance: Floats) -> tuple[float, float, float]:
    """Semi-axes in km of one standard deviation, longer one first, and its azimuth from 0 to 180 degrees."""
    values, axes = np.linalg.eigh(covariance[:2, :2])
    minor, major = np.sqrt(np.maximum(values, 0.0))
    return float(major), float(minor), float(np.degrees(np.arctan2(axes[0, 1], axes[1, 1])) % 180.0)
