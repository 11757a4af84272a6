"""Archives made of files: a folder whose headers are read once, an SDS tree, a bucket behind fsspec.

Files of a tree or a bucket are known by their names where these follow a standard, so that nothing is read before it is
needed:

    SDS                      YEAR/NET/STA/CHA.D/NET.STA.LOC.CHA.D.YEAR.DAY
    Southern California      CIABL__BHE___2016183.ms (NET, STA to five characters, CHA, LOC to three, YEAR and DAY)
    Northern California      AFD.NC.HHZ..D.2012.001
"""

from __future__ import annotations

import re
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from jijin.errors import DataError, MissingExtra, ReadError
from jijin.io.archive import Span, Told
from jijin.io.files import find_files, headers, is_side_file, load, partly
from jijin.io.timeline import between
from jijin.types import DAY_NS, NS, Segment, StationDay, net_sta

NAMES = (
    re.compile(
        r"(?P<net>\w{1,8})\.(?P<sta>\w{1,8})\.(?P<loc>\w{0,8})\.(?P<cha>\w+)\.\w\.(?P<year>\d{4})\.(?P<day>\d{3})"
    ),
    re.compile(
        r"(?P<net>\w{2})(?P<sta>\w{3,5}?)_*(?P<cha>[A-Z]{2}\w)_*(?P<loc>\d\d)?_*(?P<year>\d{4})(?P<day>\d{3})\.ms"
    ),
    re.compile(r"(?P<sta>\w+)\.(?P<net>\w\w)\.(?P<cha>\w{3})\.(?P<loc>\w*)\.D\.(?P<year>\d{4})\.(?P<day>\d{3})"),
)
SLOP_NS = 3600 * NS  # records go on over midnight: a day file holds samples up to this far into the next day
TRIES, PAUSE_S = 4, 1.0  # of a transfer; the pause grows fourfold each time
UNSET = 365  # days since 1970: data of 1970 were written by a clock that nobody had set


@dataclass
class FileArchive:
    """days : station -> day since 1970 -> files with data of that day, those beside the span too; remote fetches them
    if they are not here."""

    days: dict[str, dict[int, tuple[str, ...]]]
    remote: Any = None  # an fsspec filesystem
    problems: dict[str, str] = field(default_factory=dict)
    span: Span = field(default_factory=Span)

    def station_days(self) -> list[StationDay]:
        """The station-days of the index within the span, by day, then station."""
        found = [(day, name) for name, days in self.days.items() for day in days if self.span.has_day(day)]
        return [StationDay(name, day) for day, name in sorted(found)]

    def segments(self, name: str, start_ns: int, end_ns: int) -> list[Segment]:
        """Samples of NET.STA or NET.STA.LOC in a span, see Archive; each file is opened once, whole day or not."""
        files = self._files(net_sta(name), start_ns - SLOP_NS, end_ns + SLOP_NS)
        prefix = name + "." if name else ""
        found = [one for path in files for one in self._load(path, start_ns, end_ns) if one.seed_id.startswith(prefix)]
        parts = [part for one in found if (part := between(one, start_ns, end_ns))]
        if files and not found and all(path in self.problems for path in files):
            raise ReadError(f"{files[0]}: {self.problems[files[0]]}")
        return sorted(parts, key=lambda part: (part.start_ns, part.seed_id))

    def part(self, job: StationDay) -> FileArchive:
        """The files of one station and of the days around one."""
        near = _around(self.days.get(job.station, {}), job.day)
        gone = {} if job.day in near else {str(job): "its files are not there any more"}
        return FileArchive({job.station: near}, self.remote, gone, self.span)

    def day(self, day: int) -> FileArchive:
        """The files of all stations and of the days around one."""
        near = {station: _around(days, day) for station, days in self.days.items()}
        return FileArchive(near, self.remote, span=self.span)

    def _files(self, station: str, start_ns: int, end_ns: int) -> list[str]:
        days = self.days.get(station, {})
        near = range(start_ns // DAY_NS, (end_ns - 1) // DAY_NS + 1)
        return sorted({path for day in near for path in days.get(day, ())})

    def _load(self, path: str, start_ns: int, end_ns: int) -> list[Segment]:
        try:
            with local(path, self.remote) as here:
                content = load(here, (start_ns, end_ns))
        except ReadError as error:
            self.problems[path] = str(error).removeprefix(f"{path}: ")
            return []
        if content.damage:
            self.problems[path] = partly(content.damage)
        return content.segments


def _around(days: dict[int, tuple[str, ...]], day: int) -> dict[int, tuple[str, ...]]:
    return {near: days[near] for near in range(day - 1, day + 2) if near in days}


@contextmanager
def local(path: str, remote: Any) -> Iterator[Path]:
    """The file on this machine; one fetched from elsewhere is gone when the block ends. OSError if it cannot be had."""
    if remote is None:
        yield Path(path)
        return
    with tempfile.TemporaryDirectory(prefix="jijin-") as folder:
        here = Path(folder, path.rsplit("/", 1)[-1])
        fetch(remote, path, here)
        yield here


def fetch(remote: Any, path: str, here: Path) -> None:
    """Copy a remote file, with patience: a connection that breaks is tried again. OSError if it stays so."""
    for attempt in range(TRIES):
        try:
            remote.get_file(path, str(here))
            return
        except FileNotFoundError as error:
            raise OSError(f"{path}: it is not there any more") from error
        except Exception as error:  # each service has errors of its own: botocore's, aiohttp's, OSError
            if attempt + 1 == TRIES:
                raise OSError(f"{path}: cannot be fetched after {TRIES} tries: {error}") from error
            time.sleep(PAUSE_S * 4**attempt)


def open_folder(path: str, span: Span, tell: Told) -> FileArchive:
    """A file or a folder on this machine. The headers of every file are read; what is no waveform file is told."""
    index = Index(span)
    for file in find_files([path], tell):
        index.add_headers(str(file), file, tell, expected=str(file) == path or not is_side_file(file))
    return index.archive(path, tell)


def open_sds(source: str, span: Span, tell: Told) -> FileArchive:
    """An SDS tree on this machine: sds:///data/archive, or sds://archive below the working folder."""
    root = Path(source.removeprefix("sds://") or ".")
    index = Index(span)
    others = [path for path in find_files([root], tell) if not index.add_name(str(path), path.name)]
    if others and not index.days:
        tell(f"{root}: no file is named as SDS does, NET.STA.LOC.CHA.D.YEAR.DAY ({others[0].name}, say)")
    return index.archive(source, tell)


def open_remote(source: str, span: Span, tell: Told) -> FileArchive:
    """What fsspec reaches: s3://BUCKET/PREFIX?anon=true, with the file system's options after the question mark.

    Files that no standard has named are fetched once more than needed, to read their headers.
    """
    url, _, query = source.partition("?")
    remote, root = _file_system(url, {key: _value(text) for key, text in parse_qsl(query)})
    try:
        paths = sorted(remote.find(root))
        if not paths:
            remote.ls(root)  # raises where a server does not answer, which find takes for an empty one
    except Exception as error:  # see fetch
        raise ReadError(f"{url}: cannot be listed: {' '.join(str(error).split()) or type(error).__name__}") from error
    index = Index(span)
    for path in paths:
        name = Path(path.rsplit("/", 1)[-1])
        if not index.add_name(path, name.name) and not is_side_file(name):
            with local(path, remote) as here:
                index.add_headers(path, here, tell)
    return index.archive(url, tell, remote)


def _file_system(url: str, options: dict[str, Any]) -> tuple[Any, str]:
    try:
        import fsspec
    except ImportError:
        raise MissingExtra("fsspec", "remote") from None
    try:
        remote, root = fsspec.core.url_to_fs(url, **options)
    except ImportError as error:
        raise MissingExtra(f"{error.name or url.partition(':')[0]}", "remote") from error
    except ValueError as error:
        raise DataError(f"{url}: {error}; give a folder, sds://, fdsn:// or a URL that fsspec knows") from error
    return remote, root


def _value(text: str) -> str | bool:
    return {"true": True, "false": False}.get(text.lower(), text)


@dataclass
class Index:
    """Files by station and day, as they are found; days that neither lie in the span nor beside it are left out."""

    span: Span
    days: dict[str, dict[int, set[str]]] = field(default_factory=dict)
    files: int = 0
    odd: dict[str, set[int]] = field(default_factory=dict)  # days that no clock in order writes
    problems: dict[str, str] = field(default_factory=dict)  # of files that are indexed all the same

    def add_name(self, path: str, name: str) -> bool:
        """Index a file by its name; False if no standard made the name."""
        found = next((match for pattern in NAMES if (match := pattern.fullmatch(name))), None)
        if not found or not 1 <= int(found["day"]) <= 366:
            return False
        first = date(int(found["year"]), 1, 1).toordinal() - date(1970, 1, 1).toordinal()
        self._add(f"{found['net']}.{found['sta']}", [first + int(found["day"]) - 1], path)
        return True

    def add_headers(self, path: str, here: Path, tell: Told, expected: bool = True) -> None:
        """Index a file by what its headers say; one that cannot be read is told where it was expected to be."""
        try:
            pieces, damage = headers(here)
        except ReadError as error:
            if expected:
                tell(str(error).replace(str(here), path))
            return
        if damage:
            self.problems[path] = partly(damage)
        for station, start_ns, end_ns, _ in pieces:
            self._add(station, range(start_ns // DAY_NS, (end_ns - 1) // DAY_NS + 1), path)

    def _add(self, station: str, days: Iterable[int], path: str) -> None:
        self.files += 1
        for day in days:
            if not any(map(self.span.has_day, (day - 1, day, day + 1))):
                continue
            if self._is_odd(day):
                self.odd.setdefault(station, set()).add(day)
            else:
                self.days.setdefault(station, {}).setdefault(day, set()).add(path)

    def _is_odd(self, day: int) -> bool:
        """Before 1971 or after tomorrow, where the span leaves that side open."""
        early = self.span.start_ns is None and day < UNSET
        return early or (self.span.end_ns is None and day > time.time_ns() // DAY_NS + 1)

    def archive(self, source: str, tell: Told, remote: Any = None) -> FileArchive:
        """The finished index. ReadError if there is no waveform in it; clocks out of order are told."""
        for station, days in sorted(self.odd.items()):
            first, *_ = sorted(days)
            tell(f"{station}: {len(days)} day(s) with a clock out of order ({day_name(first)}, say) are left out")
        frozen = {name: {day: tuple(sorted(files)) for day, files in days.items()} for name, days in self.days.items()}
        done = FileArchive(dict(sorted(frozen.items())), remote, self.problems, self.span)
        if not done.station_days():
            where = "no waveform file is in it" if not self.files else "it has no data in the time asked for"
            raise ReadError(f"{source}: {where}")
        return done


def day_name(day: int) -> str:
    """A day since 1970 as YEAR-MONTH-DAY."""
    return date.fromordinal(date(1970, 1, 1).toordinal() + day).isoformat()
