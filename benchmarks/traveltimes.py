"""Packages that compute travel times, against analytic solutions: prints the table of docs/locate.md.

    python benchmarks/traveltimes.py

A station at the surface; P from 12 depths to 30 km at 150 distances to 150 km, in a half-space, a linear gradient and a
layer over a half-space with its head wave. Packages that are not installed are said so. One thread.
"""

from __future__ import annotations

import importlib.metadata
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from jijin.network import traveltime
from jijin.network.traveltime import EARTH_KM, TravelTimes
from jijin.network.velocity import VelocityModel, read_velocity
from page import table
from timing import WALL, timed

Floats = NDArray[np.float64]
X, Z = np.arange(1.0, 151.0), np.linspace(0.25, 30.0, 12)
SPACING_KM, DEEP_KM = 0.5, 100.0
V0, K, MOHO = 5.0, 0.04, 32.2
MODELS = {
    "half-space": VelocityModel("half-space", (0.0,), (6.0,), (3.5,)),
    "gradient": VelocityModel("gradient", (0.0, 150.0), (V0, V0 + 150 * K), (2.9, 6.0), (K, 0.0), (0.02, 0.0)),
    "two layers": VelocityModel("two layers", (0.0, MOHO), (6.0, 8.0), (3.5, 4.6)),
}


def exact(name: str) -> Floats:
    """(distance, depth): first arrivals in seconds by their formulas."""
    x, z = X[:, None], Z[None, :]
    if name == "gradient":
        return np.asarray(np.arccosh(1 + K**2 * (x**2 + z**2) / (2 * V0 * (V0 + K * z))) / K)
    direct = np.hypot(x, z) / 6.0
    if name == "half-space":
        return np.asarray(direct)
    along, down = 1 / 8.0, np.sqrt(1 / 36.0 - 1 / 64.0)
    head = np.where(x >= (2 * MOHO - z) * along / down, x * along + (2 * MOHO - z) * down, np.inf)
    return np.asarray(np.where(z < MOHO, np.minimum(direct, head), direct))


def ours(model: VelocityModel) -> Floats:
    """jijin.network.traveltime with its tables 0.5 km wide."""
    times = TravelTimes(model, SPACING_KM * traveltime.NODES, top_km=0.0)
    return times.time("P", X[:, None], Z[None, :], 0.0)


def on_grid(solve: Callable[[Floats], Floats], model: VelocityModel, offset_km: float = 0.0) -> Floats:
    """A solver on a grid (distance, depth) with the source at its corner; velocities are those offset_km below it."""
    from scipy.ndimage import map_coordinates

    depth = np.arange(0.0, DEEP_KM, SPACING_KM) + offset_km
    velocity = np.repeat(model.at(depth, "P")[None], int(320 / SPACING_KM), axis=0)
    places = np.stack(np.meshgrid(X, Z, indexing="ij")) / SPACING_KM
    return np.asarray(map_coordinates(solve(velocity), places.reshape(2, -1), order=1).reshape(len(X), len(Z)))


def eikonalfm_plain(model: VelocityModel) -> Floats:
    """Without the factor, velocities at the nodes."""
    from eikonalfm import fast_marching

    return on_grid(lambda v: fast_marching(v, (0, 0), (SPACING_KM, SPACING_KM), 2), model)


def fteikpy(model: VelocityModel) -> Floats:
    """Its velocities are those of cells, its times those of nodes."""
    from fteikpy import Eikonal2D

    def solve(velocity: Floats) -> Floats:
        solver = Eikonal2D(velocity.T.copy(), gridsize=(SPACING_KM, SPACING_KM))
        return np.asarray(solver.solve((0.0, 0.0), nsweep=2).grid).T

    return on_grid(solve, model, SPACING_KM / 2)


def laytracer(model: VelocityModel) -> Floats:
    """Direct rays only: it has no head waves; gradients as layers of 0.5 km. In metres, as it wants them."""
    import pandas as pd
    from laytracer import trace_rays

    tops = np.arange(0.0, 60.0, SPACING_KM) if model.name == "gradient" else np.array(model.depths_km)
    layers = {"Depth": tops * 1e3, "Vp": model.at(tops + 1e-6, "P") * 1e3, "Vs": model.at(tops + 1e-6, "S") * 1e3}
    sources = np.column_stack([np.zeros_like(Z), np.zeros_like(Z), Z * 1e3])
    receivers = np.column_stack([X * 1e3, np.zeros_like(X), np.zeros_like(X)])
    found = trace_rays(sources, receivers, pd.DataFrame(layers), n_jobs=1, requested=["travel_times"], verbose=False)
    return np.asarray(found.travel_times).reshape(len(Z), len(X)).T


def taup() -> str:
    """ObsPy's TauP, which is exact on the round Earth, beside ours, in IASP91: a sentence."""
    from obspy.taup import TauPyModel

    planet, times = TauPyModel("iasp91"), TravelTimes(read_velocity("iasp91"))
    places = [(x, z) for x in (10.0, 50.0, 100.0, 200.0, 300.0) for z in (2.0, 10.0, 30.0, 80.0)]

    def first(x: float, z: float) -> float:
        return min(a.time for a in planet.get_travel_times(z, np.degrees(x / EARTH_KM), ["p", "P", "Pn"]))

    spent, theirs = timed(WALL, lambda: [first(*place) for place in places])
    each = 1e3 * spent / len(places)
    late_ms = 1e3 * np.abs(times.time("P", *np.array(places).T) - theirs)
    return (
        f"ObsPy's TauP takes {each:.1f} ms for one time; in IASP91, to 300 km and depths of 80 km, "
        f"ours ({times.spacing_km:.3f} km) differ from it by at most {late_ms.max():.0f} ms, "
        f"{np.sqrt((late_ms**2).mean()):.0f} ms rms."
    )


CANDIDATES = {
    "eikonalfm, factored, as jijin uses it": (ours, ("eikonalfm",)),
    "eikonalfm, fast marching as it is": (eikonalfm_plain, ("eikonalfm",)),
    "fteikpy": (fteikpy, ("fteikpy", "numba", "llvmlite")),
    "laytracer": (laytracer, ("laytracer", "plotly", "cmcrameri", "joblib", "psutil")),
}


def megabytes(packages: tuple[str, ...]) -> float:
    """Of the packages that jijin's base does not have anyway."""
    files = [f for name in packages for f in importlib.metadata.files(name) or []]
    return sum(path.stat().st_size for f in files if (path := Path(str(f.locate()))).is_file()) / 1e6


def line(name: str) -> list[object]:
    """One line of the table; the second run of each model is timed."""
    solve, packages = CANDIDATES[name]
    errors, seconds = [], []
    for key, model in MODELS.items():
        for _ in range(2):
            spent, times = timed(WALL, solve, model)
            seconds.append(spent)
        late = np.abs(times - exact(key))
        errors.append(f"{1e3 * late.max():.1f} / {1e3 * np.sqrt((late**2).mean()):.1f}")
    return [name, *errors, f"{1e3 * min(seconds[1::2]):.0f}", seconds[0], megabytes(packages)]


def main() -> None:
    """Print the table, then how ours do on the round Earth."""
    heads = ["package", "half-space: max / rms ms", "gradient", "two layers", "ms a table", "first use s", "MB"]
    lines = []
    traveltime.EARTH_KM = 1e8  # the formulas are those of a flat Earth
    for name in CANDIDATES:
        try:
            lines.append(line(name))
        except ImportError as error:
            lines.append([name, f"not installed ({error})", *[""] * 5])
    traveltime.EARTH_KM = EARTH_KM
    print(f"{table(heads, lines, '.1f')}\n\n{taup()}")


if __name__ == "__main__":
    main()
