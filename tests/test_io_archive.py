"""Every archive gives the same station-days and the same samples, and tells in a sentence what it cannot read."""

from __future__ import annotations

import pickle
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import obspy
import pytest
from obspy import Stream, Trace, UTCDateTime

from fdsn_server import Node, serving
from jijin.errors import DataError, MissingExtra, ReadError
from jijin.io import fdsn_archive, file_archive
from jijin.io.archive import Archive, Span, open_archive
from jijin.types import DAY_NS, NS, StationDay

MIDNIGHT = UTCDateTime("2024-01-02")
DAY = MIDNIGHT.ns // (86_400 * NS)
BORDER = (MIDNIGHT.ns - 60 * NS, MIDNIGHT.ns + 60 * NS)
SPAN = Span((MIDNIGHT - 86_400).ns, (MIDNIGHT + 86_400).ns)


def channel(station: str, component: str) -> Trace:
    """Four minutes at 20 Hz around midnight, of the form that only this channel has."""
    rng = np.random.default_rng([ord(c) for c in station + component])
    header = {"network": "XX", "station": station, "channel": f"HH{component}", "sampling_rate": 20.0}
    return Trace((rng.normal(size=4800) * 1000).astype("int32"), {**header, "starttime": MIDNIGHT - 120})


RECORDS = Stream([channel(station, component) for station in ("AAA", "BBB") for component in "ZNE"])


def by_day() -> Iterator[tuple[Trace, UTCDateTime]]:
    for trace in RECORDS:
        yield trace.slice(endtime=MIDNIGHT - 0.05), MIDNIGHT - 86_400
        yield trace.slice(starttime=MIDNIGHT), MIDNIGHT


@contextmanager
def folder(root: Path) -> Iterator[str]:
    RECORDS.write(str(root / "all.mseed"), format="MSEED", reclen=512)
    (root / "notes.txt").write_text("a note")
    yield str(root)


@contextmanager
def sds(root: Path) -> Iterator[str]:
    for trace, day in by_day():
        s = trace.stats
        place = root / str(day.year) / s.network / s.station / f"{s.channel}.D"
        place.mkdir(parents=True, exist_ok=True)
        trace.write(str(place / f"{trace.id}.D.{day.year}.{day.julday:03d}"), format="MSEED")
    yield f"sds://{root}"


@contextmanager
def bucket(root: Path, name: str) -> Iterator[str]:
    fsspec = pytest.importorskip("fsspec", reason="fsspec is absent: archives elsewhere are NOT checked")
    memory = fsspec.filesystem("memory")
    for trace, day in by_day():
        s = trace.stats
        trace.write(str(root / "one"), format="MSEED")
        path = name.format(s=s, day=day, net=s.network, sta=s.station, cha=s.channel, year=day.year, jday=day.julday)
        memory.pipe_file(f"/bucket/{path}", (root / "one").read_bytes())
    yield "memory://bucket"
    memory.rm("/bucket", recursive=True)


@contextmanager
def fdsn(root: Path) -> Iterator[str]:
    with serving(Node(RECORDS)) as address:
        yield f"fdsn://{address}?net=XX"


KINDS = {
    "folder": folder,
    "sds": sds,
    "SCEDC's names": lambda root: bucket(root, "{year}/{net}{sta}__{cha}___{year}{jday:03d}.ms"),
    "NCEDC's names": lambda root: bucket(root, "{sta}.{net}.{cha}..D.{year}.{jday:03d}"),
    "own names": lambda root: bucket(root, "{sta}/{cha}-{jday}.mseed"),
    "fdsn": fdsn,
}


@pytest.fixture(params=KINDS)
def archive(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Archive]:
    with KINDS[request.param](tmp_path) as source:
        yield open_archive(source, SPAN)


def ids(found: list) -> list[str]:
    return [segment.seed_id for segment in found]


def test_every_archive_has_the_same_station_days(archive: Archive) -> None:
    days = [StationDay(name, day) for day in (DAY - 1, DAY) for name in ("XX.AAA", "XX.BBB")]
    assert archive.station_days() == days


def test_every_archive_gives_the_samples_of_a_span_over_midnight(archive: Archive) -> None:
    part = pickle.loads(pickle.dumps(archive.part(StationDay("XX.AAA", DAY))))
    for one in (archive, part):
        found = one.segments("XX.AAA", *BORDER)
        assert sorted(set(ids(found))) == ["XX.AAA..HHE", "XX.AAA..HHN", "XX.AAA..HHZ"]
        vertical = [segment for segment in found if segment.seed_id.endswith("Z")]
        assert vertical[0].start_ns == BORDER[0] and vertical[-1].end_ns == BORDER[1]
        np.testing.assert_array_equal(np.concatenate([s.data for s in vertical]), channel("AAA", "Z").data[1200:3600])
    assert not archive.problems


def test_the_part_of_a_day_has_all_stations(archive: Archive) -> None:
    part = pickle.loads(pickle.dumps(archive.day(DAY)))
    assert [len(part.segments(name, *BORDER)) >= 3 for name in ("XX.AAA", "XX.BBB")] == [True, True]


def test_a_location_is_asked_for_by_its_code(archive: Archive) -> None:
    assert len(set(ids(archive.segments("XX.AAA.", *BORDER)))) == 3
    assert archive.segments("XX.AAA.00", *BORDER) == []
    assert archive.segments("XX.NONE", *BORDER) == []


def test_a_span_without_data_is_empty(archive: Archive) -> None:
    assert archive.segments("XX.AAA", MIDNIGHT.ns + 3600 * NS, MIDNIGHT.ns + 7200 * NS) == []


def test_start_and_end_leave_days_out(tmp_path: Path) -> None:
    with sds(tmp_path) as source:
        late = open_archive(source, Span(start_ns=MIDNIGHT.ns))
        early = open_archive(source, Span(end_ns=MIDNIGHT.ns))
    assert {job.day for job in late.station_days()} == {DAY}
    assert {job.day for job in early.station_days()} == {DAY - 1}


def test_files_that_cannot_be_read_are_told_and_the_others_used(tmp_path: Path) -> None:
    with folder(tmp_path) as source:
        (tmp_path / "bad.mseed").write_bytes(b"\x00\xff" * 300)
        told: list[str] = []
        archive = open_archive(source, tell=told.append)
    assert len(archive.station_days()) == 4
    assert len(told) == 1 and told[0].startswith(f"{tmp_path / 'bad.mseed'}: it is not a waveform file")


def test_a_file_that_is_gone_is_a_problem_and_nothing_left_is_an_error(tmp_path: Path) -> None:
    with sds(tmp_path) as source:
        archive = open_archive(source)
    gone = sorted(tmp_path.rglob("*AAA*HHZ*"))
    for path in gone:
        path.unlink()
    assert sorted(set(ids(archive.segments("XX.AAA", *BORDER)))) == ["XX.AAA..HHE", "XX.AAA..HHN"]
    assert sorted(archive.problems) == [str(path) for path in gone]
    for path in tmp_path.rglob("*AAA*HH*"):
        path.unlink()
    with pytest.raises(ReadError, match="No such file"):
        archive.segments("XX.AAA", *BORDER)


def test_what_lies_beside_the_days_asked_for_can_be_had_for_their_margins(tmp_path: Path) -> None:
    with sds(tmp_path) as source:
        for span, day in ((Span(start_ns=MIDNIGHT.ns), DAY), (Span(end_ns=MIDNIGHT.ns), DAY - 1)):
            archive = open_archive(source, span)
            part, whole = (
                one.segments("XX.AAA", *BORDER) for one in (archive.part(StationDay("XX.AAA", day)), archive)
            )
            for found in (part, whole):
                assert min(s.start_ns for s in found) == BORDER[0] and max(s.end_ns for s in found) == BORDER[1]


def test_a_station_day_whose_files_have_gone_is_a_problem_of_its_part(tmp_path: Path) -> None:
    with sds(tmp_path) as source:
        archive = open_archive(source, Span(start_ns=MIDNIGHT.ns))
    assert archive.part(StationDay("XX.AAA", DAY)).problems == {}
    job = StationDay("XX.AAA", DAY + 7)
    assert archive.part(job).problems == {"XX.AAA 2024-01-09": "its files are not there any more"}


@pytest.mark.parametrize("year", ["1970-01-01T00:10:00", "2199-05-05T00:00:00"])
def test_a_clock_that_was_never_set_is_told_and_its_data_left_out(tmp_path: Path, year: str) -> None:
    odd = channel("AAA", "Z")
    odd.stats.starttime = UTCDateTime(year)
    told: list[str] = []
    with folder(tmp_path) as source:
        odd.write(str(tmp_path / "odd.mseed"), format="MSEED")
        archive = open_archive(source, tell=told.append)
        asked = open_archive(source, Span((UTCDateTime(year) - 86_400).ns, (UTCDateTime(year) + 86_400).ns))
    assert {job.day for job in archive.station_days()} == {DAY - 1, DAY}
    assert told == [f"XX.AAA: 1 day(s) with a clock out of order ({year[:10]}, say) are left out"]
    assert [str(job) for job in asked.station_days()] == [f"XX.AAA {year[:10]}"]


@pytest.mark.parametrize("kind", ["folder", "sds", "memory"])
def test_an_empty_archive_is_told(tmp_path: Path, kind: str) -> None:
    source = {"folder": f"{tmp_path}", "sds": f"sds://{tmp_path}", "memory": "memory://nothing"}[kind]
    with pytest.raises(ReadError, match=r"no waveform file is in it|cannot be listed"):
        open_archive(source)


def test_a_store_elsewhere_with_nothing_but_a_folder_is_empty_and_one_that_does_not_answer_cannot_be_listed() -> None:
    fsspec = pytest.importorskip("fsspec", reason="fsspec is absent: archives elsewhere are NOT checked")
    fsspec.filesystem("memory").makedirs("/hollow/inner")
    with pytest.raises(ReadError, match="no waveform file is in it"):
        open_archive("memory://hollow")
    pytest.importorskip("aiohttp", reason="aiohttp is absent: a server that refuses is NOT checked")
    with pytest.raises(ReadError, match=r"http://127\.0\.0\.1:9/x: cannot be listed"):
        open_archive("http://127.0.0.1:9/x")


def test_an_archive_without_data_in_the_span_is_told(tmp_path: Path) -> None:
    with folder(tmp_path) as source, pytest.raises(ReadError, match="no data in the time asked for"):
        open_archive(source, Span(start_ns=MIDNIGHT.ns + 86_400 * NS))


def test_a_url_that_nobody_knows_is_told() -> None:
    pytest.importorskip("fsspec", reason="fsspec is absent: archives elsewhere are NOT checked")
    with pytest.raises(DataError, match="Protocol not known"):
        open_archive("ftpx://somewhere/data")


def test_s3_without_its_package_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("fsspec", reason="fsspec is absent: archives elsewhere are NOT checked")
    monkeypatch.setitem(sys.modules, "s3fs", None)
    with pytest.raises(MissingExtra, match=r"pip install 'jijin\[remote\]'"):
        open_archive("s3://bucket/prefix")


def test_a_transfer_that_breaks_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_archive, "PAUSE_S", 0.0)

    class Flaky:
        left = 3

        def get_file(self, path: str, here: str) -> None:
            Flaky.left -= 1
            if Flaky.left >= 0:
                raise ConnectionError("reset by peer")
            Path(here).write_text("at last")

    file_archive.fetch(Flaky(), "s3/one", tmp_path / "one")
    assert (tmp_path / "one").read_text() == "at last"
    Flaky.left = 99
    with pytest.raises(OSError, match=r"s3/one: cannot be fetched after 4 tries: reset by peer"):
        file_archive.fetch(Flaky(), "s3/one", tmp_path / "one")


# a data centre's moods


@pytest.fixture
def node(monkeypatch: pytest.MonkeyPatch) -> Iterator[Node]:
    monkeypatch.setattr(fdsn_archive, "PAUSE_S", 0.0)
    monkeypatch.setattr(fdsn_archive, "TIMEOUT_S", 1.0)
    node = Node(RECORDS.copy())
    with serving(node) as node.address:
        yield node


def fdsn_of(node: Node, query: str = "net=XX") -> Archive:
    return open_archive(f"fdsn://{node.address}?{query}", SPAN)


@pytest.mark.parametrize("fault", [500, 502, 503, 429, 2.5])
def test_a_centre_that_is_busy_or_slow_is_asked_again(node: Node, fault: float) -> None:
    archive = fdsn_of(node)
    node.faults = [fault]
    assert len(archive.segments("XX.AAA", *BORDER)) == 3
    assert len(node.asked) == 2


def test_a_centre_that_stays_busy_is_an_error_that_names_the_request(node: Node) -> None:
    archive = fdsn_of(node)
    node.faults = [503] * 4
    with pytest.raises(OSError, match=r"XX\.AAA\.\*\.HHE,HHN,HHZ 2024-01-01T23:59:00.*no answer after 4 tries"):
        archive.segments("XX.AAA", *BORDER)


def test_a_refusal_is_not_asked_again(node: Node) -> None:
    archive = fdsn_of(node)
    node.faults = [403]
    with pytest.raises(OSError, match="refused: Authentication failed"):
        archive.segments("XX.AAA", *BORDER)
    assert len(node.asked) == 1


def test_a_request_too_large_is_halved(node: Node) -> None:
    archive = fdsn_of(node)
    node.longest_s = 150
    start, end = MIDNIGHT.ns - 120 * NS, MIDNIGHT.ns + 120 * NS
    found = [s for s in archive.segments("XX.AAA", start, end) if s.seed_id.endswith("Z")]
    assert len(node.asked) == 3
    np.testing.assert_array_equal(np.concatenate([s.data for s in found]), channel("AAA", "Z").data)


def test_the_fastest_seismometer_of_a_station_is_taken_unless_channels_are_given(node: Node) -> None:
    for code in ("BHZ", "HNZ"):
        slower = channel("AAA", "Z")
        slower.stats.channel = code
        node.stream.append(slower)
    assert {s.seed_id[-3:] for s in fdsn_of(node).segments("XX.AAA", *BORDER)} == {"HHZ", "HHN", "HHE"}
    chosen = fdsn_of(node, "net=XX&sta=AAA&cha=BH?").segments("XX.AAA", *BORDER)
    assert {s.seed_id[-3:] for s in chosen} == {"BHZ"}


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ("fdsn://", "it must look like"),
        ("fdsn://IRIS", "it must look like"),
        ("fdsn://IRIS?net=IU&station=ANMO", "unknown 'station'"),
        ("fdsn://127.0.0.1:9?net=IU", r"^fdsn://127\.0\.0\.1:9: no address of a data centre"),
        ("fdsn://NOWHERE?net=IU", "shortcut `NOWHERE` is unknown"),
    ],
)
def test_a_wrong_fdsn_url_is_told(source: str, sentence: str) -> None:
    with pytest.raises(DataError, match=sentence):
        open_archive(source, SPAN)


def test_a_centre_needs_a_stretch_of_time(node: Node) -> None:
    with pytest.raises(DataError, match="give --start and --end"):
        open_archive(f"fdsn://{node.address}?net=XX", Span(start_ns=0))


def test_a_centre_without_such_channels_is_told(node: Node) -> None:
    with pytest.raises(ReadError, match="knows no such channels"):
        fdsn_of(node, "net=YY")


def test_a_centre_that_cannot_be_reached_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fdsn_archive, "PAUSE_S", 0.0)
    with pytest.raises(OSError, match=r"^fdsn://127\.0\.0\.1:1009: stations: no answer after 2 tries"):
        open_archive("fdsn://127.0.0.1:1009?net=XX", SPAN)


def test_each_time_that_a_centre_is_asked_again_is_told(node: Node, caplog: pytest.LogCaptureFixture) -> None:
    archive = fdsn_of(node)
    node.faults = [503, 503]
    assert len(archive.segments("XX.AAA", *BORDER)) == 3
    assert [record.getMessage() for record in caplog.records] == [
        f"fdsn://{node.address} does not answer, trying again in 0 s ({n} of 4)" for n in (2, 3)
    ]


def test_the_record_that_obspy_ships_is_an_archive_of_one_file(tmp_path: Path) -> None:
    obspy.read().write(str(tmp_path / "quake"), format="MSEED")
    archive = open_archive(str(tmp_path / "quake"))
    assert [str(job) for job in archive.station_days()] == ["BW.RJOB 2009-08-24"]


def test_a_span_that_ends_or_starts_at_1970_is_not_open() -> None:
    assert Span(end_ns=0).cut(-DAY_NS, DAY_NS) == (-DAY_NS, 0) and Span(start_ns=0).cut(-DAY_NS, DAY_NS) == (0, DAY_NS)
    assert [Span(end_ns=0).has_day(day) for day in (-1, 0)] == [True, False]
    assert Span().cut(-DAY_NS, DAY_NS) == (-DAY_NS, DAY_NS)
