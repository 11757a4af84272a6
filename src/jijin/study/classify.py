"""The study's classifiers, decision trees and CNN: trained on its sizes, scored as it did and on the common test."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jijin.models import tree
from jijin.study.machine import peak_memory
from jijin.study.results import Fold, ModelResult, Protocol
from jijin.study.sample import Sample
from jijin.study.scores import best_threshold, confusion, fold, protocol

TREE_WINDOWS, TREE_TRAIN = 10_000, 0.3  # as published: 3 : 7
CNN_WINDOWS, CNN_TRAIN = 2_000, 0.6
FOLDS = 5
Say = Callable[[str], None]
Rows = NDArray[np.intp]


def published_split(sample: Sample, windows: int, share: float) -> tuple[Rows, Rows]:
    """Rows to train on and to test on, the published share of so many windows or of all there are.

    Training rows are of the train split and test rows of the dev and test splits first, so that what is trained here
    may be scored on the common test windows too; classes are as frequent as in the sample.
    """
    total = min(windows, len(sample.traces))
    train = sample.rows("train")
    chosen = _balanced(sample, train, round(total * share))
    rest = np.concatenate([sample.rows("test"), sample.rows("dev"), np.setdiff1d(train, chosen)])
    return chosen, _balanced(sample, rest, total - len(chosen))


def _balanced(sample: Sample, rows: Rows, count: int) -> Rows:
    """The first count of rows, earthquakes and noise in the proportion that they have in the sample."""
    event = sample.is_earthquake[rows]
    wanted = round(count * float(sample.is_earthquake.mean()))
    kept = np.where(event, np.cumsum(event) <= wanted, np.cumsum(~event) <= count - wanted)
    return rows[kept]


def run_tree(sample: Sample, kind: str, output: Path, seed: int, say: Say) -> ModelResult:
    """Train a decision tree ("raw" or "features"), cross-validate it, export and draw it."""
    train, test = published_split(sample, TREE_WINDOWS, TREE_TRAIN)
    say(f"decision tree on {'raw samples' if kind == 'raw' else 'features'}: {len(train)} windows")
    truth = sample.is_earthquake
    with peak_memory() as peak:
        model = tree.fit(sample.data[train], truth[train], kind, seed)
    said = model.predict_proba(sample.data[test]) >= 0.5
    published = [protocol(f"train : test = 3 : 7, {kind}", len(train), truth[test], said)]
    folds, folds_s = _folds(sample, kind, seed)
    say(f"  {FOLDS}-fold cross-validation in {folds_s:.0f} s")
    return _result(
        sample, model.predict_proba, f"tree {kind}", "tree",
        trained_on=f"{len(train)} windows of the train split, {tree.limits(kind)}",
        parameters=model.nodes, training_s=model.training_s, training_windows=len(train), presented=len(train),
        peak_mb=max(peak, default=None), folds=folds, published=published,
        artefacts=_export(model, output, f"tree_{kind}"), costs={"fit": model.training_s, f"{FOLDS}-fold": folds_s},
    )  # fmt: skip


def _folds(sample: Sample, kind: str, seed: int) -> tuple[list[Fold], float]:
    """Cross-validation on all of the published number of windows, whole earthquakes held out; and its seconds."""
    rows = np.concatenate(published_split(sample, TREE_WINDOWS, TREE_TRAIN))
    began = time.perf_counter()
    groups = sample.study.labels["source_group"].astype(str).to_numpy()[rows]
    found = tree.cross_validate(sample.data[rows], sample.is_earthquake[rows], groups, kind, FOLDS, seed)
    return [fold(confusion(truth, said)) for truth, said in found], time.perf_counter() - began


def _export(model: tree.Tree, output: Path, name: str) -> dict[str, str]:
    """The tree in Graphviz's language, as text and as a picture."""
    folder = output / "models"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.dot").write_text(model.graphviz())
    (folder / f"{name}.txt").write_text(model.text())
    model.draw(folder / f"{name}.png")
    return {f"tree.{suffix}": f"models/{name}.{suffix}" for suffix in ("dot", "txt", "png")}


def run_cnn(
    sample: Sample, epochs: int, seed: int, say: Say, on_epoch: Callable[[dict[str, float]], None]
) -> ModelResult:
    """Train the published CNN on the published number of windows; on_epoch is told the scores of each epoch."""
    from jijin.models import cnn

    train, test = published_split(sample, CNN_WINDOWS, CNN_TRAIN)
    dev = sample.rows("dev")[: len(test)]
    say(f"CNN: {len(train)} windows x {epochs} epochs")

    def progress(epoch: int, row: Any) -> None:
        say(f"  epoch {epoch}: loss {row['loss']:.3f}, dev F1 {row['dev_f1']:.3f}")
        on_epoch(dict(row))

    truth = sample.is_earthquake
    with peak_memory() as peak:
        model = cnn.fit(sample.data[train], truth[train], sample.data[dev], truth[dev], epochs, seed, progress)
    return _result(
        sample, model.predict_proba, "CNN", "cnn", trained_on=f"{len(train)} windows of the train split",
        parameters=sum(p.numel() for p in model.network.parameters()), training_s=model.training_s,
        training_windows=len(train), presented=len(train) * epochs, peak_mb=max(peak, default=None),
        published=_cnn_protocols(model.predict_steps(sample.data[test]), truth[test], len(train)),
        history=model.history, costs=model.costs,
    )  # fmt: skip


def _cnn_protocols(steps: NDArray[np.float32], truth: NDArray[np.bool_], trained: int) -> list[Protocol]:
    each = np.broadcast_to(truth[:, None], steps.shape)
    return [
        protocol("test 0.4, each of 8,999 steps", trained, each, steps >= 0.5),
        protocol("test 0.4, windows by the mean of their steps", trained, truth, steps.mean(1) >= 0.5),
    ]


def _result(
    sample: Sample, predict: Callable[[NDArray[np.float32]], NDArray[np.float32]], name: str, family: str, **about: Any
) -> ModelResult:
    """A classifier on the common test windows, its threshold chosen on the dev windows."""
    dev, test, truth = sample.rows("dev"), sample.study.test, sample.is_earthquake
    threshold = best_threshold(predict(sample.data[dev]), truth[dev])
    windows = sample.data[test]
    began = time.perf_counter()
    score = predict(windows)
    seconds = time.perf_counter() - began
    counts = confusion(truth[test], score >= threshold)
    return ModelResult(
        name=name, family=family, score=score, threshold=threshold, detection=fold(counts), confusion=counts,
        prediction_s=seconds, **about,
    )  # fmt: skip
