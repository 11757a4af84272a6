"""What a restart needs to know, in RUN/live.json: written beside, then renamed."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from jijin.errors import ReadError
from jijin.io.tables import replacing

FILE = "live.json"


@dataclass(frozen=True, slots=True)
class State:
    """positions: by source, by its station, the packet to go on after; settled_ns: by sensor, up to where its final
    picks are in the database."""

    positions: dict[str, dict[str, int]] = field(default_factory=dict)
    settled_ns: dict[str, int] = field(default_factory=dict)


def load_state(folder: Path) -> State:
    """The state in a run's folder; an empty one where there is none. ReadError if the file is damaged."""
    path = folder / FILE
    if not path.exists():
        return State()
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return State(found["positions"], found["settled_ns"])
    except (ValueError, KeyError, TypeError) as error:
        raise ReadError(f"{path}: not the state of a live run; remove it to start from the newest data") from error


def save_state(folder: Path, state: State) -> None:
    """Raises OSError when the disk is full; the old state is kept then."""
    with replacing(folder / FILE) as file:
        file.write(json.dumps(asdict(state)).encode())
