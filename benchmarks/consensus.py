"""Measure what pickers share on networks that nobody labelled whole, and write docs/consensus.md.

    python benchmarks/consensus.py DATA PEERS CACHE [MODEL ...]

DATA: a folder with networks/CASE[/EVENT]/waveforms.mseed. PEERS: a folder with a peers.py: NAMES and load(name). CACHE:
where the peers' curves are kept. MODEL: weights to compare, names or files; with them the table is only printed.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from obspy import Stream

import jijin
from cached import Cached
from jijin.config import CutConfig
from jijin.data.continuous import continuous
from jijin.data.traces import P, S
from jijin.evaluate.matching import Picks, outside, pair
from jijin.evaluate.pickers import Picker, in_a_detector, peer_loaders, released
from jijin.evaluate.shift import EDGE, GRID_STARTS, in_detector
from jijin.types import NS, RATE, net_sta
from page import STEADINESS, steadiness, table_of, write

CASES = {
    "California, M 4.3": "california_M4p3_mttime",
    "Hawaii, M 5.3": "hawaii_M5p3_gmprocess",
    "Hengill, Iceland": "hengill_iceland_malmi",
    "a coal mine, Hamm": "hamm_mine_loki",
}  # nothing was trained on these
VOTERS = ("eqt_conservative", "phasenet_original", "eqcct_original")  # eqt_original is of one kind with the first
THRESHOLD = 0.3  # of the peers
NEAR_S = 0.5
EDGE_S = 5.0  # at both ends of a record, where some peers pick the beginning itself
OTHERS = (0, 3)  # windows in between
Onsets = dict[tuple[str, str], Picks]  # station, phase -> (s, probability)


@dataclass(slots=True)
class Tally:
    """Picks of one picker beside the arrivals that two others share: how far off in s, and those that neither has."""

    off_s: list[float] = field(default_factory=list)
    alone: int = 0


@dataclass(slots=True)
class Part:
    """What two pickers share, and what others find of it."""

    shared: int = 0
    tallies: defaultdict[str, Tally] = field(default_factory=lambda: defaultdict(Tally))


def main(data: Path, peers: Path, cache: Path, models: Sequence[str]) -> None:
    voters = [
        Picker(name, Cached(load(), cache / name), {P: THRESHOLD, S: THRESHOLD})
        for name, load in peer_loaders(peers).items()
        if name in VOTERS
    ]
    pickers = [*(released(name, jijin.load(name)) for name in models or ["cba"]), *voters]
    shown = {"rows": rows(data / "networks", pickers), "starts": starts(data / "networks", pickers)}
    tables = {name: table_of(list(lines), STEADINESS) for name, lines in shown.items()}
    if models:
        print(*tables.values(), sep="\n\n")
    else:
        setting = {"near": NEAR_S, "voters": ", ".join(VOTERS), "threshold": THRESHOLD, "edge": EDGE_S}
        begun = {"outer": EDGE / RATE, "begun": len(GRID_STARTS), "most": max(OTHERS)}
        write("consensus", tables | setting | begun)


def starts(networks: Path, pickers: Sequence[Picker]) -> Iterator[dict[str, object]]:
    """A line for each case, phase and picker: how steady picks are over the places of the detector's grid; those of our
    pickers with more and without any windows in between too."""
    ways = [(picker, CutConfig()) for picker in pickers]
    others = [(picker, CutConfig(between=count)) for picker in ours(pickers) for count in OTHERS]
    for title, folder in CASES.items():
        traces = continuous([file.parent for file in sorted((networks / folder).rglob("waveforms.mseed"))])
        found = (one for picker, cut in (*others, *ways) for one in in_detector(picker, traces, cut))
        yield from ({"records": title, **steadiness(one)} for one in found)


def ours(pickers: Sequence[Picker]) -> list[Picker]:
    """Those that have no vote."""
    return [picker for picker in pickers if picker.name not in VOTERS]


def rows(networks: Path, pickers: Sequence[Picker]) -> Iterator[dict[str, object]]:
    """A line for each case, phase and pair of voters: the pickers of ours, then the voter that is left."""
    own = [picker.name for picker in ours(pickers)]
    for title, folder in CASES.items():
        streams = [jijin.read(file) for file in sorted((networks / folder).rglob("waveforms.mseed"))]
        found = [{picker.name: onsets(picker, stream) for picker in pickers} for stream in streams]
        for phase in "PS":
            for third in VOTERS:
                part = beside(found, phase, [voter for voter in VOTERS if voter != third], [*own, third])
                told = {name: words(part, name) for name in own} | {"peer": third, "the peer": words(part, third)}
                yield {"records": title, "phase": phase, "shared by two": part.shared} | told


def onsets(picker: Picker, stream: Stream) -> Onsets:
    """What a picker finds through the detector, but for the ends of each record."""
    detector = in_a_detector(picker)
    found: Onsets = {}
    inner = {net_sta(tr.id): (tr.stats.starttime.ns / NS + EDGE_S, tr.stats.endtime.ns / NS - EDGE_S) for tr in stream}
    for pick in [*detector.feed(stream), *detector.flush()]:
        station, time_s = net_sta(pick.seed_id), pick.time_ns / NS
        if inner[station][0] <= time_s <= inner[station][1]:
            found.setdefault((station, pick.phase_hint), []).append((time_s, pick.probability))
    return found


def beside(found: Sequence[dict[str, Onsets]], phase: str, voters: Sequence[str], names: Sequence[str]) -> Part:
    """What two voters share in the streams, and what each of names finds of it."""
    out = Part()
    for stream in found:
        for key in sorted({key for one in stream.values() for key in one if key[1] == phase}):
            one, two = (stream[voter].get(key, []) for voter in voters)
            agreed = shared(one, two)
            out.shared += len(agreed)
            for name in names:
                pairs, _ = pair(stream[name].get(key, []), agreed, NEAR_S)
                out.tallies[name].off_s += [abs(pick[0] - x) for pick, x in pairs]
                free = outside(stream[name].get(key, []), [(x - NEAR_S, x + NEAR_S) for x, _ in (*one, *two)])
                out.tallies[name].alone += len(free)
    return out


def shared(one: Picks, two: Picks) -> list[float]:
    """Times half-way between the picks of two pickers that are within half a second."""
    pairs, _ = pair(one, [x for x, _ in two], NEAR_S)
    return sorted((pick[0] + x) / 2 for pick, x in pairs)


def words(part: Part, name: str) -> str:
    """Share found, the median distance to what is shared, picks that neither of the two has."""
    tally = part.tallies[name]
    if not part.shared:
        return f"{tally.alone} alone"
    off = f"{np.median(tally.off_s):.3f} s, " if tally.off_s else ""
    return f"{len(tally.off_s) / part.shared:.2f}, {off}{tally.alone} alone"


if __name__ == "__main__":
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    main(*map(Path, sys.argv[1:4]), sys.argv[4:])
