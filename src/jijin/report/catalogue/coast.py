"""Coasts and borders around a place, from Natural Earth's 1:10,000,000: good to about a kilometre."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jijin.report import bundled

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Box = tuple[float, float, float, float]  # south, west, north, east in degrees; east may lie beyond 180
TOPOLOGY = "countries-10m.json.xz"
MOST_POINTS = 20_000  # of a kind; of a wide map every so manieth is left
SHIFTS = (-360.0, 0.0, 360.0)  # a box may lie over the date line
SEAM = 179.99  # degrees: beyond it a coast is none, but where the map of the world is cut


def shapes(box: Box) -> dict[str, list[list[list[float]]]]:
    """What of the Earth's shape lies within a box: {"land": rings, "coast": lines, "border": lines}.

    Rings and lines are points [latitude, longitude]. Rings are cut at the box; together they are filled by the
    even-odd rule. Lines go on to their next point.
    """
    topology = bundled.topology(TOPOLOGY)
    points, starts = _points(topology)
    border = np.bincount(list(_indices(topology["objects"]["countries"]["geometries"])), minlength=len(starts)) > 1
    found: dict[str, list[Floats]] = {"land": list(_land(topology, points, starts, box)), "coast": [], "border": []}
    for shift in SHIFTS:
        for number, line in _within(points + [0.0, shift], starts, box):
            found["border" if border[number] else "coast"].append(line)
    return {name: _thinned(those) for name, those in found.items()}


def _land(topology: dict[str, Any], points: Floats, starts: Ints, box: Box) -> Iterator[Floats]:
    """Rings of land, cut at the box."""
    lines = np.split(points, starts[1:])
    for polygon in chain.from_iterable(g["arcs"] for g in topology["objects"]["land"]["geometries"]):
        for ring in polygon:
            around = np.concatenate([lines[k] if k >= 0 else lines[~k][::-1] for k in ring])
            for shift in SHIFTS:
                if len(cut := _cut(around + [0.0, shift], box)):
                    yield cut.round(4)


def _cut(ring: Floats, box: Box) -> Floats:
    """A ring without what lies outside of a box (Sutherland and Hodgman, 1974): edge by edge of the box."""
    low, high = ring.min(axis=0), ring.max(axis=0)
    if (low > box[2:]).any() or (high < box[:2]).any():
        return np.empty((0, 2))
    for axis, limit, side in ((0, box[0], 1), (1, box[1], 1), (0, box[2], -1), (1, box[3], -1)):
        depth = side * (ring[:, axis] - limit)
        if (depth < 0).any():
            ring = _half(ring, depth)
    return ring


def _half(ring: Floats, depth: Floats) -> Floats:
    """The part of a ring where depth is positive, with the points at which it changes sign."""
    after, next_depth = np.roll(ring, -1, axis=0), np.roll(depth, -1)
    crosses = (depth < 0) != (next_depth < 0)
    share = np.divide(depth, depth - next_depth, out=np.zeros_like(depth), where=crosses)
    both = np.stack([ring, ring + share[:, None] * (after - ring)], axis=1)
    return both[np.stack([depth >= 0, crosses], axis=1)]


def _points(topology: dict[str, Any]) -> tuple[Floats, Ints]:
    """All lines one after another, (point, 2) in degrees, and where each starts."""
    lengths = [len(arc) for arc in topology["arcs"]]
    starts = np.cumsum([0, *lengths[:-1]])
    steps = np.array(list(chain.from_iterable(topology["arcs"])))
    total = np.cumsum(steps, axis=0)
    before = np.repeat(total[starts] - steps[starts], lengths, axis=0)  # each line counts from its own first point
    places = (total - before) * topology["transform"]["scale"] + topology["transform"]["translate"]
    return places[:, ::-1], starts


def _indices(geometries: Iterable[dict[str, Any]]) -> Iterator[int]:
    """Numbers of the lines of all rings; one that runs backwards is written as ~number."""
    for geometry in geometries:
        stack: list[Any] = [geometry.get("arcs", [])]
        while stack:
            item = stack.pop()
            if isinstance(item, int):
                yield item if item >= 0 else ~item
            else:
                stack += item


def _within(points: Floats, starts: Ints, box: Box) -> Iterator[tuple[int, Floats]]:
    """Runs of points inside the box, each with one point more at either end, so that it crosses the edge."""
    south, west, north, east = box
    inside = (points[:, 0] >= south) & (points[:, 0] <= north) & (points[:, 1] >= west) & (points[:, 1] <= east)
    inside &= np.abs((points[:, 1] + 180) % 360 - 180) < SEAM
    line = np.repeat(np.arange(len(starts)), np.diff(np.r_[starts, len(points)]))
    next_is_same = line[1:] == line[:-1]
    near = inside.copy()
    near[1:] |= inside[:-1] & next_is_same
    near[:-1] |= inside[1:] & next_is_same
    run = np.flatnonzero(near)
    cuts: Ints = np.flatnonzero((np.diff(run) > 1) | ~next_is_same[run[:-1]]) + 1 if len(run) else run
    for part in np.split(run, cuts):
        if len(part) > 1:
            yield int(line[part[0]]), points[part].round(4)


def _thinned(lines: list[Floats]) -> list[list[list[float]]]:
    """All, or of each every so manieth point and its last."""
    every = max(1, -(-sum(map(len, lines)) // MOST_POINTS))
    return [(line if every == 1 else np.concatenate([line[:-1:every], line[-1:]])).tolist() for line in lines]
