"""Many files as one timeline: grouped by station, cut in time, with only the files in memory that are needed now."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from jijin.errors import ReadError
from jijin.io.files import Scan, load, partly
from jijin.io.formats import cut
from jijin.types import NS, Segment, ns_to_samples, samples_to_ns

CHUNK_NS = 6 * 3600 * NS  # one feed: long enough that a call costs nothing, short against a day in memory


def groups(scans: Iterable[Scan]) -> list[list[Scan]]:
    """Files that share a station, directly or through other files, together; each group in order of start time.

    One file per channel and day gives one group a station; files with many stations in each give one group.
    """
    found: list[tuple[set[str], list[Scan]]] = []
    for scan in sorted(scans, key=lambda s: (s.start_ns, s.path)):
        mine = [group for group in found if group[0] & scan.stations]
        found = [group for group in found if not group[0] & scan.stations]
        stations = scan.stations.union(*(names for names, _ in mine))
        found.append((set(stations), sorted(sum((files for _, files in mine), [scan]), key=lambda s: s.start_ns)))
    return [files for _, files in sorted(found, key=lambda group: sorted(group[0]))]


def chunks(scans: Iterable[Scan], length_ns: int = CHUNK_NS) -> Iterator[tuple[int, int]]:
    """[start, end) in nanoseconds of the stretches of time that the files touch, at multiples of length_ns in UTC."""
    touched: set[int] = set()
    for scan in scans:
        touched.update(range(scan.start_ns // length_ns, (scan.end_ns - 1) // length_ns + 1))
    for index in sorted(touched):
        yield index * length_ns, (index + 1) * length_ns


def between(segment: Segment, start_ns: int, end_ns: int) -> Segment | None:
    """The samples whose time t is in start_ns <= t < end_ns, as a view; None if there are none."""
    first = _first_at(segment, start_ns)
    stop = _first_at(segment, end_ns)
    return cut(segment, first, stop) if first < stop else None


def _first_at(segment: Segment, time_ns: int) -> int:
    """Index of the first sample at or after a time; a sample less than 1 ns early, by rounding, counts as on time."""
    index = ns_to_samples(time_ns - segment.start_ns - 1, segment.sampling_rate)
    return int(np.clip(np.ceil(index), 0, len(segment.data)))


def joined(segments: Iterable[Segment]) -> list[Segment]:
    """Segments put together, channel by channel, where one follows the other within half a sample.

    What is there twice is taken from the one that begins first.
    """
    runs: list[list[Segment]] = []
    for segment in sorted(segments, key=lambda s: (s.seed_id, s.start_ns)):
        last = runs[-1][-1] if runs else None
        if last is None or not _follows(segment, last):
            runs.append([segment])
        elif segment.end_ns > last.end_ns:
            overlap = round(ns_to_samples(last.end_ns - segment.start_ns, last.sampling_rate))
            runs[-1].append(cut(segment, max(overlap, 0), len(segment.data)))
    return [_concatenated(run) for run in runs]


def _follows(segment: Segment, last: Segment) -> bool:
    late = segment.start_ns - last.end_ns
    same = (segment.seed_id, segment.sampling_rate) == (last.seed_id, last.sampling_rate)
    return same and late <= samples_to_ns(0.5, last.sampling_rate)


def _concatenated(run: Sequence[Segment]) -> Segment:
    if len(run) == 1:
        return run[0]
    return Segment(run[0].seed_id, run[0].start_ns, run[0].sampling_rate, np.concatenate([s.data for s in run]))


@dataclass(slots=True)
class Reel:
    """The files of a group, read forward: each file is opened once and dropped when time has passed it.

    loaded holds the waveforms in memory by file; it may be given for scans that are of no file.
    problems collects, by file, a clause about what showed up only when its samples were decoded.
    """

    scans: list[Scan]
    loaded: dict[Path, list[Segment]] = field(default_factory=dict)
    problems: dict[Path, str] = field(default_factory=dict)

    def between(self, start_ns: int, end_ns: int) -> list[Segment]:
        """All samples in start_ns <= t < end_ns, as views, in order of start time. Later calls must not go back."""
        wanted = [scan for scan in self.scans if scan.start_ns < end_ns and scan.end_ns > start_ns]
        self.loaded = {scan.path: self._segments(scan) for scan in wanted}
        parts = (between(segment, start_ns, end_ns) for found in self.loaded.values() for segment in found)
        return sorted((part for part in parts if part), key=lambda part: (part.start_ns, part.seed_id))

    def _segments(self, scan: Scan) -> list[Segment]:
        if scan.path not in self.loaded:
            return self._open(scan)
        return self.loaded[scan.path]

    def _open(self, scan: Scan) -> list[Segment]:
        try:
            content = load(scan.path)
        except ReadError as error:
            self.problems[scan.path] = str(error).removeprefix(f"{scan.path}: ")
            return []
        if content.damage:
            self.problems[scan.path] = partly(content.damage)
        return [replace(segment, file=str(scan.path)) for segment in content.segments]
