"""Results in the order of the tasks, whoever does them; a worker that is killed takes nothing with it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import toil
from jijin.catalog import workers
from jijin.errors import MissingExtra

TASKS = [(n, "wait" if n % 5 == 0 else "") for n in range(12)]
SQUARES = [n**2 for n in range(12)]


def in_two(tasks: object) -> list[int]:
    return list(workers.in_processes(tasks, toil.square, toil.given_up, 2))  # type: ignore[arg-type]


def test_results_of_processes_come_in_the_order_of_the_tasks() -> None:
    assert in_two(TASKS) == SQUARES == list(workers.here(TASKS, toil.square))


def test_no_more_tasks_are_under_way_than_a_few_for_each_worker() -> None:
    taken = 0

    def tasks() -> Iterator[tuple[int, str]]:
        nonlocal taken
        for n in range(1000):
            taken += 1
            yield n, ""

    results = workers.in_processes(tasks(), toil.square, toil.given_up, 1)
    assert next(results) == 0
    assert taken == workers.AHEAD
    results.close()  # type: ignore[attr-defined]


def test_a_task_whose_worker_is_killed_is_done_again_and_the_others_too(tmp_path: Path) -> None:
    tasks = [(n, str(tmp_path / "once") if n == 4 else word) for n, word in TASKS]
    assert in_two(tasks) == SQUARES


def test_a_task_that_kills_every_worker_is_given_up_and_the_others_done() -> None:
    tasks = [(n, "die" if n in (3, 8) else word) for n, word in TASKS]
    assert in_two(tasks) == [-n if n in (3, 8) else n**2 for n in range(12)]


ORPHANS = """
import sys
from pathlib import Path
if __name__ == "__main__":
    sys.path.insert(0, sys.argv[1])
    import toil
    from jijin.catalog import workers
    list(workers.in_processes([Path(sys.argv[2])], toil.hang, toil.given_up, 1))
"""


def test_workers_end_when_the_run_is_killed(tmp_path: Path) -> None:
    script, note = tmp_path / "script.py", tmp_path / "pid"
    script.write_text(ORPHANS)
    run = subprocess.Popen([sys.executable, str(script), str(Path(__file__).parent), str(note)])
    until(lambda: note.exists() and note.read_text() != "")
    worker = int(note.read_text())
    run.kill()
    run.wait()
    until(lambda: gone(worker))


def until(done, seconds: float = 60.0) -> None:  # type: ignore[no-untyped-def]
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.05)


def gone(pid: int) -> bool:
    """Whether a process is no more, or a zombie that nobody has looked at yet."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except FileNotFoundError:
        return True


# a Dask cluster


@pytest.fixture
def cluster() -> Iterator[object]:
    distributed = pytest.importorskip("distributed", reason="dask.distributed is absent: --dask is NOT checked")
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None, memory_limit=0) as cluster:
        with distributed.Client(cluster, set_as_default=False) as client:
            client.run(lambda path: sys.path.insert(0, path), str(Path(__file__).parent))
        yield cluster


def test_a_dask_cluster_gives_the_same_results_in_order(cluster: object) -> None:
    found = workers.on_dask(TASKS, toil.square, toil.given_up, cluster.scheduler_address)  # type: ignore[attr-defined]
    assert list(found) == SQUARES


def test_a_dask_worker_killed_in_the_middle_loses_no_result(cluster: object) -> None:
    import distributed

    address = cluster.scheduler_address  # type: ignore[attr-defined]
    with distributed.Client(address, set_as_default=False) as client:
        before = set(client.run(os.getpid).values())
        results = workers.on_dask([(n, "wait") for n in range(12)], toil.square, toil.given_up, address)
        first = [next(results) for _ in range(3)]
        os.kill(min(before), 9)
        assert first + list(results) == SQUARES
        assert len(before) == 2


def test_a_scheduler_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("distributed", reason="dask.distributed is absent: --dask is NOT checked")
    monkeypatch.setattr(workers, "PATIENCE_S", 1)
    with pytest.raises(OSError, match=r"tcp://127.0.0.1:1009: no Dask scheduler answers"):
        list(workers.on_dask(TASKS, toil.square, toil.given_up, "tcp://127.0.0.1:1009"))


def test_dask_without_its_package_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(MissingExtra, match=r"pip install 'jijin\[dask\]'"):
        list(workers.on_dask(TASKS, toil.square, toil.given_up, "tcp://127.0.0.1:1009"))
