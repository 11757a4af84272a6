"""Picks as CSV and JSON; docs/formats.md tells every column. Files appear whole or not at all."""

from __future__ import annotations

import csv
import json
import math
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, Any

from jijin.types import Pick

COLUMNS = (
    "seed_id",
    "phase_hint",
    "time",
    "time_uncertainty_s",
    "probability",
    "detection_start",
    "detection_end",
    "detection_probability",
)
TYPE_COLUMNS = ("event_type", "event_type_probability")  # of the detection, where they were asked for
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "vertical bars"}  # that a spreadsheet may write in place of commas


def iso(time_ns: int) -> str:
    """Nanoseconds since 1970 as UTC in ISO 8601, rounded to microseconds.

    >>> iso(1251073207419999600)
    '2009-08-24T00:20:07.420000Z'
    """
    moment = EPOCH + timedelta(microseconds=(time_ns + 500) // 1000)
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


def row(pick: Pick, typed: bool = False) -> dict[str, str | float | None]:
    """One pick under COLUMNS, and TYPE_COLUMNS if typed; those of the detection are None for a pick outside of any."""
    found = pick.detection
    source = found.source_type if found else None
    types = (source.event_type, round(source.probability, 4)) if source else (None, None)
    return {
        "seed_id": pick.seed_id,
        "phase_hint": pick.phase_hint,
        "time": iso(pick.time_ns),
        "time_uncertainty_s": round(pick.time_uncertainty_s, 4),
        "probability": round(pick.probability, 4),
        "detection_start": iso(found.start_ns) if found else None,
        "detection_end": iso(found.end_ns) if found else None,
        "detection_probability": round(found.probability, 4) if found else None,
        **(dict(zip(TYPE_COLUMNS, types, strict=True)) if typed else {}),
    }


def write_csv(picks: Iterable[Pick], file: IO[str], typed: bool = False) -> None:
    """One row a pick below a row of COLUMNS; what is not there is an empty field. Lines end in a line feed."""
    table = csv.DictWriter(file, (*COLUMNS, *(TYPE_COLUMNS if typed else ())), lineterminator="\n")
    table.writeheader()
    table.writerows(row(pick, typed) for pick in picks)


def write_json(picks: Iterable[Pick], file: IO[str], header: Mapping[str, Any], typed: bool = False) -> None:
    """An object: the fields of header, then "picks", a list of objects with the keys of COLUMNS."""
    json.dump({**header, "picks": [row(pick, typed) for pick in picks]}, file, indent=1)
    file.write("\n")


def separator_hint(header: Sequence[str]) -> str:
    """What to add to an error about columns where the first row, taken apart at commas, has another separator; or "".

    >>> separator_hint(["station;phase;correction_s"]), separator_hint(["station", "phase"])
    ('; it is separated by semicolons: save it with commas', '')
    """
    marks = [word for mark, word in SEPARATORS.items() if len(header) == 1 and mark in header[0]]
    return f"; it is separated by {marks[0]}: save it with commas" if marks else ""


@contextmanager
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """A file to write that takes the place of path when the block ends well, and is gone when it does not.

    Where path is a link, the file that it leads to is replaced; a device or a pipe is written as it is, since it has
    no content to keep. Raises OSError, with path's name, when the disk is full or the folder cannot be written.
    """
    temporary, target = None, path.resolve() if path.is_symlink() else path
    try:
        if target.exists() and not (target.is_file() or target.is_dir()):
            with target.open("wb") as device:
                yield device
            return
        with tempfile.NamedTemporaryFile(dir=target.parent, prefix=f".{target.name}.", delete=False) as file:
            temporary = Path(file.name)
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(_mode(target))
        temporary.replace(target)
    except OSError as error:
        still = "; it is left as it was" if path.exists() else ""
        raise OSError(error.errno, f"cannot be written: {error.strerror}{still}", str(path)) from error
    finally:
        if temporary:
            temporary.unlink(missing_ok=True)


def save_json(what: Any, path: Path) -> None:
    """A file of JSON, as replacing() writes it; what is no number is null, for which JSON has the word."""
    with replacing(path) as file:
        file.write((json.dumps(_known(what), indent=1, allow_nan=False) + "\n").encode())


def load_json(path: Path) -> dict[str, Any] | None:
    """The object in a file of JSON; None where the file is damaged or holds something else."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _known(value: Any) -> Any:
    """The same with None for NaN and infinity."""
    if isinstance(value, Mapping):
        return {key: _known(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_known(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _mode(path: Path) -> int:
    """Permissions of the file that is replaced, or those any new file would get."""
    if path.exists():
        return path.stat().st_mode & 0o777
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask
