"""Velocity models in one dimension: layers, each constant or with a gradient, over depth below sea level."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from jijin.errors import ConfigError, DataError

Floats = NDArray[np.float64]
PHASES = ("P", "S")
BUILT_IN = {  # name: package and file in it
    "regional": ("jijin", "network/velocities/regional.toml"),
    "iasp91": ("obspy", "taup/data/iasp91.tvel"),  # Kennett and Engdahl (1991), Geophys. J. Int. 105, 429-465
    "ak135": ("obspy", "taup/data/ak135.tvel"),  # Kennett, Engdahl and Buland (1995), Geophys. J. Int. 122, 108-124
}
DEEPEST_KM = 800.0  # of the global models no more is read: earthquakes end at 700 km


@dataclass(frozen=True)
class VelocityModel:
    """Layers from their tops down; the first extends upward and the last one downward, at constant velocity.

    depths_km : (layer,) tops in km below sea level, growing; vp, vs : (layer,) km/s at the tops;
    vp_gradient, vs_gradient : (layer,) km/s per km, 0 for a layer of constant velocity, and so in the last one.

    >>> crust = VelocityModel("two layers", (0.0, 30.0), (6.0, 8.0), (3.5, 4.6))
    >>> crust.at([-1.0, 10.0, 30.0], "P").tolist()
    [6.0, 6.0, 8.0]
    """

    name: str
    depths_km: tuple[float, ...]
    vp: tuple[float, ...]
    vs: tuple[float, ...]
    vp_gradient: tuple[float, ...] = ()
    vs_gradient: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        still = (0.0,) * len(self.depths_km)
        object.__setattr__(self, "vp_gradient", self.vp_gradient or still)
        object.__setattr__(self, "vs_gradient", self.vs_gradient or still)
        check_model(self)

    def at(self, depth_km: ArrayLike, phase: str) -> Floats:
        """Velocity of "P" or "S" in km/s at depths below sea level; at the top of a layer that layer's."""
        if phase not in PHASES:
            raise ConfigError(f"phase must be P or S (got {phase!r})")
        velocity, gradient = (self.vp, self.vp_gradient) if phase == "P" else (self.vs, self.vs_gradient)
        depth, tops = np.asarray(depth_km, float), np.array(self.depths_km)
        layer = np.maximum(np.searchsorted(tops, depth, side="right") - 1, 0)
        return np.asarray(np.array(velocity)[layer] + np.array(gradient)[layer] * np.maximum(depth - tops[layer], 0.0))

    @property
    def vp_vs(self) -> float:
        """Median ratio of the layers in the upper 40 km, or of the first layer."""
        near = np.array(self.depths_km) <= max(self.depths_km[0], 40.0)
        return float(np.median(np.array(self.vp)[near] / np.array(self.vs)[near]))


def check_model(model: VelocityModel) -> None:
    """Raise DataError, with the model's name, for layers that cannot be the Earth's."""
    columns = (model.depths_km, model.vp, model.vs, model.vp_gradient, model.vs_gradient)
    if not model.depths_km or len({len(column) for column in columns}) > 1:
        raise DataError(f"velocity model {model.name}: depths, vp and vs must be as many (got {[*map(len, columns)]})")
    depth, vp, vs, vp_gradient, vs_gradient = map(np.array, columns)
    if not np.isfinite(np.concatenate([depth, vp, vs, vp_gradient, vs_gradient])).all():
        raise DataError(f"velocity model {model.name}: a depth or velocity is not a number")
    if (np.diff(depth) <= 0).any():
        raise DataError(f"velocity model {model.name}: depths must grow from layer to layer (got {[*model.depths_km]})")
    thickness = np.append(np.diff(depth), 0.0)
    ends = (vp, vp + vp_gradient * thickness), (vs, vs + vs_gradient * thickness)
    for p, s in zip(*ends, strict=True):
        if p.max() > 15 or p.min() < 0.2:
            raise DataError(
                f"velocity model {model.name}: Vp must be from 0.2 to 15 km/s (got {p.min():g} to {p.max():g}); "
                "depths are in km and velocities in km/s"
            )
        if (s <= 0).any() or (p / s < 1.155).any():  # a bulk modulus above 0
            raise DataError(f"velocity model {model.name}: Vs must be over 0 and Vp/Vs over 1.155 in every layer")


def from_nodes(name: str, depth_km: ArrayLike, vp: ArrayLike, vs: ArrayLike) -> VelocityModel:
    """A model that is linear between nodes; a depth given twice is a discontinuity. Constant below the last node.

    >>> model = from_nodes("steady", [0, 30, 30], [5, 6.5, 8], [2.9, 3.75, 4.6])
    >>> model.depths_km, model.at([15, 30, 99], "P").tolist()
    ((0.0, 30.0), [5.75, 8.0, 8.0])
    """
    depth, p, s = (np.asarray(column, float) for column in (depth_km, vp, vs))
    thickness = np.diff(depth)
    thick = np.append(thickness > 0, True)
    gradients = [np.append(np.diff(v) / np.where(thickness > 0, thickness, 1.0), 0.0) for v in (p, s)]
    return VelocityModel(name, *(tuple(column[thick].tolist()) for column in (depth, p, s, *gradients)))


def read_velocity(source: str | Path) -> VelocityModel:
    """A built-in model by its name ("regional", "iasp91", "ak135"), or one from a file.

    Files are TOML, CSV, LAYER lines of NonLinLoc or .tvel; docs/locate.md shows them. Raises ConfigError
    where there is neither, ReadError for a file that is none of these, DataError for impossible layers.
    """
    from jijin.network.velocity_files import read_model

    package, name = BUILT_IN.get(str(source), ("", ""))
    spec = find_spec(package) if package else None  # finds ObsPy's files without importing it
    return read_model(Path(spec.origin).parent / name if spec and spec.origin else Path(source))
