"""config.json of a run folder: what a run of any task was made from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from jijin.errors import ReadError

CONFIG = "config.json"


def read_config(run: Path) -> dict[str, Any] | None:
    """What the folder says of its run; None if it holds none, ReadError if it cannot be understood."""
    path = run / CONFIG
    if not path.is_file():
        return None
    try:
        known = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        known = None
    if not isinstance(known, dict):
        raise ReadError(f"{path}: damaged; mend it, or give another run folder")
    return known
