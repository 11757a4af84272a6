"""Where the time of a station-day goes, step by step on one thread: prints the table of docs/performance.md.

    python benchmarks/budget.py [RECORDS]

RECORDS: a folder with three components at 100 Hz that are repeated to fill the day; otherwise a synthetic day. Times
are processor time of one thread, the least of a few repeats, so that other programs hardly count.
"""

from __future__ import annotations

import os

os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}

import sys
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np

from days import START_NS, pieces, repeated, synthetic, whole, write
from jijin.between import Between
from jijin.config import CutConfig
from jijin.detector import BATCH
from jijin.io.files import load as load_file
from jijin.io.files import scan
from jijin.looks import settle
from jijin.models import load
from jijin.models.onnx import OnnxModel
from jijin.moved import Moved
from jijin.picking import Picker
from jijin.signal import missing, normalise
from jijin.types import DAY_NS, Segment, ns_to_samples, samples_to_ns
from jijin.windows import Cutter, Stitcher, Window
from page import table
from timing import CPU, once, seconds_of

REPEATS = 3
Steadied = list[tuple[int, np.ndarray]]
ODD_HZ = 99.998
START = "import jijin.commands.batch, jijin.models; jijin.models.load()"


def main(records: Path | None = None) -> None:
    """The table."""
    samples = repeated(records, 24) if records else synthetic(24)
    rows = [("start: Python, its packages, the model", min(once([sys.executable, "-c", START]).cpu_s for _ in "abc"))]
    with tempfile.TemporaryDirectory() as folder:
        files = sorted(write(pieces(samples, whole(samples.shape[1])), Path(folder) / "day").iterdir())
        rows.append(("read: headers", least(lambda: [scan(file) for file in files])))
        rows.append(("read: decode", least(lambda: [load_file(file) for file in files])))
    segments = list(pieces(samples, whole(samples.shape[1])))
    rows += [("cut", least(lambda: used(cut(segments)))), *steps(list(cut(segments)))]
    rows.append((f"cut at {ODD_HZ:g} Hz, resampling included", least(lambda: used(cut(at_rate(segments, ODD_HZ))))))
    total = sum(seconds for name, seconds in rows[:-1])
    lines = [(name, seconds, seconds / total) for name, seconds in [*rows[:-1], ("all", total), rows[-1]]]
    print(table(["step", "s", "share"], lines, {"s": ".2f", "share": ".0%"}))


def steps(windows: list[Window]) -> list[tuple[str, float]]:
    """From windows in memory to picks."""
    model, data = load(threads=1).unmoved(looks=False), [window.data for window in windows]
    groups = [np.stack(data[at : at + 8]) for at in range(0, len(data), 8)]
    gaps = [missing(x) for x in groups]
    ready = [normalise(x, gaps=gap) for x, gap in zip(groups, gaps, strict=True)]
    rows = [("normalise", least(lambda: [normalise(x, gaps=missing(x)) for x in groups]))]
    rows.append(("network", least(lambda: [model.network(x) for x in ready])))
    said = np.concatenate([model.network(x) for x in ready], axis=1).swapaxes(0, 1)
    each = list(zip(np.concatenate(ready), np.concatenate(gaps), said, strict=True))
    rows.append(("gather", least(lambda: [settle(*of, model.network, (), moved=False) for of in each])))
    batches = [predict(model, data[at : at + BATCH]) for at in range(0, len(data), BATCH)]
    rows.append(("stitch", least(lambda: stitch(batches))))
    curves, looked = stitch(batches), list[int]()
    seconds = least(lambda: steady(model, windows, curves, looked))
    rows.append((f"windows in between, {sum(looked) / REPEATS / len(windows):.0%} more", seconds))
    steadied = steady(model, windows, curves, looked)
    rows.append(("onsets", least(lambda: moved(windows, steadied))))
    peaks = moved(windows, steadied)
    return [*rows, ("pick", least(lambda: pick(model, peaks)))]


def predict(model: OnnxModel, minutes: list[np.ndarray]) -> np.ndarray:
    """(curve, window, sample)."""
    found = model.predict(minutes)
    return np.stack([found.detection, found.p, found.s])


def stitch(batches: list[np.ndarray]) -> list[np.ndarray]:
    """Curves of consecutive windows, batch by batch."""
    stitcher = Stitcher(CutConfig())
    return [stitcher.push(i * BATCH, batch) for i, batch in enumerate(batches)]


def steady(model: OnnxModel, windows: list[Window], curves: list[np.ndarray], looked: list[int]) -> Steadied:
    """The curves (block, values) with what windows in between say; how many they are is appended, batch by batch."""

    def counted(minutes: list[np.ndarray]) -> np.ndarray:
        looked.append(len(minutes))
        return predict(model, minutes)

    between = Between(CutConfig(), counted)
    runs = ((windows[i * BATCH : (i + 1) * BATCH], part) for i, part in enumerate(curves))
    return [settled for run in runs for settled in between.push([run])]


def moved(windows: list[Window], steadied: Steadied) -> list[np.ndarray]:
    """The curves with their peaks at the onsets."""
    moving, starts = Moved(CutConfig().stride), range(0, len(windows), BATCH)
    return [moving.push(windows[at : at + BATCH], *of)[1] for at, of in zip(starts, steadied, strict=True)]


def pick(model: Any, curves: list[np.ndarray]) -> int:
    """How many picks the curves give."""
    picker, at, count = Picker(model.thresholds, model.time_uncertainty, lambda phase, index: ("", 0)), 0, 0
    for part in curves:
        count += len(picker.push(part, at))
        at += part.shape[1]
    return count + len(picker.finish())


def cut(segments: list[Segment]) -> Iterable[Window]:
    """Windows of a day, fed in quarters as jijin detect does."""
    cutter = Cutter(CutConfig())
    for k in range(4):
        for s in segments:
            n = round(ns_to_samples(DAY_NS // 4, s.sampling_rate))
            start_ns = START_NS + samples_to_ns(k * n, s.sampling_rate)
            cutter.add(Segment(s.seed_id, start_ns, s.sampling_rate, s.data[k * n : (k + 1) * n]))
        yield from cutter.cut(final=k == 3)


def at_rate(segments: list[Segment], rate: float) -> list[Segment]:
    """The same samples, said to be of another rate."""
    return [Segment(s.seed_id, s.start_ns, rate, s.data) for s in segments]


def used(windows: Iterable[Any]) -> int:
    """Their number."""
    return sum(1 for _ in windows)


def least(job: Callable[[], Any]) -> float:
    """Processor time in seconds, the least of REPEATS."""
    return min(seconds_of(CPU, job) for _ in range(REPEATS))


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:2]))
