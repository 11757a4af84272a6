"""Pictures of a training run for TensorBoard."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from jijin.report.plots import COLOURS

CURVES = ("Detection", "P", "S")


def dev_figure(
    data: NDArray[np.float32], target: NDArray[np.float32], curves: NDArray[np.float32], most: int = 6
) -> Figure:
    """The first windows of a validation set: data, target (dashed) and prediction, each (window, 3, sample)."""
    rows = np.linspace(0, len(data) - 1, min(most, len(data))).astype(int)
    figure = Figure(figsize=(10, 2 * len(rows)), layout="constrained")
    for axes, row in zip(np.atleast_1d(figure.subplots(len(rows), 1, sharex=True)), rows, strict=True):
        time_s = np.arange(data.shape[-1]) / 100
        for k, name in enumerate(CURVES):
            axes.plot(time_s, data[row, k] / (np.abs(data[row, k]).max() + 1e-9) * 0.5 - 1 - k, color="0.4", lw=0.4)
            axes.plot(time_s, target[row, k], color=COLOURS[name], lw=0.8, ls="--")
            axes.plot(time_s, curves[row, k], color=COLOURS[name], lw=1.0, label=name)
        axes.set(xlim=(0, time_s[-1]), ylim=(-3.6, 1.1), yticks=[])
    axes.set_xlabel("time in the window (s)")
    figure.legend(*axes.get_legend_handles_labels(), loc="outside upper right", ncols=3)
    return figure
