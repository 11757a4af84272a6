"""Weights, steps and covariance of a location, against statistics and least squares by other routes."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from jijin.network.geo import LocalFrame
from jijin.network.readings import ErrorModel, Readings
from jijin.network.refine import (
    WRONG,
    WRONG_S,
    Fit,
    Setting,
    agreed,
    belongs,
    evaluated,
    polish,
    posterior,
    refine,
    step,
    stretch,
    variance_factor,
)
from jijin.network.traveltime import TravelTimes
from jijin.network.velocity import VelocityModel
from jijin.types import NS, Pick, Station

FRAME = LocalFrame(46.0, 7.0)
TIMES = TravelTimes(VelocityModel("half-space", (0.0,), (6.0,), (3.5,)), reach_km=120)
SETTING = Setting(TIMES, ErrorModel(0.0, 0.02), (-1.0, 40.0))
PLACE = np.array([4.0, -3.0, 11.0])  # east, north, depth


def readings(place: np.ndarray = PLACE, wrong_s: dict[int, float] | None = None) -> Readings:
    """P and S at eight stations around the frame's origin, right but for wrong_s by index."""
    angles, radii = np.linspace(0, 2 * np.pi, 8, endpoint=False), np.array([8, 25, 14, 30, 11, 20, 17, 27])
    latitudes, longitudes = FRAME.to_degrees(radii * np.sin(angles), radii * np.cos(angles))
    picks, stations = [], []
    for phase in "PS":
        for i, (latitude, longitude) in enumerate(zip(latitudes.tolist(), longitudes.tolist(), strict=True)):
            distance = np.hypot(radii[i] * np.sin(angles[i]) - place[0], radii[i] * np.cos(angles[i]) - place[1])
            late = float(TIMES.time(phase, distance, place[2])) + (wrong_s or {}).get(len(picks), 0.0)
            picks.append(Pick(f"XX.S{i}..HHZ", phase, 10**18 + round(late * NS), 0.05, 0.9))
            stations.append(Station(f"XX.S{i}.", latitude, longitude))
    return Readings(tuple(picks), tuple(stations), (0.0,) * len(picks))


def fit_of(slopes: np.ndarray, place: np.ndarray) -> Fit:
    count = len(slopes)
    return Fit(FRAME, place, 0.0, np.zeros(count), np.full(count, 0.1), np.ones(count), slopes)


def test_the_weight_is_the_probability_by_bayes_to_be_no_wrong_pick() -> None:
    residual, sigma = np.array([0.0, 0.3, -0.5, 4.0]), np.array([0.1, 0.2, 0.1, 1.0])
    right, wrong = (1 - WRONG) * norm.pdf(residual, scale=sigma), WRONG / WRONG_S
    assert belongs(residual, sigma) == pytest.approx(right / (right + wrong))
    assert belongs(np.array([9.0]), np.array([0.01]))[0] == 0.0


def test_errors_are_stretched_when_most_residuals_are_large_and_not_for_a_few_wrong_picks() -> None:
    rng, sigma = np.random.default_rng(1), np.full(200, 0.1)
    residual = rng.normal(0, 0.1, 200)
    assert stretch(residual, sigma) == pytest.approx(1.0, abs=0.15)
    assert stretch(2 * residual, sigma) == pytest.approx(2.0, abs=0.3)
    assert stretch(np.where(np.arange(200) < 40, 7.0, residual), sigma) < 1.5
    assert stretch(20 * residual, sigma) == 3.0 and stretch(np.full(4, 9.0), np.full(4, 0.1)) == 1.0


def test_the_origin_time_is_the_one_that_most_picks_agree_on() -> None:
    origins = np.array([1.0, 1.02, 0.98, 4.0, 6.5, -3.0, 9.0])
    assert agreed(origins, np.full(7, 0.1)) == pytest.approx(1.0, abs=0.01)


def test_slopes_are_what_arrivals_grow_by() -> None:
    at = evaluated(readings(), SETTING, FRAME, PLACE)
    for axis in range(3):
        moved = [evaluated(readings(), SETTING, FRAME, PLACE + d * np.eye(3)[axis]).predicted_s for d in (-0.3, 0.3)]
        assert at.slopes[:, axis] == pytest.approx((moved[1] - moved[0]) / 0.6, abs=2e-3)
    assert (at.slopes[:, 3] == 1).all() and at.origin_s == pytest.approx(-min(at.predicted_s), abs=1e-3)


def test_a_step_is_that_of_least_squares() -> None:
    rng = np.random.default_rng(2)
    slopes, residual = np.column_stack([rng.normal(0, 0.2, (12, 3)), np.ones(12)]), rng.normal(0, 0.2, 12)
    expected, *_ = np.linalg.lstsq(slopes, residual, rcond=None)
    assert step(fit_of(slopes, np.array([0, 0, 10.0])), residual, (-5.0, 40.0)) == pytest.approx(expected, rel=1e-3)


def test_a_step_against_a_limit_of_depth_is_that_of_least_squares_with_depth_there() -> None:
    rng = np.random.default_rng(3)
    slopes, residual = np.column_stack([rng.normal(0, 0.2, (12, 3)), np.ones(12)]), rng.normal(0, 0.2, 12)
    free, *_ = np.linalg.lstsq(slopes, residual, rcond=None)
    top = 10.0 + free[2] / 2 if free[2] < 0 else 10.0 - abs(free[2])
    bottom = 10.0 + free[2] / 2 if free[2] > 0 else 40.0
    change = step(fit_of(slopes, np.array([0, 0, 10.0])), residual, (top, bottom))
    assert change[2] == pytest.approx(free[2] / 2)
    rest, *_ = np.linalg.lstsq(slopes[:, [0, 1, 3]], residual - slopes[:, 2] * change[2], rcond=None)
    assert change[[0, 1, 3]] == pytest.approx(rest, rel=1e-3)


def test_a_held_depth_stays() -> None:
    held = Setting(TIMES, SETTING.errors, (8.0, 8.0))
    fit = refine(readings(), held, FRAME, np.array([0.0, 0.0, 8.0]))
    assert fit.place_km[2] == 8.0 and np.isfinite(posterior(readings(), held, fit)).all()


def test_refining_reaches_the_place_past_wrong_picks() -> None:
    with_wrong = readings(wrong_s={2: 1.5, 7: -2.0, 11: 4.0})
    fit = refine(with_wrong, SETTING, FRAME, np.array([2.0, 1.0, 6.0]))
    east, north = fit.frame.to_km(*FRAME.to_degrees(PLACE[0], PLACE[1]))
    assert [*fit.place_km] == pytest.approx([east, north, PLACE[2]], abs=0.1)
    assert np.flatnonzero(fit.weight < 0.1).tolist() == [2, 7, 11]


def test_least_squares_end_where_they_began_if_there_is_nothing_to_gain() -> None:
    fit = evaluated(readings(), SETTING, FRAME, PLACE)
    assert polish(readings(), SETTING, fit).place_km == pytest.approx(PLACE, abs=0.01)


def test_variances_grow_with_residuals_against_a_prior_of_eight_picks() -> None:
    exact = evaluated(readings(), SETTING, FRAME, PLACE)
    count = exact.weight.sum()
    assert variance_factor(readings(), exact) == pytest.approx(8 / (8 + count - 4), rel=1e-2)
    late = {i: float(s) for i, s in enumerate(np.random.default_rng(4).normal(0, 0.12, 16))}
    rough = evaluated(readings(wrong_s=late), SETTING, FRAME, PLACE)
    assert variance_factor(readings(wrong_s=late), rough) > 1.5


def test_the_posterior_of_a_well_placed_event_is_the_linearised_one() -> None:
    fit = evaluated(readings(), SETTING, FRAME, PLACE)
    factor = variance_factor(readings(), fit)
    linear = factor * np.linalg.inv(fit.slopes.T @ (fit.slopes * fit.precision[:, None]))
    assert posterior(readings(), SETTING, fit) == pytest.approx(linear, rel=0.1, abs=2e-3)


def test_depths_beyond_the_limit_have_no_probability() -> None:
    fit = evaluated(readings(), SETTING, FRAME, PLACE)
    cut = Setting(TIMES, SETTING.errors, (-1.0, float(PLACE[2])))
    assert posterior(readings(), cut, fit)[2, 2] < 0.6 * posterior(readings(), SETTING, fit)[2, 2]
