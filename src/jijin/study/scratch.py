"""CBA trained from scratch on the study's windows with the study's settings, and turned into a model file."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

from jijin.errors import ConfigError
from jijin.models import load
from jijin.models.onnx import OnnxModel
from jijin.study.batches import Epochs, validation
from jijin.study.sample import Sample
from jijin.train.config import TrainConfig, write_config
from jijin.train.export import Measured, export
from jijin.train.folder import read_config
from jijin.train.loop import train

BATCH = 64  # the study's is not known
FEWEST_STEPS = 20  # of an epoch; a small data set gets smaller batches
MOST_VALIDATED = 1000  # windows: the loss of an epoch needs no more
FILE = "models/cba_from_scratch.onnx"


def settings(windows: int, epochs: int, seed: int, threads: int = 1) -> TrainConfig:
    """The study's: NAdam at 1e-3, no schedule, every window once an epoch; weights are not averaged."""
    batch = BATCH
    while batch > 8 and windows // batch < FEWEST_STEPS:
        batch //= 2
    epoch = windows // batch * batch
    return TrainConfig(
        windows=epoch * epochs, epoch_windows=epoch, batch=batch, learning_rate=1e-3, final_rate=1.0, warm_up=0.0,
        average=0.0, workers=0, threads=threads, seed=seed,
    )  # fmt: skip


def train_scratch(
    sample: Sample, run: Path, output: Path, config: TrainConfig, say: Callable[[str], None]
) -> OnnxModel:
    """Train in the folder run, or go on there; write the model to output and load it as any other."""
    rows, dev = sample.rows("train"), sample.rows("dev")[:MOST_VALIDATED]
    write_config(run, config, _about(sample))

    def progress(windows: int, row: dict[str, float]) -> None:
        if row:
            scores = ", ".join(f"{key} {row[key]:.3f}" for key in ("loss", "dev_loss", "dev_f1_p", "dev_f1_s"))
            say(f"  epoch {windows // config.epoch_windows}: {scores}, {row['windows_per_s']:.0f} windows/s")

    composer = Epochs([sample.traces[i] for i in rows], seed=config.seed, threads=config.threads)
    valid = validation([sample.traces[i] for i in dev], [sample.study.windows[i] for i in dev])
    train(composer, valid, run, config, progress)
    windows = [sample.study.windows[i] for i in sample.rows("dev")]
    card = {"data": sample.study.source, "augment": "study", "trained": "from scratch by jijin study"}
    return load(export(run, output / FILE, Measured(windows), "cba-from-scratch", card), config.threads)


def _about(sample: Sample) -> dict[str, Any]:
    return {"data": sample.study.source, "augment": "study", "choice": _digest(sample)}


def refuse_another(sample: Sample, output: Path, run: Path, seed: int) -> None:
    """Raise ConfigError if the folder run, of the study in output, holds a CBA of another seed or of other windows."""
    before = read_config(run)
    if before is None:
        return
    old, new = {**before, "seed": before["config"]["seed"]}, {**_about(sample), "seed": seed}
    for name in ("seed", "data", "choice"):
        if old.get(name) != new[name]:
            what = "other windows" if name == "choice" else f"'{name}' {old.get(name)}, asked for {new[name]}"
            raise ConfigError(f"{output} holds a study of other windows or options ({what}); give another folder")


def _digest(sample: Sample) -> str:
    """Of which windows are in which split: what a run that goes on may not change."""
    names = sample.study.labels["trace_name"].astype(str)
    rows = "\n".join(f"{name} {split}" for name, split in zip(names, sample.study.split, strict=True))
    return hashlib.sha256(rows.encode()).hexdigest()


def history(run: Path, config: TrainConfig) -> list[dict[str, float]]:
    """The rows of history.csv, a row an epoch."""
    table = pd.read_csv(run / "history.csv").drop_duplicates("step", keep="last")
    table.insert(0, "epoch", (table["step"] * config.batch / config.epoch_windows).round().astype(int))
    return [{str(key): float(value) for key, value in row.items()} for row in table.to_dict("records")]


def costs(run: Path) -> dict[str, float]:
    """Seconds of each part of the training, over all epochs and sittings."""
    parts = pd.read_csv(run / "costs.csv").drop(columns="memory_mb")
    return {str(part): float(seconds) for part, seconds in parts.sum().items()}
