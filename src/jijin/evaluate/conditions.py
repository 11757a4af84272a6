"""What is lost when a record is not as it should be: few components, other rates, gaps, clipping, cut records.

Each condition takes good windows and spoils them; labels that are no longer in the data count neither way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from jijin.data.canvas import peak
from jijin.data.compose import microseism
from jijin.data.dataset import copy_window
from jijin.data.traces import LETTERS, LabelledTrace, P, S
from jijin.evaluate.pickers import Picker
from jijin.evaluate.scores import score
from jijin.evaluate.windows import MARGIN, Window, window_at
from jijin.signal import missing, resample
from jijin.types import IN_SAMPLES, RATE

LEAD = 2000  # samples of a window before its first onset, where the record has them
GAPS = 3  # in a window
DROWNED = 10  # samples beside a gap within which an onset is not there to be found
SEED = 0
WHOLE, RATE_OF = "unspoilt", "recorded at"
Spoil = Callable[[Window, np.random.Generator], Window | None]


@dataclass(frozen=True, slots=True)
class Loss:
    """One phase of one picker under one condition, at 0.5 s; mae_s and median_s of the picks that are right."""

    condition: str
    level: str
    picker: str
    phase: str
    labels: int
    precision: float
    recall: float
    f1: float
    interval: tuple[float, float]
    mae_s: float
    median_s: float


def base_windows(traces: Sequence[LabelledTrace]) -> list[Window]:
    """One window of each labelled trace, its first onset 20 s after the start where the record allows it."""
    out = []
    for trace in traces:
        if trace.onsets:
            last = max(trace.data.shape[1] - IN_SAMPLES, 0)
            out.append(window_at(trace, int(np.clip(trace.onsets[0] - LEAD, 0, last))))
    return out


def losses(pickers: Sequence[Picker], windows: Sequence[Window]) -> list[Loss]:
    """Scores of every picker under every condition, the unspoilt windows first."""
    cases: list[tuple[str, str, list[Window]]] = [(WHOLE, "", list(windows)), *spoilt(windows)]
    return [loss for case in cases for picker in pickers for loss in _losses(picker, *case)]


def _losses(picker: Picker, condition: str, level: str, windows: list[Window]) -> Iterator[Loss]:
    for phase, found in picker.picks(windows).items():
        s, residuals = score(found, windows, phase, 0.5)
        late = (float(np.abs(residuals).mean()), float(np.median(residuals))) if residuals else (np.nan, np.nan)
        told = LETTERS[phase], s.labels, s.precision, s.recall, s.f1, s.interval
        yield Loss(condition, level, picker.name, *told, *late)


def spoilt(windows: Sequence[Window]) -> Iterator[tuple[str, str, list[Window]]]:
    """Condition, level and windows of each case; the same random places for every picker."""
    for condition, level, spoil in CASES:
        rng = np.random.default_rng(SEED)
        done = [spoil(w, rng) for w in windows]
        yield condition, level, [w for w in done if w is not None]
    for apart_s in (2.0, 5.0, 10.0):
        yield "second event after", f"{apart_s:g} s", overlaid(windows, apart_s)


def only_components(kept: str) -> Spoil:
    """The other components were not recorded."""
    rows = np.array([[c in kept] for c in "ZNE"])
    return lambda w, _: replace(w, data=np.where(rows, w.data, 0).astype(np.float32))


def from_rate(rate_hz: int) -> Spoil:
    """As if recorded at another rate and brought to 100 Hz by jijin.signal.resample."""

    def spoil(w: Window, _: np.random.Generator) -> Window:
        from scipy.signal import resample_poly

        data, there = w.data.copy(), np.flatnonzero(~missing(w.data).all(0))
        if len(there):
            part = slice(there[0], there[-1] + 1)
            raw = resample_poly(w.data[:, part].astype(np.float64), rate_hz, int(RATE), axis=-1, padtype="line")
            back = resample(raw, rate_hz)[:, : part.stop - part.start]
            data[:, part.start : part.start + back.shape[1]] = back
        return replace(w, data=data)

    return spoil


def with_gaps(seconds: float) -> Spoil:
    """GAPS gaps anywhere, in all components."""

    def spoil(w: Window, rng: np.random.Generator) -> Window:
        there, length = np.ones(IN_SAMPLES, bool), round(seconds * RATE)
        for first in rng.integers(0, IN_SAMPLES - length, GAPS):
            there[first : first + length] = False
        return without(w, there)

    return spoil


def clipped(share: float) -> Spoil:
    """Flat beyond a share of the largest excursion."""

    def spoil(w: Window, _: np.random.Generator) -> Window:
        gone = missing(w.data)
        x = np.where(gone, 0, w.data - np.median(w.data, -1, keepdims=True))
        top = share * np.abs(x).max(-1, keepdims=True)
        return replace(w, data=np.where(gone, 0, np.clip(x, -top, top)).astype(np.float32))

    return spoil


def with_microseism(share: float) -> Spoil:
    """Slow noise, its deviation above the corner frequency a share of the largest excursion there.

    The noise is made as training makes it (jijin.data.compose.microseism), with other random numbers.
    """

    def spoil(w: Window, rng: np.random.Generator) -> Window:
        gone = missing(w.data)
        noise = microseism(rng) * np.float32(share * peak(np.where(gone, np.float32(np.nan), w.data)))
        return replace(w, data=np.where(gone, 0, w.data + noise).astype(np.float32))

    return spoil


def begins_before(phase: int, seconds: float) -> Spoil:
    """The record begins so long before the first onset of a phase."""
    return _cut(phase, lambda index, onset: index >= onset - seconds * RATE)


def ends_after(phase: int, seconds: float) -> Spoil:
    """The record ends so long after the last onset of a phase."""
    return _cut(phase, lambda index, onset: index < onset + seconds * RATE)


def _cut(phase: int, kept: Callable[[NDArray[np.intp], float], NDArray[np.bool_]]) -> Spoil:
    def spoil(w: Window, _: np.random.Generator) -> Window | None:
        return without(w, kept(np.arange(IN_SAMPLES), w.onsets[phase][0])) if w.onsets[phase] else None

    return spoil


def without(window: Window, there: NDArray[np.bool_]) -> Window:
    """The window with missing samples, there : (sample,); labels beside them count neither way."""
    known = np.convolve(~there, np.ones(2 * DROWNED + 1), "same") < 0.5
    onsets, ignored = {}, {}
    for phase in (P, S):
        onsets[phase] = tuple(x for x in window.onsets[phase] if known[round(x)])
        gone = [x for x in window.onsets[phase] if not known[round(x)]]
        ignored[phase] = (*window.ignored[phase], *((x - 100, x + 100) for x in gone))
    data = np.where(there, window.data, 0).astype(np.float32)
    return replace(window, data=data, onsets=onsets, ignored=ignored, hours=window.hours * float(there.mean()))


def overlaid(windows: Sequence[Window], apart_s: float) -> list[Window]:
    """Pairs of earthquakes of one data set: the second as large as the first, its P so long after the first's."""
    usable = [w for w in windows if w.onsets[P] and not missing(w.data).all(0).any()]
    out: list[Window] = []
    for one in usable:
        others = [w for w in usable if w.dataset == one.dataset and w.source_group != one.source_group]
        if others:
            two = others[len(out) % len(others)]
            out.append(overlay(one, two, round(one.onsets[P][0] + apart_s * RATE - two.onsets[P][0])))
    return out


def overlay(one: Window, two: Window, shift: int) -> Window:
    """One window with another added `shift` samples later, scaled to the same peak on all components together."""
    x, y = (w.data - np.median(w.data, -1, keepdims=True) for w in (one, two))
    later = np.zeros_like(y)
    copy_window(y, -shift, later)
    data = (x + later * (np.abs(x).max() / max(np.abs(y).max(), 1e-30))).astype(np.float32)
    onsets, ignored = {}, {}
    for phase in (P, S):
        moved = [x + shift for x in two.onsets[phase] if MARGIN <= x + shift < IN_SAMPLES - MARGIN]
        onsets[phase] = (*one.onsets[phase], *moved)
        ignored[phase] = (*one.ignored[phase], *((a + shift, b + shift) for a, b in two.ignored[phase]))
    return replace(one, data=data, onsets=onsets, ignored=ignored)


CASES: tuple[tuple[str, str, Spoil], ...] = (
    *(("components", kept, only_components(kept)) for kept in ("ZN", "NE", "Z", "N", "E")),
    *((RATE_OF, f"{rate} Hz", from_rate(rate)) for rate in (20, 40, 50, 200, 500)),
    *(("three gaps of", f"{seconds:g} s", with_gaps(seconds)) for seconds in (0.1, 0.5, 1.0, 2.0, 5.0)),
    *(("clipped at", f"{100 * share:g} %", clipped(share)) for share in (0.5, 0.2, 0.05)),
    *(("microseism, of the peak", f"{100 * share:g} %", with_microseism(share)) for share in (0.05, 0.2, 1.0)),
    *(("begins before P", f"{seconds:g} s", begins_before(P, seconds)) for seconds in (5.0, 1.0, 0.2)),
    *(("begins before S", f"{seconds:g} s", begins_before(S, seconds)) for seconds in (5.0, 1.0, 0.2)),
    *(("ends after P", f"{seconds:g} s", ends_after(P, seconds)) for seconds in (5.0, 1.0, 0.2)),
    *(("ends after S", f"{seconds:g} s", ends_after(S, seconds)) for seconds in (5.0, 1.0, 0.2)),
)
