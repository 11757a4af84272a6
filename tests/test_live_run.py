"""A run as a program: ended by SIGTERM or killed at any moment and started again, it is as if it had never ended."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from fakes import START_NS, record
from jijin.catalog.run import Request
from jijin.catalog.run import run as make_catalogue
from jijin.catalog.settings import RunConfig
from jijin.cli import app
from jijin.config import PickConfig
from jijin.detector import Detector, by_time
from jijin.errors import DataError, JijinError
from jijin.live.config import LiveConfig
from jijin.live.keeper import Keeper
from jijin.live.session import LiveRequest, Session, forget
from jijin.live.state import State, load_state, save_state
from jijin.store import Store
from jijin.types import NS, Pick, Segment
from seedlink_server import SeedLinkServer, records
from standin import StandIn
from test_live_engine import write

pytest.importorskip("seedlink_client")

# jijin live with the stand-in model; the data are old, and are kept for ever
PROGRAM = """
import sys
sys.path.insert(0, {tests!r})
from pathlib import Path
from standin import StandIn
from test_live_engine import write
from jijin.live import session
session.load = lambda name: StandIn()
session.SAVE_NS = 10**8
forever = session.LiveConfig(keep_days=float("inf"))
request = session.LiveRequest((sys.argv[1],), "XX_*", live=forever)
print(session.Session(Path(sys.argv[2]), request).run(), flush=True)
"""
ONSETS = {20.3: 1.0, 75.0: 2.0, 140.4: 1.0, 222.2: 1.0, 280.0: 1.0, 333.3: 2.0, 401.0: 1.0, 466.0: 1.0}


def feed() -> tuple[list[Segment], list[bytes]]:
    """Three components of ten minutes, and their records in the order of their ends."""
    later = {at + 3.0: size for at, size in ONSETS.items()}
    parts = [record(f"XX.AAA..HH{c}", 600, ONSETS if c == "Z" else later) for c in "ZNE"]
    # as whole counts: the stand-in takes 0.3 for loud
    parts = [Segment(p.seed_id, p.start_ns, 100.0, (np.abs(p.data) > 0.3).astype(np.int32)) for p in parts]
    pieces = [(p.start_ns + k * 5 * NS, p.data[500 * k : 500 * (k + 1)], p.seed_id) for p in parts for k in range(120)]
    pieces.sort(key=lambda piece: piece[0])
    return parts, [r for t, data, name in pieces for r in records(Segment(name, t, 100.0, data))]


def archive(parts: list[Segment]) -> list[Pick]:
    detector = Detector(StandIn())  # type: ignore[arg-type]
    return by_time(detector.feed(parts) + detector.flush())


def start(server: SeedLinkServer, folder: Path) -> subprocess.Popen[str]:
    code = PROGRAM.format(tests=str(Path(__file__).parent))
    words = [sys.executable, "-c", code, f"seedlink://127.0.0.1:{server.port}", str(folder)]
    return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def until(done: Callable[[], bool], program: subprocess.Popen[str]) -> None:
    limit = time.monotonic() + 60
    while not done():
        assert program.poll() is None, program.communicate()
        assert time.monotonic() < limit
        time.sleep(0.05)


def kept(folder: Path) -> list[Pick]:
    with Store.open(folder) as store:
        return store.picks()


def streaming(server: SeedLinkServer, count: int) -> Callable[[], bool]:
    return lambda: server.commands.count("END") >= count


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_a_run_that_is_ended_goes_on_without_loss_or_a_pick_twice(how: signal.Signals, tmp_path: Path) -> None:
    parts, packets = feed()
    whole = archive(parts)
    with SeedLinkServer(4) as server:
        for number, (first, stop) in enumerate([(0, 0.4), (0.4, 0.7), (0.7, 1.0)], 1):
            program = start(server, tmp_path)
            until(streaming(server, number), program)
            time.sleep(0.2)
            server.add(packets[int(first * len(packets)) : int(stop * len(packets))])
            end_ns = START_NS + int(stop * 600) * NS - 90 * NS  # what is final by then
            expected = sum(pick.time_ns < end_ns for pick in whole)
            until(lambda expected=expected: len(kept(tmp_path)) >= expected, program)  # type: ignore[misc]
            until((tmp_path / "live.json").exists, program)
            program.send_signal(how if stop < 1 else signal.SIGTERM)
            out, _ = program.communicate(timeout=60)
            if how is signal.SIGTERM or stop == 1.0:
                assert program.returncode == 0 and "picks confirmed" in out
    found = kept(tmp_path)
    assert found == [p for p in whole if p.time_ns <= found[-1].time_ns] and len(found) >= 12
    asked = [line for line in server.commands if line.startswith("DATA ")]
    assert len(asked) >= 2  # each start but the first asked to go on after a packet


def test_a_replay_that_is_ended_goes_on_without_loss_or_a_pick_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = feed()[0]
    files, run = write(tmp_path / "files", parts), tmp_path / "run"
    monkeypatch.setattr("jijin.live.session.load", lambda name: StandIn())
    forever = LiveConfig(keep_days=float("inf"))
    told: list[str] = []
    settled: list[int] = []

    def ended_after(least: int) -> None:
        """A session that a signal ends when so many picks are confirmed, with those of the sessions before."""

        def out(line: str) -> None:
            told.extend([line] if " confirmed " in line else [])
            if len(told) >= least:
                session.stop.set()

        session = Session(run, LiveRequest((f"replay://{files}",), speed=float("inf"), live=forever), out)
        session.run()

    for least in (3, 9, 1000):
        ended_after(least)
        settled.append(load_state(run).settled_ns.get("XX.AAA..HH", 0))
        assert len(kept(run)) == len(told)
    whole = archive([Segment(p.seed_id, p.start_ns, 100.0, p.data * 10_000) for p in parts])
    assert [p.time_ns for p in kept(run)] == [p.time_ns for p in whole]
    assert 0 < settled[0] < settled[1]


def test_a_disk_that_does_not_take_the_picks_ends_the_command_with_1_and_the_number_that_is_stored(
    files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(store: Store, picks: list[Pick]) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("jijin.commands.live._log", lambda level: None)  # the other tests look at the log
    given = ["live", f"replay://{files}", "--speed", "inf", "-o"]
    done = CliRunner().invoke(app, [*given, str(tmp_path / "good")])
    assert done.exit_code == 0 and "stored" not in done.stderr
    count = len(kept(tmp_path / "good"))
    monkeypatch.setattr(Store, "add_picks", full)
    done = CliRunner().invoke(app, [*given, str(tmp_path / "run"), "--quiet"])
    assert done.exit_code == 1 and count > 0
    assert f"{count} picks confirmed" in done.stderr
    assert f"; 0 of the confirmed picks are stored in {tmp_path / 'run'}, " in done.stderr
    assert "pieces of work are not written: No space left on device" in done.stderr


@pytest.mark.parametrize(
    ("source", "options"),
    [
        ("ftp://h", {}),
        ("replay:///nowhere", {}),
        ("replay://{here}", {"speed": -1.0}),
        ("seedlink://h", {"streams": "X"}),
        ("seedlink://h", {"web": "nowhere"}),
        ("seedlink://h", {"alert": Path("nowhere.toml")}),
    ],
)
def test_a_wrong_start_is_told_and_leaves_no_run_behind(source: str, options: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(JijinError):
        Session(tmp_path / "run", LiveRequest((source.format(here=__file__),), **options))
    assert not (tmp_path / "run").exists()


def test_a_reader_of_stdout_that_leaves_does_not_end_the_run(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    files = write(tmp_path / "files", [record("XX.AAA..HHZ", 90, {20.3: 1.0, 60.0: 2.0})])

    def gone(line: str) -> None:
        raise BrokenPipeError(32, "Broken pipe")

    Session(tmp_path / "run", LiveRequest((f"replay://{files}",), speed=float("inf")), gone).run()
    assert len(kept(tmp_path / "run")) >= 2 and caplog.text.count("stdout cannot be written") == 1


def test_a_state_comes_back_and_a_damaged_one_is_named(tmp_path: Path) -> None:
    state = State({"seedlink://h": {"XX_AAA": 17}}, {"XX.AAA..HH": START_NS})
    assert load_state(tmp_path) == State()
    save_state(tmp_path, state)
    assert load_state(tmp_path) == state
    (tmp_path / "live.json").write_text('{"positions": {')
    with pytest.raises(ValueError, match=r"live\.json: not the state of a live run"):
        load_state(tmp_path)


def test_what_a_full_disk_does_not_take_at_the_end_is_not_taken_for_kept(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def full(store: Store) -> None:
        raise OSError(28, "No space left on device")

    keeper, before = Keeper(tmp_path, {}), State({}, {"XX.AAA..HH": START_NS})
    keeper.save_state(before)
    keeper.put(full)
    keeper.save_state(State({}, {"XX.AAA..HH": START_NS + 60 * NS}))
    keeper.close()
    assert load_state(tmp_path) == before
    assert "2 pieces of work are not written: No space left on device" in caplog.text
    with Store.open(tmp_path, write=True):  # let go
        pass


def test_work_that_takes_too_long_at_the_end_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    keeper, go_on = Keeper(tmp_path, {}), threading.Event()
    keeper.put(lambda store: go_on.wait(30))
    keeper.put(lambda store: None)
    keeper.close(timeout_s=0.2)
    go_on.set()
    assert "2 pieces of work are not written after 0.2 s" in caplog.text


def one_station(folder: Path, latitude: float = 42.0) -> Path:
    folder.mkdir(exist_ok=True)
    table = folder / f"stations{latitude}.csv"
    table.write_text(f"network,station,latitude,longitude,elevation_m\nXX,AAA,{latitude},13.0,100\n")
    return table


@pytest.fixture
def files(tmp_path: Path) -> Path:
    return write(tmp_path / "files", [record("XX.AAA..HHZ", 90, {20.3: 1.0})])


def replayed(files: Path, run: Path, **options: Any) -> None:
    Session(run, LiveRequest((f"replay://{files}",), speed=float("inf"), **options), lambda line: None).run()


def test_a_live_run_is_no_catalogue_and_a_catalogue_no_live_run(files: Path, tmp_path: Path) -> None:
    request = Request(str(files), one_station(tmp_path))
    replayed(files, tmp_path / "live", stations=request.stations)
    for asked, resume in ((request, False), (request, True), (None, True)):
        with pytest.raises(DataError, match="live: holds a live run"):
            make_catalogue(tmp_path / "live", asked, resume=resume)
    make_catalogue(tmp_path / "catalogue", request).close()
    with pytest.raises(DataError, match="catalogue: holds a catalogue"):
        replayed(files, tmp_path / "catalogue", stations=request.stations)


@pytest.mark.parametrize("name", ["stations", "velocity", "corrections"])
def test_a_live_run_goes_on_with_its_stations_velocities_and_delays_only(
    name: str, files: Path, tmp_path: Path
) -> None:
    delays = tmp_path / "delays.csv"
    delays.write_text("station,phase,correction_s\nXX.AAA,P,0.1\n")
    given = {"stations": one_station(tmp_path)}
    other = {"stations": one_station(tmp_path, 43.0), "velocity": "iasp91", "corrections": delays}
    replayed(files, tmp_path / "run", **given)
    replayed(files, tmp_path / "run", **given)
    with pytest.raises(DataError, match=f"begun with another --{name} than now"):
        replayed(files, tmp_path / "run", **given | {name: other[name]})


def test_other_settings_of_a_live_run_that_goes_on_are_told_once(
    files: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    table, config = one_station(tmp_path), RunConfig(pick=PickConfig(threshold_p=0.9))
    replayed(files, tmp_path / "run", stations=table)
    for _ in range(2):
        replayed(files, tmp_path / "run", stations=table, config=config)
    assert caplog.text.count("begun with another config;") == 1
    with Store.open(tmp_path / "run") as store:
        assert store.settings["config"]["pick"]["threshold_p"] == 0.9


def test_a_live_run_keeps_its_responses_so_that_events_can_be_sized_again(files: Path, tmp_path: Path) -> None:
    import obspy

    response = tmp_path / "response.xml"
    obspy.read_inventory().write(str(response), format="STATIONXML")
    replayed(files, tmp_path / "run", stations=one_station(tmp_path), response=response)
    copied = tmp_path / "run" / "response.xml"
    assert copied.read_bytes() == response.read_bytes()
    replayed(files, tmp_path / "run", stations=one_station(tmp_path), response=copied)
    assert copied.read_bytes() == response.read_bytes()


def test_a_page_whose_port_is_taken_is_told_and_the_run_can_be_opened_again(files: Path, tmp_path: Path) -> None:
    pytest.importorskip("uvicorn")
    alert = tmp_path / "alert.toml"
    alert.write_text("[[rule]]\nkind = 'station'\n")
    running = set(threading.enumerate())
    with socket.create_server(("127.0.0.1", 0)) as taken:
        web = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(OSError, match="the page cannot be served there"):
            replayed(files, tmp_path / "run", web=web, alert=alert)
        assert set(threading.enumerate()) == running
        given = ["live", f"replay://{files}", "-o", str(tmp_path / "run"), "--web", web]
        done = subprocess.run([sys.executable, "-m", "jijin.cli", *given], capture_output=True, text=True, check=False)
    assert done.returncode == 1 and done.stderr.count("\n") == 1
    assert done.stderr.startswith("jijin: 127.0.0.1: the page cannot be served there")
    replayed(files, tmp_path / "run")
    assert kept(tmp_path / "run")


def test_what_is_older_than_it_may_be_is_deleted(tmp_path: Path) -> None:
    old, new = (Pick("XX.A..HHZ", "P", START_NS + n * 86_400 * NS, 0.1, 0.9) for n in (0, 40))
    with Store.create(tmp_path, {}) as store:
        store.add_picks([old, new])
        forget(store, START_NS + 30 * 86_400 * NS)
        assert store.picks() == [new]
