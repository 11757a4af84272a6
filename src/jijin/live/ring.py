"""The last minutes of every channel, for whoever needs waveforms again: magnitudes, alarms, the page."""

from __future__ import annotations

from collections import deque
from threading import Lock

from jijin.io.timeline import between
from jijin.types import NS, Segment


class Ring:
    """Segments of the last length_s seconds of data, by channel. Safe to read from other threads."""

    def __init__(self, length_s: float) -> None:
        self._length_ns = int(length_s * NS)
        self._channels: dict[str, deque[Segment]] = {}
        self._lock = Lock()

    def add(self, segment: Segment) -> None:
        """Keep a segment, and drop what has become too old."""
        with self._lock:
            held = self._channels.setdefault(segment.seed_id, deque())
            held.append(segment)
            oldest_ns = max(held[-1].end_ns, held[0].end_ns) - self._length_ns
            while held[0].end_ns < oldest_ns:
                held.popleft()

    def __call__(self, nsl: str, start_ns: int, end_ns: int) -> list[Segment]:
        """The data of all channels of NET.STA.LOC in start_ns <= t < end_ns; maybe none."""
        with self._lock:
            held = [one for name, found in self._channels.items() if name.startswith(nsl + ".") for one in found]
        parts = (between(segment, start_ns, end_ns) for segment in held)
        return sorted((part for part in parts if part), key=lambda part: (part.seed_id, part.start_ns))

    @property
    def samples(self) -> int:
        """How many are held."""
        with self._lock:
            return sum(len(one.data) for held in self._channels.values() for one in held)
