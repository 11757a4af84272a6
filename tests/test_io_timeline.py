"""Files as one timeline: whatever way the same samples lie in files, they come out alike."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import obspy
import pytest

from jijin.io import read_segments, scan
from jijin.io.timeline import CHUNK_NS, Reel, between, chunks, groups, joined
from jijin.types import NS, Segment

START = obspy.UTCDateTime("2024-03-01T23:50:00.005Z")


def trace(station: str = "AAA", channel: str = "HHZ", start: obspy.UTCDateTime = START, seconds: int = 1200):
    data = np.arange(seconds * 10, dtype=np.int32)
    header = {"network": "XX", "station": station, "channel": channel, "starttime": start, "sampling_rate": 10.0}
    return obspy.Trace(data, header)


def write(path: Path, *traces: obspy.Trace) -> Path:
    obspy.Stream(list(traces)).write(str(path), format="MSEED")
    return path


def collect(paths: list[Path], length_ns: int) -> dict[str, np.ndarray]:
    """All samples of all channels as they come out of the reel, in its order."""
    scans = [scan(path) for path in paths]
    reel, found = Reel(scans), {}
    for start, end in chunks(scans, length_ns):
        for segment in reel.between(start, end):
            assert start <= segment.start_ns + 1 and segment.end_ns <= end + NS
            found.setdefault(segment.seed_id, []).append(segment.data)
    return {name: np.concatenate(parts) for name, parts in found.items()}


@pytest.mark.parametrize("length_s", [7, 60, 3600, 6 * 3600])
def test_chunks_of_any_length_hold_every_sample_once_and_in_order(tmp_path: Path, length_s: int) -> None:
    whole = trace()
    cut = START + 600
    first, second = whole.slice(endtime=cut - 0.1), whole.slice(starttime=cut)
    paths = [write(tmp_path / "b", second), write(tmp_path / "a", first)]
    np.testing.assert_array_equal(collect(paths, length_s * NS)["XX.AAA..HHZ"], whole.data)


def test_chunks_lie_at_multiples_of_their_length_and_skip_empty_time(tmp_path: Path) -> None:
    paths = [write(tmp_path / "a", trace()), write(tmp_path / "b", trace(start=START + 86_400 * 30))]
    spans = list(chunks(map(scan, paths)))
    assert len(spans) == 4  # both records cross midnight
    assert all(start % CHUNK_NS == 0 and end - start == CHUNK_NS for start, end in spans)


def test_months_of_one_component_are_read_along_with_days_of_another(tmp_path: Path) -> None:
    days = [write(tmp_path / f"n{day}", trace(channel="HHN", start=START + day * 1200)) for day in range(3)]
    month = write(tmp_path / "z", trace(channel="HHZ", seconds=3600))
    scans = [scan(path) for path in [month, *days]]
    reel = Reel(scans)
    ids = [{segment.seed_id for segment in reel.between(*span)} for span in chunks(scans, 600 * NS)]
    assert ids[:6] == [{"XX.AAA..HHN", "XX.AAA..HHZ"}] * 6
    assert ids[6:] == [set()]  # the last sample lasts into one more chunk, and no sample lies in it


def test_a_file_is_dropped_when_time_has_passed_it(tmp_path: Path) -> None:
    paths = [write(tmp_path / f"{day}", trace(start=START + day * 86_400)) for day in range(5)]
    scans = [scan(path) for path in paths]
    reel = Reel(scans)
    held = [len(reel.between(start, end)) for start, end in chunks(scans)]
    assert max(held) == 1
    assert len(reel.loaded) == 1


def test_files_are_grouped_by_station_and_in_order_of_time(tmp_path: Path) -> None:
    late, early = trace(start=START + 86_400), trace()
    paths = [write(tmp_path / "1", late), write(tmp_path / "2", trace("BBB")), write(tmp_path / "3", early)]
    found = [[one.path.name for one in group] for group in groups(map(scan, paths))]
    assert found == [["3", "1"], ["2"]]


def test_files_that_share_a_station_through_a_third_are_one_group(tmp_path: Path) -> None:
    paths = [
        write(tmp_path / "a", trace("AAA")),
        write(tmp_path / "b", trace("BBB")),
        write(tmp_path / "ab", trace("AAA", start=START + 9000), trace("BBB", start=START + 9000)),
        write(tmp_path / "c", trace("CCC")),
    ]
    found = [{one.path.name for one in group} for group in groups(map(scan, paths))]
    assert found == [{"a", "b", "ab"}, {"c"}]


@pytest.mark.parametrize("rate", [75.0, 75.19, 100.0, 124.9999924, 1000 / 3])
def test_a_cut_loses_and_repeats_no_sample_at_any_rate(rate: float) -> None:
    segment = Segment("A.B.C.D", 123_456_789, rate, np.arange(5000))
    borders = np.linspace(0, 80 * NS, 57).astype(int)
    parts = [between(segment, int(a), int(b)) for a, b in pairwise(borders)]
    np.testing.assert_array_equal(np.concatenate([p.data for p in parts if p]), segment.data)


def test_a_cut_is_a_view_with_its_own_start_time() -> None:
    segment = Segment("A.B.C.D", 5 * NS, 100.0, np.arange(1000))
    part = between(segment, 7 * NS, 8 * NS)
    assert part is not None
    assert (part.start_ns, part.data[0], len(part.data)) == (7 * NS, 200, 100)
    assert np.shares_memory(part.data, segment.data)


def test_damage_found_while_decoding_is_remembered(tmp_path: Path) -> None:
    path = write(tmp_path / "a", trace())
    one, raw = scan(path), bytearray(path.read_bytes())
    raw[100:3000] = b"\xff" * 2900
    path.write_bytes(raw)
    reel = Reel([one])
    reel.between(one.start_ns, one.end_ns)
    assert "a" in {p.name for p in reel.problems}


def test_every_piece_of_a_file_is_used(tmp_path: Path) -> None:
    path = write(tmp_path / "gappy", trace(seconds=60), trace(start=START + 120, seconds=60))
    assert len(read_segments(path)) == 2
    assert len(collect([path], CHUNK_NS)["XX.AAA..HHZ"]) == 1200


@pytest.mark.parametrize(("late_s", "runs"), [(-3.0, 1), (0.0, 1), (0.04, 1), (0.06, 2), (5.0, 2)])
def test_pieces_of_a_channel_are_one_where_they_touch_or_overlap(late_s: float, runs: int) -> None:
    first = Segment("XX.AAA..HHZ", 0, 10.0, np.arange(100))
    second = Segment("XX.AAA..HHZ", round((10 + late_s) * NS), 10.0, np.arange(1000, 1100))
    done = joined([second, first])
    assert len(done) == runs and done[0].data[:100].tolist() == list(range(100))
    assert sum(len(one.data) for one in done) == 200 + min(round(late_s * 10), 0)


def test_pieces_of_other_channels_rates_and_repeats_stay_apart_or_are_dropped() -> None:
    first = Segment("XX.AAA..HHZ", 0, 10.0, np.arange(100))
    inside = Segment("XX.AAA..HHZ", 2 * NS, 10.0, np.arange(10))
    other = Segment("XX.AAA..HHN", 10 * NS, 10.0, np.arange(100))
    faster = Segment("XX.AAA..HHZ", 10 * NS, 20.0, np.arange(100))
    assert [len(one.data) for one in joined([first, inside])] == [100]
    assert [(one.seed_id[-1], one.sampling_rate) for one in joined([faster, other, first])] == [
        ("N", 10.0), ("Z", 10.0), ("Z", 20.0),
    ]  # fmt: skip
