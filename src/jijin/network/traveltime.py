"""First arrivals of P and S from any depth to stations at any height, on a round Earth, from tables made when needed.

A table is the solution of the factored eikonal equation (Treister and Haber, 2016, J. Comput. Phys. 324, 210-225) by
the package eikonalfm, with the station as its source: one table gives every distance and depth. docs/locate.md compares
it with others and with analytic solutions.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from jijin.config import check_range
from jijin.network.velocity import VelocityModel

Floats = NDArray[np.float64]
EARTH_KM = 6371.0
NODES = 640  # of a table along distance, half as many along depth: times to about 0.01 s at half its reach
LEVEL_KM = 0.25  # least distance of station levels; between them times are interpolated
SUBSAMPLES = 40  # of a cell, for layers that end within it


def flattened(depth_km: ArrayLike) -> Floats:
    """Depth in the flat Earth in which rays take the times of the round one (Müller, 1971, J. Geophys. 37, 429-436)."""
    return np.asarray(-EARTH_KM * np.log1p(-np.asarray(depth_km, float) / EARTH_KM))


def rounded(flat_km: ArrayLike) -> Floats:
    """The inverse of flattened()."""
    return np.asarray(-EARTH_KM * np.expm1(-np.asarray(flat_km, float) / EARTH_KM))


def takeoff_deg(along: ArrayLike, down: ArrayLike) -> Floats:
    """Angle of the ray at the source, 0 for straight down, from what the time grows by with distance and depth.

    >>> float(takeoff_deg(0.1, 0.1))
    135.0
    """
    return np.asarray(np.degrees(np.arctan2(np.maximum(along, 0.0), -np.asarray(down))))


class TravelTimes:
    """Seconds from a source to a station in a velocity model. Tables, one a phase and station level, stay in memory.

    reach_km : distance that the tables hold; depths to half of it. The grid is reach_km / 640 wide, so a small network
        wants a small reach. Beyond it times go on as straight lines.
    top_km : highest place of a source or station, below sea level (so it is negative).
    """

    def __init__(self, model: VelocityModel, reach_km: float = 400.0, top_km: float = -5.0) -> None:
        check_range("reach_km", reach_km, 0, 20_000)
        check_range("top_km", top_km, -10, 2000)
        self.model = model
        self.spacing_km = reach_km / NODES
        self._rows = max(int(np.ceil(LEVEL_KM / self.spacing_km)), 1)  # grid rows from level to level
        self._level_km = self._rows * self.spacing_km
        self._first = int(np.floor(min(top_km, 0.0) / self._level_km)) - 1  # level at the top of the grid, one to spare
        self._depths = (np.arange(NODES // 2 - self._first * self._rows) + self._first * self._rows) * self.spacing_km
        self._tables: dict[tuple[str, int], NDArray[np.float32]] = {}
        self._stacks: dict[tuple[str, int, int], NDArray[np.float32]] = {}

    def time(
        self, phase: str, distance_km: ArrayLike, depth_km: ArrayLike, station_depth_km: ArrayLike = 0.0
    ) -> Floats:
        """Seconds, for arrays that broadcast: epicentral distance, source depth, and depth of the station, which is
        minus its elevation; depths in km below sea level."""
        x, z, receiver = np.broadcast_arrays(distance_km, flattened(depth_km), flattened(station_depth_km))
        inside_x, inside_z = self._inside(x, z)
        time = self._inner(phase, inside_x, inside_z, receiver)
        if (inside_x != x).any() or (inside_z != z).any():
            time, px, pz = self._expansion(phase, inside_x, inside_z, receiver)
            time = time + px * (x - inside_x) + pz * (z - inside_z)
        return time

    def time_and_gradient(
        self, phase: str, distance_km: ArrayLike, depth_km: ArrayLike, station_depth_km: ArrayLike = 0.0
    ) -> tuple[Floats, Floats, Floats]:
        """time(), and the seconds per km by which it grows with distance and with depth of the source."""
        x, z, receiver = np.broadcast_arrays(distance_km, flattened(depth_km), flattened(station_depth_km))
        inside_x, inside_z = self._inside(x, z)
        time, px, pz = self._expansion(phase, inside_x, inside_z, receiver)
        time = time + px * (x - inside_x) + pz * (z - inside_z)
        return time, px, pz / (1.0 - rounded(z) / EARTH_KM)

    def rough(
        self, phase: str, distance_km: ArrayLike, depth_km: ArrayLike, station_depth_km: ArrayLike = 0.0
    ) -> Floats:
        """time() of the nearest place of the tables, several times faster: for searches, wrong by about 1 %."""
        x, receiver, z = np.asarray(distance_km), flattened(station_depth_km), flattened(depth_km)
        level = receiver / self._level_km
        low, high = int(np.floor(level.min())), int(np.ceil(level.max()))
        column = np.minimum(np.rint(x / self.spacing_km).astype(np.int32), NODES - 1)
        row = np.rint((z - self._depths[0]) / self.spacing_km).astype(np.int32).clip(0, len(self._depths) - 1)
        slowness = self._stack(phase, low, high)[np.rint(level - low).astype(np.int32), column, row]
        return np.asarray(slowness * np.hypot(x, z - receiver))

    def _inside(self, x: Floats, z: Floats) -> tuple[Floats, Floats]:
        """The nearest place in the table that has one more grid cell around it."""
        h = self.spacing_km
        return np.clip(x, 0.0, (NODES - 2) * h), np.clip(z, self._depths[1], self._depths[-2])

    def _expansion(self, phase: str, x: Floats, z: Floats, receiver: Floats) -> tuple[Floats, Floats, Floats]:
        """Time, and its central differences over two grid cells; on the station's axis it is even in distance."""
        h = self.spacing_km
        around_x, around_z = np.stack([x, x + h, np.abs(x - h), x, x]), np.stack([z, z, z, z + h, z - h])
        time, right, left, below, above = self._inner(phase, around_x, around_z, np.stack([receiver] * 5))
        return time, (right - left) / (2 * h), (below - above) / (2 * h)

    def _inner(self, phase: str, x: Floats, z: Floats, receiver: Floats) -> Floats:
        """Seconds within the tables: mean slowness interpolated, times the straight distance."""
        from scipy.ndimage import map_coordinates

        level = receiver / self._level_km
        low, high = int(np.floor(level.min())), int(np.ceil(level.max()))
        places = np.stack([level - low, x / self.spacing_km, (z - self._depths[0]) / self.spacing_km])
        stack = self._stack(phase, low, high)
        slowness = map_coordinates(stack, places.reshape(3, -1), np.float64, order=1, mode="nearest")
        return np.asarray(slowness.reshape(x.shape) * np.hypot(x, z - receiver))

    def _stack(self, phase: str, low: int, high: int) -> NDArray[np.float32]:
        """(level, distance, depth): mean slowness in s/km along the straight line from the station's level."""
        if (phase, low, high) not in self._stacks:
            self._stacks[phase, low, high] = np.stack([self._table(phase, k) for k in range(low, high + 1)])
        return self._stacks[phase, low, high]

    def _table(self, phase: str, level: int) -> NDArray[np.float32]:
        """(distance, depth): mean slowness to a station at that level; those beyond the grid are put on its edge."""
        from eikonalfm import factored_fast_marching

        row = int(np.clip((level - self._first) * self._rows, 0, len(self._depths) - 1))
        if (phase, row) not in self._tables:
            velocity = np.repeat(self._velocities(phase)[None], NODES, axis=0)
            h = self.spacing_km
            self._tables[phase, row] = factored_fast_marching(velocity, (0, row), (h, h), 2).astype(np.float32)
        return self._tables[phase, row]

    def _velocities(self, phase: str) -> Floats:
        """(depth,) of the flat Earth at the nodes.

        Where a layer ends within a cell, vertical slowness is averaged as the ray sees it that grazes the fastest part:
        this puts head waves where they belong, to a tenth of a cell.
        """
        offsets = ((np.arange(SUBSAMPLES) + 0.5) / SUBSAMPLES - 0.5) * self.spacing_km
        flat = self._depths[:, None] + offsets
        depth = rounded(flat)
        slowness = (1.0 - depth / EARTH_KM) / self.model.at(depth, phase)
        grazing = slowness.min(axis=1)
        vertical = np.sqrt(slowness**2 - grazing[:, None] ** 2).mean(axis=1)
        first, last = np.searchsorted(self.model.depths_km, depth[:, [0, -1]].T, side="right")
        return np.asarray(1.0 / np.where(first < last, np.hypot(grazing, vertical), slowness.mean(axis=1)))
