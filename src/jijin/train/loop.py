"""The training loop: read it from top to bottom.

A run folder holds config.json (what was done), last.pt, best.pt and start.pt (checkpoints), history.csv, costs.csv
(seconds of each part) and TensorBoard's events.
Stopped at any moment, it goes on from last.pt; batch k of a seed is the same in every run.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.utils.data import DataLoader, IterableDataset

from jijin.data.batch import Batch
from jijin.data.traces import LabelledTrace
from jijin.errors import JijinError
from jijin.report.training import dev_figure
from jijin.stopwatch import Stopwatch, peak_memory_mb
from jijin.train.config import TrainConfig
from jijin.train.folder import append_row
from jijin.train.state import State
from jijin.train.validation import Validation, masked_loss, validate, validation_set

Progress = Callable[[int, dict[str, float]], None]
APART = 2**32  # number of a batch that no run trains on
MEASURED = 8  # batches that the normalisations of a released file are measured on


class Composer(Protocol):
    """What makes the batches: jijin.data.compose.Composer, or anything else whose batch k is the same in every run."""

    def batch(self, k: int, size: int) -> Batch: ...


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
        scores, _ = validate(state.average, valid, config.output_weights)
        state.keep_if_better(scores)  # a run never ends worse than it began
    per_epoch = max(config.epoch_windows // config.batch, 1)
    try:
        while state.step < state.steps and state.stale < config.patience:
            last = min(state.step + per_epoch, state.steps)
            clock = Stopwatch()
            row = _epoch(state, composer, last, progress, clock)
            scores, curves = validate(state.average, valid, config.output_weights)
            clock.lap("validate")
            row |= scores
            state.finish_epoch(row)
            append_row(run / "costs.csv", {**clock.seconds, "memory_mb": peak_memory_mb()})
            _tensorboard(run, state.step, row, valid, curves)
            progress(state.step * config.batch, row)
    except KeyboardInterrupt:
        state.save("last.pt")
        raise
    return run / "best.pt"


def _epoch(state: State, composer: Composer, last: int, progress: Progress, clock: Stopwatch) -> dict[str, float]:
    """Steps up to last; the mean loss and the speed."""
    c, losses, began, first = state.config, [], time.monotonic(), state.step
    state.model.train()
    loader = DataLoader(Batches(composer, c.batch, state.step, last), batch_size=None, num_workers=c.workers)
    for batch in loader:
        if isinstance(batch, Failure):
            raise batch.error
        data, target, weight = batch
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


@dataclass(frozen=True, slots=True)
class Failure:
    """What went wrong in a worker: raised there, it would come in a traceback of torch's."""

    error: JijinError


class Batches(IterableDataset[tuple[Tensor, Tensor, Tensor] | Failure]):
    """Batches first, first + 1, ... of a composer, shared out over the workers; the last may be what went wrong."""

    def __init__(self, composer: Composer, size: int, first: int, last: int) -> None:
        self.composer, self.size, self.first, self.last = composer, size, first, last

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor, Tensor] | Failure]:
        info = torch.utils.data.get_worker_info()
        step, offset = (info.num_workers, info.id) if info else (1, 0)
        for k in range(self.first + offset, self.last, step):
            try:
                b = self.composer.batch(k, self.size)
            except JijinError as error:
                yield Failure(error)
                return
            yield torch.from_numpy(b.data), torch.from_numpy(b.target), torch.from_numpy(b.weight)


def _tensorboard(run: Path, step: int, row: dict[str, float], valid: Validation, curves: NDArray[np.float32]) -> None:
    from torch.utils.tensorboard import SummaryWriter

    with SummaryWriter(str(run)) as writer:
        for name, value in row.items():
            writer.add_scalar(name, value, step)
        writer.add_figure("dev windows", dev_figure(valid.data.numpy(), valid.target.numpy(), curves), step)
