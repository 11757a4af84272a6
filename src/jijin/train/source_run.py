"""jijin train --task source: labelled windows to a source model in a run folder, and the scores of such a training.

features.csv  what was measured, one row a window; made once, used again by the same command
source.json   the model with its card
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import jijin
from jijin.data import open_datasets
from jijin.data.source import SYNTHETIC, backgrounds, feature_table, read_table, synthetic_table
from jijin.data.splits import split
from jijin.discriminate.classes import EXPLOSION, QUAKEML, plain
from jijin.discriminate.model import SourceModel, to_dict
from jijin.errors import ConfigError, ReadError
from jijin.evaluate.scores import auc
from jijin.evaluate.source import Outcome, blast_odds, recall
from jijin.models import load
from jijin.train.folder import CONFIG, read_config
from jijin.train.source import FOLDS, fewest, nested, tell, train_source
from jijin.train.source_fit import Sample, sample_of, usable

FEATURES, MODEL = "features.csv", "source.json"
EXACT = ({"quarry blast"}, {"mining explosion"})  # QuakeML knows them
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class SourceRun:
    """What a run is made from; fractions : train, dev and test by event, of which test is left alone."""

    data: tuple[str, ...]
    synthetics: int = 200
    fractions: tuple[float, ...] = (6.0, 2.0, 2.0)
    seed: int = 0
    picker: str = "cba"
    threads: int = 1


def measured(run: SourceRun, folder: Path | None, progress: Progress | None = None) -> pd.DataFrame:
    """Features of all windows and of the synthetics; read from the folder where the same run wrote them."""
    wanted = {"data": list(run.data), "synthetics": run.synthetics, "seed": run.seed, "picker": run.picker}
    if folder and (folder / FEATURES).is_file() and _config(folder) == wanted:
        return read_table(folder / FEATURES)
    picker, dataset = load(run.picker, run.threads), open_datasets(run.data)
    table = feature_table(dataset, picker, progress)
    if run.synthetics:
        made = synthetic_table(picker, run.synthetics, run.seed, backgrounds(dataset), progress)
        table = pd.concat([table, made], ignore_index=True)
    if folder:
        folder.mkdir(parents=True, exist_ok=True)
        table.to_csv(folder / FEATURES, index=False, float_format="%.6g")
        (folder / CONFIG).write_text(json.dumps(wanted, indent=1) + "\n")
        return read_table(folder / FEATURES)
    return table


def _config(folder: Path) -> dict[str, Any] | None:
    known = read_config(folder)
    if known is not None and "config" in known:
        raise ConfigError(f"{folder} holds a picker's run; give another run folder")
    return known


def in_splits(table: pd.DataFrame, names: Sequence[str], fractions: Sequence[float], seed: int) -> pd.DataFrame:
    """Rows of some splits, whole groups; synthetics are in train."""
    which = np.where(table["dataset"] == SYNTHETIC, "train", split(table["group"].astype(str), fractions, seed))
    return table[np.isin(which, names)].reset_index(drop=True)


def train_run(
    run: SourceRun, folder: Path, start: SourceModel | None = None, progress: Progress | None = None
) -> tuple[Path, Outcome | None]:
    """Train, write the model into the folder, and tell how events were told that the training had not seen.

    The outcome is None where a class has too few events to hold some out.
    """
    table = usable(in_splits(measured(run, folder, progress), ("train", "dev"), run.fractions, run.seed))
    sample = sample_of(table)
    count = min(FOLDS, fewest(sample))
    outcome = cross_validated(table, sample, start, count, run.seed) if count > 1 else None
    model, setting = train_source(sample, start, count, run.seed)
    chosen = {"strength": setting.strength, "synthetic_share": setting.share} if setting else {}
    begun = {"started_from": dict(start.card)} if start else {}
    card = {**card_of(run, table, sample), **chosen, **begun, "scores": scores(outcome)}
    path = folder / MODEL
    write_model(path, replace(model, words=words(table, start), card=card))
    return path, outcome


def write_model(path: Path, model: SourceModel) -> None:
    """A line for each part of the model."""
    lines = (f"{json.dumps(key)}: {json.dumps(part)}" for key, part in to_dict(model).items())
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n")


def cross_validated(
    table: pd.DataFrame, sample: Sample, start: SourceModel | None = None, count: int = FOLDS, seed: int = 0
) -> Outcome:
    """Every real event, told by a model whose training, choice of setting and calibration had not seen it."""
    return outcome_of(table, sample, *nested(sample, start, count, seed))


def told_by(model: SourceModel, table: pd.DataFrame) -> Outcome:
    """What a model tells of the real windows of a table that are of its classes."""
    table = usable(table[(table["dataset"] != SYNTHETIC) & table["class"].isin(model.classes)])
    sample = sample_of(table)
    units, _, log = tell(model, sample)
    return outcome_of(table, sample, model.classes, units, log)


def outcome_of(table: pd.DataFrame, sample: Sample, classes: tuple[str, ...], units: Any, log: Any) -> Outcome:
    """Units with what is known of them from the table's rows."""
    rows = table.assign(unit=sample.units, span_s=10 ** table["S-P (log s)"])
    of = rows.groupby("unit").agg(
        truth=("class", "first"), group=("group", "first"), dataset=("dataset", "first"), stations=("unit", "size"),
        snr=("SNR", "median"), span_s=("span_s", "median"),
    ).loc[units]  # fmt: skip
    y = np.array([classes.index(name) for name in of["truth"]], np.intp)
    about = (of["group"].astype(str), of["dataset"].astype(str), of["stations"], of["snr"], of["span_s"])
    return Outcome(classes, log, y, *(column.to_numpy() for column in about))


def words(table: pd.DataFrame, start: SourceModel | None = None) -> dict[str, str]:
    """QuakeML's word for each class: "quarry blast", say, where the labels call nothing else an explosion."""
    real = table[(table["class"] == EXPLOSION) & (table["dataset"] != SYNTHETIC)]
    own = {plain(word) for word in real["source_type"].astype(str)}
    return {**QUAKEML, **(start.words if start else {}), **({EXPLOSION: own.pop()} if own in EXACT else {})}


def card_of(run: SourceRun, table: pd.DataFrame, sample: Sample) -> dict[str, Any]:
    """What a model was made from; counts are of events, and of windows of noise."""
    real = table[table["dataset"] != SYNTHETIC]
    counts: dict[str, dict[str, int]] = {}
    for (name, dataset), n in pd.Series(sample.units).groupby([table["class"], table["dataset"]]).nunique().items():
        counts.setdefault(str(name), {})[str(dataset)] = int(n)
    return {
        "name": "source",
        "version": jijin.__version__,
        "data": [Path(path).name for path in run.data],
        "licences": sorted(set(real["licence"].dropna().astype(str)) - {""}),
        "counts": counts,
        "fractions": list(run.fractions),
        "seed": run.seed,
        "picker": run.picker,
        "synthetics": run.synthetics,
    }


def scores(outcome: Outcome | None) -> dict[str, Any] | str:
    """Of a nested cross-validation, for a card."""
    if outcome is None:
        return "not measured: a class has fewer than two events"
    told = outcome.told(None, 0.0)
    protocol = f"nested cross-validation by event, at most {FOLDS} folds, classes alike, real events only"
    out: dict[str, Any] = {"protocol": protocol}
    for name in outcome.classes:
        n, right, low, high, _, _ = recall(outcome, told, name)
        if n:
            out[name] = {"units": n, "right": round(right, 3), "right_95": [round(low, 3), round(high, 3)]}
    if {"earthquake", "explosion"} <= set(outcome.classes):
        odds, blast, _ = blast_odds(outcome)
        out["explosion_against_earthquake_auc"] = round(auc(blast, odds), 3)
    return out


def read_run(path: Path) -> Path:
    """The model of a run folder, or the file itself. ReadError if the folder has none."""
    if path.is_dir() and not (path / MODEL).is_file():
        raise ReadError(f"{path}: no {MODEL} in it; give what 'jijin train --task source -o' wrote")
    return path / MODEL if path.is_dir() else path
