"""A live run from its first packet to its last: sources, engine, run on disk, events, alarms, page."""

from __future__ import annotations

import logging
import signal
from collections import Counter, deque
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event as Flag
from threading import Thread, current_thread, main_thread
from typing import Any

from jijin.catalog.events import RESPONSE
from jijin.catalog.run import Request
from jijin.catalog.settings import LIVE, RunConfig
from jijin.io.tables import iso, replacing
from jijin.live.alarm import Alarm, append, forget_alarms, read_alarms
from jijin.live.alarms import Alarms
from jijin.live.begun import check_begun
from jijin.live.config import LiveConfig
from jijin.live.engine import Engine, Tick
from jijin.live.events import FOLDER, WINDOW_NS, EventChange, Events
from jijin.live.keeper import Keeper
from jijin.live.network import Network, Unplaced, read_network
from jijin.live.rules import AlertConfig, read_alert
from jijin.live.sinks import Sink, open_sink
from jijin.live.sources import open_sources, without_credentials
from jijin.live.state import load_state
from jijin.live.web.security import Address, parse_address
from jijin.live.web.server import WebServer
from jijin.models import load
from jijin.store import Store, exists, pick_id
from jijin.types import DAY_NS, NS, Event, Pick

log = logging.getLogger("jijin")

SAVE_NS = 5 * NS  # of the clock: so often where to go on is written down
FORGET_NS = 3600 * NS  # so often what is too old is deleted
SHOWN = 500  # alarms that the page knows


@dataclass(frozen=True, slots=True)
class LiveRequest:
    """What a live run is asked to be. Without stations picks are made, but no events."""

    sources: tuple[str, ...]
    streams: str = "*"
    speed: float = 1.0
    stations: Path | None = None
    velocity: str = "regional"
    response: Path | None = None
    corrections: Path | None = None
    config: RunConfig = field(default_factory=RunConfig)
    live: LiveConfig = field(default_factory=LiveConfig)
    alert: Path | None = None
    web: str | None = None  # HOST:PORT of the page
    token: str | None = None  # of the page, where it is not on this computer alone

    def catalogue(self) -> Request | None:
        """The same run as a catalogue would be made."""
        if self.stations is None:
            return None
        source = without_credentials(self.sources[0]).removeprefix("replay://")
        return Request(
            source, self.stations, velocity=self.velocity, response=self.response, corrections=self.corrections,
            config=self.config,
        )  # fmt: skip


class Session:
    """Everything of one `jijin live`; run() until the sources end, stop is set or a signal comes."""

    def __init__(self, folder: Path, request: LiveRequest, out: Callable[[str], object] | None = None) -> None:
        alert = read_alert(request.alert) if request.alert else None  # what is wrong is told before anything starts
        address = parse_address(request.web, request.token) if request.web else None
        catalogue = request.catalogue()
        self.network = read_network(catalogue) if catalogue else None
        model = load(request.config.model)
        self.method = f"{model.name}/{model.version}"
        source = without_credentials(request.sources[0])
        settings = catalogue.settings() if catalogue else {"method": self.method, "source": source}
        stations = self.network.stations if self.network else ()
        check_begun(folder, settings, stations)
        state = load_state(folder)
        self.sources, self.clock = open_sources(list(request.sources), request.streams, request.speed, state.positions)
        config = request.config
        kept = kept_picks(folder)
        self.engine = Engine(model, self.clock, request.live, config.pick, config.cut, state.settled_ns, kept)
        self.counts: Counter[str] = Counter()
        self.stored = 0  # of the confirmed picks
        self.stop, self.live = Flag(), request.live
        self._out = out or _print_line
        self._saved_ns = self._forgot_ns = 0
        with ExitStack() as opened:  # what fails closes what is open, so that the run can be opened again
            self.keeper = Keeper(folder, {"kind": LIVE, **settings}, stations)
            opened.callback(self.keeper.close)
            self.keeper.put(lambda store: store.change_settings({"kind": LIVE, **settings}))
            if catalogue and catalogue.inventory:
                with replacing(folder / RESPONSE) as file:
                    file.write(catalogue.inventory.read_bytes())
            self._open(opened, alert, address)
            self._opened = opened.pop_all()

    def _open(self, opened: ExitStack, alert: AlertConfig | None, address: Address | None) -> None:
        """Events, alarms, their sinks and the page, from what the run holds."""
        folder, self.sinks = self.keeper.folder, list[Sink]()
        self.alarms: deque[Alarm] = deque(read_alarms(folder), maxlen=SHOWN)
        self.events = self._events(folder, self.network) if self.network else None
        self.alarming = self._alert(alert, self.network) if alert else None
        for one in alert.sinks if alert else ():
            self.sinks.append(open_sink(one, self._event, self.method))
            opened.callback(self.sinks[-1].close)
        self.web = WebServer(self, address) if address else None
        self.engine.listeners += [self._print, self._keep]
        if self.alarming:
            self.alarming.listeners += [self._keep_alarm, *self.sinks]
        if self.web:
            opened.callback(self.web.close)
            self._show(self.web)

    def _events(self, folder: Path, network: Network) -> Events:
        with Store.open(folder) as store:
            last_ns = max((day * DAY_NS for day in store.pick_days()), default=0)
            picks = store.picks(last_ns - WINDOW_NS)
            newest_ns = max((pick.time_ns for pick in picks), default=0)
            picks = [pick for pick in picks if pick.time_ns >= newest_ns - WINDOW_NS]
            known = store.events(newest_ns - WINDOW_NS) if picks else []
        keyed = [(pick_id(pick), pick) for pick in picks]
        sized = network.sizer.until_ns
        events = Events(network.builder, self.engine.ring, self.clock, self.keeper, self.method, known, keyed, sized)
        events.stepped = self.engine.stepped
        self.engine.listeners += [Unplaced(network.stations), events]
        events.listeners.append(self._tell_event)
        return events

    def _alert(self, alert: AlertConfig, network: Network | None) -> Alarms:
        stations, sensors = (network.stations, network.sensors) if network else (None, None)
        alarms = Alarms(alert, self.clock, self.engine.ring, stations, sensors)
        alarms.remember(self.alarms)
        self.engine.listeners.append(alarms)
        if self.events:
            self.events.listeners.append(alarms.on_event)
        return alarms

    def _show(self, web: WebServer) -> None:
        self.engine.listeners.append(web.watch.on_tick)
        if self.events:
            self.events.listeners.append(web.watch.on_event)
        if self.alarming:
            self.alarming.listeners.append(web.watch.on_alarm)

    def _event(self, event_id: str) -> Event | None:
        return self.events.known.get(event_id) if self.events else None

    # the run

    def run(self) -> str:
        """Work until there is nothing more to do; returns a summary. SIGTERM and Ctrl-C end it in order."""
        before = self._catch_signals()
        worker = None
        if self.events and not self.events.stepped:
            worker = Thread(target=self.events.work, args=(self.stop,), name="events")
        try:
            if worker:
                worker.start()
            if self.web:
                self.web.start()
            self.engine.run(self.sources, self.stop)
        finally:
            self.stop.set()
            if worker:
                worker.join()
            if self.events:
                self.events.step()
            self._close()
            for number, handler in before.items():
                signal.signal(number, handler)
        return self._summary()

    def _close(self) -> None:
        self.keeper.save_state(self.engine.state)
        self._opened.close()

    def _catch_signals(self) -> dict[signal.Signals, Any]:
        if current_thread() is not main_thread():
            return {}
        numbers = (signal.SIGTERM, signal.SIGINT)
        return {number: signal.signal(number, lambda *_: self.stop.set()) for number in numbers}

    # what is told and kept

    def _say(self, line: str) -> None:
        try:
            self._out(line)
        except OSError as error:  # whoever read stdout has gone; the run goes on
            log.warning("stdout cannot be written any more: %s", error.strerror)
            self._out = lambda line: None

    def _print(self, tick: Tick) -> None:
        for change in tick.changes:
            self.counts[change.kind] += 1
            pick = change.pick
            self._say(
                f"{iso(pick.time_ns)} {pick.seed_id} {pick.phase_hint} {change.kind} "
                f"probability={pick.probability:.2f} key={change.key}"
            )

    def _tell_event(self, change: EventChange) -> None:
        event, where = change.event, change.event.origin
        self.counts[f"event {change.kind}"] += 1
        size = event.magnitude.value if event.magnitude else None
        self._say(
            f"{iso(where.time_ns)} {event.event_id} event {change.kind} latitude={where.latitude:.4f} "
            f"longitude={where.longitude:.4f} depth_km={where.depth_km:.1f} picks={len(where.arrivals)} "
            f"magnitude={'none' if size is None else f'{size:.1f}'}"
        )

    def _keep(self, tick: Tick) -> None:
        if tick.finals:
            picks = list(tick.finals)
            self.keeper.put(lambda store: self._store(store, picks))
        if tick.now_ns - self._saved_ns >= SAVE_NS:
            self._saved_ns = tick.now_ns
            self.keeper.save_state(self.engine.state)
            self._forget(tick.now_ns)

    def _store(self, store: Store, picks: list[Pick]) -> None:
        store.add_picks(picks)
        self.stored += len(picks)

    def _forget(self, now_ns: int) -> None:
        if now_ns - self._forgot_ns >= FORGET_NS and self.live.keep_days < float("inf"):
            self._forgot_ns = now_ns
            before_ns = now_ns - int(self.live.keep_days * DAY_NS)
            self.keeper.put(lambda store: forget(store, before_ns))

    def _keep_alarm(self, alarm: Alarm) -> None:
        self.alarms.append(alarm)
        self.counts[alarm.kind] += 1
        self._say(f"{iso(alarm.time_ns)} {alarm.rule} {alarm.kind} level={alarm.level} {alarm.text}")
        self.engine.latencies.alert.add((alarm.time_ns - alarm.onset_ns) / NS)
        self.keeper.put(lambda store: append(store.folder, alarm))

    def _summary(self) -> str:
        latency = self.engine.latencies.pick.summary()
        told = f"{self.counts['confirmed']} picks confirmed, {self.counts['withdrawn']} provisional ones withdrawn"
        if self.events:
            told += f", {self.counts['event new'] - self.counts['event withdrawn']} events"
        if latency["count"]:
            told += f"; packet to pick {latency['median_s']:.2f} s (median), {latency['p99_s']:.2f} s (99 %)"
        if self.keeper.unwritten:
            why = self.keeper.trouble or "the disk is too slow"
            return (
                f"{told}; {self.stored} of the confirmed picks are stored in {self.keeper.folder}, "
                f"{self.keeper.unwritten} pieces of work are not written: {why}"
            )
        return f"{told}, in {self.keeper.folder}"


def _print_line(line: str) -> None:
    print(line, flush=True)


def kept_picks(folder: Path) -> list[Pick]:
    """Picks of a run that goes on, those a person has excluded too; none of one that begins."""
    if not exists(folder):
        return []
    with Store.open(folder) as store:
        return store.picks(excluded=True)


def forget(store: Store, before_ns: int) -> None:
    """Delete picks, events with their files, and alarms from before that time."""
    for event_id in store.forget(before_ns):
        for path in (store.folder / FOLDER).glob(f"{event_id}.v*.xml"):
            path.unlink(missing_ok=True)
    forget_alarms(store.folder, before_ns)
