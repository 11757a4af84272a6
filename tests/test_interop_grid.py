"""Records laid out for programs that cut their own windows, and the card in words. Needs no SeisBench."""

import builtins
import importlib
import json
import sys
from itertools import pairwise

import numpy as np
import obspy
import pytest
from obspy import Stream, Trace

from fakes import START_NS, record
from jijin.config import CutConfig
from jijin.detector import segments
from jijin.errors import MissingExtra
from jijin.interop.card import docstring
from jijin.interop.grid import records
from jijin.models import WEIGHTS, card_of
from jijin.types import utc
from jijin.windows import Cutter

STRIDE = 3000


def trace(seed_id, seconds, after_s=0.0, rate=100.0):
    """Noise that starts after_s seconds after START_NS."""
    start_ns = START_NS + round(after_s * 1e9)
    data = record(seed_id, seconds, {}, rate, start_ns).data
    network, station, location, channel = seed_id.split(".")
    header = {"network": network, "station": station, "location": location, "channel": channel}
    return Trace(data, {**header, "sampling_rate": rate, "starttime": utc(start_ns)})


def windows_of(stream, stride):
    """What jijin's own cutter gives: (instrument, time of the first sample in ns, samples (3, 6000))."""
    cutter = Cutter(CutConfig(stride / 100))
    for segment in segments(stream):
        cutter.add(segment)
    return [(w.instrument, w.block * stride * 10_000_000, w.data) for w in cutter.cut(final=True)]


@pytest.mark.parametrize("stride", [1500, 3000, 6000])
def test_windows_cut_from_a_record_are_those_of_the_detector(stride):
    stream = Stream([trace(f"XX.A..HH{c}", 200, 7.77) for c in "ZNE"])
    made = records(stream, stride)
    assert [tr.id[-1] for tr in made] == list("ZNE")
    wanted = windows_of(stream, stride)
    for k, (_, start_ns, data) in enumerate(wanted):
        assert (made[0].stats.starttime + k * stride / 100).ns == start_ns
        for tr, row in zip(made, data, strict=True):
            got = tr.data[k * stride : k * stride + 6000]
            there = ~np.isnan(row)
            assert np.array_equal(np.isfinite(got), there)
            assert np.ptp(got[there] - row[there]) < 1e-6 * np.ptp(row[there])  # a constant apart
    assert len(made[0]) == (len(wanted) - 1) * stride + 6000


def test_what_lies_beyond_a_record_is_infinite_and_a_gap_inside_is_not_a_number():
    stream = Stream([trace("XX.A..HHZ", 20), trace("XX.A..HHZ", 20, 25)])
    (made,) = records(stream, STRIDE)
    gap = np.flatnonzero(np.isnan(made.data))
    inside = np.flatnonzero(np.isfinite(made.data))
    assert len(gap) == 500 and len(inside) == 4000
    assert np.isinf(made.data[: inside[0]]).all() and np.isinf(made.data[inside[-1] + 1 :]).all()


def test_records_on_both_sides_of_a_long_gap_never_touch():
    for gap_s in range(10, 300, 10):
        made = records(Stream([trace("XX.A..HHZ", 45), trace("XX.A..HHZ", 45, 45 + gap_s)]), STRIDE)
        assert all(b.stats.starttime - a.stats.endtime > 1 for a, b in pairwise(made))
        assert sum(np.isfinite(tr.data).sum() for tr in made) == 9000
    assert len(made) == 2


def test_the_length_of_a_record_is_counted_right_by_the_programs_that_take_seconds_times_rate():
    for seconds in (60, *range(1980, 2380, 60)):  # 2,070 s is counted wrong
        for tr in records([trace("XX.A..HHZ", seconds)], STRIDE):
            assert int((tr.stats.endtime - tr.stats.starttime) * 100) == len(tr) - 1


def test_strict_leaves_out_what_a_component_lacks():
    stream = Stream([trace("XX.A..HHZ", 50), trace("XX.A..HHN", 40), trace("XX.A..HHE", 50, 10)])
    made = records(stream, STRIDE, strict=True)
    assert [np.isfinite(tr.data).sum() for tr in made] == [3000] * 3
    assert records(stream[:2], STRIDE, strict=True) == []


def test_zero_filled_gaps_stay_missing_where_the_record_has_an_offset():
    stream = obspy.read().select(component="Z")
    stream[0].data = stream[0].data + 1e4
    stream[0].data[1000:1200] = 0
    (made,) = records(stream, STRIDE)
    assert np.isnan(made.data).sum() == 200 and abs(np.mean(made.data[np.isfinite(made.data)])) < 1


def test_sensors_of_a_station_have_records_of_their_own():
    stream = Stream([trace(f"XX.A..{b}{c}", 30) for b in ("HH", "HN") for c in "Z12"])
    assert [tr.id for tr in records(stream, STRIDE)] == [f"XX.A..{b}{c}" for b in ("HH", "HN") for c in "ZNE"]


def test_a_channel_that_cannot_be_used_is_left_out(caplog):
    made = records(Stream([trace("XX.A..LHZ", 60, rate=1.0), trace("XX.A..HHZ", 60)]), STRIDE)
    assert {tr.id for tr in made} == {"XX.A..HHZ"} and "XX.A..LHZ" in caplog.text


def test_the_source_stays_as_it_is():
    stream = obspy.read()
    before = stream.copy()
    records(stream, STRIDE)
    assert stream == before


def test_the_card_in_words_tells_scores_and_licences():
    card = card_of(WEIGHTS / "cba.onnx")
    text = docstring("cba", card["version"], card)
    f1 = card["scores"]["test"]["s"]["0.5_s"]["f1"]
    assert f"S F1 {f1:.2f}" in text.splitlines()[2] and card["sha256"] in text
    assert json.dumps(card["licences"]) in text


def test_a_model_without_a_card_or_scores_has_a_docstring(tmp_path):
    assert card_of(tmp_path / "mine.onnx") == {}
    assert docstring("mine", "2", {}) == docstring("mine", "2", {"scores": "not measured"})
    assert docstring("mine", "2", {}).startswith("mine 2,")


def test_without_seisbench_the_error_names_the_extra(monkeypatch):
    real = builtins.__import__

    def refuse(name, *args):
        if name.split(".")[0] == "seisbench":
            raise ModuleNotFoundError(f"No module named '{name}'", name=name)
        return real(name, *args)

    monkeypatch.setattr(builtins, "__import__", refuse)
    monkeypatch.delitem(sys.modules, "jijin.interop.seisbench", raising=False)
    with pytest.raises(MissingExtra, match=r"pip install 'jijin\[seisbench\]'"):
        importlib.import_module("jijin.interop.seisbench")
