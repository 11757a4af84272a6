"""What the source classifier is fitted to, and how: a logistic regression for blasts, trees for the kind of source.

    loss of the regression = sum of weight * -log p(class)  +  strength / 2 * |coefficients - beginning|^2  +  regional

The beginning is zero, or the coefficients of a trained model: with a few labelled blasts of a new quarry only what they
speak for moves. The regression sees TELLING alone, in which physics says that a blast differs: a quiet or a clipped
quarry is not learnt as a mark of blasts. Kinds (and the two classes of the regression) weigh the same in all, events of
one too, stations of an event share its weight.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from jijin.data.source import SYNTHETIC
from jijin.discriminate.classes import ANTHROPOGENIC, EARTHQUAKE, EXPLOSION, KINDS, NOISE, kind_of
from jijin.discriminate.features import NAMES
from jijin.discriminate.forest import Forest
from jijin.discriminate.model import Blasts, Kinds, standardise
from jijin.errors import DataError, MissingExtra, ModelError

TELLING = NAMES[:10]  # ratios of P and S, spectra, Rg
OF_THE_PICKER = NAMES[-2:]  # probabilities: of no use, since all that is classified has been picked
USED = tuple(name for name in NAMES if name not in OF_THE_PICKER)
REGIONAL = 0.2  # log10 of amplitude by which regions differ from octave to octave: about what t* of 0.05 s does
TILT = {
    "P 1-4 / 4-16 Hz": (0.5, 1.0, 0.5),
    "S 1-4 / 4-16 Hz": (0.5, 1.0, 0.5),
    "Rg 1-2 Hz / S 4-16 Hz": (1.0, 1.0, 0.5),
    "1-2 Hz / 2-4 Hz": (1.0, 0.0, 0.0),
    "2-4 Hz / 4-8 Hz": (0.0, 1.0, 0.0),
    "4-8 Hz / 8-16 Hz": (0.0, 0.0, 1.0),
}  # what each gains by the fall from one octave to the next, 1-2 to 2-4 Hz and so on
LEAST_P = 0.3  # probability of P, for a station to say something of an earthquake or a blast
KIND_SHARE = 0.2
TREES = {"max_iter": 60, "learning_rate": 0.06, "max_leaf_nodes": 4, "min_samples_leaf": 20}
PARITY = 1e-5  # largest difference of log probabilities between scikit-learn's trees and ours
Array = NDArray[np.float64]
Words = NDArray[np.str_]


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """x : (row, len(NAMES)) with NaN; classes : (row,) names; groups : what cross-validation never divides.

    units : what is classified as one, an event or a window of noise; synthetic : rows that are never scored.
    """

    x: Array
    classes: Words
    groups: Words
    units: Words
    synthetic: NDArray[np.bool_]

    def part(self, rows: Any) -> Sample:
        """Some of the rows."""
        return Sample(*(getattr(self, name)[rows] for name in ("x", "classes", "groups", "units", "synthetic")))

    @property
    def real(self) -> Sample:
        """The rows that are not synthetic."""
        return self.part(~self.synthetic)

    @property
    def kinds(self) -> Words:
        """Kind of each row."""
        return np.array([kind_of(name) for name in self.classes.tolist()])

    @property
    def waves(self) -> Sample:
        """The rows of earthquakes and explosions."""
        return self.part(np.isin(self.classes, (EARTHQUAKE, EXPLOSION)))


def usable(table: pd.DataFrame) -> pd.DataFrame:
    """Rows to learn from: of earthquakes and blasts only stations with a P."""
    needs = table["class"].isin((EARTHQUAKE, EXPLOSION))
    return table[~needs | (table["p_probability"] >= LEAST_P)].reset_index(drop=True)


def sample_of(table: pd.DataFrame) -> Sample:
    """A table of features (jijin.data.source) as a sample. DataError with fewer than two real classes."""
    synthetic = (table["dataset"] == SYNTHETIC).to_numpy(bool)
    if table["class"][~synthetic].nunique() < 2:
        there = ", ".join(sorted(set(table["class"][~synthetic]))) or "none"
        raise DataError(f"the source classifier needs windows of two classes, of stations with a P (got {there})")
    alone = table["class"].isin((NOISE, ANTHROPOGENIC)) | synthetic
    units = np.where(alone, table["trace_name"].astype(str), table["group"].astype(str)).astype(str)
    x = table[list(NAMES)].to_numpy(np.float64)
    return Sample(x, table["class"].to_numpy(str), table["group"].to_numpy(str), units, synthetic)


def weights(names: Words, sample: Sample, share: float) -> Array:
    """Weight of each row: names equal, events equal within one, rows equal within an event; 1 in all.

    names : (row,) what weighs the same. share : of a name's weight that its synthetic events get together; all of it
    where nothing is real.
    """
    out = np.zeros(len(names))
    for name in np.unique(names):
        parts = [(names == name) & ~sample.synthetic, (names == name) & sample.synthetic]
        both = all(part.any() for part in parts)
        for part, weight in zip(parts, (1 - share, share), strict=True):
            if part.any():
                _, index = np.unique(sample.groups[part], return_inverse=True)
                each = 1 / np.bincount(index)[index]
                out[part] = each / each.sum() * (weight if both else 1)
    return out / out.sum()


@dataclass(frozen=True, slots=True)
class Setting:
    """Of the regression; start is what it begins with."""

    strength: float = 0.03
    share: float = 0.1
    start: Blasts | None = None


def fit_blasts(sample: Sample, setting: Setting) -> Blasts:
    """The regression on the earthquakes and explosions of a sample. A start keeps its features, means and scales."""
    from scipy.optimize import minimize

    start, part = setting.start, sample.waves
    features = start.features if start else TELLING
    w = weights(part.classes, part, setting.share)
    x = part.x[:, [NAMES.index(name) for name in features]]
    mean, scale = (start.mean, start.scale) if start else _moments(x, w)
    z = np.column_stack([standardise(x, mean, scale), np.ones(len(x))])
    sign = np.where(part.classes == EXPLOSION, 1.0, -1.0)
    beginning = np.array([*start.coefficients, start.intercept]) if start else np.zeros(z.shape[1])
    held = np.diag(setting.strength * np.array([1.0] * len(features) + [1.0 if start else 0.0]))
    if start is None:
        held[:-1, :-1] += _regional(features, scale)

    def loss(theta: Array) -> tuple[float, Array]:
        margin, away = sign * (z @ theta), theta - beginning
        value = (w * np.logaddexp(0, -margin)).sum() + 0.5 * away @ held @ away
        return float(value), -(w * sign / (1 + np.exp(margin))) @ z + held @ away

    theta = minimize(loss, beginning, jac=True, method="L-BFGS-B", options={"maxiter": 500}).x
    return Blasts(features, mean, scale, theta[:-1], float(theta[-1]))


def _regional(features: tuple[str, ...], scale: Array) -> Array:
    """Penalty on coefficients, (feature, feature), that tell regions: what Gaussian noise on the spectrum would cost.

    Path and site of a region raise or lower octaves of P, S and Rg alike. Noise of variance v in a feature costs a
    logistic regression about v / 8 times its coefficient squared.
    """
    effect = np.array([TILT.get(name, (0.0, 0.0, 0.0)) for name in features]) / scale[:, None]
    return REGIONAL**2 / 4 * effect @ effect.T


def _moments(x: Array, w: Array) -> tuple[Array, Array]:
    """Weighted mean and deviation of each feature, of the rows that have it."""
    there = np.isfinite(x)
    share = w[:, None] * there
    total = np.maximum(share.sum(0), 1e-12)
    mean = (share * np.nan_to_num(x)).sum(0) / total
    scale = np.sqrt((share * np.where(there, x - mean, 0) ** 2).sum(0) / total)
    return mean, np.where(scale > 1e-6, scale, 1.0)


def fit_kinds(sample: Sample) -> Kinds:
    """The trees. MissingExtra without scikit-learn."""
    try:
        from sklearn.ensemble import HistGradientBoostingClassifier
    except ImportError as error:
        raise MissingExtra("scikit-learn", "train") from error

    kinds = sample.kinds
    names = tuple(name for name in KINDS if name in set(kinds.tolist()))
    y = np.array([names.index(name) for name in kinds.tolist()])
    w = weights(kinds, sample, KIND_SHARE) * len(y)
    x = sample.x[:, [NAMES.index(name) for name in USED]]
    trained = HistGradientBoostingClassifier(random_state=0, early_stopping=False, **TREES).fit(x, y, sample_weight=w)
    forest = _forest(trained)
    difference = float(np.abs(forest.log_probabilities(x) - np.log(trained.predict_proba(x))).max())
    if not difference < PARITY:
        raise ModelError(f"the exported trees differ from scikit-learn's by {difference:.1e}, more than {PARITY:.0e}")
    return Kinds(names, USED, forest)


def _forest(trained: Any) -> Forest:
    """scikit-learn's histogram trees as arrays; of two classes the second's trees are all there are."""
    trees = [tree.nodes for step in trained._predictors for tree in step]
    column = [k for step in trained._predictors for k in range(len(step))]
    baseline = np.ravel(trained._baseline_prediction).astype(np.float64)
    if len(trained.classes_) == 2:
        column, baseline = [1] * len(column), np.array([0.0, baseline[0]])
    shape = len(trees), max(map(len, trees))

    def grid(field: str, leaf: float, kind: Any) -> NDArray[Any]:
        out = np.full(shape, leaf, kind)
        for row, nodes in zip(out, trees, strict=True):
            inner = nodes["is_leaf"].astype(bool) == (field == "value")
            row[: len(nodes)] = np.where(inner, nodes[field].astype(kind), leaf)
        return out

    return Forest(
        feature=grid("feature_idx", 0, np.intp),
        threshold=grid("num_threshold", 0, np.float64),
        left=grid("left", -1, np.intp),
        right=grid("right", -1, np.intp),
        missing_left=grid("missing_go_to_left", 0, np.bool_),
        value=grid("value", 0, np.float64),
        column=np.array(column, np.intp),
        baseline=baseline,
    )
