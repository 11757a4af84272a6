"""An archive of waveforms, wherever it is: which station-days it has, and the samples of a station in a span.

folder or file       jijin.io.file_archive
sds://ROOT           the same, whose files are known by their names
s3://BUCKET/...      the same, through fsspec
fdsn://NODE?net=..   jijin.io.fdsn_archive

What comes from a feed (FEEDS) is gone once it was there: that is no archive.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from jijin.errors import DataError
from jijin.types import DAY_NS, Segment, StationDay

FEEDS = ("seedlink", "seedlinks", "shake", "replay")  # schemes of what `jijin live` listens to
Waveforms = Callable[[str, int, int], list[Segment]]  # NET.STA.LOC (or NET.STA), start_ns, end_ns -> its channels
Told = Callable[[str], None]


class Archive(Protocol):
    """What every archive can do. It is pickled to worker processes."""

    problems: dict[str, str]  # what could not be read so far: file or request -> a clause; it grows while reading

    def station_days(self) -> list[StationDay]:
        """The station-days that may have data within the archive's span, in order of day, then station."""

    def segments(self, name: str, start_ns: int, end_ns: int) -> list[Segment]:
        """All samples of NET.STA, or of NET.STA.LOC, in start_ns <= t < end_ns, in order of start time; maybe none.

        What is damaged is told in problems. OSError or DataError if nothing can be had of what is there.
        """

    def part(self, job: StationDay) -> Archive:
        """As much of the archive as a worker needs for one station-day and what is beside it."""

    def day(self, day: int) -> Archive:
        """As much of it as a worker needs for all stations on a day (since 1970) and what is beside it."""


@dataclass(frozen=True, slots=True)
class Span:
    """From when to when; None is open. Times are nanoseconds, the end is exclusive."""

    start_ns: int | None = None
    end_ns: int | None = None

    def cut(self, start_ns: int, end_ns: int) -> tuple[int, int]:
        """The part of [start_ns, end_ns) that lies within; empty, with its start at or after its end, if none does."""
        first = start_ns if self.start_ns is None else max(start_ns, self.start_ns)
        return first, end_ns if self.end_ns is None else min(end_ns, self.end_ns)

    def has_day(self, day: int) -> bool:
        """Whether any of a UTC day (days since 1970) lies within."""
        start, end = self.cut(day * DAY_NS, (day + 1) * DAY_NS)
        return start < end


def open_archive(source: str, span: Span | None = None, tell: Told = lambda sentence: None) -> Archive:
    """The archive that a path or URL names; span bounds its station-days.

    What is left out - a file that cannot be read, a clock that was not set - is told in sentences.
    ReadError if the source is not there; DataError if it names none, as a feed does not, or has no waveforms in the
    span; MissingExtra if what reads it is not installed.
    """
    from jijin.io import fdsn_archive, file_archive

    span = span or Span()
    if source.startswith(tuple(f"{feed}://" for feed in FEEDS)):
        raise DataError(f"{source}: a feed keeps no waveforms; name a folder, or another archive, that has them")
    if source.startswith("fdsn://"):
        return fdsn_archive.open_fdsn(source, span)
    if source.startswith("sds://"):
        return file_archive.open_sds(source, span, tell)
    if "://" in source and not source.startswith("file://"):
        return file_archive.open_remote(source, span, tell)
    return file_archive.open_folder(source.removeprefix("file://"), span, tell)
