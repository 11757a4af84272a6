"""Measure the speed of jijin against its peers in one run and write RESULTS.md beside this file.

    python benchmarks/run.py PEERS [RECORDS [SECTION ...]]

PEERS: a folder with a peers.py: NAMES and load(name). RECORDS: a folder with the three components of a station at
100 Hz, whose records are repeated to fill a second day. SECTION: titles of RESULTS.md to measure again, the others stay
as they are. Needs the extra 'train' and whatever the peers need, takes 40 minutes, and nothing else should run on the
machine. How good the picks are is measured by accuracy.py, how a catalogue's run scales by scale.py.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

import network as many
from days import EVENTS_PER_HOUR, HOUR, START_NS, fragments, gaps, pieces, repeated, synthetic, whole, write
from jijin.evaluate import load_peers
from jijin.models import load
from jijin.types import DAY_NS, utc
from page import HERE, made, table
from timing import WALL, Cost, in_turn, jijin, once, seconds_of

PAGE = HERE / "RESULTS.md"
ABOUT = """How good the picks are: [docs/accuracy.md](../docs/accuracy.md). Where the time goes:
[docs/performance.md](../docs/performance.md). The machine is not ours alone, and from day to day its
speed has changed by a factor of two: compare within a section,
not seconds of sections of different days."""
REPEATS, WINDOWS = 5, 64
PEER_REPEATS = 3  # of whole processes
BATCHES = {"eqt_original": (64, 256), "phasenet_original": (256,)}  # windows; 256 is SeisBench's own
PROCESSES = ((10, 1), (10, 2), (100, 2))  # station-days, processes
FRAGMENTS, GAPS = 2880, 5000  # of a day
HOURS = ((1, 1), (24, 1), (240, 1), (1, 10), (1, 100))  # scaling: hours, stations
DECIMALS = {"peak MB": ".0f", "times jijin": ".1f", "s an hour of station": ".3f"}


def main(peers: Path, records: Path | None = None, *only: str) -> None:
    """All measurements or only some, each on the page as soon as it is made."""
    head = f"# Results\n\n{made('run')}\n\n{ABOUT}"
    sections = sections_of(PAGE.read_text()) if only else {}
    for part in measured(peers, records, only):
        sections[part.title] = f"Measured on {date.today()}, load average before it: {part.load:.1f}. {part.text}"
        PAGE.write_text("\n\n".join([head, *(f"## {title}\n\n{text}" for title, text in sections.items())]) + "\n")


def sections_of(page: str) -> dict[str, str]:
    """Text by title."""
    return dict(part.strip().split("\n\n", 1) for part in page.split("\n## ")[1:])


@dataclass(frozen=True, slots=True)
class Part:
    """A section of the page; load : processes that wanted a CPU in the minute before it; more than about 2 disturb."""

    title: str
    text: str
    load: float


def measured(peers: Path, records: Path | None, only: Sequence[str]) -> Iterator[Part]:
    """Every section in order, or only those of the titles."""
    with tempfile.TemporaryDirectory() as folder:
        work, day = Path(folder), synthetic(24)
        about = f"a day with {EVENTS_PER_HOUR} synthetic earthquakes an hour"
        todo: dict[str, Callable[[], str]] = {"Station-day": lambda: station_day(peers, work / "day", about, day)}
        if records:
            again = f"the records of {records.name} over and over"
            todo["Busy station-day"] = lambda: station_day(peers, work / "busy", again, repeated(records, 24))
        todo |= {
            "Fragments and gaps": lambda: hard_days(work / "hard", day),
            "Network": network,
            "Start": start,
            "Windows to probabilities": lambda: forward(peers),
            "Scaling": lambda: scaling(work / "scaling"),
            "Processes": lambda: processes(work / "processes"),
        }
        if unknown := set(only) - set(todo):
            sys.exit(f"no section {', '.join(sorted(unknown))}; there are {', '.join(todo)}")
        for title in only or todo:
            load_before = os.getloadavg()[0]
            yield Part(title, todo[title](), load_before)


def detect(folder: Path) -> list[str]:
    return jijin("detect", folder, "-q", "-o", folder.with_suffix(".csv"))


def station_day(peers: Path, work: Path, name: str, samples: np.ndarray) -> str:
    """One day of one station, three components: miniSEED on disk to picks on disk, the whole process."""
    folder = write(pieces(samples, whole(samples.shape[1])), work / "day")
    script = [sys.executable, str(HERE / "peer.py")]
    commands = {"jijin": detect(folder)}
    for peer, batches in BATCHES.items():
        for batch in batches:
            words = [peer, str(folder), str(work / "peer.csv"), str(peers), str(batch)]
            commands[f"SeisBench {peer}, batch {batch}"] = [*script, *words]
    commands["ObsPy recursive STA/LTA"] = [*script, "stalta", str(folder), str(work / "peer.csv")]
    costs = in_turn(commands, PEER_REPEATS)
    counts = {name: cost.output.strip() for name, cost in costs.items()}
    counts["jijin"] = str(len(folder.with_suffix(".csv").read_text().splitlines()) - 1)
    ours = costs["jijin"].wall_s
    rows = [[n, *_cells(c), c.wall_s / ours, counts[n]] for n, c in costs.items()]
    heads = ["picker", *COST_HEADS, "times jijin", "picks"]
    way = f"miniSEED on disk to picks on disk, whole process, median of {PEER_REPEATS}"
    return section(f"3 x {samples.shape[1]:,} samples, {way}: {name}.", heads, rows)


COST_HEADS = ("s", "shortest to longest", "processor s", "peak MB")


def _cells(cost: Cost) -> tuple[object, ...]:
    return cost.wall_s, cost.spread_s, cost.cpu_s, cost.peak_mb


def hard_days(work: Path, samples: np.ndarray) -> str:
    """The same day whole, in FRAGMENTS and with GAPS."""
    length = samples.shape[1]
    kinds = {
        "whole": whole(length),
        f"{FRAGMENTS:,} fragments": fragments(length, FRAGMENTS),
        f"{GAPS:,} gaps": gaps(length, GAPS, np.random.default_rng(0)),
    }
    folders = {name: write(pieces(samples, edges), work / str(i)) for i, (name, edges) in enumerate(kinds.items())}
    costs = in_turn({name: detect(folder) for name, folder in folders.items()}, REPEATS)
    picks = {name: len(f.with_suffix(".csv").read_text().splitlines()) - 1 for name, f in folders.items()}
    ours = costs["whole"].wall_s
    rows = [[n, *_cells(c), c.wall_s / ours, picks[n]] for n, c in costs.items()]
    about = f"The synthetic day, jijin, whole process, median of {REPEATS}."
    return section(about, ["day", *COST_HEADS, "times the whole day", "picks"], rows)


def network() -> str:
    """Many stations: a window each, and a second more for each."""
    found = json.loads(once([sys.executable, str(HERE / "network.py")]).output)
    names = {"window": "a window of 60 s each, in memory, to picks", "tick": "a second more for each, to picks"}
    columns = ("median", "largest", "first", "last")
    rows = [[names[key], *(times[column] for column in columns)] for key, times in found.items()]
    about = (
        f"{many.STATIONS} stations of three components in one process, seconds. A tick gives provisional picks of the"
        " newest minute of every station and the final ones; `first` and `last`: medians of the first and last tenth of"
        f" the repeats ({many.REPEATS} windows, {many.TICKS} ticks)."
    )
    return section(about, [f"{many.STATIONS} stations", *columns], rows)


def scaling(work: Path) -> str:
    """Time and memory against hours and stations."""
    commands, hour = {}, synthetic(1)
    for hours, stations in HOURS:
        folder, samples = work / f"{hours}_{stations}", np.tile(hour, hours)
        length = samples.shape[1]
        days = [(first, min(first + 24 * HOUR, length)) for first in range(0, length, 24 * HOUR)]
        for day, edge in enumerate(days):
            for station in range(stations):
                write(pieces(samples, [edge], f"S{station:03}"), folder / f"{day}_{station}")
        commands[f"{hours} h, {stations} station{'s' * (stations > 1)}"] = detect(folder)
    costs = in_turn(commands, PEER_REPEATS)
    rows = [
        [name, *_cells(cost), cost.wall_s / hours / stations]
        for (hours, stations), (name, cost) in zip(HOURS, costs.items(), strict=True)
    ]
    about = f"jijin detect, whole process, median of {PEER_REPEATS}; one file a channel and day."
    return section(about, ["data", *COST_HEADS, "s an hour of station"], rows)


def processes(work: Path) -> str:
    """A catalogue's picking in processes: time and memory against station-days."""
    hour, places = np.tile(synthetic(1), 24), work / "stations.csv"
    for day in range(max(days for days, _ in PROCESSES)):
        write(pieces(hour, whole(hour.shape[1]), start_ns=START_NS + day * DAY_NS), work / "archive" / f"{day:03}")
    places.write_text("network,station,latitude,longitude,elevation_m\nXX,DAY,35,-118,0\n")
    commands = {}
    for days, workers in PROCESSES:
        end = utc(START_NS + days * DAY_NS)
        options = ["--stations", places, "--end", str(end), "--workers", str(workers), "-q"]
        name = f"{days} station-days, {workers} process{'es' * (workers > 1)}"
        commands[name] = jijin("catalog", work / "archive", *options, "-o", work / f"{days}_{workers}")
    costs = in_turn(commands, 1)
    rows = [
        [name, *_cells(cost), cost.wall_s / days]
        for (days, _), (name, cost) in zip(PROCESSES, costs.items(), strict=True)
    ]
    about = "jijin catalog on days of one station, once each; memory is that of the largest process."
    return section(about, ["work", *COST_HEADS, "s a station-day"], rows)


def start() -> str:
    """Time of importing and of help."""
    words = {"import jijin": [sys.executable, "-c", "import jijin"], "jijin --help": jijin("--help")}
    rows = [[name, *_cells(cost)] for name, cost in in_turn(words, REPEATS).items()]
    return section(f"Whole process, median of {REPEATS}.", ["what", *COST_HEADS], rows)


def forward(peers: Path) -> str:
    """Time of predict() for a batch of windows in memory, one thread each; a peer includes its own preprocessing."""
    import torch

    torch.set_num_threads(1)
    x = np.random.default_rng(0).standard_normal((WINDOWS, 3, 6000)).astype(np.float32)
    models: list[tuple[str, Any]] = [("cba", load("cba", threads=1)), *load_peers(peers)]
    rounds = [{name: seconds_of(WALL, model.predict, x) for name, model in models} for _ in range(REPEATS + 1)]
    middles = {name: statistics.median(spent[name] for spent in rounds[1:]) for name, _ in models}
    rows = [[name, s / WINDOWS * 1e3, s / middles["cba"]] for name, s in middles.items()]
    about = (
        f"{WINDOWS} windows of 60 s of white noise, one thread, median of {REPEATS}. In doubt jijin looks four times."
    )
    return section(about, ["picker", "ms a window", "times jijin"], rows)


def section(about: str, heads: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A sentence and a table; two decimals unless DECIMALS says otherwise."""
    return f"{about}\n\n{table(heads, rows, dict.fromkeys(heads, '.2f') | DECIMALS)}"


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    main(*map(Path, sys.argv[1:3]), *sys.argv[3:])
