"""Magnitudes on a live feed: waveforms come bit by bit, and are gone some minutes later."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jijin.io.archive import Waveforms
from jijin.network.magnitude import MagnitudeConfig, Sizer
from jijin.types import NS, Arrival, Origin, Segment, StationMagnitude

if TYPE_CHECKING:
    from obspy import Inventory

SAME_NS = 2 * NS  # predictions of P that are no farther apart are of one event
FORGET_NS = 3600 * NS  # before the newest P of a station


@dataclass(frozen=True, slots=True)
class Reading:
    """What a station's channels said of the event with this P; full if its window had ended."""

    p_ns: int
    full: bool
    channels: tuple[StationMagnitude, ...]
    epicentral_km: float
    depth_km: float

    @property
    def useful(self) -> bool:
        """Whether a channel of it counts."""
        return any(not one.reason for one in self.channels)


class LiveSizer(Sizer):
    """A Sizer that keeps what it has read at a station once the window was full.

    An event is sized again with each of its versions, and its waveforms may be gone by then. Until a window is full its
    station is read anew each time; an amplitude that was there is never given up for none. Distances, and magnitudes
    with them, follow the origin.
    """

    def __init__(self, inventory: Inventory | None, config: MagnitudeConfig | None = None) -> None:
        super().__init__(inventory, config)
        self._kept: dict[str, list[Reading]] = {}  # by NET.STA.LOC

    def station(
        self, nsl: str, origin: Origin, arrivals: Sequence[Arrival], waveforms: Waveforms
    ) -> list[StationMagnitude]:
        """As Sizer's, or what it was when there was more to read."""
        p_ns, kept = self.span(origin, arrivals).p_ns, self._kept.setdefault(nsl, [])
        known = next((one for one in kept if abs(one.p_ns - p_ns) <= SAME_NS), None)
        if known is None or not known.full:
            known = self._better(known, self._read(nsl, origin, arrivals, waveforms))
            kept[:] = [one for one in kept if abs(one.p_ns - p_ns) > SAME_NS and one.p_ns > p_ns - FORGET_NS] + [known]
        before, now = (known.epicentral_km, known.depth_km), (arrivals[0].distance_km, origin.depth_km)
        return [self.moved(one, before, now) for one in known.channels]

    def _read(self, nsl: str, origin: Origin, arrivals: Sequence[Arrival], waveforms: Waveforms) -> Reading:
        span, ends = self.span(origin, arrivals), [0]

        def watched(name: str, start_ns: int, end_ns: int) -> list[Segment]:
            found = waveforms(name, start_ns, end_ns)
            ends.extend(segment.end_ns for segment in found)
            return found

        channels = tuple(super().station(nsl, origin, arrivals, watched))
        return Reading(span.p_ns, max(ends) >= span.end_ns, channels, arrivals[0].distance_km, origin.depth_km)

    @staticmethod
    def _better(known: Reading | None, new: Reading) -> Reading:
        return known if known and known.useful and not new.useful else new
