"""miniSEED in: sound, with gaps, cut short, damaged, padded. Expected values come from ObsPy's own reader."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import obspy
import pytest

from jijin.errors import ReadError
from jijin.io import DamagedFile, mseed, read, read_segments, scan
from jijin.io.files import load
from jijin.types import Segment

SAMPLES = 20_000
OBSPY = Path(obspy.__file__).parent / "io/mseed/tests/data"


@pytest.fixture
def record(tmp_path: Path) -> Path:
    """20,000 samples of Steim-2 integers at 100 Hz in records of 512 bytes."""
    rng = np.random.default_rng(1)
    trace = obspy.Trace((rng.normal(size=SAMPLES) * 1000).astype("int32"))
    trace.stats.update({"network": "XX", "station": "ABC", "channel": "HHZ", "sampling_rate": 100.0})
    trace.stats.starttime = obspy.UTCDateTime("2024-02-29T23:59:00.123456Z")
    path = tmp_path / "record.mseed"
    trace.write(str(path), format="MSEED", reclen=512, encoding="STEIM2")
    return path


def spoil(path: Path, start: int, stop: int) -> Path:
    raw = bytearray(path.read_bytes())
    raw[start:stop] = np.random.default_rng(2).integers(128, 256, stop - start, dtype=np.uint8).tobytes()
    path.write_bytes(raw)
    return path


def test_samples_times_and_codes_are_those_obspy_reads(record: Path) -> None:
    (segment,), (trace,) = read_segments(record), obspy.read(str(record))
    assert segment.seed_id == trace.id == "XX.ABC..HHZ"
    assert segment.start_ns == trace.stats.starttime.ns
    assert segment.sampling_rate == 100.0
    assert segment.data.dtype == np.int32
    np.testing.assert_array_equal(segment.data, trace.data)


@pytest.mark.parametrize("dtype", ["int32", "float32", "float64"])
def test_the_sample_type_of_the_file_is_kept(tmp_path: Path, dtype: str) -> None:
    data = (np.arange(500) * 1.5).astype(dtype)
    obspy.Trace(data, {"sampling_rate": 50.0}).write(str(tmp_path / "x.mseed"), format="MSEED")
    (segment,) = read_segments(tmp_path / "x.mseed")
    assert segment.data.dtype == dtype
    np.testing.assert_array_equal(segment.data, data)


def test_miniseed_3_gives_the_same_as_miniseed_2(record: Path, tmp_path: Path) -> None:
    from pymseed import MS3TraceList

    newer = tmp_path / "newer.mseed"
    MS3TraceList.from_file(record, unpack_data=True).to_file(str(newer), format_version=3)
    assert newer.read_bytes()[:3] == b"MS\x03"
    (old,), (new,) = read_segments(record), read_segments(newer)
    assert (new.seed_id, new.start_ns) == (old.seed_id, old.start_ns)
    np.testing.assert_array_equal(new.data, old.data)


def test_the_samples_stay_valid_when_the_file_is_gone(record: Path) -> None:
    (segment,) = read_segments(record)
    before = segment.data.copy()
    record.unlink()
    np.testing.assert_array_equal(segment.data, before)


@pytest.mark.skipif(not OBSPY.exists(), reason="this ObsPy was installed without its test data")
def test_gaps_stay_gaps() -> None:
    segments = read_segments(OBSPY / "gaps.mseed")
    traces = obspy.read(str(OBSPY / "gaps.mseed"))
    assert [(s.start_ns, len(s.data)) for s in segments] == [(t.stats.starttime.ns, t.stats.npts) for t in traces]


def test_a_file_cut_in_a_record_gives_the_records_before_the_cut(record: Path) -> None:
    whole = read_segments(record)[0].data
    record.write_bytes(record.read_bytes()[: 512 * 20 + 100])
    content = load(record)
    assert content.damage == "it ends in the middle of a record"
    saved = content.segments[0].data
    assert 1000 < len(saved) < SAMPLES
    np.testing.assert_array_equal(saved, whole[: len(saved)])


@pytest.mark.parametrize("part", ["header", "samples"])
def test_records_on_both_sides_of_a_spoilt_one_are_used(record: Path, part: str) -> None:
    whole = read_segments(record)[0]
    spoil(record, 512 * 10 + (0 if part == "header" else 64), 512 * 11)
    content = load(record)
    assert content.damage and "512 of its" in content.damage and "from byte 5120" in content.damage
    before, after = content.segments
    np.testing.assert_array_equal(before.data, whole.data[: len(before.data)])
    np.testing.assert_array_equal(after.data, whole.data[-len(after.data) :])
    assert after.end_ns == whole.end_ns


def test_damage_is_a_warning_in_python(record: Path) -> None:
    with pytest.warns(DamagedFile, match="record.mseed"):
        read_segments(spoil(record, 512, 1024))


def test_zeros_after_the_last_record_are_no_damage(record: Path) -> None:
    record.write_bytes(record.read_bytes() + bytes(4096 + 7))
    content = load(record)
    assert content.damage is None
    assert len(content.segments[0].data) == SAMPLES


def test_a_file_with_nothing_sound_in_it_is_an_error(record: Path) -> None:
    raw = record.read_bytes()
    record.write_bytes(raw[:8] + bytes(range(128, 256)) * 40)
    with pytest.raises(ReadError, match=r"record\.mseed: it looks like miniSEED, but no record in it is sound"):
        read_segments(record)


@pytest.mark.skipif(not OBSPY.exists(), reason="this ObsPy was installed without its test data")
def test_text_records_are_passed_over() -> None:
    with pytest.raises(ReadError, match="holds no waveforms"):
        read_segments(OBSPY / "encoding/smallASCII_bigEndian.mseed")


def test_a_scan_tells_what_reading_finds(record: Path) -> None:
    found, (segment,) = scan(record), read_segments(record)
    assert found.stations == {"XX.ABC"}
    assert (found.start_ns, found.end_ns, found.samples) == (segment.start_ns, segment.end_ns, SAMPLES)


def test_read_gives_an_obspy_stream(record: Path) -> None:
    (mine,), (theirs,) = read(record), obspy.read(str(record))
    assert mine.id == theirs.id
    assert (mine.stats.starttime, mine.stats.delta) == (theirs.stats.starttime, theirs.stats.delta)
    np.testing.assert_array_equal(mine.data, theirs.data)


def test_of_a_span_only_the_records_that_reach_into_it_are_read(record: Path) -> None:
    (whole,) = read_segments(record)
    start = whole.start_ns + 50 * 10**9
    (part,) = load(record, (start, start + 10**9)).segments
    assert part.start_ns <= start and part.end_ns >= start + 10**9 and len(part.data) < 2000
    first = round((part.start_ns - whole.start_ns) / 1e7)
    np.testing.assert_array_equal(part.data, whole.data[first : first + len(part.data)])
    assert load(record, (0, 10**9)).segments == []


def test_the_sound_records_of_a_span_are_read_from_a_damaged_file(record: Path) -> None:
    (whole,) = read_segments(record)
    end = whole.end_ns - 10**9
    content = load(spoil(record, 1024, 1536), (end, end + 1))
    assert content.damage == f"512 of its {record.stat().st_size} bytes are not sound miniSEED (from byte 1024)"
    assert content.segments[-1].end_ns == whole.end_ns


def test_a_file_whose_bytes_are_still_held_elsewhere_is_read(record: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Dask's profiler holds frames, and what their names stand for, a moment longer than they run."""
    held, segments_of = [], mseed._segments

    def holding(raw: Any, *how: Any) -> tuple[list[Segment], str | None]:
        held.append(memoryview(raw))
        return segments_of(raw, *how)

    monkeypatch.setattr(mseed, "_segments", holding)
    segments, damage = mseed.read_miniseed(record)
    assert held and damage is None and sum(len(segment.data) for segment in segments) == SAMPLES
