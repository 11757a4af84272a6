"""What jijin detect is to read: files found, their headers read, the unreadable ones named."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from jijin.commands.messages import Messages
from jijin.errors import ReadError
from jijin.io.files import Scan, find_files, is_side_file, partly, scan
from jijin.io.formats import to_segments
from jijin.types import Segment


@dataclass(frozen=True, slots=True)
class Inputs:
    """Files to read, by their headers; loaded holds the waveforms of those that are no files."""

    scans: list[Scan]
    loaded: dict[Path, list[Segment]] = field(default_factory=dict)

    @property
    def samples(self) -> int:
        """Samples of all channels, by the headers."""
        return sum(one.samples for one in self.scans)


def example() -> Inputs:
    """The earthquake that ObsPy ships: BW.RJOB, 2009-08-24, three components, 30 s."""
    import obspy

    segments = to_segments(obspy.read())
    span = min(s.start_ns for s in segments), max(s.end_ns for s in segments)
    one = Scan(Path("example"), frozenset({"BW.RJOB"}), *span, sum(len(s.data) for s in segments))
    return Inputs([one], {one.path: segments})


def inputs(paths: list[Path], messages: Messages) -> Inputs:
    """Every waveform file under paths, once. What cannot be read is told and left out."""
    found: dict[Path, Scan] = {}
    for top in paths:
        mine = list(_below(top, messages))
        if not mine and top.is_dir():
            messages.fail(f"{top}: no waveform file in the folder")
        found |= {one.path.resolve(): one for one in mine}
    return Inputs(list(found.values()))


def _below(top: Path, messages: Messages) -> Iterator[Scan]:
    try:
        files = find_files([top], messages.fail)
    except ReadError as error:
        messages.fail(str(error))
        return
    for path in files:
        one = _scan(path, messages, expected=path == top or not is_side_file(path))
        if one:
            yield one


def _scan(path: Path, messages: Messages, expected: bool) -> Scan | None:
    """The headers of a file. A table or a note beside the waveforms is passed over without a complaint."""
    try:
        one = scan(path)
    except ReadError as error:
        (messages.fail if expected else messages.detail)(str(error))
        return None
    if one.damage:
        messages.fail(f"{path}: {partly(one.damage)}")
    messages.detail(f"{path}: {', '.join(sorted(one.stations))}, {one.samples} samples")
    return one
