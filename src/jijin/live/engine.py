"""Packets of all sources in, picks out: a tick takes what has come, looks at it, feeds the Detector, tells."""

from __future__ import annotations

import logging
import queue
import time
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from threading import Event, Thread

from jijin.config import CutConfig, PickConfig
from jijin.detector import Detector
from jijin.live.clock import Clock, ReplayClock
from jijin.live.config import LiveConfig
from jijin.live.latency import Latencies
from jijin.live.newest import Look, Newest
from jijin.live.packets import Arrivals, Packet
from jijin.live.resume import Resume
from jijin.live.ring import Ring
from jijin.live.sources import Source
from jijin.live.state import State
from jijin.live.tracker import SAME_NS, Change, Tracker
from jijin.models import Model
from jijin.types import NS, Pick, Segment, by_time, instrument_id

log = logging.getLogger("jijin")


@dataclass(frozen=True, slots=True)
class Tick:
    """What a tick has brought. Listeners get it twice: with the looks at once, then with the final picks."""

    now_ns: int
    segments: Sequence[Segment] = ()
    looks: Sequence[Look] = ()
    changes: Sequence[Change] = ()
    finals: Sequence[Pick] = ()  # those that the Detector gave, as `jijin detect` gives them


Listener = Callable[[Tick], None]


@dataclass(slots=True)
class Load:
    """How busy the engine is."""

    ticks: int = 0
    tick_s: float = 0.0  # the last one took so long
    waited_s: float = 0.0  # the oldest packet of the last tick waited so long for it
    limit_s: float = 5.0

    @property
    def overloaded(self) -> bool:
        return self.waited_s > self.limit_s


class Kept:
    """Final picks of an earlier process, from the floor_ns of their sensor on."""

    def __init__(self, picks: Iterable[Pick], floor_ns: Mapping[str, int]) -> None:
        self._picks: dict[tuple[str, str], list[Pick]] = {}
        for pick in by_time(picks):
            name = instrument_id(pick.seed_id)
            if pick.time_ns >= floor_ns.get(name, pick.time_ns) - SAME_NS:
                self._picks.setdefault((name, pick.phase_hint), []).append(pick)

    def same(self, pick: Pick) -> Pick:
        """The nearest kept pick of that sensor and phase, if it is within SAME_NS; else the pick itself."""
        known = self._picks.get((instrument_id(pick.seed_id), pick.phase_hint), [])
        at = bisect_left(known, pick.time_ns, key=lambda one: one.time_ns)
        near = min(known[max(at - 1, 0) : at + 1], key=lambda one: abs(one.time_ns - pick.time_ns), default=pick)
        return near if abs(near.time_ns - pick.time_ns) <= SAME_NS else pick


class Engine:
    """Everything between a packet and a pick; used from one thread, but for put().

    cut : its max_wait_s gives way to the wait_s of config.
    floor_ns : by sensor, the time before which final picks have been kept by an earlier process.
    kept : final picks that it has kept after that time; one that is found again is the one that is kept.
    """

    def __init__(
        self,
        model: Model,
        clock: Clock,
        config: LiveConfig | None = None,
        pick: PickConfig | None = None,
        cut: CutConfig | None = None,
        floor_ns: dict[str, int] | None = None,
        kept: Iterable[Pick] = (),
    ) -> None:
        self.clock, self.config = clock, config or LiveConfig()
        cut = replace(cut or CutConfig(), max_wait_s=self.config.wait_s)
        self._detector, self._newest = Detector(model, cut, pick), Newest(model, pick=pick)
        self.arrivals, self.latencies, self.load = Arrivals(), Latencies(), Load()
        self.ring, self.tracker = Ring(self.config.ring_s), Tracker(floor_ns)
        self._resume = Resume(self.config.resume_s)
        self._floor_ns, self._kept = dict(floor_ns or {}), Kept(kept, floor_ns or {})
        self.listeners: list[Listener] = []
        self._queue: queue.Queue[Packet] = queue.Queue(int(self.config.queue))
        self.sources: list[Source] = []
        self._turned_s = time.monotonic()

    # one tick

    def tick(self, packets: Sequence[Packet]) -> None:
        """Take packets in, tell what they show, then what they make final."""
        began, self._turned_s = time.perf_counter(), time.monotonic()
        segments = [packet.segment for packet in self._taken(packets)]
        looks = self._newest.look(segments)
        changes = [change for look in looks for change in self.tracker.see(look)]
        now_ns = self.clock.now_ns()
        self._measure(packets, changes, now_ns)
        self._tell(Tick(now_ns, segments, looks, changes))
        self._finals(self._detector.feed(segments))
        self.load.ticks += 1
        self.load.tick_s = time.perf_counter() - began

    def finish(self) -> None:
        """No more data will come: the last windows are filled up as if nothing followed."""
        if not self._replay:  # its files may be given once more, or others of an earlier time
            self._floor_ns = self.state.settled_ns  # the detector forgets it
        self._finals(self._detector.flush() if self.arrivals.channels else [])

    def _taken(self, packets: Iterable[Packet]) -> Iterator[Packet]:
        for packet in packets:
            self.latencies.arrival.add((packet.arrived_ns - packet.segment.end_ns) / NS)
            if self.arrivals.take(packet):
                self._resume.take(packet)
                self.ring.add(packet.segment)
                yield packet

    def _finals(self, picks: list[Pick]) -> None:
        new = [p for p in picks if p.time_ns >= self._floor_ns.get(instrument_id(p.seed_id), p.time_ns)]
        new = [self._kept.same(pick) for pick in new]
        changes = [self.tracker.confirm(pick) for pick in new]
        changes += self.tracker.settle(self._detector.settled())
        if changes:
            self._tell(Tick(self.clock.now_ns(), changes=changes, finals=new))

    def _measure(self, packets: Sequence[Packet], changes: Iterable[Change], now_ns: int) -> None:
        """Latencies of new picks: from the first packet of their sensor in this tick, and from the onset."""
        arrived: dict[str, int] = {}
        for packet in packets:
            name = instrument_id(packet.segment.seed_id)
            arrived[name] = min(arrived.get(name, packet.arrived_ns), packet.arrived_ns)
        self.load.waited_s = (now_ns - min(arrived.values(), default=now_ns)) / NS
        for change in changes:
            if change.kind == "new" and change.first:
                self.latencies.pick.add((now_ns - arrived[instrument_id(change.pick.seed_id)]) / NS)
                self.latencies.onset.add((now_ns - change.pick.time_ns) / NS)

    def _tell(self, tick: Tick) -> None:
        for listener in self.listeners:
            try:
                listener(tick)
            except Exception:
                log.exception("a listener failed; picking goes on")

    @property
    def state(self) -> State:
        """What a restart needs to know, now."""
        now = self._detector.settled()
        settled = self._floor_ns | {name: max(at, self._floor_ns.get(name, at)) for name, at in now.items()}
        return State(self._resume.positions(settled), settled)

    # the loop

    def put(self, packet: Packet, stop: Event) -> None:
        """Queue a packet, from any thread; waits while the queue is full, unless stop is set."""
        while not stop.is_set():
            try:
                self._queue.put(packet, timeout=0.5)
                return
            except queue.Full:
                continue

    @property
    def idle_s(self) -> float:
        """Since the last turn of the loop: more than a few ticks mean that it is stuck."""
        return time.monotonic() - self._turned_s

    @property
    def queued(self) -> int:
        """Packets that wait for the next tick."""
        return self._queue.qsize()

    @property
    def _replay(self) -> bool:
        return isinstance(self.clock, ReplayClock)

    @property
    def stepped(self) -> bool:
        """Whether ticks go by the time of a replay at infinite speed, in one thread."""
        return isinstance(self.clock, ReplayClock) and self.clock.speed == float("inf")

    def run(self, sources: list[Source], stop: Event) -> None:
        """Work until stop is set or the sources end.

        Then finish(), unless a server or files have the data of the open windows for the next start.
        """
        self.sources = sources
        if self.stepped:
            self._run_stepped(stop)
        else:
            self._run_threads(stop)
        if not (stop.is_set() and (self._resume.any or self._replay)):
            self.finish()

    def _run_stepped(self, stop: Event) -> None:
        """Tick by the time of the data, in this thread: as fast as it goes, and the same every time."""
        pending: list[Packet] = []

        def put(packet: Packet) -> None:
            if pending and packet.arrived_ns - pending[0].arrived_ns >= self.config.tick_s * NS:
                self.tick(pending)
                pending.clear()
            pending.append(packet)

        for source in self.sources:
            source.run(put, stop)
        self.tick(pending)

    def _run_threads(self, stop: Event) -> None:
        threads = [Thread(target=self._source, args=(one, stop), name=one.name, daemon=True) for one in self.sources]
        for thread in threads:
            thread.start()
        while not stop.is_set():
            began = self._turned_s = time.monotonic()
            alive = any(thread.is_alive() for thread in threads)
            packets = self._drain()
            if packets:
                self.tick(packets)
            elif not alive:
                break
            stop.wait(max(self.config.tick_s - (time.monotonic() - began), 0))
        for thread in threads:
            thread.join(5)

    def _source(self, source: Source, stop: Event) -> None:
        try:
            source.run(lambda packet: self.put(packet, stop), stop)
        except Exception as error:
            log.exception("%s: ended by an error; the others go on", source.name)
            source.status.state, source.status.note = "ended", str(error)

    def _drain(self) -> list[Packet]:
        """All packets that have come; at most as many as the queue holds."""
        return [self._queue.get_nowait() for _ in range(self._queue.qsize())]
