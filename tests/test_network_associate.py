"""Picks of known earthquakes in networks of 3 to 100 stations, from 3 to 300 km wide."""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np
import pytest

from earthquakes import START_NS, VP, VS, earthquake, false_picks, network, onset, owners, swarm
from jijin.errors import ConfigError, DataError
from jijin.network.associate import AssociateConfig, Associator, without_twins
from jijin.network.geo import LocalFrame
from jijin.network.sites import Sites
from jijin.network.stations import Stations
from jijin.network.sweep import sweep
from jijin.network.velocity import VelocityModel
from jijin.types import DAY_NS, NS, Pick, Station, by_time

HALF_SPACE = VelocityModel("half-space", (0.0,), (VP,), (VS,))


@pytest.fixture
def rng():
    return np.random.default_rng(3)


def associator(stations, **config):
    return Associator(stations, HALF_SPACE, AssociateConfig(**config))


@pytest.mark.parametrize(
    ("count", "extent_km", "earthquakes", "duration_s"),
    [(3, 15, 6, 7200), (8, 3, 12, 1800), (15, 60, 20, 3600), (40, 150, 12, 1800)],
)
def test_earthquakes_are_found_once_and_none_is_invented_among_a_third_of_false_picks(
    count, extent_km, earthquakes, duration_s, rng
):
    stations = network(count, extent_km, rng)
    truths = swarm(stations, earthquakes, duration_s, extent_km, extent_km / 3, rng)
    true = [pick for truth in truths for pick in truth.picks]
    finder = associator(stations)
    groups = finder.associate(true + false_picks(stations, len(true) * 3 // 7, duration_s, rng))
    found = owners(truths, groups)
    assert None not in found
    enough = {index for index, truth in enumerate(truths) if finder.enough(truth.picks)}
    assert len(enough) > 0.5 * earthquakes and len(enough & set(found)) >= 0.95 * len(enough)


def test_an_earthquake_at_midnight_is_found_once_and_whole(rng):
    stations = network(8, 40, rng)
    midnight = (START_NS // DAY_NS + 1) * DAY_NS
    truths = [
        earthquake(stations, midnight - 2 * NS + i * 300 * NS, (3, -4, 8), rng, missed=(0, 0)) for i in (-1, 0, 1)
    ]
    assert min(p.time_ns for p in truths[1].picks) < midnight < max(p.time_ns for p in truths[1].picks)
    groups = associator(stations, time_slicing_s=600).associate(p for t in truths for p in t.picks)
    assert [set(group) for group in groups] == [set(truth.picks) for truth in truths]


def test_the_order_of_picks_and_the_length_of_pieces_change_nothing(rng):
    stations = network(10, 30, rng)
    truths = swarm(stations, 15, 3600, 30, 10, rng)
    picks = [pick for truth in truths for pick in truth.picks] + false_picks(stations, 60, 3600, rng)
    first = associator(stations).associate(picks)
    assert associator(stations).associate(rng.permutation(np.array(picks, object)).tolist()) == first
    again = associator(stations, time_slicing_s=120).associate(picks)
    assert {len(set(a) & set(b)) / len(a) for a, b in zip(again, first, strict=True)} == {1.0}


def test_vertical_sensors_find_events_by_p_alone(rng):
    stations = network(12, 50, rng)
    truth = earthquake(stations, START_NS, (5, 5, 10), rng, missed=(0, 1))
    assert associator(stations).associate(truth.picks) == [tuple(by_time(truth.picks))]
    assert associator(stations, n_picks_p_only=0).associate(truth.picks) == []


def test_two_sensors_of_a_site_count_once(rng):
    """With every pick there twice, one earthquake is not two, and two stations are not four."""
    stations = network(6, 20, rng)
    twice = Stations((*stations, *(dataclasses.replace(s, nsl=s.nsl + "10") for s in stations)))
    truth = earthquake(stations, START_NS, (1, 2, 6), rng, missed=(0, 0))
    twins = [
        dataclasses.replace(p, seed_id=p.seed_id.replace("..", ".10."), time_ns=p.time_ns + 20_000_000, probability=0.2)
        for p in truth.picks
    ]
    assert associator(twice).associate([*truth.picks, *twins]) == [tuple(by_time(truth.picks))]
    two = {s.nsl for s in list(stations)[:2]}
    few = [p for p in (*truth.picks, *twins) if p.seed_id.split(".")[1] in {n.split(".")[1] for n in two}]
    assert len(few) == 8 and associator(twice).associate(few) == []


def test_picks_of_a_station_without_a_place_and_weak_ones_found_no_event(rng):
    stations = network(6, 20, rng)
    truth = earthquake(stations, START_NS, (1, 2, 6), rng, missed=(0, 0))
    stranger = dataclasses.replace(min(truth.picks, key=lambda p: p.time_ns), seed_id="XX.NOWHERE..HHZ")
    (group,) = associator(stations).associate([*truth.picks, stranger])
    assert set(group) == truth.picks
    assert associator(stations, threshold_s=1.0, n_picks_p_only=0).associate(truth.picks) == []
    assert associator(stations).associate([]) == []


def test_a_network_across_180_degrees_and_one_on_a_high_mountain_work_as_any_other(rng):
    frame = LocalFrame(-18.0, 179.95)
    low = network(8, 40, rng, frame)
    assert {s.longitude > 0 for s in low} == {True, False} and Sites(low).aperture_km < 60
    truth = earthquake(low, START_NS, (5, 2, 9), rng, missed=(0, 0), frame=frame)
    assert associator(low).associate(truth.picks) == [tuple(by_time(truth.picks))]
    high = Stations(tuple(dataclasses.replace(s, elevation_m=s.elevation_m + 4500) for s in network(8, 40, rng)))
    truth = earthquake(high, START_NS, (5, 2, -2.0), rng, missed=(0, 0))
    assert associator(high).associate(truth.picks) == [tuple(by_time(truth.picks))]


def test_settings_follow_the_network_and_each_can_be_given():
    rng = np.random.default_rng(0)
    mine, region = (associator(network(n, km, rng)).config for n, km in ((15, 3), (100, 300)))
    assert mine.tolerance_s < 0.2 < 1 < region.tolerance_s < 2
    assert mine.time_before_s < 10 and region.time_before_s > 300 * 1.4 / VS
    assert (mine.n_picks, region.n_picks) == (6, 9)
    assert None not in dataclasses.astuple(dataclasses.replace(region, location_cutoff_distance_km=1.0))
    given = AssociateConfig(tolerance_s=0.5, n_picks=6, top_km=-1, bottom_km=20, margin_km=7, time_before_s=30)
    used = Associator(network(15, 3, rng), HALF_SPACE, given).config
    assert all(
        getattr(used, f.name) == v for f in dataclasses.fields(given) if (v := getattr(given, f.name)) is not None
    )


def test_every_parameter_of_pyocto_that_changes_the_result_has_a_setting():
    import inspect

    from pyocto import OctoAssociator, VelocityModel1D

    ours = {field.name.removesuffix("_s").removesuffix("_km") for field in dataclasses.fields(AssociateConfig)}
    asked = {*inspect.signature(OctoAssociator).parameters, *inspect.signature(VelocityModel1D).parameters}
    made = {"xlim", "ylim", "zlim", "velocity_model", "velocity_model_location", "crs", "path"}  # from the network
    made |= {"surface_p_velocity", "surface_s_velocity", "node_log_interval", "second_pass_overwrites"}
    assert asked - made <= ours


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"tolerance_s": 0}, "'tolerance_s' must be in (0, inf] (got 0)"),
        ({"min_pick_fraction": 1.5}, "'min_pick_fraction' must be in"),
        ({"top_km": 5, "bottom_km": 5}, "'bottom_km' must be below 'top_km' (got 5 and 5)"),
        ({"n_picks": -1}, "'n_picks' must be at least 0 (got -1)"),
        ({"refinement_iterations": 0}, "'refinement_iterations' must be at least 1 (got 0)"),
        ({"location_split_return": 6}, "'location_split_return' must be less than 'location_split_depth'"),
    ],
)
def test_an_impossible_setting_is_one_sentence(wrong, sentence):
    with pytest.raises(ConfigError) as error:
        AssociateConfig(**wrong)
    assert sentence in str(error.value)


def test_a_network_without_stations_is_one_sentence():
    with pytest.raises(DataError, match="no stations"):
        associator(Stations(()))


def test_picks_that_go_back_in_time_are_told():
    late, early = (Pick("XX.A..HHZ", "P", START_NS + s * NS, 0.1, 0.9) for s in (1, 0))
    with pytest.raises(DataError, match=r"XX\.A\.\.HHZ at 2023-11-14T22:13:20\.000000Z comes after"):
        list(sweep([late, early], NS, NS, lambda picks: [], tuple))


def test_a_sweep_over_years_holds_only_a_block_and_its_margins():
    """Ten years of pairs of picks, one a day, some across the borders of blocks: each pair is found once."""
    times = [t for day in range(3650) for t in (day * DAY_NS - day * NS // 10, day * DAY_NS + 3 * NS)]
    picks = (Pick("XX.A..HHZ", "P", START_NS + t, 0.1, 0.9) for t in times)
    held = []

    def pairs(waiting):
        held.append(len(waiting))
        return [(a, b) for a, b in itertools.pairwise(waiting) if b.time_ns - a.time_ns < 400 * NS]

    assert len(list(sweep(picks, DAY_NS // 24, 400 * NS, pairs, tuple))) == 3650
    assert max(held) <= 4


def test_of_twins_the_most_probable_stays_whichever_comes_first(rng):
    station = Station("XX.A.", 1.0, 2.0)
    picks = [
        onset(station, phase, START_NS + ms * 1_000_000, 0.1, rng) for ms, phase in ((0, "P"), (100, "S"), (200, "P"))
    ]
    picks.append(onset(station, "P", START_NS + 5 * NS, 0.1, rng))
    kept = list(without_twins(((p, "site") for p in picks), NS))
    assert kept == by_time([max(picks[0], picks[2], key=lambda p: p.probability), picks[1], picks[3]])


def test_stations_too_far_apart_for_one_earthquake_are_searched_around_clusters():
    stations = Stations(tuple(Station(f"XX.S{n:02d}.", 64.0, 10.0 * n - 90) for n in range(20)))
    found = Associator(stations, VelocityModel("half space", (0.0,), (VP,), (VS,))).config
    assert Sites(stations).aperture_km > 5000 and (found.bottom_km, found.margin_km) == (100, 50)
    assert found.association_cutoff_distance_km == 200
