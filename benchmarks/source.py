"""Measure the source classifier and write docs/source_type.md.

    python benchmarks/source.py DATA CACHE

DATA: a folder of labelled data sets in SeisBench's format, with pnw_explosions and landslides. CACHE: what
`jijin train --task source --data DATA --fractions 1,0,0 -o CACHE` wrote; without it, it is trained first. Needs the
extra 'train'. What takes long is kept in CACHE until the features, or this script, are others.
"""

from __future__ import annotations

import pickle
import sys
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import page
import source_parts as parts
from jijin.data import open_datasets
from jijin.discriminate.discriminator import PRIOR, DiscriminateConfig
from jijin.evaluate.source import Outcome
from jijin.train.source_fit import sample_of, usable
from jijin.train.source_run import FEATURES, SourceRun, cross_validated, measured


def main(data: Path, cache: Path) -> None:
    """Every part, then the page."""
    table = measured(SourceRun((str(data.resolve()),), fractions=(1, 0, 0)), cache)
    outcome: Outcome = kept(cache, "outcome", lambda: cross_validated(usable(table), sample_of(usable(table))))
    encoder = kept(cache, "encoder", lambda: parts.encoded(table, open_datasets([data])))
    metadata = pd.read_csv(data / parts.BLASTS / "metadata.csv")
    filled: dict[str, Any] = {"counts": counts(table)}
    real = usable(table[table["dataset"] != parts.SYNTHETIC])
    for name, key in (("explosion", "blast_events"), ("landslide", "slide_events")):
        filled[key] = real["group"][real["class"] == name].nunique()
    filled |= {"certainty": f"{DiscriminateConfig().certainty:g}", "prior": prior()}
    filled["hours"] = parts.hours(table, parts.origins(metadata))
    filled |= kept(cache, "main", lambda: parts.main_tables(outcome))
    slow = {
        "kinds": lambda: parts.kinds(table),
        "classifiers": lambda: parts.classifiers(table, encoder),
        "regions": lambda: parts.regions(table),
        "components": lambda: parts.components(table, open_datasets([data])),
        "disturbances": lambda: parts.disturbances(table, outcome),
        "context": lambda: parts.with_context(outcome, parts.origins(metadata)),
        "taught": lambda: parts.taught(table),
    }
    for name, part in slow.items():
        print(name, file=sys.stderr, flush=True)
        filled[name] = kept(cache, name, part)
    page.write("source", filled, "source_type")


def kept(cache: Path, name: str, make: Callable[[], Any]) -> Any:
    """What an earlier run of the same features and script left in the cache, else made now."""
    of = [cache / FEATURES, *Path(__file__).parent.glob("source*.py")]
    digest = sha256(b"".join(path.read_bytes() for path in of)).hexdigest()[:12]
    path = cache / f"{name}-{digest}.pickle"  # our own file, read by this script alone
    if not path.is_file():
        path.write_bytes(pickle.dumps(make()))
    return pickle.loads(path.read_bytes())


def counts(table: pd.DataFrame) -> str:
    """Events and stations of each class and data set, as a table."""
    real = usable(table[table["dataset"] != parts.SYNTHETIC])
    groups = real.groupby(["class", "dataset"])["group"].agg(["nunique", "size"]).reset_index()
    heads = ["class", "data set", "events (noise: stations)", "windows"]
    return page.table(heads, groups.to_numpy().tolist())


def prior() -> str:
    """The default prior in words."""
    return ", ".join(f"{name} {share:g}" for name, share in PRIOR.items())


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    np.seterr(invalid="ignore")
    main(Path(sys.argv[1]), Path(sys.argv[2]))
