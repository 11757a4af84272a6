"""STEAD as published: chunkN.hdf5 with chunkN.csv, or merge.hdf5 with merge.csv (merged.* by some).

data/<trace_name> is float32 (6000, 3), 60 s at 100 Hz, components E, N, Z. The CSV has 35 columns, of which 17 are
read, a block of rows at a time: 1.2 million rows never stand in memory as published. coda_end_sample ("[[ 2896.]]")
and snr_db ("[ 56.8 55.4 47.4]") are strings that hold arrays; a missing value is empty or "None".
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from jijin.data import labels as lb
from jijin.data._csv import blocks, header
from jijin.data._hdf5 import WaveformFile
from jijin.data.dataset import Dataset
from jijin.errors import ReadError

SHAPE = (6000, 3)
LICENCE = "CC BY 4.0 (STEAD)"
_TEXT = (
    "network_code", "receiver_code", "p_status", "s_status", "source_id", "source_origin_time", "snr_db",
    "coda_end_sample", "trace_start_time", "trace_category", "trace_name",
)  # fmt: skip
_NUMERIC = ("p_arrival_sample", "s_arrival_sample", "source_distance_km")
COLUMNS = (*_TEXT, *_NUMERIC)
SOURCE = ("source_magnitude", "source_latitude", "source_longitude")  # read where they are there


def is_stead(columns: list[str]) -> bool:
    """Whether a CSV with these columns is STEAD's own (SeisBench's copy of STEAD has other names)."""
    return "p_arrival_sample" in columns or "receiver_code" in columns


class SteadDataset(Dataset):
    """One HDF5 file of STEAD and its CSV; path is either of them or what they share ("chunk2")."""

    def __init__(self, path: str | Path) -> None:
        csv, hdf5 = files(Path(path))
        self.path = csv
        self._file = WaveformFile(hdf5)
        self._file.open()  # a missing or truncated file is told now, not after an hour of packing
        there = header(csv)
        missing = [name for name in COLUMNS if name not in there]
        if missing:
            raise ReadError(f"{csv}: STEAD's column(s) {', '.join(missing)} missing")
        wanted = [*COLUMNS, *(name for name in SOURCE if name in there)]
        self.labels = lb.stack([to_labels(block, csv) for block in blocks(csv, wanted, dict.fromkeys(_TEXT, str))])

    @property
    def name(self) -> str:
        return self.path.stem

    def waveform(self, i: int) -> NDArray[np.float32]:
        trace = str(self.labels["trace_name"].iloc[i])
        raw = self._file.read(trace, trace)
        if getattr(raw, "shape", None) != SHAPE:
            raise ReadError(f"{self._file.path}: trace {trace} has shape {getattr(raw, 'shape', None)}, not {SHAPE}")
        return np.ascontiguousarray(raw.T[::-1], dtype=np.float32)  # (6000, ENZ) -> (ZNE, 6000)

    def lengths(self) -> NDArray[np.float64]:
        return np.full(len(self), float(SHAPE[0]))

    def close(self) -> None:
        self._file.close()


def files(path: Path) -> tuple[Path, Path]:
    """The CSV and the HDF5 that path, its stem or either file, stands for."""
    stem = path.with_suffix("") if path.suffix in (".csv", ".hdf5", ".h5") else path
    hdf5 = stem.with_name(stem.name + ".hdf5")
    return stem.with_name(stem.name + ".csv"), hdf5 if hdf5.is_file() else path if path.suffix == ".h5" else hdf5


def to_labels(meta: pd.DataFrame, csv: Path) -> pd.DataFrame:
    """Labels table of rows of STEAD's CSV."""
    where = str(csv)
    p, s = (lb.numbers(meta, f"{phase}_arrival_sample", where=where) for phase in "ps")
    category = lb.categories(lb.text(meta, "trace_category"), p.notna() | s.notna())
    columns = {
        "p_sample": p, "p_status": lb.phase_status(p, category, lb.text(meta, "p_status")),
        "s_sample": s, "s_status": lb.phase_status(s, category, lb.text(meta, "s_status")),
        "coda_end_sample": lb.numbers(meta, "coda_end_sample", where=where), "category": category,
        "source_group": source_groups(meta, category), "snr_db": lb.numbers(meta, "snr_db", where=where),
        "distance_km": lb.numbers(meta, "source_distance_km", where=where),
        "source_type": lb.text(meta, "trace_category"), "licence": LICENCE, "dataset": "stead",
        "quality": lb.made_as(lb.text(meta, "p_status"), lb.text(meta, "s_status")), "station": _station(meta),
        **{ours: lb.numbers(meta, theirs, where=where) for ours, theirs in zip(lb.SOURCE, SOURCE, strict=True)},
    }  # fmt: skip
    return lb.table(columns, meta["trace_name"])


def source_groups(meta: pd.DataFrame, category: pd.Series) -> pd.Series:
    """source_id; without one the origin time, else the time in the trace name; for noise the station-day."""
    in_name = meta["trace_name"].str.extract(r"_(\d{12,14})_", expand=False).fillna(meta["trace_name"])
    event = lb.text(meta, "source_id")
    event = event.where(event != "", lb.text(meta, "source_origin_time").str[:19])
    event = event.where(event != "", in_name)
    day = lb.text(meta, "trace_start_time").str[:10].str.replace("-", "")
    day = day.where(day != "", in_name.str[:8])
    return event.where(category != lb.NOISE, "noise:" + _station(meta) + "." + day)


def _station(meta: pd.DataFrame) -> pd.Series:
    return lb.text(meta, "network_code") + "." + lb.text(meta, "receiver_code")
