"""The likelihood of equal differential times, and the search for its maximum."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from jijin.network.search import distinct, edt, first_grid, maxima


def test_edt_is_the_sum_over_pairs_of_how_well_they_agree() -> None:
    rng = np.random.default_rng(1)
    origin, variance = rng.normal(0, 1, (600, 7)), rng.uniform(0.1, 2, (600, 7))
    expected = [
        sum(np.exp(-((o[i] - o[j]) ** 2) / (v[i] + v[j])) / np.sqrt(v[i] + v[j]) for i, j in combinations(range(7), 2))
        for o, v in zip(origin, variance, strict=True)
    ]
    assert edt(origin, variance) == pytest.approx(expected, rel=1e-4)
    assert edt(origin[0], variance[0]) == pytest.approx(expected[0], rel=1e-4)


def test_a_wrong_pick_takes_only_its_own_pairs_away() -> None:
    right, variance = np.zeros(6), np.full(6, 0.02)
    wrong = np.array([0, 0, 0, 0, 0, 5.0])
    assert edt(wrong, variance) / edt(right, variance) == pytest.approx(10 / 15)


def test_the_first_grid_is_dense_among_the_stations_and_near_the_surface() -> None:
    east, north = np.array([0.0, 40.0, 60.0]), np.array([10.0, 50.0, 20.0])
    places, widths = first_grid(east, north, (-2.0, 60.0))
    assert places.shape == widths.shape and places.shape[-1] == 3
    assert (places[..., 0].min(), places[..., 0].max()) == pytest.approx((-60, 120))
    assert (places[..., 2].min(), places[..., 2].max()) == pytest.approx((-2, 60))
    middle, edge = widths[12, 12, 0], widths[0, 0, -1]
    assert middle[0] < 3 < edge[0] and middle[2] < 3 < edge[2]
    assert first_grid(east, north, (5.0, 5.0))[0][..., 2].max() == 5.0


def test_every_maximum_is_followed_and_neighbours_are_one() -> None:
    hills = np.zeros((9, 9, 3))
    hills[2, 2, 1], hills[6, 7, 0], hills[2, 3, 1] = 3.0, 5.0, 2.0
    peaks = [np.unravel_index(i, hills.shape) for i in maxima(hills)[:2]]
    assert [tuple(map(int, peak)) for peak in peaks] == [(6, 7, 0), (2, 2, 1)]
    places = np.array([[0, 0, 5.0], [0.5, 0.5, 5.0], [0, 0, 9.0]])
    assert distinct(places, np.full((3, 3), 2.0)).tolist() == [[0, 0, 5], [0, 0, 9]]
