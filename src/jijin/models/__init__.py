"""Models by name or file: windows in, probabilities out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from jijin.errors import ConfigError, ModelError
from jijin.io.tables import load_json

if TYPE_CHECKING:
    from jijin.models.onnx import OnnxModel

WEIGHTS = Path(__file__).parent / "weights"
FRACTIONS = (6.0, 2.0, 2.0)  # train, dev and test, where nothing is said


@dataclass(frozen=True, slots=True, eq=False)
class Prediction:
    """Probabilities per sample, each (window, sample) float32; 0 where all components are missing.

    detection: an earthquake is on; p, s: an onset lies nearby, each peak where the waveform changes (jijin.onsets),
    or will be (see unmoved).
    """

    detection: NDArray[np.float32]
    p: NDArray[np.float32]
    s: NDArray[np.float32]


class Model(Protocol):
    """What a detector needs of a model; of what more ours have, see at_one_look and unmoved."""

    @property
    def name(self) -> str: ...

    @property
    def thresholds(self) -> Mapping[str, float]:
        """Of "detection", "p" and "s", as released."""
        ...

    @property
    def time_uncertainty(self) -> Mapping[str, Mapping[str, float]]:
        """For "p" and "s": scale, floor_s, and where a model has them power and smoothing_s (see jijin.picking)."""
        ...

    def predict(self, windows: ArrayLike) -> Prediction:
        """windows : (window, 3, 6000), rows Z, N, E at 100 Hz, any units, NaN = missing."""
        ...


def at_one_look(model: Model) -> Model:
    """The model without further looks at a window that it doubts, see jijin.looks, if it is one that has them."""
    single: Callable[[], Model] = getattr(model, "single_look", lambda: model)
    return single()


def unmoved(model: Model, looks: bool) -> tuple[Model, bool]:
    """The model whose peaks are left to the Detector to move to the onsets (jijin.moved), with further looks or not,
    and True; the model itself and False if it is not one whose peaks move."""
    make: Callable[[bool], Model] | None = getattr(model, "unmoved", None)
    return (model, False) if make is None else (make(looks), True)


def shipped() -> list[str]:
    """Names of the models in this package."""
    return sorted(path.stem for path in WEIGHTS.glob("*.onnx"))


def split_seeds(names_or_files: Iterable[str | Path]) -> tuple[int, ...]:
    """Seeds of the splits that models were trained on: what none of these has in train, none of the models has seen.

    A model whose card does not tell, or that has none, counts as of seed 0.
    """
    seeds = [seed for name in names_or_files for seed in card_of(find(name)).get("split_seeds", [0])]
    return tuple(dict.fromkeys(seeds)) or (0,)


def split_fractions(names_or_files: Iterable[str | Path]) -> tuple[float, ...]:
    """Train, dev and test shares that models were trained on; ConfigError if they differ.

    A model whose card does not tell, or that has none, counts as of 6, 2, 2.
    """
    told = {name: tuple(card_of(find(name)).get("fractions", FRACTIONS)) for name in names_or_files}
    if len(set(told.values())) > 1:
        each = "; ".join(f"{name} {in_words(shares)}" for name, shares in told.items())
        raise ConfigError(f"models were trained on other 'fractions' ({each}); score them one by one")
    return next(iter(told.values()), FRACTIONS)


def in_words(fractions: Iterable[float]) -> str:
    """As --fractions takes them.

    >>> in_words((6.0, 2.0, 2.5))
    '6,2,2.5'
    """
    return ",".join(f"{share:g}" for share in fractions)


def find(name_or_file: str | Path) -> Path:
    """The .onnx file of a shipped model, by name, or the file itself; ModelError if there is neither."""
    file = Path(name_or_file)
    if str(name_or_file) in shipped():
        return WEIGHTS / f"{name_or_file}.onnx"
    if not file.is_file():
        known = ", ".join(shipped()) or "none"
        raise ModelError(f"no model '{name_or_file}': neither a file nor a shipped model ({known})")
    return file


def card_of(file: Path) -> dict[str, Any]:
    """The card beside an .onnx file; empty if there is none. ModelError if it is damaged."""
    path = file.with_suffix(".json")
    if not path.is_file():
        return {}
    card = load_json(path)
    if card is None:
        raise ModelError(f"{path}: the model's card is damaged; copy it again, or take it away")
    return card


def load(name_or_file: str | Path = "cba", threads: int | None = None) -> OnnxModel:
    """A shipped model by name, or one of your own by its .onnx file; nothing is downloaded.

    threads : windows predicted side by side; None takes one for each CPU. ModelError if there is no such model.
    """
    from jijin.models.onnx import OnnxModel

    return OnnxModel(find(name_or_file), threads)
