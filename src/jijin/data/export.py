"""SeisBench's dataset format, written: what jijin holds, for SeisBench and every tool that reads its datasets."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from jijin.data.dataset import Dataset, column
from jijin.data.labels import NOT_REPORTED, SOURCE
from jijin.errors import DataError
from jijin.types import RATE

COLUMNS = {  # ours -> SeisBench's
    "trace_name": "trace_name",
    "p_sample": "trace_P_arrival_sample",
    "s_sample": "trace_S_arrival_sample",
    "p_status": "trace_P_status",
    "s_status": "trace_S_status",
    "coda_end_sample": "trace_coda_end_sample",
    "category": "trace_category",
    "source_type": "source_type",
    "source_group": "source_group",
    "snr_db": "trace_snr_db",
    "distance_km": "path_ep_distance_km",
    "licence": "licence",
    "quality": "label_quality",
    "components": "trace_components_recorded",  # ours alone: the rows of components that are not there hold zeros
    "qc_good": "qc_good",
    "split": "split",
    **{name: name for name in SOURCE},
}


def to_metadata(labels: pd.DataFrame) -> pd.DataFrame:
    """A labels table in SeisBench's columns."""
    out = pd.DataFrame({theirs: column(labels, ours) for ours, theirs in COLUMNS.items()})
    out["source_type"] = out["source_type"].replace("", NOT_REPORTED)  # empty, it would be read as the category
    station = labels["station"].astype(str).str.split(".", n=1, expand=True).reindex(columns=[0, 1])
    out["station_network_code"], out["station_code"] = station[0].to_numpy(), station[1].to_numpy()
    out["n_components"] = labels["components"].astype(str).str.len().to_numpy()
    out["trace_sampling_rate_hz"] = RATE
    return out if out["split"].astype(bool).any() else out.drop(columns="split")  # empty, it would be three empty sets


def write_dataset(path: str | Path, dataset: Dataset) -> Path:
    """A whole dataset in SeisBench's format, one trace in memory at a time."""
    waveforms = (dataset.waveform(i) for i in range(len(dataset)))
    return write_seisbench(path, waveforms, to_metadata(dataset.labels))


def write_seisbench(path: str | Path, waveforms: Iterable[NDArray[np.float32]], metadata: pd.DataFrame) -> Path:
    """Write metadata.csv and waveforms.hdf5 to the new folder path: it appears complete or not at all.

    waveforms: (3, sample) each, ZNE, 100 Hz, in the order of metadata's rows. metadata: SeisBench's columns, of which
    trace_name must be there and unique; "$" and "/", which mean something else in the format, become "_".
    Raises DataError if path exists or the two do not go together.
    """
    path = Path(path)
    if path.exists():
        raise DataError(f"{path} exists; give another folder or remove it")
    names = metadata["trace_name"].astype(str).str.replace(r"[$/]", "_", regex=True)
    if names.duplicated().any():
        raise DataError(f"trace name {names[names.duplicated()].iloc[0]} is not unique, so its waveform would not be")
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    part.mkdir(parents=True)
    try:
        npts = _write_hdf5(part / "waveforms.hdf5", waveforms, names.tolist())
        metadata.assign(trace_name=names, trace_npts=npts).to_csv(part / "metadata.csv", index=False)
        part.rename(path)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return path


def _write_hdf5(path: Path, waveforms: Iterable[NDArray[np.float32]], names: list[str]) -> list[int]:
    """Samples of each trace written."""
    import h5py

    npts = []
    with h5py.File(path, "w", libver="latest") as file:
        data = file.create_group("data")
        for name, trace in zip(names, _exactly(waveforms, len(names)), strict=True):
            data.create_dataset(name, data=_checked(trace, name))
            npts.append(trace.shape[1])
        for key, value in (("dimension_order", "CW"), ("component_order", "ZNE"), ("sampling_rate", RATE)):
            file.create_dataset(f"data_format/{key}", data=value)
    return npts


def _exactly(waveforms: Iterable[NDArray[np.float32]], count: int) -> Iterable[NDArray[np.float32]]:
    given = 0
    for given, trace in enumerate(waveforms, 1):
        if given > count:
            break
        yield trace
    if given != count:
        raise DataError(f"metadata has {count} rows, but there are {'more' if given > count else given} waveforms")


def _checked(trace: NDArray[np.float32], name: str) -> NDArray[np.float32]:
    if trace.ndim != 2 or len(trace) != 3:
        raise DataError(f"trace {name} has shape {trace.shape}, not (3, sample)")
    return np.asarray(trace, np.float32)
