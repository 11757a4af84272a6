"""What things cost: whole processes, measured from outside by the system's own accounts, and jobs within this one."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ParamSpec, TypeVar

P, T = ParamSpec("P"), TypeVar("T")
WALL, CPU = time.perf_counter, time.process_time  # clocks in seconds; CPU: of all threads of this process


@dataclass(frozen=True, slots=True)
class Cost:
    """Medians over repeats: seconds of wall and of processor time, the largest of the peaks of memory in MB."""

    wall_s: float
    cpu_s: float
    peak_mb: float
    spread_s: tuple[float, float]  # shortest and longest wall time
    output: str  # what the last one printed


def timed(clock: Callable[[], float], job: Callable[P, T], *args: P.args, **options: P.kwargs) -> tuple[float, T]:
    """Seconds on a clock, WALL or CPU, that a job takes, and what it returns."""
    began = clock()
    result = job(*args, **options)
    return clock() - began, result


def seconds_of(clock: Callable[[], float], job: Callable[P, object], *args: P.args, **options: P.kwargs) -> float:
    """Seconds on a clock that a job takes, throwing away what it returns included."""
    began = clock()
    job(*args, **options)
    return clock() - began


def in_turn(commands: Mapping[str, Sequence[str]], repeats: int) -> dict[str, Cost]:
    """Every command `repeats` times, one after the other in each round, so that all meet the same machine."""
    runs: dict[str, list[Cost]] = {name: [] for name in commands}
    for repeat in range(repeats):
        for name, command in commands.items():
            runs[name].append(once(command))
            print(f"{repeat + 1}/{repeats} {name}: {runs[name][-1].wall_s:.2f} s", file=sys.stderr)
    return {name: _median(found) for name, found in runs.items()}


def once(command: Sequence[str]) -> Cost:
    """One run; RuntimeError with what it wrote to stderr if it fails."""
    small = [sys.executable, __file__, *command]  # a child's peak counts what its parent had in memory
    done = subprocess.run(small, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr}")
    wall_s, cpu_s, peak_mb = map(float, done.stderr.split()[-3:])
    return Cost(wall_s, cpu_s, peak_mb, (wall_s, wall_s), done.stdout)


def _measure(command: Sequence[str]) -> int:
    """Run it and write wall seconds, processor seconds and peak memory in MB to stderr; returns its exit status."""
    began = time.perf_counter()
    child = subprocess.Popen(command)
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    spent = time.perf_counter() - began, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024
    print(*spent, file=sys.stderr)
    return child.returncode


def _median(runs: Sequence[Cost]) -> Cost:
    walls = [run.wall_s for run in runs]
    return Cost(
        statistics.median(walls),
        statistics.median(run.cpu_s for run in runs),
        max(run.peak_mb for run in runs),
        (min(walls), max(walls)),
        runs[-1].output,
    )


def jijin(*words: str | Path) -> list[str]:
    """The command line of `jijin`, in this interpreter."""
    return [sys.executable, "-m", "jijin.cli", *map(str, words)]


if __name__ == "__main__":
    sys.exit(_measure(sys.argv[1:]))
