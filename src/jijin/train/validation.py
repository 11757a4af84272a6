"""How well a network does: the loss of any windows, and the loss and F1 of the dev windows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from jijin.data.dataset import copy_window
from jijin.data.traces import LabelledTrace, P, S, targets
from jijin.errors import DataError
from jijin.evaluate import Window, find_picks, score, window_at
from jijin.signal import normalise
from jijin.types import IN_SAMPLES

SHOWN_THRESHOLD = 0.3  # of the F1 that is shown while training; the released one is set on dev at export


def masked_loss(logits: Tensor, target: Tensor, weight: Tensor, outputs: Sequence[float]) -> Tensor:
    """Binary cross-entropy (batch, 3, sample) -> scalar; masked samples count for nothing, outputs by their weights."""
    loss = binary_cross_entropy_with_logits(logits, target, weight, reduction="none")
    per_output = loss.sum((0, 2)) / weight.sum((0, 2)).clamp(min=1)
    return per_output @ torch.tensor(outputs)


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


@torch.inference_mode()
def validate(
    network: nn.Module, valid: Validation, outputs: Sequence[float]
) -> tuple[dict[str, float], NDArray[np.float32]]:
    """Loss, outputs by their weights, and F1 of a network, and its curves (window, 3, sample).

    They are the bare network's, its peaks neither gathered nor moved to the onsets: quick, and lower than at release.
    """
    network.eval()
    logits = torch.cat([network(part) for part in valid.data.split(64)])
    parts = [float(masked_loss(logits, valid.target, valid.weight, one)) for one in np.eye(3).tolist()]
    row = {"dev_loss": float(np.dot(parts, outputs))}
    row |= dict(zip(("dev_detection", "dev_p", "dev_s"), parts, strict=True))
    curves = logits.sigmoid().numpy()
    for phase, name in ((P, "p"), (S, "s")):
        picks = find_picks(curves[:, phase], phase, SHOWN_THRESHOLD)
        row[f"dev_f1_{name}"] = score(picks, valid.windows, phase, 0.5)[0].f1
    return row, curves
