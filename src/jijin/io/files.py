"""Files and folders in, waveforms out: find_files, scan, read_segments, read."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jijin.errors import ReadError
from jijin.io import formats, mseed
from jijin.types import NS, Segment, net_sta

if TYPE_CHECKING:
    from obspy import Stream

Source = str | os.PathLike[str]
SIDE_FILES = frozenset(  # expected in a folder of waveforms: tables, metadata, notes, figures
    (
        *(".csv", ".json", ".toml", ".yaml", ".yml", ".xml", ".qml", ".quakeml", ".dataless", ".parquet"),
        *(".txt", ".md", ".rst", ".log", ".html", ".pdf", ".jpg", ".png", ".py", ".sh", ".ini"),
    )
)


class DamagedFile(UserWarning):
    """A file of which only a part can be read; that part is used."""


@dataclass(frozen=True, slots=True)
class Content:
    """What could be read of a file; damage is a clause that says what could not, None if all is well."""

    segments: list[Segment]
    damage: str | None = None


@dataclass(frozen=True, slots=True)
class Scan:
    """What the headers of a file say: whose data, from when to when, how much."""

    path: Path
    stations: frozenset[str]  # NET.STA
    start_ns: int
    end_ns: int
    samples: int
    damage: str | None = None


def find_files(paths: Iterable[Source], unlisted: Callable[[str], None] | None = None) -> list[Path]:
    """Files among paths and, recursively, in the folders among them; sorted, each once, hidden ones left out.

    Raises ReadError for a path that is not there. A folder that may not be listed is told to unlisted, in a
    sentence, and left out; without unlisted it raises ReadError too.
    """
    found: dict[Path, None] = {}
    for path in map(_path, paths):
        found.update(dict.fromkeys(_walk(path, unlisted or _refuse) if path.is_dir() else [_existing(path)]))
    return list(found)


def _path(source: Source) -> Path:
    """Path("") would be the current folder: of a variable that is not set, all that lies there."""
    if source == "":
        raise ReadError("a path is empty; '.' is the current folder")
    return Path(source)


def _refuse(sentence: str) -> None:
    raise ReadError(sentence)


def _existing(path: Path) -> Path:
    if not path.exists():
        raise ReadError(f"{path}: no such file or folder")
    return path


def _walk(folder: Path, unlisted: Callable[[str], None]) -> list[Path]:
    """Files under a folder, links to folders not followed."""
    found: list[Path] = []
    told = lambda error: unlisted(f"{error.filename}: cannot be listed: {error.strerror}")  # noqa: E731
    for root, folders, names in os.walk(folder, onerror=told):
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += [Path(root, name) for name in names if not name.startswith(".")]
    return sorted(found)


def partly(damage: str) -> str:
    """The clause about a file that is damaged, of which the rest is used."""
    return f"damaged: {damage}; the rest is used"


def is_side_file(path: Path) -> bool:
    """Whether a folder of waveforms may hold this file without anyone wondering: tables, figures, metadata."""
    return path.suffix.lower() in SIDE_FILES


def load(path: Path, span: mseed.Span | None = None) -> Content:
    """Segments of one file and its damage. Raises ReadError, with the file's name, if nothing of it can be read.

    span : start and end in ns; of a miniSEED file only the records that reach into it, maybe none.
    """
    if _head(path):
        return _load_miniseed(path, span=span)
    stream = _other(path, headonly=False)
    return Content(formats.to_segments(stream))


def scan(path: Path) -> Scan:
    """What the headers of one file say. Raises ReadError, with the file's name, if nothing of it can be read."""
    pieces, damage = headers(path)
    names, starts, ends, samples = zip(*pieces, strict=True)
    return Scan(path, frozenset(names), min(starts), max(ends), sum(samples), damage)


def headers(path: Path) -> tuple[list[tuple[str, int, int, int]], str | None]:
    """NET.STA, start_ns, end_ns and samples of each gap-free piece of a file, and its damage; raises like scan."""
    if _head(path):
        content = _load_miniseed(path, unpack=False)
        return [(_station(s.seed_id), s.start_ns, s.end_ns, len(s.data)) for s in content.segments], content.damage
    stats = [trace.stats for trace in _other(path, headonly=True)]
    ends = [s.endtime.ns + round(s.delta * NS) for s in stats]
    return [(_station(s), s.starttime.ns, end, s.npts) for s, end in zip(stats, ends, strict=True)], None


def _station(of: Any) -> str:
    """NET.STA of a seed id, or of an ObsPy trace's header."""
    return net_sta(of) if isinstance(of, str) else f"{of.network}.{of.station}"


def _head(path: Path) -> bool:
    """Whether the file is miniSEED. Raises ReadError if it is missing, empty, a folder or may not be read."""
    if path.is_fifo() or path.is_socket():
        raise ReadError(f"{path}: not a file but a pipe or a socket")
    try:
        with path.open("rb") as file:
            head = file.read(64)
    except OSError as error:
        raise ReadError(f"{path}: cannot be read: {error.strerror}") from error
    if not head:
        raise ReadError(f"{path}: the file is empty")
    return mseed.is_miniseed(head)


def _load_miniseed(path: Path, unpack: bool = True, span: mseed.Span | None = None) -> Content:
    """By libmseed; what it finds nothing in, ObsPy's own miniSEED reader is asked about."""
    try:
        segments, damage = mseed.read_miniseed(path, unpack, span)
    except OSError as error:
        raise ReadError(f"{path}: cannot be read: {error.strerror}") from error
    if not segments and span:
        return Content([], damage)
    if not segments and damage:
        segments, damage = _second_opinion(path), None
    if not segments:
        raise ReadError(f"{path}: the miniSEED file holds no waveforms")
    return Content(segments, damage)


def _second_opinion(path: Path) -> list[Segment]:
    try:
        return formats.to_segments(formats.read_other(path))
    except ReadError as error:
        raise ReadError(f"{path}: it looks like miniSEED, but no record in it is sound") from error


def _other(path: Path, headonly: bool) -> Stream:
    try:
        stream = formats.read_other(path, headonly)
    except ReadError as error:
        raise ReadError(f"{path}: {error}") from error
    if not stream:
        raise ReadError(f"{path}: the file holds no waveforms")
    return stream


def read_segments(path: Source) -> list[Segment]:
    """Gap-free pieces of one file, in the file's own sample type, as they are: nothing merged, nothing filled.

    Of a damaged miniSEED file the sound records are used, with a DamagedFile warning.
    Raises ReadError if nothing can be read.
    """
    content = load(Path(path))
    if content.damage:
        warnings.warn(f"{path}: {content.damage}; the rest is used", DamagedFile, stacklevel=2)
    return content.segments


def read(source: Source | Iterable[Source]) -> Stream:
    """A file, a folder (recursively) or a list of them as one ObsPy Stream, a Trace per gap-free piece.

    Of a damaged miniSEED file the sound records are used, with a DamagedFile warning. In a folder, tables, notes and
    other side files are passed over. Raises ReadError if there is nothing to read.

    >>> read("nowhere.mseed")
    Traceback (most recent call last):
    jijin.errors.ReadError: nowhere.mseed: no such file or folder
    """
    sources = [source] if isinstance(source, (str, os.PathLike)) else list(source)
    segments = [segment for one in sources for segment in _from_source(one)]
    if not segments:
        raise ReadError(f"{', '.join(map(str, sources)) or 'an empty list'}: no waveform file in it")
    return formats.to_stream(segments)


def _from_source(source: Source) -> Iterator[Segment]:
    for path in find_files([source]):
        try:
            yield from read_segments(path)
        except ReadError:
            if path == Path(source) or not is_side_file(path):
                raise
