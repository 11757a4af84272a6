"""Where the time of a training goes, and the memory."""

from __future__ import annotations

import sys
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


def peak_memory_mb() -> float | None:
    """Largest resident memory so far of this process and of its largest finished child together; None on Windows."""
    try:
        import resource
    except ImportError:
        return None
    kib = sum(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return kib * (1.024e-3 if sys.platform == "linux" else 1e-6)  # kibibytes on Linux, bytes on macOS
