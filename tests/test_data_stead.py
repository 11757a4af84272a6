"""STEAD in exactly its published layout: 35 columns, (6000, 3) in E N Z, strings that hold arrays."""

from __future__ import annotations

import pickle
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest

from jijin.data import open_dataset, open_datasets
from jijin.data import stead as module
from jijin.data.labels import SOURCE
from jijin.errors import DataError, ReadError

HEADER = (
    "network_code,receiver_code,receiver_type,receiver_latitude,receiver_longitude,receiver_elevation_m,"
    "p_arrival_sample,p_status,p_weight,p_travel_sec,s_arrival_sample,s_status,s_weight,source_id,source_origin_time,"
    "source_origin_uncertainty_sec,source_latitude,source_longitude,source_error_sec,source_gap_deg,"
    "source_horizontal_uncertainty_km,source_depth_km,source_depth_uncertainty_km,source_magnitude,"
    "source_magnitude_type,source_magnitude_author,source_mechanism_strike_dip_rake,source_distance_deg,"
    "source_distance_km,back_azimuth_deg,snr_db,coda_end_sample,trace_start_time,trace_category,trace_name"
)
EVENT = (
    "TA,109C,BH,32.8889,-117.1051,150.0,{p},manual,0.5,17.08,{s},manual,0.5,{source},{origin},nan,33.7496,-117.4938,"
    "1.1119,107.466,4.6403,0.45,None,3.6,ml,None,None,0.92,102.09,159.3,{snr},{coda},2006-07-23 15:59:00.960000,"
    "earthquake_local,{name}"
)
NOISE = (
    "{net},{sta},HH,39.51,-110.23,1655.0,,,,,,,,,,,,,,,,,,,,,,,,,,,2015-03-02 {time},noise,"
    "{sta}.{net}_201503020{n}0000_NO"
)


def event(name: str, source: str = "8556349", **changes: str) -> str:
    """A row of the CSV as published."""
    values = {"p": "700.0", "s": "1894.0", "snr": "[ 56.5  55.5  47.0]", "coda": "[[ 2896.]]", "origin": "None"}
    return EVENT.format(name=name, source=source, **{**values, **changes})


def noise(n: int, net: str = "NA", sta: str = "SABA") -> str:
    return NOISE.format(net=net, sta=sta, n=n, time=f"0{n}:00:00")


ROWS = [
    event("109C.TA_20060723155859_EV"),
    event("109C.TA_20061103155652_EV", "8860238", snr="[5.0 nan 3]", coda="None"),
    event("109C.TA_20061103161223_EV", "None", origin="2006-11-03 16:12:12.44", snr="", coda=""),
    event("109C.TA_20061114133221_EV", "", p="None", s=""),
    noise(1),
    noise(2),
]


def write_stead(stem: Path, rows: list[str], seed: int = 0, skip: int = 0) -> dict[str, np.ndarray]:
    """stem.csv and stem.hdf5; the last skip traces are left out of the HDF5. Returns the waveforms, (6000, ENZ)."""
    rng = np.random.default_rng(seed)
    names = [row.rsplit(",", 1)[1] for row in rows]
    stem.with_suffix(".csv").write_text("\n".join([HEADER, *rows]) + "\n")
    traces = {name: rng.normal(size=(6000, 3)).astype(np.float32) for name in names}
    with h5py.File(stem.with_suffix(".hdf5"), "w") as file:
        for name in names[: len(names) - skip]:
            dataset = file.create_dataset(f"data/{name}", data=traces[name])
            dataset.attrs["trace_name"] = name
    return traces


def test_the_test_file_has_the_35_columns() -> None:
    assert len(HEADER.split(",")) == 35 and all(len(row.split(",")) == 35 for row in ROWS)


def test_a_waveform_comes_as_zne_and_sample_and_only_it_is_read(tmp_path: Path) -> None:
    traces = write_stead(tmp_path / "chunk2", ROWS)
    with open_dataset(tmp_path / "chunk2") as dataset:
        for i, name in enumerate(traces):
            east, north, vertical = traces[name].T
            assert np.array_equal(dataset.waveform(i), [vertical, north, east])
        assert dataset.waveform(0).dtype == np.float32 and dataset.waveform(0).flags.c_contiguous


@pytest.mark.parametrize("name", ["chunk2", "chunk2.csv", "chunk2.hdf5", "."])
def test_a_chunk_opens_by_stem_by_either_file_and_by_folder(tmp_path: Path, name: str) -> None:
    write_stead(tmp_path / "chunk2", ROWS)
    assert len(open_dataset(tmp_path / name)) == 6


def test_labels_of_the_odd_strings(tmp_path: Path) -> None:
    write_stead(tmp_path / "merged", ROWS)
    labels = open_dataset(tmp_path).labels
    assert labels["p_sample"].tolist()[:3] == [700.0] * 3 and labels["p_sample"][3:].isna().all()
    assert labels["p_status"].tolist() == ["labelled"] * 3 + ["unlabelled", "absent", "absent"]
    assert labels["s_status"].tolist() == ["labelled"] * 3 + ["unlabelled", "absent", "absent"]
    assert labels["snr_db"].tolist()[:2] == [53.0, 4.0] and labels["snr_db"][2:3].isna().all()
    assert labels["coda_end_sample"].tolist()[0] == 2896.0 and labels["coda_end_sample"][1:3].isna().all()
    assert labels["category"].tolist() == ["earthquake"] * 4 + ["noise"] * 2
    assert labels["distance_km"].tolist()[0] == 102.09 and set(labels["dataset"]) == {"stead"}


def test_quality_tells_how_both_phases_were_picked(tmp_path: Path) -> None:
    by_machine = event("a_EV").replace("1894.0,manual", "1894.0,autopicker")
    write_stead(tmp_path / "chunk2", [by_machine, event("b_EV"), noise(1)])
    with open_dataset(tmp_path / "chunk2.csv") as dataset:
        assert dataset.labels["quality"].tolist() == ["P manual, S autopicker", "manual", ""]


def test_groups_are_the_event_or_the_station_day_of_noise(tmp_path: Path) -> None:
    write_stead(tmp_path / "merged", ROWS)
    groups = open_dataset(tmp_path).labels["source_group"].tolist()
    assert groups[:4] == ["8556349", "8860238", "2006-11-03 16:12:12", "20061114133221"]
    assert groups[4:] == ["noise:NA.SABA.20150302"] * 2


def test_the_network_na_is_a_network_and_not_a_missing_value(tmp_path: Path) -> None:
    write_stead(tmp_path / "merged", ROWS)
    assert open_dataset(tmp_path).labels["station"].tolist()[-1] == "NA.SABA"


def test_chunks_in_a_folder_are_one_dataset_in_order(tmp_path: Path) -> None:
    first, second = (write_stead(tmp_path / f"chunk{k}", rows, k) for k, rows in ((1, ROWS[4:]), (2, ROWS[:4])))
    with open_dataset(tmp_path) as dataset:
        names = dataset.labels["trace_name"].tolist()
        assert names == [*first, *second]
        for i, name in enumerate(names):
            assert np.array_equal(dataset.waveform(i)[0], {**first, **second}[name][:, 2])


def test_reading_in_blocks_gives_what_reading_at_once_gives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_stead(tmp_path / "merged", ROWS)
    whole = open_dataset(tmp_path).labels
    monkeypatch.setattr("jijin.data._csv.CHUNK_ROWS", 1)
    pd.testing.assert_frame_equal(open_dataset(tmp_path).labels, whole)


def test_windows_are_cut_anywhere_and_zero_outside_the_trace(tmp_path: Path) -> None:
    write_stead(tmp_path / "merged", ROWS)
    with open_dataset(tmp_path) as dataset:
        batch = dataset.windows([5, 0, 0], [-10, 5990, 99_999], 100)
        assert np.array_equal(batch[0, :, 10:], dataset.waveform(5)[:, :90]) and not batch[0, :, :10].any()
        assert np.array_equal(batch[1, :, :10], dataset.waveform(0)[:, -10:]) and not batch[1, :, 10:].any()
        assert not batch[2].any()


def test_a_dataset_can_be_closed_read_again_and_sent_to_another_process(tmp_path: Path) -> None:
    write_stead(tmp_path / "merged", ROWS)
    dataset = open_dataset(tmp_path)
    before = dataset.waveform(1)
    dataset.close()
    assert np.array_equal(dataset.waveform(1), before)
    assert np.array_equal(pickle.loads(pickle.dumps(dataset)).waveform(1), before)


def test_a_trace_that_only_the_csv_has_is_named(tmp_path: Path) -> None:
    write_stead(tmp_path / "chunk1", ROWS, skip=1)
    with pytest.raises(ReadError, match=r"chunk1\.hdf5: no waveform for trace SABA\.NA_20150302020000_NO"):
        open_dataset(tmp_path).waveform(5)


def test_a_wrong_shape_is_named(tmp_path: Path) -> None:
    write_stead(tmp_path / "chunk1", ROWS, skip=1)
    with h5py.File(tmp_path / "chunk1.hdf5", "a") as file:
        file["data/SABA.NA_20150302020000_NO"] = np.zeros((3, 6000), np.float32)
    with pytest.raises(ReadError, match=r"SABA\.NA_20150302020000_NO has shape \(3, 6000\), not \(6000, 3\)"):
        open_dataset(tmp_path).waveform(5)


def test_a_missing_half_is_named_when_the_dataset_is_opened(tmp_path: Path) -> None:
    write_stead(tmp_path / "chunk1", ROWS)
    write_stead(tmp_path / "chunk2", ROWS)
    (tmp_path / "chunk1.hdf5").unlink()
    (tmp_path / "chunk2.csv").unlink()
    with pytest.raises(ReadError, match=r"chunk1\.hdf5: no such file"):
        open_dataset(tmp_path / "chunk1.csv")
    with pytest.raises(ReadError, match=r"chunk2\.csv: no such file"):
        open_dataset(tmp_path / "chunk2.hdf5")


def test_a_truncated_hdf5_is_named_when_the_dataset_is_opened(tmp_path: Path) -> None:
    write_stead(tmp_path / "chunk1", ROWS)
    file = tmp_path / "chunk1.hdf5"
    file.write_bytes(file.read_bytes()[:200_000])
    with pytest.raises(ReadError, match=r"chunk1\.hdf5: truncated \(200000 bytes\)"):
        open_dataset(tmp_path)


@pytest.mark.parametrize(("content", "message"), [(b"", "empty file"), (b"\xff\xfe\x00x,y\n", "not a table")])
def test_a_csv_that_is_none_is_named(tmp_path: Path, content: bytes, message: str) -> None:
    write_stead(tmp_path / "chunk1", ROWS)
    (tmp_path / "chunk1.csv").write_bytes(content)
    with pytest.raises(ReadError, match=rf"chunk1\.csv: {message}"):
        open_dataset(tmp_path)


def test_a_csv_that_was_cut_off_is_named(tmp_path: Path) -> None:
    write_stead(tmp_path / "chunk1", ROWS)
    text = (tmp_path / "chunk1.csv").read_text()
    (tmp_path / "chunk1.csv").write_text(text[: text.rindex("SABA.NA_")])
    with pytest.raises(ReadError, match=r"chunk1\.csv: row 6 has no trace_name; the file may have been cut off"):
        open_dataset(tmp_path)


def test_missing_columns_are_named(tmp_path: Path) -> None:
    write_stead(tmp_path / "chunk1", ROWS)
    table = pd.read_csv(tmp_path / "chunk1.csv", dtype=str, keep_default_na=False)
    table.drop(columns=["coda_end_sample", "snr_db"]).to_csv(tmp_path / "chunk1.csv", index=False)
    with pytest.raises(ReadError, match=r"chunk1\.csv: STEAD's column\(s\) snr_db, coda_end_sample missing"):
        open_dataset(tmp_path)


@pytest.mark.parametrize("name", ["chunk2.csv", "merge.csv", "mine.csv", "metadata.csv", "pack/metadata.csv"])
@pytest.mark.parametrize(("separator", "word"), [(";", "semicolons"), ("\t", "tabs")])
def test_a_table_whose_separator_is_no_comma_says_so(tmp_path: Path, name: str, separator: str, word: str) -> None:
    table = tmp_path / name
    table.parent.mkdir(exist_ok=True)
    write_stead(table.with_suffix(""), ROWS)
    table.with_suffix(".hdf5").rename(table.with_name(table.stem.replace("metadata", "waveforms") + ".hdf5"))
    table.write_text(table.read_text().replace(",", separator))
    if table.parent != tmp_path:
        (table.parent / "pack.json").write_text('{"version": 2, "keep_split": false}')
    with pytest.raises(
        ReadError, match=rf"{name}: not a table of comma-separated values; it is separated by {word}: save"
    ):
        open_dataset(table.parent)


def test_a_sample_that_is_not_a_number_names_file_and_column(tmp_path: Path) -> None:
    write_stead(tmp_path / "chunk1", [*ROWS, event("x.TA_20061114133221_EV", p="early")])
    with pytest.raises(DataError, match=r"chunk1\.csv: column 'p_arrival_sample'.*early"):
        open_dataset(tmp_path)


def test_a_csv_without_rows_is_a_dataset_without_traces(tmp_path: Path) -> None:
    write_stead(tmp_path / "chunk1", ROWS)
    (tmp_path / "chunk1.csv").write_text(HEADER + "\n")
    assert len(open_dataset(tmp_path)) == 0


@pytest.mark.parametrize("name", ["nowhere", "nowhere.hdf5", "empty"])
def test_a_path_without_data_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(ReadError, match=name):
        open_dataset(tmp_path / name)
    with pytest.raises(ReadError, match="no dataset was given"):
        open_datasets([])


def test_only_the_columns_that_are_used_are_read() -> None:
    used = {*module.COLUMNS, *module.SOURCE}
    assert len(used) == 17 and used <= set(HEADER.split(","))


def test_the_source_is_carried_and_a_csv_without_it_opens_too(tmp_path: Path) -> None:
    write_stead(tmp_path / "chunk1", ROWS)
    labels = open_dataset(tmp_path).labels[list(SOURCE)]
    assert labels.iloc[0].tolist() == [3.6, 33.7496, -117.4938] and labels.iloc[4].isna().all()
    table = pd.read_csv(tmp_path / "chunk1.csv", dtype=str, keep_default_na=False)
    table.drop(columns=["source_magnitude", "source_latitude", "source_longitude"]).to_csv(
        tmp_path / "chunk1.csv", index=False
    )
    assert open_dataset(tmp_path).labels[list(SOURCE)].isna().all(axis=None)


@pytest.mark.parametrize("name", ["merge", "merged"])
def test_the_whole_set_in_one_file_opens_by_its_folder(tmp_path: Path, name: str) -> None:
    write_stead(tmp_path / name, ROWS)
    assert len(open_dataset(tmp_path)) == len(ROWS)


def test_lengths_are_those_of_the_traces_one_data_set_after_the_other(tmp_path: Path) -> None:
    for name in ("chunk1", "chunk2"):
        write_stead(tmp_path / name, ROWS)
    assert open_dataset(tmp_path).lengths().tolist() == [6000] * 2 * len(ROWS)


def test_the_only_csv_of_stead_beside_its_waveforms_opens_whatever_its_name(tmp_path: Path) -> None:
    write_stead(tmp_path / "100samples", ROWS)
    (tmp_path / "notes.csv").write_text("a,b\n1,2\n")
    assert len(open_dataset(tmp_path)) == 6
    write_stead(tmp_path / "another", ROWS)
    with pytest.raises(ReadError, match="no dataset here"):
        open_dataset(tmp_path)
