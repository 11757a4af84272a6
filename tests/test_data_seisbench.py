"""SeisBench's format, read and written, against the seisbench package itself where it is installed."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
import pytest

from jijin.data import open_dataset
from jijin.data.export import write_dataset, write_seisbench
from jijin.data.seisbench import SeisBenchDataset
from jijin.errors import DataError, ReadError

HAS_SEISBENCH = importlib.util.find_spec("seisbench") is not None
needs_seisbench = pytest.mark.skipif(
    not HAS_SEISBENCH, reason="seisbench is not installed: its own reader is not asked"
)
RNG = np.random.default_rng(1)


def write(folder: Path, traces: dict[str, Any], meta: pd.DataFrame, chunk: str = "", **data_format: Any) -> Path:
    """A folder in the format, written with h5py alone."""
    folder.mkdir(exist_ok=True)
    meta.to_csv(folder / f"metadata{chunk}.csv", index=False)
    with h5py.File(folder / f"waveforms{chunk}.hdf5", "w") as file:
        for name, trace in traces.items():
            file[f"data/{name}"] = trace
        for key, value in data_format.items():
            file[f"data_format/{key}"] = value
    return folder


def meta(names: list[str], **columns: Any) -> pd.DataFrame:
    return pd.DataFrame({"trace_name": names, **columns})


def trace(samples: int = 300, components: int = 3) -> np.ndarray:
    return RNG.normal(size=(components, samples)).astype(np.float32)


def test_plain_traces_of_any_length(tmp_path: Path) -> None:
    traces = {"a": trace(300), "b": trace(250)}
    table = meta(["b", "a"], trace_P_arrival_sample=[20.5, np.nan], source_type="earthquake", split=["dev", "test"])
    with open_dataset(write(tmp_path / "mine", traces, table, sampling_rate=100, component_order="ZNE")) as dataset:
        assert np.array_equal(dataset.waveform(0), traces["b"]) and np.array_equal(dataset.waveform(1), traces["a"])
        assert dataset.label(0).p_sample == 20.5 and dataset.label(1).p_status == "unlabelled"
        assert dataset.labels["dataset"].tolist() == ["mine"] * 2
        assert dataset.labels["split"].tolist() == ["dev", "test"]


@pytest.mark.parametrize(
    ("order", "columns", "used"),
    [("ZNE", "012", "ZNE"), ("ENZ", "210", "ZNE"), ("Z12H", "012", "ZNE"), ("Z", "0", "Z")],
)
def test_components_come_as_zne_whatever_their_order(tmp_path: Path, order: str, columns: str, used: str) -> None:
    raw = trace(components=len(order))
    with open_dataset(write(tmp_path, {"a": raw}, meta(["a"]), sampling_rate=100, component_order=order)) as dataset:
        waveform = dataset.waveform(0)
        for row, column in enumerate(columns):
            assert np.array_equal(waveform[row], raw[int(column)])
        assert not waveform[len(columns) :].any()
        assert dataset.label(0).components == used


def test_the_component_order_of_a_trace_is_in_its_row(tmp_path: Path) -> None:
    raw = {"a": trace(), "b": trace(components=1)}
    table = meta(["a", "b"], trace_component_order=["NEZ", "E"], trace_dt_s=0.01)
    with open_dataset(write(tmp_path, raw, table)) as dataset:
        assert np.array_equal(dataset.waveform(0), raw["a"][[2, 0, 1]])
        assert np.array_equal(dataset.waveform(1)[2], raw["b"][0]) and not dataset.waveform(1)[:2].any()
        assert dataset.labels["components"].tolist() == ["ZNE", "E"]


@pytest.mark.parametrize("order", ["WC", "NWC"])
def test_samples_first_is_turned(tmp_path: Path, order: str) -> None:
    raw = trace()
    with open_dataset(write(tmp_path, {"a": raw.T}, meta(["a"]), sampling_rate=100, dimension_order=order)) as dataset:
        assert np.array_equal(dataset.waveform(0), raw)


def test_blocks_are_read_at_their_place(tmp_path: Path) -> None:
    block = RNG.normal(size=(4, 3, 500)).astype(np.float32)
    names = ["bucket0$2,:3,:400", "bucket0$0,:3,:500"]
    table = meta(names, trace_name_original=["event_b", "event_a"])
    with open_dataset(write(tmp_path, {"bucket0": block}, table, sampling_rate=100, dimension_order="NCW")) as dataset:
        assert np.array_equal(dataset.waveform(0), block[2, :, :400])
        assert np.array_equal(dataset.waveform(1), block[0])
        assert dataset.labels["trace_name"].tolist() == ["event_b", "event_a"]


@pytest.mark.parametrize("listed", [True, False])
def test_chunks_are_joined(tmp_path: Path, listed: bool) -> None:
    traces = {name: trace() for name in "abc"}
    write(tmp_path, {"a": traces["a"]}, meta(["a"]), "_1", sampling_rate=100)
    write(tmp_path, {"b": traces["b"], "c": traces["c"]}, meta(["b", "c"]), "_2", sampling_rate=100)
    if listed:
        (tmp_path / "chunks").write_text("_2\n_1\n")
    with open_dataset(tmp_path) as dataset:
        assert dataset.labels["trace_name"].tolist() == ["a", "b", "c"]
        for i, name in enumerate("abc"):
            assert np.array_equal(dataset.waveform(i), traces[name])
        assert np.array_equal(dataset.windows([2, 0], [0, 0], 300), [traces["c"], traces["a"]])


@pytest.mark.parametrize("rate", [20.0, 50.0, 75.0, 200.0, 250.0, 500.0, 1000.0])
def test_another_rate_becomes_100_hz_and_labels_move_with_it(tmp_path: Path, rate: float) -> None:
    seconds = np.arange(int(30 * rate)) / rate
    wave = 100 + np.sin(2 * np.pi * 3 * seconds)
    table = meta(
        ["a"], trace_P_arrival_sample=[10 * rate], trace_coda_end_sample=[20 * rate], trace_sampling_rate_hz=rate
    )
    with open_dataset(write(tmp_path, {"a": np.stack([wave] * 3)}, table)) as dataset:
        out, label = dataset.waveform(0), dataset.label(0)
    assert abs(out.shape[1] - 3000) <= max(1, 101 / rate)
    assert (label.p_sample, label.coda_end_sample) == pytest.approx((1000, 2000))
    expected = 100 + np.sin(2 * np.pi * 3 * np.arange(out.shape[1]) / 100)
    inside = slice(100, 2800)  # away from the ends, where the record stops
    assert np.abs(out[0] - expected)[inside].max() < 0.05


def test_a_gap_of_zeros_is_still_one_at_100_hz(tmp_path: Path) -> None:
    raw = trace(4000) + 1e6
    raw[:, 1000:2000] = 0
    table = meta(["a"], trace_sampling_rate_hz=200.0)
    with open_dataset(write(tmp_path, {"a": raw.astype(np.float32)}, table)) as dataset:
        out = dataset.waveform(0)
    assert not out[:, 501:1000].any() and np.abs(out[:, 10:490] - 1e6).max() < 10


def test_a_rate_nobody_gives_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"metadata\.csv: no sampling rate for trace a"):
        open_dataset(write(tmp_path, {"a": trace()}, meta(["a"])))


def test_files_that_do_not_go_together_are_named(tmp_path: Path) -> None:
    dataset = open_dataset(write(tmp_path / "x", {"a": trace()}, meta(["a", "b"]), sampling_rate=100))
    with pytest.raises(ReadError, match=r"waveforms\.hdf5: no waveform for trace b"):
        dataset.waveform(1)
    dataset = open_dataset(write(tmp_path / "y", {"a": trace(components=2)}, meta(["a"]), sampling_rate=100))
    with pytest.raises(ReadError, match=r"trace a has 2 components, their order is 'ZNE'"):
        dataset.waveform(0)
    (tmp_path / "x" / "waveforms.hdf5").unlink()
    with pytest.raises(ReadError, match=r"waveforms\.hdf5: no such file"):
        open_dataset(tmp_path / "x")
    (tmp_path / "y" / "metadata.csv").write_text("name,p\n")
    with pytest.raises(ReadError, match="no column trace_name"):
        open_dataset(tmp_path / "y")


def test_what_was_written_is_read_again_with_its_labels(tmp_path: Path) -> None:
    traces = {name: trace() for name in "abc"}
    table = meta(
        list("abc"), trace_P_arrival_sample=[10.25, np.nan, np.nan], source_type=["earthquake", "noise", "landslide"],
        source_group=["g1", "g2", "g3"], source_magnitude=[1.5, np.nan, np.nan],
        source_latitude_deg=[38.8, np.nan, -1.0], source_longitude_deg=[-122.7, np.nan, 180.0],
        station_network_code="XX", station_code=["S1", "S2", ""],
    )  # fmt: skip
    first = open_dataset(write(tmp_path / "first", traces, table, sampling_rate=100))
    second = open_dataset(write_dataset(tmp_path / "second", first))
    assert first.labels.iloc[0][["source_magnitude", "source_latitude_deg"]].tolist() == [1.5, 38.8]
    pd.testing.assert_frame_equal(first.labels.drop(columns="dataset"), second.labels.drop(columns="dataset"))
    for i, name in enumerate("abc"):
        assert np.array_equal(second.waveform(i), traces[name])


@pytest.mark.parametrize("order", ["NE", "ZE", "E"])
def test_components_that_are_not_there_are_known_after_an_export(tmp_path: Path, order: str) -> None:
    raw = {"a": trace(components=len(order))}
    first = open_dataset(write(tmp_path / "first", raw, meta(["a"]), sampling_rate=100, component_order=order))
    second = open_dataset(write_dataset(tmp_path / "second", first))
    assert second.label(0).components == order
    assert np.array_equal(second.waveform(0), first.waveform(0))


def test_a_failed_write_leaves_nothing_behind(tmp_path: Path) -> None:
    for waveforms in ([trace()], [trace()] * 3, [trace(), trace(components=1)]):
        with pytest.raises(DataError, match=r"waveforms|shape"):
            write_seisbench(tmp_path / "out", waveforms, meta(["a", "b"]))
        assert not list(tmp_path.iterdir())
    with pytest.raises(DataError, match="trace name a_b is not unique"):
        write_seisbench(tmp_path / "out", [trace()] * 2, meta(["a$b", "a/b"]))


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    write_seisbench(tmp_path / "out", [trace()], meta(["a"]))
    with pytest.raises(DataError, match="out exists"):
        write_seisbench(tmp_path / "out", [trace()], meta(["a"]))


@needs_seisbench
def test_seisbench_reads_what_jijin_writes(tmp_path: Path) -> None:
    from seisbench.data import WaveformDataset

    traces = [trace(), trace()]
    table = meta(
        ["a", "b$c"], trace_P_arrival_sample=[10.0, 20.0], split=["train", "dev"], trace_sampling_rate_hz=100.0
    )
    theirs = WaveformDataset(write_seisbench(tmp_path / "out", traces, table), component_order="ZNE")
    assert len(theirs) == 2 and len(theirs.dev()) == 1
    for i, expected in enumerate(traces):
        waveform, row = theirs.get_sample(i)
        assert np.array_equal(waveform, expected)
        assert row["trace_P_arrival_sample"] == [10.0, 20.0][i] and row["trace_sampling_rate_hz"] == 100


@needs_seisbench
@pytest.mark.parametrize("bucket_size", [1, 4])
def test_jijin_reads_what_seisbench_writes(tmp_path: Path, bucket_size: int) -> None:
    from seisbench.data import WaveformDataset, WaveformDataWriter

    traces = [trace(300 + k % 3) for k in range(10)]
    with WaveformDataWriter(tmp_path / "metadata.csv", tmp_path / "waveforms.hdf5") as writer:
        writer.data_format = {"dimension_order": "CW", "component_order": "ZNE", "sampling_rate": 100}
        writer.bucket_size = bucket_size
        for k, waveform in enumerate(traces):
            writer.add_trace({"trace_name": f"t{k}", "trace_P_arrival_sample": 10.0 * k}, waveform)
    theirs = WaveformDataset(tmp_path, component_order="ZNE")
    with SeisBenchDataset(tmp_path) as ours:
        assert ours.labels["trace_name"].tolist() == [f"t{k}" for k in range(10)]
        for k, waveform in enumerate(traces):
            assert np.array_equal(ours.waveform(k), waveform)
            assert np.array_equal(ours.waveform(k), theirs.get_waveforms(k))
            assert ours.label(k).p_sample == 10.0 * k


def test_an_order_in_small_letters_is_read_and_one_of_unknown_letters_is_an_error(tmp_path: Path) -> None:
    raw = trace()
    with open_dataset(
        write(tmp_path / "small", {"a": raw}, meta(["a"]), sampling_rate=100, component_order="zne")
    ) as d:
        assert np.array_equal(d.waveform(0), raw) and d.label(0).components == "ZNE"
    write(tmp_path / "uvw", {"a": raw}, meta(["a"]), sampling_rate=100, component_order="UVW")
    with pytest.raises(DataError, match=r"uvw/metadata\.csv: component order 'UVW' has none of Z"):
        open_dataset(tmp_path / "uvw")
    write(tmp_path / "zrt", {"a": raw}, meta(["a"]), sampling_rate=100, component_order="ZRT")
    with pytest.warns(UserWarning, match="zrt: components R, T are not used"):
        assert open_dataset(tmp_path / "zrt").label(0).components == "Z"


def test_a_rate_that_cannot_be_used_names_file_and_trace(tmp_path: Path) -> None:
    dataset = open_dataset(write(tmp_path, {"a": trace()}, meta(["a"], trace_sampling_rate_hz=10.0)))
    with pytest.raises(ReadError, match=r"waveforms\.hdf5: trace a: .*20 to 1000 Hz"):
        dataset.waveform(0)


def test_without_a_split_of_the_data_none_is_written(tmp_path: Path) -> None:
    first = open_dataset(write(tmp_path / "first", {"a": trace()}, meta(["a"]), sampling_rate=100))
    assert "split" not in pd.read_csv(write_dataset(tmp_path / "second", first) / "metadata.csv")


def test_a_trace_of_a_hydrophone_alone_has_no_component_and_after_an_export_none_either(tmp_path: Path) -> None:
    table = meta(["a", "b"], trace_component_order=["ZNE", "H"])
    first = open_dataset(write(tmp_path / "first", {"a": trace(), "b": trace(components=1)}, table, sampling_rate=100))
    again = open_dataset(write_dataset(tmp_path / "again", first))
    assert first.labels["components"].tolist() == again.labels["components"].tolist() == ["ZNE", ""]


@pytest.mark.parametrize("rate", [40.0, 99.0, 100.0, 200.0])
def test_lengths_are_those_of_the_traces_that_are_read(tmp_path: Path, rate: float) -> None:
    names = ["bucket0$0,:3,:250", "bucket0$1,:3,:300", "a", "lost", "bucket0$x,:3,:100"]
    raw = {"bucket0": np.stack([trace(), trace()]), "a": trace(123)}
    dataset = open_dataset(write(tmp_path, raw, meta(names, trace_npts=7), sampling_rate=rate))
    read = [dataset.waveform(i).shape[1] for i in range(3)]
    np.testing.assert_array_equal(dataset.lengths(), [*read, np.nan, np.nan])


def test_a_source_that_is_not_known_is_none_after_an_export_either_and_an_earthquake_is_one(tmp_path: Path) -> None:
    words = ["", "earthquake", "quarry blast", "Not_Reported", "noise"]
    onsets = [10.0, 10.0, 10.0, 10.0, np.nan]
    table = meta(list("abcde"), source_type=words, trace_P_arrival_sample=onsets)
    data = {name: trace() for name in "abcde"}
    first = open_dataset(write(tmp_path / "first", data, table, sampling_rate=100))
    again = open_dataset(write_dataset(tmp_path / "again", first))
    assert first.labels["source_type"].tolist() == ["", "earthquake", "quarry blast", "", "noise"]
    pd.testing.assert_series_equal(again.labels["source_type"], first.labels["source_type"])
    pd.testing.assert_series_equal(again.labels["category"], first.labels["category"])
    assert first.labels["category"].tolist() == ["earthquake"] * 4 + ["noise"]
