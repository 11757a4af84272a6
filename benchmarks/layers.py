"""How the layers of CBA should be written for ONNX Runtime on a CPU: prints a table, one thread.

    python benchmarks/layers.py

Each row is a convolution with ReLU of CBA's sizes, in 1-D and as 2-D of height 1, per window. Needs the extra 'train'.
"""

from __future__ import annotations

import statistics
import warnings
from io import BytesIO

import onnxruntime
import torch
from torch import Tensor, nn

from page import table
from timing import WALL, seconds_of

SIZES = ((16, 32, 7, 1500), (32, 48, 5, 750), (48, 64, 5, 375), (96, 96, 3, 125), (16, 16, 7, 1500))
BATCH, REPEATS = 16, 20


def milliseconds(network: nn.Module, x: Tensor) -> float:
    """Median time of a window of the batch x in ONNX Runtime."""
    file = BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(network, (x,), file, input_names=["x"], dynamo=False)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(file.getvalue(), options, providers=["CPUExecutionProvider"])
    times = [seconds_of(WALL, session.run, None, {"x": x.numpy()}) for _ in range(REPEATS)]
    return statistics.median(times) / len(x) * 1e3


def stack(inputs: int, outputs: int, width: int, two_d: bool) -> nn.Module:
    """The convolution, and one more of its output's width, since the first also converts the layout."""
    if two_d:
        sizes = ((inputs, outputs), (outputs, outputs))
        parts = [nn.Conv2d(i, o, (1, width), padding=(0, width // 2)) for i, o in sizes]
    else:
        parts = [nn.Conv1d(i, o, width, padding=width // 2) for i, o in ((inputs, outputs), (outputs, outputs))]
    return nn.Sequential(parts[0], nn.ReLU(), parts[1], nn.ReLU())


def main() -> None:
    """Print the table."""
    lines: list[list[object]] = []
    for inputs, outputs, width, steps in SIZES:
        x = torch.randn(BATCH, inputs, steps)
        one = milliseconds(stack(inputs, outputs, width, False), x)
        two = milliseconds(stack(inputs, outputs, width, True), x[:, :, None])
        lines.append([f"{inputs} to {outputs}", width, steps, one, two, one / two])
    print(table(["channels", "width", "steps", "1-D ms", "2-D ms", "ratio"], lines, {"ratio": ".1f"}))


if __name__ == "__main__":
    main()
