"""The work of jijin detect: files grouped by station, one Detector a group, figures of what it found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jijin.commands.inputs import Inputs, example, inputs
from jijin.commands.messages import Messages
from jijin.commands.output import save
from jijin.config import PickConfig
from jijin.detector import Detector
from jijin.errors import DataError
from jijin.io.files import Scan
from jijin.io.timeline import Reel, chunks, groups
from jijin.models import load
from jijin.types import Pick, by_time

if TYPE_CHECKING:
    from jijin.discriminate import Discriminator


def run(
    paths: list[Path] | None,
    model: str,
    picking: PickConfig,
    plots: Path | None,
    output: Path | None,
    kind: str,
    messages: Messages,
    judge: Discriminator | None = None,
) -> int:
    """Pick in paths, or in ObsPy's example if None; write to output, or stdout if None. Returns the exit status.

    judge tells the source type of each detection.

    After an interrupt the picks found so far are written too. Where something failed and no sample could be used,
    nothing is: an earlier result is left as it was. Raises ModelError, and OSError if writing fails.
    """
    batch = Batch(load(model), picking, messages, plots, judge)
    messages.take_log()
    interrupted = False
    try:
        batch.run(inputs(paths, messages) if paths else example())
    except KeyboardInterrupt:
        interrupted = True
    status = 130 if interrupted else int(bool(messages.failed))
    written = bool(batch.stations) or not status
    if written:
        save(by_time(batch.picks), output, kind, batch.model, judge is not None)
    summary = batch.summary(output if written else None) + ("" if written else ", nothing is written")
    messages.note(("interrupted: " if interrupted else "") + summary)
    return status


def typed(picks: list[Pick], reel: Reel, judge: Discriminator) -> list[Pick]:
    """Picks of one group of files with the source type of each detection; reel is a new one, read forward once."""
    from jijin.discriminate.detections import typed as told

    return told(picks, reel.between, judge)


def _named(scans: list[Scan]) -> str:
    """The stations of a group of files; of those whose headers have no codes the first file."""
    stations = sorted({name for one in scans for name in one.stations if name.strip(".")})
    files = [str(one.path) for one in scans if any(not name.strip(".") for name in one.stations)]
    more = f" and {len(files) - 1} more file(s)" if files[1:] else ""
    return ", ".join([*stations, *(file + more for file in files[:1])])


@dataclass(slots=True)
class Batch:
    """One run over many files. Stations follow one another; of a station, only the files of the moment are in memory.

    picks grows while run works, so that an interrupt loses none; stations are those of which samples were used.
    """

    model: Any
    picking: PickConfig
    messages: Messages
    plots: Path | None = None
    judge: Discriminator | None = None
    picks: list[Pick] = field(default_factory=list)
    stations: set[str] = field(default_factory=set)
    figures: int = 0

    def run(self, inputs: Inputs) -> None:
        """Pick in everything. A station whose data cannot be used is told and left out."""
        with self.messages.progress("picking", inputs.samples) as advance:
            for scans in groups(inputs.scans):
                self._group(scans, inputs, advance)

    def summary(self, output: Path | None) -> str:
        """What was found, and where it is."""
        phases = [pick.phase_hint for pick in self.picks]
        counts = f"{phases.count('P')} P and {phases.count('S')} S picks in data of {len(self.stations)} station(s)"
        places = [f"in {output}"] if output else []
        places += [f"{self.figures} figure(s) in {self.plots}"] if self.plots else []
        return ", ".join([counts, *places])

    def _group(self, scans: list[Scan], inputs: Inputs, advance: Callable[[int], None]) -> None:
        first = len(self.picks)
        reel = Reel(scans, dict(inputs.loaded))
        try:
            self._feed(reel, advance)
        except DataError as error:
            self.messages.fail(f"{_named(scans)}: {error}")
        for path, problem in reel.problems.items():
            self.messages.fail(f"{path}: {problem}")
        if self.judge:
            self.picks[first:] = typed(self.picks[first:], Reel(scans, dict(inputs.loaded)), self.judge)
        if self.plots:
            self._draw(self.picks[first:], Reel(scans, dict(inputs.loaded)), self.plots)

    def _feed(self, reel: Reel, advance: Callable[[int], None]) -> None:
        detector = Detector(self.model, pick=self.picking)
        for start, end in chunks(reel.scans):
            segments = reel.between(start, end)
            self.picks += detector.feed(segments)
            self.stations |= detector.stations
            advance(sum(len(segment.data) for segment in segments))
        self.picks += detector.flush()

    def _draw(self, picks: list[Pick], reel: Reel, folder: Path) -> None:
        from jijin.report.figures import draw

        try:
            folder.mkdir(parents=True, exist_ok=True)
            for path in draw(picks, reel, self.model, folder):
                self.figures += 1
                self.messages.detail(f"{path}: drawn")
        except OSError as error:  # the picks are worth more than their pictures
            self.messages.fail(f"{error.filename or folder}: no figure can be written: {error.strerror}")
