"""The source classifier: settings and calibration chosen on held-out events; events told by nested cross-validation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from jijin.data.splits import place
from jijin.discriminate.classes import EARTHQUAKE, EXPLOSION, KINDS, kind_of
from jijin.discriminate.model import Blasts, Calibration, Kinds, SourceModel
from jijin.train.source_fit import Array, Sample, Setting, Words, fit_blasts, fit_kinds

STRENGTHS = (0.003, 0.01, 0.03, 0.1, 0.3)  # around a start
FIRM, SHARE = (0.03, 0.1, 0.3), 0.3  # without one, for regions never seen; weight of synthetics in a class
TEMPERATURES = tuple(np.round(np.geomspace(1, 6, 12), 3).tolist())  # never sharper than fitted: that does not last
DEPENDENCES = (0.0, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0)
ALIKE = (1.0,)  # of blasts, without a start: in a region that the model has never seen all stations err alike
FOLDS = 5
Rows = NDArray[np.intp]


def folds(sample: Sample, count: int = FOLDS, seed: int = 0) -> Rows:
    """Fold of each row: the groups of each class in the order of a hash, dealt out; a fold never divides a group."""
    dealt: dict[str, int] = {}
    for name in np.unique(sample.classes):
        new = sorted(set(sample.groups[sample.classes == name].tolist()) - set(dealt), key=lambda g: place(g, seed))
        dealt |= {group: i % count for i, group in enumerate(new)}
    return np.array([dealt[group] for group in sample.groups.tolist()], np.intp)


@dataclass(frozen=True, slots=True, eq=False)
class Held:
    """Scores of units that the model had not seen.

    sums : (unit, name), over the stations of each; stations : (unit,), their number; y : (unit,) index of the truth.
    """

    sums: Array
    stations: Rows
    y: Rows

    def log_likelihoods(self, calibration: Calibration) -> Array:
        """(unit, name)."""
        return np.asarray(self.sums * calibration.share(self.stations)[:, None])

    def loss(self, calibration: Calibration) -> float:
        """Mean -log p of the truth, every name weighing the same."""
        logits = self.log_likelihoods(calibration)
        logits = logits - logits.max(1, keepdims=True)
        log_p = logits - np.log(np.exp(logits).sum(1, keepdims=True))
        weight = 1 / np.bincount(self.y)[self.y]
        return float(-np.average(log_p[np.arange(len(self.y)), self.y], weights=weight))

    def calibration(self, dependences: Sequence[float] = DEPENDENCES) -> Calibration:
        """The one with the lowest loss."""
        return min((Calibration(t, d) for d in dependences for t in TEMPERATURES), key=self.loss)


def gathered(scores: Array, names: Sequence[str], of: Words, units: Words) -> Held:
    """Scores of rows (row, name) as those of units; of : (row,) true names."""
    _, first, index = np.unique(units, return_index=True, return_inverse=True)
    sums = np.zeros((len(first), scores.shape[1]))
    np.add.at(sums, index, scores)
    y = np.array([list(names).index(name) for name in of[first].tolist()], np.intp)
    return Held(sums, np.bincount(index), y)


def _held_blasts(sample: Sample, setting: Setting, count: int, seed: int) -> Held:
    """Log odds by regressions that had not seen the group, as scores of earthquake (0) and explosion."""
    part = sample.waves
    fold, odds = folds(part, count, seed), np.zeros(len(part.x))
    for k in range(count):
        test = (fold == k) & ~part.synthetic
        if test.any():
            odds[test] = fit_blasts(part.part((fold != k) | part.synthetic), setting).odds(part.x[test])
    scores = np.column_stack([np.zeros(len(odds)), odds])[~part.synthetic]
    return gathered(scores, (EARTHQUAKE, EXPLOSION), part.real.classes, part.real.units)


def train_blasts(
    sample: Sample, start: Blasts | None = None, count: int = FOLDS, seed: int = 0
) -> tuple[Blasts, Setting, Array]:
    """The regression with the setting and the calibration that do best on held-out events, fitted to all rows."""
    tried = [Setting(strength, SHARE, start) for strength in (STRENGTHS if start else FIRM)]
    found = []
    for setting in tried:
        held = _held_blasts(sample, setting, count, seed)
        calibration = held.calibration(DEPENDENCES if start else ALIKE)
        found.append((held.loss(calibration), setting, calibration))
    _, setting, calibration = min(found, key=lambda row: row[0])
    return replace(fit_blasts(sample, setting), calibration=calibration), setting, np.array([row[0] for row in found])


def train_kinds(sample: Sample, count: int = FOLDS, seed: int = 0) -> Kinds:
    """The trees on all rows, with the calibration that does best on held-out events."""
    fold, names = folds(sample, count, seed), [name for name in KINDS if name in set(sample.kinds.tolist())]
    scores = np.zeros((len(fold), len(names)))
    for k in range(count):
        test = (fold == k) & ~sample.synthetic
        if test.any():
            scores[test] = fit_kinds(sample.part((fold != k) | sample.synthetic)).log_likelihoods(sample.x[test])
    real = sample.real
    calibration = gathered(scores[~sample.synthetic], names, real.kinds, real.units).calibration()
    return replace(fit_kinds(sample), calibration=calibration)


def train_source(
    sample: Sample, start: SourceModel | None = None, count: int = FOLDS, seed: int = 0
) -> tuple[SourceModel, Setting | None]:
    """Both parts, as far as the real rows have something to tell apart; a start keeps its trees.

    count : folds that choose and calibrate; below 2 nothing is chosen, and a start's calibration is kept.
    """
    real = set(sample.real.classes.tolist())
    kinds = start.kinds if start else None
    if start is None and len({kind_of(name) for name in real}) > 1:
        kinds = train_kinds(sample, count, seed) if count > 1 else fit_kinds(sample)
    blasts, setting = start.blasts if start else None, None
    if {EARTHQUAKE, EXPLOSION} <= real:
        if count > 1:
            blasts, setting, _ = train_blasts(sample, blasts, count, seed)
        else:
            setting = Setting(share=0.0, start=blasts)
            calibration = blasts.calibration if blasts else Calibration()
            blasts = replace(fit_blasts(sample, setting), calibration=calibration)
    return SourceModel(kinds, blasts), setting


def fewest(sample: Sample) -> int:
    """Groups of the class that has fewest real ones."""
    real = sample.real
    return min(len(set(real.groups[real.classes == name].tolist())) for name in np.unique(real.classes))


def tell(model: SourceModel, sample: Sample) -> tuple[Words, Rows, Array]:
    """Names of the units, the first row of each, and log likelihoods (unit, class) of model.classes."""
    units, first, index = np.unique(sample.units, return_index=True, return_inverse=True)
    rows = [np.flatnonzero(index == k) for k in range(len(units))]
    return units, first, np.stack([model.event(sample.x[r]) for r in rows])


def nested(
    sample: Sample, start: SourceModel | None = None, count: int = FOLDS, seed: int = 0
) -> tuple[tuple[str, ...], Words, Array]:
    """Classes, real units, and log likelihoods (unit, class) of each by a model made and calibrated without it."""
    fold, units, logs = folds(sample, count, seed), [], []
    classes: tuple[str, ...] = ()
    for k in range(count):
        test = (fold == k) & ~sample.synthetic
        if test.any():
            rest = sample.part((fold != k) | sample.synthetic)
            model, _ = train_source(rest, start, min(count, fewest(rest)), seed)
            names, _, log = tell(model, sample.part(test))
            classes = model.classes
            units.append(names)
            logs.append(log)
    return classes, np.concatenate(units), np.concatenate(logs)
