"""Paths in: files, folders, and everything that is neither a waveform file nor there at all."""

from __future__ import annotations

import errno
import gzip
import pickle
from pathlib import Path

import numpy as np
import obspy
import pytest

from jijin.errors import ReadError
from jijin.io import find_files, read, read_segments, scan
from jijin.io.formats import _tidy, to_segments

DATA = Path(obspy.__file__).parent / "io"
REAL = {  # bundled record: seed ids, sampling rate in Hz, seconds
    "seisan/tests/data/2005-07-23-1452-04S.CER___030": ({".CER..BHE", ".CER..BHN", ".CER..BHZ"}, 150.0, 71),
    "seisan/tests/data/D1360930.203": ({".mart.1.cp"}, 100.0, 120),
    "gse2/tests/data/loc_RJOB20050831023349.z": ({".RJOB..Z"}, 200.0, 60),
    "gse2/tests/data/loc_STAU20031119011659.z": ({".LE0083..Z"}, 124.9999924, 24),
    "kinemetrics/tests/data/BI008_MEMA-04823.evt": ({".MEMA..HN1", ".MEMA..HN2", ".MEMA..HNZ"}, 250.0, 23),
    "nied/tests/data/test.knet": ({"BO.AKT013..HNE"}, 100.0, 59),
    "sac/tests/data/seism.sac": ({".CDV..Q"}, 100.0, 10),
    "y/tests/data/YAYT_BHZ_20021223.124800": ({".AYT..BHZ"}, 100.0, 180),
}
with_obspy_data = pytest.mark.skipif(not DATA.joinpath("seisan/tests").exists(), reason="ObsPy without its test data")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """One miniSEED file in a sub-folder, one SAC file, a table and a hidden file."""
    trace = obspy.read()[0]
    (tmp_path / "2009").mkdir()
    trace.write(str(tmp_path / "2009/z.mseed"), format="MSEED")
    trace.write(str(tmp_path / "z.sac"), format="SAC")
    (tmp_path / "stations.csv").write_text("station,latitude\nRJOB,47.7\n")
    (tmp_path / ".hidden").write_text("not for us")
    return tmp_path


@with_obspy_data
@pytest.mark.parametrize("name", REAL)
def test_real_records_of_many_formats_are_read(name: str) -> None:
    ids, rate, seconds = REAL[name]
    segments = read_segments(DATA / name)
    assert {s.seed_id for s in segments} == ids
    assert {s.sampling_rate for s in segments} == {rate}
    assert int(len(segments[0].data) / rate) == seconds


@with_obspy_data
def test_two_sensors_on_one_kinemetrics_recorder_stay_apart() -> None:
    ids = {s.seed_id for s in read_segments(DATA / "kinemetrics/tests/data/BX456_MOLA-02351.evt")}
    assert ids == {f".MOLA.{location}.{code}" for location in ("", "1") for code in ("HN1", "HN2", "HNZ")}


@pytest.mark.parametrize(
    ("channel", "seed_id"), [("NS", "BO.A..HNN"), ("EW", "BO.A..HNE"), ("UD", "BO.A..HNZ"), ("UD2", "BO.A.2.HNZ")]
)
def test_channels_of_japans_strong_motion_networks_get_seed_names(channel: str, seed_id: str) -> None:
    trace = obspy.Trace(np.zeros(5), {"network": "BO", "station": "A", "channel": channel, "_format": "KNET"})
    _tidy(trace)
    assert trace.id == seed_id


@with_obspy_data
@pytest.mark.parametrize("name", REAL)
def test_a_scan_of_any_format_tells_what_reading_finds(name: str) -> None:
    found, segments = scan(DATA / name), read_segments(DATA / name)
    assert found.samples == sum(len(s.data) for s in segments)
    assert found.start_ns == min(s.start_ns for s in segments)
    assert abs(found.end_ns - max(s.end_ns for s in segments)) < 1000
    assert found.stations == {".".join(s.seed_id.split(".")[:2]) for s in segments}


def test_a_folder_is_searched_recursively_and_sorted(folder: Path) -> None:
    names = [str(path.relative_to(folder)) for path in find_files([folder])]
    assert names == ["2009/z.mseed", "stations.csv", "z.sac"]


def test_a_file_that_is_named_twice_is_read_once(folder: Path) -> None:
    assert len(find_files([folder / "z.sac", folder, folder / "z.sac"])) == 3


def test_read_passes_over_tables_in_a_folder(folder: Path) -> None:
    assert {trace.id for trace in read(folder)} == {"BW.RJOB..EHZ"}
    assert len(read([folder / "z.sac", folder / "2009"])) == 2


def test_a_name_with_brackets_is_a_name_and_no_pattern(tmp_path: Path) -> None:
    odd = tmp_path / "day [1]*.sac"
    obspy.read()[0].write(str(odd), format="SAC")
    assert read(odd)[0].stats.npts == 3000


def test_compressed_files_are_unpacked(folder: Path) -> None:
    packed = folder / "z.sac.gz"
    packed.write_bytes(gzip.compress((folder / "z.sac").read_bytes()))
    np.testing.assert_array_equal(read(packed)[0].data, read(folder / "z.sac")[0].data)


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"", "the file is empty"), (b"dear diary\n" * 99, "it is text"), (bytes(range(256)) * 20, "cannot be read")],
)
def test_a_file_without_waveforms_is_named_with_the_reason(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "bad.mseed"
    path.write_bytes(content)
    with pytest.raises(ReadError, match=reason) as caught:
        read(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


def test_a_missing_path_is_named() -> None:
    with pytest.raises(ReadError, match=r"nowhere\.sac: no such file or folder"):
        read("nowhere.sac")


def test_an_empty_folder_and_an_empty_list_are_errors(tmp_path: Path) -> None:
    for nothing in (tmp_path, []):
        with pytest.raises(ReadError, match="no waveform file"):
            read(nothing)


def test_a_file_that_may_not_be_read_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object, **kwargs: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(ReadError, match=r"z\.sac: cannot be read: Permission denied"):
        read(folder / "z.sac")


def test_a_broken_file_of_a_known_format_is_named(folder: Path) -> None:
    path = folder / "z.sac"
    path.write_bytes(path.read_bytes()[:900])
    with pytest.raises(ReadError, match=r"z\.sac: it cannot be read; ObsPy takes it for SAC"):
        read(path)


class Bomb:
    """Leaves a file behind when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return Path.touch, (self.path,)  # type: ignore[return-value]


@pytest.mark.parametrize("packed", [False, True])
def test_a_pickle_is_refused_and_never_run(tmp_path: Path, packed: bool) -> None:
    raw = pickle.dumps([b"obspy.core.stream", Bomb(tmp_path / "boom")], protocol=2)
    path = tmp_path / ("stream.pickle" + ".gz" * packed)
    path.write_bytes(gzip.compress(raw) if packed else raw)
    with pytest.raises(ReadError, match="jijin never loads"):
        read(path)
    assert not (tmp_path / "boom").exists()


def test_masked_samples_become_gaps() -> None:
    trace = obspy.read()[0]
    trace.data = np.ma.masked_where((np.arange(3000) >= 1000) & (np.arange(3000) < 1250), trace.data)
    first, second = to_segments([trace])
    assert (len(first.data), len(second.data)) == (1000, 1750)
    assert second.start_ns - first.start_ns == 12_500_000_000


def test_a_stream_becomes_segments_without_a_copy() -> None:
    stream = obspy.read()
    assert all(np.shares_memory(s.data, t.data) for s, t in zip(to_segments(stream), stream, strict=True))
