"""Where an event may be: the equal differential time (EDT) likelihood on a grid that grows finer where it is high.

Two picks of one event give the same origin time, whatever it is (Zhou, 1994, J. Geophys. Res. 99; Font et al., 2004,
Geophys. J. Int. 158). Summing over pairs how well they agree, rather than multiplying, leaves the maximum where most
pairs agree, so a wrong pick takes only its own pairs away: that is why EDT and no least squares, whose maximum a single
wrong pick moves, and no L1, which needs the origin time and is dragged as soon as wrong picks lie on one side.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from jijin.network.readings import ErrorModel, Readings
from jijin.network.traveltime import TravelTimes

Floats = NDArray[np.float64]
ACROSS, DEEP = 25, 12  # nodes of the first grid
KEPT, ROUNDS = 20, 7  # maxima of the first grid that are followed, each time with half the width
NEIGHBOURS = np.stack(np.meshgrid(*[[-1.0, 0.0, 1.0]] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
MOST_PICKS = 24  # of the search: the earliest; pairs grow with their square
SHARE_OF_CELL = 0.3  # of a cell's width as an error of travel time: the maximum is somewhere within the cell
SLOW_KM_S = 5.0
CHUNK = 256  # nodes at a time: their pairs stay in the cache of a core
UNLIKELY = 0.4  # of the best: candidates below are not worth refining


def edt(origin_s: Floats, variance_s2: Floats) -> Floats:
    """Likelihood of (..., pick) origin times that each pick gives by itself, with their variances: (...,)."""
    one, other = np.triu_indices(origin_s.shape[-1], 1)
    origins = origin_s.astype(np.float32).reshape(-1, origin_s.shape[-1])
    variances = variance_s2.astype(np.float32).reshape(origins.shape)
    parts = range(0, max(len(origins), 1), CHUNK)
    sums = [agreement(origins[i : i + CHUNK], variances[i : i + CHUNK], one, other) for i in parts]
    return np.asarray(np.concatenate(sums).reshape(origin_s.shape[:-1]), float)


def agreement(
    origin_s: NDArray[np.float32], variance_s2: NDArray[np.float32], one: NDArray[np.int_], other: NDArray[np.int_]
) -> NDArray[np.float32]:
    """(node,): edt() of (node, pick) for the pairs (one, other), in as few passes over memory as possible."""
    terms = origin_s[:, one]
    terms -= origin_s[:, other]
    terms *= terms
    variance = variance_s2[:, one]
    variance += variance_s2[:, other]
    terms /= variance
    np.exp(np.negative(terms, out=terms), out=terms)
    terms /= np.sqrt(variance, out=variance)
    return np.asarray(terms.sum(axis=1))


def first_grid(east: Floats, north: Floats, depths_km: tuple[float, float]) -> tuple[Floats, Floats]:
    """(x, y, z, 3) places over the stations and as far around them as they are apart, and the widths of their cells.

    Places lie denser within the network and towards the surface; a range of one depth gives one.
    """
    wide = max(float(np.ptp(east)), float(np.ptp(north)), 1.0)
    u, v = np.linspace(-1, 1, ACROSS), np.linspace(0, 1, DEEP)
    across = wide * (0.5 * u + u**3)
    top, bottom = depths_km
    down = top + (bottom - top) * (0.2 * v + 0.8 * v**2) if bottom > top else np.array([top])
    axes = [across + (east.min() + east.max()) / 2, across + (north.min() + north.max()) / 2, down]
    cells = [np.gradient(axis) if len(axis) > 1 else np.zeros(1) for axis in axes]
    places, widths = (np.stack(np.meshgrid(*each, indexing="ij"), axis=-1) for each in (axes, cells))
    return places, widths


def search(readings: Readings, times: TravelTimes, depths_km: tuple[float, float], errors: ErrorModel) -> Floats:
    """(candidate, 3): east, north and depth in km of readings.middle where the likelihood is highest, best first.

    Each of the best maxima of the first grid is followed by itself, so a broad one does not hide a narrow one.
    """
    readings = readings.subset(np.argsort(readings.time_s, kind="stable")[:MOST_PICKS])
    stations = readings.km(readings.middle)

    def likelihood(places: Floats, cells: Floats) -> Floats:
        blur_s = SHARE_OF_CELL * cells.max(axis=-1) / SLOW_KM_S
        return edt_at(readings, times, places.reshape(-1, 3), stations, errors, blur_s.ravel()).reshape(blur_s.shape)

    grid, widths = first_grid(*stations, depths_km)
    peaks = maxima(likelihood(grid, widths))
    best, cells = grid.reshape(-1, 3)[peaks], widths.reshape(-1, 3)[peaks]
    for _ in range(ROUNDS):
        cells = cells / 2
        nodes = best[:, None] + NEIGHBOURS * cells[:, None]
        nodes[..., 2] = np.clip(nodes[..., 2], *depths_km)
        around = likelihood(nodes, np.broadcast_to(cells[:, None], nodes.shape))
        best = nodes[np.arange(len(nodes)), around.argmax(axis=1)]
    found = likelihood(best, 0 * cells)
    order = np.argsort(-found, kind="stable")
    order = order[found[order] >= UNLIKELY * found.max()]
    return distinct(best[order], 4 * cells[order])


def maxima(likelihood: Floats) -> NDArray[np.int_]:
    """Flat indices of up to KEPT nodes of a grid that are no worse than their neighbours, best first."""
    from scipy.ndimage import maximum_filter

    peaks = np.flatnonzero(likelihood >= maximum_filter(likelihood, 3, mode="nearest"))
    return np.asarray(peaks[np.argsort(-likelihood.ravel()[peaks], kind="stable")[:KEPT]])


def distinct(places: Floats, cells: Floats) -> Floats:
    """(kept, 3) of places sorted best first: those that no better one is nearer to than a cell."""
    kept = places[:1]
    for place, cell in zip(places[1:], cells[1:], strict=True):
        if (np.abs(kept - place) >= cell).any(axis=1).all():
            kept = np.vstack([kept, place])
    return kept


def edt_at(
    readings: Readings,
    times: TravelTimes,
    nodes: Floats,
    stations: tuple[Floats, Floats],
    errors: ErrorModel,
    blur_s: Floats,
) -> Floats:
    """(node,): likelihood of each place, travel times taken to be wrong by blur_s more than elsewhere."""
    distance = np.hypot(nodes[:, :1] - stations[0], nodes[:, 1:2] - stations[1])
    predicted = readings.of_phase(times, "rough", distance, nodes[:, 2:])
    variance = errors.variance(readings, predicted) + blur_s[:, None] ** 2
    return edt(readings.time_s - predicted, variance)
