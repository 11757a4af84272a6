"""Hypocentres of synthetic earthquakes, whose rays are straight in a round half-space, and of real ones."""

from __future__ import annotations

import csv
import json
import os
import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from obspy import UTCDateTime
from obspy.geodetics import gps2dist_azimuth

from jijin.errors import ConfigError, DataError
from jijin.network.geo import LocalFrame, distance_azimuth
from jijin.network.locate import LocateConfig, Locator
from jijin.network.readings import readings_of
from jijin.network.refine import evaluated, likelihood_of
from jijin.network.stations import Stations, read_stations
from jijin.network.velocity import VelocityModel, read_velocity
from jijin.types import NS, Origin, Pick, Station, net_sta

SHARED = Path(os.environ.get("JIJIN_SHARED", Path(__file__).parents[2] / "shared"))
HALF_SPACE = VelocityModel("half-space", (0.0,), (6.0,), (3.5,))
T0 = 1_700_000_000 * NS
EXACT = LocateConfig(model_error_s=0.01, model_error_floor_s=0.001)  # a velocity model without errors


def network(count: int, extent_km: float, rng: np.random.Generator, at: tuple[float, float] = (46.0, 7.0)) -> Stations:
    """Stations at random in a square, up to 3 km high."""
    latitude, longitude = LocalFrame(*at).to_degrees(*rng.uniform(-0.5, 0.5, (2, count)) * extent_km)
    heights = rng.uniform(0, 3000, count)
    places = zip(latitude.tolist(), longitude.tolist(), heights.tolist(), strict=True)
    return Stations(tuple(Station(f"XX.S{i:02d}.", *place) for i, place in enumerate(places)))


def straight_km(place: Sequence[float], station: Station) -> float:
    """Length of the ray from latitude, longitude, depth to a station in a sphere."""
    along, _ = distance_azimuth(place[0], place[1], station.latitude, station.longitude)
    low, high = 6371.0 - place[2], 6371.0 + station.elevation_m / 1000
    return float(np.sqrt((high - low) ** 2 + 4 * low * high * np.sin(along / 6371.0 / 2) ** 2))


def arrivals(
    stations: Stations,
    place: Sequence[float],
    rng: np.random.Generator | None = None,
    sigma_s: tuple[float, float] = (0.05, 0.1),
    phases: str = "PS",
) -> list[Pick]:
    """A pick a station and phase; with a generator, wrong by Gaussian errors of sigma_s."""
    picks = []
    for station in stations:
        for phase, velocity, sigma in zip("PS", (6.0, 3.5), sigma_s, strict=True):
            late = straight_km(place, station) / velocity + (rng.normal(0, sigma) if rng else 0.0)
            if phase in phases:
                picks.append(Pick(f"{station.nsl}.HH{phase}", phase, T0 + round(late * NS), sigma, 0.9))
    return picks


def somewhere(rng: np.random.Generator, extent_km: float, at: tuple[float, float] = (46.0, 7.0)) -> tuple[float, ...]:
    latitude, longitude = LocalFrame(*at).to_degrees(*rng.uniform(-0.4, 0.4, 2) * extent_km)
    return float(latitude), float(longitude), float(rng.uniform(3, 0.3 * extent_km))


def off_km(origin: Origin, place: Sequence[float]) -> float:
    return float(distance_azimuth(origin.latitude, origin.longitude, place[0], place[1])[0])


@pytest.mark.parametrize(
    ("extent_km", "east_km", "depth_km"),
    [(60, 5, 12), (60, 5, 2), (60, 55, 10), (250, -80, 70), (3, 0.4, 1.1), (60, 0, 28)],
)
def test_picks_without_errors_give_the_hypocentre_back(extent_km: float, east_km: float, depth_km: float) -> None:
    stations = network(12, extent_km, np.random.default_rng(1))
    latitude, longitude = LocalFrame(46.0, 7.0).to_degrees(east_km, 0.1 * extent_km)
    place = (float(latitude), float(longitude), depth_km)
    origin = Locator(stations, HALF_SPACE, EXACT).locate(arrivals(stations, place))
    assert off_km(origin, place) < 0.002 * extent_km
    assert origin.depth_km == pytest.approx(depth_km, abs=0.003 * extent_km + 0.01)
    assert origin.time_ns == pytest.approx(T0, abs=0.02 * NS)
    assert origin.rms_s < 0.01 and all(a.time_weight > 0.9 for a in origin.arrivals)


def test_the_date_line_is_a_place_like_any_other() -> None:
    stations, place = network(10, 80, np.random.default_rng(2), (52.0, 179.95)), (52.1, -179.9, 15.0)
    origin = Locator(stations, HALF_SPACE, EXACT).locate(arrivals(stations, place))
    assert off_km(origin, place) < 0.1 and origin.longitude == pytest.approx(-179.9, abs=0.01)


@pytest.mark.parametrize(("index", "off_s"), [(0, 5.0), (5, -5.0), (12, 5.0), (17, -5.0)])
def test_one_pick_off_by_five_seconds_moves_nothing_and_gets_no_weight(index: int, off_s: float) -> None:
    rng = np.random.default_rng(3)
    stations = network(9, 60, rng)
    place = somewhere(rng, 60)
    picks = arrivals(stations, place, rng)
    picks[index] = replace(picks[index], time_ns=picks[index].time_ns + round(off_s * NS))
    locator = Locator(stations, HALF_SPACE)
    with_it, without = locator.locate(picks), locator.locate(picks[:index] + picks[index + 1 :])
    weights = {arrival.pick: arrival.time_weight for arrival in with_it.arrivals}
    assert weights[picks[index]] < 0.01 and sum(weight > 0.5 for weight in weights.values()) == 17
    assert off_km(with_it, (without.latitude, without.longitude)) < 0.5 and off_km(with_it, place) < 1
    residual = next(a.time_residual_s for a in with_it.arrivals if a.pick == picks[index])
    assert residual == pytest.approx(off_s, abs=0.5)


def test_a_quarter_of_wrong_picks_is_borne() -> None:
    rng = np.random.default_rng(4)
    stations = network(16, 100, rng)
    locator, errors = Locator(stations, HALF_SPACE), []
    for _ in range(20):
        place = somewhere(rng, 100)
        picks = arrivals(stations, place, rng)
        wrong = rng.choice(len(picks), 8, replace=False)
        late = {int(i): round(rng.choice([-1, 1]) * rng.uniform(1.5, 6) * NS) for i in wrong}
        errors.append(
            off_km(locator.locate([replace(p, time_ns=p.time_ns + late.get(i, 0)) for i, p in enumerate(picks)]), place)
        )
    assert np.median(errors) < 0.5 and max(errors) < 2


@pytest.mark.parametrize(("count", "extent_km", "model_error_s"), [(10, 60, 0.0), (7, 40, 0.1)])
def test_uncertainties_hold_the_truth_as_often_as_they_say(count: int, extent_km: float, model_error_s: float) -> None:
    rng = np.random.default_rng(5)
    stations = network(count, extent_km, rng)
    config = LocateConfig(model_error_s=model_error_s) if model_error_s else EXACT
    locator, inside = Locator(stations, HALF_SPACE, config), []
    for _ in range(120):
        place = somewhere(rng, extent_km)
        picks = [
            replace(p, time_ns=p.time_ns + round(rng.normal(0, model_error_s) * np.sqrt((p.time_ns - T0) / NS) * NS))
            for p in arrivals(stations, place, rng)
        ]
        origin = locator.locate(picks)
        east, north = LocalFrame(origin.latitude, origin.longitude).to_km(place[0], place[1])
        apart, covariance = np.array([east, north]), np.array(origin.covariance)
        depth = abs(place[2] - origin.depth_km) / origin.depth_uncertainty_km
        time = abs(T0 - origin.time_ns) / NS / origin.time_uncertainty_s
        inside.append([apart @ np.linalg.solve(covariance[:2, :2], apart) < 2.279, depth < 1, time < 1])  # chi² of 68 %
    ellipse, depth, time = np.mean(inside, axis=0)
    assert 0.56 < ellipse < 0.80  # 68 % of 120 with three standard errors
    assert 0.55 < depth < 0.80 and 0.55 < time < 0.80


def test_the_ellipse_and_the_single_uncertainties_are_those_of_the_covariance() -> None:
    rng = np.random.default_rng(6)
    stations = network(8, 60, rng)
    origin = Locator(stations, HALF_SPACE).locate(arrivals(stations, (46.0, 7.6, 9.0), rng))  # to the east of all
    covariance = np.array(origin.covariance)
    assert np.sqrt(np.diag(covariance))[2:] == pytest.approx([origin.depth_uncertainty_km, origin.time_uncertainty_s])
    angle = np.radians(origin.ellipse_azimuth_deg)
    along, across = np.array([np.sin(angle), np.cos(angle)]), np.array([np.cos(angle), -np.sin(angle)])
    axes = [np.sqrt(axis @ covariance[:2, :2] @ axis) for axis in (along, across)]
    assert axes == pytest.approx(list(origin.horizontal_uncertainty_km)) and axes[0] > axes[1]
    assert along @ covariance[:2, :2] @ across == pytest.approx(0, abs=1e-9)


def test_arrivals_tell_distance_azimuth_takeoff_and_residual() -> None:
    stations, place = network(9, 60, np.random.default_rng(7)), (46.05, 7.1, 11.0)
    picks = arrivals(stations, place)
    late = replace(picks[4], time_ns=picks[4].time_ns + NS // 10)
    origin = Locator(stations, HALF_SPACE, EXACT).locate([*picks[:4], late, *picks[5:]])
    assert [a.pick.time_ns for a in origin.arrivals] == sorted(a.pick.time_ns for a in origin.arrivals)
    for arrival in origin.arrivals:
        (station,) = stations[arrival.pick.seed_id]
        metres, azimuth, _ = gps2dist_azimuth(place[0], place[1], station.latitude, station.longitude)
        assert arrival.distance_km == pytest.approx(metres / 1000, abs=0.2)  # the late pick draws a little
        assert arrival.azimuth_deg == pytest.approx(azimuth, abs=1.5)
        up = 180 - np.degrees(np.arctan2(metres / 1000, place[2] + station.elevation_m / 1000))
        assert arrival.takeoff_angle_deg == pytest.approx(up, abs=1.5)
        assert arrival.time_residual_s == pytest.approx(0.1 if arrival.pick == late else 0.0, abs=0.04)
    assert origin.nearest_km == min(a.distance_km for a in origin.arrivals)
    assert origin.velocity_model == "half-space" and origin.method == "edt"


def test_the_gap_of_an_event_outside_is_wide() -> None:
    stations = network(9, 30, np.random.default_rng(8))
    locator = Locator(stations, HALF_SPACE)
    assert locator.locate(arrivals(stations, (46.0, 7.0, 8.0))).azimuthal_gap_deg < 180
    assert locator.locate(arrivals(stations, (46.0, 7.8, 8.0))).azimuthal_gap_deg > 270


def test_the_order_of_picks_does_not_matter() -> None:
    rng = np.random.default_rng(9)
    stations = network(9, 60, rng)
    picks = arrivals(stations, (46.0, 7.1, 9.0), rng)
    shuffled = random.Random(1).sample(picks, len(picks))
    locator = Locator(stations, HALF_SPACE)
    assert locator.locate(picks) == locator.locate(shuffled) == Locator(stations, HALF_SPACE).locate(shuffled)


def test_of_two_picks_of_a_phase_the_more_probable_one_is_used_and_both_are_kept() -> None:
    stations = network(8, 60, np.random.default_rng(10))
    picks = arrivals(stations, (46.0, 7.1, 9.0))
    again = replace(picks[0], time_ns=picks[0].time_ns + NS, probability=0.3)
    origin = Locator(stations, HALF_SPACE).locate([again, *picks])
    weights = {arrival.pick: arrival.time_weight for arrival in origin.arrivals}
    assert weights[again] == 0.0 and weights[picks[0]] > 0.9 and len(weights) == len(picks) + 1


def test_a_pick_that_is_given_twice_is_one_arrival() -> None:
    stations = network(8, 60, np.random.default_rng(10))
    picks = arrivals(stations, (46.0, 7.1, 9.0))
    locator = Locator(stations, HALF_SPACE)
    assert locator.locate([*picks, *picks[:3]]) == locator.locate(picks)


def test_picks_of_a_station_without_a_place_are_named_and_left_out() -> None:
    stations = network(8, 60, np.random.default_rng(11))
    picks = arrivals(stations, (46.0, 7.1, 9.0))
    without = Stations(tuple(s for s in stations if net_sta(s.nsl) != "XX.S03"))
    with pytest.warns(UserWarning, match=r"no place in the station list for XX\.S03 "):
        origin = Locator(without, HALF_SPACE).locate(picks)
    assert len(origin.arrivals) == 14 and off_km(origin, (46.0, 7.1)) < 0.2


def test_station_corrections_are_taken_off() -> None:
    stations, place = network(8, 60, np.random.default_rng(12)), (46.0, 7.1, 9.0)
    corrections = {("XX.S01", "P"): 0.8, ("XX.S02", "S"): -0.6, ("XX.S05", "P"): 0.7}
    picks = [
        replace(p, time_ns=p.time_ns + round(corrections.get((p.seed_id[:6], p.phase_hint), 0.0) * NS))
        for p in arrivals(stations, place)
    ]
    origin = Locator(stations, HALF_SPACE, EXACT, corrections).locate(picks)
    assert off_km(origin, place) < 0.1 and max(abs(a.time_residual_s) for a in origin.arrivals) < 0.02


@pytest.mark.parametrize("keep", [slice(0, 3), slice(0, 4)])
def test_too_few_picks_or_stations_are_a_sentence(keep: slice) -> None:
    stations = network(6, 60, np.random.default_rng(13))
    picks = arrivals(stations, (46.0, 7.1, 9.0))[keep]
    with pytest.raises(DataError, match=f"{len(picks)} usable picks at 2 stations cannot be located: it takes 4 at 3"):
        Locator(stations, HALF_SPACE).locate(picks)
    with pytest.raises(DataError, match="no stations"):
        Locator(Stations(()), HALF_SPACE)


def test_three_stations_with_p_and_s_are_enough() -> None:
    stations, place = network(3, 30, np.random.default_rng(14)), (46.05, 7.05, 10.0)
    origin = Locator(stations, HALF_SPACE, EXACT).locate(arrivals(stations, place))
    assert off_km(origin, place) < 0.3 and origin.depth_km == pytest.approx(10, abs=0.5)


def test_depth_is_not_resolved_from_afar_when_held_or_at_its_limit() -> None:
    rng = np.random.default_rng(15)
    stations = network(8, 30, rng)
    far = arrivals(stations, (46.0, 8.3, 10.0), rng, phases="P")
    near = arrivals(stations, (46.0, 7.0, 8.0), rng)
    locator = Locator(stations, HALF_SPACE)
    assert not locator.locate(far).depth_resolved and locator.locate(near).depth_resolved
    held = Locator(stations, HALF_SPACE, LocateConfig(fixed_depth_km=8.0)).locate(near)
    assert held.depth_km == 8.0 and not held.depth_resolved and held.depth_uncertainty_km < 0.01
    assert off_km(held, (46.0, 7.0)) < 1
    shallow = Locator(stations, HALF_SPACE, LocateConfig(max_depth_km=5.0)).locate(near)
    assert shallow.depth_km == pytest.approx(5.0) and not shallow.depth_resolved


@pytest.mark.parametrize(
    ("name", "value"),
    [("min_picks", 1), ("model_error_s", -1.0), ("max_depth_km", 6000.0), ("resolved_depth_km", 0.0)],
)
def test_impossible_settings_are_refused(name: str, value: float) -> None:
    with pytest.raises(ConfigError, match=name):
        LocateConfig(**{name: value})  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="max_depth_km"):
        LocateConfig(min_depth_km=5, max_depth_km=2)


def real_events(case: str) -> list[tuple[Stations, list[Pick], dict[str, float]]]:
    """Stations, picks and reference of each event; skips where the data are not there."""
    folder = SHARED / "data" / "networks" / case
    if not folder.is_dir():
        pytest.skip(f"{folder} is not there")
    sigma = {"P": 0.05, "S": 0.1}
    events = []
    for path in sorted(folder.iterdir()):
        rows = csv.DictReader((path / "picks.csv").read_text().splitlines())
        picks = [
            Pick(f"{r['network']}.{r['station']}..HHZ", r["phase"], UTCDateTime(r["time"]).ns, sigma[r["phase"]], 0.9)
            for r in rows
        ]
        events.append((read_stations(path / "stations.csv"), picks, json.loads((path / "event.json").read_text())))
    return events


def together(events: list[tuple[Stations, list[Pick], dict[str, float]]]) -> Stations:
    return Stations(tuple(station for stations, _, _ in events for station in stations))


def test_alpine_events_lie_where_their_reference_has_them() -> None:
    events = real_events("nz_alpine")
    locator, well = Locator(together(events), read_velocity("regional")), []
    for _, picks, reference in events:
        if len({pick.seed_id for pick in picks}) >= 6:
            origin = locator.locate(picks)
            near = off_km(origin, (reference["latitude"], reference["longitude"])) < 3
            well.append(near and abs(origin.depth_km - reference["depth_km"]) < 5)
    assert len(well) == 6 and np.mean(well) >= 0.8


def test_no_reference_of_uturuncu_explains_the_picks_better_than_ours() -> None:
    events = real_events("uturuncu")
    stations = together(events)
    locator = Locator(stations, read_velocity("regional"))
    for _, picks, reference in events:
        origin, readings = locator.locate(picks), readings_of(picks, stations, {})
        ours, theirs = (
            likelihood_of(
                readings, evaluated(readings, locator.setting, LocalFrame(latitude, longitude), np.array([0, 0, depth]))
            )
            for latitude, longitude, depth in (
                (origin.latitude, origin.longitude, origin.depth_km),
                (reference["latitude"], reference["longitude"], reference["depth_km"]),
            )
        )
        assert ours >= 0.9 * theirs  # least squares may give up a tenth
