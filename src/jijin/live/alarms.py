"""From picks and events to alarms: each says which rule fired, and why."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from pathlib import Path
from threading import Lock
from typing import Any

from jijin.errors import ReadError
from jijin.io.archive import Waveforms
from jijin.io.tables import iso, replacing
from jijin.live.clock import Clock
from jijin.live.engine import Tick
from jijin.live.events import EventChange
from jijin.live.onsite import measure, sta_lta
from jijin.live.rules import AlertConfig, EventRule, Rule, StationRule, StationsRule
from jijin.network.geo import distance_azimuth
from jijin.network.responses import Sensors
from jijin.network.stations import Stations
from jijin.types import NS, Event, Pick, instrument_id, net_sta, nsl

log = logging.getLogger("jijin")

FILE = "alarms.jsonl"
RECENT_NS = 60 * NS  # of data: picks that take part in rules on picks
ASK_NS = 15 * NS  # of data after a P: so long a station's rule is asked again


@dataclass(frozen=True, slots=True)
class Alarm:
    """An alarm; reason holds the numbers that made it one."""

    alarm_id: str
    rule: str
    level: str
    time_ns: int  # when it was made
    onset_ns: int  # of the earliest pick, or of the event
    text: str
    reason: dict[str, Any] = field(default_factory=dict)
    event_id: str = ""
    test: bool = False
    kind: str = "alarm"  # or "cancelled": the event of an earlier alarm is none any more

    def as_json(self) -> dict[str, Any]:
        """With its times in ISO 8601 too."""
        return {**asdict(self), "time": iso(self.time_ns), "onset": iso(self.onset_ns)}


@dataclass(slots=True)
class _Groups:
    """What a rule on several stations is done with."""

    firsts: list[tuple[str, int]] = field(default_factory=list)  # seed id or NET.STA, and time, of each first pick
    keys: set[str] = field(default_factory=set)  # of their picks

    def forget(self, keys: Iterable[str], before_ns: int) -> None:
        """Keep those of these picks, and those not before that time."""
        self.keys.intersection_update(keys)
        self.firsts = [first for first in self.firsts if first[1] >= before_ns]


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
        self._stations, self._sensors = stations, sensors
        self._picks: dict[str, Pick] = {}  # recent P by key
        self._silent_until: dict[tuple[str, str], int] = {}
        self._told: dict[tuple[str, str], int] = {}  # rule and event or pick -> when
        self._groups: dict[str, _Groups] = {rule.name: _Groups() for rule in config.rules}
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
        while group := self._new_group(rule):
            first = group[0]
            self._groups[rule.name].firsts.append((first.seed_id, first.time_ns))
            if not self._silent(rule, ""):
                self._fire_stations(rule, group)

    def _new_group(self, rule: StationsRule) -> list[Pick]:
        """The oldest group without a pick of those that the rule is done with, in order of time; or none."""
        picks = sorted(self._new_picks(rule), key=lambda p: p.time_ns)
        for i, first in enumerate(picks):
            at = first.seed_id, first.time_ns
            group = {net_sta(p.seed_id): p for p in reversed(picks[i:]) if self._fits(rule, at, p)}
            if len(group) >= rule.stations:
                return sorted(group.values(), key=lambda p: p.time_ns)
        return []

    def _new_picks(self, rule: StationsRule) -> Iterator[Pick]:
        """Probable picks that belong to no group that the rule is done with."""
        done = self._groups[rule.name]
        for key, pick in self._picks.items():
            if key not in done.keys and any(self._fits(rule, first, pick) for first in done.firsts):
                done.keys.add(key)
            if key not in done.keys and pick.probability >= rule.probability:
                yield pick

    def _fits(self, rule: StationsRule, first: tuple[str, int], pick: Pick) -> bool:
        """Whether one wave may have made both picks, in either order; without places, within 30 km."""
        km = 30.0
        if self._stations is not None:
            one, two = (self._stations.lookup(*place) for place in (first, (pick.seed_id, pick.time_ns)))
            if one is None or two is None:
                return False
            km = float(distance_azimuth(one.latitude, one.longitude, two.latitude, two.longitude)[0])
        return abs(pick.time_ns - first[1]) / NS <= km / rule.velocity_km_s + rule.tolerance_s

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


def judge(rule: EventRule, event: Event) -> tuple[str, dict[str, Any]]:
    """Why an event gives no alarm, "" if it does; and the numbers it was judged by."""
    origin, size = event.origin, event.magnitude.value if event.magnitude else None
    kind = event.source_type.event_type if event.source_type else None
    stations = sorted({net_sta(a.pick.seed_id) for a in origin.arrivals if a.time_weight > 0})
    km = None
    if rule.place is not None:
        km = float(distance_azimuth(rule.place[0], rule.place[1], origin.latitude, origin.longitude)[0])
    reason = {
        "stations": stations, "magnitude": size, "event_type": kind, "distance_km": km, "rms_s": round(origin.rms_s, 3),
        "azimuthal_gap_deg": round(origin.azimuthal_gap_deg, 1), "version": event.version, "asked": asdict(rule),
    }  # fmt: skip
    return next(iter(_refusals(rule, len(stations), size, kind, km, origin.rms_s)), ""), reason


def _refusals(
    rule: EventRule, stations: int, size: float | None, kind: str | None, km: float | None, rms_s: float
) -> Iterator[str]:
    if stations < rule.stations:
        yield f"{stations} stations"
    if rule.magnitude is not None and size is None and not rule.unknown_magnitude:
        yield "no magnitude"
    if rule.magnitude is not None and size is not None and size < rule.magnitude:
        yield f"magnitude {size:.1f}"
    if km is not None and rule.within_km is not None and km > rule.within_km:
        yield f"{km:.0f} km away"
    if rms_s > rule.rms_s:
        yield f"rms {rms_s:.2f} s"
    if kind in rule.never:
        yield f"it is of type {kind}"


# on disk


def append(folder: Path, alarm: Alarm) -> None:
    """One line of JSON to the run's file of alarms."""
    with (folder / FILE).open("a", encoding="utf-8") as file:
        file.write(json.dumps(alarm.as_json()) + "\n")


def read_alarms(folder: Path) -> list[Alarm]:
    """All alarms of a run, the oldest first. A last line that was cut short is left out; ReadError for other damage."""
    path = folder / FILE
    if not path.exists():
        return []
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    names = Alarm.__dataclass_fields__
    found = []
    for number, line in enumerate(lines, 1):
        try:
            table = json.loads(line)
            found.append(Alarm(**{key: value for key, value in table.items() if key in names}))
        except (ValueError, TypeError) as error:
            if number < len(lines) or line.endswith("\n"):
                raise ReadError(f"{path}: line {number} is no alarm") from error
    return found


def forget_alarms(folder: Path, before_ns: int) -> None:
    """Drop alarms made before that time."""
    kept = read_alarms(folder)
    if kept and kept[0].time_ns < before_ns:
        with replacing(folder / FILE) as file:
            for alarm in kept:
                if alarm.time_ns >= before_ns:
                    file.write(json.dumps(alarm.as_json()).encode() + b"\n")
