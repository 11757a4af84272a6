"""An alarm, and the file that a run keeps its alarms in."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from jijin.errors import ReadError
from jijin.io.tables import iso, replacing

FILE = "alarms.jsonl"


@dataclass(frozen=True, slots=True)
class Alarm:
    """An alarm; reason holds the numbers that made it one."""

    alarm_id: str
    rule: str
    level: str
    time_ns: int  # when it was made
    onset_ns: int  # of the earliest pick, or of the event
    text: str
    reason: dict[str, Any] = field(default_factory=dict)
    event_id: str = ""
    test: bool = False
    kind: str = "alarm"  # or "cancelled": the event of an earlier alarm is none any more

    def as_json(self) -> dict[str, Any]:
        """With its times in ISO 8601 too."""
        return {**asdict(self), "time": iso(self.time_ns), "onset": iso(self.onset_ns)}


def append(folder: Path, alarm: Alarm) -> None:
    """One line of JSON to the run's file of alarms."""
    with (folder / FILE).open("a", encoding="utf-8") as file:
        file.write(json.dumps(alarm.as_json()) + "\n")


def read_alarms(folder: Path) -> list[Alarm]:
    """All alarms of a run, the oldest first. A last line that was cut short is left out; ReadError for other damage."""
    path = folder / FILE
    if not path.exists():
        return []
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    names = Alarm.__dataclass_fields__
    found = []
    for number, line in enumerate(lines, 1):
        try:
            table = json.loads(line)
            found.append(Alarm(**{key: value for key, value in table.items() if key in names}))
        except (ValueError, TypeError) as error:
            if number < len(lines) or line.endswith("\n"):
                raise ReadError(f"{path}: line {number} is no alarm") from error
    return found


def forget_alarms(folder: Path, before_ns: int) -> None:
    """Drop alarms made before that time."""
    kept = read_alarms(folder)
    if kept and kept[0].time_ns < before_ns:
        with replacing(folder / FILE) as file:
            for alarm in kept:
                if alarm.time_ns >= before_ns:
                    file.write(json.dumps(alarm.as_json()).encode() + b"\n")
