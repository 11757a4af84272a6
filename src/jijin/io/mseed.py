"""miniSEED 2 and 3 through libmseed: fast when the file is sound, record by record when it is damaged."""

from __future__ import annotations

import mmap
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jijin.types import Segment

if TYPE_CHECKING:
    from pymseed import MS3TraceList

HEADER = re.compile(rb"[\d \0]{6}[DRQM][ \0]|MS\x03")  # how a record of version 2, or of version 3, begins
PADDING = re.compile(rb"\d{0,6}[ \0]*")  # what fills a file that was laid out in advance, and SEED's noise records
SHORTEST = 48  # bytes: the fixed header of version 2


def is_miniseed(head: bytes) -> bool:
    """Whether a file with these first bytes is miniSEED; a full SEED volume, with control headers, is not.

    >>> is_miniseed(b"000001D BGLD"), is_miniseed(b"MS" + bytes([3])), is_miniseed(b"GSE2 ")
    (True, True, False)
    """
    return HEADER.match(head) is not None


Span = tuple[int, int]  # nanoseconds since 1970


def read_miniseed(path: Path, unpack: bool = True, span: Span | None = None) -> tuple[list[Segment], str | None]:
    """All waveforms of a file, and what is wrong with it: (segments, None), or (what could be saved, damage).

    With a span only the records that reach into it: whole records, so somewhat more than the span.

    Gaps, overlaps and changes of sampling rate start a new segment; records of text or without a sampling rate
    are skipped. Without unpack only headers are read, and data is a view of zeros with the right length.
    Raises OSError where the system refuses to open the file.
    """
    with path.open("rb") as file:
        raw = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    return _segments(
        raw, unpack, span
    )  # unmapped with its last view, which a profiler (Dask's) may hold a moment longer


def _segments(raw: mmap.mmap, unpack: bool, span: Span | None) -> tuple[list[Segment], str | None]:
    from pymseed import MiniSEEDError, MS3TraceList

    wanted = {"starttime": _iso(span[0]), "endtime": _iso(span[1])} if span else {}
    try:
        found = _from_traces(MS3TraceList.from_buffer(raw, unpack_data=unpack, **wanted), unpack)
        return found, _unfinished(raw)
    except MiniSEEDError:
        sound, damage = _salvage(raw, unpack)
        return _from_traces(MS3TraceList.from_buffer(sound, unpack_data=unpack, **wanted), unpack), damage


def _iso(time_ns: int) -> str:
    """As libmseed reads times."""
    from jijin.types import utc

    return f"{utc(time_ns).strftime('%Y-%m-%dT%H:%M:%S')}.{time_ns % 1_000_000_000:09d}Z"


def _from_traces(traces: MS3TraceList, unpack: bool) -> list[Segment]:
    pieces = ((trace.sourceid, piece) for trace in traces for piece in trace)
    wanted = ((name, piece) for name, piece in pieces if piece.samprate > 0 and piece.samplecnt > 0)
    return [_segment(name, piece, unpack) for name, piece in wanted if piece.sampletype != "t"]


def _segment(source_id: str, piece: Any, unpack: bool) -> Segment:
    import numpy as np

    data = piece.take_np_datasamples() if unpack else np.broadcast_to(np.int8(0), piece.samplecnt)
    return Segment(seed_id(source_id), piece.starttime, piece.samprate, data)


def seed_id(source_id: str) -> str:
    """NET.STA.LOC.CHA of an FDSN source identifier; any other identifier is kept as it is.

    >>> seed_id("FDSN:BW_RJOB__E_H_Z"), seed_id("FDSN:XX_A_10__c_p")
    ('BW.RJOB..EHZ', 'XX.A.10.cp')
    """
    from pymseed import sourceid2nslc

    try:
        *station, channel = sourceid2nslc(source_id)
    except ValueError:
        return source_id
    short = channel.replace("_", "")  # a SEED channel of fewer than three characters, as in FDSN:XX_A__c_p
    return ".".join([*station, short if len(short) < 3 else channel])


def _unfinished(raw: mmap.mmap) -> str | None:
    """The damage of a file that stops inside a record. Records of one length that fill the file need no walk."""
    from pymseed import MiniSEEDError, MS3Record

    try:
        if len(raw) % MS3Record.parse(raw).reclen == 0:
            return None
        for _ in MS3Record.from_buffer(raw):
            pass
    except MiniSEEDError:
        return _salvage(raw, unpack=False)[1] and "it ends in the middle of a record"
    return None


def _salvage(raw: mmap.mmap, unpack: bool) -> tuple[bytes, str | None]:
    """The sound records of a damaged file, and a clause that says where the damage is; padding is no damage."""
    sound, lost, first = bytearray(), 0, 0
    for start, stop, intact in _records(raw, unpack):
        if intact:
            sound += raw[start:stop]
        elif not PADDING.fullmatch(raw[start:stop]):
            lost, first = lost + stop - start, first if lost else start
    damage = f"{lost} of its {len(raw)} bytes are not sound miniSEED (from byte {first})"
    return bytes(sound), damage if lost else None


def _records(raw: mmap.mmap, unpack: bool) -> Iterator[tuple[int, int, bool]]:
    """(first byte, byte after the last, sound) over the whole file; an unsound stretch ends where a header begins."""
    start = 0
    while start < len(raw):
        length = _length(raw, start, unpack)
        if length:
            yield start, start + length, True
            start += length
            continue
        stop = _next_header(raw, start)
        yield start, stop, False
        start = stop


def _length(raw: mmap.mmap, start: int, unpack: bool) -> int:
    """Bytes in the record that begins at start; 0 if there is none, or its samples cannot be decoded."""
    from pymseed import MiniSEEDError, MS3Record

    try:
        return MS3Record.parse(memoryview(raw)[start:], unpack_data=unpack).reclen
    except MiniSEEDError:
        return 0


def _next_header(raw: mmap.mmap, start: int) -> int:
    found = HEADER.search(raw, start + 1)
    return found.start() if found and len(raw) - found.start() >= SHORTEST else len(raw)
