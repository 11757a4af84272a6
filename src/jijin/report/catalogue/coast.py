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
MOST_POINTS = 20_000  # of a page; of a wide map every so manieth is left


def lines(box: Box) -> dict[str, list[list[list[float]]]]:
    """{"coast": lines, "border": lines}, a line being points [latitude, longitude], as far as they touch the box."""
    topology = bundled.topology(TOPOLOGY)
    points, starts = _points(topology)
    border = np.bincount(list(_indices(topology["objects"]["countries"]["geometries"])), minlength=len(starts)) > 1
    found: dict[str, list[Floats]] = {"coast": [], "border": []}
    for shift in (-360.0, 0.0, 360.0):
        for number, line in _within(points + [0.0, shift], starts, box):
            found["border" if border[number] else "coast"].append(line)
    every = max(1, -(-sum(map(len, found["coast"] + found["border"])) // MOST_POINTS))
    return {name: [_thinned(line, every).tolist() for line in those] for name, those in found.items()}


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


def _thinned(line: Floats, every: int) -> Floats:
    return line if every == 1 else np.concatenate([line[:-1:every], line[-1:]])
