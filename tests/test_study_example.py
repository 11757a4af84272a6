import h5py
import numpy as np
import pandas as pd
import pytest

from jijin.data import open_dataset
from jijin.data.stead import SteadDataset
from jijin.study.example import COLUMNS, Place, write_example


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_example(tmp_path_factory.mktemp("example"), earthquakes=40, noise=20, seed=3)


@pytest.fixture(scope="module")
def table(folder):
    return pd.read_csv(folder / "merged.csv")


@pytest.fixture(scope="module")
def events(table):
    return table[table["trace_category"] == "earthquake_local"]


def test_it_is_steads_layout_to_the_last_column_and_attribute(folder, table):
    assert len(COLUMNS) == 35 and table.columns.tolist() == list(COLUMNS) and len(table) == 60
    with h5py.File(folder / "merged.hdf5") as file:
        for name in table["trace_name"]:
            trace = file["data"][name]
            assert trace.shape == (6000, 3) and trace.dtype == np.float32
            assert set(trace.attrs) == set(COLUMNS) and trace.attrs["trace_name"] == name


def test_it_says_that_it_is_synthetic(folder, events):
    assert "no real record" in (folder / "README.txt").read_text()
    assert set(events["source_magnitude_author"]) == {"synthetic"} and set(events["network_code"]) == {"XX"}


def test_jijin_reads_it_as_stead(folder):
    with open_dataset(folder) as dataset:
        assert isinstance(dataset, SteadDataset)
        counts = dataset.labels["category"].value_counts()
        assert (counts["earthquake"], counts["noise"]) == (40, 20)
        assert dataset.labels["source_group"][:40].nunique() == 14  # three records of each, one of the last


def test_the_ground_gets_louder_at_p_on_the_row_that_is_read_as_z(folder):
    rises = []
    with open_dataset(folder) as dataset:
        for i in range(40):
            z, p = dataset.waveform(i)[0], int(dataset.labels["p_sample"][i])
            assert 500 <= p <= 1001
            rises.append(np.abs(np.diff(z[p : p + 100])).max() / np.abs(np.diff(z[p - 300 : p - 5])).max())
    assert np.median(rises) > 2


def test_s_minus_p_is_that_of_the_distance(events):
    hypocentral = np.hypot(events["source_distance_km"], events["source_depth_km"])
    s_minus_p = (events["s_arrival_sample"] - events["p_arrival_sample"]) / 100
    late = s_minus_p - np.maximum(hypocentral * (1 / 3.5 - 1 / 6.1), 0.3)
    assert (late > -0.02).all() and (late < 0.02).mean() > 0.8  # Sg where Sn is hidden


def test_the_record_begins_when_p_says(events):
    origin, start = (pd.to_datetime(events[c], format="ISO8601") for c in ("source_origin_time", "trace_start_time"))
    late = (start - origin).dt.total_seconds() + events["p_arrival_sample"] / 100 - events["p_travel_sec"]
    assert late.abs().max() < 0.02


def test_there_are_areas_magnitudes_and_distances_to_look_at(events):
    assert events["source_latitude"].max() - events["source_latitude"].min() > 60
    assert events["source_magnitude"].min() >= 1 and events["source_magnitude"].nunique() > 5
    assert events["source_distance_km"].between(0, 250).all()
    larger = events.groupby(events["source_magnitude"] > events["source_magnitude"].median())
    level = larger["snr_db"].apply(lambda x: np.mean([float(y) for row in x for y in row.strip("[]").split()]))
    assert level[True] > level[False] + 3


def test_the_same_seed_gives_the_same_files(folder, table, tmp_path):
    again = pd.read_csv(write_example(tmp_path, 40, 20, seed=3) / "merged.csv")
    pd.testing.assert_frame_equal(again, table)
    assert not pd.read_csv(write_example(tmp_path / "b", 4, 2, seed=4) / "merged.csv").equals(table)


def test_distance_and_azimuth_are_those_of_obspy():
    from obspy.geodetics import gps2dist_azimuth

    a, b = Place(37.5, -121.8), Place(37.9, -121.1)
    metres, azimuth, _ = gps2dist_azimuth(a.latitude, a.longitude, b.latitude, b.longitude)
    distance, towards = a.towards(b)
    assert distance == pytest.approx(metres / 1000, rel=0.01) and towards == pytest.approx(azimuth, abs=1)
