"""The shape of a network: its sites in kilometres, how wide it is and how dense."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from jijin.errors import DataError
from jijin.network.geo import LocalFrame
from jijin.network.stations import Stations
from jijin.types import Pick, Station

SPREAD_KM, CLUSTER_KM = 1000.0, 100.0
NEIGHBOURS = 5  # an earthquake takes about as many stations to be located


@dataclass(frozen=True)
class Sites:
    """Places of a network; sensors at one latitude and longitude (within 10 m) share a site, however they are named.

    Coordinates in km east, north and down of a frame in the middle of the network, down from sea level.
    """

    stations: Stations

    def __post_init__(self) -> None:
        if not len(self.stations):
            raise DataError("no stations: picks cannot be associated without places to go with them")

    def name(self, pick: Pick) -> str | None:
        """Site of a pick, None where the stations do not say."""
        station = self.stations.lookup(pick.seed_id, pick.time_ns)
        return None if station is None else place(station)

    @cached_property
    def names(self) -> list[str]:
        return list(self._first)

    @cached_property
    def frame(self) -> LocalFrame:
        """Its origin is the middle of all sites, taken on the sphere, so a network across 180 degrees is no wider."""
        lat, lon = (np.radians([getattr(s, k) for s in self._first.values()]) for k in ("latitude", "longitude"))
        x, y, z = (np.cos(lat) * np.cos(lon)).mean(), (np.cos(lat) * np.sin(lon)).mean(), np.sin(lat).mean()
        return LocalFrame(float(np.degrees(np.arctan2(z, np.hypot(x, y)))), float(np.degrees(np.arctan2(y, x))))

    @cached_property
    def km(self) -> NDArray[np.float64]:
        """(site, 3): east, north, down."""
        stations = self._first.values()
        east, north = self.frame.to_km([s.latitude for s in stations], [s.longitude for s in stations])
        return np.column_stack([east, north, [-s.elevation_m / 1000 for s in stations]])

    @cached_property
    def apart_km(self) -> NDArray[np.float64]:
        """(site, site): horizontal distances."""
        flat = self.km[:, None, :2] - self.km[None, :, :2]
        return np.asarray(np.hypot(flat[..., 0], flat[..., 1]))

    @property
    def aperture_km(self) -> float:
        """Distance of the two sites farthest apart."""
        return float(self.apart_km.max())

    @cached_property
    def scale_km(self) -> float:
        """Across the part of the network that a small earthquake is seen by: the aperture, or in a large network
        three times the median distance to the fifth neighbour.

        Where that is over SPREAD_KM no earthquake but the largest is seen by such a part, and a search as wide and deep
        would not end: then it is CLUSTER_KM, for what stations near each other see."""
        near = min(NEIGHBOURS, len(self.names) - 1)
        scale = min(self.aperture_km, 3 * float(np.median(np.sort(self.apart_km, axis=1)[:, near])))
        return scale if scale <= SPREAD_KM else CLUSTER_KM

    @cached_property
    def _first(self) -> dict[str, Station]:
        found: dict[str, Station] = {}
        for station in self.stations:
            found.setdefault(place(station), station)
        return found


def place(station: Station) -> str:
    """Name of a site.

    >>> place(Station("XX.A.", 64.049, -21.267))
    '64.0490 -21.2670'
    """
    return f"{station.latitude:.4f} {station.longitude:.4f}"
