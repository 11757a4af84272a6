"""Packets as they come: what is wrong with their times is counted, and logged with the channel and the times."""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import dataclass, field

from jijin.buffer import SAME_RATE
from jijin.types import NS, Segment, ns_to_samples, utc

log = logging.getLogger("jijin")

FUTURE_NS = 120 * NS  # data further ahead of the clock than that have a wrong time
LATE_NS = 60 * NS  # data that end so long before the newest of their channel fill no open window
LOGGED = 20  # lines of one kind for one channel; counted on, but told no more


@dataclass(frozen=True, slots=True, eq=False)
class Packet:
    """Samples as a source gave them. seqnum counts a server's packets; None where there is no such thing."""

    segment: Segment
    arrived_ns: int
    source: str = ""
    station: str = ""  # as the source names it: NET_STA
    seqnum: int | None = None


@dataclass(slots=True)
class ChannelState:
    """What has come of one channel so far."""

    first_ns: int
    end_ns: int  # of its newest data
    sampling_rate: float
    arrived_ns: int = 0
    packets: int = 0
    samples: int = 0
    troubles: Counter[str] = field(default_factory=Counter)


class Arrivals:
    """The state of every channel. troubles: what can be wrong with a packet, each counted by channel:

    "duplicate" (all of it was there), "overlap" (some of it), "out of order" (older than the newest, and new),
    "late" (so old that its windows are gone), "gap", "rate" (another sampling rate than before) and
    "future" (its time is beyond the clock: a clock has jumped; such data are not used).
    """

    def __init__(self) -> None:
        self.channels: dict[str, ChannelState] = {}
        self._recent: dict[str, list[tuple[int, int]]] = {}  # by channel: spans of the last minutes

    def take(self, packet: Packet) -> bool:
        """Note a packet; False if its samples must not be used."""
        segment = packet.segment
        state = self.channels.get(segment.seed_id)
        if segment.end_ns > packet.arrived_ns + FUTURE_NS:
            self._refuse_future(packet, state)
            return False
        if state is None:
            state = ChannelState(segment.start_ns, segment.start_ns, segment.sampling_rate)
            self.channels[segment.seed_id] = state
        else:
            self._compare(segment, state)
        self._remember(segment)
        state.packets, state.samples = state.packets + 1, state.samples + len(segment.data)
        state.arrived_ns = packet.arrived_ns
        state.end_ns = max(state.end_ns, segment.end_ns)
        state.sampling_rate = segment.sampling_rate
        return True

    def _refuse_future(self, packet: Packet, state: ChannelState | None) -> None:
        segment = packet.segment
        state = state or self.channels.setdefault(
            segment.seed_id, ChannelState(packet.arrived_ns, packet.arrived_ns, segment.sampling_rate)
        )
        ahead_s = (segment.end_ns - packet.arrived_ns) / NS
        self._trouble(segment, state, "future", f"are {ahead_s:.0f} s ahead of the clock and are not used")

    def _compare(self, segment: Segment, state: ChannelState) -> None:
        if abs(segment.sampling_rate / state.sampling_rate - 1) > SAME_RATE:
            rates = f"{state.sampling_rate:g} to {segment.sampling_rate:g} Hz"
            self._trouble(segment, state, "rate", f"change the sampling rate from {rates}")
        off = ns_to_samples(segment.start_ns - state.end_ns, segment.sampling_rate)
        if off > 0.5:
            gap_s = (segment.start_ns - state.end_ns) / NS
            self._trouble(segment, state, "gap", f"come after a gap of {gap_s:.3f} s from {utc(state.end_ns)}")
        elif off < -0.5:
            self._compare_old(segment, state)

    def _compare_old(self, segment: Segment, state: ChannelState) -> None:
        spans = self._recent[segment.seed_id]
        half = round(0.5 * NS / segment.sampling_rate)
        if any(a - half <= segment.start_ns and segment.end_ns <= b + half for a, b in spans):
            self._trouble(segment, state, "duplicate", "are there already")
        elif segment.end_ns < state.end_ns - LATE_NS:
            self._trouble(segment, state, "late", f"come {(state.end_ns - segment.end_ns) / NS:.1f} s late")
        elif any(a < segment.end_ns - half and segment.start_ns + half < b for a, b in spans):
            self._trouble(segment, state, "overlap", "overlap with data that are there")
        else:
            self._trouble(segment, state, "out of order", f"come after data up to {utc(state.end_ns)}")

    def _remember(self, segment: Segment) -> None:
        """Spans of the last ten minutes with data, joined where they touch."""
        old = self._recent.get(segment.seed_id, [])
        half = round(0.5 * NS / segment.sampling_rate)
        joined: list[tuple[int, int]] = []
        for start, end in sorted([*old, (segment.start_ns, segment.end_ns)]):
            if joined and start <= joined[-1][1] + half:
                joined[-1] = (joined[-1][0], max(joined[-1][1], end))
            else:
                joined.append((start, end))
        horizon = joined[-1][1] - 10 * LATE_NS
        self._recent[segment.seed_id] = [(max(a, horizon), b) for a, b in joined if b > horizon]

    def _trouble(self, segment: Segment, state: ChannelState, kind: str, clause: str) -> None:
        state.troubles[kind] += 1
        count = state.troubles[kind]
        if count <= LOGGED:
            more = "; further ones are only counted" if count == LOGGED else ""
            span = f"{utc(segment.start_ns)} to {utc(segment.end_ns)}"
            log.warning("%s: %s: data of %s %s%s", segment.seed_id, kind, span, clause, more)

    def totals(self) -> Counter[str]:
        """Troubles of all channels, by kind."""
        return sum((state.troubles for state in self.channels.values()), Counter())
