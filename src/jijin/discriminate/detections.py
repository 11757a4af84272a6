"""Source types of detections, each seen by one station: what `jijin detect --source-type` tells."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from jijin.discriminate.discriminator import Discriminator
from jijin.types import Pick, Segment, nsl

Between = Callable[[int, int], list[Segment]]


def typed(picks: Sequence[Pick], between: Between, judge: Discriminator) -> list[Pick]:
    """The same picks in the same order; those within a detection have its source_type.

    between(start_ns, end_ns) gives the segments of all channels; it is asked in order of time. A pick outside of any
    detection stays as it is.
    """
    groups: dict[tuple[str, int], list[Pick]] = {}
    for pick in picks:
        if pick.detection:
            groups.setdefault((nsl(pick.seed_id), pick.detection.start_ns), []).append(pick)
    types = {}
    for key in sorted(groups, key=lambda key: (_anchor_ns(groups[key]), key)):
        types[key] = judge.classify_picks(groups[key], lambda name, a, b: _of(name, between(a, b)))
    return [
        replace(pick, detection=replace(pick.detection, source_type=types[nsl(pick.seed_id), pick.detection.start_ns]))
        if pick.detection
        else pick
        for pick in picks
    ]


def _anchor_ns(picks: Sequence[Pick]) -> int:
    """Time of the P that a station's record is laid around; without one, nothing is read."""
    return max(picks, key=lambda p: (p.phase_hint == "P", p.probability)).time_ns


def _of(name: str, segments: Sequence[Segment]) -> list[Segment]:
    return [segment for segment in segments if nsl(segment.seed_id) == name]
