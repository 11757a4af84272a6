"""The catalogue as files beside run.db: QuakeML, tables, phase files. They are made anew from the store each time."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Any

import numpy as np

from jijin import __version__
from jijin.errors import DataError
from jijin.io import phases
from jijin.io.catalog_quakeml import write_events
from jijin.io.catalog_tables import TABLES, write_csv, write_parquet
from jijin.io.tables import replacing
from jijin.network.geo import LocalFrame
from jijin.store import Store
from jijin.types import Event, Station

CATALOG = "catalog.xml"
Items = Callable[[], Iterable[Any]]


def write_outputs(store: Store, tell: Callable[[str], None] = lambda sentence: None) -> list[Path]:
    """Write catalog.xml, tables as CSV (and Parquet where pyarrow is), and phases/; returns what was written.

    Each file appears whole or not at all. Excluded picks are in none. A format that cannot hold the catalogue is told
    and left out. Raises OSError when the disk is full.
    """
    events = store.events()
    with replacing(store.folder / CATALOG) as file:
        write_events(events, file, store.settings["method"], __version__)
    written = [store.folder / CATALOG, *_tables(store, events)]
    return [*written, *_phases(store, events, tell)]


def _tables(store: Store, events: list[Event]) -> Iterator[Path]:
    for name, table in TABLES.items():
        items: Items = store.each_pick if name == "picks" else lambda: events
        with _text(store.folder / f"{name}.csv") as file:
            write_csv(table, items(), file)
        yield store.folder / f"{name}.csv"
        if find_spec("pyarrow"):
            with replacing(store.folder / f"{name}.parquet") as binary:
                write_parquet(table, items(), binary)
            yield store.folder / f"{name}.parquet"


def _phases(store: Store, events: list[Event], tell: Callable[[str], None]) -> Iterator[Path]:
    """For PyOcto, GaMMA, NonLinLoc and hypoDD, each with its stations."""
    stations, folder = store.stations(), store.folder / "phases"
    folder.mkdir(exist_ok=True)
    to_km: Any = _frame(stations).to_km
    files: dict[str, Callable[[IO[str]], Any]] = {
        "nonlinloc.obs": lambda file: phases.write_nonlinloc(events, file),
        "nonlinloc_stations.in": lambda file: phases.write_nonlinloc_stations(stations, file),
        "hypodd.pha": lambda file: phases.write_hypodd(events, file),
        "hypodd_events.csv": lambda file: phases.write_hypodd_events(events, file),
        "hypodd_stations.dat": lambda file: phases.write_hypodd_stations(stations, file),
        "pyocto_picks.csv": lambda file: phases.write_pyocto(store.each_pick(), file),
        "pyocto_stations.csv": lambda file: phases.write_pyocto_stations(stations, file, to_km),
        "gamma_picks.csv": lambda file: phases.write_gamma(store.each_pick(), file),
        "gamma_stations.csv": lambda file: phases.write_gamma_stations(stations, file, to_km),
    }
    for name, write in files.items():
        try:
            with _text(folder / name) as file:
                write(file)
        except DataError as error:
            tell(f"{folder / name}: not written: {error}")
        else:
            yield folder / name


def _frame(stations: list[Station]) -> LocalFrame:
    """Around the middle of the stations."""
    middle = (float(np.mean([getattr(one, name) for one in stations] or [0.0])) for name in ("latitude", "longitude"))
    return LocalFrame(*middle)


@contextmanager
def _text(path: Path) -> Iterator[IO[str]]:
    with replacing(path) as file:
        text = io.TextIOWrapper(file, encoding="utf-8", newline="")
        yield text
        text.flush()
        text.detach()
