"""What the study hands to its report: the windows, and one result a model. Plain arrays and numbers, no models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from jijin.evaluate import Report, Window


@dataclass(frozen=True, slots=True, eq=False)
class StudySet:
    """The windows of the study. split: "train", "dev" or "test" of each window, by earthquake.

    windows : 60-s windows with their labels. labels : the table rows (jijin.data.labels) of the same traces, in the
    same order. source : in words, what the data is.
    """

    windows: Sequence[Window]
    labels: pd.DataFrame
    split: NDArray[np.str_]
    source: str

    @property
    def is_earthquake(self) -> NDArray[np.bool_]:
        """Of each window: an earthquake (True) or noise."""
        return np.array([w.category == "earthquake" for w in self.windows])

    @property
    def test(self) -> NDArray[np.intp]:
        """Rows that every model is scored on, ascending."""
        return np.flatnonzero(self.split == "test")


@dataclass(frozen=True, slots=True, eq=False)
class Fold:
    """Scores of earthquake or noise, one value a window."""

    accuracy: float
    precision: float
    recall: float
    f1: float


@dataclass(frozen=True, slots=True, eq=False)
class Protocol:
    """A model scored the way the original study did it: its own split sizes, threshold 0.5, no common test windows."""

    what: str  # in words, such as "train : test = 3 : 7, windows" or "test 0.4, each of 8,999 steps"
    train_windows: int
    test_windows: int
    scores: Fold
    confusion: NDArray[np.int64]  # as in ModelResult


@dataclass(frozen=True, slots=True)
class Original:
    """A number that the original study reported, on STEAD and on its own machine: never one of ours."""

    model: str
    what: str
    value: float
    unit: str
    data: str


ORIGINAL = (
    Original("tree raw", "accuracy", 0.96, "", "10,000 STEAD windows, train : test = 3 : 7"),
    Original("tree raw", "accuracy, 5-fold", 0.97, "", "10,000 STEAD windows"),
    Original("tree raw", "time of 5-fold", 600, "s", "10,000 STEAD windows"),
    Original("CNN", "accuracy", 0.68, "", "2,000 STEAD windows, test 0.4"),
    Original("CNN", "F1", 0.69, "", "2,000 STEAD windows, test 0.4"),
    Original("CBA", "F1", 0.88, "", "1,200 STEAD windows; trained on 20,000 x 10 epochs"),
    Original("CBA", "precision", 0.92, "", "1,200 STEAD windows; trained on 20,000 x 10 epochs"),
    Original("CBA", "prediction time", 30.6, "s", "1,200 STEAD windows"),
    Original("CBA", "training time", 1800, "s", "20,000 STEAD windows x 10 epochs, a cloud GPU"),
    Original("EQTransformer", "F1", 1.00, "", "1,200 STEAD windows"),
    Original("EQTransformer", "prediction time", 38.9, "s", "1,200 STEAD windows"),
)


@dataclass(frozen=True, slots=True, eq=False)
class ModelResult:
    """One model, trained (or loaded) and run on the test windows.

    score : of each test window, the probability that it holds an earthquake; threshold: chosen on dev windows.
    history : a row an epoch (epoch, loss, dev_loss, f1, dev_f1, ... of what the model has). curves : phase (P = 1,
    S = 2) -> (test window, 6000) probabilities, and report their scores; empty and None for models that pick nothing.
    """

    name: str
    family: str  # tree, cnn, cba or peer
    trained_on: str  # in words
    score: NDArray[np.float32]
    threshold: float
    detection: Fold
    confusion: NDArray[np.int64]  # (2, 2): rows noise, earthquake as labelled; columns as predicted
    parameters: int
    training_s: float | None  # None: came trained
    training_windows: int | None  # distinct ones
    prediction_s: float  # for the same test windows
    peak_mb: float | None = None  # resident memory of its training
    folds: Sequence[Fold] = ()  # cross-validation
    published: Sequence[Protocol] = ()  # tree and CNN: the same as the original study measured it
    history: Sequence[Mapping[str, float]] = ()
    curves: Mapping[int, NDArray[np.float16]] = field(default_factory=dict)
    report: Report | None = None
    artefacts: Mapping[str, str] = field(default_factory=dict)  # name -> file in the output folder (tree.dot, ...)
    presented: int | None = None  # windows in all that the training looked at: distinct ones times epochs
    costs: Mapping[str, float] = field(default_factory=dict)  # seconds of a training by part (compose, forward, ...)
    note: str = ""  # what a reader has to know about its numbers


@dataclass(frozen=True, slots=True, eq=False)
class Study:
    """A whole run.

    components : model name -> input ("ZNE", "ZN", "Z", "E") -> report of its picks with those components only, at the
    thresholds of ZNE; component_scores : the same keys -> earthquake or noise. notes : what was left out, and why.
    """

    data: StudySet
    models: Sequence[ModelResult]
    components: Mapping[str, Mapping[str, Report]]
    settings: Mapping[str, Any]
    machine: str
    seconds: float
    component_scores: Mapping[str, Mapping[str, Fold]] = field(default_factory=dict)
    notes: Sequence[str] = ()

    @property
    def test(self) -> NDArray[np.intp]:
        """Rows of data that the models were scored on."""
        return self.data.test
