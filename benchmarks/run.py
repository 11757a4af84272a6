"""Measure the speed of jijin against its peers in one run and write RESULTS.md beside this file.

    python benchmarks/run.py PEERS

PEERS: a folder with a peers.py: NAMES and load(name). Needs the extra 'train' and whatever the peers need. Nothing else
should run on the machine. How good the picks are is measured by accuracy.py.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from jijin.evaluate import load_peers
from jijin.models import load
from jijin.study.machine import machine as here

REPEATS, WINDOWS = 5, 64


def main(peers: Path) -> None:
    """All measurements, then the page."""
    models = [("cba", load("cba")), *load_peers(peers)]
    accuracy = "How good the picks are: [docs/accuracy.md](../docs/accuracy.md).\n"
    parts = ["# Results\n", machine("run.py") + "\n", accuracy, forward(models)]
    (Path(__file__).parent / "RESULTS.md").write_text("\n".join(parts))


def machine(script: str) -> str:
    """What it was measured on."""
    return f"Made by `benchmarks/{script}` on {date.today()}: {here()}."


def forward(models: list[tuple[str, Any]]) -> str:
    """Time of predict() for a batch of windows in memory, one thread each; a peer includes its own preprocessing."""
    import torch

    torch.set_num_threads(1)
    x = np.random.default_rng(0).standard_normal((WINDOWS, 3, 6000)).astype(np.float32)
    jobs: list[tuple[str, Callable[[], Any]]] = [("cba", lambda: one_thread.predict(x))]
    one_thread = load("cba", threads=1)
    jobs += [(name, lambda model=model: model.predict(x)) for name, model in models if name != "cba"]
    times = {name: [] for name, _ in jobs}
    for repeat in range(REPEATS + 1):
        for name, job in jobs:
            began = time.perf_counter()
            job()
            times[name] += [time.perf_counter() - began] if repeat else []
    ours = statistics.median(times["cba"])
    lines = ["## Windows to probabilities\n", f"{WINDOWS} windows of 60 s, one thread, median of {REPEATS}.\n"]
    lines += ["| picker | ms a window | times jijin |", "|---|---|---|"]
    for name, spent in times.items():
        middle = statistics.median(spent)
        lines.append(f"| {name} | {middle / WINDOWS * 1e3:.2f} | {middle / ours:.1f} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(Path(sys.argv[1]))
