"""A catalogue as QuakeML: valid by ObsPy's copy of the schema, read back in its units, fit for SeisComP."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import obspy
import pytest
from obspy.core.event import Catalog
from obspy.geodetics import kilometers2degrees
from obspy.io.quakeml.core import _validate
from obspy.io.seiscomp.core import validate as validate_seiscomp

from catalogue import ARRIVALS, BARE, EVENTS, FULL, ORIGIN, PICKS
from jijin.io.catalog_quakeml import write_events
from jijin.io.quakeml import write_quakeml
from jijin.types import Event, SourceType


def written(events: Sequence[Event]) -> io.BytesIO:
    file = io.BytesIO()
    write_events(events, file, "cba/1", "0.2.0")
    file.seek(0)
    return file


def read_back(events: Sequence[Event]) -> Catalog:
    return obspy.read_events(written(events), format="QUAKEML")


@pytest.mark.parametrize("events", [EVENTS, [], [replace(BARE, magnitude=None, source_type=None)]])
def test_the_schema_is_kept(events: list[Event]) -> None:
    assert _validate(written(events), verbose=True)


def test_seiscomp_can_have_it(tmp_path: Path) -> None:
    path = tmp_path / "events.scml"
    kind = "SC3ML" if obspy.__version__.startswith("1.4") else "SCML"
    read_back(EVENTS).write(str(path), format=kind)
    assert validate_seiscomp(str(path), verbose=True)


def test_depth_is_in_metres_down_and_errors_on_the_ground_in_degrees() -> None:
    deep, above = (event.preferred_origin() for event in read_back(EVENTS))
    assert deep.depth == pytest.approx(8123.0) and above.depth == pytest.approx(-300.0)
    assert deep.depth_errors.uncertainty == pytest.approx(1200.0)
    assert deep.latitude_errors.uncertainty == pytest.approx(kilometers2degrees(0.4))
    across = 0.5 / obspy.geodetics.gps2dist_azimuth(-43.25, 170.0, -43.25, 171.0)[0] * 1000
    assert deep.longitude_errors.uncertainty == pytest.approx(across, rel=0.01)
    assert deep.time_errors.uncertainty == 0.1


def test_the_ellipse_is_in_metres_and_holds_39_percent() -> None:
    ellipse = read_back(EVENTS)[0].preferred_origin().origin_uncertainty
    assert (ellipse.max_horizontal_uncertainty, ellipse.min_horizontal_uncertainty) == (530.0, 360.0)
    assert ellipse.azimuth_max_horizontal_uncertainty == 63.4
    assert ellipse.preferred_description == "uncertainty ellipse" and ellipse.confidence_level == 39.3


def test_time_and_place_come_back() -> None:
    for event, back in zip(EVENTS, read_back(EVENTS), strict=True):
        origin = back.preferred_origin()
        assert (origin.latitude, origin.longitude) == (event.origin.latitude, event.origin.longitude)
        assert abs(origin.time - event.origin.time) < 1e-6


def test_arrivals_point_to_their_picks_and_are_in_degrees() -> None:
    event = read_back(EVENTS)[0]
    for arrival, mine in zip(event.preferred_origin().arrivals, ARRIVALS, strict=True):
        pick = arrival.pick_id.get_referred_object()
        assert pick in event.picks and pick.waveform_id.get_seed_string() == mine.pick.seed_id
        assert arrival.phase == pick.phase_hint == mine.pick.phase_hint
        assert arrival.distance == pytest.approx(kilometers2degrees(mine.distance_km), rel=1e-6)
        assert (arrival.azimuth, arrival.takeoff_angle) == (mine.azimuth_deg, mine.takeoff_angle_deg)
        assert (arrival.time_residual, arrival.time_weight) == (mine.time_residual_s, mine.time_weight)


def test_quality_tells_used_phases_from_associated_ones() -> None:
    quality = read_back(EVENTS)[0].preferred_origin().quality
    assert (quality.used_phase_count, quality.associated_phase_count) == (3, 4)
    assert (quality.used_station_count, quality.associated_station_count) == (2, 3)
    assert (quality.standard_error, quality.azimuthal_gap) == (0.034, 177.5)
    assert quality.minimum_distance == pytest.approx(0.1, rel=1e-4)
    assert quality.maximum_distance == pytest.approx(kilometers2degrees(20.0), rel=1e-6)


def test_magnitude_with_its_stations_and_why_some_do_not_count() -> None:
    event = read_back(EVENTS)[0]
    magnitude = event.preferred_magnitude()
    assert (magnitude.mag, magnitude.mag_errors.uncertainty, magnitude.magnitude_type) == (1.85, 0.22, "ML")
    assert magnitude.station_count == 1 and magnitude.origin_id == event.preferred_origin_id
    weights = [one.weight for one in magnitude.station_magnitude_contributions]
    residuals = [one.residual for one in magnitude.station_magnitude_contributions]
    assert weights == [1.0, 1.0, 0.0] and residuals == pytest.approx([-0.15, 0.15, 2.25])
    stations = event.station_magnitudes
    assert [one.mag for one in stations] == [1.70, 2.00, 4.10]
    assert [c.text for c in stations[2].comments] == ["rejected: outlier: +2.25"]
    assert [c.text for c in stations[1].comments] == ["response: 1.2 times"]
    assert "channels without an amplitude: NZ.WHAT..EHN clipped" in [c.text for c in event.comments]


def test_amplitudes_are_in_metres_on_the_seismogram() -> None:
    event = read_back(EVENTS)[0]
    first = event.station_magnitudes[0].amplitude_id.get_referred_object()
    assert first in event.amplitudes and first.waveform_id.get_seed_string() == "NZ.COVA.10.HHE"
    assert (first.generic_amplitude, first.unit, first.type) == (pytest.approx(0.42e-3), "m", "AML")
    assert first.period == 0.21 and first.time_window.reference == obspy.UTCDateTime("2019-09-01T04:15:11.25")


def test_the_type_is_suspected_with_its_probability_and_reasons() -> None:
    event = read_back(EVENTS)[0]
    assert (event.event_type, event.event_type_certainty) == ("quarry blast", "suspected")
    assert [comment.text for comment in event.comments][:3] == [
        "event_type=quarry blast probability=0.9100",
        "event_type_probabilities earthquake=0.0900 quarry_blast=0.9100",
        "event_type_reasons hour of day +1.25; S/P -0.50",
    ]


def test_nothing_is_claimed_that_is_not_known() -> None:
    event = read_back(EVENTS)[1]
    assert event.event_type is None and event.event_type_certainty is None
    assert event.magnitudes == [] and event.preferred_magnitude_id is None
    texts = [comment.text for comment in event.comments]
    assert "no magnitude: no inventory with responses was given" in texts
    assert any("depth not resolved" in comment.text for comment in event.preferred_origin().comments)


def test_a_persons_event_is_reviewed() -> None:
    machine, person = (event.preferred_origin() for event in read_back(EVENTS))
    assert (machine.evaluation_mode, machine.evaluation_status) == ("automatic", "preliminary")
    assert (person.evaluation_mode, person.evaluation_status) == ("manual", "reviewed")


def test_versions_of_an_event_share_its_identifier_but_not_their_origins() -> None:
    moved = replace(FULL, version=4, origin=replace(ORIGIN, depth_km=9.0))
    old, new = read_back([FULL])[0], read_back([moved])[0]
    assert str(old.resource_id) == str(new.resource_id) == "smi:local/jijin/event/20190901T041505-a1b2"
    assert old.preferred_origin_id != new.preferred_origin_id
    assert (old.creation_info.version, new.creation_info.version) == ("3", "4")
    assert str(old.creation_info.creation_time) == "2019-09-01T04:16:05.250000Z"


def test_the_same_events_give_the_same_bytes() -> None:
    assert written(EVENTS).read() == written(EVENTS).read()


def test_a_pick_is_the_same_with_and_without_its_event() -> None:
    alone = io.BytesIO()
    write_quakeml(PICKS, alone, "cba/1", "0.2.0")
    alone.seek(0)
    before = obspy.read_events(alone, format="QUAKEML")[0].picks
    after = read_back([FULL])[0].picks
    assert [str(p) for p in before] == [str(p) for p in after]


def test_what_is_no_number_is_left_out() -> None:
    unknown, nothing = float("nan"), ((float("nan"),) * 4,) * 4
    odd = replace(ORIGIN, depth_uncertainty_km=unknown, rms_s=float("inf"), covariance=nothing)
    assert _validate(written([replace(FULL, origin=odd)]), verbose=True)
    back = read_back([replace(FULL, origin=odd)])[0].preferred_origin()
    assert back.depth_errors.uncertainty is None and back.quality.standard_error is None


def test_names_with_odd_characters_are_still_xml() -> None:
    source = SourceType("earthquake", 0.9, {"a<b": 0.9}, (("P & S", 1.0),))
    assert _validate(written([replace(FULL, source_type=source)]), verbose=True)
    assert "event_type_reasons P & S +1.00" in [
        c.text for c in read_back([replace(FULL, source_type=source)])[0].comments
    ]


def test_identifiers_are_unique() -> None:
    text = written(EVENTS).read().decode()
    names = [part.split('"')[0] for part in text.split('publicID="')[1:]]
    assert len(names) > 20 and len(set(names)) == len(names)
