"""The study's first model: a decision tree that says earthquake or noise of a whole window.

    kind "raw"       the 18,000 samples of STEAD's (6000, 3) array, E N Z, as published (the study reached 0.96)
    kind "features"  the physical features of jijin.features; few leaves, so that it can be read

A raw tree compares single samples with thresholds, so it can only learn how loud the ground is at some instants of the
window; it does well where earthquakes always begin at the same place of the window, and on nothing else.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from jijin.config import cpus
from jijin.errors import ConfigError
from jijin.features import NAMES, window_features
from jijin.models.tree_figure import draw

KINDS = ("raw", "features")
MAX_DEPTH = 10  # as published
MOST_LEAVES = 12
READABLE = {"max_leaf_nodes": MOST_LEAVES, "min_samples_leaf": 5}  # of the tree on features: it is there to be read
CLASSES = ("noise", "earthquake")
DRAWN_LEVELS = 3  # of a raw tree, whose depths say nothing


@dataclass(frozen=True, slots=True, eq=False)
class Tree:
    """A trained tree. estimator is scikit-learn's; training_s is the seconds that its fit took, features included."""

    estimator: Any
    kind: str
    training_s: float

    def predict_proba(self, windows: ArrayLike) -> NDArray[np.float32]:
        """Probability of an earthquake for windows (window, 3, sample), ZNE -> (window,)."""
        return np.asarray(self.estimator.predict_proba(inputs(windows, self.kind))[:, 1], np.float32)

    @property
    def nodes(self) -> int:
        """Number of nodes: the tree's parameters are a feature and a threshold each."""
        return int(self.estimator.tree_.node_count)

    def graphviz(self) -> str:
        """The tree in Graphviz's DOT language."""
        from sklearn.tree import export_graphviz

        return str(export_graphviz(self.estimator, feature_names=self._names(), class_names=CLASSES, filled=True))

    def text(self) -> str:
        """The tree as indented text."""
        from sklearn.tree import export_text

        return str(export_text(self.estimator, feature_names=self._names(), max_depth=MAX_DEPTH, class_names=CLASSES))

    def draw(self, path: Path) -> None:
        """Write a picture (by the suffix of path) with matplotlib; of a raw tree the first levels."""
        levels = DRAWN_LEVELS if self.kind == "raw" else MAX_DEPTH
        draw(self.estimator.tree_, self._names(), CLASSES, levels).savefig(path, dpi=150)

    def _names(self) -> list[str]:
        return list(NAMES) if self.kind == "features" else _sample_names(self.estimator.n_features_in_)


def _sample_names(count: int) -> list[str]:
    return [f"{'ENZ'[k % 3]} at {k // 3 / 100:.2f} s" for k in range(count)]


def inputs(windows: ArrayLike, kind: str) -> NDArray[np.float32]:
    """What the tree sees of windows (window, 3, sample), ZNE: (window, 3 * sample) or (window, feature)."""
    if kind not in KINDS:
        raise ConfigError(f"'kind' must be raw or features (got {kind!r})")
    x = np.asarray(windows, np.float32)
    if kind == "features":
        return window_features(x)
    return np.nan_to_num(x[:, ::-1].transpose(0, 2, 1).reshape(len(x), -1), copy=False)


def fit(windows: ArrayLike, is_earthquake: ArrayLike, kind: str = "features", seed: int = 0) -> Tree:
    """Train on windows (window, 3, sample), ZNE at 100 Hz, and booleans (window,)."""
    began = time.perf_counter()
    estimator = _estimator(kind, seed).fit(inputs(windows, kind), np.asarray(is_earthquake, bool))
    return Tree(estimator, kind, time.perf_counter() - began)


def cross_validate(
    windows: ArrayLike,
    is_earthquake: ArrayLike,
    groups: Sequence[str],
    kind: str = "features",
    folds: int = 5,
    seed: int = 0,
) -> list[tuple[NDArray[np.bool_], NDArray[np.bool_]]]:
    """Truth and prediction of each of the folds; rows of one group (an earthquake) are never on both sides.

    Folds are trained side by side in as many threads as there are CPUs.
    """
    from sklearn.model_selection import StratifiedGroupKFold

    x, truth = inputs(windows, kind), np.asarray(is_earthquake, bool)
    splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)

    def one(sides: tuple[NDArray[np.intp], NDArray[np.intp]]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        train, test = sides
        return truth[test], np.asarray(_estimator(kind, seed).fit(x[train], truth[train]).predict(x[test]), bool)

    with ThreadPoolExecutor(cpus()) as pool:
        return list(pool.map(one, splitter.split(x, truth, np.asarray(groups))))


def limits(kind: str) -> str:
    """How large a tree of a kind may be, in words.

    >>> limits("raw"), limits("features")
    ('a tree of depth 10 at most', 'a tree of 12 leaves at most')
    """
    return f"a tree of depth {MAX_DEPTH} at most" if kind == "raw" else f"a tree of {MOST_LEAVES} leaves at most"


def _estimator(kind: str, seed: int) -> Any:
    from sklearn.tree import DecisionTreeClassifier

    return DecisionTreeClassifier(max_depth=MAX_DEPTH, random_state=seed, **(READABLE if kind == "features" else {}))
