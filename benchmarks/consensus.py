"""Measure what pickers share on networks that nobody labelled whole, and write docs/consensus.md.

    python benchmarks/consensus.py DATA PEERS CACHE [MODEL ...]

DATA: a folder with networks/CASE[/EVENT]/waveforms.mseed. PEERS: a folder with a peers.py: NAMES and load(name). CACHE:
where the peers' curves are kept. MODEL: weights to compare, names or files; with them the table is only printed.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from obspy import Stream

import jijin
from accuracy_parts import DOCS, table
from cached import Cached
from jijin.data.traces import P, S
from jijin.detector import Detector
from jijin.evaluate.pickers import AsModel, Picker, load_peers
from jijin.types import NS, net_sta
from run import machine

PAGE = Path(__file__).with_name("consensus_page.md")
CASES = {
    "California, M 4.3": "california_M4p3_mttime",
    "Hawaii, M 5.3": "hawaii_M5p3_gmprocess",
    "Hengill, Iceland": "hengill_iceland_malmi",
    "a coal mine, Hamm": "hamm_mine_loki",
    "Southern Alps, New Zealand": "nz_alpine",
    "Uturuncu, Bolivia": "uturuncu",
}
VOTERS = ("eqt_conservative", "phasenet_original", "eqcct_original")  # eqt_original is of one kind with the first
THRESHOLD = 0.3  # of the peers
REACH_S, NEAR_S = 0.5, 0.5  # within which picks are one; of a hit
EDGE_S = 5.0  # at both ends of a record, where some peers pick the beginning itself
Onsets = dict[tuple[str, str], list[float]]  # station, phase -> s


@dataclass(slots=True)
class Tally:
    """Arrivals that others share, those found, and the residuals of these in s; picks that nobody else has."""

    shared: int = 0
    alone: int = 0
    residuals_s: tuple[float, ...] = ()


def main(data: Path, peers: Path, cache: Path, models: Sequence[str]) -> None:
    voters = [
        Picker(name, Cached(model, cache / name), {P: THRESHOLD, S: THRESHOLD})
        for name, model in load_peers(peers)
        if name in VOTERS
    ]
    pickers = [*(own(name) for name in models or ["cba"]), *voters]
    lines = list(rows(data / "networks", pickers))
    shown = table(list(lines[0]), [list(line.values()) for line in lines])
    if models:
        print(shown)
    else:
        (DOCS / "consensus.md").write_text(PAGE.read_text().format(made=machine("consensus.py"), rows=shown))


def own(name: str) -> Picker:
    """Weights of ours at their released thresholds."""
    model = jijin.load(name)
    return Picker(Path(name).stem, model, {P: model.thresholds["p"], S: model.thresholds["s"]})


def rows(networks: Path, pickers: Sequence[Picker]) -> Iterator[dict[str, object]]:
    """A line for each case and phase."""
    for title, folder in CASES.items():
        tallies: dict[tuple[str, str], Tally] = {}
        for file in sorted((networks / folder).rglob("waveforms.mseed")):
            stream = jijin.read(file)
            note(tallies, {picker.name: onsets(picker, stream) for picker in pickers})
        for phase in "PS":
            told = {picker.name: words(tallies[picker.name, phase]) for picker in pickers}
            yield {"records": title, "phase": phase, "shared": tallies[pickers[0].name, phase].shared} | told


def onsets(picker: Picker, stream: Stream) -> Onsets:
    """What a picker finds through the detector, but for the ends of each record."""
    detector = Detector(AsModel(picker))
    found: Onsets = {}
    inner = {net_sta(tr.id): (tr.stats.starttime.ns / NS + EDGE_S, tr.stats.endtime.ns / NS - EDGE_S) for tr in stream}
    for pick in [*detector.feed(stream), *detector.flush()]:
        station, time_s = net_sta(pick.seed_id), pick.time_ns / NS
        if inner[station][0] <= time_s <= inner[station][1]:
            found.setdefault((station, pick.phase_hint), []).append(time_s)
    return found


def note(tallies: dict[tuple[str, str], Tally], found: dict[str, Onsets]) -> None:
    """Add one stream: of every picker what two others of the voters share, of a voter what the other two share."""
    for name in found:
        others = [found[voter] for voter in VOTERS if voter != name]
        for key in {key for one in found.values() for key in one}:
            tally = tallies.setdefault((name, key[1]), Tally())
            theirs, mine = [one.get(key, []) for one in others], np.array(found[name].get(key, []))
            agreed = shared(theirs)
            residuals = [float(r) for x in agreed for r in (mine - x)[np.abs(mine - x) <= NEAR_S][:1]]
            anybody = np.array([x for one in theirs for x in one])
            tally.shared += len(agreed)
            tally.alone += sum(not (np.abs(anybody - x) <= NEAR_S).any() for x in mine)
            tally.residuals_s += tuple(residuals)


def shared(theirs: Sequence[Sequence[float]]) -> list[float]:
    """Median times of arrivals that at least two of several pickers find."""
    flat = sorted((x, k) for k, one in enumerate(theirs) for x in one)
    times = np.array([x for x, _ in flat])
    groups = np.split(np.arange(len(flat)), np.flatnonzero(np.diff(times) > REACH_S) + 1) if flat else []
    whole = [group for group in groups if len(Counter(flat[i][1] for i in group)) >= 2]
    return [float(np.median(times[group])) for group in whole]


def words(tally: Tally) -> str:
    """Share found, the median distance to what is shared, picks that nobody else has."""
    if not tally.shared:
        return f"{tally.alone} alone"
    off = np.median(np.abs(tally.residuals_s)) if tally.residuals_s else np.nan
    return f"{len(tally.residuals_s) / tally.shared:.2f} of {tally.shared}, {off:.3f} s, {tally.alone} alone"


if __name__ == "__main__":
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    main(*map(Path, sys.argv[1:4]), sys.argv[4:])
