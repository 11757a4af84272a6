"""Continuous records as traces without labels: other pickers label them, or are compared on them."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from jijin.data.traces import LabelledTrace
from jijin.errors import DataError
from jijin.io.files import read
from jijin.signal import resample
from jijin.types import RATE, instrument_id
from jijin.windows import rows_of

if TYPE_CHECKING:
    from obspy import Trace

log = logging.getLogger(__name__)


def continuous(folders: Sequence[Path]) -> list[LabelledTrace]:
    """One trace a station, named after it, of folders of waveforms: 100 Hz, ZNE, the stretch that all three share.

    What has gaps, other than three components or no stretch that they share is left out with a warning; so are further
    sensors of a station code: the one nearest to 100 Hz is used.
    """
    return [trace for folder in folders for trace in _stations(folder)]


def _stations(folder: Path) -> Iterator[LabelledTrace]:
    sensors: dict[str, list[Trace]] = {}
    for trace in read(folder):
        sensors.setdefault(instrument_id(trace.id), []).append(trace)
    used, source = set[str](), f"continuous/{folder.name}"
    for name, traces in sorted(sensors.items(), key=lambda one: (abs(one[1][0].stats.sampling_rate - RATE), one[0])):
        station = traces[0].stats.station
        try:
            if station in used:
                raise DataError(f"another sensor of a station {station} is used")
            data = _in_zne(_merged(traces))
        except DataError as error:
            log.warning("%s: %s is left out: %s", folder, name, error)
            continue
        used.add(station)
        yield LabelledTrace(data, (), (), (), f"{source}/{station}", source, station)


def _merged(traces: Sequence[Trace]) -> list[Trace]:
    """One trace a channel. DataError where a channel's pieces do not go together."""
    from obspy import Stream

    try:
        return list(Stream(list(traces)).merge())
    except Exception as error:  # ObsPy raises nothing narrower for other rates, types or calibrations
        raise DataError(" ".join(str(error).split())) from error


def _in_zne(traces: Sequence[Trace]) -> NDArray[np.float32]:
    """(3, sample) at 100 Hz. DataError says what stands against it."""
    order = [codes[0] for codes in rows_of(trace.id[-1] for trace in traces) if codes]
    if len(traces) != 3 or len(order) != 3:
        raise DataError("it has not three components")
    if any(np.ma.isMaskedArray(trace.data) for trace in traces):
        raise DataError("it has gaps")
    start = max(trace.stats.starttime for trace in traces)
    rows = []
    for trace in sorted(traces, key=lambda one: order.index(one.id[-1])):
        row = resample(trace.data, trace.stats.sampling_rate, trace.id)
        rows.append(row[round((start - trace.stats.starttime) * RATE) :])
    shared = min(map(len, rows))
    if not shared:
        raise DataError("its components share no stretch of time")
    return np.stack([row[:shared] for row in rows]).astype(np.float32)
