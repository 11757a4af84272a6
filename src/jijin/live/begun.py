"""A live run that goes on: whether the folder holds one, and one of the same network."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from jijin.catalog.settings import LIVE
from jijin.errors import DataError
from jijin.store import Store, exists
from jijin.types import Station

log = logging.getLogger("jijin")

TOLD = ("method", "model", "response", "config")  # may change from start to start


def check_begun(folder: Path, settings: Mapping[str, Any], stations: Iterable[Station]) -> None:
    """DataError if the folder holds a catalogue, or a live run of other stations, velocities or delays.

    Events of one run are located alike. A model, responses or settings that are others are logged, and used.
    """
    if not exists(folder):
        return
    with Store.open(folder) as store:
        kept, known = store.settings, set(store.stations())
    if kept.get("kind") != LIVE:
        raise DataError(f"{folder}: holds a catalogue, which 'jijin catalog --resume' goes on with; use another -o")
    begun, given = {**kept, "stations": known}, {**settings, "stations": set(stations)}
    for name in ("stations", "velocity", "corrections"):
        if begun.get(name) != given.get(name):
            raise DataError(
                f"{folder}: begun with another --{name} than now; go on with that, or name another folder with -o"
            )
    if others := [name for name in TOLD if begun.get(name) != given.get(name)]:
        log.warning("%s: begun with another %s; what is new is made with that of now", folder, ", ".join(others))
