"""jijin report: a run's database as a page, with waveforms where they still are."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

import made_up_run
from jijin.cli import app
from jijin.errors import DataError, ReadError
from jijin.io.archive import Span
from jijin.io.formats import to_stream
from jijin.network.velocity import read_velocity
from jijin.report.catalogue.of_run import of_run
from jijin.store import Coverage, DayResult, Store
from jijin.store.codec import encode
from jijin.types import DAY_NS, NS, Event, StationDay, nsl


@pytest.fixture
def event() -> Event:
    """One that many stations have picked."""
    made = made_up_run.events(made_up_run.stations(), quakes=20, blasts=0)
    return max(made, key=lambda one: len(one.origin.arrivals))


@pytest.fixture
def run(event: Event, tmp_path: Path) -> Path:
    """A run of one event whose waveforms lie in a file."""
    read = made_up_run.waveforms([event])
    start, end = event.origin.time_ns - 60 * NS, event.origin.time_ns + 120 * NS
    names = sorted({nsl(a.pick.seed_id) for a in event.origin.arrivals})
    segments = [piece for name in names for piece in read(name, start, end)]
    to_stream(segments).write(str(tmp_path / "waves.mseed"), format="MSEED")
    settings = {"source": str(tmp_path / "waves.mseed"), "velocity": json.loads(encode(read_velocity("regional")))}
    day = start // DAY_NS
    with Store.create(tmp_path / "run", settings, made_up_run.stations()) as store:
        jobs = [StationDay(name.rpartition(".")[0], day) for name in names]
        store.plan([*jobs, StationDay("IV.LATE", day)])
        for job, segment in zip(jobs, segments, strict=True):
            picks = tuple(a.pick for a in event.origin.arrivals if a.pick.seed_id.startswith(job.station + "."))
            note = "a record is damaged" if job is jobs[0] else ""
            store.add_station_day(DayResult(job, picks, (Coverage(segment.seed_id, ((start, end),)),), note))
        store.save_event(event)
    return tmp_path / "run"


def known(page: Path) -> dict:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page.read_text(encoding="utf-8"))
    assert found
    return json.loads(found[1])


def test_the_command_writes_the_page_into_the_run_and_names_it(run: Path, event: Event) -> None:
    done = CliRunner().invoke(app, ["report", str(run), "--quiet"])
    assert (done.exit_code, done.stdout) == (0, f"{run / 'report.html'}\n")
    found = known(run / "report.html")
    assert [one["id"] for one in found["events"]] == [event.event_id]
    assert {trace["id"][:-4] for trace in found["records"]["0"]} == {nsl(a.pick.seed_id) for a in event.origin.arrivals}
    expected = {name: (p, s) for name, _, p, s in found["details"]["0"]["stations"]}
    assert all(s / p == pytest.approx(1.73, abs=0.06) for p, s in expected.values())


def test_what_was_lost_and_what_is_still_to_do_is_in_the_page(run: Path, event: Event) -> None:
    view = of_run(run)
    assert view.notes[0] == f"1 of {len(view.coverage) + 1} station-days are still to be done"
    assert "a record is damaged" in view.notes[1]
    assert sum(view.picks.values()) == len(event.origin.arrivals)
    assert all(spans[0][1] - spans[0][0] == 180 * NS for spans in view.coverage.values())


def test_a_run_whose_waveforms_have_moved_is_a_page_without_them(run: Path) -> None:
    (run.parent / "waves.mseed").rename(run.parent / "moved.mseed")
    view = of_run(run)
    assert view.waveforms is None
    assert "no waveforms in this page" in view.notes[-1] and "waves.mseed" in view.notes[-1]
    assert of_run(run, waveforms=str(run.parent / "moved.mseed")).waveforms is not None


def test_waveforms_asked_for_by_name_must_be_there(run: Path) -> None:
    with pytest.raises(ReadError, match=r"elsewhere\.mseed"):
        of_run(run, waveforms=str(run.parent / "elsewhere.mseed"))


def test_no_record_section_asks_for_no_waveforms(run: Path) -> None:
    (run.parent / "waves.mseed").unlink()
    done = CliRunner().invoke(
        app, ["report", str(run), "--records", "0", "-o", str(run.parent / "page.html"), "--quiet"]
    )
    assert done.exit_code == 0
    assert known(run.parent / "page.html")["records"] == {}


@pytest.mark.parametrize("name", ["run.db", "events.csv", "catalog.xml"])
def test_the_page_takes_the_place_of_no_file_of_the_run(run: Path, name: str) -> None:
    own = run / name
    own.exists() or own.write_text("as it was")
    before = own.read_bytes()
    done = CliRunner().invoke(app, ["report", str(run), "-o", str(own), "--quiet"])
    assert done.exit_code == 2 and "that is a file of the run" in done.output and own.read_bytes() == before
    lost = CliRunner().invoke(app, ["report", str(run), "-o", str(run / "missing" / "page.html")])
    assert lost.exit_code == 2 and "there is no folder" in lost.output


def test_a_part_of_the_time_has_the_events_picks_and_data_of_that_part(run: Path, event: Event) -> None:
    before = of_run(run, span=Span(end_ns=event.origin.time_ns))
    assert (before.events, sum(before.picks.values())) == ([], 0)
    assert all(spans == [(event.origin.time_ns - 60 * NS, event.origin.time_ns)] for spans in before.coverage.values())
    done = CliRunner().invoke(app, ["report", str(run), "--start", "2024-02-28", "--end", "2024-02-29", "--quiet"])
    assert (done.exit_code, known(run / "report.html")["events"]) == (0, [])
    told = CliRunner().invoke(app, ["report", str(run), "--start", "2030-01-01"])
    assert told.exit_code == 0 and "nothing is in the time asked for" in told.output


def test_a_data_centre_is_not_asked_again_unless_it_is_named(run: Path) -> None:
    with Store.create(run.parent / "remote", {"source": "fdsn://NODE?net=XX"}):
        pass
    view = of_run(run.parent / "remote")
    assert view.waveforms is None
    assert "--waveforms 'fdsn://NODE?net=XX'" in view.notes[-1]


@pytest.mark.parametrize("source", ["replay://quake.mseed", "shake://:8888", "seedlink://host", "seedlinks://host"])
def test_a_live_run_is_a_page_without_the_waveforms_that_its_feed_did_not_keep(
    run: Path, source: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "fsspec", None)  # not installed
    with Store.open(run, write=True) as store:
        store.change_settings({**store.settings, "kind": "live", "source": source})
    done = CliRunner().invoke(app, ["report", str(run), "--quiet"])
    assert (done.exit_code, len(known(run / "report.html")["events"])) == (0, 1)
    assert of_run(run).notes[-1].startswith(f"no waveforms in this page: {source}: a feed keeps no waveforms")
    assert of_run(run, waveforms=str(run.parent / "waves.mseed")).waveforms is not None


def test_a_run_whose_source_needs_what_is_not_installed_is_a_page_without_waveforms(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "fsspec", None)
    with Store.open(run, write=True) as store:
        store.change_settings({**store.settings, "source": "s3://bucket/waves"})
    assert of_run(run).notes[-1] == (
        "no waveforms in this page: fsspec is not installed; run: pip install 'jijin[remote]'"
    )


def test_a_folder_without_a_run_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no run is in it"):
        of_run(tmp_path)
