"""What is known about one window: the record that every reader fills and training, packing and audit read.

A phase has one of three statuses, because "no number in the table" means two opposite things:
    labelled     an onset at p_sample / s_sample
    absent       truly none, as in noise: the right answer is zero, and the loss says so
    unlabelled   there, or maybe there, but nobody picked it: the loss is masked
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api.types import union_categoricals

from jijin.errors import DataError

LABELLED, ABSENT, UNLABELLED = "labelled", "absent", "unlabelled"
EARTHQUAKE, NOISE, OTHER = "earthquake", "noise", "other"
NOT_REPORTED = "not reported"  # QuakeML's word for a source_type that is not known; in our tables that is ""

# Sources without a P or S to pick; everything else that is not noise radiates body waves and counts as an earthquake.
_OTHER = frozenset({
    "landslide", "rockslide", "rockfall", "debris flow", "avalanche", "snow avalanche", "surface event", "sonic boom",
    "sonic blast", "thunder", "plane crash", "meteorite", "acoustic noise", "other",
})  # fmt: skip
_NOISE = frozenset({"noise", "no", "not existing"})
_DOUBTED = frozenset({"automatic_rejected", "unverified"})  # label_quality that needs qc_good to be believed
_MISSING = frozenset({"", "nan", "none", "na", "n/a"})  # words for no number, in any case
ARRAYS = frozenset({"snr_db", "trace_snr_db", "coda_end_sample", "trace_coda_end_sample"})  # of several numbers, maybe
QUIET_STALTA = 5.0  # a noise window whose largest STA/LTA is above it may hold a small earthquake


@dataclass(frozen=True, slots=True)
class Labels:
    """Labels of one trace. Samples are at 100 Hz from the start of the trace; NaN stands for none or unknown."""

    trace_name: str
    p_sample: float
    s_sample: float
    p_status: str  # labelled, absent or unlabelled
    s_status: str
    coda_end_sample: float  # where the earthquake has faded into noise
    category: str  # earthquake (any source with a P and an S: source_type tells which), noise or other
    source_group: str  # rows of one group are one earthquake (noise: one station-day); a split never divides it
    snr_db: float  # mean over the components
    distance_km: float  # epicentral
    source_type: str
    licence: str
    dataset: str
    components: str = "ZNE"  # those that were recorded; the others are zero
    quality: str = ""  # the data set's own word for how the labels were made
    qc_good: bool = True  # False where the data set's own check of the label failed or was not made
    station: str = ""  # NET.STA
    split: str = ""  # train, dev or test where the data set has one
    source_magnitude: float = math.nan  # of the catalogue, of any type
    source_latitude_deg: float = math.nan
    source_longitude_deg: float = math.nan


COLUMNS = tuple(field.name for field in fields(Labels))
_REPEATED = ("p_status", "s_status", "category", "source_type", "licence", "dataset", "components", "quality", "split")
SOURCE = ("source_magnitude", "source_latitude_deg", "source_longitude_deg")
NUMBERS = ("p_sample", "s_sample", "coda_end_sample", "snr_db", "distance_km", *SOURCE)


def record(row: Mapping[Any, Any]) -> Labels:
    """One row of a labels table as a Labels."""
    return Labels(**{name: row[name] for name in COLUMNS})


def table(columns: Mapping[str, Any], trace_names: pd.Series) -> pd.DataFrame:
    """A labels table of exactly the columns of Labels; those not given take the default of Labels, or nothing."""
    defaults = {field.name: field.default for field in fields(Labels)}
    out = pd.DataFrame({"trace_name": trace_names.astype(str)})
    for name in COLUMNS[1:]:
        default = np.nan if name in NUMBERS else defaults[name] if isinstance(defaults[name], (str, bool)) else ""
        out[name] = columns.get(name, default)
    return compact(out).reset_index(drop=True)


def compact(labels: pd.DataFrame) -> pd.DataFrame:
    """The same table with repeated words stored once: the 1.3 million rows of STEAD take 0.3 GB."""
    filled = labels.fillna(dict.fromkeys((*_REPEATED, "station", "source_group"), ""))
    return filled.astype(dict.fromkeys(_REPEATED, "category"))


def stack(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Labels tables one below the other, without ever spelling out their repeated words."""
    full = [table for table in tables if len(table)] or list(tables[:1])
    words = {name: union_categoricals([table[name] for table in full], sort_categories=True) for name in _REPEATED}
    rest = pd.concat([table.drop(columns=list(_REPEATED)) for table in full], ignore_index=True)
    return rest.assign(**words)[list(COLUMNS)]


def categories(source_type: pd.Series, has_pick: pd.Series) -> pd.Series:
    """earthquake, noise or other from the word for the source; a row with a pick is never noise."""
    word = source_type.fillna("").astype(str).str.strip().str.lower().str.replace("_", " ")
    out = pd.Series(EARTHQUAKE, index=source_type.index)
    out[word.isin(_OTHER) & ~has_pick] = OTHER
    out[word.isin(_NOISE) & ~has_pick] = NOISE
    return out


def phase_status(
    sample: pd.Series, category: pd.Series, word: pd.Series, doubted: pd.Series | None = None
) -> pd.Series:
    """labelled, absent or unlabelled.

    sample: onset, NaN if none; word: the data set's own status, which counts only where it says absent or unlabelled
    ("not picked", "missing", "not given (S present)" and an empty cell in an earthquake all mean unlabelled anyway);
    doubted: rows whose label, or whose lack of one, is not to be believed.
    """
    out = pd.Series(UNLABELLED, index=sample.index)
    out[(category != EARTHQUAKE) | (word == ABSENT)] = ABSENT
    out[word == UNLABELLED] = UNLABELLED
    out[sample.notna()] = LABELLED
    if doubted is not None:
        out[doubted] = UNLABELLED
    return out


def doubted(meta: pd.DataFrame, category: pd.Series, where: str) -> pd.Series:
    """Rows whose labels are masked: rejected picks without a passed check, and "noise" with a transient in it."""
    quality = text(meta, "label_quality").str.lower()
    rejected = quality.isin(_DOUBTED) & ~truth(meta, "qc_good")
    loud = quality.str.contains("transient") | (numbers(meta, "stalta_max", where=where) > QUIET_STALTA)
    return rejected | ((category == NOISE) & loud)


def text(meta: pd.DataFrame, column: str) -> pd.Series:
    """A column as strings; empty where it, or the value, is missing."""
    if column not in meta:
        return pd.Series("", index=meta.index)
    return meta[column].astype(object).where(meta[column].notna(), "").astype(str)


def truth(meta: pd.DataFrame, column: str, default: bool = True) -> pd.Series:
    """A column of True/False written as words, numbers or booleans; default where it is missing."""
    word = text(meta, column).str.strip().str.lower()
    return word.isin(["true", "1", "1.0", "yes"]) | ((word == "") & default)


def labelled(labels: pd.DataFrame) -> pd.Series:
    """Rows of a labels table with an onset of either phase."""
    return (labels["p_status"] == LABELLED) | (labels["s_status"] == LABELLED)


def made_as(p: pd.Series, s: pd.Series) -> pd.Series:
    """How labels were made, from the words for each phase: one word, or where they differ "P manual, S autopicker"."""
    return p.where((p == s) | (s == ""), "P " + p + ", S " + s).where(p != "", s)


def is_automatic(quality: str, phase: str) -> bool:
    """Whether a data set's own word for how labels were made names a machine for a phase; see made_as.

    >>> [is_automatic(word, "S") for word in ("Automatic", "semi-automatic", "P manual, S autopicker", "manual", "")]
    [True, True, True, False, False]
    >>> is_automatic("P manual, S autopicker", "P")
    False
    """
    parts = dict(part.split(" ", 1) for part in quality.split(", ") if part[:2] in ("P ", "S "))
    return "auto" in parts.get(phase, quality).lower()


def numbers(meta: pd.DataFrame, *columns: str, where: str) -> pd.Series:
    """The first of the columns that holds a value, as numbers; in ARRAYS an array in brackets counts as its mean.

    Raises DataError for a cell that is not one number; where names the file in the message.
    """
    out = pd.Series(np.nan, index=meta.index)
    for column in columns:
        if column in meta:
            out = out.fillna(pd.Series(_floats(meta, column, where), index=meta.index))
    return out


def _floats(meta: pd.DataFrame, column: str, where: str) -> NDArray[np.float64]:
    values = meta[column]
    if pd.api.types.is_numeric_dtype(values):
        return values.to_numpy(np.float64, na_value=np.nan)
    out = np.full(len(values), np.nan)
    for i, cell in enumerate(values.fillna("").astype(str)):
        try:
            out[i] = _number(cell, column in ARRAYS)
        except ValueError:
            row = f"trace {meta['trace_name'].iloc[i]}" if "trace_name" in meta else f"row {meta.index[i] + 1}"
            raise DataError(
                f"{where}: column '{column}' of {row} holds {cell!r}; write one number, with a decimal point"
            ) from None
    return out


def _number(cell: str, several: bool) -> float:
    """A cell as a number, NaN if it is missing; of several in brackets, where they may be, the mean of the finite ones.

    >>> [_number(cell, True) for cell in ("[[ 2896.]]", "[ 56.5 55.5 nan]", "", "N/A", "7.5")]
    [2896.0, 56.0, nan, nan, 7.5]
    """
    bare = cell.strip()
    inside = bare.strip("[]() \n")
    words = inside.replace(",", " ").split() if several and inside != bare else [inside]
    given = [float(word) for word in words if word.lower() not in _MISSING]
    finite = [x for x in given if math.isfinite(x)] if several else given
    return sum(finite) / len(finite) if finite else math.nan
