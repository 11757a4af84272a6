"""What a run's database keeps beside the types of jijin.types, and how picks stand in its rows."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from jijin.types import NS, Detection, Pick, StationDay


@dataclass(frozen=True, slots=True)
class Coverage:
    """Where a channel has data within one UTC day: spans [start_ns, end_ns), in order, apart from one another."""

    seed_id: str
    spans: tuple[tuple[int, int], ...]

    @property
    def seconds(self) -> float:
        return sum(end - start for start, end in self.spans) / NS


@dataclass(frozen=True, slots=True)
class DayResult:
    """What became of one station-day. note tells what was lost, "" if nothing; failed: nothing could be used.

    remarks, what a user may want to know, are told but not kept.
    """

    job: StationDay
    picks: tuple[Pick, ...] = ()
    coverage: tuple[Coverage, ...] = ()
    note: str = ""
    failed: bool = False
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is, in station-days."""

    done: int
    failed: int
    todo: int
    notes: dict[StationDay, str] = field(default_factory=dict)  # what was lost where

    @property
    def total(self) -> int:
        return self.done + self.failed + self.todo


def pick_id(pick: Pick) -> str:
    """16 hexadecimal digits that only depend on the channel, the phase and the time.

    >>> pick_id(Pick("BW.RJOB..EHZ", "P", 1251073207419999600, 0.02, 0.9))
    '310c443296e78d13'
    """
    text = f"{pick.seed_id} {pick.phase_hint} {pick.time_ns}"
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def pick_row(pick: Pick) -> tuple[Any, ...]:
    """A pick in the order of the table pick, without the last column."""
    found = pick.detection
    detection = (found.start_ns, found.end_ns, found.probability) if found else (None, None, None)
    own = (pick.seed_id, pick.phase_hint, pick.time_ns, pick.time_uncertainty_s, pick.probability)
    return (pick_id(pick), *own, *detection)


def to_pick(row: Sequence[Any]) -> Pick:
    """What pick_row made."""
    detection = Detection(*row[6:9]) if row[6] is not None else None
    seed_id, phase_hint, time_ns, uncertainty_s, probability = row[1:6]
    return Pick(seed_id, phase_hint, time_ns, uncertainty_s, probability, detection)
