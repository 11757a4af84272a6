"""Every format that is not miniSEED, through ObsPy; never its pickle."""

from __future__ import annotations

import glob
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from jijin.errors import ReadError
from jijin.types import Segment

if TYPE_CHECKING:
    from obspy import Stream, Trace

NIED = {"N": "HNN", "E": "HNE", "U": "HNZ"}  # K-NET and KiK-net: first letter of NS, EW, UD
KINEMETRICS = ("HN1", "HN2", "HNZ")  # accelerographs number their channels: two horizontals, then the vertical


def read_other(path: Path, headonly: bool = False) -> Stream:
    """A file through the ObsPy reader that recognises it; archives and compressed files are unpacked on the way.

    Codes lose the blanks of fixed-width formats; the channels of K-NET, KiK-net and Kinemetrics get SEED's names.
    Raises ReadError, with the reason, if no reader knows it or the one that does gives up.
    """
    from obspy.core.util.decorator import uncompress_file

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # ObsPy warns about header details that do not touch the samples
        stream = uncompress_file(_decode)(str(path.absolute()), headonly=headonly)
    for trace in stream:
        _tidy(trace)
    return stream


def _decode(filename: str, headonly: bool) -> Stream:
    import obspy

    kind = _format_of(filename)
    try:
        return obspy.read(glob.escape(filename), format=kind, headonly=headonly, check_compression=False)
    except Exception as error:  # thirty readers by thirty authors: they raise anything, struct.error to AssertionError
        reason = " ".join(str(error).split()) or type(error).__name__
        raise ReadError(f"it cannot be read; ObsPy takes it for {kind} and says: {reason[:200]}") from error


def _format_of(filename: str) -> str:
    """Name of the ObsPy reader that recognises the file. PICKLE is not asked: to look at a pickle is to run it."""
    from obspy.core.util.base import ENTRY_POINTS, buffered_load_entry_point

    for name, entry in ENTRY_POINTS["waveform"].items():
        if name == "PICKLE":
            continue
        recognises = buffered_load_entry_point(entry.dist.name, f"obspy.plugin.waveform.{name}", "isFormat")
        try:
            if recognises(filename):
                return str(name)
        except Exception:  # see above: a reader that stumbles over a file does not recognise it
            continue
    raise ReadError("it is not a waveform file" + _hint(Path(filename)))


def _hint(path: Path) -> str:
    with path.open("rb") as file:
        head = file.read(512)
    if b"obspy.core.stream" in head:
        return ": it is a Python pickle, which jijin never loads; write it as miniSEED"
    return ": it is text" if head.isascii() and b"\0" not in head else " of any format that jijin or ObsPy knows"


def _tidy(trace: Trace) -> None:
    stats = trace.stats
    for code in ("network", "station", "location", "channel"):
        stats[code] = stats[code].replace(" ", "")
    if stats.get("_format") == "KNET" and stats.channel[:1] in NIED:
        stats.location, stats.channel = stats.channel[2:], NIED[stats.channel[0]]
    if stats.get("_format") == "KINEMETRICS_EVT" and stats.channel.isdigit():
        sensor, axis = divmod(int(stats.channel), 3)
        stats.location, stats.channel = str(sensor or ""), KINEMETRICS[axis]


def to_segments(stream: Iterable[Trace]) -> list[Segment]:
    """Gap-free pieces of an ObsPy Stream; masked samples are gaps. No sample is copied where nothing is masked."""
    return [segment for trace in stream for segment in _pieces(trace)]


def _pieces(trace: Trace) -> Iterator[Segment]:
    import numpy as np

    whole = Segment(trace.id, trace.stats.starttime.ns, float(trace.stats.sampling_rate), np.ma.getdata(trace.data))
    if not np.ma.is_masked(trace.data):
        yield whole
        return
    for run in np.ma.clump_unmasked(trace.data):
        yield cut(whole, run.start, run.stop)


def cut(segment: Segment, first: int, stop: int) -> Segment:
    """Samples first to stop (exclusive) of a segment, as a view with its own start time."""
    from jijin.types import samples_to_ns

    start = segment.start_ns + samples_to_ns(first, segment.sampling_rate)
    return replace(segment, start_ns=start, data=segment.data[first:stop])


def to_stream(segments: Iterable[Segment]) -> Stream:
    """An ObsPy Stream with one Trace a segment; the samples are shared, not copied."""
    from obspy import Stream

    return Stream([_trace(segment) for segment in segments])


def _trace(segment: Segment) -> Trace:
    from obspy import Trace

    from jijin.types import utc

    network, station, location, channel = _codes(segment.seed_id)
    codes = {"network": network, "station": station, "location": location, "channel": channel}
    timing = {"starttime": utc(segment.start_ns), "sampling_rate": segment.sampling_rate}
    return Trace(segment.data, {**codes, **timing})


def _codes(seed_id: str) -> list[str]:
    codes = seed_id.split(".")
    return codes if len(codes) == 4 else ["", seed_id, "", ""]
