"""The command as a user types it: exit status, stdout, stderr, files. The model is a stand-in that needs no weights."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import obspy
import pytest
from obspy import Stream, Trace, UTCDateTime

import jijin
from jijin.cli import main
from jijin.io.tables import COLUMNS

Run = Callable[..., tuple[int, str, str]]
STAND_IN = """
import sys
sys.path.insert(0, {tests!r})
import jijin.commands.batch as batch
from standin import StandIn
batch.load = lambda name: StandIn()
from jijin.cli import main
main()
"""
START = UTCDateTime("2023-11-14T22:13:20Z")
P_S, S_S = 20.0, 24.0  # onsets in every record below, seconds after its start


@pytest.fixture
def standin(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    return import_module("standin").StandIn()


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], standin: object) -> Run:
    """Call the command in this process: run("detect", path) -> (exit status, stdout, stderr)."""
    monkeypatch.setattr("jijin.commands.batch.load", lambda name: standin)

    def call(*words: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["jijin", *map(str, words)])
        with pytest.raises(SystemExit) as stop:
            main()
        captured = capfd.readouterr()
        return int(stop.value.code or 0), captured.out, captured.err

    return call


def earthquake(station: str = "AAA", delay_s: float = 0.0) -> Stream:
    """90 s of three components: P on Z, S on N and E, each a decaying 5 Hz oscillation in little noise."""
    return Stream([channel(station, "Z", P_S, delay_s), *(channel(station, c, S_S, delay_s) for c in "NE")])


def channel(station: str, component: str, onset_s: float, delay_s: float) -> Trace:
    t = np.arange(9000) / 100 - onset_s
    data = 0.01 * np.random.default_rng(ord(component)).standard_normal(len(t))
    data += np.where(t >= 0, np.exp(-np.abs(t) / 1.5) * np.cos(10 * np.pi * t), 0)
    header = {"network": "XX", "station": station, "channel": f"HH{component}", "starttime": START + delay_s}
    return Trace(data, {**header, "sampling_rate": 100.0})


@pytest.fixture
def record(tmp_path: Path) -> Path:
    path = tmp_path / "data" / "quake.mseed"
    path.parent.mkdir()
    earthquake().write(str(path), format="MSEED")
    return path


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_one_row_a_pick_on_stdout_and_a_summary_on_stderr(run: Run, record: Path) -> None:
    status, out, err = run("detect", record)
    found = rows(out)
    assert status == 0
    assert out.splitlines()[0] == ",".join(COLUMNS)
    assert [row["phase_hint"] for row in found] == ["P", "S"]
    assert abs(UTCDateTime(found[0]["time"]) - START - P_S) < 0.05
    assert abs(UTCDateTime(found[1]["time"]) - START - S_S) < 0.05
    assert err == "jijin: 1 P and 1 S picks in data of 1 station(s)\n"


@pytest.mark.parametrize("words", [["detect", ""], ["catalog", "--example", "-o", ""], ["report", ""]])
def test_an_empty_path_is_not_the_current_folder(run: Run, words: list[str]) -> None:
    status, out, err = run(*words)
    assert status == 2 and not out and err.startswith("jijin: an argument is empty")


def test_nor_is_it_in_python() -> None:
    with pytest.raises(jijin.ReadError, match="a path is empty"):
        jijin.read("")
    with pytest.raises(jijin.ModelError, match="no model ''"):
        jijin.Detector("")


def test_python_and_the_command_find_the_same(run: Run, record: Path, standin: Any) -> None:
    picks = jijin.pick(jijin.read(record), model=standin)
    assert [row["time"] for row in rows(run("detect", record)[1])] == [str(pick.time) for pick in picks]


def test_the_example_is_there_without_a_file_or_a_network(run: Run) -> None:
    status, out, _ = run("detect", "--example")
    assert status == 0
    found = rows(out)
    assert found and all(row["seed_id"].startswith("BW.RJOB..E") for row in found)


def test_a_record_without_picks_is_no_failure(
    run: Run, record: Path, free: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jijin.commands.batch.load", lambda name: free)
    status, out, err = run("detect", record)
    assert (status, rows(out)) == (0, [])
    assert "0 P and 0 S picks" in err


@pytest.mark.parametrize("name", ["picks.csv", "picks.json", "picks.xml", "picks.quakeml", "picks.qml", "PICKS.JSON"])
def test_the_suffix_tells_the_format(run: Run, record: Path, tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    status, out, err = run("detect", record, "-o", path)
    assert (status, out) == (0, "")
    assert f"in {path}" in err
    if path.suffix.lower() == ".csv":
        assert len(rows(path.read_text())) == 2
    elif path.suffix.lower() == ".json":
        assert len(json.loads(path.read_text())["picks"]) == 2
    else:
        assert len(obspy.read_events(str(path))[0].picks) == 2


def test_format_wins_over_the_suffix(run: Run, record: Path, tmp_path: Path) -> None:
    run("detect", record, "-o", tmp_path / "picks.txt", "--format", "json")
    assert json.loads((tmp_path / "picks.txt").read_text())["model"] == "standin"


@pytest.mark.parametrize(
    "words",
    [
        ["detect"],
        ["detect", "--example", "x.mseed"],
        ["detect", "--example", "--treshold-p", "0.3"],
        ["detect", "--example", "--threshold-p", "1.5"],
        ["detect", "--example", "--threshold-s", "0"],
        ["detect", "--example", "--threshold-s", "many"],
        ["detect", "--example", "--format", "xlsx"],
        ["detect", "--example", "-o", "picks.dat"],
        ["detect", "--example", "-o", "no/such/folder/picks.csv"],
        ["detect", "--example", "-o", "/"],
        ["detect", "--example", "--plot", "/dev/null"],
        ["detekt"],
    ],
)
def test_wrong_usage_ends_with_status_2_and_says_why(run: Run, words: list[str]) -> None:
    status, out, err = run(*words)
    assert (status, out) == (2, "")
    assert len(err.splitlines()[-1]) > 10


def test_the_output_may_not_be_an_input(run: Run, record: Path) -> None:
    before = record.read_bytes()
    assert run("detect", record, "-o", record, "--format", "csv")[0] == 2
    assert record.read_bytes() == before


def test_bad_files_are_named_and_the_others_still_picked(run: Run, record: Path) -> None:
    folder = record.parent
    (folder / "empty.mseed").touch()
    (folder / "words.mseed").write_text("nothing of the kind\n" * 50)
    (folder / "half.mseed").write_bytes(record.read_bytes()[:5000])
    (folder / "notes.txt").write_text("read me")
    (folder / "picks.csv").write_text("a,b\n")
    status, out, err = run("detect", folder, folder / "missing.mseed")
    assert status == 1
    assert len(rows(out)) == 2
    lines = err.splitlines()
    for name in ("empty.mseed", "words.mseed", "half.mseed", "missing.mseed"):
        assert sum(name in line for line in lines) == 1, name
    assert "notes.txt" not in err and "picks.csv" not in err


def test_a_folder_without_waveforms_is_a_failure(run: Run, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("read me")
    status, out, err = run("detect", tmp_path)
    assert status == 1
    assert rows(out) == []
    assert f"{tmp_path}: no waveform file in the folder" in err


@pytest.mark.parametrize("there", [False, True])
def test_an_earlier_result_is_left_as_it_was_where_no_input_can_be_read(run: Run, tmp_path: Path, there: bool) -> None:
    source, output = tmp_path / "misspelt.mseed", tmp_path / "keep.csv"
    if there:
        source.touch()
    output.write_text("an earlier result")
    status, out, err = run("detect", source, "-o", output)
    assert (status, out, output.read_text()) == (1, "", "an earlier result")
    assert err.endswith("jijin: 0 P and 0 S picks in data of 0 station(s), nothing is written\n")
    assert run("detect", source)[1] == ""


def test_a_model_file_that_is_none_is_one_sentence(monkeypatch: pytest.MonkeyPatch, run: Run, tmp_path: Path) -> None:
    from jijin.models import load

    monkeypatch.setattr("jijin.commands.batch.load", load)
    (tmp_path / "bad.onnx").write_text("no model")
    for name in (tmp_path / "bad.onnx", "nameless"):
        status, _, err = run("detect", "--example", "--model", name)
        assert status == 2
        assert len(err.splitlines()) == 1 and str(name) in err


def test_quiet_says_nothing_and_verbose_names_every_file(run: Run, record: Path) -> None:
    assert run("detect", record, "-q")[2] == ""
    assert str(record) in run("detect", record, "-v")[2]


def test_picks_are_the_same_whatever_way_the_record_lies_in_files(run: Run, tmp_path: Path) -> None:
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    whole.mkdir()
    parts.mkdir()
    stream = earthquake()
    stream.write(str(whole / "all.mseed"), format="MSEED")
    border = START + P_S + 0.05  # through the onset of P
    for index, trace in enumerate(stream):
        trace.slice(endtime=border).write(str(parts / f"{index}.b.mseed"), format="MSEED")
        trace.slice(starttime=border + 0.001).write(str(parts / f"{index}.a.sac"), format="SAC")
    expected = [(row["phase_hint"], row["time"]) for row in rows(run("detect", whole)[1])]
    assert [(row["phase_hint"], row["time"]) for row in rows(run("detect", parts)[1])] == expected


def test_picks_of_all_stations_come_in_order_of_time(run: Run, tmp_path: Path) -> None:
    for station, delay_s in {"AAA": 3.0, "BBB": 0.0, "CCC": 1.0}.items():
        earthquake(station, delay_s).write(str(tmp_path / f"{station}.mseed"), format="MSEED")
    _, out, err = run("detect", tmp_path)
    found = rows(out)
    assert [row["time"] for row in found] == sorted(row["time"] for row in found)
    assert "".join(row["seed_id"][3] for row in found) == "BCABCA"
    assert "3 P and 3 S picks in data of 3 station(s)" in err


def test_a_file_is_left_as_it_was_when_the_disk_is_full(
    run: Run, record: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = tmp_path / "picks.csv"
    output.write_text("older picks")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    status, _, err = run("detect", record, "-o", output)
    assert status == 1
    assert "picks.csv: cannot be written: No space left on device" in err.splitlines()[-1]
    assert output.read_text() == "older picks"
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["picks.csv"]


def test_an_interrupt_keeps_what_was_found_and_says_so(
    run: Run, record: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from jijin.commands.batch import Batch

    finished = Batch._group

    def stop_after(self: Batch, *rest: object) -> None:
        finished(self, *rest)  # type: ignore[arg-type]
        raise KeyboardInterrupt

    monkeypatch.setattr(Batch, "_group", stop_after)
    status, _, err = run("detect", record, "-o", tmp_path / "picks.csv")
    assert status == 130
    assert "interrupted: 1 P and 1 S picks" in err and "picks.csv" in err
    assert len(rows((tmp_path / "picks.csv").read_text())) == 2


def test_plot_draws_one_figure_a_detection(run: Run, record: Path, tmp_path: Path) -> None:
    status, _, err = run("detect", record, "--plot", tmp_path / "new" / "figures")
    figures = list((tmp_path / "new" / "figures").iterdir())
    assert status == 0
    assert [path.name[:26] for path in figures] == ["XX.AAA..HH_20231114T221340"]
    assert figures[0].read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    assert "1 figure(s)" in err


def test_channels_that_cannot_be_used_are_named(run: Run, tmp_path: Path) -> None:
    slow = Trace(obspy.read()[0].data, {"station": "SLOW", "channel": "LHZ", "sampling_rate": 1.0})
    slow.write(str(tmp_path / "slow.mseed"), format="MSEED")
    status, _, err = run("detect", tmp_path)
    assert status == 1
    assert "SLOW" in err


@pytest.mark.parametrize("value", [np.nan, 2e20])
def test_a_record_without_a_usable_sample_is_told_and_is_no_station(
    run: Run, record: Path, tmp_path: Path, value: float
) -> None:
    dead = Trace(np.full(9000, value), {"network": "XX", "station": "DEAD", "channel": "HHZ", "sampling_rate": 100.0})
    dead.write(str(tmp_path / "dead.mseed"), format="MSEED")
    status, out, err = run("detect", tmp_path / "dead.mseed")
    assert (status, rows(out)) == (0, [])
    told = "jijin: XX.DEAD..HHZ: no sample can be used: all are missing, not a number or beyond 1e+20\n"
    assert err == told + "jijin: 0 P and 0 S picks in data of 0 station(s)\n"
    assert (
        run("detect", tmp_path / "dead.mseed", record)[2] == told + "jijin: 1 P and 1 S picks in data of 1 station(s)\n"
    )


def test_a_station_whose_channels_are_refused_is_not_counted(run: Run, record: Path, tmp_path: Path) -> None:
    slow = Trace(obspy.read()[0].data, {"station": "SLOW", "channel": "LHZ", "sampling_rate": 1.0})
    slow.write(str(tmp_path / "slow.mseed"), format="MSEED")
    status, _, err = run("detect", tmp_path / "slow.mseed", record)
    assert status == 1 and err.endswith("1 P and 1 S picks in data of 1 station(s)\n")


def test_a_channel_whose_header_has_no_codes_is_named_by_its_file(run: Run, tmp_path: Path) -> None:
    for k, (name, rate, value) in enumerate((("a", 1.0, 7.0), ("b", 1.0, 7.0), ("dead", 100.0, np.nan))):
        header = {"sampling_rate": rate, "starttime": START + k}
        Trace(np.full(9000, value), header).write(str(tmp_path / f"{name}.mseed"), format="MSEED")
    a, b, dead = (tmp_path / f"{name}.mseed" for name in ("a", "b", "dead"))
    wrong = "sampling rate must be 20 to 1000 Hz (got 1 Hz)"
    assert run("detect", a)[2].splitlines()[:2] == [
        f"jijin: {a}: {wrong}; the channel is not used",
        f"jijin: {a}: no channel can be used: {a}: {wrong}",
    ]
    assert run("detect", tmp_path)[2].splitlines()[:4] == [
        f"jijin: {a}: {wrong}; the channel is not used",
        f"jijin: {b}: {wrong}; the channel is not used",
        f"jijin: {dead}: no sample can be used: all are missing, not a number or beyond 1e+20",
        f"jijin: {a} and 2 more file(s): no channel can be used: {a}: {wrong} ...",
    ]


def outside(*words: object, **options: object) -> subprocess.CompletedProcess[bytes]:
    """The command in a process of its own, with the stand-in model."""
    code = STAND_IN.format(tests=str(Path(__file__).parent))
    return subprocess.run([sys.executable, "-c", code, *map(str, words)], check=False, **options)  # type: ignore[call-overload, no-any-return]


def test_a_reader_that_leaves_early_is_no_error(record: Path) -> None:
    code = STAND_IN.format(tests=str(Path(__file__).parent))
    with subprocess.Popen(
        [sys.executable, "-c", code, "detect", str(record), "-q"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout and process.stderr
        process.stdout.close()
        err = process.stderr.read()
    assert (err, process.returncode) == (b"", 0)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_full_disk_behind_stdout_is_one_sentence(record: Path) -> None:
    with Path("/dev/full").open("wb") as full:
        done = outside("detect", record, "-q", stdout=full, stderr=subprocess.PIPE)
    assert done.returncode == 1
    assert done.stderr == b"jijin: stdout: cannot be written: No space left on device\n"


def test_a_figure_that_cannot_be_written_loses_no_pick(run: Run, record: Path, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file where a folder is wanted")
    status, out, err = run("detect", record, "--plot", tmp_path / "taken" / "figures")
    assert status == 1
    assert len(rows(out)) == 2
    assert "no figure can be written" in err


def test_a_pipe_among_the_files_is_named_and_does_not_hang(run: Run, record: Path) -> None:
    os.mkfifo(record.parent / "queue.mseed")
    status, out, err = run("detect", record.parent)
    assert status == 1
    assert len(rows(out)) == 2
    assert "queue.mseed: not a file but a pipe or a socket" in err


def test_a_folder_that_may_not_be_listed_is_named_and_the_rest_is_picked(
    run: Run, record: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    walk = os.walk

    def refused(top: Path, onerror: Any) -> Any:  # root may list everything, so the refusal is made up
        onerror(PermissionError(13, "Permission denied", "secret"))
        return walk(top)

    monkeypatch.setattr("jijin.io.files.os.walk", refused)
    status, out, err = run("detect", record.parent)
    assert status == 1
    assert len(rows(out)) == 2
    assert "secret: cannot be listed: Permission denied" in err and "no waveform file" not in err


def test_a_closed_stdout_is_one_sentence(record: Path) -> None:
    code = "import sys; sys.stdout = None; from jijin.commands.output import to_stdout; to_stdout(b'')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert b"OSError: [Errno 9] cannot be written: it is closed: 'stdout'" in done.stderr


def test_a_file_that_is_found_unreadable_only_at_its_samples_is_named_once_and_is_no_station(
    run: Run, tmp_path: Path
) -> None:
    path = tmp_path / "cut.wav"
    Trace((np.arange(6001) % 97).astype(np.int16), {"sampling_rate": 100.0}).write(str(path), format="WAV")
    path.write_bytes(path.read_bytes()[:7001])  # in the middle of a sample
    status, _, err = run("detect", path)
    assert status == 1 and err.count("cut.wav") == 1
    assert "cut.wav: it cannot be read; ObsPy takes it for WAV" in err and "of 0 station(s)" in err


@pytest.mark.parametrize(
    "words",
    [
        ["detect", "--example", "--format", "csv", "-o"],
        ["evaluate", "--data", "nowhere", "-o"],
        ["data", "audit", "nowhere", "-o"],
        ["export", "nowhere", "-o"],
    ],
    ids=lambda words: words[0],
)
def test_an_output_that_cannot_be_is_refused_before_the_work(run: Run, tmp_path: Path, words: list[str]) -> None:
    (tmp_path / "folder.onnx").mkdir()
    status, _, err = run(*words, tmp_path / "missing/out.onnx")
    assert status == 2 and f"there is no folder {tmp_path / 'missing'}" in err
    assert run(*words, tmp_path / "folder.onnx")[0] == 2


def test_an_audit_appears_whole_or_not_at_all(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from jijin.commands.data import _write

    (tmp_path / "found.csv").write_text("as it was")
    monkeypatch.setattr("os.fsync", lambda fd: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(OSError, match="No space left on device; it is left as it was"):
        _write([], tmp_path / "found.csv")
    assert (tmp_path / "found.csv").read_text() == "as it was"


def test_a_warning_of_any_command_is_one_line(run: Run, tmp_path: Path) -> None:
    record, picks = tmp_path / "a.mseed", tmp_path / "picks.csv"
    earthquake().write(record, "MSEED")
    record.write_bytes(record.read_bytes()[:-100])
    picks.write_text("picker,dataset,trace_name,phase,sample_at_100hz,probability\n")
    _, _, err = run("evaluate", "--protocol", "continuous", "--records", record, "--others", picks)
    assert f"jijin: {record}: it ends in the middle of a record" in err
    assert "UserWarning" not in err and "DamagedFile" not in err


def test_what_the_package_logs_is_a_line_of_the_command_told_once(run: Run, tmp_path: Path) -> None:
    record, picks = tmp_path / "records", tmp_path / "picks.csv"
    record.mkdir()
    earthquake()[:2].write(record / "a.mseed", "MSEED")
    picks.write_text("picker,dataset,trace_name,phase,sample,probability\na,b,c,P,1,0.5\n")
    _, _, err = run("evaluate", "--protocol", "continuous", *["--records", record] * 2, "--others", picks)
    assert err.splitlines() == [
        f"jijin: {record}: XX.AAA..HH is left out: it has not three components",
        "jijin: an arrival is what 3 pickers share; the table has a",
    ]
