"""Packs: the same samples, the same bytes after any interruption, and fast to read."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import pickle
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from jijin.data import open_dataset
from jijin.data import pack as module
from jijin.data.dataset import Dataset
from jijin.data.export import write_seisbench
from jijin.data.pack import PackedDataset, choose, pack
from jijin.data.splits import Seeds, split_labels
from jijin.errors import ConfigError, DataError, ReadError

KINDS = ["earthquake", "noise", "earthquake", "landslide"]


def source(folder: Path, count: int = 40, samples: int = 200, seed: int = 0) -> Dataset:
    """count traces of different lengths, half of them earthquakes, with gaps and NaN."""
    rng = np.random.default_rng(seed)
    traces = [rng.normal(size=(3, samples + k % 7)).astype(np.float32) * 10.0 ** (k % 9 - 4) for k in range(count)]
    traces[1][:, 50:120] = 0
    traces[2][0, 5] = np.nan
    meta = pd.DataFrame({"trace_name": [f"t{k}" for k in range(count)]})
    meta["source_type"] = [KINDS[k % 4] for k in range(count)]
    meta["trace_P_arrival_sample"] = [30.0 + k / 3 if k % 2 == 0 else np.nan for k in range(count)]
    meta["source_group"] = [f"event{k // 3}" for k in range(count)]
    return open_dataset(write_seisbench(folder, traces, meta))


def content(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


def test_a_pack_holds_every_sample_and_label_bit_for_bit(tmp_path: Path) -> None:
    data = source(tmp_path / "data")
    with pack(data, tmp_path / "pack") as packed:
        for i in range(len(data)):
            assert packed.waveform(i).tobytes() == data.waveform(i).tobytes()
        pd.testing.assert_frame_equal(packed.labels, data.labels)
        assert packed.npts.tolist() == [200 + k % 7 for k in range(40)]
    assert isinstance(open_dataset(tmp_path / "pack"), PackedDataset)


def test_windows_of_a_pack_are_those_of_its_source(tmp_path: Path) -> None:
    data = source(tmp_path / "data")
    packed = pack(data, tmp_path / "pack")
    rng = np.random.default_rng(0)
    rows, starts = rng.integers(0, 40, 64).tolist(), rng.integers(-120, 250, 64).tolist()
    assert np.array_equal(packed.windows(rows, starts, 150), data.windows(rows, starts, 150), equal_nan=True)


def test_a_waveform_can_be_changed_without_changing_the_pack(tmp_path: Path) -> None:
    packed = pack(source(tmp_path / "data"), tmp_path / "pack")
    packed.waveform(0)[:] = 7
    assert not (packed.waveform(0) == 7).any()


def test_a_pack_sent_to_another_process_carries_no_samples(tmp_path: Path) -> None:
    packed = pack(source(tmp_path / "data", samples=60_000), tmp_path / "pack")
    packed.waveform(0)
    sent = pickle.dumps(packed)
    assert len(sent) < 100_000 and np.array_equal(pickle.loads(sent).waveform(3), packed.waveform(3))


@pytest.mark.parametrize("seed", [0, (0, 3)])
def test_a_pack_is_divided_as_its_data_are_so_that_what_weights_held_out_stays_held_out(
    tmp_path: Path, seed: Seeds
) -> None:
    data = source(tmp_path / "data")
    packed = pack(data, tmp_path / "pack", seed=5)
    ours, theirs = (split_labels(one.labels, (1, 1, 8), seed, keep=True).tolist() for one in (packed, data))
    assert ours == theirs and "test" in ours


def test_the_split_that_an_older_pack_made_up_is_not_the_datas_own(tmp_path: Path) -> None:
    pack(source(tmp_path / "data"), tmp_path / "pack").close()
    card, table = tmp_path / "pack/pack.json", tmp_path / "pack/metadata.csv"
    card.write_text(json.dumps(json.loads(card.read_text()) | {"version": 1, "keep_split": False}))
    pd.read_csv(table, dtype=str).assign(split="train").to_csv(table, index=False)
    assert set(PackedDataset(tmp_path / "pack").labels["split"]) == {""}


def test_the_choice_has_the_counts_and_grows_with_them(tmp_path: Path) -> None:
    labels = source(tmp_path / "data").labels
    small, large = choose(labels, 5, 3, None), choose(labels, 8, 3, None)
    assert labels["category"].iloc[small].value_counts().to_dict() == {"earthquake": 5, "noise": 3, "other": 0}
    assert set(small) < set(large) and sorted(small) == small.tolist()
    assert choose(labels, None, None, None).tolist() == list(range(40))
    assert choose(labels, 5, 3, None, seed=1).tolist() != small.tolist()


def test_the_choice_does_not_depend_on_the_order_of_the_rows(tmp_path: Path) -> None:
    labels = source(tmp_path / "data").labels
    names = set(labels["trace_name"].iloc[choose(labels, 5, 3, 2)])
    turned = labels.iloc[::-1].reset_index(drop=True)
    assert set(turned["trace_name"].iloc[choose(turned, 5, 3, 2)]) == names


def test_asking_for_more_than_there_is_takes_all_and_says_so(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    labels = source(tmp_path / "data").labels
    assert len(choose(labels, 10, 1000, None)) == 20
    assert "asked for 1000 noise traces, took all 10" in caplog.text


def test_nothing_chosen_is_an_error(tmp_path: Path) -> None:
    data = source(tmp_path / "data")
    with pytest.raises(DataError, match="nothing to pack"):
        pack(data, tmp_path / "pack", noise=0)
    with pytest.raises(ConfigError, match="must not be negative"):
        pack(data, tmp_path / "pack", noise=-1)


class Stopped(Exception):
    """The user pulled the plug."""


@pytest.mark.parametrize("after", [0, 1, 5, 9])
def test_a_stopped_run_goes_on_and_ends_with_the_same_bytes(
    tmp_path: Path, after: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BLOCK", 4)
    data = source(tmp_path / "data")
    pack(data, tmp_path / "whole")
    seen = []

    def stop(done: int, total: int) -> None:
        seen.append(done)
        if len(seen) == after + 1:
            raise Stopped

    with pytest.raises(Stopped):
        pack(data, tmp_path / "pack", progress=stop)
    with pytest.raises(ReadError, match="not finished; run the same jijin data pack command again"):
        open_dataset(tmp_path / "pack")
    pack(data, tmp_path / "pack", progress=lambda done, total: seen.append(done))
    assert seen[after + 1] == 4 * after  # nothing is read twice
    assert content(tmp_path / "pack") == content(tmp_path / "whole")


def test_torn_last_writes_are_forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BLOCK", 4)
    data = source(tmp_path / "data")
    pack(data, tmp_path / "whole")

    def stop(done: int, total: int) -> None:
        if done == 12:
            raise Stopped

    for name, tear in (("journal.txt", lambda b: b + b"20"), ("waveforms.f32", lambda b: b + b"torn"),
                       ("waveforms.f32", lambda b: b[:-5000])):  # fmt: skip
        out = tmp_path / f"pack-{name}-{len(tear(b''))}"
        with pytest.raises(Stopped):
            pack(data, out, progress=stop)
        (out / name).write_bytes(tear((out / name).read_bytes()))
        pack(data, out)
        assert content(out) == content(tmp_path / "whole")


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL")
def test_after_kill_9_the_same_command_ends_with_the_same_bytes(tmp_path: Path) -> None:
    source(tmp_path / "data", 300, 6000)
    out, journal = tmp_path / "pack", tmp_path / "pack" / "journal.txt"
    code = (
        "import sys; from jijin.data import open_dataset, pack; import jijin.data.pack as pack; pack.BLOCK = 2;"
        "pack.pack(open_dataset(sys.argv[1]), sys.argv[2])"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "data"), str(out)]
    run = subprocess.Popen(command)
    while run.poll() is None and not (journal.is_file() and journal.stat().st_size > 50):
        time.sleep(0.001)
    os.kill(run.pid, signal.SIGKILL)
    assert run.wait() == -signal.SIGKILL, "the run ended before it was killed"
    subprocess.run(command, check=True)
    pack(open_dataset(tmp_path / "data"), tmp_path / "whole")
    assert content(out) == content(tmp_path / "whole")


@pytest.mark.skipif(sys.platform == "win32", reason="no limit on the size of a file")
def test_a_full_disk_is_one_sentence_and_the_run_goes_on_after_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import resource

    monkeypatch.setattr(module, "BLOCK", 4)
    data = source(tmp_path / "data")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, hard))
    try:
        with pytest.raises(DataError, match="the disk is full; make room and run the same command again"):
            pack(data, tmp_path / "pack")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    pack(data, tmp_path / "pack")
    pack(data, tmp_path / "whole")
    assert content(tmp_path / "pack") == content(tmp_path / "whole")


def test_the_same_call_on_a_finished_pack_changes_nothing(tmp_path: Path) -> None:
    data = source(tmp_path / "data")
    pack(data, tmp_path / "pack", noise=4)
    before = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "pack").iterdir()}
    assert len(pack(data, tmp_path / "pack", noise=4)) == 4
    assert {path.name: path.stat().st_mtime_ns for path in (tmp_path / "pack").iterdir()} == before


@pytest.mark.parametrize("left", ["plan.json.part", "plan.json", "journal.txt"])
def test_a_kill_at_the_very_start_or_end_leaves_no_trace(tmp_path: Path, left: str) -> None:
    data = source(tmp_path / "data")
    pack(data, tmp_path / "whole")
    if left.endswith(".part"):
        (tmp_path / "pack").mkdir()
        (tmp_path / "pack" / left).write_text("{")
    else:
        pack(data, tmp_path / "pack")
        (tmp_path / "pack" / left).write_bytes((tmp_path / "whole" / "pack.json").read_bytes())
    pack(data, tmp_path / "pack")
    assert content(tmp_path / "pack") == content(tmp_path / "whole")


def test_a_folder_with_something_else_in_it_is_left_alone(tmp_path: Path) -> None:
    data = source(tmp_path / "data")
    pack(data, tmp_path / "pack", noise=4)
    for change in ({"noise": 5}, {"noise": 4, "seed": 1}, {"noise": 4, "keep_split": True}):
        with pytest.raises(ConfigError, match="holds a finished pack of another selection"):
            pack(data, tmp_path / "pack", **change)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="exists and is not a pack"):
        pack(data, tmp_path / "data")


def test_a_bad_trace_stops_the_run_unless_it_is_to_be_skipped(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    source(tmp_path / "data")
    table = tmp_path / "data" / "metadata.csv"
    table.write_text(table.read_text().replace("\nt7,", "\nlost,"))
    data = open_dataset(tmp_path / "data")
    with pytest.raises(ReadError, match="no waveform for trace lost"):
        pack(data, tmp_path / "pack")
    packed = pack(data, tmp_path / "skipped", skip_bad=True)
    assert len(packed) == 39 and "lost" not in set(packed.labels["trace_name"])
    assert np.array_equal(packed.waveform(7), data.waveform(8))
    assert "skipped" in caplog.text and "lost" in caplog.text


def test_a_pack_stopped_by_a_bad_trace_goes_on_when_bad_traces_are_to_be_skipped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BLOCK", 4)
    source(tmp_path / "data")
    table, seen = tmp_path / "data" / "metadata.csv", list[int]()
    table.write_text(table.read_text().replace("\nt10,", "\nbucket$x,"))
    data = open_dataset(tmp_path / "data")
    with pytest.raises(ReadError, match=r"bucket\$x has no location"):
        pack(data, tmp_path / "pack")
    pack(data, tmp_path / "pack", skip_bad=True, progress=lambda done, total: seen.append(done))
    pack(data, tmp_path / "whole", skip_bad=True)
    assert seen[0] == 8 and content(tmp_path / "pack") == content(tmp_path / "whole")


@pytest.mark.parametrize("finished", [True, False])
def test_a_pack_in_which_traces_may_be_missing_is_not_taken_for_one_of_all(tmp_path: Path, finished: bool) -> None:
    def stop(done: int, total: int) -> None:
        if not finished:
            raise Stopped

    data = source(tmp_path / "data")
    with contextlib.suppress(Stopped):
        pack(data, tmp_path / "pack", skip_bad=True, progress=stop)
    with pytest.raises(ConfigError, match="made with --skip-bad; give it again, or another folder"):
        pack(data, tmp_path / "pack")


def test_a_pack_that_was_cut_off_afterwards_is_named(tmp_path: Path) -> None:
    pack(source(tmp_path / "data"), tmp_path / "pack")
    file = tmp_path / "pack" / "waveforms.f32"
    file.write_bytes(file.read_bytes()[:-4])
    with pytest.raises(ReadError, match=r"waveforms\.f32: \d+ bytes where metadata\.csv asks for"):
        open_dataset(tmp_path / "pack")


def test_a_pack_of_packs_is_a_pack(tmp_path: Path) -> None:
    first = pack(source(tmp_path / "data"), tmp_path / "first", noise=6, earthquakes=6)
    second = pack(first, tmp_path / "second", keep_split=True)
    assert (tmp_path / "first" / "waveforms.f32").read_bytes() == (tmp_path / "second" / "waveforms.f32").read_bytes()
    assert (tmp_path / "first" / "metadata.csv").read_text() == (tmp_path / "second" / "metadata.csv").read_text()
    pd.testing.assert_frame_equal(first.labels, second.labels)


def test_reading_batches_costs_a_small_part_of_training_on_them(tmp_path: Path) -> None:
    packed = pack(source(tmp_path / "data", 64, 8000), tmp_path / "pack")
    rng = np.random.default_rng(0)
    took = []
    for _ in range(10):
        start = time.perf_counter()
        packed.windows(rng.integers(0, 64, 64).tolist(), rng.integers(0, 2000, 64).tolist(), 6000)
        took.append(time.perf_counter() - start)
    assert min(took) < 0.05  # 64 windows; a training step on them takes ten times as long


def test_a_pack_of_nothing_that_could_be_read_is_an_error_and_leaves_nothing_to_go_on_with(tmp_path: Path) -> None:
    data = np.ones((1, 3, 300), np.float32)
    rows = pd.DataFrame({"trace_name": ["a"], "trace_sampling_rate_hz": [10.0]})
    with pytest.raises(DataError, match="none of the 1 traces could be read"):
        pack(open_dataset(write_seisbench(tmp_path / "slow", data, rows)), tmp_path / "pack", skip_bad=True)
    assert not list((tmp_path / "pack").iterdir())


@pytest.mark.parametrize("card", ['{"version": "two", "keep_split": false}', '{"version": 2}', "[]", "{"])
def test_a_card_of_a_pack_that_cannot_be_understood_is_named(tmp_path: Path, card: str) -> None:
    pack(source(tmp_path / "data"), tmp_path / "pack").close()
    (tmp_path / "pack/pack.json").write_text(card)
    with pytest.raises(ReadError, match=r"pack\.json: damaged"):
        open_dataset(tmp_path / "pack")


def test_a_pack_without_a_trace_that_an_older_jijin_finished_opens_as_one(tmp_path: Path) -> None:
    pack(source(tmp_path / "data"), tmp_path / "pack").close()
    table = tmp_path / "pack/metadata.csv"
    table.write_text(table.read_text().split("\n")[0] + "\n")
    (tmp_path / "pack/waveforms.f32").write_bytes(b"")
    assert len(open_dataset(tmp_path / "pack")) == 0
