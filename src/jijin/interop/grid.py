"""A stream as whole records on jijin's grid, for a program that cuts its windows itself.

Such a program starts its first window where a record starts. Here each record starts where jijin's first window does
and ends where the last one does, so with the same stride both look at the same windows. The samples added for that are
infinite and those that are missing inside are NaN: both are missing to jijin.signal.normalise.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from jijin.config import CutConfig
from jijin.detector import segments
from jijin.errors import DataError
from jijin.resampling import STEP_NS
from jijin.signal import missing
from jijin.types import IN_SAMPLES, RATE, Segment, utc
from jijin.windows import Cutter, Instrument, Window

if TYPE_CHECKING:
    from obspy import Stream, Trace

log = logging.getLogger("jijin")


def records(source: Stream | Iterable[Trace | Segment], stride: int, strict: bool = False) -> list[Trace]:
    """Float32 traces at 100 Hz, named Z, N and E, without their mean; one for each component that has data.

    stride : samples from a window to the next; it divides 6000. Records of an instrument never touch: a long gap parts
    them, a gap that windows bridge is NaN. strict : a sample that any component lacks is missing in all.
    A channel that cannot be used is logged and left out. The source is not changed.
    """
    cutter = Cutter(CutConfig(stride / RATE))
    for segment in segments(source):
        try:
            cutter.add(segment)
        except DataError as error:
            log.warning("%s; the channel is not used", error)
    out: list[Trace] = []
    for name, windows in groupby(cutter.cut(final=True), key=lambda window: window.instrument):
        for first, data in _joined(windows, stride):
            out += _traces(cutter.instruments[name], first * stride, data, strict)
    return out


def _joined(windows: Iterable[Window], stride: int) -> Iterator[tuple[int, NDArray[np.float64]]]:
    """Windows in order of time -> first block and samples (3, sample) of each stretch that they cover."""
    stretch: list[Window] = []
    for window in windows:
        if stretch and (window.block - stretch[0].block) * stride > _length(stretch, stride):
            yield stretch[0].block, _overlaid(stretch, stride)
            stretch = []
        stretch.append(window)
    if stretch:
        yield stretch[0].block, _overlaid(stretch, stride)


def _overlaid(windows: list[Window], stride: int) -> NDArray[np.float64]:
    out = np.full((3, _length(windows, stride)), np.nan)
    for window in windows:
        at = (window.block - windows[0].block) * stride
        out[:, at : at + IN_SAMPLES] = window.data
    return out


def _length(windows: list[Window], stride: int) -> int:
    """Samples from the first window to the last, and a few blocks more where they are miscounted otherwise.

    SeisBench counts int((endtime - starttime) * sampling_rate), which takes 207,000 samples for 206,999; the last
    window would then start a sample early.
    """
    length = (windows[-1].block - windows[0].block) * stride + IN_SAMPLES
    while int((length - 1) / RATE * RATE) != length - 1:
        length += stride
    return length


def _traces(instrument: Instrument, start: int, data: NDArray[np.float64], strict: bool) -> Iterator[Trace]:
    """data : (3, sample) from grid index start on; changed."""
    from obspy import Trace

    if strict:
        data[:, np.isnan(data).any(0)] = np.nan
    there, used = np.flatnonzero(~np.isnan(data).all(0)), np.flatnonzero(~np.isnan(data).all(1))
    if len(there) == 0:
        return
    data[missing(data)] = np.nan  # zero-filled gaps, before the mean makes something else of them
    start_ns = start * STEP_NS + instrument.origin("P", start + int(there[0]))[1]
    network, station, location, channel = instrument.name.split(".")
    header = {"network": network, "station": station, "location": location, "sampling_rate": RATE}
    for i in used:
        row = data[i]
        row -= np.nanmean(row) if np.isfinite(row).any() else 0
        row[: there[0]] = row[there[-1] + 1 :] = np.inf
        yield Trace(row.astype(np.float32), {**header, "channel": channel + "ZNE"[i], "starttime": utc(start_ns)})
