"""Labelled seismograms for training: STEAD, SeisBench's format and packs of either, behind one reader.

open_dataset -> Dataset.labels (a table), Dataset.waveform(i) (3, sample), Dataset.windows(...) (batch, 3, sample)
split -> train, dev, test by earthquake;  audit -> what is wrong with it;  pack -> a subset at memory speed
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from jijin.errors import ReadError

if TYPE_CHECKING:
    from jijin.data.dataset import Dataset

__all__ = ["open_dataset", "open_datasets"]


def open_dataset(path: str | Path) -> Dataset:
    """The dataset at path, whatever it is.

    path: a chunk of STEAD (chunk2, chunk2.csv or chunk2.hdf5), a folder of STEAD (merge.csv, merged.csv, chunk*.csv,
    or one CSV of another name), of SeisBench (metadata*.csv) or of jijin data pack (pack.json), or a folder of such
    folders, joined into one. Raises ReadError if it is none of these.
    """
    from jijin.data.dataset import Joined

    path = Path(path)
    parts = _parts(path)
    return parts[0] if len(parts) == 1 else Joined(parts, path)


def open_datasets(paths: Sequence[str | Path]) -> Dataset:
    """Several paths as one dataset, in which noise cut in front of an earthquake has the earthquake's source_group.

    ReadError if there is none, or if a part is in two of the paths: its windows would count twice.
    """
    from jijin.data.dataset import Joined

    if not paths:
        raise ReadError("no dataset was given")
    parts = [part for path in paths for part in _parts(Path(path))]
    places = [part.path.resolve() for part in parts]
    if twice := [part.path for part, place in zip(parts, places, strict=True) if places.count(place) > 1]:
        raise ReadError(f"{twice[-1]}: given twice, its windows would count twice; give each dataset once")
    return Joined(parts, Path(paths[0]))


def _parts(path: Path) -> list[Dataset]:
    if not path.is_dir():
        return [_open_file(path)]
    own = _open_folder(path)
    if not own:
        own = [part for folder in sorted(path.iterdir()) if folder.is_dir() for part in _open_folder(folder)]
    if not own:
        raise ReadError(
            f"{path}: no dataset here (pack.json, metadata.csv, merge.csv, chunk*.csv or one other CSV of STEAD)"
        )
    return own


def _open_folder(path: Path) -> list[Dataset]:
    """Datasets that lie directly in a folder; none is an empty list."""
    from jijin.data.pack import PackedDataset, is_pack
    from jijin.data.seisbench import SeisBenchDataset, chunks
    from jijin.data.stead import SteadDataset

    if is_pack(path):
        return [PackedDataset(path)]
    if names := chunks(path):
        return [SeisBenchDataset(path, name) for name in names]
    whole = [table for name in ("merge", "merged") if (table := path / f"{name}.csv").is_file()]
    return [SteadDataset(table) for table in whole[:1] or sorted(path.glob("chunk*.csv")) or _only_stead(path)]


def _only_stead(path: Path) -> list[Path]:
    """The CSV in STEAD's columns beside an HDF5 file of its name, whatever the name, if the folder has one such."""
    from jijin.data._csv import header
    from jijin.data.stead import is_stead

    pairs = [table for table in path.glob("*.csv") if table.with_suffix(".hdf5").is_file()]
    tables = [table for table in pairs if is_stead(header(table))]
    return tables if len(tables) == 1 else []


def _open_file(path: Path) -> Dataset:
    """A STEAD file or stem, or the metadata.csv or waveforms.hdf5 of a SeisBench folder."""
    from jijin.data._csv import header
    from jijin.data.seisbench import SeisBenchDataset
    from jijin.data.stead import SteadDataset, files, is_stead

    table = files(path)[0]
    if table.name.startswith("waveforms"):
        table = table.with_name("metadata" + table.name.removeprefix("waveforms"))
    if table.name.startswith("metadata"):
        return SeisBenchDataset(table.parent, table.stem.removeprefix("metadata"))
    if not table.is_file() and not path.exists() and not files(path)[1].exists():
        raise ReadError(f"{path}: no such file or folder")
    if not is_stead(header(table)):
        raise ReadError(f"{table}: neither STEAD's columns nor named metadata*.csv as in SeisBench's format")
    return SteadDataset(table)
