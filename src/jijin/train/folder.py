"""Files of a run folder: config.json, what a run of any task was made from, and tables that grow by a row."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jijin.errors import ReadError
from jijin.io.tables import load_json

CONFIG = "config.json"


def read_config(run: Path) -> dict[str, Any] | None:
    """What the folder says of its run; None if it holds none, ReadError if it cannot be understood."""
    path = run / CONFIG
    if not path.is_file():
        return None
    known = load_json(path)
    if known is None:
        raise ReadError(f"{path}: damaged; mend it, or give another run folder")
    return known


def append_row(path: Path, row: Mapping[str, Any]) -> None:
    """Add a row to a CSV file, which is made with the row's names if it is not there."""
    new = not path.exists()
    with path.open("a", newline="") as file:
        writer = csv.DictWriter(file, list(row))
        if new:
            writer.writeheader()
        writer.writerow(row)
