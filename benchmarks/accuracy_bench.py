"""The pickers and the records of the accuracy page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from cached import Cached
from jijin.data.continuous import continuous
from jijin.data.corpus import scored_traces
from jijin.data.splits import place
from jijin.data.teachers import agreements, read_picks
from jijin.data.traces import LabelledTrace, P, S
from jijin.evaluate import best_thresholds, evaluation_windows, load_peers
from jijin.evaluate.pickers import Picker, released
from jijin.models import load, split_seeds

MANUAL = ["ncedc_a", "ncedc_b", "obs", "coal_mine", "stead_sample"]
AUTOMATIC = ["uturuncu", "new_zealand"]
SLOW = ("eqcct_original",)  # not where a record is looked at again and again
MANY = 10  # records of each of them, and a split, in the tests that look at a record many times
SPLITS = ("dev", "test")
FOUR = ("eqt_original_fast", "eqt_conservative", "phasenet_original", "eqcct_original")  # held against on long records


@dataclass(frozen=True, slots=True, eq=False)
class Bench:
    """Traces by split, labels by analysts and by machines; pickers at their thresholds.

    tuned is jijin at its best on dev; quick are jijin as shipped and the peers without slow ones.
    """

    manual: dict[str, list[LabelledTrace]]
    plain: dict[str, list[LabelledTrace]]  # the same, arrivals that nobody labelled not masked
    train: list[LabelledTrace]  # by analysts, of the training split: for what others make of it
    automatic: dict[str, list[LabelledTrace]]
    shared: dict[str, list[LabelledTrace]]  # the same, onsets that three of seven pickers share in place of the labels
    cba: Picker
    tuned: Picker
    peers: list[Picker]
    table: Any  # picks of seven published pickers
    records: list[LabelledTrace]

    @property
    def four(self) -> Any:
        """The picks of FOUR."""
        return self.table[self.table["picker"].isin(FOUR)]

    @property
    def pickers(self) -> list[Picker]:
        """All, in the order of the tables."""
        return [self.cba, self.tuned, *self.peers]

    @property
    def quick(self) -> list[Picker]:
        """jijin as shipped, and the peers that are fast enough to look at everything."""
        return [self.cba, *(p for p in self.peers if p.name not in SLOW)]

    def events(self, split: str) -> list[LabelledTrace]:
        """Labelled records of a split, all by analysts and MANY of each set by machines; one or two an earthquake."""
        events = [t for t in (*self.manual[split], *self.automatic[split]) if t.onsets]
        events.sort(key=lambda t: place(t.name))
        kept: list[LabelledTrace] = []
        for trace in events:
            same = sum(t.source_group == trace.source_group for t in kept)
            few = trace.dataset not in AUTOMATIC or sum(t.dataset == trace.dataset for t in kept) < MANY
            kept += [trace] * (same < 2 and few)
        return kept


def prepare(data: Path, peers: Path, cache: Path) -> Bench:
    """Data and pickers; every threshold from the dev split of labels by analysts."""
    windows, picks = [data / "windows"], [data / "peer_picks.csv"]
    seed = split_seeds(["cba"])
    manual = {s: scored_traces(windows, s, MANUAL, seed=seed, others=picks) for s in SPLITS}
    plain = {s: scored_traces(windows, s, MANUAL, seed=seed) for s in SPLITS}
    train = scored_traces(windows, "train", MANUAL, seed=seed)
    automatic = {
        s: [t for t in scored_traces(windows, s, AUTOMATIC, seed=seed, others=picks, automatic=True) if t.onsets]
        for s in SPLITS
    }
    table = read_picks(picks)
    shared = {s: as_shared(automatic[s], table) for s in SPLITS}
    dev = evaluation_windows(manual["dev"])
    model = load("cba")
    cba = released("cba", model)
    models = [("cba, best on dev", model)]
    models += [(name, Cached(peer, cache / name)) for name, peer in load_peers(peers)]
    pickers = [at_best(Picker(name, m, {}), dev) for name, m in models]
    records = continuous(sorted((data / "continuous").iterdir()))
    return Bench(manual, plain, train, automatic, shared, cba, pickers[0], pickers[1:], table, records)


def as_shared(traces: Sequence[LabelledTrace], table: Any) -> list[LabelledTrace]:
    """The traces with the onsets that three published pickers share in place of their labels, where there are any."""
    found = zip(traces, agreements(traces, table), strict=True)
    out = [replace(t, p=tuple(x.agreed[P]), s=tuple(x.agreed[S]), automatic=()) for t, x in found]
    return [t for t in out if t.onsets]


def at_best(picker: Picker, dev: Sequence[Any], within: float = 0.0, balanced: bool = False) -> Picker:
    """At its best threshold on dev; within and balanced as in jijin.evaluate.best_thresholds."""
    return replace(picker, thresholds=best_thresholds(picker.curves(dev), dev, within, balanced))
