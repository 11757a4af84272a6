"""Measure the accuracy of jijin and its peers in one run and write docs/accuracy.md with its figures.

    python benchmarks/accuracy.py DATA PEERS [CACHE]

DATA: a folder with windows/ (labelled data sets), continuous/ and peer_picks.csv (other pickers' picks on them).
PEERS: a folder with a peers.py: NAMES and load(name). CACHE: where the peers' curves are kept for another run; without
it they go with the run. Needs the extra 'train' and whatever the peers need. Everything here is `jijin evaluate
--protocol ...` on the same data; thresholds are chosen on dev, the test split is only scored.
"""

from __future__ import annotations

import sys
import tempfile
from hashlib import sha256
from pathlib import Path

import accuracy_parts as parts
from accuracy_bench import MANUAL, MANY, SPLITS, Bench, prepare
from accuracy_published import published
from jijin.config import CutConfig
from jijin.data.teachers import OVERLOOK, PROBABILITY
from jijin.evaluate.benchmark import OUTLIER_S
from jijin.evaluate.shift import EDGE, GRID_STARTS, SMALL_S
from jijin.signal import HIGHPASS_HZ
from jijin.types import RATE
from page import DOCS, write

PARTS = (
    parts.scores, parts.margins, published, parts.difficulty, parts.without_others, parts.by_groups, parts.by_field,
    parts.shifts, parts.borders, parts.uncertainty, parts.probability, parts.spoilt, parts.noise, parts.continuously,
)  # fmt: skip
CUT = CutConfig()
SETTING = {
    "manual": ", ".join(f"`{name}`" for name in MANUAL), "only": ",".join(MANUAL), "few": MANY * len(SPLITS),
    "voting": PROBABILITY, "overlooked": OVERLOOK / RATE, "outlier": OUTLIER_S, "highpass": HIGHPASS_HZ,
    "lost": parts.LOST, "moved": SMALL_S, "outer": EDGE / RATE, "grid_starts": len(GRID_STARTS),
    "stride": CUT.stride_s, "between": CUT.between, "blinding": CUT.blinding_s,
}  # fmt: skip


def main(data: Path, peers: Path, cache: Path) -> None:
    """Every part, then the page."""
    bench = prepare(data, peers, cache)
    (DOCS / "figures").mkdir(exist_ok=True)
    digest = sha256(bench.cba.model.file.read_bytes()).hexdigest()
    filled = SETTING | {"digest": digest[:16], "counts": counts(bench)}
    for part in PARTS:
        print(part.__name__, file=sys.stderr, flush=True)
        filled |= part(bench)
    write("accuracy", filled)


def counts(bench: Bench) -> str:
    """How much there is, in words."""
    return " ".join(_counts(bench, split) for split in SPLITS)


def _counts(bench: Bench, split: str) -> str:
    events = [t for t in bench.manual[split] if t.onsets]
    groups, noise = len({t.source_group for t in events}), sum(t.category == "noise" for t in bench.manual[split])
    machines = len(bench.automatic[split])
    by_analysts = f"{split.capitalize()}: {len(events)} records of {groups} earthquakes labelled by analysts"
    return f"{by_analysts}, {machines} records by machines, {noise} of noise."


if __name__ == "__main__":
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    with tempfile.TemporaryDirectory() as folder:
        main(Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3] if len(sys.argv) == 4 else folder))
