"""jijin catalog and jijin picks as a user types them, on the synthetic network: stopped, resumed, corrected, spoilt."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import obspy
import pytest
from obspy import UTCDateTime

from jijin.catalog.edit import edit
from jijin.cli import main
from jijin.data.network_day import Quake, write_network
from jijin.network.geo import distance_azimuth
from jijin.store import Store, pick_id, schema
from jijin.types import DAY_NS, NS, Event, net_sta

Run = Callable[..., tuple[int, str, str]]
QUAKES = 4


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forty minutes around midnight at eight stations: data/waveforms, data/stations.xml."""
    folder = tmp_path_factory.mktemp("network")
    write_network(folder, QUAKES, hours=2 / 3, seed=1)
    return folder


@pytest.fixture(scope="module")
def truth(network: Path) -> list[Quake]:
    rows = csv.DictReader(io.StringIO((network / "truth.csv").read_text()))
    names = ("latitude", "longitude", "depth_km", "magnitude")
    return [Quake(UTCDateTime(row["time"]).ns, *(float(row[name]) for name in names)) for row in rows]


def words(network: Path, run: Path, *more: object) -> list[str]:
    given = ["catalog", network / "waveforms", "--stations", network / "stations.xml", "-o", run, *more]
    return [str(word) for word in given]


@pytest.fixture(scope="module")
def finished(network: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An undisturbed run of two processes. Tests copy it before they change it."""
    folder = tmp_path_factory.mktemp("finished") / "run"
    done = subprocess.run([sys.executable, "-m", "jijin.cli", *words(network, folder, "--workers", 2)], check=False)
    assert done.returncode == 0
    return folder


@pytest.fixture
def edited(finished: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(finished, tmp_path / "run"))


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    """Call the command in this process: call("picks", path) -> (exit status, stdout, stderr)."""

    def run(*given: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["jijin", *map(str, given)])
        with pytest.raises(SystemExit) as stop:
            main()
        captured = capfd.readouterr()
        return int(stop.value.code or 0), captured.out, captured.err

    return run


def table(folder: Path, name: str) -> list[tuple[object, ...]]:
    db = sqlite3.connect(folder / "run.db")
    assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    return db.execute(f"SELECT * FROM {name} ORDER BY 1, 2, 3").fetchall()


def events(folder: Path) -> list[Event]:
    with Store.open(folder) as store:
        return store.events()


def places(found: list[Event]) -> list[tuple[object, ...]]:
    return [(e.event_id, e.version, e.origin, e.magnitude) for e in found]


# what a run gives


def test_the_earthquakes_are_found_where_and_as_large_as_they_are(finished: Path, truth: list[Quake]) -> None:
    found = events(finished)
    assert len(found) == len(truth) == QUAKES
    for event, quake in zip(found, truth, strict=True):
        origin = event.origin
        far, _ = distance_azimuth(quake.latitude, quake.longitude, origin.latitude, origin.longitude)
        assert abs(origin.time_ns - quake.time_ns) < 0.3 * NS
        assert float(far) < 1.0 and abs(origin.depth_km - quake.depth_km) < 2.0
        assert event.magnitude is not None and event.magnitude.value == pytest.approx(quake.magnitude, abs=0.1)


def test_earthquakes_are_called_earthquakes_or_not_determined_with_reasons(finished: Path) -> None:
    kinds = [event.source_type for event in events(finished)]
    assert {kind.event_type for kind in kinds if kind} <= {"earthquake", None} and all(k and k.reasons for k in kinds)


def test_the_event_whose_picks_lie_on_both_sides_of_midnight_is_found_once_and_whole(finished: Path) -> None:
    over = [e for e in events(finished) if len({a.pick.time_ns // DAY_NS for a in e.origin.arrivals}) == 2]
    assert len(over) == 1 and len(over[0].origin.arrivals) >= 14


def test_the_files_of_a_run_agree_with_its_database(finished: Path) -> None:
    catalog = obspy.read_events(str(finished / "catalog.xml"))
    found = events(finished)
    times = [e.preferred_origin().time.ns for e in catalog]
    np.testing.assert_allclose(times, [e.origin.time_ns for e in found], rtol=0, atol=1000)
    rows = list(csv.DictReader(io.StringIO((finished / "events.csv").read_text())))
    assert [row["event_id"] for row in rows] == [e.event_id for e in found]
    assert len((finished / "picks.csv").read_text().splitlines()) == len(table(finished, "pick")) + 1
    arrivals = sum(len(e.origin.arrivals) for e in found)
    assert len((finished / "arrivals.csv").read_text().splitlines()) == arrivals + 1
    names = {path.name for path in (finished / "phases").iterdir()}
    assert {"nonlinloc.obs", "hypodd.pha", "pyocto_picks.csv", "gamma_picks.csv"} <= names
    numbers = csv.DictReader(io.StringIO((finished / "phases/hypodd_events.csv").read_text()))
    assert [(row["number"], row["event_id"]) for row in numbers] == [
        (str(n), e.event_id) for n, e in enumerate(found, 1)
    ]
    if (finished / "picks.parquet").exists():
        import pandas as pd

        assert len(pd.read_parquet(finished / "picks.parquet")) == len(table(finished, "pick"))


def test_the_coverage_of_every_station_day_is_kept(finished: Path) -> None:
    with Store.open(finished) as store:
        coverage = store.coverage()
    assert len(coverage) == 16
    assert {round(one.seconds) for channels in coverage.values() for one in channels} == {1200}
    assert all(len(channels) == 3 for channels in coverage.values())


def test_one_process_and_a_dask_cluster_give_the_same_as_two_processes(
    network: Path, finished: Path, tmp_path: Path, call: Run
) -> None:
    assert call(*words(network, tmp_path / "one", "--workers", 1))[0] == 0
    assert table(tmp_path / "one", "pick") == table(finished, "pick")
    assert places(events(tmp_path / "one")) == places(events(finished))
    distributed = pytest.importorskip("distributed", reason="dask.distributed is absent: --dask is NOT checked")
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None, memory_limit=0) as cluster:
        status, _, err = call(*words(network, tmp_path / "many", "--dask", cluster.scheduler_address))
    assert status == 0, err
    assert table(tmp_path / "many", "pick") == table(finished, "pick")


def test_settings_and_corrections_reach_the_stages_and_are_kept(small: Path, tmp_path: Path, call: Run) -> None:
    (tmp_path / "run.toml").write_text(
        "[pick]\nthreshold_p = 0.5\n[locate]\nfixed_depth_km = 7\n[discriminate.context]\nquarries = [[36.5, 127.8]]\n"
    )
    (tmp_path / "late.csv").write_text("station,phase,correction_s\nXX.SY01,P,0.5\nXX.SY01,S,0.5\n")
    given = words(small, tmp_path / "run", "--config", tmp_path / "run.toml", "--corrections", tmp_path / "late.csv")
    assert call(*given, "--workers", 1)[0] == 0
    found = events(tmp_path / "run")
    late = [a.time_residual_s for e in found for a in e.origin.arrivals if a.pick.seed_id.startswith("XX.SY01")]
    assert found and {e.origin.depth_km for e in found} == {7.0}
    assert np.median(late) < -0.2
    status, _, err = call(*given, "--resume")
    assert status == 0, err


# killed and resumed


def done_days(folder: Path) -> int:
    try:
        with Store.open(folder) as store:
            return store.progress().done
    except (OSError, ValueError):  # it is not there yet
        return -1


@pytest.mark.parametrize(("after", "workers"), [(0, 2), (3, 1), (9, 2)])
def test_a_run_killed_at_any_moment_and_resumed_gives_the_picks_of_an_undisturbed_one(
    network: Path, finished: Path, tmp_path: Path, call: Run, after: int, workers: int
) -> None:
    folder = tmp_path / "run"
    process = subprocess.Popen([sys.executable, "-m", "jijin.cli", *words(network, folder, "--workers", workers)])
    deadline = time.monotonic() + 300
    while done_days(folder) < after and process.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL, "it ended before it could be killed"
    had = table(folder, "pick")
    status, _, err = call(*words(network, folder, "--workers", 2))
    assert status == 1 and "--resume goes on with it" in err
    assert table(folder, "pick") == had
    status, _, err = call("catalog", "--resume", "-o", folder, "--workers", 2)
    assert status == 0 and "of 16 station-days done" in err
    assert table(folder, "pick") == table(finished, "pick")
    assert table(folder, "coverage") == table(finished, "coverage")
    assert places(events(folder)) == places(events(finished))


def test_resuming_a_finished_run_changes_nothing(network: Path, edited: Path, finished: Path, call: Run) -> None:
    status, _, err = call(*words(network, edited, "--resume"))
    assert status == 0 and "16 of 16 station-days done, 0 left" in err
    assert table(edited, "event") == table(finished, "event") and table(edited, "pick") == table(finished, "pick")


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        (["--start", "2024-01-02"], "start_ns = none, not 2024-01-02T00:00:00"),
        (["--velocity", "iasp91"], r"velocity\.\w+ = "),
        (["--config"], "config.pick.threshold_p = none, not 0.5"),
    ],
)
def test_resuming_with_other_settings_is_refused(
    network: Path, edited: Path, tmp_path: Path, call: Run, more: list[str], sentence: str
) -> None:
    import re

    if more == ["--config"]:
        (tmp_path / "run.toml").write_text("[pick]\nthreshold_p = 0.5\n")
        more = ["--config", str(tmp_path / "run.toml")]
    before = table(edited, "pick")
    status, _, err = call(*words(network, edited, "--resume", *more))
    assert status == 1 and len(err.splitlines()) == 1 and "begun with" in err and re.search(sentence, err)
    assert table(edited, "pick") == before


def test_settings_of_events_may_be_others_until_there_are_events(
    network: Path, finished: Path, edited: Path, tmp_path: Path, call: Run
) -> None:
    db = sqlite3.connect(edited / "run.db")
    settings = json.loads(db.execute("SELECT value FROM meta").fetchone()[0])
    settings["config"]["magnitude"]["formula"] = "it_has_gone.toml"
    db.execute("UPDATE meta SET value = ?", [json.dumps(settings)])
    db.executescript("DELETE FROM event; DELETE FROM event_day")
    db.close()
    status, _, err = call("catalog", "--resume", "-o", edited)
    assert status == 2 and f"{edited} [magnitude]: it_has_gone.toml: cannot be read" in err
    (tmp_path / "run.toml").write_text("[magnitude]\nformula = 'bakun_joyner_1984'\n[locate]\nfixed_depth_km = 7\n")
    given = words(network, edited, "--resume", "--workers", 1, "--config", tmp_path / "run.toml")
    assert call(*given)[0] == 0
    assert table(edited, "pick") == table(finished, "pick")
    assert {(e.origin.depth_km, e.magnitude.formula) for e in events(edited) if e.magnitude} == {
        (7.0, "bakun_joyner_1984")
    }
    (tmp_path / "run.toml").write_text("[locate]\nfixed_depth_km = 8\n")
    status, _, err = call(*given)
    assert status == 1 and "begun with config.locate.fixed_depth_km = 7.0, not 8" in err


def test_what_makes_events_is_tried_before_anything_is_picked(small: Path, tmp_path: Path, call: Run) -> None:
    (tmp_path / "response.xml").write_text("<FDSNStationXML>")
    status, _, err = call(*words(small, tmp_path / "run", "--response", tmp_path / "response.xml"))
    assert status == 1 and "response.xml: ObsPy cannot read it" in err and not (tmp_path / "run").exists()


def test_a_full_disk_is_one_sentence_and_loses_nothing_that_was_finished(
    network: Path, finished: Path, tmp_path: Path, call: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect, folder = schema.connect, tmp_path / "run"

    def small(where: Path, write: bool) -> sqlite3.Connection:
        db = connect(where, write)
        db.execute("PRAGMA max_page_count=12")
        return db

    monkeypatch.setattr(schema, "connect", small)
    status, _, err = call(*words(network, folder, "--workers", 1))
    assert status == 1 and err == f"jijin: {folder / 'run.db'}: the disk is full; what was finished before is kept\n"
    monkeypatch.setattr(schema, "connect", connect)
    assert 0 < done_days(folder) < 16
    assert call("catalog", "--resume", "-o", folder, "--workers", 1)[0] == 0
    assert table(folder, "pick") == table(finished, "pick")


def test_an_interrupt_says_how_to_go_on(
    network: Path, tmp_path: Path, call: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(store: Store, result: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Store, "add_station_day", interrupted)
        status, _, err = call(*words(network, tmp_path / "run", "--workers", 1))
    assert status == 130 and f"jijin catalog --resume -o {tmp_path / 'run'} goes on" in err


# what goes wrong


@pytest.fixture
def small(network: Path, tmp_path: Path) -> Path:
    """A copy of the first day at four stations."""
    folder = tmp_path / "small"
    (folder / "waveforms").mkdir(parents=True)
    shutil.copy(network / "stations.xml", folder)
    for path in (network / "waveforms").glob("XX.SY0[1-4].*.001"):
        shutil.copy(path, folder / "waveforms")
    return folder


def test_a_station_that_fails_is_told_at_the_end_and_tried_again(
    small: Path, tmp_path: Path, call: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    from jijin.io.file_archive import FileArchive

    segments = FileArchive.segments

    def broken(archive: FileArchive, name: str, start_ns: int, end_ns: int) -> object:
        if name == "XX.SY02":
            raise OSError(5, "Input/output error", "disk2")
        return segments(archive, name, start_ns, end_ns)

    with monkeypatch.context() as patch:
        patch.setattr(FileArchive, "segments", broken)
        status, _, err = call(*words(small, tmp_path / "run", "--workers", 1))
    assert status == 1
    assert "XX.SY02 2024-01-01: [Errno 5] Input/output error: 'disk2'" in err
    assert done_days(tmp_path / "run") == 3
    status, _, err = call("catalog", "--resume", "-o", tmp_path / "run", "--workers", 1)
    assert status == 0 and "3 of 4 station-days done, 1 left (1 failed and are tried again)" in err
    assert done_days(tmp_path / "run") == 4


def test_a_data_centre_and_a_bucket_give_the_picks_of_a_folder(
    small: Path, tmp_path: Path, call: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fdsn_server import Node, serving
    from jijin.io import fdsn_archive

    fsspec = pytest.importorskip("fsspec", reason="fsspec is absent: buckets are NOT checked")
    monkeypatch.setattr(fdsn_archive, "PAUSE_S", 0.0)
    assert call(*words(small, tmp_path / "folder", "--workers", 1))[0] == 0
    memory = fsspec.filesystem("memory")
    for path in (small / "waveforms").iterdir():
        memory.pipe_file(f"/catalog/{path.name}", path.read_bytes())
    given = ["--stations", small / "stations.xml", "--workers", 1]
    assert call("catalog", "memory://catalog", *given, "-o", tmp_path / "bucket")[0] == 0
    memory.rm("/catalog", recursive=True)
    stream = obspy.read(str(small / "waveforms" / "*"))
    with serving(Node(stream, faults=[503, 503])) as address:
        dates = ["--start", "2024-01-01", "--end", "2024-01-02"]
        assert call("catalog", f"fdsn://{address}?net=XX", *dates, *given, "-o", tmp_path / "centre")[0] == 0
    picks = table(tmp_path / "folder", "pick")
    assert len(picks) > 10
    assert table(tmp_path / "bucket", "pick") == table(tmp_path / "centre", "pick") == picks
    assert places(events(tmp_path / "centre")) == places(events(tmp_path / "folder"))


def test_a_damaged_file_is_told_and_its_sound_part_used(small: Path, tmp_path: Path, call: Run) -> None:
    path = next((small / "waveforms").glob("XX.SY03..HHZ*"))
    raw = bytearray(path.read_bytes())
    raw[4096:8192] = bytes(range(256)) * 16
    path.write_bytes(raw)
    status, _, err = call(*words(small, tmp_path / "run", "--workers", 1))
    assert status == 1 and f"{path}: damaged: " in err
    assert done_days(tmp_path / "run") == 4


def test_a_damaged_file_of_a_whole_network_is_told_once(small: Path, tmp_path: Path, call: Run) -> None:
    files = sorted((small / "waveforms").iterdir())
    raw = bytearray(b"".join(path.read_bytes() for path in files))
    raw[4096:8192] = bytes(range(256)) * 16
    whole = tmp_path / "network.mseed"
    whole.write_bytes(raw)
    words = ["catalog", whole, "--stations", small / "stations.xml", "-o", tmp_path / "run", "--workers", 1]
    status, _, err = call(*words)
    assert status == 1 and err.count("network.mseed: damaged: ") == 1
    assert "; the rest is used (4 station-days)" in err and "associating and locating 1 day(s)" in err


def test_stations_that_the_table_does_not_know_are_named_and_picked_but_not_located(
    small: Path, tmp_path: Path, call: Run
) -> None:
    inventory = obspy.read_inventory(str(small / "stations.xml"))
    for name in ("SY04", "SY08"):
        inventory = inventory.remove(station=name)
    inventory.write(str(small / "stations.xml"), format="STATIONXML")
    status, _, err = call(*words(small, tmp_path / "run", "--workers", 1))
    assert status == 0 and "XX.SY04: not in the table of stations; picked, but not used to locate" in err
    assert "SY08" not in err
    with Store.open(tmp_path / "run") as store:
        assert any(pick.seed_id.startswith("XX.SY04") for pick in store.each_pick())
        assert not any(a.pick.seed_id.startswith("XX.SY04") for e in store.events() for a in e.origin.arrivals)


def test_picks_that_make_no_event_are_a_sentence(small: Path, tmp_path: Path, call: Run) -> None:
    for path in (small / "waveforms").glob("XX.SY0[34]*"):
        path.unlink()
    status, _, err = call(*words(small, tmp_path / "run", "--workers", 1))
    count = len(table(tmp_path / "run", "pick"))
    told = f"no event: {count} picks, {count} of them at 2 station(s) of the table; an event needs 6 picks that fit one"
    assert status == 0 and count and told in err


def test_a_warning_is_a_line_once(small: Path, tmp_path: Path, call: Run) -> None:
    stations = tmp_path / "flat.csv"
    stations.write_text("network,station,latitude,longitude\nXX,SY01,36.5,127.8\n")
    given = ["catalog", small / "waveforms", "-o", tmp_path / "run", "--stations", stations, "--workers", 1]
    _, _, err = call(*given)
    told = f"jijin: {stations}: no column elevation_m; stations are taken to stand at sea level\n"
    assert err.count(told) == 1 and "UserWarning" not in err


def test_corrections_of_no_station_of_the_table_stop_the_run(small: Path, tmp_path: Path, call: Run) -> None:
    late = tmp_path / "late.csv"
    late.write_text("station,phase,correction_s\nSY01,P,0.5\n")
    status, _, err = call(*words(small, tmp_path / "run", "--corrections", late, "--workers", 1))
    assert status == 1 and "corrections: none of SY01 is in the table of stations; write NET.STA" in err
    assert not (tmp_path / "run").exists()


def test_without_any_station_in_the_table_picks_are_made_and_it_is_told(small: Path, tmp_path: Path, call: Run) -> None:
    (small / "stations.csv").write_text("network,station,latitude,longitude,elevation_m\nYY,OTHER,1,2,3\n")
    given = ["catalog", small / "waveforms", "--stations", small / "stations.csv", "-o", tmp_path / "run"]
    status, _, err = call(*given, "--workers", 1)
    assert status == 1 and "none of the 4 station(s) with waveforms is in the table" in err
    assert table(tmp_path / "run", "pick") and events(tmp_path / "run") == []


def test_without_responses_no_magnitude_is_invented_and_the_reason_is_said(
    small: Path, tmp_path: Path, call: Run
) -> None:
    inventory = obspy.read_inventory(str(small / "stations.xml"))
    rows = [f"XX,{s.code},{s.latitude},{s.longitude},{s.elevation}\n" for s in inventory[0]]
    (small / "stations.csv").write_text("network,station,latitude,longitude,elevation_m\n" + "".join(rows))
    given = ["catalog", small / "waveforms", "--stations", small / "stations.csv", "-o", tmp_path / "run"]
    assert call(*given, "--workers", 1)[0] == 0
    found = events(tmp_path / "run")
    assert found and all(e.magnitude is not None and e.magnitude.value is None for e in found)
    assert {e.magnitude.reason for e in found if e.magnitude} == {"no inventory with responses was given"}


@pytest.mark.parametrize(
    ("more", "status", "sentence"),
    [
        (["--start", "2024-02-01", "--end", "2024-01-01"], 2, "--start 2024-02-01 is not before --end 2024-01-01"),
        (["--start", "yesterday"], 2, "--start yesterday: not a time"),
        (["--end", "1999-01-01"], 1, "it has no data in the time asked for"),
        (
            ["--velocity", "regionl"],
            2,
            "no velocity model 'regionl': neither a file nor one of regional, iasp91, ak135; did",
        ),
        (["--corrections", "nowhere.csv"], 1, "nowhere.csv: cannot be read: No such file"),
        (["--response", "nowhere.xml"], 1, "nowhere.xml: cannot be read: No such file"),
        (["--config", "nowhere.toml"], 2, "nowhere.toml: cannot be read: No such file"),
        (["--example"], 2, "--example brings its own SOURCE"),
        (["--workers", "0"], 2, "'--workers'"),
    ],
)
def test_a_wrong_option_is_one_sentence_and_leaves_no_folder(
    small: Path, tmp_path: Path, call: Run, more: list[str], status: int, sentence: str
) -> None:
    got, out, err = call(*words(small, tmp_path / "run", *more))
    assert (got, out) == (status, "") and sentence in err and "Traceback" not in err
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            "[pick]\nthreshold_detect = 0.5\n",
            "[pick]: unknown key 'threshold_detect'; did you mean 'threshold_detection'?",
        ),
        ("[picking]\nthreshold_p = 0.5\n", "unknown key 'picking'; did you mean 'pick'?"),
        ("[pick]\nthreshold_p = '0.5'\n", "'threshold_p' must be a number (got '0.5')"),
        ("[pick]\nthreshold_p = 5\n", "[pick]: 'threshold_p' must be in (0, 1] (got 5)"),
        ("pick = 3\n", "'pick' must be a table (got 3)"),
        ("[locate]\nmin_picks = 4.5\n", "'min_picks' must be a whole number (got 4.5)"),
        ("[discriminate]\ncontext = 1\n", "'context' must be a table (got 1)"),
        ("[discriminate.context]\ndeep = 1\n", "[discriminate] [context]: unknown key 'deep'; did you mean 'deep_km'?"),
        ("[discriminate.prior]\nearthquake = 'much'\n", "[prior]: 'earthquake' must be a number (got 'much')"),
        ("model = 3\n", "'model' must be a text (got 3)"),
        ("model = 'nowhere.onnx'\n", "no model 'nowhere.onnx'"),
        ("[magnitude]\nformula = 'huton'\n", "run.toml [magnitude]: unknown formula 'huton'; take hutton_boore_1987"),
        ("[magnitude]\nformula = 'nowhere.toml'\n", "run.toml [magnitude]: nowhere.toml: cannot be read: No such file"),
        ("[discriminate]\nmodel = 'own.json'\n", "run.toml [discriminate]: no source model 'own.json'"),
        ("[pick\n", "not TOML"),
    ],
)
def test_a_wrong_settings_file_stops_the_run(small: Path, tmp_path: Path, call: Run, text: str, sentence: str) -> None:
    (tmp_path / "run.toml").write_text(text)
    status, _, err = call(*words(small, tmp_path / "run", "--config", tmp_path / "run.toml"))
    assert status == 2 and sentence in err and len(err.splitlines()) == 1
    assert not (tmp_path / "run").exists()


def test_an_archive_that_is_empty_or_missing_is_told(small: Path, tmp_path: Path, call: Run) -> None:
    (tmp_path / "empty").mkdir()
    for source in (tmp_path / "empty", tmp_path / "missing"):
        status, _, err = call("catalog", source, "--stations", small / "stations.xml", "-o", tmp_path / "run")
        assert status == 1 and str(source) in err and len(err.splitlines()) == 1
        assert not (tmp_path / "run").exists()


def test_settings_without_a_source_are_not_passed_over(finished: Path, call: Run) -> None:
    status, _, err = call("catalog", "--resume", "-o", finished, "--start", "2024-01-02")
    assert status == 2 and "the run has its settings" in err


def test_nothing_to_resume_is_told(tmp_path: Path, call: Run) -> None:
    status, _, err = call("catalog", "--resume", "-o", tmp_path / "run")
    assert status == 1 and "no run to go on with" in err


def test_two_at_one_run_are_refused(network: Path, edited: Path, call: Run) -> None:
    with Store.open(edited, write=True):
        status, _, err = call(*words(network, edited, "--resume"))
    assert status == 1 and "another jijin works on this run" in err


# tables and corrections


def rows(out: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(out)))


def test_the_tables_of_a_run_are_printed(finished: Path, call: Run) -> None:
    status, out, _ = call("picks", finished)
    found = rows(out)
    assert status == 0 and len(found) == len(table(finished, "pick"))
    assert {row["event_id"] for row in found} - {""} == {e.event_id for e in events(finished)}
    assert call("picks", finished, "--table", "events")[1] == (finished / "events.csv").read_text()
    assert call("picks", finished, "--table", "arrivals")[1] == (finished / "arrivals.csv").read_text()
    hours = {
        (row["seed_id"], row["day"]): row["hours"] for row in rows(call("picks", finished, "--table", "coverage")[1])
    }
    assert len(hours) == 48 and hours["XX.SY01..HHZ", "2024-01-02"] == "0.3333"


def test_a_pick_is_excluded_and_its_event_located_again_in_one_call(edited: Path, call: Run) -> None:
    first = events(edited)[0]
    pick = first.origin.arrivals[0].pick
    status, out, _ = call("picks", edited, "--exclude-pick", pick_id(pick)[:8], "--relocate")
    assert status == 0 and out.startswith(f"{first.event_id}: version 2 at ")
    again = events(edited)[0]
    assert (again.event_id, again.version) == (first.event_id, 2)
    assert {a.pick for a in again.origin.arrivals} == {a.pick for a in first.origin.arrivals} - {pick}
    assert again.origin != first.origin and again.magnitude is not None and again.magnitude.value is not None
    assert pick_id(pick) in {row["pick_id"] for row in rows(call("picks", edited)[1]) if row["excluded"]}
    assert f"{first.event_id},2," in (edited / "events.csv").read_text()
    relocated, *others = (e.preferred_origin() for e in obspy.read_events(str(edited / "catalog.xml")))
    assert (relocated.evaluation_mode, relocated.evaluation_status) == ("manual", "reviewed")
    assert {(o.evaluation_mode, o.evaluation_status) for o in others} == {("automatic", "preliminary")}
    with Store.open(edited) as store:
        assert [v.version for v in store.versions(first.event_id)] == [1, 2]
        assert pick not in store.picks() and pick in store.picks(excluded=True)


@pytest.mark.parametrize("where", [{"source": "/gone"}, {"kind": "live", "source": "seedlink://h"}])
def test_an_archive_that_has_gone_costs_neither_location_nor_the_amplitudes_that_were_read(
    where: dict[str, str], edited: Path, tmp_path: Path
) -> None:
    gone, told = tmp_path / "gone", list[str]()
    shutil.copytree(edited, gone)
    with Store.open(gone, write=True) as store:
        store.change_settings(store.settings | where)
    read = edit(edited, exclude_stations=["XX.SY02"]).located
    kept = edit(gone, exclude_stations=["XX.SY02"], tell=told.append).located
    assert [e.origin for e in kept] == [e.origin for e in read] and len(kept) == QUAKES
    for one, other in zip(kept, read, strict=True):
        assert one.magnitude and other.magnitude and len(one.magnitude.stations) == len(other.magnitude.stations) > 0
        assert one.magnitude.value == pytest.approx(other.magnitude.value, abs=0.02)
        assert "XX.SY02" not in {net_sta(reading.seed_id) for reading in one.magnitude.stations}
    assert len(told) == 1 and where["source"] in told[0]


def test_a_pick_that_is_taken_in_again_gives_the_first_location(edited: Path) -> None:
    first = events(edited)[0]
    name = pick_id(first.origin.arrivals[-1].pick)
    edit(edited, exclude_picks=[name])
    changes = edit(edited, include_picks=[name])
    assert [e.version for e in changes.located] == [3]
    assert changes.located[0].origin == first.origin and changes.located[0].magnitude == first.magnitude


def test_what_a_person_knows_an_event_to_be_is_known_and_stays_so(edited: Path, call: Run) -> None:
    first, second, *_ = events(edited)
    status, out, _ = call("picks", edited, "--event-type", f"{first.event_id}=quarry blast")
    assert (status, out) == (0, f"{first.event_id}: version 2 is known to be: quarry blast\n")
    edit(edited, exclude_picks=[pick_id(first.origin.arrivals[0].pick)])
    blast, other = obspy.read_events(str(edited / "catalog.xml"))[:2]
    assert (blast.event_type, blast.event_type_certainty) == ("quarry blast", "known")
    assert other.event_type_certainty != "known" and events(edited)[0].version == 3
    for given, said in (("nothing=explosion", "is of no event"), (f"{second.event_id}=quary blast", "'quarry blast'?")):
        status, out, err = call("picks", edited, "--event-type", given)
        assert (status, out) == (1, "") and said in err and len(err.splitlines()) == 1
    assert call("picks", edited, "--event-type", "quarry blast")[0] == 2
    assert events(edited)[1] == second


def test_a_station_is_excluded_from_every_event(edited: Path, call: Run) -> None:
    status, out, _ = call("picks", edited, "--exclude-station", "XX.SY03", "--relocate")
    assert status == 0 and len(out.splitlines()) == QUAKES
    used = {a.pick.seed_id.split(".")[1] for e in events(edited) for a in e.origin.arrivals}
    assert "SY03" not in used and len(used) == 7


def test_an_event_that_is_left_with_too_few_picks_is_withdrawn_and_comes_back(edited: Path, call: Run) -> None:
    before = events(edited)
    names = [f"XX.SY{n:02d}" for n in range(1, 7)]
    words = [word for name in names for word in ("--exclude-station", name)]
    status, out, _ = call("picks", edited, *words, "--relocate")
    assert status == 0 and out.count(": withdrawn: ") == QUAKES and events(edited) == []
    assert len((edited / "events.csv").read_text().splitlines()) == 1
    changes = edit(edited, include_stations=names)
    assert [e.origin for e in changes.located] == [e.origin for e in before]
    assert [e.event_id for e in events(edited)] == [e.event_id for e in before]


def test_excluding_without_relocating_leaves_the_events_and_says_so(edited: Path, call: Run) -> None:
    before = events(edited)
    status, out, err = call("picks", edited, "--exclude-station", "XX.SY01")
    assert (status, out) == (0, "") and "--relocate locates them" in err
    assert events(edited) == before
    status, out, _ = call("picks", edited, "--relocate")
    assert len(out.splitlines()) == QUAKES


def test_an_edit_that_changes_nothing_says_so(edited: Path, call: Run) -> None:
    assert "nothing changed" not in call("picks", edited, "--exclude-station", "XX.SY01")[2]
    for given in (["--exclude-station", "XX.SY01"], ["--include-station", "XX.SY02"]):
        assert call("picks", edited, *given) == (0, "", "jijin: nothing changed\n")
    assert call("picks", edited, "--relocate")[2] == ""
    assert call("picks", edited, "--relocate") == (0, "", "jijin: nothing changed\n")


@pytest.mark.parametrize(
    ("word", "name", "sentence"),
    [
        ("--exclude-pick", "zzzz", "'zzzz' is of no pick"),
        ("--exclude-station", "XX.NONE", "no pick of station XX.NONE"),
        ("--exclude-station", "SY01", "no pick of station SY01; a station is named NET.STA"),
    ],
)
def test_a_pick_or_a_station_that_is_not_there_is_told_and_changes_nothing(
    edited: Path, finished: Path, call: Run, word: str, name: str, sentence: str
) -> None:
    status, _, err = call("picks", edited, "--exclude-station", "XX.SY01", word, name)
    assert status == 1 and sentence in err
    assert table(edited, "pick") == table(finished, "pick")


def test_a_beginning_of_several_picks_is_told(edited: Path, call: Run) -> None:
    with Store.open(edited) as store:
        ids = store.pick_ids("")
    shared = max((one[0] for one in ids), key=[one[0] for one in ids].count)
    status, _, err = call("picks", edited, "--exclude-pick", shared)
    assert status == 1 and f"'{shared}' is the beginning of" in err


def test_picks_of_a_folder_without_a_run_are_told(tmp_path: Path, call: Run) -> None:
    status, _, err = call("picks", tmp_path)
    assert status == 1 and "no run is in it" in err


def test_the_example_runs_from_nothing_and_is_called_synthetic(
    tmp_path: Path, call: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def quick(folder: Path) -> list[Quake]:
        return write_network(folder, 2, hours=0.25)

    monkeypatch.setattr("jijin.data.network_day.write_network", quick)
    status, _, err = call("catalog", "--example", "-o", tmp_path / "run", "--workers", 1)
    assert status == 0 and "a synthetic network" in err and "2 events, 2 with a magnitude" in err
    status, _, err = call("catalog", "--example", "-o", tmp_path / "run")
    assert status == 1 and "--resume goes on with it" in err
