"""TensorBoard's events of a study: a run a model in one folder, `tensorboard --logdir OUTPUT/tensorboard`."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from jijin.data.traces import P, S
from jijin.report.training import dev_figure
from jijin.study.results import ModelResult
from jijin.study.sample import Sample

SHOWN = 6  # test windows in a picture


class Board:
    """Writes what is told to folder/<model>, spaces as underscores."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def run(self, name: str) -> Path:
        """Folder of a model's events."""
        return self.folder / name.replace(" ", "_")

    def epoch(self, name: str, row: Mapping[str, float]) -> None:
        """Scalars of one epoch of training; row has "epoch"."""
        with self._writer(name) as writer:
            for key, value in row.items():
                if key != "epoch":
                    writer.add_scalar(key, value, int(row["epoch"]))

    def graph(self, name: str, network: Any, example: Any) -> None:
        """The network as a graph of operations."""
        with self._writer(name) as writer, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of torch about its own tracing
            writer.add_graph(network.eval(), example)

    def result(self, sample: Sample, result: ModelResult, settings: Mapping[str, Any]) -> None:
        """Evaluation of a model: precision-recall curve, pictures of test windows, scores beside its settings."""
        truth = sample.is_earthquake[sample.study.test]
        scores = {"test/f1": result.detection.f1, "test/accuracy": result.detection.accuracy, **_pick_scores(result)}
        with self._writer(result.name) as writer:
            writer.add_pr_curve("earthquake or noise", truth, result.score)
            for key, value in scores.items():
                writer.add_scalar(key, value)
            if result.curves:
                writer.add_figure("test windows", _figure(sample, result))
            known = {k: v for k, v in settings.items() if isinstance(v, (bool, int, float, str))}
            writer.add_hparams({"family": result.family, **known}, scores, run_name=".")

    @contextmanager
    def _writer(self, name: str) -> Iterator[Any]:
        from torch.utils.tensorboard import SummaryWriter

        with SummaryWriter(str(self.run(name))) as writer:
            yield writer


def _pick_scores(result: ModelResult) -> dict[str, float]:
    if result.report is None:
        return {}
    return {f"test/f1_{name}": result.report.phases[phase][0.5].f1 for phase, name in ((P, "p"), (S, "s"))}


def _figure(sample: Sample, result: ModelResult) -> Any:
    """Some test windows, half of them earthquakes, with targets and curves."""
    from jijin.study.batches import validation

    test = sample.study.test
    event = sample.is_earthquake[test]
    shown = np.concatenate([np.flatnonzero(event)[: SHOWN // 2], np.flatnonzero(~event)[: SHOWN // 2]])
    valid = validation([sample.traces[test[i]] for i in shown], [sample.study.windows[test[i]] for i in shown])
    p, s = (result.curves[phase][shown].astype(np.float32) for phase in (P, S))
    curves = np.stack([np.full_like(p, np.nan), p, s], 1)  # the detection curve is not kept
    return dev_figure(valid.data.numpy(), valid.target.numpy(), curves)
