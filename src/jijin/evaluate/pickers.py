"""Models and peers alike: anything whose predict(windows (window, 3, 6000)) gives P and S probabilities."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from jijin.config import CutConfig
from jijin.data.traces import DETECTION, P, S
from jijin.errors import DataError, ReadError
from jijin.evaluate.matching import EXACT, Picks, find_picks
from jijin.evaluate.windows import Window
from jijin.models import Prediction, unmoved
from jijin.signal import missing
from jijin.types import IN_SAMPLES

if TYPE_CHECKING:
    from jijin.detector import Detector

KEYS = {DETECTION: ("detection", "det"), P: ("p", "p"), S: ("s", "s")}  # a model's attribute, a peer's key
Curves = dict[int, NDArray[np.float32]]


@dataclass(frozen=True, slots=True, eq=False)
class Picker:
    """What is compared: a model with the thresholds it is used at, phase -> probability."""

    name: str
    model: Any
    thresholds: Mapping[int, float]

    def curves(self, windows: Sequence[Window]) -> Curves:
        """P and S curves, phase -> (window, 6000)."""
        return predict_with(self.model, windows)

    def picks(self, windows: Sequence[Window], threshold: float | None = None) -> dict[int, list[Picks]]:
        """Picks of each window, phase -> one entry a window, at the picker's own thresholds or at another one."""
        at = self.thresholds if threshold is None else {P: threshold, S: threshold}
        curves = self.curves(windows)
        return {phase: find_picks(curves[phase], phase, at[phase]) for phase in (P, S)}


def released(name: str, model: Any) -> Picker:
    """A model of ours at the thresholds that it was released with."""
    return Picker(name, model, {P: model.thresholds["p"], S: model.thresholds["s"]})


def predict_with(model: Any, windows: Sequence[Window], batch: int = 64, outputs: Sequence[int] = (P, S)) -> Curves:
    """Curves of a jijin model (attributes p, s) or of a peer (keys "p", "s") on the windows.

    DETECTION among the outputs is the detection curve; of a model without one, P and S together.
    """
    batches = (np.stack([w.data for w in windows[at : at + batch]]) for at in range(0, len(windows), batch))
    parts = list(predict_batches(model, batches, outputs))
    empty = np.empty((0, IN_SAMPLES), np.float32)
    return {output: np.concatenate([part[output] for part in parts]) if parts else empty for output in outputs}


def predict_batches(model: Any, batches: Iterable[NDArray[np.float32]], outputs: Sequence[int]) -> Iterator[Curves]:
    """The same of batches (window, 3, 6000), one after the other."""
    for batch in batches:
        out = model.predict(batch)
        yield {output: _output(out, output) for output in outputs}


def _output(out: Any, output: int) -> NDArray[np.float32]:
    attribute, key = KEYS[output]
    curve = out.get(key) if isinstance(out, Mapping) else getattr(out, attribute)
    return np.minimum(out["p"] + out["s"], 1) if curve is None else curve  # 1 - noise, as PhaseNet has it


@dataclass(frozen=True, slots=True, eq=False)
class Peer:
    """A peer that is shown gaps and missing components level with the data beside them: a step would be picked."""

    model: Any

    def __getattr__(self, name: str) -> Any:
        return getattr(self.model, name)

    def predict(self, windows: NDArray[np.floating[Any]]) -> Mapping[str, Any]:
        """windows : (window, 3, sample), missing samples NaN or long runs of zeros -> curves by key."""
        there = ~missing(windows)
        total = np.where(there, windows, 0).sum(-1, keepdims=True, dtype=np.float64)
        mean = total / np.maximum(there.sum(-1, keepdims=True), 1)
        out: Mapping[str, Any] = self.model.predict(np.where(there, windows - mean, 0).astype(np.float32))
        return out


class AsModel:
    """A picker in the place of a detector's model."""

    time_uncertainty: Mapping[str, Mapping[str, float]] = {"p": EXACT, "s": EXACT}

    def __init__(self, picker: Picker) -> None:
        self._picker, self.name, self._model = picker, picker.name, picker.model
        self.thresholds = {"detection": 1.0, "p": picker.thresholds[P], "s": picker.thresholds[S]}

    def predict(self, windows: ArrayLike) -> Prediction:
        """Curves of the model, 0 where all components are missing; detections are not asked for."""
        x = np.asarray(windows)
        out, there = self._model.predict(x), ~np.isnan(x).all(axis=1)
        p, s = _output(out, P) * there, _output(out, S) * there
        return Prediction(np.zeros_like(p), p, s)


class OurModel(AsModel):
    """A picker of ours, with what a detector asks of it."""

    def unmoved(self, looks: bool) -> OurModel:
        """The same without moving its peaks, see jijin.models.unmoved."""
        return OurModel(replace(self._picker, model=unmoved(self._model, looks)[0]))


def in_a_detector(picker: Picker, cut: CutConfig | None = None) -> Detector:
    """A detector that picks with it."""
    from jijin.detector import Detector

    return Detector((OurModel if is_ours(picker) else AsModel)(picker), applied(picker, cut or CutConfig()))


def applied(picker: Picker, cut: CutConfig) -> CutConfig:
    """How windows are laid for a picker; windows in between are left to models that have other looks too, as ours: a
    published picker is taken as it is used elsewhere, windows of the stride averaged."""
    return cut if is_ours(picker) else replace(cut, between=0)


def is_ours(picker: Picker) -> bool:
    """Whether it is a model as the shipped one is, whose peaks move to the onsets."""
    return hasattr(picker.model, "unmoved")


def load_peers(folder: Path) -> list[tuple[str, Any]]:
    """Pickers of a folder whose peers.py has NAMES and load(name); the file is run. Name and picker of each.

    Raises ReadError or DataError, as peer_loaders and each loader do.
    """
    return [(name, load()) for name, load in peer_loaders(folder).items()]


def peer_loaders(folder: Path) -> dict[str, Callable[[], Peer]]:
    """Of each peer of a folder what loads it; its peers.py is run. A loader raises DataError where loading fails.

    Raises ReadError without the file, DataError if it cannot be run or has no NAMES and load(name).
    """
    path = folder / "peers.py"
    if not path.is_file():
        raise ReadError(f"{path}: no such file; a folder of peers has a peers.py with NAMES and load(name)")
    module = _executed(path)
    names, load = getattr(module, "NAMES", None), getattr(module, "load", None)
    if isinstance(names, str) or not isinstance(names, Iterable) or not callable(load):
        raise DataError(f"{path} needs NAMES, a list of names, and load(name), which returns a model with predict")
    return {str(name): partial(_loaded, path, load, name) for name in names}


def _executed(path: Path) -> ModuleType:
    """The module of a file of somebody else's, in which anything may go wrong."""
    spec = importlib.util.spec_from_file_location("jijin_peers", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise DataError(_blame(f"{path} cannot be run", error)) from error
    return module


def _loaded(path: Path, load: Callable[[str], Any], name: str) -> Peer:
    try:
        model = load(name)
    except Exception as error:
        raise DataError(_blame(f"{path}: load({name!r}) fails", error)) from error
    if not callable(getattr(model, "predict", None)):
        raise DataError(f"{path}: load({name!r}) gives no model with predict(windows), but {type(model).__name__}")
    return Peer(model)


def _blame(what: str, error: Exception) -> str:
    """What fails and why, in a line: of a package that is missing, how to get it; of wrong syntax, where it stands."""
    if isinstance(error, ModuleNotFoundError):
        return f"{what}: it needs {error.name}: pip install {error.name}"
    return f"{what} ({type(error).__name__}: {error}); mend it, or do without --peers"
