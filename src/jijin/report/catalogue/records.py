"""Waveforms of an event for its record section: the lowest and the highest sample of each column of a picture."""

from __future__ import annotations

import base64
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jijin.errors import JijinError
from jijin.io.archive import Waveforms
from jijin.io.tables import iso
from jijin.report.plots import highpassed
from jijin.resampling import is_usable
from jijin.types import NS, VP_VS, Event, Segment

COLUMNS = 600
BEFORE_S, AFTER_S, LONGEST_S = 3.0, 5.0, 240.0
ORDER = "Z3N1E2"  # components, as they are preferred
SETTLE_S = 10.0  # of record ahead of the picture, for the filter to settle
EMPTY = -128  # of a column without samples
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Trace:
    """One channel in a picture's columns: values from -127 to 127 of its largest excursion."""

    seed_id: str
    start_s: float  # from the origin time, of the first column
    step_s: float
    low: NDArray[np.int8]  # (column,)
    high: NDArray[np.int8]

    def encoded(self) -> dict[str, Any]:
        """As JSON: columns are base64 of low and high in turn."""
        both = np.column_stack([self.low, self.high]).tobytes()
        return {
            "id": self.seed_id,
            "t": round(self.start_s, 3),
            "dt": self.step_s,
            "d": base64.b64encode(both).decode(),
        }


def traces(event: Event, names: Sequence[str], waveforms: Waveforms) -> list[Trace]:
    """The vertical of each of these stations (NET.STA.LOC); one without waveforms has none.

    Where the archive cannot be read, that is logged and the station has none.
    """
    start_ns, end_ns = _span(event)
    found = (_read(name, start_ns, end_ns, waveforms) for name in names)
    return [_trace(segments, event, start_ns, end_ns) for segments in found if segments]


def _span(event: Event) -> tuple[int, int]:
    """From before the first P to well after the last S, picked or, after a P alone, to be expected."""
    origin = event.origin
    travel_s = [
        ((a.pick.time_ns - origin.time_ns) / NS - a.time_residual_s, a.pick.phase_hint) for a in origin.arrivals
    ]
    first_s = min((seconds / (1 if phase == "P" else VP_VS) for seconds, phase in travel_s), default=0.0)
    last_s = max((seconds * (VP_VS if phase == "P" else 1) for seconds, phase in travel_s), default=0.0)
    start_s = max(first_s, 0.0) - BEFORE_S - 0.1 * (last_s - first_s)
    end_s = min(last_s + AFTER_S + 0.3 * (last_s - first_s), start_s + LONGEST_S)
    return origin.time_ns + round(start_s * NS), origin.time_ns + round(end_s * NS)


def _read(name: str, start_ns: int, end_ns: int, waveforms: Waveforms) -> list[Segment]:
    """Pieces of the channel to draw."""
    try:
        segments = waveforms(name, start_ns - round(SETTLE_S * NS), end_ns)
    except (JijinError, OSError) as error:
        log.warning("%s at %s: no waveforms for the report: %s", name, iso(start_ns), error)
        return []
    usable = [s for s in segments if is_usable(s.sampling_rate) and s.end_ns > start_ns]
    channels = sorted({s.seed_id for s in usable}, key=lambda seed_id: (ORDER.find(seed_id[-1]) % 99, seed_id))
    return [s for s in usable if s.seed_id == channels[0]]


def _trace(segments: Sequence[Segment], event: Event, start_ns: int, end_ns: int) -> Trace:
    step_ns = (end_ns - start_ns) / COLUMNS
    low, high = np.full(COLUMNS, np.inf), np.full(COLUMNS, -np.inf)
    for segment in segments:
        data = highpassed(np.asarray(segment.data, float), segment.sampling_rate)
        times = segment.start_ns - start_ns + np.arange(len(data)) * NS / segment.sampling_rate
        column = np.floor(times / step_ns).astype(int)
        shown = np.isfinite(data) & (column >= 0) & (column < COLUMNS)
        np.minimum.at(low, column[shown], data[shown])
        np.maximum.at(high, column[shown], data[shown])
    start_s = (start_ns - event.origin.time_ns) / NS
    return Trace(segments[0].seed_id, start_s, step_ns / NS, *_scaled(low, high))


def _scaled(low: NDArray[np.float64], high: NDArray[np.float64]) -> tuple[NDArray[np.int8], NDArray[np.int8]]:
    full = low <= high
    top = max(np.abs(low[full]).max(initial=0), np.abs(high[full]).max(initial=0)) or 1.0
    out = np.full((2, len(low)), EMPTY, np.int8)
    out[:, full] = np.round(127 * np.array([low[full], high[full]]) / top)
    return out[0], out[1]
