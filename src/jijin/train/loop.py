"""The training loop: read it from top to bottom.

A run folder holds config.json (what was done), last.pt, best.pt and start.pt (checkpoints), history.csv, costs.csv
(seconds of each part) and TensorBoard's events.
Stopped at any moment, it goes on from last.pt; batch k of a seed is the same in every run.
"""

from __future__ import annotations

import csv
import errno
import json
import math
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits
from torch.utils.data import DataLoader, IterableDataset

from jijin.config import check_range
from jijin.data.augment import Batch
from jijin.data.dataset import copy_window
from jijin.data.traces import LabelledTrace, P, S, targets
from jijin.errors import ConfigError, DataError
from jijin.evaluate import Window, find_picks, score, window_at
from jijin.io.tables import replacing
from jijin.models.cba import CBA, CBAConfig
from jijin.report.training import dev_figure
from jijin.signal import normalise
from jijin.stopwatch import Stopwatch, peak_memory_mb
from jijin.train.folder import CONFIG, read_config
from jijin.train.start import network_of, read_checkpoint
from jijin.types import IN_SAMPLES

Progress = Callable[[int, dict[str, float]], None]
MAY_CHANGE = {"config", "windows", "epoch_windows", "patience", "workers", "threads", "torch", "numpy"}
MAY_CHANGE |= {"licences", "pickers"}  # how they are told, not what was trained on
APART = 2**32  # number of a batch that no run trains on
WARM_STEPS = 50  # of a short run, or a fifth of it
SHORTEST_SPAN = 20  # the average of the weights spans at most a twentieth of a run
MEASURED = 8  # batches that the normalisations of a released file are measured on
SHOWN_THRESHOLD = 0.3  # of the F1 that is shown while training; the released one is set on dev at export


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


class Composer(Protocol):
    """What makes the batches: jijin.data.compose.Composer, or anything else whose batch k is the same in every run."""

    def batch(self, k: int, size: int) -> Batch: ...


class Batches(IterableDataset[tuple[Tensor, Tensor, Tensor]]):
    """Batches first, first + 1, ... of a composer, shared out over the workers."""

    def __init__(self, composer: Composer, size: int, first: int, last: int) -> None:
        self.composer, self.size, self.first, self.last = composer, size, first, last

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        info = torch.utils.data.get_worker_info()
        step, offset = (info.num_workers, info.id) if info else (1, 0)
        for k in range(self.first + offset, self.last, step):
            b = self.composer.batch(k, self.size)
            yield torch.from_numpy(b.data), torch.from_numpy(b.target), torch.from_numpy(b.weight)


def masked_loss(logits: Tensor, target: Tensor, weight: Tensor, outputs: Sequence[float]) -> Tensor:
    """Binary cross-entropy (batch, 3, sample) -> scalar; masked samples count for nothing, outputs by their weights."""
    loss = binary_cross_entropy_with_logits(logits, target, weight, reduction="none")
    per_output = loss.sum((0, 2)) / weight.sum((0, 2)).clamp(min=1)
    return per_output @ torch.tensor(outputs)


def train(
    composer: Composer,
    dev: Sequence[LabelledTrace] | Validation,
    run: Path,
    config: TrainConfig,
    progress: Progress,
) -> Path:
    """Train CBA into the folder run and return the best checkpoint. progress(windows, row) is called now and then.

    costs.csv in the folder tells the seconds of each epoch by part (compose is the time that batches were waited
    for) and the most memory so far, that of a worker included.
    An interrupt leaves last.pt as it is at that step; a kill leaves the one of the last epoch.
    """
    torch.manual_seed(config.seed)
    torch.set_num_threads(config.threads)
    run.mkdir(parents=True, exist_ok=True)
    apart = (torch.from_numpy(composer.batch(APART + k, config.batch).data) for k in range(MEASURED))
    state = State(config, run, apart)
    valid = dev if isinstance(dev, Validation) else validation_set(dev)
    if config.start is not None and state.step == 0:
        state.save("start.pt", ("average", "settings"))  # for jijin export --blend
        state.keep_if_better(_validate(state, valid)[0])  # a run never ends worse than it began
    per_epoch = max(config.epoch_windows // config.batch, 1)
    try:
        while state.step < state.steps and state.stale < config.patience:
            last = min(state.step + per_epoch, state.steps)
            clock = Stopwatch()
            row = _epoch(state, composer, last, progress, clock)
            scores, curves = _validate(state, valid)
            clock.lap("validate")
            row |= scores
            state.finish_epoch(row)
            _append(run / "costs.csv", {**clock.seconds, "memory_mb": peak_memory_mb()})
            _tensorboard(run, state.step, row, valid, curves)
            progress(state.step * config.batch, row)
    except KeyboardInterrupt:
        state.save("last.pt")
        raise
    return run / "best.pt"


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
        _append(self.run / "history.csv", {"step": self.step, **row})
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


def _epoch(state: State, composer: Composer, last: int, progress: Progress, clock: Stopwatch) -> dict[str, float]:
    """Steps up to last; the mean loss and the speed."""
    c, losses, began, first = state.config, [], time.monotonic(), state.step
    state.model.train()
    loader = DataLoader(Batches(composer, c.batch, state.step, last), batch_size=None, num_workers=c.workers)
    for data, target, weight in loader:
        clock.lap("compose")
        for group in state.optimizer.param_groups:
            group["lr"] = state.rate()
        with torch.autocast("cpu", torch.bfloat16, enabled=c.bfloat16):
            logits = state.model(data)
        loss = masked_loss(logits.float(), target, weight, c.output_weights)
        clock.lap("forward")
        state.optimizer.zero_grad()
        loss.backward()
        clock.lap("backward")
        nn.utils.clip_grad_norm_(state.model.parameters(), 1.0)
        state.optimizer.step()
        state.average.update_parameters(state.model)
        state.step += 1
        losses.append(float(loss.detach()))
        progress(state.step * c.batch, {})
        clock.lap("optimizer")
    seconds = time.monotonic() - began
    return {"loss": float(np.mean(losses)), "rate": state.rate(), "windows_per_s": (last - first) * c.batch / seconds}


@torch.inference_mode()
def _validate(state: State, valid: Validation) -> tuple[dict[str, float], NDArray[np.float32]]:
    """Loss and F1 of the averaged weights, and their curves (window, 3, sample).

    They are the bare network's, its peaks neither gathered nor moved to the onsets: quick, and lower than at release.
    """
    state.average.eval()
    logits = torch.cat([state.average(part) for part in valid.data.split(64)])
    parts = [float(masked_loss(logits, valid.target, valid.weight, one)) for one in np.eye(3).tolist()]
    row = {"dev_loss": float(np.dot(parts, state.config.output_weights))}
    row |= dict(zip(("dev_detection", "dev_p", "dev_s"), parts, strict=True))
    curves = logits.sigmoid().numpy()
    for phase, name in ((P, "p"), (S, "s")):
        picks = find_picks(curves[:, phase], phase, SHOWN_THRESHOLD)
        row[f"dev_f1_{name}"] = score(picks, valid.windows, phase, 0.5)[0].f1
    return row, curves


@dataclass(frozen=True, slots=True, eq=False)
class Validation:
    """The same windows twice: as tensors (window, 3, 6000) for the loss, as labelled windows for F1."""

    data: Tensor
    target: Tensor
    weight: Tensor
    windows: list[Window]


def validation_set(dev: Sequence[LabelledTrace], offsets: tuple[float, ...] = (0.15, 0.6)) -> Validation:
    """Every dev trace with its first onset at two places of the window, neither augmented nor random."""
    if not dev:
        raise DataError("no labelled trace in the dev split; give more data or other fractions")
    rows, windows = [], []
    for trace in dev:
        anchor = min(trace.onsets, default=trace.data.shape[1] / 2)
        for offset in offsets:
            start = round(anchor - offset * IN_SAMPLES)
            data = np.full((3, IN_SAMPLES), np.nan, np.float32)
            copy_window(trace.data, start, data)
            rows.append((data, *targets(trace, start, IN_SAMPLES)))
            windows.append(window_at(trace, start))
    data, target, weight = (np.stack(column) for column in zip(*rows, strict=True))
    weight = weight * ~np.isnan(data).all(1, keepdims=True)
    return Validation(torch.from_numpy(normalise(data)), torch.from_numpy(target), torch.from_numpy(weight), windows)


def _append(path: Path, row: dict[str, Any]) -> None:
    new = not path.exists()
    with path.open("a", newline="") as file:
        writer = csv.DictWriter(file, list(row))
        if new:
            writer.writeheader()
        writer.writerow(row)


def _tensorboard(run: Path, step: int, row: dict[str, float], valid: Validation, curves: NDArray[np.float32]) -> None:
    from torch.utils.tensorboard import SummaryWriter

    with SummaryWriter(str(run)) as writer:
        for name, value in row.items():
            writer.add_scalar(name, value, step)
        writer.add_figure("dev windows", dev_figure(valid.data.numpy(), valid.target.numpy(), curves), step)


def write_config(run: Path, config: TrainConfig, extra: dict[str, Any]) -> None:
    """What was done, for the card: every setting, the data and the versions.

    Raises ConfigError if the folder holds a run of other settings; only its length and its pace may change.
    """
    run.mkdir(parents=True, exist_ok=True)
    content = {"config": asdict(config), "torch": torch.__version__, "numpy": np.__version__, **extra}
    content = json.loads(json.dumps(content, default=str))
    before = read_config(run)
    if before is not None:
        _check_same(run, before, content)
    with replacing(run / CONFIG) as file:
        file.write(json.dumps(content, indent=1).encode())


def _check_same(run: Path, before: dict[str, Any], content: dict[str, Any]) -> None:
    if "config" not in before:
        raise ConfigError(f"{run} holds a run of another task, or its {CONFIG} is damaged; give another run folder")
    defaults = json.loads(json.dumps(asdict(TrainConfig())))
    known = defaults | before | before["config"]  # an option that came after the run had its default
    for name, value in {**content, **content["config"]}.items():
        old = known.get(name)
        if name not in MAY_CHANGE and old != value:
            raise ConfigError(f"{run} holds a run with '{name}' {old} (asked for {value}); give another run folder")
