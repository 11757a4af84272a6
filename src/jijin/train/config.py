"""The settings of a training run, and their place in its folder."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from jijin.config import check_range
from jijin.errors import ConfigError
from jijin.io.tables import replacing
from jijin.models.cba import CBAConfig
from jijin.train.folder import CONFIG, read_config

MAY_CHANGE = {"config", "windows", "epoch_windows", "patience", "workers", "threads", "torch", "numpy"}
MAY_CHANGE |= {"licences", "pickers"}  # how they are told, not what was trained on


@dataclass(frozen=True, slots=True)
class TrainConfig:
    """One run."""

    windows: int = 320_000  # training windows in all
    epoch_windows: int = 16_000  # between two validations
    batch: int = 64
    learning_rate: float = 1e-3
    final_rate: float = 0.02  # share of the learning rate that the cosine ends at
    warm_up: float = 0.02  # share of the run
    patience: int = 8  # epochs without a lower validation loss of P and S before the run stops
    average: float = 0.998  # decay of the moving average of the weights that is validated and exported
    output_weights: tuple[float, float, float] = (0.3, 1.0, 1.0)  # detection, P, S in the loss
    workers: int = 1
    threads: int = 1
    seed: int = 0
    bfloat16: bool = False  # forward and backward in 16 bits: twice as fast on a CPU with AMX or AVX512-BF16
    start: str | None = None  # best.pt of an earlier run, or a released .onnx, whose weights this one begins with
    model: CBAConfig = field(default_factory=CBAConfig)

    def __post_init__(self) -> None:
        check_range("learning_rate", self.learning_rate, 0, 1)
        if self.windows < self.batch:
            raise ConfigError(f"'windows' must be at least one batch of {self.batch} (got {self.windows})")


def write_config(run: Path, config: TrainConfig, extra: dict[str, Any]) -> None:
    """What was done, for the card: every setting, the data and the versions. ConfigError as check_run's."""
    check_run(run, config, extra)
    run.mkdir(parents=True, exist_ok=True)
    with replacing(run / CONFIG) as file:
        file.write(json.dumps(_content(config, extra), indent=1).encode())


def check_run(run: Path, config: TrainConfig, extra: dict[str, Any]) -> None:
    """Raise ConfigError if the folder holds a run of other settings; only its length and its pace may change.

    extra may lack what is not known yet.
    """
    before = read_config(run)
    if before is not None:
        _check_same(run, before, _content(config, extra))


def _content(config: TrainConfig, extra: dict[str, Any]) -> dict[str, Any]:
    content = {"config": asdict(config), "torch": torch.__version__, "numpy": np.__version__, **extra}
    done: dict[str, Any] = json.loads(json.dumps(content, default=str))
    return done


def _check_same(run: Path, before: dict[str, Any], content: dict[str, Any]) -> None:
    if "config" not in before:
        raise ConfigError(f"{run} holds a run of another task, or its {CONFIG} is damaged; give another run folder")
    defaults = json.loads(json.dumps(asdict(TrainConfig())))
    known = defaults | before | before["config"]  # an option that came after the run had its default
    for name, value in {**content, **content["config"]}.items():
        old = known.get(name)
        if name not in MAY_CHANGE and old != value:
            raise ConfigError(f"{run} holds a run with '{name}' {old} (asked for {value}); give another run folder")
