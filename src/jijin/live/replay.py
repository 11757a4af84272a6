"""Files as if they came now: packets of a second, each handed on when its last sample has been recorded."""

from __future__ import annotations

from collections.abc import Iterator
from threading import Event

from jijin.io.files import Scan
from jijin.io.timeline import Reel, between, chunks
from jijin.live.clock import ReplayClock
from jijin.live.packets import Packet
from jijin.live.sources import Put, SourceState
from jijin.types import NS, Segment

MINUTE_NS = 60 * NS


class Replay:
    """The files of a list of scans, by time of the data; all stations side by side, as a server sends them."""

    def __init__(self, scans: list[Scan], clock: ReplayClock, packet_s: float = 1.0) -> None:
        self.name = "replay"
        self.status = SourceState()
        self._scans, self._clock, self._packet_ns = scans, clock, int(packet_s * NS)

    def run(self, put: Put, stop: Event) -> None:
        self.status.state, self.status.connects = "connected", 1
        for end_ns, segments in self.packets():
            self._clock.wait_until(end_ns, stop)
            if stop.is_set():
                return
            for segment in segments:
                put(Packet(segment, self._clock.now_ns(), self.name))
        self.status.state = "ended"

    def packets(self) -> Iterator[tuple[int, list[Segment]]]:
        """(end of the packets in ns, their segments), in order of time."""
        reel = Reel(self._scans)
        for start_ns, end_ns in chunks(self._scans, MINUTE_NS):
            minute = reel.between(start_ns, end_ns)
            for at in range(start_ns, end_ns, self._packet_ns):
                stop = min(at + self._packet_ns, end_ns)
                parts = [part for one in minute if (part := between(one, at, stop))]
                if parts:
                    yield stop, parts
        for path, damage in reel.problems.items():
            self.status.note = f"{path}: {damage}"
