"""Provisional picks: the newest minute of every sensor that has new data, looked at again and again.

The Detector makes a pick final when no window can change it any more, 65 to 95 s after the onset. Here the same
reading of windows, the same network at a single look and the same picking run on the minute that ends with the newest
sample; what is found there is provisional, see jijin.live.tracker.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from jijin.buffer import runs_of
from jijin.detector import Detector
from jijin.models import at_one_look
from jijin.picking import CURVES, Picker
from jijin.resampling import STEP_NS
from jijin.types import IN_SAMPLES, Pick, Segment, instrument_id
from jijin.windows import Instrument, Window

STRIDE = 10  # samples: windows end at a multiple of 0.1 s


@dataclass(frozen=True, slots=True)
class Look:
    """What the newest minute of a sensor shows: probabilities (3, 6000), rows picking.CURVES, and picks."""

    instrument: str
    start_ns: int  # of the window
    end_ns: int
    curves: NDArray[np.float32]
    picks: list[Pick]


class Newest(Detector):
    """Holds the last minute of every sensor; a sensor whose components lag is looked at with what is there.

    A model looks once at each minute, for speed: a provisional pick may come and go with the sample that the minute
    begins with, until the Detector has looked again.
    """

    def _reset(self) -> None:
        super()._reset()
        self._shown = at_one_look(self.model)  # whatever the Detector shows its windows to
        self._instruments: dict[str, Instrument] = {}

    def look(self, segments: Iterable[Segment]) -> list[Look]:
        """Take in samples that the Detector has taken too; one Look for each sensor that they belong to."""
        return self.look_at(self.windows(segments))

    def windows(self, segments: Iterable[Segment]) -> Iterator[Window]:
        """Take in samples; the newest minute of each sensor that they belong to."""
        changed: dict[str, Instrument] = {}
        for segment in segments:
            name = instrument_id(segment.seed_id)
            if name not in self._instruments:
                self._instruments[name] = Instrument(name, STRIDE)
            changed[name] = self._instruments[name]
            for run in runs_of(segment):
                changed[name].add(segment.seed_id, run)
        return (window for one in changed.values() if (window := one.newest()) is not None)

    def look_at(self, windows: Iterable[Window]) -> list[Look]:
        """What they show, many side by side."""
        return [
            self._look(window, curves)
            for batch, values in self._predicted(windows)
            for window, curves in zip(batch, values.swapaxes(0, 1), strict=True)
        ]

    def _look(self, window: Window, curves: NDArray[np.float32]) -> Look:
        start = window.block * STRIDE
        instrument = self._instruments[window.instrument]
        thresholds, picks = self._thresholds(), []
        if any(curves[row].max() >= thresholds[name] for row, name in enumerate(CURVES) if row):
            separation_s = self.pick_config.min_separation_s
            picker = Picker(thresholds, self.model.time_uncertainty, instrument.origin, separation_s)
            picks = picker.push(curves, start) + picker.finish()
        return Look(window.instrument, start * STEP_NS, (start + IN_SAMPLES) * STEP_NS, curves, picks)
