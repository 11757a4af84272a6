"""What the page shows of a run, as JSON: told to the hub as it comes, and whole for a page that has just opened."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from jijin.io.timeline import joined
from jijin.live.alarm import Alarm
from jijin.live.engine import Tick
from jijin.live.events import EventChange
from jijin.live.metrics import health
from jijin.live.newest import Look
from jijin.live.tracker import Change
from jijin.live.web.hub import Hub
from jijin.report.catalogue.colours import depth_colour
from jijin.report.catalogue.data import event_row
from jijin.types import NS, Event, Segment, instrument_id, net_sta, nsl

if TYPE_CHECKING:
    from jijin.live.session import Session

PICKS, EVENTS = 2000, 300  # that a page gets when it opens, the newest ones
STATUS_NS = 2 * NS  # of the clock
CURVE_S, CURVE_HZ = 15, 10  # of probabilities, of the newest look
HISTORY_S = 120  # of a trace that has just been chosen


class Watch:
    """Listens to ticks, events and alarms."""

    def __init__(self, session: Session, hub: Hub) -> None:
        self._session, self.hub = session, hub
        self._picks: deque[dict[str, Any]] = deque(maxlen=PICKS)
        self._events: dict[str, dict[str, Any]] = {}
        self.found: dict[str, Event] = {}
        self._status_ns = 0
        if session.events:
            for event in session.events.known.values():
                self._add(event)

    def on_tick(self, tick: Tick) -> None:
        """Traces and probabilities that someone looks at, picks, and now and then how all is."""
        wanted = self.hub.wanted
        for look in tick.looks:
            if look.instrument in wanted:
                self.hub.publish("curves", curves(look), look.instrument)
        if wanted:
            for segment in tick.segments:
                if instrument_id(segment.seed_id) in wanted:
                    self.hub.publish("trace", trace(segment), instrument_id(segment.seed_id))
        for change in tick.changes:
            row = pick_row(change)
            self._picks.append(row)
            self.hub.publish("pick", row)
        if tick.now_ns - self._status_ns >= STATUS_NS:
            self._status_ns = tick.now_ns
            self.hub.publish("status", self.status())

    def on_event(self, change: EventChange) -> None:
        """A version of an event, or its end."""
        if change.kind == "withdrawn":
            self._events.pop(change.event.event_id, None)
            self.found.pop(change.event.event_id, None)
            self.hub.publish("event", {"id": change.event.event_id, "gone": True})
        else:
            self.hub.publish("event", self._add(change.event))

    def _add(self, event: Event) -> dict[str, Any]:
        row = _event(event)
        self._events[event.event_id], self.found[event.event_id] = row, event
        while len(self._events) > EVENTS:
            oldest = next(iter(self._events))
            del self._events[oldest], self.found[oldest]
        return row

    def on_alarm(self, alarm: Alarm) -> None:
        """An alarm with its reason."""
        self.hub.publish("alarm", alarm.as_json())

    # whole

    def status(self) -> dict[str, Any]:
        """How sources, stations and the engine are."""
        session, engine = self._session, self._session.engine
        now_ns = session.clock.now_ns()
        channels = dict(engine.arrivals.channels)
        stations: dict[str, dict[str, Any]] = {}
        for seed_id, state in sorted(channels.items()):
            age_s = (now_ns - state.end_ns) / NS
            row = stations.setdefault(net_sta(seed_id), {"age": age_s, "delay": 0.0, "sensors": [], "trouble": {}})
            row["age"] = round(min(row["age"], age_s), 1)
            row["delay"] = round(max(row["delay"], (state.arrived_ns - state.end_ns) / NS), 1)
            row["sensors"] = sorted({*row["sensors"], instrument_id(seed_id)})
            row["trouble"] = {
                k: row["trouble"].get(k, 0) + state.troubles[k] for k in {*row["trouble"], *state.troubles}
            }
            row["quiet"] = row["age"] > session.live.quiet_s
        return {
            "now": now_ns // 1_000_000, "stations": stations, "trouble": health(session)[1],
            "sources": [[s.name, s.status.state, s.status.note] for s in session.sources],
            "tick": round(engine.load.tick_s, 3), "wait": round(engine.load.waited_s, 2), "queue": engine.queued,
            "overloaded": engine.load.overloaded, "latency": engine.latencies.summary(),
            "counts": dict(session.counts),
        }  # fmt: skip

    def whole(self) -> dict[str, Any]:
        """All that a page needs to begin with."""
        network = self._session.network
        places = [[net_sta(s.nsl), s.latitude, s.longitude] for s in network.stations] if network else []
        alarms = [alarm.as_json() for alarm in list(self._session.alarms)]
        return {
            "name": str(self._session.keeper.folder), "method": self._session.method, "places": places,
            "status": self.status(), "picks": list(self._picks), "events": list(self._events.values()),
            "alarms": alarms,
        }  # fmt: skip

    def history(self, sensor: str) -> list[dict[str, Any]]:
        """The last two minutes of a sensor's vertical, or of what it has instead."""
        end_ns = self._session.clock.now_ns()
        found = self._session.engine.ring(nsl(sensor), end_ns - HISTORY_S * NS, end_ns + NS)
        mine = [segment for segment in found if instrument_id(segment.seed_id) == sensor]
        return [trace(segment) for segment in joined(mine)]

    def record(self, event_id: str) -> dict[str, Any] | None:
        """Arrivals and waveforms of an event, for its record section; None if there is no such event."""
        from jijin.report.catalogue.data import detail
        from jijin.report.catalogue.records import traces

        event, network = self.found.get(event_id), self._session.network
        if event is None or network is None:
            return None
        rows = _expected(event)
        found = traces(event, [row.nsl for row in rows], self._session.engine.ring)
        return {"details": detail(event, rows), "records": [one.encoded() for one in found]}

    def coast(self) -> dict[str, Any]:
        """Land and borders around the network."""
        from jijin.report.catalogue.coast import shapes

        network = self._session.network
        lat, lon = ([getattr(s, n) for s in network.stations] if network else [] for n in ("latitude", "longitude"))
        if not lat:
            return {"land": [], "coast": [], "border": []}
        tall, wide = max(np.ptp(lat), 1.0), max(np.ptp(lon), 1.0)
        return shapes((min(lat) - tall, min(lon) - wide, max(lat) + tall, max(lon) + wide))


def _expected(event: Event) -> list[Any]:
    """Stations of the event's arrivals in order of distance; what has no pick is left out of a live section."""
    from jijin.report.catalogue.expected import Expected

    found: dict[str, Any] = {}
    for arrival in sorted(event.origin.arrivals, key=lambda a: a.distance_km):
        name = nsl(arrival.pick.seed_id)
        found.setdefault(name, Expected(name, arrival.distance_km, None, None))
    return list(found.values())


def _event(event: Event) -> dict[str, Any]:
    size = event.magnitude.value if event.magnitude else None
    radius = 5.0 if size is None else float(np.clip(4 + 2.5 * size, 4, 18))
    row = event_row(event, depth_colour(event.origin.depth_km, 0.0, 30.0), radius, event.origin.longitude)
    return {**row, "made": (event.creation_ns or 0) // 1_000_000}


def pick_row(change: Change) -> dict[str, Any]:
    """A pick as the page shows it."""
    pick = change.pick
    return {
        "k": change.key, "kind": change.kind, "i": instrument_id(pick.seed_id), "c": pick.seed_id,
        "ph": pick.phase_hint, "t": pick.time_ns / 1e6, "p": round(pick.probability, 2),
        "u": round(pick.time_uncertainty_s, 3),
    }  # fmt: skip


def trace(segment: Segment) -> dict[str, Any]:
    """Samples as whole numbers where they are such, else with four digits."""
    data = np.asarray(np.ma.filled(segment.data, 0))
    values = data.tolist() if data.dtype.kind in "iub" else [_short(value) for value in data.tolist()]
    return {
        "i": instrument_id(segment.seed_id), "c": segment.seed_id, "t": segment.start_ns / 1e6,
        "r": segment.sampling_rate, "d": values,
    }  # fmt: skip


def _short(value: float) -> float:
    return float(f"{value:.4g}") if np.isfinite(value) else 0.0


def curves(look: Look) -> dict[str, Any]:
    """P and S probabilities of the newest seconds in percent, the highest of each tenth of a second."""
    step = 100 // CURVE_HZ
    newest: NDArray[np.float32] = look.curves[1:, -CURVE_S * 100 :]
    percent = np.rint(100 * newest.reshape(2, -1, step).max(axis=2)).astype(int)
    return {
        "i": look.instrument, "t": look.end_ns / 1e6 - CURVE_S * 1000, "r": CURVE_HZ,
        "p": percent[0].tolist(), "s": percent[1].tolist(),
    }  # fmt: skip


def sensors(names: Iterable[str]) -> frozenset[str]:
    """Names of sensors as a client gives them, no more than it may look at."""
    from jijin.live.web.hub import MOST_TRACES

    return frozenset(sorted({name for name in names if name and len(name) < 40})[:MOST_TRACES])
