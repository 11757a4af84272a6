"""jijin: seismograms to P and S picks, and picks to an earthquake catalogue, on an ordinary PC.

The path of a sample, and where it is looked after:

    read      io.read            miniSEED, folders, ObsPy  ->  segments without gaps
    prepare   buffer             runs of each channel, gaps and overlaps settled
    cut       windows.Cutter     Z, N, E at 100 Hz (resampling) on a grid fixed in UTC  ->  windows of 60 s
    predict   models, looks      normalised windows  ->  probabilities of detection, P and S, peaks at the onsets
    stitch    windows.Stitcher   overlapping windows, where in doubt those between them (between)  ->  one curve
    pick      picking.Picker     curves  ->  picks with time uncertainty

and of a pick, in catalog (an archive) and live (a feed) alike:

    associate  network.associate   picks that belong together
    locate     network.locate      hypocentre and origin time with their uncertainty
    size       network.magnitude   local magnitude, where a response is known
    classify   discriminate        earthquake, explosion or something else, with its certainty

Three names do the job:

    import jijin

    picks = jijin.pick(jijin.read("day.mseed"))   # with the shipped model; jijin.load("my.onnx") is another

`annotate` gives the curves; a `Detector` is fed piece by piece. Importing jijin loads none of the above.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from jijin.config import CutConfig, PickConfig
    from jijin.detector import Detector, annotate, pick
    from jijin.errors import ConfigError, DataError, JijinError, MissingExtra, ModelError, ReadError
    from jijin.io.files import read
    from jijin.models import load
    from jijin.types import Detection, Pick, Segment

__all__ = [
    "ConfigError",
    "CutConfig",
    "DataError",
    "Detection",
    "Detector",
    "JijinError",
    "MissingExtra",
    "ModelError",
    "Pick",
    "PickConfig",
    "ReadError",
    "Segment",
    "annotate",
    "load",
    "pick",
    "read",
]

_HOMES = {
    "jijin.config": ("CutConfig", "PickConfig"),
    "jijin.detector": ("Detector", "annotate", "pick"),
    "jijin.errors": ("ConfigError", "DataError", "JijinError", "MissingExtra", "ModelError", "ReadError"),
    "jijin.io.files": ("read",),
    "jijin.models": ("load",),
    "jijin.types": ("Detection", "Pick", "Segment"),
}


def __getattr__(name: str) -> Any:
    for home, names in _HOMES.items():
        if name in names:
            return getattr(import_module(home), name)
    raise AttributeError(f"module 'jijin' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
