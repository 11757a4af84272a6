"""Where to go on after a restart: behind the last packet that no open window or pick needs any more."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

from jijin.live.packets import Packet
from jijin.types import NS, net_sta

MARGIN_NS = 120 * NS  # before what is settled: a block of up to a minute, and the minute that its windows reach back


@dataclass(slots=True)
class _Line:
    """Packets of one station of one source: the last that is done with, and those after it as (seqnum, end)."""

    done: int  # the packet before the first one, until more is known
    open: deque[tuple[int, int]] = field(default_factory=deque)

    def drop(self, needed_ns: int) -> None:
        """The packets that end before that time are done with."""
        while len(self.open) > 1 and self.open[0][1] < needed_ns:
            self.done = self.open.popleft()[0]


class Resume:
    """Packets in, with what is settled; positions out, as they are kept on disk. Memory is bounded by longest_s."""

    def __init__(self, longest_s: float) -> None:
        self._longest_ns = int(longest_s * NS)
        self._lines: dict[tuple[str, str, str], _Line] = {}  # source, station as the source has it, NET.STA

    @property
    def any(self) -> bool:
        """Whether a source numbers its packets."""
        return bool(self._lines)

    def take(self, packet: Packet) -> None:
        """Note a packet of a source that numbers them."""
        if packet.seqnum is not None:
            key = (packet.source, packet.station, net_sta(packet.segment.seed_id))
            line = self._lines.setdefault(key, _Line(packet.seqnum - 1))
            line.open.append((packet.seqnum, packet.segment.end_ns))
            line.drop(packet.segment.end_ns - self._longest_ns)

    def positions(self, settled_ns: Mapping[str, int]) -> dict[str, dict[str, int]]:
        """By source, by its station: the packet to go on after. settled_ns by instrument, see Detector.settled.

        A sensor that holds its station back by more than longest_s no longer does.
        """
        floor: dict[str, int] = {}
        for instrument, time_ns in settled_ns.items():
            station = net_sta(instrument)
            floor[station] = min(floor.get(station, time_ns), time_ns)
        out: dict[str, dict[str, int]] = {}
        for (source, name, station), line in self._lines.items():
            line.drop(floor.get(station, 0) - MARGIN_NS)
            at = out.setdefault(source, {})
            at[name] = min(at.get(name, line.done), line.done)
        return out
