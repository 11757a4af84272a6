"""Figures: what is drawn where, and that nothing odd in the data stops them."""

from __future__ import annotations

import io
import sys

import numpy as np
import obspy
import pytest
from matplotlib.dates import num2date
from obspy import Stream, Trace

from jijin.report.figures import scenes
from jijin.report.plots import COLOURS, _clock, plot_detection
from jijin.types import NS, Detection, Pick

STREAM = obspy.read()
START = STREAM[0].stats.starttime
FOUND = Detection(START.ns + 4 * NS, START.ns + 13 * NS, 0.98)
PICKS = [
    Pick("BW.RJOB..EHZ", "P", START.ns + 4_720_000_000, 0.05, 0.93, FOUND),
    Pick("BW.RJOB..EHN", "S", START.ns + 5_700_000_000, 0.09, 0.88, FOUND),
]


def curves() -> Stream:
    header = {"network": "BW", "station": "RJOB", "starttime": START, "sampling_rate": 100.0}
    flat = np.full(3000, 0.2, np.float32)
    return Stream([Trace(flat, {**header, "channel": f"CBA_EH_{name}"}) for name in COLOURS])


def test_there_is_a_panel_a_component_and_one_for_the_curves() -> None:
    figure = plot_detection(STREAM, curves(), PICKS, FOUND)
    labels = [axis.texts[0].get_text() for axis in figure.axes[:-1]]
    assert labels == ["EHZ", "EHN", "EHE"]
    assert figure.axes[-1].get_legend_handles_labels()[1] == ["P", "S", "detection"]


def test_picks_are_lines_at_their_time_in_all_panels() -> None:
    for axis in plot_detection(STREAM, curves(), PICKS, FOUND).axes:
        for pick in PICKS:
            lines = [line for line in axis.lines if line.get_color() == COLOURS[pick.phase_hint]]
            times = [num2date(line.get_xdata()[0]).timestamp() for line in lines]
            assert min(abs(time - pick.time_ns / NS) for time in times) < 1e-4


def test_the_time_axis_is_utc_and_shared() -> None:
    figure = plot_detection(STREAM, curves(), PICKS, FOUND)
    left, right = (num2date(value).timestamp() for value in figure.axes[0].get_xlim())
    assert abs(left - START.timestamp) < 0.01
    assert abs(right - STREAM[0].stats.endtime.timestamp) < 0.01
    assert len({axis.get_xlim() for axis in figure.axes}) == 1


def test_the_streams_are_left_as_they_were() -> None:
    before = STREAM.copy()
    plot_detection(STREAM, curves(), PICKS, FOUND)
    assert before == STREAM


def test_no_window_of_pyplot_is_opened() -> None:
    plot_detection(STREAM, curves(), PICKS, FOUND)
    pyplot = sys.modules.get("matplotlib.pyplot")
    assert pyplot is None or pyplot.get_fignums() == []


def changed(data: np.ndarray) -> Stream:
    stream = STREAM.copy()
    stream[0].data = data
    return stream


@pytest.mark.parametrize(
    "stream",
    [
        changed(np.zeros(3000)),
        changed(np.full(3000, np.nan)),
        changed(np.ma.masked_less(np.arange(3000), 700)),
        changed(np.arange(3000, dtype=np.int32)),
        STREAM[:1],
        STREAM[:1].slice(START, START + 8) + STREAM[:1].slice(START + 12, START + 20),
    ],
    ids=["dead", "nan", "masked", "integers", "one component", "gap"],
)
def test_odd_data_is_drawn_too(stream: Stream) -> None:
    image = io.BytesIO()
    plot_detection(stream, curves(), PICKS, FOUND).savefig(image)
    assert len(image.getvalue()) > 10_000


def test_a_pick_outside_of_a_detection_is_drawn_and_says_so() -> None:
    figure = plot_detection(STREAM, curves(), PICKS[:1])
    assert figure.axes[0].get_title(loc="right") == "outside of any detection"


def test_picks_of_one_detection_share_a_figure_and_others_do_not() -> None:
    later = Detection(START.ns + 100 * NS, START.ns + 110 * NS, 0.7)
    more = [
        Pick("BW.RJOB..EHZ", "P", START.ns + 101 * NS, 0.1, 0.5, later),
        Pick("BW.RJOB..HHZ", "P", START.ns + 5 * NS, 0.1, 0.5, FOUND),
    ]
    assert [len(scene.picks) for scene in scenes(PICKS + more)] == [2, 1, 1]


def test_lonely_picks_share_a_figure_when_they_are_close() -> None:
    times = [0, 10, 35, 80]
    lonely = [Pick("BW.RJOB..EHZ", "P", START.ns + s * NS, 0.1, 0.5) for s in times]
    assert [len(scene.picks) for scene in scenes(lonely)] == [3, 1]


def test_a_figure_is_named_by_instrument_and_time_without_colons() -> None:
    (scene,) = scenes(PICKS)
    assert scene.filename == "BW.RJOB..EH_20090824T002007.png"


def test_a_lonely_pick_within_a_detection_does_not_cut_it_in_two() -> None:
    between = Pick("BW.RJOB..EHE", "S", START.ns + 5 * NS, 0.1, 0.5)
    assert sorted(len(scene.picks) for scene in scenes([*PICKS, between])) == [1, 2]


def test_the_figure_of_a_station_without_a_network_is_not_hidden() -> None:
    (scene,) = scenes([Pick(".CER..BHZ", "P", START.ns, 0.1, 0.5)])
    assert scene.filename == "CER..BH_20090824T002003.png"


def test_of_two_picks_too_close_for_two_names_the_stronger_one_is_named() -> None:
    weaker = Pick("BW.RJOB..EHZ", "P", START.ns + 5_000_000_000, 0.05, 0.40, FOUND)
    texts = {text.get_text() for text in plot_detection(STREAM, curves(), [weaker, *PICKS], FOUND).axes[0].texts}
    assert texts == {"EHZ", "P 0.93", "S 0.88"}


def test_tick_labels_of_a_short_record_are_not_all_the_same():
    from matplotlib.dates import date2num

    start = np.datetime64("2009-08-24T00:20:07.000")
    labels = [_clock(float(date2num(start + np.timedelta64(250 * k, "ms"))), None) for k in range(5)]
    assert labels == ["00:20:07", "00:20:07.25", "00:20:07.5", "00:20:07.75", "00:20:08"]
