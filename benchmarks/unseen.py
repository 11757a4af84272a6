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

from accuracy_bench import at_best
from accuracy_parts import counts_by_phase, margin
from cached import Cached
from jijin.data.corpus import scored_traces
from jijin.data.labels import OTHER
from jijin.data.traces import LETTERS, P, S
from jijin.evaluate import Window, evaluation_windows, load_peers
from jijin.evaluate.pickers import Picker, released
from jijin.evaluate.scores import FEW_LABELS, RESAMPLES, f1_of
from jijin.models import load
from jijin.train.export import SAME_F1
from page import table, write

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
BASE_WINDOWS, WINDOWS = 32_000, 12_000
WITHOUT, WITH = "cba without it", "cba with it"
HELD_OUT = ("dev", "test")


@dataclass(frozen=True, slots=True, eq=False)
class Result:
    """One region: its held-out windows, and of each picker hit, false and missed (window, 3) by phase."""

    region: str
    windows: list[Window]
    counts: dict[str, dict[int, NDArray[np.float64]]]


def main(data: Path, peers: Path, runs: Path, cache: Path) -> None:
    rivals = [(name, Cached(model, cache / name)) for name, model in load_peers(peers)]
    base = trained(data, runs / "base", ELSEWHERE, BASE_WINDOWS)
    whole = picker(trained(data, runs / "all", sets_without(None), WINDOWS, base))
    results = []
    for region, names in REGIONS.items():
        here = sets_without(region)
        without = picker(trained(data, runs / names[0], here, WINDOWS, base))
        dev = windows(data, here, ["dev"])
        peers_here = [at_best(Picker(name, m, {}), dev, SAME_F1, True) for name, m in rivals]  # as jijin export
        held_out = [w for w in windows(data, names, HELD_OUT) if w.category != OTHER]
        shown = {WITHOUT: without, WITH: whole} | {p.name: p for p in peers_here}
        results.append(
            Result(region, held_out, {name: counts_by_phase(one, held_out)[0.5] for name, one in shown.items()})
        )
    setting = {"base": BASE_WINDOWS, "further": WINDOWS, "draws": RESAMPLES}
    write("unseen", setting | {"regions": by_region(results), "margins": margins(results)})


def sets_without(region: str | None) -> list[str]:
    """Data sets to train on and to choose thresholds on, all but those of one region and the noise cut from them."""
    others = [name for other, names in REGIONS.items() if other != region for name in names]
    return [*ELSEWHERE, *others, *(() if region in NOISE_OF else (NOISE,))]


def picker(run: Path) -> Picker:
    """The last weights of a run, as shipped ones are; thresholds of the run's own dev split, chosen by jijin export."""
    out = run / "cba.onnx"
    if not out.exists():
        (run / "best.pt").unlink(missing_ok=True)  # export takes the last ones where there are no best ones
        subprocess.run([sys.executable, "-m", "jijin.cli", "export", str(run), "-o", str(out)], check=True)
    return released(run.name, load(out))


def trained(data: Path, run: Path, names: Sequence[str], count: int, start: Path | None = None) -> Path:
    """The folder of a run on the data sets of these names, made or gone on with unless it is there."""
    if not (run / "done").exists():
        sets = [f"--data={data / 'windows' / name}" for name in names]
        records = [f"--records={data / 'continuous' / name}" for name in RECORDS]
        pace = [f"--windows={count}", "--epoch-windows=8000", "--patience=100"]
        begin = [f"--start={start / 'last.pt'}"] if start else []
        command = ["train", f"--output={run}", *sets, f"--teachers={data / 'peer_picks.csv'}", *records, *pace, *begin]
        subprocess.run([sys.executable, "-m", "jijin.cli", *command], check=True)
        (run / "done").touch()
    return run


def windows(data: Path, names: Sequence[str], splits: Sequence[str]) -> list[Window]:
    """Labelled windows of data sets, labels by machines too."""
    paths, picks = [data / "windows" / name for name in names], [data / "peer_picks.csv"]
    traces = [t for split in splits for t in scored_traces(paths, split, others=picks, automatic=True)]
    return evaluation_windows(traces, places=1)


def by_region(results: Sequence[Result]) -> str:
    """F1 of each picker in each region with enough labels."""
    names = list(results[0].counts)
    lines: list[list[object]] = []
    for phase in (P, S):
        for one in results:
            groups = {w.source_group for w in one.windows if w.onsets[phase]}
            labels = sum(len(w.onsets[phase]) for w in one.windows)
            if labels >= FEW_LABELS:
                scores = [float(f1_of(one.counts[n][phase].sum(0))) for n in names]
                lines.append([one.region, LETTERS[phase], len(groups), labels, *scores])
    return table(["region", "phase", "earthquakes", "labels", *names], lines)


def margins(results: Sequence[Result]) -> str:
    """F1 over all labels of the runs without a region less that of each other picker, drawn again by earthquake."""
    own, *others = results[0].counts
    groups = [w.source_group for one in results for w in one.windows]
    lines: list[list[object]] = []
    for phase in (P, S):
        ours, *theirs = (np.concatenate([one.counts[name][phase] for one in results]) for name in (own, *others))
        lines += [[LETTERS[phase], name, *margin(ours, x, groups)] for name, x in zip(others, theirs, strict=True)]
    return table(["phase", "the other", own, "the other's F1", "difference", "95 % of it"], lines)


if __name__ == "__main__":
    if len(sys.argv) not in (4, 5):
        sys.exit(__doc__)
    with tempfile.TemporaryDirectory() as folder:
        main(*map(Path, sys.argv[1:4]), Path(sys.argv[4] if len(sys.argv) == 5 else folder))
