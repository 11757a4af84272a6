"""A pack: chosen traces of any datasets in one file that training reads at memory speed.

A folder of waveforms.f32 (float32 little-endian, trace after trace, each (3, sample) in ZNE at 100 Hz), metadata.csv
(the labels, the split and npts, a row a trace in the order of the file) and pack.json (how it was made). It is read
through a memory map: what was read once stays in the page cache, and a batch is a handful of copies.

float32 and not int16 with a scale, which would halve the 72 kB of a window: STEAD is float32, so a pack holds it bit
for bit; NaN and exact zeros, by which gaps are known, survive; and a small P in front of an S 100 dB larger, or a
trace with a large offset, keeps its digits. 20,000 windows are 1.4 GB.

While it is made, journal.txt says how many samples of each trace are safely on disk, plan.json for which selection.
pack.json is written last: a folder without it is not a pack yet, and the same command goes on where it stopped.
"""

from __future__ import annotations

import errno
import hashlib
import json
import logging
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from jijin.data import labels as lb
from jijin.data._csv import header, read_csv
from jijin.data.dataset import Dataset, copy_window
from jijin.data.splits import place
from jijin.errors import ConfigError, DataError, ReadError
from jijin.io.tables import load_json

WAVEFORMS, METADATA, CARD, PLAN, JOURNAL = "waveforms.f32", "metadata.csv", "pack.json", "plan.json", "journal.txt"
VERSION = 2  # of the format
BLOCK = 128  # traces between two safe points, 9 MB of STEAD
_NO_SPACE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
log = logging.getLogger(__name__)


def is_pack(path: Path) -> bool:
    """Whether a folder is a pack, finished or not."""
    return (path / CARD).is_file() or (path / PLAN).is_file()


class PackedDataset(Dataset):
    """A finished pack. npts : (trace,) samples of each trace. Picklable: each process maps the file itself."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        if not (self.path / CARD).is_file():
            raise ReadError(f"{self.path}: the pack is not finished; run the same jijin data pack command again")
        table = self.path / METADATA
        columns = header(table)
        words = {name: str for name in lb.COLUMNS if name not in (*lb.NUMBERS, "qc_good")}
        meta = read_csv(table, [name for name in (*lb.COLUMNS, "npts") if name in columns], words)
        card = _card(self.path / CARD)
        if card["version"] < VERSION and not card["keep_split"]:
            meta = meta.assign(split="")  # it was made up when packed, whatever weights have held out
        self.npts = lb.numbers(meta, "npts", where=str(table)).to_numpy(np.int64)
        self._starts = 3 * np.concatenate([[0], np.cumsum(self.npts)])
        self.labels = lb.table({**meta, "qc_good": lb.truth(meta, "qc_good")}, meta["trace_name"])
        self._data: NDArray[np.float32] | None = None
        self._map()

    def waveform(self, i: int) -> NDArray[np.float32]:
        return self._view(i).copy()

    def windows(self, indices: Sequence[int], starts: Sequence[int], samples: int) -> NDArray[np.float32]:
        out = np.zeros((len(indices), 3, samples), np.float32)
        for row, i, start in zip(out, indices, starts, strict=True):
            copy_window(self._view(int(i)), int(start), row)
        return out

    def lengths(self) -> NDArray[np.float64]:
        return self.npts.astype(np.float64)

    def close(self) -> None:
        self._data = None

    def _view(self, i: int) -> NDArray[np.float32]:
        return self._map()[self._starts[i] : self._starts[i + 1]].reshape(3, -1)

    def _map(self) -> NDArray[np.float32]:
        if self._data is None:
            path, size = self.path / WAVEFORMS, 4 * int(self._starts[-1])
            if not path.is_file() or path.stat().st_size != size:
                found = path.stat().st_size if path.is_file() else 0
                raise ReadError(f"{path}: {found} bytes where {METADATA} asks for {size}; pack it again")
            self._data = np.asarray(np.memmap(path, "<f4", "r")) if size else np.zeros(0, "<f4")
        return self._data

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_data": None}


def choose(
    labels: pd.DataFrame, earthquakes: int | None, noise: int | None, other: int | None, seed: int = 0
) -> NDArray[np.int64]:
    """Rows to pack, in order. Without any count all; with one, none of a category whose count is None.

    A row is chosen by the hash of its name, so the choice does not depend on the order of the sources, and a larger
    count holds the smaller choice.
    """
    if earthquakes is None and noise is None and other is None:
        return np.arange(len(labels))
    wanted = {lb.EARTHQUAKE: earthquakes, lb.NOISE: noise, lb.OTHER: other}
    picked = [_first(labels, category, count or 0, seed) for category, count in wanted.items()]
    return np.sort(np.concatenate(picked))


def _first(labels: pd.DataFrame, category: str, count: int, seed: int) -> NDArray[np.int64]:
    """The count rows of a category whose names hash lowest."""
    if count < 0:
        raise ConfigError(f"the number of {category} traces must not be negative (got {count})")
    rows = np.flatnonzero((labels["category"] == category).to_numpy())
    if count == 0:
        return rows[:0]
    if len(rows) < count:
        log.warning("asked for %d %s traces, took all %d there are", count, category, len(rows))
    names = zip(labels["dataset"].iloc[rows], labels["trace_name"].iloc[rows], strict=True)
    hashes = np.array([place(f"{dataset}/{name}", seed) for dataset, name in names])
    return rows[np.argsort(hashes, kind="stable")[:count]]


def pack(
    source: Dataset,
    out: str | Path,
    *,
    earthquakes: int | None = None,
    noise: int | None = None,
    other: int | None = None,
    seed: int = 0,
    keep_split: bool = False,
    skip_bad: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> PackedDataset:
    """Write chosen traces of source (see choose; join several with open_datasets) to the folder out and open it.

    keep_split keeps the data's own split in it; without, or where there is none, whoever reads the pack divides it.
    Stopped in any way, even kill -9, the same call goes on and ends with the same bytes. skip_bad leaves out, with a
    warning, a trace that cannot be read, which otherwise stops the run; the call with skip_bad then goes on where that
    one stopped. progress is told (traces done, traces).
    Raises ConfigError if out holds another pack, DataError if nothing is chosen or the disk is full.
    """
    out, labels = Path(out), source.labels
    rows = choose(labels, earthquakes, noise, other, seed)
    if not len(rows):
        raise DataError(f"nothing to pack: {source.path} has no trace of the categories asked for")
    chosen = labels.iloc[rows]
    if not keep_split:
        chosen = chosen.assign(split="")
    plan = {"format": "jijin-pack", "version": VERSION, "seed": seed, "traces": len(rows), "keep_split": keep_split,
             "skip_bad": skip_bad, "selection_sha256": _digest(chosen)}  # fmt: skip
    if not _begin(out, plan):
        return PackedDataset(out)
    try:
        npts = _write_waveforms(source, rows, out, skip_bad, progress or (lambda done, total: None))
        if not npts.any():
            _tidy(out, WAVEFORMS)  # or the same command would not look at them again
            raise DataError(f"{out}: none of the {len(rows)} traces could be read, so there is nothing to pack")
        _finish(out, chosen.assign(npts=npts)[npts > 0], plan)
    except OSError as error:
        if error.errno not in _NO_SPACE:
            raise
        raise DataError(f"{out}: the disk is full; make room and run the same command again, it goes on") from error
    return PackedDataset(out)


def _card(path: Path) -> dict[str, Any]:
    card = load_json(path)
    if card is None or not isinstance(card.get("version"), int) or "keep_split" not in card:
        raise ReadError(f"{path}: damaged; pack it again, into another folder")
    return card


def _digest(chosen: pd.DataFrame) -> str:
    return hashlib.sha256(chosen.to_csv(index=False).encode()).hexdigest()


def _begin(out: Path, plan: dict[str, Any]) -> bool:
    """Make the folder ready; False if the pack is there already. Another selection in the folder is an error."""
    for name, state in ((CARD, "a finished pack"), (PLAN, "an unfinished pack")):
        if (out / name).is_file():
            _check_same(out, state, _card(out / name), plan)
            if name == CARD:
                _tidy(out)
            else:
                _replace(out / PLAN, json.dumps(plan, indent=1))  # from here on it may have left traces out
            return name != CARD
    if out.exists() and (not out.is_dir() or any(path.suffix != ".part" for path in out.iterdir())):
        raise ConfigError(f"{out} exists and is not a pack; give another folder")
    out.mkdir(parents=True, exist_ok=True)
    _replace(out / PLAN, json.dumps(plan, indent=1))
    return True


def _check_same(out: Path, state: str, found: dict[str, Any], plan: dict[str, Any]) -> None:
    """ConfigError unless the pack found is the one planned; one without skip_bad has left out nothing, so it may be."""
    if {**found, "skip_bad": plan["skip_bad"]} != plan:
        raise ConfigError(f"{out} holds {state} of another selection; give another folder or remove it")
    if found.get("skip_bad") and not plan["skip_bad"]:
        raise ConfigError(f"{out} holds {state} made with --skip-bad; give it again, or another folder for all traces")


def _write_waveforms(
    source: Dataset, rows: NDArray[np.int64], out: Path, skip_bad: bool, progress: Callable[[int, int], None]
) -> NDArray[np.int64]:
    """Append what is not on disk yet; samples of each trace, 0 for one that was skipped."""
    npts = _journalled(out)
    with (out / WAVEFORMS).open("ab") as data, (out / JOURNAL).open("ab") as journal:
        data.truncate(12 * sum(npts))
        journal.truncate(sum(len(f"{n}\n") for n in npts))
        while len(npts) < len(rows):
            progress(len(npts), len(rows))
            block = [_read(source, int(row), skip_bad) for row in rows[len(npts) : len(npts) + BLOCK]]
            npts += [trace.shape[1] for trace in block]
            _append(data, b"".join(trace.astype("<f4").tobytes() for trace in block))
            _append(journal, "".join(f"{trace.shape[1]}\n" for trace in block).encode())
    progress(len(npts), len(rows))
    return np.array(npts, np.int64)


def _journalled(out: Path) -> list[int]:
    """npts of the traces whose samples are safe; a last line without its end was cut off and does not count."""
    journal, data = out / JOURNAL, out / WAVEFORMS
    text = journal.read_text() if journal.is_file() else ""
    npts = [int(line) for line in text[: text.rfind("\n") + 1].split()]
    size = data.stat().st_size if data.is_file() else 0
    return npts[: int(np.searchsorted(12 * np.cumsum(npts), size, side="right"))]


def _read(source: Dataset, row: int, skip_bad: bool) -> NDArray[np.float32]:
    try:
        return source.waveform(row)
    except ReadError as error:
        if not skip_bad:
            raise
        log.warning("skipped: %s", error)
        return np.zeros((3, 0), np.float32)


def _append(file: BinaryIO, data: bytes) -> None:
    file.write(data)
    file.flush()
    os.fsync(file.fileno())


def _finish(out: Path, meta: pd.DataFrame, plan: dict[str, Any]) -> None:
    _replace(out / METADATA, meta.to_csv(index=False))
    _replace(out / CARD, json.dumps(plan, indent=1))
    _tidy(out)


def _tidy(out: Path, *more: str) -> None:
    """Remove what only an unfinished pack needs, and more."""
    for name in (JOURNAL, *more, PLAN):
        (out / name).unlink(missing_ok=True)


def _replace(path: Path, content: str) -> None:
    """Write a whole file or nothing."""
    part = path.with_name(path.name + ".part")
    with part.open("wb") as file:
        _append(file, content.encode())
    part.replace(path)
