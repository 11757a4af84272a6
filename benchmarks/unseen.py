"""Measure how good CBA is where it has never been: train without each region, score on it, and write docs/unseen.md.

    python benchmarks/unseen.py DATA PEERS RUNS [CACHE]

DATA: a folder with windows/ (labelled data sets), continuous/ and peer_picks.csv (other pickers' picks). PEERS: a
folder with a peers.py: NAMES and load(name). RUNS: where the runs are kept; one that was stopped goes on. CACHE: where
the peers' curves are kept. Needs the extra 'train'; six trainings, 45 minutes on one core.
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
NOISE_OF = ("Northern California", "Southern Alps, New Zealand")  # whose noise pre_event_noise is cut from
RECORDS = ("ridgecrest_aftershocks", "oklahoma_wilz")
BASE_WINDOWS, WINDOWS = 64_000, 24_000
MACHINES = ("uturuncu", "new_zealand")  # labels whose time is not to be trusted
REACHES_S = (0.5, 0.1)


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """One region: its windows, and of each picker the picks by phase."""

    region: str
    windows: list[Window]
    picks: dict[str, dict[int, list[list[tuple[float, float]]]]]


def main(data: Path, peers: Path, runs: Path, cache: Path) -> None:
    rivals = [Picker(name, Cached(model, cache / name), {}) for name, model in load_peers(peers)]
    base = trained(data, runs / "base", ELSEWHERE, BASE_WINDOWS, ())
    parts = [part(data, region, runs, base, rivals) for region in REGIONS]
    filled = {"made": machine("unseen.py"), "base": f"{BASE_WINDOWS:,}", "further": f"{WINDOWS:,}"}
    (DOCS / "unseen.md").write_text(PAGE.read_text().format(**filled, regions=regions(parts), margins=margins(parts)))


def part(data: Path, region: str, runs: Path, base: Path, rivals: Sequence[Picker]) -> Part:
    """Train without a region, choose every threshold without it, pick in it."""
    others = [name for other, names in REGIONS.items() if other != region for name in names]
    names = [*ELSEWHERE, *others, *(() if region in NOISE_OF else ("pre_event_noise",))]
    run = trained(data, runs / REGIONS[region][0], names, WINDOWS, ("--start", str(base)))
    model = load(exported(run))
    cba = Picker("cba", model, {P: model.thresholds["p"], S: model.thresholds["s"]})
    dev = windows(data, [name for name in names if name in others], "dev")
    best = [Picker(p.name, p.model, best_thresholds(p.curves(dev), dev, balanced=True)) for p in rivals]
    here = [w for w in windows(data, REGIONS[region], "all") if w.category != OTHER]
    return Part(region, here, {p.name: picked(p, here) for p in (cba, *best)})


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


def windows(data: Path, names: Sequence[str], split: str) -> list[Window]:
    """Labelled windows of data sets, labels by machines too."""
    paths, picks = [data / "windows" / name for name in names], [data / "peer_picks.csv"]
    return evaluation_windows(scored_traces(paths, split, others=picks, automatic=True))


def picked(picker: Picker, here: Sequence[Window]) -> dict[int, list[list[tuple[float, float]]]]:
    curves = picker.curves(here)
    return {phase: [list(w) for w in find_picks(curves[phase], phase, picker.thresholds[phase])] for phase in (P, S)}


def counts(one: Part, name: str, phase: int, reach_s: float) -> NDArray[np.float64]:
    """Hit, false and missed (window, 3)."""
    return count(one.picks[name][phase], one.windows, phase, reach_s)[0]


def regions(parts: Sequence[Part]) -> str:
    """F1 of each picker in each region, and their mean."""
    names = list(parts[0].picks)
    lines: list[list[object]] = []
    for phase in (P, S):
        rows = [(one.region, _labels(one, phase), [_f1(one, n, phase) for n in names]) for one in parts]
        rows = [row for row in rows if row[1]]
        lines += [[region, "PS"[phase - P], labels, *scores] for region, labels, scores in rows]
        lines.append(["mean", "PS"[phase - P], sum(r[1] for r in rows), *np.mean([r[2] for r in rows], 0).tolist()])
    return table(["region", "phase", "labels", *names], lines)


def _labels(one: Part, phase: int) -> int:
    return sum(len(w.onsets[phase]) for w in one.windows)


def _f1(one: Part, name: str, phase: int) -> float:
    return float(f1_of(counts(one, name, phase, REACHES_S[0]).sum(0)))


def margins(parts: Sequence[Part]) -> str:
    """F1 of jijin less that of each peer over all labels, drawn again by earthquake, the same draws for both."""
    cba, *peers = parts[0].picks
    lines: list[list[object]] = []
    for phase in (P, S):
        for reach_s in REACHES_S:
            chosen = [one for one in parts if reach_s > 0.1 or REGIONS[one.region][0] not in MACHINES]
            groups = [w.source_group for one in chosen for w in one.windows]
            own, *others = (np.concatenate([counts(one, n, phase, reach_s) for one in chosen]) for n in (cba, *peers))
            for name, other in zip(peers, others, strict=True):
                both = np.concatenate([own, other], 1)
                low, high = bootstrap(both, groups, lambda x: f1_of(x[..., :3]) - f1_of(x[..., 3:]))
                f1, theirs = float(f1_of(own.sum(0))), float(f1_of(other.sum(0)))
                lines.append(["PS"[phase - P], f"{reach_s} s", name, f1, theirs, f"{low:+.3f} to {high:+.3f}"])
    return table(["phase", "within", "peer", "cba", "the peer", "difference, 95 %"], lines)


if __name__ == "__main__":
    if len(sys.argv) not in (4, 5):
        sys.exit(__doc__)
    with tempfile.TemporaryDirectory() as folder:
        main(*map(Path, sys.argv[1:4]), Path(sys.argv[4] if len(sys.argv) == 5 else folder))
