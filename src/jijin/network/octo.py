"""PyOcto (Münchmeyer, 2024, Seismica 3, doi:10.26443/seismica.v3i1.1130) with travel times of ours.

Its depths cannot be negative and its tables hold for a station at their top. Here depths count from the top of those
that are searched, and a table holds for a station at the network's median height; others get a correction for theirs.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np

from jijin.network.readings import phase_of
from jijin.network.sites import Sites
from jijin.network.traveltime import TravelTimes
from jijin.types import NS, Pick

if TYPE_CHECKING:
    import pandas as pd

    from jijin.network.associate import AssociateConfig

OURS = ("threshold_p", "threshold_s", "margin_km", "top_km", "bottom_km", "tolerance_s", "n_picks_p_only")
MODELS = ("association_cutoff_distance_km", "location_cutoff_distance_km")  # of the velocity model in PyOcto


class Octo:
    """PyOcto for one network: search() any number of times. config has no None but for cutoffs."""

    def __init__(self, sites: Sites, times: TravelTimes, config: AssociateConfig) -> None:
        self.sites, self.times = sites, times
        self.settings: dict[str, Any] = asdict(config)
        self.height_km = float(np.median(sites.km[:, 2]))  # of the station that the table is for, downward

    def search(self, picks: Sequence[Pick], p_only: bool = False) -> list[tuple[Pick, ...]]:
        """Groups of picks, each sorted by time, none in two groups. picks : sorted by time, all of known sites."""
        import pandas as pd
        import pyocto

        least = self.settings["n_picks_p_only" if p_only else "n_picks"]
        if sum(not p_only or phase_of(p) == "P" for p in picks) < max(least, 2):
            return []
        rows = [(self.sites.name(p), phase_of(p), (p.time_ns - picks[0].time_ns) / NS) for p in picks]
        table = pd.DataFrame(rows, columns=["station", "phase", "time"])
        with TemporaryDirectory() as folder:
            path = Path(folder) / "times"
            path.write_bytes(self._table)
            model = pyocto.VelocityModel1D(path, self.settings["tolerance_s"], *self._cutoffs())
            octo = pyocto.OctoAssociator(velocity_model=model, **self._limits(), **self._options(rows[-1][2], p_only))
            _, members = octo.associate(table, self._stations)
        groups: dict[int, list[int]] = {}
        for event, index in zip(members["event_idx"], members["pick_idx"], strict=True):
            groups.setdefault(event, []).append(int(index))
        return [tuple(picks[index] for index in sorted(group)) for group in groups.values()]

    def _cutoffs(self) -> list[float | None]:
        return [self.settings[name] for name in MODELS]

    def _limits(self) -> dict[str, tuple[float, float]]:
        """The box that is searched, in km east, north and below its top."""
        margin, low, high = self.settings["margin_km"], self.sites.km.min(axis=0), self.sites.km.max(axis=0)
        x, y = ((float(low[axis] - margin), float(high[axis] + margin)) for axis in (0, 1))
        return {"xlim": x, "ylim": y, "zlim": (0.0, self.settings["bottom_km"] - self.settings["top_km"])}

    def _options(self, length_s: float, p_only: bool) -> dict[str, Any]:
        """Arguments by PyOcto's names. One time slice holds all: its own slices may share picks."""
        named = {name: value for name, value in self.settings.items() if name not in (*OURS, *MODELS)}
        options = {name.removesuffix("_s").removesuffix("_km"): value for name, value in named.items()}
        options["time_slicing"] = length_s + options["time_before"] + 1.0
        if p_only:
            least = self.settings["n_picks_p_only"]
            return options | {"n_picks": least, "n_p_picks": least, "n_s_picks": 0, "n_p_and_s_picks": 0}
        p, s = (max(options[name], options["n_p_and_s_picks"]) for name in ("n_p_picks", "n_s_picks"))
        return options | {"n_picks": max(options["n_picks"], p + s), "n_p_picks": p, "n_s_picks": s}

    @cached_property
    def _stations(self) -> pd.DataFrame:
        """Sites with what their height adds to the table's times."""
        import pandas as pd

        names, km, model = self.sites.names, self.sites.km, self.times.model
        later = {f"{p.lower()}_residual": (self.height_km - km[:, 2]) / model.at(self.height_km, p) for p in "PS"}
        return pd.DataFrame({"id": names, "x": km[:, 0], "y": km[:, 1], "z": 0.0} | later)

    @cached_property
    def _table(self) -> bytes:
        """Travel times over distance and depth as PyOcto reads them: two int32, the spacing in km, P, S as float64."""
        limits = self._limits()
        wide = [high - low for low, high in limits.values()]
        delta = self.settings["min_node_size_km"] / 5
        nx, nz = int(np.hypot(wide[0], wide[1]) / delta) + 3, int(wide[2] / delta) + 3
        distance, depth = np.arange(nx) * delta, np.arange(nz) * delta + self.settings["top_km"]
        grids = [self.times.time(p, distance[:, None], depth[None, :], self.height_km) for p in "PS"]
        return struct.pack("iid", nx, nz, delta) + b"".join(
            np.ascontiguousarray(g, np.float64).tobytes() for g in grids
        )
