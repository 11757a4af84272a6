"""Seismograms to picks: read, prepare, cut, predict, stitch, pick. One Detector for an archive and a live feed."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain, groupby, islice, pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from jijin.between import Between
from jijin.config import CutConfig, PickConfig
from jijin.errors import DataError
from jijin.models import Model, load, unmoved
from jijin.moved import Moved
from jijin.picking import CURVES, Picker
from jijin.resampling import STEP_NS
from jijin.signal import ABSURD
from jijin.types import IN_SAMPLES, RATE, Pick, Segment, by_time, net_sta, utc
from jijin.windows import Cutter, Instrument, Stitcher, Window

if TYPE_CHECKING:
    from obspy import Stream, Trace

log = logging.getLogger("jijin")

BATCH = 64  # windows predicted together, of any instruments
KEEP = 60_000  # samples; origins older than that are of no open pick or detection (see the limits in picking.py)


@dataclass(frozen=True, slots=True)
class Curves:
    """Stitched probabilities of an instrument from grid index start on: values (3, sample), rows picking.CURVES."""

    instrument: Instrument
    start: int
    values: NDArray[np.float32]


class Detector:
    """Samples in as they come, picks out as soon as nothing can change them.

    feed() any number of times, then flush(); however the samples are cut into feeds, the picks are the same. Every
    fragment with data is used, to its last sample. A channel that cannot be used is logged and left out; so is, at the
    flush, one without a single sample that can.
    A sample is final once the window is complete that starts with the block after the one in which what lies 5 s later
    is: up to 65 s and a block after it, where all three components come in. A sensor with fewer waits for the others
    until they are max_wait_s behind (CutConfig), or for flush().
    """

    def __init__(
        self, model: Model | str | Path | None = None, cut: CutConfig | None = None, pick: PickConfig | None = None
    ) -> None:
        self.model: Model = _loaded(model)
        self.cut_config, self.pick_config = cut or CutConfig(), pick or PickConfig()
        self._reset()

    def _reset(self) -> None:
        self._cutter = Cutter(self.cut_config)
        self._between = Between(self.cut_config, self._predict)
        # Windows in between take the place of further looks at the same window: they show it in other surroundings.
        self._shown, moves = unmoved(self.model, looks=not self._between.places)
        self._moved = Moved(self.cut_config.stride) if moves else None
        self._stitchers: dict[str, Stitcher] = {}
        self._pickers: dict[str, Picker] = {}
        self._refused: dict[str, DataError] = {}  # by the channel's label
        self._usable: dict[str, int] = {}  # samples by the channel's label

    def feed(self, source: Stream | Trace | Segment | Iterable[Trace | Segment]) -> list[Pick]:
        """Picks, by time, that have become certain with these samples. The source is neither changed nor kept."""
        self._add(source)
        return by_time(self._pick(final=False))

    def flush(self) -> list[Pick]:
        """The remaining picks, by time; the last windows are filled up as if nothing followed.

        The detector is then as new. DataError if no channel that was fed could be used.
        """
        picks = self._pick(final=True)
        for picker in self._pickers.values():
            picks += picker.finish()
        self._finish()
        return by_time(picks)

    @property
    def stations(self) -> set[str]:
        """NET.STA of what was fed since the last flush and can be used."""
        return {net_sta(name) for name in self._cutter.instruments}

    def settled(self) -> dict[str, int]:
        """By instrument: the time (ns) before which every pick has been returned, of those with something open."""
        return {name: index * STEP_NS for name, one in self._pickers.items() if (index := one.settled) is not None}

    def annotate(self, source: Stream | Trace | Segment | Iterable[Trace | Segment]) -> Stream:
        """Probabilities of a whole stream, see jijin.annotate. Not to be mixed with feed()."""
        from obspy import Stream

        self._add(source)
        chunks: dict[str, list[Curves]] = {}
        for curves in self._curves(final=True):
            chunks.setdefault(curves.instrument.name, []).append(curves)
        self._finish()
        return Stream([trace for parts in chunks.values() for trace in _traces(parts, self.model.name.upper())])

    def _add(self, source: Any) -> None:
        for segment in segments(source):  # read
            try:
                usable = self._cutter.add(segment)  # prepare
                if len(segment.data):
                    self._usable[segment.label] = self._usable.get(segment.label, 0) + usable
            except DataError as error:
                if segment.label not in self._refused:
                    log.warning("%s; the channel is not used", error)
                    self._refused[segment.label] = error

    def _curves(self, final: bool) -> Iterator[Curves]:
        for batch, values in self._predicted(self._cutter.cut(final)):  # cut, predict
            yield from self._stitch(batch, values)  # stitch

    def _predicted(self, windows: Iterable[Window]) -> Iterator[tuple[list[Window], NDArray[np.float32]]]:
        """Batches of windows with what the model says of them: (curve, window, sample).

        While it works on a batch, the next one is cut and the one before is used.
        """
        rest = iter(windows)
        batches = iter(lambda: list(islice(rest, BATCH)), [])
        with ThreadPoolExecutor(1) as beside:
            coming = ((batch, beside.submit(self._predict, [window.data for window in batch])) for batch in batches)
            for now, _ in pairwise(chain(coming, [None])):
                if now is not None:
                    yield now[0], now[1].result()

    def _pick(self, final: bool) -> list[Pick]:
        picks = []
        for curves in self._curves(final):
            picks += self._picker(curves.instrument).push(curves.values, curves.start)  # pick
            curves.instrument.forget(curves.start - KEEP)
        return picks

    def _predict(self, minutes: list[NDArray[np.float64]]) -> NDArray[np.float32]:
        """Minutes (3, 6000) -> (curve, minute, sample)."""
        parts = (self._shown.predict(minutes[at : at + BATCH]) for at in range(0, len(minutes), BATCH))
        return np.concatenate([np.stack([getattr(part, curve) for curve in CURVES]) for part in parts], axis=1)

    def _stitch(self, batch: list[Window], values: NDArray[np.float32]) -> Iterator[Curves]:
        """Curves that are final, of the batch's runs of windows that follow one another."""
        runs = list(self._stitched(batch, values))
        for (windows, _), (block, curves) in zip(runs, self._between.push(runs), strict=True):
            start = block * self._between.stride
            if self._moved:
                start, curves = self._moved.push(windows, block, curves)
            if curves.size:
                yield Curves(self._cutter.instruments[windows[0].instrument], start, curves)

    def _stitched(
        self, batch: list[Window], values: NDArray[np.float32]
    ) -> Iterator[tuple[list[Window], NDArray[np.float32]]]:
        """Each run, and what the windows of the grid say of the blocks that its windows start with."""
        at = 0
        for _, group in groupby(enumerate(batch), key=lambda item: (item[1].instrument, item[1].block - item[0])):
            windows = [window for _, window in group]
            stitcher = self._stitchers.setdefault(windows[0].instrument, Stitcher(self.cut_config))
            yield windows, stitcher.push(windows[0].block, values[:, at : at + len(windows)])
            at += len(windows)

    def _picker(self, instrument: Instrument) -> Picker:
        if instrument.name not in self._pickers:
            self._pickers[instrument.name] = Picker(
                self._thresholds(), self.model.time_uncertainty, instrument.origin, self.pick_config.min_separation_s
            )
        return self._pickers[instrument.name]

    def _thresholds(self) -> dict[str, float]:
        given = {name: getattr(self.pick_config, f"threshold_{name}") for name in CURVES}
        return {name: self.model.thresholds[name] if value is None else value for name, value in given.items()}

    def _finish(self) -> None:
        refused, used = list(self._refused.values()), bool(self._cutter.instruments)
        for label in (name for name, count in self._usable.items() if not count):
            log.warning("%s: no sample can be used: all are missing, not a number or beyond %g", label, ABSURD)
        self._reset()
        if refused and not used:
            raise DataError(f"no channel can be used: {refused[0]}" + (" ..." if len(refused) > 1 else ""))


def _loaded(model: Model | str | Path | None) -> Model:
    if model is None or isinstance(model, str | Path):
        return load("cba" if model is None else model)
    return model


def segments(source: Any) -> Iterator[Segment]:
    """Segments of an ObsPy Stream or Trace, of a Segment, or of an iterable of these; samples are not copied."""
    if isinstance(source, Segment):
        yield source
    elif hasattr(source, "stats"):
        start_ns, rate = source.stats.starttime.ns, float(source.stats.sampling_rate)
        yield Segment(source.id, start_ns, rate, source.data)
    elif isinstance(source, Iterable) and not isinstance(source, str | bytes | dict):
        for item in source:
            yield from segments(item)
    else:
        raise DataError(f"cannot take samples from {source!r}; give a Stream, a Trace or Segments, see jijin.read")


def _traces(parts: list[Curves], prefix: str) -> Iterator[Trace]:
    """Three traces for each piece of an instrument's data."""
    instrument = parts[0].instrument
    for start, stop in _covered(instrument):
        values = np.zeros((len(CURVES), stop - start), np.float32)
        for part in parts:
            first, last = max(start, part.start), min(stop, part.start + part.values.shape[1])
            if first < last:
                values[:, first - start : last - start] = part.values[:, first - part.start : last - part.start]
        yield from _named(instrument, start, values, prefix)


def _covered(instrument: Instrument) -> list[tuple[int, int]]:
    """Grid indices (first, stop) of the stretches with data; gaps of up to a window do not part them."""
    out: list[tuple[int, int]] = []
    for span in sorted((span for row in instrument.spans for span in row), key=lambda s: s.first):
        if out and span.first - out[-1][1] <= IN_SAMPLES:
            out[-1] = (out[-1][0], max(out[-1][1], span.stop))
        else:
            out.append((span.first, span.stop))
    return out


def _named(instrument: Instrument, start: int, values: NDArray[np.float32], prefix: str) -> Iterator[Trace]:
    from obspy import Trace

    network, station, location, code = (["", "", "", *instrument.name.split(".")])[-4:]
    start_ns = start * STEP_NS + instrument.origin("P", start)[1]
    for curve, label in zip(values, ("Detection", "P", "S"), strict=True):
        header = {"network": network, "station": station, "location": location, "sampling_rate": RATE}
        yield Trace(curve, {**header, "channel": f"{prefix}_{code}_{label}", "starttime": utc(start_ns)})


def pick(
    stream: Stream | Trace | Iterable[Trace | Segment],
    model: Model | str | Path | None = None,
    *,
    threshold_p: float | None = None,
    threshold_s: float | None = None,
    threshold_detection: float | None = None,
    min_separation_s: float = 0.5,
    stride_s: float = 30.0,
    between: int = 7,
) -> list[Pick]:
    """P and S picks of a stream, by time.

    model : a name, a file or a loaded model; None is the shipped one. Thresholds are probabilities; None takes those
    the model was released with. stride_s, between : see CutConfig. DataError if no channel can be used.
    """
    config = PickConfig(threshold_p, threshold_s, threshold_detection, min_separation_s)
    detector = Detector(model, CutConfig(stride_s, between), config)
    return by_time(detector.feed(stream) + detector.flush())


def annotate(
    stream: Stream | Trace | Iterable[Trace | Segment],
    model: Model | str | Path | None = None,
    *,
    stride_s: float = 30.0,
    between: int = 7,
) -> Stream:
    """Probabilities of a stream, as an ObsPy Stream at 100 Hz over the same span. stride_s, between : see CutConfig.

    Three float32 traces for each instrument: channel CBA_HH_P, CBA_HH_S and CBA_HH_Detection for the model cba and
    channels HHZ, HHN, HHE. In a gap they are 0, and a gap longer than a window (60 s) parts them.
    """
    return Detector(model, CutConfig(stride_s, between)).annotate(stream)
