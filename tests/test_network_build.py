"""Picks to located events, and names that stay."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from earthquakes import CENTRE, START_NS, VP, VS, earthquake, false_picks, network, onset, owners, swarm
from jijin.network.associate import AssociateConfig, by_time
from jijin.network.build import EventBuilder
from jijin.network.geo import distance_azimuth
from jijin.network.velocity import VelocityModel
from jijin.network.versions import carry_over, identify
from jijin.types import NS, Magnitude, SourceType

HALF_SPACE = VelocityModel("half-space", (0.0,), (VP,), (VS,))


@pytest.fixture
def rng():
    return np.random.default_rng(11)


def builder(stations, sizer=None, discriminator=None, **config):
    return EventBuilder(stations, HALF_SPACE, AssociateConfig(**config), sizer=sizer, discriminator=discriminator)


def off_km(event, truth):
    """Distance of epicentre and of depth."""
    origin = event.origin
    flat, _ = distance_azimuth(origin.latitude, origin.longitude, truth.latitude, truth.longitude)
    return float(flat), abs(origin.depth_km - truth.depth_km)


def test_a_swarm_among_false_picks_becomes_its_catalogue(rng):
    """30 % of the picks are of nothing. Every earthquake is there once, in place and time, and no pick is in two."""
    stations = network(20, 80, rng)
    truths = swarm(stations, 25, 3600, 80, 20, rng)
    true = [pick for truth in truths for pick in truth.picks]
    make = builder(stations)
    events = make.build(true + false_picks(stations, len(true) * 3 // 7, 3600, rng))
    found = owners(truths, [event.origin.picks for event in events])
    assert None not in found and len(found) >= 0.95 * sum(make.associator.enough(t.picks) for t in truths)
    pairs = [(event, truths[index]) for event, index in zip(events, found, strict=True)]
    assert np.percentile([off_km(*pair)[0] for pair in pairs], 80) < 2
    assert np.percentile([abs(event.origin.time_ns - truth.time_ns) for event, truth in pairs], 80) < 0.3 * NS
    used = [pick for event in events for pick in event.origin.picks]
    assert len(used) == len(set(used))
    kept = {pick for event, truth in pairs for pick in event.origin.picks if pick in truth.picks}
    assert len(kept) > 0.9 * sum(len(truth.picks) for _, truth in pairs) and len(kept) > 0.97 * len(used)
    assert [e.origin.arrivals[0].pick.time_ns for e in events] == sorted(
        e.origin.arrivals[0].pick.time_ns for e in events
    )


def test_a_wrong_pick_is_dropped_and_a_weak_one_that_fits_comes_in(rng):
    stations = network(10, 40, rng)
    truth = earthquake(stations, START_NS, (4, 4, 10), rng, missed=(0, 0), sigma_s=(0.02, 0.02))
    make = builder(stations, threshold_s=0.3)
    limit = make.associator.config.pick_match_tolerance_s
    picks = by_time(truth.picks)
    weak = dataclasses.replace(picks[-1], probability=0.1)
    wrong = dataclasses.replace(picks[4], time_ns=picks[4].time_ns + round(1.5 * limit * NS))
    (event,) = make.build([*picks[:4], wrong, *picks[5:-1], weak])
    assert set(event.origin.picks) == {*picks[:4], *picks[5:-1], weak}
    assert max(abs(arrival.time_residual_s) for arrival in event.origin.arrivals) <= limit


def test_two_earthquakes_that_overlap_are_two_events(rng):
    """Four seconds and 40 km apart, so that the waves of one cross the other's."""
    stations = network(20, 80, rng)
    truths = [earthquake(stations, START_NS + s * NS, (x, 0, 8), rng, missed=(0, 0)) for s, x in ((0, -20), (4, 20))]
    events = builder(stations).build(pick for truth in truths for pick in truth.picks)
    found = owners(truths, [event.origin.picks for event in events])
    assert sorted(found) == [0, 1]
    assert all(off_km(event, truths[index])[0] < 1 for event, index in zip(events, found, strict=True))


def test_the_same_picks_give_the_same_events_in_any_order(rng):
    stations = network(12, 50, rng)
    truths = swarm(stations, 8, 1800, 50, 15, rng)
    picks = [pick for truth in truths for pick in truth.picks] + false_picks(stations, 80, 1800, rng)
    assert builder(stations).build(picks) == builder(stations).build(picks[::-1])


def test_a_pick_that_is_given_twice_is_evidence_once(rng):
    stations = network(12, 50, rng)
    picks = by_time(earthquake(stations, START_NS, (4, 4, 10), rng, missed=(0, 0)).picks)
    make = builder(stations)
    few = picks[: make.associator.config.n_picks - 1]
    assert make.build(picks * 2) == make.build(picks) != []
    assert make.build(few * 2) == []


def test_an_event_has_what_sizer_and_discriminator_say(rng):
    class Both:
        def size(self, origin, waveforms):
            return Magnitude("ML", float(waveforms), None, f"{len(origin.arrivals)}")

        def classify(self, origin, waveforms):
            return SourceType("earthquake", 0.9)

    stations = network(6, 20, rng)
    truth = earthquake(stations, START_NS, (1, 2, 6), rng, missed=(0, 0))
    (event,) = builder(stations, Both(), Both()).build(truth.picks, waveforms=2)
    assert event.magnitude == Magnitude("ML", 2.0, None, "12") and event.source_type == SourceType("earthquake", 0.9)
    (bare,) = builder(stations).build(truth.picks)
    assert (bare.magnitude, bare.source_type, bare.version) == (None, None, 1)
    assert bare.event_id == event.event_id == identify(truth.picks)


def test_what_cannot_be_located_is_no_event(rng):
    """Two stations agree, but no hypocentre follows from two."""
    stations = network(2, 10, rng)
    truth = earthquake(stations, START_NS, (1, 1, 5), rng, missed=(0, 0))
    make = builder(stations, n_picks=4)
    assert len(make.associator.associate(truth.picks)) == 1 and make.build(truth.picks) == []


def test_a_stray_pick_at_the_far_end_is_not_taken_in(rng):
    """It fits, but of the stations between it and the others none has a pick. Those without any picks do not count."""
    stations = network(40, 300, rng)
    truth = earthquake(stations, START_NS, (-100, -100, 8), rng, missed=(0, 0))
    five = [pick.seed_id[:8] for pick in by_time(truth.picks) if pick.phase_hint == "P"][:5]
    near, far = [pick for pick in truth.picks if pick.seed_id[:8] in five], by_time(truth.picks)[-1]
    others = [onset(s, "P", START_NS + (200 + 10 * i) * NS, 0.1, rng) for i, s in enumerate(stations)]
    (event,) = builder(stations).build([*near, far, *others[::7]])
    assert far in event.origin.picks
    (event,) = builder(stations).build([*near, far, *others])
    assert set(event.origin.picks) == set(near)


@pytest.fixture
def versions(rng):
    """Two earthquakes as events, from the picks that had come in at first, and from all."""
    stations = network(10, 40, rng)
    truths = [earthquake(stations, START_NS + s * NS, (x, 0, 8), rng, missed=(0, 0)) for s, x in ((0, -9), (60, 9))]
    make = builder(stations)
    old = [event for truth in truths for event in make.build(by_time(truth.picks)[2:12])]
    new = make.build(pick for truth in truths for pick in truth.picks)
    assert len(old) == len(new) == 2
    return old, new


def test_a_new_version_keeps_the_name_though_it_begins_with_another_pick(versions):
    old, new = versions
    assert {e.event_id for e in old} & {e.event_id for e in new} == set()
    later = carry_over(old, new)
    assert [e.event_id for e in later] == [e.event_id for e in old] and [e.version for e in later] == [2, 2]
    assert [e.origin for e in later] == [e.origin for e in new]


def test_an_event_that_is_as_it_was_is_no_new_version(versions):
    old, new = versions
    later = carry_over(old, [dataclasses.replace(old[0], event_id="x", creation_ns=5), new[1]])
    assert later[0] is old[0] and later[1].version == 2


def test_an_event_that_falls_apart_leaves_its_name_to_the_larger_part(versions):
    old, new = versions
    arrivals = new[0].origin.arrivals
    small, large = (
        dataclasses.replace(new[0], event_id=name, origin=dataclasses.replace(new[0].origin, arrivals=part))
        for name, part in (("small", arrivals[:6]), ("large", arrivals[6:]))
    )
    later = carry_over(old, [small, large])
    assert [(e.event_id, e.version) for e in later] == [("small", 1), (old[0].event_id, 2)]


def test_two_events_that_become_one_keep_one_name(versions):
    old, new = versions
    both = dataclasses.replace(
        new[0],
        origin=dataclasses.replace(new[0].origin, arrivals=(*new[0].origin.arrivals, *new[1].origin.arrivals[:3])),
    )
    (one,) = carry_over(old, [both])
    assert (one.event_id, one.version) == (old[0].event_id, 2)


def test_no_new_event_takes_the_name_of_an_old_one_it_shares_nothing_with(versions):
    old, new = versions
    other = dataclasses.replace(new[1], event_id=old[0].event_id)
    (only,) = carry_over(old[:1], [other])
    assert only.event_id not in {old[0].event_id, ""} and only.version == 1
    assert carry_over([], new) == new and carry_over(old, []) == []


def test_picks_of_an_origin_come_in_order_of_time(versions):
    times = [pick.time_ns for pick in versions[1][0].origin.picks]
    assert times == sorted(times) and len(times) == 20


def test_an_earthquake_that_a_simple_model_tears_in_two_is_one_event(rng):
    """Every other station stands on slow ground, later than one origin time can explain for all."""
    stations = network(24, 100, rng)
    truth = earthquake(stations, START_NS, (0, 0, 10), rng, missed=(0, 0))
    make = builder(stations)
    late_ns = round(2.4 * make.associator.config.pick_match_tolerance_s * NS)
    slow = {f"{s.nsl}.HH{c}" for s in list(stations)[::2] for c in "ZN"}
    torn = [dataclasses.replace(p, time_ns=p.time_ns + late_ns * (p.seed_id in slow)) for p in truth.picks]
    assert len(make.associator.associate(torn)) == 2
    (event,) = make.build(torn)
    assert len(event.origin.picks) >= 20


def test_a_second_earthquake_at_the_same_place_and_hardly_later_is_an_event(rng):
    stations = network(12, 50, rng)
    make = builder(stations)
    apart_ns = round(1.5 * make.associator.config.pick_match_tolerance_s * NS)
    truths = [earthquake(stations, START_NS + i * apart_ns, (3, 3, 9), rng, missed=(0, 0)) for i in (0, 1)]
    events = make.build(pick for truth in truths for pick in truth.picks)
    assert sorted(owners(truths, [event.origin.picks for event in events])) == [0, 1]


def test_a_distant_earthquake_is_no_event_below_the_network(rng):
    """P across 60 km at 20 km/s. With S the same front of P is an earthquake deep below, and one to keep."""
    stations = network(20, 60, rng)
    east, north = CENTRE.to_km([s.latitude for s in stations], [s.longitude for s in stations])
    when = [
        START_NS + round((60 + e * 0.04 + n * 0.03 + rng.normal(0, 0.1)) * NS) for e, n in zip(east, north, strict=True)
    ]
    front = [onset(station, "P", time_ns, 0.1, rng) for station, time_ns in zip(stations, when, strict=True)]
    make = builder(stations)
    (group,) = make.associator.associate(front)
    assert len(group) >= 18 and make.build(front) == []
    deep = earthquake(stations, START_NS, (5, 5, 55), rng, missed=(0, 0))
    (event,) = make.build(deep.picks)
    assert event.origin.depth_km == pytest.approx(55, abs=5)
