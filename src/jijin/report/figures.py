"""Which figures a run deserves: one a detection, one for each bunch of picks outside of any."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jijin.io.formats import to_stream
from jijin.io.tables import replacing
from jijin.io.timeline import Reel
from jijin.report.plots import plot_detection
from jijin.resampling import is_usable
from jijin.types import NS, Detection, Pick, instrument_id, utc

if TYPE_CHECKING:
    from obspy import Stream

BEFORE_NS, AFTER_NS = 8 * NS, 12 * NS  # seconds of record around the first and the last thing to show
LONGEST_NS = 300 * NS  # of one figure; what lasts longer is shown from its beginning
CONTEXT_NS = 90 * NS  # more than a window: the curves in the figure are then those that were picked from
BUNCH_NS = 30 * NS  # picks outside of a detection that are closer than this share a figure


@dataclass(slots=True)
class Scene:
    """The picks that share a figure, all of one instrument."""

    instrument: str  # NET.STA.LOC.BI
    picks: list[Pick]

    @property
    def detection(self) -> Detection | None:
        """The detection they lie in, or None."""
        return self.picks[0].detection

    @property
    def span_ns(self) -> tuple[int, int]:
        """Start and end of what the figure shows."""
        times = [pick.time_ns for pick in self.picks]
        if found := self.detection:
            times += [found.start_ns, found.end_ns]
        start = min(times) - BEFORE_NS
        return start, min(max(times) + AFTER_NS, start + LONGEST_NS)

    @property
    def filename(self) -> str:
        """NET.STA.LOC.BI_20090824T002007.png: sorts by instrument and time, never hidden, fit for any file system."""
        first = self.detection.start_ns if self.detection else self.picks[0].time_ns
        name = "".join(c if c.isalnum() or c in ".-" else "_" for c in self.instrument).lstrip(".") or "unnamed"
        return f"{name}_{utc(first).strftime('%Y%m%dT%H%M%S')}.png"


def scenes(picks: Iterable[Pick]) -> list[Scene]:
    """Picks by instrument and detection, and those outside of any by instrument and nearness; in order of time."""
    found: dict[object, Scene] = {}
    last: dict[str, tuple[int, int]] = {}  # of the picks outside of a detection: number of the bunch, time
    for pick in sorted(picks, key=lambda pick: pick.time_ns):
        instrument = instrument_id(pick.seed_id)
        key: object = pick.detection and (pick.detection.start_ns, pick.detection.end_ns)
        if key is None:
            bunch, time_ns = last.get(instrument, (0, pick.time_ns))
            key = bunch + (pick.time_ns - time_ns >= BUNCH_NS)
            last[instrument] = key, pick.time_ns
        found.setdefault((instrument, key), Scene(instrument, [])).picks.append(pick)
    return sorted(found.values(), key=lambda scene: scene.span_ns)


def draw(picks: Iterable[Pick], reel: Reel, model: Any, folder: Path) -> Iterator[Path]:
    """Write a PNG for each scene into folder and name it. Files are read again, forward, one after another."""
    taken: set[Path] = set()
    for scene in scenes(picks):
        start, end = scene.span_ns
        stream = _excerpt(reel, scene.instrument, start - CONTEXT_NS, end + CONTEXT_NS)
        path = _free(folder / scene.filename, taken)
        figure = _figure(scene, stream, model)
        with replacing(path) as file:
            figure.savefig(file, format="png", dpi=200)
        yield path


def _free(path: Path, taken: set[Path]) -> Path:
    """The path, or with _2, _3, ... where this run has used it: two scenes may begin in one second."""
    number, free = 1, path
    while free in taken:
        number += 1
        free = path.with_name(f"{path.stem}_{number}{path.suffix}")
    taken.add(free)
    return free


def _excerpt(reel: Reel, instrument: str, start_ns: int, end_ns: int) -> Stream:
    """The channels of one instrument that are picked on."""
    mine = (segment for segment in reel.between(start_ns, end_ns) if instrument_id(segment.seed_id) == instrument)
    return to_stream(segment for segment in mine if is_usable(segment.sampling_rate))


def _figure(scene: Scene, stream: Stream, model: Any) -> Any:
    from jijin import annotate

    start, end = map(utc, scene.span_ns)
    curves = annotate(stream, model).trim(start, end)
    return plot_detection(stream.slice(start, end), curves, scene.picks, scene.detection)
