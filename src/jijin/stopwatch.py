"""Where the time of a training goes."""

from __future__ import annotations

import time


class Stopwatch:
    """Seconds of named parts: lap(name) adds what has passed since the lap before it."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._last = time.perf_counter()

    def lap(self, part: str) -> None:
        """What has been done since the last lap was this part."""
        now = time.perf_counter()
        self.seconds[part] = self.seconds.get(part, 0.0) + now - self._last
        self._last = now
