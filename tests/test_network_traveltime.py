"""Travel times against analytic solutions on a flat Earth made of a huge one, and against TauP on the round one."""

from __future__ import annotations

import numpy as np
import pytest
from obspy.taup import TauPyModel

from jijin.errors import ConfigError
from jijin.network import traveltime
from jijin.network.traveltime import TravelTimes, takeoff_deg
from jijin.network.velocity import VelocityModel, read_velocity

KM_PER_DEGREE = 6371.0 * np.pi / 180
HALF_SPACE = VelocityModel("half-space", (0.0,), (6.0,), (3.5,))
TWO_LAYERS = VelocityModel("two layers", (0.0, 30.0), (6.0, 8.0), (3.5, 4.5))
DISTANCES = np.array([0.0, 0.3, 2.0, 11.0, 40.0, 77.0, 130.0, 190.0])


@pytest.fixture
def flat_earth(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(traveltime, "EARTH_KM", 1e8)


@pytest.mark.usefixtures("flat_earth")
@pytest.mark.parametrize("station_depth_km", [-3.333, -0.1, 0.0, 1.2])
def test_a_half_space_has_straight_rays_from_every_depth_to_every_height(station_depth_km: float) -> None:
    depths = np.array([[-2.0], [0.0], [0.7], [8.0], [90.0]])
    times = TravelTimes(HALF_SPACE, reach_km=200)
    expected = np.hypot(DISTANCES, depths - station_depth_km)
    assert times.time("P", DISTANCES, depths, station_depth_km) == pytest.approx(expected / 6.0, abs=5e-5)
    assert times.time("S", DISTANCES, depths, station_depth_km) == pytest.approx(expected / 3.5, abs=5e-5)


@pytest.mark.usefixtures("flat_earth")
def test_a_linear_gradient_bends_rays_into_circles() -> None:
    v0, k, height = 5.0, 0.04, 0.62
    model = VelocityModel("gradient", (-height, 200.0), (v0, 13.0), (v0 / 1.75, 8.0), (k, 0.0), (k / 1.75, 0.0))
    depths = np.array([[0.5], [9.0], [33.0]])
    there = v0 + k * (depths + height)
    expected = np.arccosh(1 + k**2 * (DISTANCES**2 + (depths + height) ** 2) / (2 * v0 * there)) / k
    times = TravelTimes(model, reach_km=200).time("P", DISTANCES, depths, -height)
    assert times == pytest.approx(expected, abs=0.002)


@pytest.mark.usefixtures("flat_earth")
@pytest.mark.parametrize("depth_km", [0.0, 12.0, 29.0])
def test_beyond_the_crossover_the_head_wave_comes_first(depth_km: float) -> None:
    along, down = 1 / 8.0, np.sqrt(1 / 6.0**2 - 1 / 8.0**2)
    direct, head = np.hypot(DISTANCES, depth_km) / 6.0, DISTANCES * along + (60 - depth_km) * down
    reached = (60 - depth_km) * along / down <= DISTANCES
    expected = np.where(reached, np.minimum(direct, head), direct)
    assert (expected < direct - 0.5).any()
    times = TravelTimes(TWO_LAYERS, reach_km=200)
    assert times.time("P", DISTANCES, depth_km) == pytest.approx(expected, abs=0.01)


@pytest.mark.parametrize("name", ["iasp91", "ak135"])
@pytest.mark.parametrize("phase", ["P", "S"])
def test_times_and_angles_on_the_round_earth_are_those_of_taup(name: str, phase: str) -> None:
    theirs, ours = TauPyModel(name), TravelTimes(read_velocity(name))
    names = {"P": ["p", "P", "Pn"], "S": ["s", "S", "Sn"]}[phase]
    for depth, distance in [(5, 30), (10, 80), (25, 90), (10, 240), (60, 150), (150, 380)]:
        first = theirs.get_travel_times(depth, distance / KM_PER_DEGREE, names)[0]
        time, along, down = ours.time_and_gradient(phase, distance, depth)
        assert time == ours.time(phase, distance, depth) == pytest.approx(first.time, abs=0.025)
        assert takeoff_deg(along, down) == pytest.approx(first.takeoff_angle, abs=1.0)
        assert along == pytest.approx(first.ray_param_sec_degree / KM_PER_DEGREE, rel=0.01)


def test_beyond_the_table_times_go_on_with_the_slope_of_its_edge() -> None:
    near, far = TravelTimes(TWO_LAYERS, reach_km=250), TravelTimes(TWO_LAYERS, reach_km=500)
    assert near.time("P", [300, 400], 10) == pytest.approx(far.time("P", [300, 400], 10), abs=0.05)
    assert near.time("P", 0, 200) == pytest.approx(far.time("P", 0, 200), abs=0.1)


def test_a_higher_station_hears_later_and_a_buried_one_earlier() -> None:
    times = TravelTimes(read_velocity("regional"), reach_km=100)
    high, level, buried = times.time("P", 3.0, 8.0, [-2.0, 0.0, 0.5])
    assert high > level > buried


def test_derivatives_are_what_times_grow_by() -> None:
    times, step = TravelTimes(read_velocity("regional"), reach_km=100), 0.4
    x, z, receiver = np.array([3.0, 20.0, 41.0]), np.array([5.1, 9.0, 15.0]), -1.37
    _, along, down = times.time_and_gradient("S", x, z, receiver)
    numeric = [times.time("S", x + step, z, receiver) - times.time("S", x - step, z, receiver)]
    numeric += [times.time("S", x, z + step, receiver) - times.time("S", x, z - step, receiver)]
    assert np.array([along, down]) == pytest.approx(np.array(numeric) / (2 * step), abs=2e-3)
    assert times.time_and_gradient("S", 0.0, 8.0, 0.0)[1] == pytest.approx(0.0, abs=1e-6)


def test_a_reach_of_nothing_is_refused() -> None:
    with pytest.raises(ConfigError, match="reach_km"):
        TravelTimes(TWO_LAYERS, reach_km=0)
