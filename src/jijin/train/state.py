"""Where a training run is: weights, their average, optimizer and counters; on disk at every epoch."""

from __future__ import annotations

import errno
import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from jijin.errors import ConfigError
from jijin.models.cba import CBA
from jijin.train.config import TrainConfig
from jijin.train.folder import append_row
from jijin.train.start import network_of, read_checkpoint

WARM_STEPS = 50  # of a short run, or a fifth of it
SHORTEST_SPAN = 20  # the average of the weights spans at most a twentieth of a run


class State:
    """Everything that a checkpoint holds; loaded from last.pt when the run folder has one."""

    def __init__(self, config: TrainConfig, run: Path, batches: Iterable[Tensor] = ()) -> None:
        """batches : normalised windows that a released file's normalisations are measured on, if that is the start."""
        self.config, self.run = config, run
        self.model = CBA(config.model).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.steps = config.windows // config.batch
        decay = min(config.average, max(1 - SHORTEST_SPAN / self.steps, 0.0))
        self.average = torch.optim.swa_utils.AveragedModel(
            self.model, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(decay), use_buffers=True
        )
        self.optimizer = torch.optim.NAdam(self.model.parameters(), config.learning_rate)
        self.step, self.stale, self.best = 0, 0, float("inf")
        if (run / "last.pt").exists():
            self._load(run / "last.pt")
        elif config.start is not None:
            self._begin(Path(config.start), batches)

    def rate(self) -> float:
        """Learning rate now: a straight warm-up, then half a cosine."""
        done, c = self.step / self.steps, self.config
        warm_up = max(c.warm_up, min(WARM_STEPS / self.steps, 0.2)) if c.warm_up else 0.0
        if done < warm_up:
            return c.learning_rate * (done + 1 / self.steps) / warm_up
        return c.learning_rate * (c.final_rate + (1 - c.final_rate) * 0.5 * (1 + math.cos(math.pi * done)))

    def finish_epoch(self, row: dict[str, float]) -> None:
        """Write the row to history.csv, and the checkpoints."""
        append_row(self.run / "history.csv", {"step": self.step, **row})
        self.stale = 0 if self.keep_if_better(row) else self.stale + 1
        self.save("last.pt")

    def keep_if_better(self, row: dict[str, float]) -> bool:
        """Write best.pt if P and S of the dev windows fit better than ever."""
        picks = row["dev_p"] + row["dev_s"]  # what a detection's end is labelled as is too vague to choose by
        better = picks < self.best
        if better:
            self.best = picks
            self.save("best.pt")
        return better

    def save(self, name: str, only: Sequence[str] = ()) -> None:
        """Write a checkpoint, or only some entries of it, into the run folder, all of it or nothing."""
        content = {
            "model": self.model.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "step": self.step,
            "stale": self.stale,
            "best": self.best,
            "random": torch.get_rng_state(),  # of dropout
            "settings": self.model.settings(),
        }
        part = self.run / (name + ".part")
        try:
            torch.save({key: content[key] for key in only or content}, part)
        except RuntimeError as error:  # torch's word for a disk that is full
            part.unlink(missing_ok=True)
            raise OSError(
                errno.ENOSPC, "could not be written, is the disk full? Free some and go on", str(part)
            ) from error
        part.replace(self.run / name)

    def _begin(self, path: Path, batches: Iterable[Tensor]) -> None:
        """Take the averaged weights of an earlier run, or of a released file; steps, rates and moments begin anew."""
        if path.suffix == ".onnx":
            self.average.module.load_state_dict(network_of(path, self.model, batches).state_dict())
        else:
            self.average.load_state_dict(self._read(path)["average"])
        self.average.n_averaged.zero_()
        self.model.load_state_dict(self.average.module.state_dict())

    def _read(self, path: Path) -> dict[str, Any]:
        content = read_checkpoint(path)
        if content["settings"] != self.model.settings():
            raise ConfigError(f"{path} was made with other model settings; give another run folder")
        return content

    def _load(self, path: Path) -> None:
        content = self._read(path)
        for name in ("model", "average", "optimizer"):
            getattr(self, name).load_state_dict(content[name])
        self.step, self.stale, self.best = content["step"], content["stale"], content["best"]
        torch.set_rng_state(content["random"])
