"""The classifier at run time: one JSON file, read without any package for machine learning.

Two questions, as an analyst asks them:
    what kind     gradient-boosted trees: a source of body waves, that is an earthquake or an explosion; a landslide;
                  anthropogenic noise; noise
    which of two  a logistic regression on P/S ratios, spectra and Rg: the log odds of an explosion

Kinds, and the two of them, weigh the same in training, so the sums are likelihoods; priors are the user's
(DiscriminateConfig.prior). Stations of an event are not independent: n of them count as n / (1 + dependence * (n - 1)).
The temperature divides. Both are chosen on events that trees and regression had not seen.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from jijin.discriminate.classes import EARTHQUAKE, EXPLOSION, KINDS, QUAKEML
from jijin.discriminate.features import NAMES
from jijin.discriminate.forest import Forest, from_lists, to_lists
from jijin.errors import ModelError
from jijin.models import WEIGHTS

SHIPPED = "source"
FARTHEST = 4.0  # scales from the mean that a feature counts at most
Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Calibration:
    """How the scores of n stations add up."""

    temperature: float = 1.0
    dependence: float = 0.5

    def share(self, stations: Any) -> Any:
        """What each of so many stations counts."""
        return 1 / (1 + self.dependence * (stations - 1)) / self.temperature


@dataclass(frozen=True, slots=True, eq=False)
class Blasts:
    """Log odds of an explosion: intercept + sum of coefficient * (feature - mean) / scale; 0 for what is missing.

    Arrays are (feature,), in the order of features.
    """

    features: tuple[str, ...]
    mean: Array
    scale: Array
    coefficients: Array
    intercept: float
    calibration: Calibration = field(default_factory=Calibration)

    def odds(self, x: Array) -> Array:
        """Of single stations, (row, len(NAMES)) -> (row,)."""
        columns = x[:, [NAMES.index(name) for name in self.features]]
        return np.asarray(standardise(columns, self.mean, self.scale) @ self.coefficients + self.intercept)


@dataclass(frozen=True, slots=True, eq=False)
class Kinds:
    """Trees on features that tell names, some of KINDS."""

    names: tuple[str, ...]
    features: tuple[str, ...]
    forest: Forest
    calibration: Calibration = field(default_factory=Calibration)

    def log_likelihoods(self, x: Array) -> Array:
        """Of single stations, (row, len(NAMES)) -> (row, kind)."""
        return self.forest.log_probabilities(x[:, [NAMES.index(name) for name in self.features]])


@dataclass(frozen=True, slots=True, eq=False)
class SourceModel:
    """kinds or blasts is None where the training data had nothing to tell apart."""

    kinds: Kinds | None
    blasts: Blasts | None
    words: Mapping[str, str] = field(default_factory=lambda: dict(QUAKEML))  # QuakeML's word for each class
    card: Mapping[str, Any] = field(default_factory=dict)

    @property
    def classes(self) -> tuple[str, ...]:
        """What it can tell."""
        return classes_of(self.kinds.names if self.kinds else KINDS[:1], self.blasts is not None)

    def event(self, x: ArrayLike) -> Array:
        """Log likelihoods of the classes, up to a constant, of what stations saw: (row, len(NAMES)) -> (class,)."""
        rows = np.asarray(x, np.float64)
        n = max(len(rows), 1)
        kinds = self.kinds.log_likelihoods(rows).sum(0) * self.kinds.calibration.share(n) if self.kinds else np.zeros(1)
        odds = float(self.blasts.odds(rows).sum() * self.blasts.calibration.share(n)) if self.blasts else None
        return joined(kinds, None if odds is None else np.array(odds))


def classes_of(kinds: tuple[str, ...], blasts: bool) -> tuple[str, ...]:
    """Classes that kinds, the first of them body waves, stand for.

    >>> classes_of(("body waves", "noise"), True)
    ('earthquake', 'explosion', 'noise')
    """
    return (EARTHQUAKE, *((EXPLOSION,) if blasts else ()), *kinds[1:])


def joined(kinds: Array, odds: Array | None) -> Array:
    """Log likelihoods (..., kind) and log odds (...) of an explosion to log likelihoods (..., class)."""
    if odds is None:
        return kinds
    waves = kinds[..., :1] + math.log(2)
    pair = np.stack([-np.logaddexp(0, odds), -np.logaddexp(0, -odds)], -1)  # log p of an earthquake, of an explosion
    return np.concatenate([waves + pair, kinds[..., 1:]], -1)


def standardise(x: Array, mean: Array, scale: Array) -> Array:
    """(x - mean) / scale, at most FARTHEST away from 0, and 0 where x is NaN."""
    return np.clip(np.nan_to_num((x - mean) / scale), -FARTHEST, FARTHEST)


def load_source(name_or_file: str | Path = SHIPPED) -> SourceModel:
    """The shipped classifier, or one of your own by its .json file. ModelError if it is not there or damaged."""
    file = WEIGHTS / f"{SHIPPED}.json" if str(name_or_file) == SHIPPED else Path(name_or_file)
    if not file.is_file():
        raise ModelError(f"no source model '{name_or_file}': neither a file nor '{SHIPPED}', the shipped one")
    try:
        return from_dict(json.loads(file.read_text(encoding="utf-8")))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ModelError(f"{file}: not a model of 'jijin train --task source' ({error})") from error


def from_dict(content: Mapping[str, Any]) -> SourceModel:
    """The model in a JSON's content. KeyError, TypeError or ValueError where it is not one."""
    words = {str(key): str(word) for key, word in content["words"].items()}
    kinds, blasts = content["kinds"], content["blasts"]
    model = SourceModel(_kinds(kinds) if kinds else None, _blasts(blasts) if blasts else None, words, content["card"])
    if model.kinds is None and model.blasts is None:
        raise ValueError("it tells nothing apart")
    if lacking := sorted(set(model.classes) - set(words)):
        raise ValueError(f"no word for {', '.join(lacking)}")
    return model


def _known(names: Any) -> tuple[str, ...]:
    if unknown := sorted(set(names) - set(NAMES)):
        raise ValueError(f"features that are unknown here: {', '.join(unknown)}")
    return tuple(names)


def _kinds(content: Mapping[str, Any]) -> Kinds:
    names, features = tuple(content["names"]), _known(content["features"])
    forest = from_lists(content["forest"], len(features))
    if names[:1] != KINDS[:1] or set(names) - set(KINDS) or len(forest.baseline) != len(names):
        raise ValueError(f"kinds must be {', '.join(KINDS)}, or the first and some others")
    return Kinds(names, features, forest, Calibration(**content["calibration"]))


def _blasts(content: Mapping[str, Any]) -> Blasts:
    features = _known(content["features"])
    arrays = [np.array(content[key], np.float64) for key in ("mean", "scale", "coefficients")]
    if any(a.shape != (len(features),) or not np.isfinite(a).all() for a in arrays) or (arrays[1] <= 0).any():
        raise ValueError("mean, scale and coefficients must have a number for each feature")
    mean, scale, coefficients = arrays
    calibration = Calibration(**content["calibration"])
    return Blasts(features, mean, scale, coefficients, float(content["intercept"]), calibration)


def to_dict(model: SourceModel) -> dict[str, Any]:
    """The content of a model's JSON."""
    out: dict[str, Any] = {"card": dict(model.card), "words": dict(model.words), "blasts": None, "kinds": None}
    if b := model.blasts:
        numbers = {key: np.round(getattr(b, key), 5).tolist() for key in ("mean", "scale", "coefficients")}
        rest = {"intercept": round(b.intercept, 5), "calibration": _plain(b.calibration)}
        out["blasts"] = {"features": list(b.features), **numbers, **rest}
    if k := model.kinds:
        about = {"names": list(k.names), "features": list(k.features), "calibration": _plain(k.calibration)}
        out["kinds"] = {**about, "forest": to_lists(k.forest)}
    return out


def _plain(calibration: Calibration) -> dict[str, float]:
    return {"temperature": calibration.temperature, "dependence": calibration.dependence}
