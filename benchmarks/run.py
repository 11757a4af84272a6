"""Measure jijin against its peers in one run and write RESULTS.md beside this file.

    python benchmarks/run.py DATA PEERS

DATA: a folder of labelled data sets (jijin evaluate --data). PEERS: a folder with a peers.py: NAMES and load(name).
Needs the extra 'train' and whatever the peers need. jijin has the thresholds it is shipped with, a peer its best on the
dev split; the test split is only scored. Nothing else should run on the machine.
"""

from __future__ import annotations

import platform
import statistics
import sys
import time
from collections.abc import Callable
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from jijin.data.corpus import scored_traces
from jijin.data.traces import P, S
from jijin.evaluate import Report, best_thresholds, evaluate, evaluation_windows, load_peers, predict_with
from jijin.models import load

MANUAL = ["ncedc_a", "ncedc_b", "obs"]
REPEATS, WINDOWS = 5, 64


def main(data: Path, peers: Path) -> None:
    """All measurements, then the page."""
    models = [("cba", load("cba")), *load_peers(peers)]
    parts = ["# Results\n", machine(), accuracy(models, [data]), forward(models)]
    (Path(__file__).parent / "RESULTS.md").write_text("\n".join(parts))


def machine() -> str:
    """What it was measured on."""
    names = ("jijin", "numpy", "onnxruntime", "torch", "seisbench")
    cpu = next(
        (x.split(":")[1].strip() for x in Path("/proc/cpuinfo").read_text().splitlines() if x.startswith("model name")),
        "?",
    )
    versions = ", ".join(f"{name} {version(name)}" for name in names)
    return f"Made by `benchmarks/run.py` on {date.today()}: {cpu}, Python {platform.python_version()}, {versions}.\n"


def accuracy(models: list[tuple[str, Any]], data: list[Path]) -> str:
    """Scores on dev and test of every picker: jijin as shipped, a peer at its best threshold on dev."""
    splits = {split: evaluation_windows(scored_traces(data, split, MANUAL)) for split in ("dev", "test")}
    out = [
        "## Accuracy\n",
        f"Manual labels of {', '.join(MANUAL)}, split by earthquake.\n",
        "jijin as shipped, a peer at its best threshold on dev.\n",
        "False picks on noise and on landslides are those of all data sets.\n",
    ]
    rows: dict[str, list[Report]] = {"dev": [], "test": []}
    for name, model in models:
        curves = {split: predict_with(model, windows) for split, windows in splits.items()}
        own = getattr(model, "thresholds", None)
        thresholds = {P: own["p"], S: own["s"]} if own else best_thresholds(curves["dev"], splits["dev"])
        for split, windows in splits.items():
            rows[split].append(evaluate(name, curves[split], windows, thresholds))
    for split, reports in rows.items():
        hours = reports[0].hours
        out += [f"### {split}: {reports[0].windows} windows, {reports[0].groups} groups\n"]
        out += [f"{hours['noise']:.2f} h of noise, {hours['other']:.2f} h of landslides.\n"]
        out += [table(reports)]
    return "\n".join(out)


def table(reports: list[Report]) -> str:
    """Markdown, a row per picker and phase."""
    heads = ["picker", "phase", "threshold", "labels", "precision", "recall", "F1 at 0.5 s", "95 %"]
    heads += ["F1 at 0.1 s", "mean s", "MAE s", "false/h of noise", "picks/h of landslides"]
    out = [f"| {' | '.join(heads)} |", "|" + "---|" * len(heads)]
    for phase in (P, S):
        for r in reports:
            wide, narrow = r.phases[phase][0.5], r.phases[phase][0.1]
            low, high = wide.interval
            out.append(
                f"| {r.name} | {'PS'[phase - P]} | {r.thresholds[phase]:.2f} | {wide.labels} | {wide.precision:.3f} "
                f"| {wide.recall:.3f} | {wide.f1:.3f} | {low:.3f} to {high:.3f} | {narrow.f1:.3f} "
                f"| {r.residuals[phase][0]:+.3f} | {r.residuals[phase][2]:.3f} "
                f"| {r.false_per_hour['noise'][phase]:.2f} | {r.false_per_hour['other'][phase]:.1f} |"
            )
    return "\n".join(out) + "\n"


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
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(Path(sys.argv[1]), Path(sys.argv[2]))
