"""What the source classifier learns from: labelled windows as the features that a detection would have had.

A station says something of a source where the picker puts a P; so here too the picker looks for it, whatever the labels
know of onsets, and the same features are measured around it: training and use cannot differ.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from jijin.data.draw import log_uniform
from jijin.data.sources import blast, disturbed, on_noise
from jijin.data.synthetic import earthquake
from jijin.discriminate.classes import ANTHROPOGENIC, EARTHQUAKE, EXPLOSION, NOISE, class_of, plain
from jijin.discriminate.features import NAMES, features
from jijin.discriminate.record import Record, cut
from jijin.errors import DataError
from jijin.types import IN_SAMPLES

if TYPE_CHECKING:
    from jijin.data.dataset import Dataset
    from jijin.models import Model

STRIDE, EDGE = 3000, 100
S_WITHIN = 6000  # samples after P
SYNTHETIC = "synthetic"
KEPT = ("trace_name", "dataset", "station", "source_type", "licence", "snr_db", "distance_km")  # as in the labels
ABOUT = (*KEPT, "class", "group", "p_probability")
Progress = Callable[[int, int], None]


def feature_table(dataset: Dataset, model: Model, progress: Progress | None = None) -> pd.DataFrame:
    """One row a window whose source is one of CLASSES: ABOUT, then the features. The rows of a group are one event.

    Noise has a group for each station, since one hour of a station is like the next. DataError without such a window.
    """
    labels = dataset.labels
    classes = labels["source_type"].astype(str).map(class_of)
    rows = np.flatnonzero(classes.notna().to_numpy())
    if not len(rows):
        known = ", ".join(sorted({plain(word) for word in labels["source_type"].astype(str)}))
        raise DataError(f"{dataset.path}: no source type that is known here (got {known}); see docs/source_type.md")
    table = []
    for done, i in enumerate(rows.tolist(), 1):
        about = _about(labels.iloc[i], str(classes.iloc[i]))
        table.append({**about, **_looked(dataset.waveform(i), model)})
        if progress:
            progress(done, len(rows))
    return pd.DataFrame(table)


def _about(row: pd.Series, name: str) -> dict[str, Any]:
    group = f"{row['dataset']}/{row['station']}" if name == NOISE else str(row["source_group"])
    return {**{key: row[key] for key in KEPT}, "class": name, "group": group}


def synthetic_table(
    model: Model,
    count: int,
    seed: int,
    backgrounds: Sequence[NDArray[np.float32]] = (),
    progress: Progress | None = None,
) -> pd.DataFrame:
    """As many synthetic earthquakes as blasts and as disturbances, half of them on real noise; dataset is SYNTHETIC."""
    table: list[dict[str, Any]] = []
    for done, (name, data) in enumerate(_synthetics(count, np.random.default_rng((seed, 8)), backgrounds), 1):
        group = f"{SYNTHETIC}/{name}/{done}"
        about = {"trace_name": group, "dataset": SYNTHETIC, "station": "", "source_type": name, "licence": ""}
        unknown = {"snr_db": math.nan, "distance_km": math.nan}
        table.append({**about, **unknown, "class": name, "group": group, **_looked(data, model)})
        if progress:
            progress(done, 3 * count)
    return pd.DataFrame(table, columns=[*ABOUT, *NAMES])


def _synthetics(
    count: int, rng: np.random.Generator, backgrounds: Sequence[NDArray[np.float32]]
) -> Iterator[tuple[str, NDArray[np.float32]]]:
    for _ in range(count):
        background = backgrounds[int(rng.integers(len(backgrounds)))] if backgrounds and rng.random() < 0.5 else None
        s_minus_p = log_uniform(rng, 0.3, 20)
        yield EARTHQUAKE, on_noise(rng, earthquake(rng, s_minus_p), background)
        yield EXPLOSION, on_noise(rng, blast(rng, s_minus_p), background)
        yield ANTHROPOGENIC, disturbed(rng, background)


def _looked(data: NDArray[np.float32], model: Model) -> dict[str, float]:
    record = seen(data, model)
    numbers = dict(zip(NAMES, features(record).tolist(), strict=True))
    return {"p_probability": record.p_probability, **numbers}


def seen(data: NDArray[np.float32], model: Model) -> Record:
    """The record around the likeliest P of a trace (3, sample), with the S after it if the model would pick one.

    Where the model would pick no P its probability is below the threshold; the record lies around its best guess.
    """
    p_curve, s_curve = _curves(data, model)
    p = int(p_curve.argmax())
    later = s_curve[p + 10 : p + S_WITHIN]
    s = int(later.argmax()) + 10 if len(later) else 0
    s_probability = float(later[s - 10]) if len(later) else 0.0
    picked = s_probability >= model.thresholds["s"]
    vertical = np.where(np.isfinite(data[0]), data[0], np.nan)
    return Record(
        cut(vertical, p), s / 100 if picked else math.nan, float(p_curve[p]), s_probability if picked else 0.0
    )


def _curves(data: NDArray[np.float32], model: Model) -> NDArray[np.float32]:
    """P and S curves of a trace (3, sample) of any length, (2, sample): the highest of windows that overlap by half."""
    n = data.shape[1]
    starts = sorted({*range(0, max(n - IN_SAMPLES, 0) + 1, STRIDE), max(n - IN_SAMPLES, 0)})
    windows = np.zeros((len(starts), 3, IN_SAMPLES), np.float32)
    for window, start in zip(windows, starts, strict=True):
        part = data[:, start : start + IN_SAMPLES]
        window[:, : part.shape[1]] = part
    out, found = np.zeros((2, max(n, IN_SAMPLES)), np.float32), model.predict(windows)
    for k, start in enumerate(starts):
        first = 0 if start == 0 else EDGE
        last = IN_SAMPLES if start + IN_SAMPLES >= n else IN_SAMPLES - EDGE
        here = slice(start + first, start + last)
        out[:, here] = np.maximum(out[:, here], np.stack([found.p[k, first:last], found.s[k, first:last]]))
    return out[:, :n]


def backgrounds(dataset: Dataset, most: int = 40, length: int = IN_SAMPLES) -> list[NDArray[np.float32]]:
    """Real noise to lay synthetics on: windows of at least a minute that are called noise, evenly over the data set."""
    noise = np.flatnonzero((dataset.labels["source_type"].astype(str).map(class_of) == NOISE).to_numpy())
    chosen = noise[np.linspace(0, len(noise) - 1, min(most, len(noise))).astype(int)] if len(noise) else noise
    waveforms = (dataset.waveform(int(i)) for i in chosen)
    return [x for x in waveforms if x.shape[1] >= length and np.isfinite(x).all()]


def read_table(path: Path) -> pd.DataFrame:
    """A feature table that was written as CSV."""
    words = ("trace_name", "dataset", "station", "source_type", "licence", "class", "group")
    table = pd.read_csv(path, dtype=dict.fromkeys(words, str))
    if missing := [name for name in (*ABOUT, *NAMES) if name not in table]:
        raise DataError(f"{path}: not a table of features, it lacks {', '.join(missing)}; delete it to make it anew")
    return table
