"""From a place of the search to a hypocentre with its errors: least squares with weights that drop wrong picks."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from jijin.network.geo import LocalFrame
from jijin.network.readings import ErrorModel, Readings
from jijin.network.search import edt
from jijin.network.traveltime import TravelTimes

Floats = NDArray[np.float64]
WRONG, WRONG_S = 0.1, 10.0  # share of picks that have nothing to do with the event, and how widely they are spread
ITERATIONS = 25
STAYS = 0.9  # of the EDT likelihood: least squares that lose more have left the maximum, and are not taken
LONGEST_STEP_KM = 30.0
CLIMBED_KM, DONE_KM = 0.02, 0.005  # steps at which a maximum is reached
PRIOR_FREEDOM = (
    8.0  # picks' worth of trust in the errors as configured, against the residuals (Jordan and Sverdrup, 1981)
)
NODES, SPAN = 9, 3.5  # of the posterior along each axis, and how many standard deviations to either side


@dataclass(frozen=True, slots=True)
class Setting:
    """What stays the same from event to event."""

    times: TravelTimes
    errors: ErrorModel
    depths_km: tuple[float, float]  # limits; both the same where depth is held


@dataclass(frozen=True, slots=True)
class Fit:
    """A hypocentre in km of a frame, and how each pick fits it."""

    frame: LocalFrame
    place_km: Floats  # (3,): east, north, depth
    origin_s: float  # after the reference of the readings
    predicted_s: Floats  # (pick,) travel times
    sigma_s: Floats
    weight: Floats  # probability that the pick belongs to the event
    slopes: Floats  # (pick, 4): of the arrival time over east, north, depth, origin time

    @property
    def precision(self) -> Floats:
        """(pick,): weight over variance."""
        return np.asarray(self.weight / self.sigma_s**2)


def belongs(residual_s: Floats, sigma_s: Floats) -> Floats:
    """Probability of each residual to be a Gaussian one and not one of the wrong picks, by Bayes."""
    good = (1 - WRONG) / sigma_s / np.sqrt(2 * np.pi) * np.exp(-0.5 * (residual_s / sigma_s) ** 2)
    return np.asarray(good / (good + WRONG / WRONG_S))


def stretch(residual_s: Floats, sigma_s: Floats) -> float:
    """How much larger residuals are than sigma, by the better 40 % of them, 1 to 3: a poor model makes none wrong."""
    count = len(residual_s)
    spread = float(np.quantile(np.abs(residual_s) / sigma_s, 0.4)) / 0.524 * np.sqrt(count / max(count - 4, 1))
    return float(np.clip(spread, 1.0, 3.0)) if count > 4 else 1.0


def agreed(origin_s: Floats, sigma_s: Floats) -> float:
    """The origin time that most picks agree on, by the pick that agrees with most others and those around it."""
    agreement = pairs(origin_s, sigma_s)
    best = int(agreement.sum(axis=1).argmax())
    with_best = np.exp(-((origin_s - origin_s[best]) ** 2) / (sigma_s**2 + sigma_s[best] ** 2)) / sigma_s**2
    return float(with_best @ origin_s / with_best.sum())


def evaluated(
    readings: Readings, setting: Setting, frame: LocalFrame, place: Floats, origin_s: float | None = None
) -> Fit:
    """The fit at a place; origin_s None takes the time that most picks agree on."""
    east, north = readings.km(frame)
    x, y = place[0] - east, place[1] - north
    distance = np.hypot(x, y)
    predicted, along, down = readings.of_phase(setting.times, "time_and_gradient", distance, place[2:])
    sigma = np.sqrt(setting.errors.variance(readings, predicted))
    origin = agreed(readings.time_s - predicted, sigma) if origin_s is None else origin_s
    residual = readings.time_s - predicted - origin
    weight = belongs(residual, sigma * stretch(residual, sigma))
    slope = along / np.maximum(distance, 1e-9)
    slopes = np.column_stack([slope * x, slope * y, down, np.ones_like(down)])
    return Fit(frame, place, origin, predicted, sigma, weight, slopes)


def step(fit: Fit, residual_s: Floats, depths_km: tuple[float, float], precision: Floats | None = None) -> Floats:
    """(4,): the least-squares change of place and origin time; depth ends at its limits.

    precision : (pick, pick), the inverse of the picks' covariance; None takes the fit's weights over variances.
    """
    inverse = np.diag(fit.precision) if precision is None else precision
    top, bottom = depths_km
    free = bottom > top
    change = solved(fit.slopes, inverse, residual_s, np.array([True, True, free, True]))
    depth = float(np.clip(fit.place_km[2] + change[2], top, bottom)) - fit.place_km[2]
    if depth != change[2]:
        rest = solved(fit.slopes, inverse, residual_s - fit.slopes[:, 2] * depth, np.array([True, True, False, True]))
        change = np.array([rest[0], rest[1], depth, rest[3]])
    return np.asarray(change * min(1.0, LONGEST_STEP_KM / max(float(np.abs(change[:3]).max()), 1e-9)))


def solved(slopes: Floats, precision: Floats, residual_s: Floats, free: NDArray[np.bool_]) -> Floats:
    """(4,): least squares over the free unknowns, damped a little where the data say nothing."""
    slopes = slopes * free
    damping = np.where(free, [1e-4, 1e-4, 1e-3, 1e-6], 1.0)
    return np.asarray(
        np.linalg.solve(slopes.T @ precision @ slopes + np.diag(damping), slopes.T @ precision @ residual_s)
    )


def refine(readings: Readings, setting: Setting, frame: LocalFrame, place: Floats) -> Fit:
    """The maximum of EDT next to a place, then least squares with the weights that the picks have there.

    Weights are taken anew once. Least squares that lead away from the maximum are not taken: there the picks disagree.
    """
    latitude, longitude = frame.to_degrees(place[0], place[1])
    frame, place = LocalFrame(float(latitude), float(longitude)), np.array([0.0, 0.0, place[2]])
    fit = climb(readings, setting, frame, place)
    for _ in range(2):
        polished = polish(readings, setting, fit)
        if likelihood_of(readings, polished) < STAYS * likelihood_of(readings, fit):
            break
        fit = polished
    return fit


def polish(readings: Readings, setting: Setting, fit: Fit) -> Fit:
    """Least squares with the weights of a fit; the result has its own."""
    weight = fit.weight
    for _ in range(ITERATIONS):
        residual = readings.time_s - fit.predicted_s - fit.origin_s
        change = step(replace(fit, weight=weight), residual, setting.depths_km)
        fit = evaluated(readings, setting, fit.frame, fit.place_km + change[:3], fit.origin_s + float(change[3]))
        if np.abs(change[:3]).max() < DONE_KM:
            break
    return fit


def likelihood_of(readings: Readings, fit: Fit) -> float:
    """EDT at the place of the fit."""
    return float(edt(readings.time_s - fit.predicted_s, fit.sigma_s**2))


def climb(readings: Readings, setting: Setting, frame: LocalFrame, place: Floats) -> Fit:
    """The maximum of EDT next to a place, by least squares over pairs that are weighted by how well they agree.

    With weights q the sum of q (difference of two picks)² has as its matrix the Laplacian of the graph of picks.
    """
    fit = evaluated(readings, setting, frame, place)
    for _ in range(ITERATIONS):
        agreement = pairs(readings.time_s - fit.predicted_s, fit.sigma_s)
        laplacian = np.diag(agreement.sum(axis=1)) - agreement
        residual = readings.time_s - fit.predicted_s - fit.origin_s
        change = step(replace(fit, weight=np.ones_like(residual)), residual, setting.depths_km, laplacian)
        fit = evaluated(readings, setting, frame, fit.place_km + change[:3])
        if np.abs(change[:3]).max() < CLIMBED_KM:
            break
    return fit


def pairs(origin_s: Floats, sigma_s: Floats) -> Floats:
    """(pick, pick): how well two picks agree on the origin time, over their variance; the sum goes as EDT does."""
    variance = sigma_s[:, None] ** 2 + sigma_s**2
    agreement = np.exp(-((origin_s[:, None] - origin_s) ** 2) / variance) / variance**1.5
    np.fill_diagonal(agreement, 0.0)
    return np.asarray(agreement)


def variance_factor(readings: Readings, fit: Fit) -> float:
    """What variances are multiplied with, as the residuals say: 1 before there are any."""
    residual = readings.time_s - fit.predicted_s - fit.origin_s
    freedom = max(float(fit.weight.sum()) - 4.0, 0.0)
    return (PRIOR_FREEDOM + float((fit.precision * residual**2).sum())) / (PRIOR_FREEDOM + freedom)


def posterior(readings: Readings, setting: Setting, fit: Fit) -> Floats:
    """(4, 4) covariance of east, north, depth in km and origin time in s, from the likelihood on a grid around the fit.

    The grid is laid along the axes of the linearised covariance; depths outside the limits have no probability.
    """
    factor = variance_factor(readings, fit)
    top, bottom = setting.depths_km
    known = np.array([1e-6, 1e-6, 4.0 / max(bottom - top, 1e-3) ** 2, 0.0])  # no depth is known worse than its range
    linear = np.linalg.inv(fit.slopes.T @ (fit.slopes * fit.precision[:, None]) / factor + np.diag(known))
    values, axes = np.linalg.eigh(linear[:3, :3])
    line = np.linspace(-SPAN, SPAN, NODES)
    steps = np.stack(np.meshgrid(line, line, line, indexing="ij"), axis=-1).reshape(-1, 3)
    places = fit.place_km + (steps * np.sqrt(np.maximum(values, 1e-12))) @ axes.T
    places = places[(places[:, 2] >= top - 1e-9) & (places[:, 2] <= bottom + 1e-9)] if bottom > top else places
    misfit, origin = misfits(readings, setting, fit, places)
    probability = np.exp(-0.5 * (misfit - misfit.min()) / factor)
    unknowns = np.column_stack([places, origin])
    covariance = np.cov(unknowns, rowvar=False, aweights=probability, ddof=0)
    covariance[3, 3] += factor / fit.precision.sum()
    return np.asarray(covariance)


def misfits(readings: Readings, setting: Setting, fit: Fit, places: Floats) -> tuple[Floats, Floats]:
    """(node,) each: weighted squares of residuals with the best origin time, and that time; weights are the fit's."""
    east, north = readings.km(fit.frame)
    distance = np.hypot(places[:, :1] - east, places[:, 1:2] - north)
    origins = readings.time_s - readings.of_phase(setting.times, "time", distance, places[:, 2:])
    best = origins @ fit.precision / fit.precision.sum()
    return ((origins - best[:, None]) ** 2) @ fit.precision, best


def recentred(fit: Fit) -> Fit:
    """The same with the frame's origin at the epicentre."""
    latitude, longitude = fit.frame.to_degrees(fit.place_km[0], fit.place_km[1])
    place = np.array([0.0, 0.0, fit.place_km[2]])
    return replace(fit, frame=LocalFrame(float(latitude), float(longitude)), place_km=place)
