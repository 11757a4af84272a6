"""Degrees to kilometres and back on the WGS84 ellipsoid, with the geodesics of PROJ (Karney, 2013, J. Geodesy 87)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:
    from pyproj import Geod

Floats = NDArray[np.float64]


@cache
def ellipsoid() -> Geod:
    """PROJ's WGS84."""
    from pyproj import Geod

    return Geod(ellps="WGS84")


def distance_azimuth(
    latitude: ArrayLike, longitude: ArrayLike, to_latitude: ArrayLike, to_longitude: ArrayLike
) -> tuple[Any, Any]:
    """Distance in km along the ellipsoid, and azimuth of the second point seen from the first (degrees from north).

    Arrays of any shapes that broadcast; scalars give scalars. Azimuths lie in [0, 360).

    >>> distance, azimuth = distance_azimuth(0, 0, 0, 1)
    >>> round(float(distance), 2), float(azimuth)
    (111.32, 90.0)
    """
    points = np.broadcast_arrays(longitude, latitude, to_longitude, to_latitude)
    from_lon, from_lat, to_lon, to_lat = (np.array(p, float) for p in points)  # Geod writes into what it is given
    azimuth, _, metres = ellipsoid().inv(from_lon, from_lat, to_lon, to_lat)
    return np.asarray(metres)[()] / 1000.0, np.asarray(azimuth)[()] % 360.0


@dataclass(frozen=True, slots=True)
class LocalFrame:
    """Kilometres east and north of a point: the azimuthal equidistant projection.

    Distances and azimuths from the origin are exact; between two points r km away from it distances are
    too long by up to (r / 6371)² / 6 of themselves: 0.004 % at 100 km, 0.1 % at 500 km.
    """

    latitude: float
    longitude: float

    def to_km(self, latitude: ArrayLike, longitude: ArrayLike) -> tuple[Floats, Floats]:
        """East and north in km of points in degrees."""
        distance, azimuth = distance_azimuth(self.latitude, self.longitude, latitude, longitude)
        angle = np.radians(azimuth)
        return distance * np.sin(angle), distance * np.cos(angle)

    def to_degrees(self, east_km: ArrayLike, north_km: ArrayLike) -> tuple[Floats, Floats]:
        """Latitude and longitude (-180 to 180) of points in km east and north."""
        east, north = np.broadcast_arrays(np.asarray(east_km, float), np.asarray(north_km, float))
        azimuth, metres = np.degrees(np.arctan2(east, north)), 1000.0 * np.hypot(east, north)
        start = np.full(east.shape, self.longitude), np.full(east.shape, self.latitude)
        longitude, latitude, _ = ellipsoid().fwd(*start, azimuth, metres)
        return np.asarray(latitude)[()], np.asarray(longitude)[()]


def azimuthal_gap_deg(azimuths_deg: ArrayLike) -> float:
    """Widest angle between neighbours around the clock; 360 for one azimuth or none.

    >>> azimuthal_gap_deg([10, 350, 180])
    170.0
    """
    around = np.unique(np.asarray(azimuths_deg, float) % 360.0)
    return float(np.diff(around, append=around[0] + 360.0).max()) if len(around) else 360.0
