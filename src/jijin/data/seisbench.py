"""SeisBench's dataset format, read: metadata*.csv beside waveforms*.hdf5, plain or bucketed, chunked or not.

Layout: group data/<trace_name> or data/<block> with trace_name "block$3,:3,:6000"; group data_format with
dimension_order ("CW", "WC", with N in front for blocks), component_order and sampling_rate, each of which a column
of the metadata may give instead. Written by jijin.data.export.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from jijin.data import labels as lb
from jijin.data._csv import header, read_csv
from jijin.data._hdf5 import WaveformFile
from jijin.data.dataset import Dataset
from jijin.errors import DataError, ReadError
from jijin.resampling import at_100_hz, is_native, resample
from jijin.signal import bridge, missing
from jijin.types import RATE

P_COLUMNS = tuple(f"trace_{phase}_arrival_sample" for phase in ("P", "p", "Pg", "Pn", "P1"))
S_COLUMNS = tuple(f"trace_{phase}_arrival_sample" for phase in ("S", "s", "Sg", "Sn", "S1"))
PLAIN = 2  # columns of these that name no path: the first arrival
ROW = {"Z": 0, "3": 0, "N": 1, "1": 1, "Y": 1, "E": 2, "2": 2, "X": 2}  # component code -> row of our ZNE
_TEXT = (
    "trace_name", "trace_name_original", "trace_component_order", "trace_P_status", "trace_S_status",
    "trace_p_status", "trace_s_status", "trace_category", "trace_start_time", "source_type", "source_group",
    "source_id", "source_origin_time", "label_quality", "qc_good", "licence", "station_network_code", "station_code",
    "split", "trace_split", "trace_components_recorded",
)  # fmt: skip
_NUMERIC = (
    *P_COLUMNS, *S_COLUMNS, "trace_coda_end_sample", "trace_snr_db", "path_ep_distance_km", "stalta_max",
    "trace_sampling_rate_hz", "trace_dt_s", "n_components", *lb.SOURCE,
)  # fmt: skip


def chunks(folder: Path) -> list[str]:
    """Chunk names of a SeisBench folder: what is between "metadata" and ".csv"; [""] for one that is not chunked."""
    listed = folder / "chunks"
    names = listed.read_text().split() if listed.is_file() else []
    if names:
        return sorted(names)
    if (folder / "metadata.csv").is_file():
        return [""]
    return sorted(path.stem.removeprefix("metadata") for path in folder.glob("metadata*.csv"))


class SeisBenchDataset(Dataset):
    """One metadata CSV and its HDF5. Other rates than 100 Hz are resampled on read and their labels scaled."""

    def __init__(self, folder: str | Path, chunk: str = "") -> None:
        self.path = Path(folder)
        self._csv = self.path / f"metadata{chunk}.csv"
        self._file = WaveformFile(self.path / f"waveforms{chunk}.hdf5")
        meta = _read(self._csv)
        self._format = _data_format(self._file)
        self._address = meta["trace_name"].to_numpy(object)
        self._rate = self._rates(meta)
        self._order = lb.text(meta, "trace_component_order").to_numpy(object)
        self.labels = to_labels(meta, self._rate, self._components(meta), self.path.name, str(self._csv))

    def waveform(self, i: int) -> NDArray[np.float32]:
        address = str(self._address[i])
        raw = self._file.read(*_location(address))
        if raw.ndim != 2:
            raise ReadError(f"{self._file.path}: trace {address} has shape {raw.shape}, not (component, sample)")
        if self._dimensions.index("C") == 1:
            raw = raw.T
        zne = self._to_zne(np.asarray(raw), address, self._component_order(i))
        try:
            return to_100_hz(zne, float(self._rate[i]))
        except DataError as error:
            raise ReadError(f"{self._file.path}: trace {address}: {error}") from None

    def lengths(self) -> NDArray[np.float64]:
        """As the file has them: a trace_npts in the table may be that of the record before it was cut."""
        block_shape, w = cache(self._file.shape), self._dimensions.index("W")
        shapes = (_shape(block_shape, str(address)) for address in self._address)
        return at_100_hz([shape[w] if len(shape) == 2 else np.nan for shape in shapes], self._rate)

    def close(self) -> None:
        self._file.close()

    @property
    def _dimensions(self) -> str:
        """CW or WC."""
        return str(self._format.get("dimension_order", "CW")).replace("N", "")

    def _component_order(self, i: int) -> str:
        return str(self._order[i] or self._format.get("component_order", "ZNE"))

    def _to_zne(self, raw: NDArray[Any], trace: str, order: str) -> NDArray[np.float32]:
        if len(raw) != len(order):
            raise ReadError(f"{self._file.path}: trace {trace} has {len(raw)} components, their order is '{order}'")
        out = np.zeros((3, raw.shape[1]), np.float32)
        for code, samples in zip(order.upper(), raw, strict=True):
            if code in ROW:  # a hydrophone (H) has no place in ZNE
                out[ROW[code]] = samples
        return out

    def _rates(self, meta: pd.DataFrame) -> NDArray[np.float64]:
        rate, step = (lb.numbers(meta, name, where=str(self._csv)) for name in ("trace_sampling_rate_hz", "trace_dt_s"))
        rate = rate.fillna(1 / step).fillna(float(self._format.get("sampling_rate", np.nan)))
        bad = ~(rate > 0)
        if bad.any():
            raise DataError(
                f"{self._csv}: no sampling rate for trace {meta['trace_name'][bad].iloc[0]}; it belongs in "
                "trace_sampling_rate_hz or in data_format/sampling_rate"
            )
        return rate.to_numpy()

    def _components(self, meta: pd.DataFrame) -> pd.Series:
        """Those of ZNE that were recorded: as jijin.data.export says, else by the order of the components.

        A file in order ZNE with n_components below 3 pads behind the last.
        """
        order = _first(meta, "trace_components_recorded", "trace_component_order")
        order = order.where(order != "", str(self._format.get("component_order", "ZNE")))
        out = order.map({word: self._in_zne(word) for word in order.unique()})
        count = lb.numbers(meta, "n_components", where=str(self._csv)).fillna(3).clip(0, 3).astype(int)
        return pd.Series([word[:n] for word, n in zip(out, count, strict=True)], index=meta.index)

    def _in_zne(self, order: str) -> str:
        """Those of ZNE that an order like "Z12H" records. DataError if there is none; a warning of what is not used."""
        codes = set(order.upper())
        if not codes & {*ROW, "H"}:
            raise DataError(f"{self._csv}: component order '{order}' has none of {', '.join(ROW)}")
        if left_out := sorted(codes - ROW.keys() - {"H"}):
            warnings.warn(
                f"{self.path.name}: components {', '.join(left_out)} are not used, only Z, N, E", stacklevel=2
            )
        return "".join("ZNE"[row] for row in sorted({ROW[code] for code in codes & ROW.keys()}))


def to_labels(
    meta: pd.DataFrame, rate: NDArray[np.float64], components: pd.Series, dataset: str, where: str
) -> pd.DataFrame:
    """Labels table of SeisBench metadata; rate (Hz) of each row scales its sample numbers to 100 Hz."""
    scale = RATE / rate
    p, s = (_arrival(meta, columns, where) * scale for columns in (P_COLUMNS, S_COLUMNS))
    kind = lb.text(meta, "trace_category").where(lambda word: word != "", lb.text(meta, "source_type"))
    category = lb.categories(kind, p.notna() | s.notna())
    doubted = lb.doubted(meta, category, where)
    p_status = lb.phase_status(p, category, _first(meta, "trace_P_status", "trace_p_status"), doubted)
    s_status = lb.phase_status(s, category, _first(meta, "trace_S_status", "trace_s_status"), doubted)
    columns = {
        "p_sample": p.where(p_status == lb.LABELLED), "p_status": p_status,
        "s_sample": s.where(s_status == lb.LABELLED), "s_status": s_status,
        "coda_end_sample": lb.numbers(meta, "trace_coda_end_sample", where=where) * scale,
        "category": category, "source_group": source_groups(meta, category),
        "snr_db": lb.numbers(meta, "trace_snr_db", where=where),
        "distance_km": lb.numbers(meta, "path_ep_distance_km", where=where),
        "source_type": _source_type(meta), "licence": lb.text(meta, "licence"),
        "dataset": dataset, "components": components, "quality": _quality(meta),
        "qc_good": lb.truth(meta, "qc_good"), "station": _station(meta), "split": _first(meta, "split", "trace_split"),
        **{name: lb.numbers(meta, name, where=where) for name in lb.SOURCE},
    }  # fmt: skip
    return lb.table(columns, _first(meta, "trace_name_original", "trace_name"))


def _quality(meta: pd.DataFrame) -> pd.Series:
    """label_quality, else what the statuses of P and S say of who picked them."""
    status = [_first(meta, f"trace_{phase}_status", f"trace_{phase.lower()}_status") for phase in "PS"]
    by = [word.where(word.str.contains("auto|manual", case=False), "") for word in status]
    own = lb.text(meta, "label_quality")
    return own.where(own != "", lb.made_as(*by))


def _source_type(meta: pd.DataFrame) -> pd.Series:
    """source_type, else trace_category, in the data set's words; "" where it says that none was reported."""
    word = _first(meta, "source_type", "trace_category")
    return word.where(word.str.strip().str.lower().str.replace("_", " ") != lb.NOT_REPORTED, "")


def _arrival(meta: pd.DataFrame, columns: Sequence[str], where: str) -> pd.Series:
    """The sample of the plain phase, else the earliest of those that name a path, Pg and Pn say."""
    paths = [lb.numbers(meta, name, where=where) for name in columns[PLAIN:]]
    return lb.numbers(meta, *columns[:PLAIN], where=where).fillna(pd.concat(paths, axis=1).min(axis=1))


def source_groups(meta: pd.DataFrame, category: pd.Series) -> pd.Series:
    """source_group, else source_id, else the origin time; for noise the station-day; else the trace name."""
    day = lb.text(meta, "trace_start_time").str[:10]
    station_day = (_station(meta) + "." + day).where(day != "", "")
    event = _first(meta, "source_id", "source_origin_time")
    fallback = event.where(category != lb.NOISE, station_day)
    group = lb.text(meta, "source_group").where(lambda word: word != "", fallback)
    return group.where(group != "", meta["trace_name"])


def to_100_hz(trace: NDArray[np.float32], rate: float) -> NDArray[np.float32]:
    """trace (3, sample) at rate Hz -> 100 Hz, as at run time. Missing samples (NaN, long runs of zero) become zero."""
    if is_native(rate):
        return trace
    gaps = missing(trace)
    out = resample(bridge(trace, gaps), rate).astype(np.float32)
    if gaps.any():
        source = np.minimum(np.rint(np.arange(out.shape[1]) * rate / RATE), trace.shape[1] - 1)
        out[gaps[:, source.astype(int)]] = 0
    return out


def _read(csv: Path) -> pd.DataFrame:
    columns = header(csv)
    if "trace_name" not in columns:
        raise ReadError(f"{csv}: no column trace_name, so this is not metadata in SeisBench's format")
    wanted = [name for name in columns if name in _TEXT or name in _NUMERIC]
    return read_csv(csv, wanted, dict.fromkeys(set(wanted) & set(_TEXT), str))


def _first(meta: pd.DataFrame, *columns: str) -> pd.Series:
    """Text of the first of the columns that is not empty in the row."""
    out = lb.text(meta, columns[0])
    for name in columns[1:]:
        out = out.where(out != "", lb.text(meta, name))
    return out


def _station(meta: pd.DataFrame) -> pd.Series:
    return (lb.text(meta, "station_network_code") + "." + lb.text(meta, "station_code")).str.strip(".")


def _location(address: str) -> tuple[str, str, Any]:
    """block, trace name, where: "bucket0$3,:3,:6000" -> (3, :3, :6000) of data/bucket0."""
    block, _, place = address.partition("$")
    parts = [part.strip() for part in place.split(",") if part.strip()]
    try:
        return block, address, tuple(_slice(part) for part in parts)
    except ValueError:
        raise ReadError(f"trace name {address} has no location that can be read after its '$'") from None


def _shape(block_shape: Callable[[str], tuple[int, ...]], address: str) -> tuple[int, ...]:
    """Shape of what lies at an address in a block of the file; () if nothing does."""
    try:
        block, _, place = _location(address)
        return np.broadcast_to(np.int8(0), block_shape(block))[place].shape
    except (DataError, IndexError):
        return ()


def _slice(part: str) -> int | slice:
    if ":" not in part:
        return int(part)
    start, stop = part.split(":")
    return slice(int(start) if start else None, int(stop) if stop else None)


def _data_format(file: WaveformFile) -> dict[str, Any]:
    group = file.open().get("data_format", {})
    out = {key: group[key][()] for key in group}
    return {key: _decode(value) for key, value in out.items()}


def _decode(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.decode()
    return "".join(str(_decode(v)) for v in value) if isinstance(value, np.ndarray) else value
