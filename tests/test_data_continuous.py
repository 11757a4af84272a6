"""Continuous records as training sees them: aligned components at 100 Hz, and a word about what is left out."""

import logging

import numpy as np
import pytest
from obspy import Trace, UTCDateTime

from jijin.data.continuous import continuous

START = UTCDateTime(2024, 1, 1)


def write(folder, code, start_s=0.0, rate=100.0, seconds=200, station="STA", location=""):
    """A pulse 100 s after START on noise that is almost nothing."""
    data = 1e-3 * np.random.default_rng(0).standard_normal(round(seconds * rate)).astype(np.float32)
    at = round((100 - start_s) * rate)
    if 0 <= at < len(data):
        data[at] = 1000
    header = {"network": "XX", "station": station, "location": location, "channel": f"HH{code}"}
    header |= {"sampling_rate": rate, "starttime": START + start_s}
    Trace(data, header).write(str(folder / f"{station}{location}{code}{start_s}.mseed"), format="MSEED")


@pytest.mark.parametrize(("codes", "rate"), [("ZNE", 100.0), ("Z12", 50.0), ("321", 200.0)])
def test_components_that_begin_at_other_times_are_aligned(tmp_path, codes, rate):
    for code, start_s in zip(codes, (0.0, 3.0, 1.0), strict=True):
        write(tmp_path, code, start_s, rate)
    (trace,) = continuous([tmp_path])
    assert trace.name == "STA" and trace.dataset == f"continuous/{tmp_path.name}"
    assert len(trace.data) == 3 and trace.data.shape[1] == pytest.approx(19700, abs=1)
    assert np.abs(trace.data).argmax(-1).tolist() == [9700] * 3


def test_rows_are_in_the_order_of_the_components(tmp_path):
    for code, rate in zip("ENZ", (100.0, 50.0, 100.0), strict=True):
        write(tmp_path, code, 0.0, rate)
    (trace,) = continuous([tmp_path])
    assert int(np.abs(trace.data).max(-1).argmin()) == 1  # half of a pulse of 50 Hz is lost at 100 Hz


@pytest.mark.parametrize(
    ("broken", "why"),
    [
        (lambda folder: write(folder, "E", 250, seconds=20), "its components share no stretch of time"),
        (lambda folder: None, "it has not three components"),
        (lambda folder: [write(folder, "E", s, seconds=100) for s in (0.0, 101.0)], "it has gaps"),
    ],
)
def test_a_station_that_is_left_out_is_named(tmp_path, caplog, broken, why):
    for code in "ZN":
        write(tmp_path, code)
    broken(tmp_path)
    with caplog.at_level(logging.WARNING):
        assert continuous([tmp_path]) == []
    assert f"XX.STA..HH is left out: {why}" in caplog.text


def test_of_two_sensors_that_nearer_to_100_hz_is_used_and_a_channel_of_two_rates_is_not(tmp_path, caplog):
    for code in "ZNE":
        write(tmp_path, code, rate=40.0, location="00")
        write(tmp_path, code, rate=100.0, location="10")
    (trace,) = continuous([tmp_path])
    assert np.abs(trace.data).max() > 900 and "XX.STA.00.HH is left out: another sensor" in caplog.text
    write(tmp_path, "Z", start_s=300, rate=200.0, location="10", seconds=10)
    (trace,) = continuous([tmp_path])
    assert "XX.STA.10.HH is left out: Can not merge traces with same ids (XX.STA.10.HHZ)" in caplog.text


def test_of_two_sensors_of_a_station_one_is_used(tmp_path, caplog):
    for location in ("00", "10"):
        for code in "ZNE":
            write(tmp_path, code, location=location)
    assert len(continuous([tmp_path])) == 1
    assert "XX.STA.10.HH is left out: another sensor of a station STA is used" in caplog.text
