"""Events while they happen: the picks of the last minutes are associated again whenever one of them changes.

An event keeps its name over its versions (jijin.network.versions); each version goes to the database and to a
QuakeML file, with the time it was made at. Events older than the window are left as they are.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Condition
from threading import Event as Flag
from typing import Literal, Protocol

from jijin import __version__
from jijin.io.archive import Waveforms
from jijin.live.clock import Clock
from jijin.live.engine import Tick
from jijin.live.keeper import Keeper
from jijin.network.geo import distance_azimuth
from jijin.network.versions import carry_over
from jijin.store import Store
from jijin.types import NS, Event, Origin, Pick

log = logging.getLogger("jijin")

WINDOW_NS = 600 * NS  # of picks that are associated together
SPAN_NS = 240 * NS  # longest travel time; events closer than that to the window's beginning change no more
ABSENT = 3  # associations in a row without an event whose picks are still there, after which it is withdrawn
PAUSE_S = 1.0  # of the clock, between two associations
LATE_NS = 10 * NS  # that data come behind the clock, at most: then a magnitude has what it can have
FOLDER = "events"  # in the folder of the run


class Builder(Protocol):
    """Picks to events; jijin.network.build.EventBuilder is one."""

    def build(self, picks: Iterable[Pick], waveforms: Waveforms | None = None) -> list[Event]: ...


@dataclass(frozen=True, slots=True)
class EventChange:
    """What is told of an event."""

    kind: Literal["new", "updated", "withdrawn"]
    event: Event
    now_ns: int


class Events:
    """Listens to ticks; work() associates in a thread of its own, step() once.

    stepped : associate while ticks are told, by their time, so that a replay gives the same events every time.
    """

    def __init__(
        self,
        builder: Builder,
        waveforms: Waveforms,
        clock: Clock,
        keeper: Keeper | None = None,
        method: str = "",
        known: Iterable[Event] = (),
        picks: Iterable[tuple[str, Pick]] = (),
        until_ns: Callable[[Origin], int] | None = None,
    ) -> None:
        self._builder, self._waveforms, self._clock, self._keeper = builder, waveforms, clock, keeper
        self._method = method
        known, picks = list(known), list(picks)
        self.known: dict[str, Event] = {event.event_id: event for event in known}
        self._picks: dict[str, Pick] = dict(picks)  # by key
        self._keys: dict[Pick, str] = {pick: key for key, pick in self._picks.items()}
        self._changed = Condition()
        self._confirmed: set[str] = {key for key, _ in picks}
        self._settled = {event.event_id for event in known}  # told with all picks confirmed
        self._absent: Counter[str] = Counter()  # associations in a row that have not found an event again
        self._dirty, self._stepped_ns = False, 0
        self._until_ns, self._again_ns = until_ns, list[int]()  # when windows of amplitudes end: events are sized again
        self.stepped = False
        self.listeners: list[Callable[[EventChange], None]] = []

    def __call__(self, tick: Tick) -> None:
        """Take over what has become of picks."""
        if not tick.changes and not self._due(tick.now_ns):
            return
        with self._changed:
            for change in tick.changes:
                if change.kind == "withdrawn":
                    self._picks.pop(change.key, None)
                else:
                    self._picks[change.key] = change.pick
                    self._keys[change.pick] = change.key
                if change.kind == "confirmed":
                    self._confirmed.add(change.key)
            self._dirty = True
            self._changed.notify()
        if self.stepped and tick.now_ns - self._stepped_ns >= PAUSE_S * NS:
            self._stepped_ns = tick.now_ns
            self.step()

    def work(self, stop: Flag) -> None:
        """Associate whenever there is something new, until stop is set."""
        while not stop.is_set():
            with self._changed:
                self._changed.wait_for(lambda: self._dirty or stop.is_set(), timeout=0.5)
            if self._dirty or self._due(self._clock.now_ns()):
                self.step()
                stop.wait(PAUSE_S)

    def step(self) -> list[EventChange]:
        """Associate the picks of the window, and tell what has changed."""
        with self._changed:
            self._dirty, now_ns = False, self._clock.now_ns()
            self._again_ns = [end_ns for end_ns in self._again_ns if end_ns > now_ns]
            self._age()
            picks, keys = dict(self._picks), dict(self._keys)
        old = [_renewed(event, picks, keys) for event in self.known.values()]
        try:
            new = carry_over(old, self._builder.build(picks.values(), self._waveforms))
        except Exception:  # of a part that was not written here; the next picks are tried again
            log.exception("picks could not be associated")
            return []
        changes = [self._tell(change) for change in self._compare(old, new)]
        self._plan()
        return changes

    def _plan(self) -> None:
        """Note when windows end that were not over at this step."""
        if self._until_ns:
            ends, now_ns = (self._until_ns(event.origin) for event in self.known.values()), self._clock.now_ns()
            self._again_ns = sorted(end + LATE_NS for end in ends if end + LATE_NS > now_ns)

    def _due(self, now_ns: int) -> bool:
        """Whether the window of a known event has ended since the last step."""
        return bool(self._again_ns) and self._again_ns[0] <= now_ns

    def _age(self) -> None:
        """Let go of picks and events that are older than the window."""
        newest_ns = max((pick.time_ns for pick in self._picks.values()), default=0)
        closed = [e for e in self.known.values() if e.origin.time_ns < newest_ns - WINDOW_NS + SPAN_NS]
        for event in closed:
            del self.known[event.event_id]
            for pick in event.origin.picks:
                self._picks.pop(self._keys.get(pick, ""), None)
        self._picks = {key: p for key, p in self._picks.items() if p.time_ns >= newest_ns - WINDOW_NS}
        used = {pick for event in self.known.values() for pick in event.origin.picks}
        self._keys = {p: key for p, key in self._keys.items() if key in self._picks or p in used}
        self._confirmed &= set(self._keys.values())
        self._settled &= set(self.known)

    def _compare(self, old: list[Event], new: list[Event]) -> list[EventChange]:
        now_ns, there = self._clock.now_ns(), {event.event_id for event in new}
        changes: list[EventChange] = []
        for event in new:
            before = self.known.get(event.event_id)
            if not any(event is one for one in old) and self._worth_telling(before, event):
                kind: Literal["new", "updated"] = "updated" if before else "new"
                event = replace(event, version=before.version + 1 if before else event.version)
                changes.append(EventChange(kind, replace(event, creation_ns=now_ns), now_ns))
        self._absent = Counter({name: self._absent[name] + 1 for name in self.known if name not in there})
        gone = [self.known[name] for name, times in self._absent.items() if times >= ABSENT or not self._alive(name)]
        return changes + [EventChange("withdrawn", event, now_ns) for event in gone]

    def _alive(self, event_id: str) -> bool:
        """Whether half of an event's picks are still there."""
        keys = [self._keys.get(pick) for pick in self.known[event_id].origin.picks]
        return 2 * sum(key in self._picks for key in keys) >= len(keys)

    def _worth_telling(self, before: Event | None, event: Event) -> bool:
        """Whether it differs by more than a fraction of its errors, or all its picks have been confirmed since."""
        keys = {self._keys.get(pick, "") for pick in event.origin.picks}
        settled = keys <= self._confirmed and event.event_id not in self._settled
        if settled:
            self._settled.add(event.event_id)
        if before is None or settled or keys != {self._keys.get(pick, "") for pick in before.origin.picks}:
            return True
        return moved(before, event)

    def _tell(self, change: EventChange) -> EventChange:
        event = change.event
        if change.kind == "withdrawn":
            del self.known[event.event_id]
        else:
            self.known[event.event_id] = event
        if self._keeper:
            self._keeper.put(lambda store: keep(store, change, self._method))
        for listener in self.listeners:
            try:
                listener(change)
            except Exception:
                log.exception("a listener failed; events go on")
        return change


def _renewed(event: Event, picks: dict[str, Pick], keys: dict[Pick, str]) -> Event:
    """The event with its picks as they are known now, so that a new version is recognised by them."""
    arrivals = [replace(a, pick=picks.get(keys.get(a.pick, ""), a.pick)) for a in event.origin.arrivals]
    if all(new.pick is old.pick for new, old in zip(arrivals, event.origin.arrivals, strict=True)):
        return event
    return replace(event, origin=replace(event.origin, arrivals=tuple(arrivals)))


def moved(before: Event, after: Event) -> bool:
    """Whether an origin has moved by a quarter of its standard errors, or size or type are others."""
    old, new = before.origin, after.origin
    km = float(distance_azimuth(old.latitude, old.longitude, new.latitude, new.longitude)[0])
    off = (
        km / max(old.horizontal_uncertainty_km[1], 0.05),
        abs(new.depth_km - old.depth_km) / max(old.depth_uncertainty_km, 0.05),
        abs(new.time_ns - old.time_ns) / NS / max(old.time_uncertainty_s, 0.02),
    )
    sizes = [event.magnitude.value if event.magnitude else None for event in (before, after)]
    kinds = [event.source_type.event_type if event.source_type else None for event in (before, after)]
    resized = None in sizes or abs((sizes[0] or 0.0) - (sizes[1] or 0.0)) >= 0.05
    return max(off) >= 0.25 or kinds[0] != kinds[1] or (sizes[0] != sizes[1] and resized)


def keep(store: Store, change: EventChange, method: str) -> None:
    """A version of an event, or that it is none, to the database and beside it as QuakeML."""
    if change.kind == "withdrawn":
        store.withdraw(change.event.event_id, "later picks do not support it")
        return
    write_quakeml(store.folder / FOLDER, store.save_event(change.event), method)


def write_quakeml(folder: Path, event: Event, method: str) -> Path:
    """EVENT_ID.vN.xml in a folder, which is made if it is not there."""
    from jijin.io.catalog_quakeml import write_events
    from jijin.io.tables import replacing

    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{event.event_id}.v{event.version}.xml"
    with replacing(path) as file:
        write_events([event], file, method, __version__)
    return path
