"""Scores of parts of the windows: by signal-to-noise ratio, distance and data set."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from jijin.data.labels import EARTHQUAKE
from jijin.data.traces import LETTERS, P, S
from jijin.evaluate.pickers import Picker
from jijin.evaluate.scores import score
from jijin.evaluate.windows import Window
from jijin.types import RATE

SNR_EDGES_DB = (-np.inf, 5.0, 10.0, 20.0, 30.0, np.inf)
DISTANCE_EDGES_KM = (0.0, 10.0, 30.0, 60.0, np.inf)
VP_TIMES_VS = 8.0  # km per second of S-P, in a crust of 6 km/s and Vp/Vs 1.73, where no distance is given


@dataclass(frozen=True, slots=True)
class Part:
    """One phase of one picker on the windows of one kind: scores at 0.5 s, bias as mean and median residual."""

    by: str
    part: str
    picker: str
    phase: str
    labels: int
    precision: float
    recall: float
    f1: float
    interval: tuple[float, float]
    mean_s: float
    median_s: float


def snr(w: Window) -> str:
    """Bin of the signal-to-noise ratio."""
    return _bin(w.snr_db, SNR_EDGES_DB, "dB")


def distance(w: Window) -> str:
    """Bin of the epicentral distance, from S-P where the data set does not give it."""
    km = w.distance_km
    if not np.isfinite(km) and w.onsets[P] and w.onsets[S]:
        km = VP_TIMES_VS * (w.onsets[S][0] - w.onsets[P][0]) / RATE
    return _bin(km, DISTANCE_EDGES_KM, "km")


def dataset(w: Window) -> str:
    """The data set, each of which is a region."""
    return w.dataset


KINDS: dict[str, Callable[[Window], str]] = {"SNR": snr, "distance": distance, "data set": dataset}


def parts(picker: Picker, windows: Sequence[Window]) -> list[Part]:
    """Scores of every part of the earthquakes with a label; a window without the label's column is in no part."""
    events = [w for w in windows if w.category == EARTHQUAKE and (w.onsets[P] or w.onsets[S])]
    out = []
    for phase, picks in picker.picks(events).items():
        for by, kind in KINDS.items():
            names = [kind(w) for w in events]
            for name in _ordered(names):
                rows = [i for i, n in enumerate(names) if n == name]
                s, residuals = score([picks[i] for i in rows], [events[i] for i in rows], phase, 0.5)
                if s.labels:
                    mean, median = (float(f(residuals)) if residuals else float("nan") for f in (np.mean, np.median))
                    scores = (s.precision, s.recall, s.f1)
                    out.append(Part(by, name, picker.name, LETTERS[phase], s.labels, *scores, s.interval, mean, median))
    return out


def _ordered(names: Sequence[str]) -> Iterator[str]:
    """Different names without the empty one, numbers by size."""
    return iter(sorted(set(names) - {""}, key=lambda n: (float(n.split()[0]) if n[0] in "-0123456789" else 0.0, n)))


def _bin(value: float, edges: Sequence[float], unit: str) -> str:
    if not np.isfinite(value):
        return ""
    k = int(np.clip(np.searchsorted(edges, value, side="right") - 1, 0, len(edges) - 2))
    return f"{edges[k]:g} to {edges[k + 1]:g} {unit}"
