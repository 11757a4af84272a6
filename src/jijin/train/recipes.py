"""What a training run does to its data, by name.

full   ours: real and synthetic earthquakes mixed, stretched, put on noise; every augmentation
study  the original study's four augmentations on recorded earthquakes and noise; no synthetic earthquakes
"""

from __future__ import annotations

from dataclasses import dataclass

from jijin.data.augment import FULL, STUDY
from jijin.data.batch import Augmentation
from jijin.data.compose import Mix
from jijin.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Recipe:
    """mix : what windows are put together from; steps : what is done to them."""

    mix: Mix
    steps: tuple[Augmentation, ...]


STUDY_MIX = Mix(real=0.8, synthetic=0, second=0, stretch=0, extra_noise=0, burst=0, machine=0, microseism=0)
RECIPES = {
    "full": Recipe(Mix(), FULL),
    "study": Recipe(STUDY_MIX, STUDY),
}


def recipe(name: str) -> Recipe:
    """A recipe by name; ConfigError if there is none.

    >>> recipe("study").mix.synthetic
    0
    """
    if name not in RECIPES:
        raise ConfigError(f"'recipe' must be {' or '.join(RECIPES)} (got {name!r})")
    return RECIPES[name]
