"""QuakeML out: valid by ObsPy's copy of the schema, and read back as it was written."""

from __future__ import annotations

import io
from typing import IO

import obspy
import pytest
from obspy.core.event import Catalog
from obspy.io.quakeml.core import _validate

from jijin.io.quakeml import write_quakeml
from jijin.types import Detection, Pick

FOUND = Detection(1_251_073_206_000_000_000, 1_251_073_220_500_000_000, 0.987)
PICKS = [
    Pick("BW.RJOB..EHZ", "P", 1_251_073_207_720_001_400, 0.0512345, 0.93, FOUND),
    Pick("BW.RJOB.00.EHN", "S", 1_251_073_208_700_000_000, 0.09, 0.81),
]
ODD = [Pick("...", "P", 5_000, 0.1, 0.2), Pick(".A B.00.H/Z", "S", 5_000, 0.1, 0.2)]


def written(picks: list[Pick]) -> IO[bytes]:
    file = io.BytesIO()
    write_quakeml(picks, file, "cba/1", "0.1.0")
    file.seek(0)
    return file


def read_back(picks: list[Pick]) -> Catalog:
    return obspy.read_events(written(picks), format="QUAKEML")


@pytest.mark.parametrize("picks", [PICKS, [], ODD], ids=["picks", "no picks", "odd codes"])
def test_the_schema_is_kept(picks: list[Pick]) -> None:
    assert _validate(written(picks), verbose=True)


def test_every_value_comes_back() -> None:
    first, second = read_back(PICKS)[0].picks
    assert str(first.time) == "2009-08-24T00:20:07.720001Z"
    assert first.time_errors.uncertainty == 0.0512
    assert first.phase_hint == "P" and second.phase_hint == "S"
    assert first.waveform_id.get_seed_string() == "BW.RJOB..EHZ"
    assert second.waveform_id.get_seed_string() == "BW.RJOB.00.EHN"
    assert first.evaluation_mode == "automatic"
    assert str(first.method_id) == "smi:local/jijin/cba/1"


def test_the_probability_and_the_detection_are_comments() -> None:
    first, second = read_back(PICKS)[0].picks
    assert [comment.text for comment in first.comments] == [
        "probability=0.9300",
        "detection=2009-08-24T00:20:06.000000Z/2009-08-24T00:20:20.500000Z probability=0.9870",
    ]
    assert [comment.text for comment in second.comments] == ["probability=0.8100"]


def test_no_earthquake_is_claimed() -> None:
    (event,) = read_back(PICKS)
    assert event.origins == [] and event.magnitudes == []
    assert event.event_type is None
    assert "not associated" in event.event_descriptions[0].text


def test_no_picks_give_no_event() -> None:
    assert len(read_back([])) == 0


def test_the_same_picks_give_the_same_bytes_and_others_another_identifier() -> None:
    assert written(PICKS).read() == written(PICKS).read()
    assert read_back(PICKS)[0].resource_id != read_back(PICKS[:1])[0].resource_id


def test_identifiers_of_picks_are_unique() -> None:
    names = [str(pick.resource_id) for pick in read_back(PICKS + ODD)[0].picks]
    assert len(set(names)) == len(names)
