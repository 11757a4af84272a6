"""From picks and events to alarms: each says which rule fired, and why."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import asdict
from itertools import pairwise
from threading import Lock
from typing import Any

from jijin.io.archive import Waveforms
from jijin.io.tables import iso
from jijin.live.alarm import Alarm
from jijin.live.clock import Clock
from jijin.live.engine import Tick
from jijin.live.events import EventChange
from jijin.live.groups import Groups
from jijin.live.judge import judge
from jijin.live.onsite import measure, sta_lta
from jijin.live.rules import AlertConfig, EventRule, Rule, StationRule, StationsRule
from jijin.network.responses import Sensors
from jijin.network.stations import Stations
from jijin.types import NS, Event, Pick, instrument_id, net_sta, nsl

log = logging.getLogger("jijin")

RECENT_NS = 60 * NS  # of data: picks that take part in rules on picks
ASK_NS = 15 * NS  # of data after a P: so long a station's rule is asked again


class Alarms:
    """Listens to ticks and to events; tells its listeners of alarms."""

    def __init__(
        self,
        config: AlertConfig,
        clock: Clock,
        waveforms: Waveforms,
        stations: Stations | None = None,
        sensors: Sensors | None = None,
    ) -> None:
        self.config, self._clock, self._waveforms = config, clock, waveforms
        self._sensors = sensors
        self._picks: dict[str, Pick] = {}  # recent P by key
        self._silent_until: dict[tuple[str, str], int] = {}
        self._told: dict[tuple[str, str], int] = {}  # rule and event or pick -> when
        self._groups = {r.name: Groups(r, stations) for r in config.rules if isinstance(r, StationsRule)}
        self._nsl: set[str] = set()
        self._lock = Lock()  # ticks and events come from two threads
        self.listeners: list[Callable[[Alarm], None]] = []
        for rule in config.rules:
            if isinstance(rule, EventRule) and stations is None:
                log.warning("rule '%s' can never fire, because without --stations there are no events", rule.name)

    def remember(self, alarms: Iterable[Alarm]) -> None:
        """Take over what was told before a restart, the oldest first, so that it is not told again."""
        rules, now_ns = {rule.name: rule for rule in self.config.rules}, self._clock.now_ns()
        for alarm in alarms:
            if alarm.rule in rules and alarm.test == self.config.test:
                self._remember(rules[alarm.rule], alarm, now_ns)

    def _remember(self, rule: Rule, alarm: Alarm, now_ns: int) -> None:
        instrument, stations = alarm.reason.get("instrument", ""), alarm.reason.get("stations", [])
        if alarm.kind == "cancelled":
            self._told.pop((rule.name, alarm.event_id), None)
            return
        if alarm.event_id:
            self._told[(rule.name, alarm.event_id)] = alarm.time_ns
        elif isinstance(rule, StationRule) and instrument:
            self._told[_onset_key(rule, instrument, alarm.onset_ns)] = alarm.time_ns
        elif isinstance(rule, StationsRule) and stations:
            self._groups[rule.name].firsts.append((stations[0], alarm.onset_ns))
        if alarm.time_ns <= now_ns:  # a replay may begin anew before it
            what = net_sta(instrument) if isinstance(rule, StationRule) else ""
            self._silent_until[(rule.name, what)] = alarm.time_ns + int(rule.hold_off_s * NS)

    # picks

    def __call__(self, tick: Tick) -> None:
        """Ask the rules on picks."""
        with self._lock:
            self._on_tick(tick)

    def _on_tick(self, tick: Tick) -> None:
        self._nsl |= {nsl(segment.seed_id) for segment in tick.segments}
        for change in tick.changes:
            if change.pick.phase_hint == "P":
                self._picks.pop(change.key, None)
                if change.kind != "withdrawn":
                    self._picks[change.key] = change.pick
        self._forget(tick.now_ns)
        for rule in self.config.rules:
            if isinstance(rule, StationsRule) and tick.changes:
                self._stations_rule(rule)
            elif isinstance(rule, StationRule) and tick.looks:
                self._station_rule(rule, tick)

    def _forget(self, now_ns: int) -> None:
        newest_ns = max((pick.time_ns for pick in self._picks.values()), default=0)
        self._picks = {k: p for k, p in self._picks.items() if p.time_ns > newest_ns - RECENT_NS}
        for groups in self._groups.values():
            groups.forget(self._picks, newest_ns - 2 * RECENT_NS)
        if len(self._told) > 10_000:
            self._told = {key: at for key, at in self._told.items() if at > now_ns - 3600 * NS}

    def _stations_rule(self, rule: StationsRule) -> None:
        """Each group is told once, when it is complete, or never if the rule is silent then."""
        while group := self._groups[rule.name].take(self._picks):
            if not self._silent(rule, ""):
                self._fire_stations(rule, group)

    def _fire_stations(self, rule: StationsRule, picks: list[Pick]) -> None:
        steps = [round((b.time_ns - a.time_ns) / NS, 2) for a, b in pairwise(picks)]
        reason = {
            "stations": [net_sta(p.seed_id) for p in picks],
            "p_times": [iso(p.time_ns) for p in picks],
            "probabilities": [round(p.probability, 3) for p in picks],
            "seconds_between": steps,
            "asked": asdict(rule),
        }
        text = f"P at {len(picks)} stations within {sum(steps):.1f} s, first at {net_sta(picks[0].seed_id)}"
        self._fire(rule, "", picks[0].time_ns, text, reason)

    def _station_rule(self, rule: StationRule, tick: Tick) -> None:
        for look in tick.looks:
            if rule.station not in ("*", net_sta(look.instrument)):
                continue
            for pick in look.picks:
                if pick.phase_hint == "P" and look.end_ns - pick.time_ns <= ASK_NS:
                    self._one_station(rule, pick)

    def _one_station(self, rule: StationRule, pick: Pick) -> None:
        """Ask the cheap questions first."""
        station, found = net_sta(pick.seed_id), pick.detection
        key = _onset_key(rule, instrument_id(pick.seed_id), pick.time_ns)
        if found is None or pick.probability < rule.probability or found.probability < rule.detection:
            return
        duration_s = (found.end_ns - max(found.start_ns, pick.time_ns)) / NS
        if duration_s < rule.duration_s or key in self._told or self._silent(rule, station):
            return
        onsite = measure(pick, self._waveforms, self._sensors)
        if onsite is None or onsite.snr_db < rule.snr_db:
            return
        if rule.tau_c_s is not None and onsite.tau_c_s < rule.tau_c_s:
            return
        if rule.pd_m is not None and (onsite.pd_m is None or onsite.pd_m < rule.pd_m):
            return
        others = self._others(station, pick)
        excited = [name for name, ratio in others.items() if ratio >= rule.sta_lta]
        if len(excited) < min(rule.other_stations, len(others)):
            return
        reason = {
            "instrument": instrument_id(pick.seed_id),
            "probability": round(pick.probability, 3),
            "detection": round(found.probability, 3),
            "duration_s": round(duration_s, 2),
            **{name: value and float(f"{value:.4g}") for name, value in asdict(onsite).items()},
            "others_sta_lta": {name: round(ratio, 1) for name, ratio in sorted(others.items())},
            "asked": asdict(rule),
        }
        self._told[key] = self._clock.now_ns()
        text = f"{station}: P with {duration_s:.1f} s of signal, {onsite.snr_db:.0f} dB, tau_c {onsite.tau_c_s:.2f} s"
        self._fire(rule, station, pick.time_ns, text, reason)

    def _others(self, station: str, pick: Pick) -> dict[str, float]:
        names = sorted(name for name in self._nsl if net_sta(name) != station)
        return sta_lta(names, self._waveforms, pick.time_ns + 15 * NS)

    # events

    def on_event(self, change: EventChange) -> None:
        """Ask the rules on events; an event that is none any more cancels its alarms."""
        with self._lock:
            self._on_event(change)

    def _on_event(self, change: EventChange) -> None:
        for rule in self.config.rules:
            if isinstance(rule, EventRule):
                key = (rule.name, change.event.event_id)
                if change.kind == "withdrawn" and self._told.pop(key, 0):
                    text = f"event {change.event.event_id} is withdrawn"
                    self._fire(rule, "", change.event.origin.time_ns, text, {}, change.event.event_id, "cancelled")
                elif change.kind != "withdrawn" and key not in self._told and not self._silent(rule, ""):
                    self._event_rule(rule, change.event)

    def _event_rule(self, rule: EventRule, event: Event) -> None:
        refused, reason = judge(rule, event)
        if refused:
            log.debug("%s: no alarm of rule '%s': %s", event.event_id, rule.name, refused)
            return
        self._told[(rule.name, event.event_id)] = self._clock.now_ns()
        where = f"{event.origin.latitude:.3f}, {event.origin.longitude:.3f}, {event.origin.depth_km:.0f} km deep"
        size = reason["magnitude"]
        text = (
            f"{reason['event_type'] or 'event'} {f'M{size:.1f}' if size is not None else 'of unknown size'} at {where}"
        )
        self._fire(rule, "", event.origin.time_ns, text, reason, event.event_id)

    # both

    def _silent(self, rule: Rule, what: str) -> bool:
        return self._clock.now_ns() < self._silent_until.get((rule.name, what), 0)

    def _fire(
        self, rule: Rule, what: str, onset_ns: int, text: str, reason: dict[str, Any], event_id: str = "",
        kind: str = "alarm",
    ) -> None:  # fmt: skip
        now_ns = self._clock.now_ns()
        if kind == "alarm":
            self._silent_until[(rule.name, what)] = now_ns + int(rule.hold_off_s * NS)
        name = f"{iso(now_ns)}-{rule.name}" + (f"-{what}" if what else "")
        test = self.config.test
        alarm = Alarm(name, rule.name, rule.level, now_ns, onset_ns, text, reason, event_id, test, kind)
        for listener in self.listeners:
            try:
                listener(alarm)
            except Exception:
                log.exception("a listener failed; alarms go on")


def _onset_key(rule: Rule, instrument: str, time_ns: int) -> tuple[str, str]:
    """One P at an instrument, whose time may change a little from look to look."""
    return rule.name, f"{instrument} {time_ns // (2 * NS)}"
