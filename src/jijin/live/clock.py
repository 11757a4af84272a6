"""What time it is: of the computer, or of a replay that runs faster or slower than the world did."""

from __future__ import annotations

import time
from threading import Event
from typing import Protocol

from jijin.types import NS


class Clock(Protocol):
    """The time that data, picks and alarms are measured against."""

    def now_ns(self) -> int:
        """Nanoseconds since 1970."""
        ...


class SystemClock:
    """The computer's own."""

    def now_ns(self) -> int:
        return time.time_ns()


class ReplayClock:
    """Time of the data: starts at start_ns and runs at `speed` times the real one.

    At infinite speed time stands until wait_until moves it, so a replay takes as long as its work does.
    """

    def __init__(self, start_ns: int, speed: float = 1.0) -> None:
        self.start_ns, self.speed = start_ns, speed
        self._at = start_ns
        self._began = time.monotonic()

    def now_ns(self) -> int:
        if self.speed == float("inf"):
            return self._at
        return self.start_ns + int((time.monotonic() - self._began) * self.speed * NS)

    def wait_until(self, time_ns: int, stop: Event) -> None:
        """Return when it is that time, or at once if stop is set."""
        self._at = max(self._at, time_ns)
        if self.speed == float("inf"):
            return
        stop.wait(max((time_ns - self.now_ns()) / NS / self.speed, 0))
