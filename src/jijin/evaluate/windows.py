"""What a picker is shown when it is scored: windows of 60 s with their labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from jijin.data.dataset import copy_window
from jijin.data.splits import place
from jijin.data.traces import LabelledTrace
from jijin.types import IN_SAMPLES, RATE

MARGIN = 100
PLACES = 3  # windows that a trace longer than 60 s is looked at through
APART = 500  # samples between two of them at least
Stretches = tuple[tuple[float, float], ...]  # first, last sample of each


@dataclass(frozen=True, slots=True, eq=False)
class Window:
    """data : (3, 6000). onsets and ignored stretches (first, last sample) per phase; hours that hold data.

    category is that of the whole trace: a window of an earthquake's coda is not noise. name is the trace's.
    """

    data: NDArray[np.float32]
    onsets: Mapping[int, tuple[float, ...]]
    ignored: Mapping[int, Stretches]
    source_group: str
    hours: float
    category: str
    dataset: str = ""
    name: str = ""
    snr_db: float = float("nan")
    distance_km: float = float("nan")


def evaluation_windows(traces: Sequence[LabelledTrace], places: int = PLACES) -> list[Window]:
    """Windows of 60 s on every trace, evenly laid; what a shorter trace lacks is missing.

    Where the first one begins depends on the trace's name: data sets are often cut at one time before P, which would
    else be in the same place of every window. A label in the first or last second of a window counts neither way.
    """
    return [window_at(trace, start) for trace in traces for start in _starts(trace, places)]


def _starts(trace: LabelledTrace, places: int) -> list[int]:
    spare = max(trace.data.shape[1] - IN_SAMPLES, 0)
    count = min(places, 1 + spare // APART)
    return [int((k + place(trace.name)) / count * spare) for k in range(count)]


def window_at(trace: LabelledTrace, start: int) -> Window:
    """The window from sample start of a trace, with the labels that lie in it; start may be negative."""
    data = np.zeros((3, IN_SAMPLES), np.float32)  # zeros: peers know no other sign for missing
    covered = copy_window(trace.data, start, data)
    onsets, ignored = {}, {}
    for phase, labels in trace.by_phase.items():
        here = [x - start for x in labels if -MARGIN <= x - start < IN_SAMPLES + MARGIN]
        onsets[phase] = tuple(x for x in here if MARGIN <= x < IN_SAMPLES - MARGIN)
        edge = [(x - 100, x + 100) for x in here if x not in onsets[phase]]
        ignored[phase] = (*edge, *((a - start, b - start) for a, b in trace.ignored[phase]))
    hours = covered / RATE / 3600
    about = (trace.dataset, trace.name, trace.snr_db, trace.distance_km)
    return Window(data, onsets, ignored, trace.source_group, hours, trace.category, *about)
