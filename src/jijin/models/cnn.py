"""The study's second model, exactly as published: 3,537 parameters on a window laid out as one row of 18,000 numbers.

    windows (batch, 18000)    STEAD's (6000, 3) array, E N Z, one sample after the other
      Conv1D 64, width 2, ReLU                     -> (batch, 17999, 64)
      Dense 16, ReLU, at each step                 -> (batch, 17999, 16)
      MaxPool 2                                    -> (batch, 8999, 16)
      Dense 128, ReLU, Dropout 0.5, Dense 1        -> (batch, 8999) logits, one a step

It is weak, and it must be: a step sees three neighbouring numbers of the row, which are three components at one
instant, so it can only tell whether the ground is loud there, while the label it is asked for is that of the whole
minute. In an earthquake's window most steps lie in noise and carry the label "earthquake" all the same. It is kept as
it was, to be measured. How the study scaled its input is not known; here a window is divided by its own deviation,
since raw counts of 1e7 leave no gradient.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from jijin.stopwatch import Stopwatch

CHUNK = 4  # windows of a step: larger layers than 32 MB get new pages from the system each time, at twice the cost
Progress = Callable[[int, Mapping[str, float]], None]


class HalfDropout(nn.Module):
    """Dropout of 0.5 with one random bit a value; torch's own draws a number for each and took a third of a step."""

    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            return x
        words = torch.empty(-(-x.numel() // 8), dtype=torch.int64).random_(-(2**63), 2**63 - 1)
        kept = (words.view(torch.uint8)[: x.numel()] & 1).view(x.shape)
        return x * kept.mul(2).to(x.dtype)


class CNN(nn.Module):
    """windows : (batch, 18000) float32 -> logits (batch, 8999)."""

    def __init__(self) -> None:
        super().__init__()
        self.look = nn.Linear(2, 64)  # a convolution of width 2 on one channel is this, at every pair of neighbours
        self.narrow = nn.Linear(64, 16)
        self.wide = nn.Linear(16, 128)
        self.drop = HalfDropout()
        self.out = nn.Linear(128, 1)
        for layer in (self.look, self.narrow, self.wide, self.out):  # Keras's defaults
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(self, windows: Tensor) -> Tensor:
        x = torch.relu(self.narrow(torch.relu(self.look(windows.unfold(1, 2, 1)))))  # (batch, 17999, 16)
        x = torch.maximum(x[:, :-1:2], x[:, 1::2])  # (batch, 8999, 16)
        logits: Tensor = self.out(self.drop(torch.relu(self.wide(x))))[..., 0]
        return logits


@dataclass(frozen=True, slots=True, eq=False)
class Trained:
    """A trained CNN. history : a row an epoch, scores of the windows (mean over steps) and of the steps.

    training_s is the seconds of it all, costs those of its parts.
    """

    network: CNN
    history: Sequence[Mapping[str, float]]
    training_s: float
    costs: Mapping[str, float]

    def predict_steps(self, windows: ArrayLike) -> NDArray[np.float32]:
        """Probability of each step, as the study scored it: (window, 3, sample) ZNE -> (window, 8999)."""
        x = np.asarray(windows)
        self.network.eval()
        with torch.inference_mode():
            parts = [self.network(rows(x[at : at + CHUNK])).sigmoid() for at in range(0, len(x), CHUNK)]
        return torch.cat(parts).numpy() if parts else np.zeros((0, 8999), np.float32)

    def predict_proba(self, windows: ArrayLike) -> NDArray[np.float32]:
        """Probability of each window, (window,): the mean over its steps."""
        return self.predict_steps(windows).mean(1)


def rows(windows: ArrayLike) -> Tensor:
    """(window, 3, sample) ZNE -> (window, 3 * sample): E N Z of each sample in turn, each window of unit deviation."""
    x = np.nan_to_num(np.asarray(windows, np.float32))
    x = x - x.mean(-1, keepdims=True)
    deviation = x.std((1, 2), keepdims=True)
    x = x / np.where(deviation > 0, deviation, 1)
    return torch.from_numpy(np.ascontiguousarray(x[:, ::-1].transpose(0, 2, 1)).reshape(len(x), -1))


def fit(
    windows: ArrayLike,
    is_earthquake: ArrayLike,
    dev_windows: ArrayLike,
    dev_is_earthquake: ArrayLike,
    epochs: int = 10,
    seed: int = 0,
    progress: Progress | None = None,
) -> Trained:
    """Train with Adam on binary cross-entropy, the window's label asked of each step. windows : (window, 3, sample)."""
    began, history, costs = time.perf_counter(), [], Stopwatch()
    dev = np.asarray(dev_is_earthquake, bool)
    with torch.random.fork_rng(devices=[]):  # initial weights, order and dropout; the caller's stream stays as it was
        torch.manual_seed(seed)
        network = CNN()
        optimizer = torch.optim.Adam(network.parameters())
        x, y = rows(windows), torch.from_numpy(np.asarray(is_earthquake, np.float32))
        costs.lap("compose")
        for epoch in range(1, epochs + 1):
            loss = _epoch(network, optimizer, x, y, costs)
            steps = Trained(network, (), 0.0, {}).predict_steps(dev_windows)
            history.append({"epoch": epoch, "loss": loss, **_dev_scores(steps, dev)})
            costs.lap("validate")
            if progress is not None:
                progress(epoch, history[-1])
    return Trained(network, history, time.perf_counter() - began, costs.seconds)


def _epoch(network: CNN, optimizer: torch.optim.Optimizer, x: Tensor, y: Tensor, costs: Stopwatch) -> float:
    """Every window once, in random order; the mean loss."""
    network.train()
    losses = []
    for chosen in torch.randperm(len(x)).split(CHUNK):
        logits = network(x[chosen])
        loss = binary_cross_entropy_with_logits(logits, y[chosen, None].expand_as(logits))
        costs.lap("forward")
        optimizer.zero_grad()
        loss.backward()
        costs.lap("backward")
        optimizer.step()
        losses.append(float(loss.detach()))
        costs.lap("optimizer")
    return float(np.mean(losses))


def _dev_scores(steps: NDArray[np.float32], truth: NDArray[np.bool_]) -> dict[str, float]:
    """Loss, and F1 by window and by step, of probabilities (window, step)."""
    p = np.clip(np.where(truth[:, None], steps, 1 - steps), 1e-7, 1)
    by_step = np.broadcast_to(truth[:, None], steps.shape)
    return {
        "dev_loss": float(-np.log(p).mean()),
        "dev_f1": f1(truth, steps.mean(1) >= 0.5),
        "dev_f1_steps": f1(by_step, steps >= 0.5),
    }


def f1(truth: NDArray[np.bool_], said: NDArray[np.bool_]) -> float:
    """Harmonic mean of precision and recall; 0 without any."""
    hit = int((truth & said).sum())
    return 2 * hit / max(int(truth.sum()) + int(said.sum()), 1)
