"""One picker on one folder of miniSEED, picks to a file: what run.py times as a whole process.

    python benchmarks/peer.py NAME FOLDER OUT [PEERS BATCH]

NAME: a SeisBench model of PEERS (a folder with peers.py), run by its own classify() in batches of BATCH windows; or
stalta, ObsPy's recursive STA/LTA on every channel.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator
from pathlib import Path

Row = tuple[str, str, str, float]  # channel or station, phase, time, probability or ratio


def seisbench(name: str, folder: Path, peers: Path, batch: int) -> Iterator[Row]:
    """Picks of a SeisBench model at its defaults."""
    import obspy

    sys.path.insert(0, str(peers))
    from peers import load

    model = load(name).core
    for pick in model.classify(obspy.read(str(folder / "*")), batch_size=batch).picks:
        yield pick.trace_id, pick.phase, str(pick.peak_time), pick.peak_value


def stalta(folder: Path) -> Iterator[Row]:
    """Triggers above 1 Hz, 1 s against 30 s."""
    import obspy
    from obspy.signal.trigger import recursive_sta_lta, trigger_onset

    for trace in obspy.read(str(folder / "*")):
        rate = trace.stats.sampling_rate
        trace.filter("highpass", freq=1.0)
        ratio = recursive_sta_lta(trace.data, int(rate), int(30 * rate))
        for on, off in trigger_onset(ratio, 4.0, 1.5):
            yield trace.id, "", str(trace.stats.starttime + on / rate), float(ratio[on : off + 1].max())


def main(name: str, folder: str, out: str, peers: str = "", batch: str = "64") -> None:
    """Pick, write, tell how many."""
    found = stalta(Path(folder)) if name == "stalta" else seisbench(name, Path(folder), Path(peers), int(batch))
    rows = sorted(found)
    with Path(out).open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    print(len(rows))


if __name__ == "__main__":
    main(*sys.argv[1:])
