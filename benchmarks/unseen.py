"""Measure what it costs CBA never to have been in a region: train without each, and with all; write docs/unseen.md.

    python benchmarks/unseen.py DATA PEERS RUNS [CACHE]

DATA: a folder with windows/ (labelled data sets), continuous/ and peer_picks.csv (other pickers' picks). PEERS: a
folder with a peers.py: NAMES and load(name). RUNS: where the runs are kept; one that was stopped goes on. CACHE: where
the peers' curves are kept. Needs the extra 'train'; seven trainings, half an hour on a free core.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from accuracy_parts import DOCS, table
from cached import Cached
from jijin.data.corpus import scored_traces
from jijin.data.labels import OTHER
from jijin.data.traces import P, S
from jijin.evaluate import Window, best_thresholds, count, evaluation_windows, find_picks, load_peers
from jijin.evaluate.pickers import Picker
from jijin.evaluate.scores import bootstrap, f1_of
from jijin.models import load
from run import machine

PAGE = Path(__file__).with_name("unseen_page.md")
REGIONS = {
    "Northern California": ("ncedc_a", "ncedc_b"),
    "ocean bottom": ("obs",),
    "a coal mine": ("coal_mine",),
    "Uturuncu, Bolivia": ("uturuncu",),
    "Southern Alps, New Zealand": ("new_zealand",),
}
ELSEWHERE = ("pnw_noise", "landslides", "icequakes", "stead_sample")  # never scored here
NOISE = "pre_event_noise"  # cut from windows of NOISE_OF
NOISE_OF = ("Northern California", "Southern Alps, New Zealand")
RECORDS = ("ridgecrest_aftershocks", "oklahoma_wilz")
BASE_WINDOWS, WINDOWS = 40_000, 16_000
WITHOUT, WITH = "cba without it", "cba with it"
HELD_OUT = ("dev", "test")


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """One region: its held-out windows, and of each picker hit, false and missed (window, 3) by phase."""

    region: str
    windows: list[Window]
    counts: dict[str, dict[int, NDArray[np.float64]]]


def main(data: Path, peers: Path, runs: Path, cache: Path) -> None:
    rivals = [(name, Cached(model, cache / name)) for name, model in load_peers(peers)]
    base = trained(data, runs / "base", ELSEWHERE, BASE_WINDOWS, ())
    whole = after(data, runs / "all", base, "")
    parts = [part(data, region, whole, after(data, runs / names[0], base, region), rivals)
             for region, names in REGIONS.items()]  # fmt: skip
    filled = {"made": machine("unseen.py"), "base": f"{BASE_WINDOWS:,}", "further": f"{WINDOWS:,}"}
    (DOCS / "unseen.md").write_text(PAGE.read_text().format(**filled, regions=regions(parts), margins=margins(parts)))


def after(data: Path, run: Path, base: Path, left_out: str) -> Picker:
    """A run that goes on from the base with all regions but one."""
    names = [*ELSEWHERE, *elsewhere(left_out), *(() if left_out in NOISE_OF else (NOISE,))]
    return picker(exported(trained(data, run, names, WINDOWS, ("--start", str(base)))))


def elsewhere(left_out: str) -> list[str]:
    """Data sets of all regions but one."""
    return [name for region, names in REGIONS.items() if region != left_out for name in names]


def picker(file: Path) -> Picker:
    model = load(file)
    return Picker(file.parent.name, model, {P: model.thresholds["p"], S: model.thresholds["s"]})


def part(data: Path, region: str, whole: Picker, without: Picker, rivals: Sequence[tuple[str, object]]) -> Part:
    """Score in a region; thresholds of the peers from the dev split of the others, as those of the run without it."""
    dev = windows(data, elsewhere(region), ["dev"])
    pickers = {WITHOUT: without, WITH: whole}
    for name, model in rivals:
        curves = Picker(name, model, {}).curves(dev)
        pickers[name] = Picker(name, model, best_thresholds(curves, dev, balanced=True))
    here = [w for w in windows(data, REGIONS[region], HELD_OUT) if w.category != OTHER]
    return Part(region, here, {name: counted(one, here) for name, one in pickers.items()})


def counted(one: Picker, here: Sequence[Window]) -> dict[int, NDArray[np.float64]]:
    curves = one.curves(here)
    return {k: count(find_picks(curves[k], k, one.thresholds[k]), here, k, 0.5)[0] for k in (P, S)}


def trained(data: Path, run: Path, names: Sequence[str], count: int, more: Sequence[str]) -> Path:
    """The folder of a run on the data sets of these names, made or gone on with unless it is there."""
    if not (run / "done").exists():
        sets = [f"--data={data / 'windows' / name}" for name in names]
        records = [f"--records={data / 'continuous' / name}" for name in RECORDS]
        pace = (f"--windows={count}", "--epoch-windows=16000", "--patience=100")
        command = ["train", "-o", run, *sets, f"--teachers={data / 'peer_picks.csv'}", *records, *pace, *more]
        subprocess.run([sys.executable, "-m", "jijin.cli", *map(str, command)], check=True)
        (run / "done").touch()
    return run


def exported(run: Path) -> Path:
    """The model of a run, its thresholds chosen on the run's own dev split; the last weights, as are shipped."""
    out = run / "cba.onnx"
    if not out.exists():
        (run / "best.pt").write_bytes((run / "last.pt").read_bytes())
        subprocess.run([sys.executable, "-m", "jijin.cli", "export", str(run), "-o", str(out)], check=True)
    return out


def windows(data: Path, names: Sequence[str], splits: Sequence[str]) -> list[Window]:
    """Labelled windows of data sets, labels by machines too."""
    paths, picks = [data / "windows" / name for name in names], [data / "peer_picks.csv"]
    traces = [t for split in splits for t in scored_traces(paths, split, others=picks, automatic=True)]
    return evaluation_windows(traces)


def regions(parts: Sequence[Part]) -> str:
    """F1 of each picker in each region, and their mean."""
    names = list(parts[0].counts)
    lines: list[list[object]] = []
    for phase in (P, S):
        rows = [(one.region, labels(one, phase), [_f1(one, n, phase) for n in names]) for one in parts]
        rows = [row for row in rows if row[1]]
        lines += [[region, "PS"[phase - P], number, *scores] for region, number, scores in rows]
        lines.append(["mean", "PS"[phase - P], sum(r[1] for r in rows), *np.mean([r[2] for r in rows], 0).tolist()])
    return table(["region", "phase", "labels", *names], lines)


def labels(one: Part, phase: int) -> int:
    return sum(len(w.onsets[phase]) for w in one.windows)


def _f1(one: Part, name: str, phase: int) -> float:
    return float(f1_of(one.counts[name][phase].sum(0)))


def margins(parts: Sequence[Part]) -> str:
    """F1 over all labels of the runs without a region less that of each other picker, drawn again by earthquake."""
    own, *others = parts[0].counts
    groups = [w.source_group for one in parts for w in one.windows]
    lines: list[list[object]] = []
    for phase in (P, S):
        ours, *theirs = (np.concatenate([one.counts[name][phase] for one in parts]) for name in (own, *others))
        for name, other in zip(others, theirs, strict=True):
            both = np.concatenate([ours, other], 1)
            low, high = bootstrap(both, groups, lambda x: f1_of(x[..., :3]) - f1_of(x[..., 3:]))
            f1 = [float(f1_of(x.sum(0))) for x in (ours, other)]
            lines.append(["PS"[phase - P], name, *f1, f"{low:+.3f} to {high:+.3f}"])
    return table(["phase", "the other", own, "the other's F1", "difference, 95 %"], lines)


if __name__ == "__main__":
    if len(sys.argv) not in (4, 5):
        sys.exit(__doc__)
    with tempfile.TemporaryDirectory() as folder:
        main(*map(Path, sys.argv[1:4]), Path(sys.argv[4] if len(sys.argv) == 5 else folder))
