"""alert.toml: rules that ask for more than one bump, and where alarms go."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from jijin.config import check_range, from_table, suggestion
from jijin.errors import ConfigError, ReadError

LEVELS = ("info", "warning", "alarm")


def _check_level(level: str) -> None:
    if level not in LEVELS:
        raise ConfigError(f"'level' must be one of {', '.join(LEVELS)} (got {level!r})")


@dataclass(frozen=True, slots=True)
class StationsRule:
    """P picks at several stations within the time that a wave needs from one to the other."""

    name: str = "stations"
    level: str = "warning"
    stations: int = 4  # so many, of different NET.STA
    velocity_km_s: float = 5.0  # of the slowest wave from station to station
    tolerance_s: float = 1.0  # added to its travel time
    probability: float = 0.6  # of each pick
    hold_off_s: float = 60.0  # after an alarm of this rule, for which it is silent

    def __post_init__(self) -> None:
        _check_level(self.level)
        check_range("stations", self.stations, 1, 1000)
        check_range("velocity_km_s", self.velocity_km_s, 0, 20)
        check_range("tolerance_s", self.tolerance_s, 0, 60)
        check_range("probability", self.probability, 0, 1)
        check_range("hold_off_s", self.hold_off_s, -1e-9, 86_400)


@dataclass(frozen=True, slots=True)
class StationRule:
    """One station: a P whose detection is probable and lasts, and whose first seconds look like an earthquake's."""

    name: str = "station"
    level: str = "info"
    station: str = "*"  # NET.STA, or * for each
    probability: float = 0.8  # of the P
    detection: float = 0.9  # probability of the detection
    duration_s: float = 3.0  # of the detection so far
    snr_db: float = 10.0  # of the seconds after the P against those before
    tau_c_s: float | None = None  # at least
    pd_m: float | None = None  # at least; needs responses
    other_stations: int = 0  # so many others, if there are, must have a STA/LTA of
    sta_lta: float = 3.0
    hold_off_s: float = 60.0

    def __post_init__(self) -> None:
        _check_level(self.level)
        for name in ("probability", "detection"):
            check_range(name, getattr(self, name), 0, 1)
        check_range("duration_s", self.duration_s, 0, 60)
        check_range("snr_db", self.snr_db, -200, 200)
        check_range("sta_lta", self.sta_lta, 0, 1000)
        check_range("hold_off_s", self.hold_off_s, -1e-9, 86_400)
        for name in ("tau_c_s", "pd_m"):
            if getattr(self, name) is not None:
                check_range(name, getattr(self, name), 0, 1000)


@dataclass(frozen=True, slots=True)
class EventRule:
    """A located event; once for each event."""

    name: str = "event"
    level: str = "alarm"
    stations: int = 4  # with a phase that took part in the location
    magnitude: float | None = None  # at least; an event without one passes only if
    unknown_magnitude: bool = False
    place: tuple[float, ...] | None = None  # latitude and longitude in degrees
    within_km: float | None = None  # of the place
    rms_s: float = 1.5  # of the location, at most
    never: tuple[str, ...] = ()  # event types that give no alarm: "explosion", "quarry blast", ...
    hold_off_s: float = 0.0

    def __post_init__(self) -> None:
        _check_level(self.level)
        check_range("stations", self.stations, 0, 1000)
        check_range("rms_s", self.rms_s, 0, 60)
        check_range("hold_off_s", self.hold_off_s, -1e-9, 86_400)
        _check_types(self.never)
        if (self.place is None) != (self.within_km is None):
            raise ConfigError("'place' and 'within_km' go together")
        if self.place is not None and (len(self.place) != 2 or abs(self.place[0]) > 90):
            raise ConfigError(f"'place' must be [latitude, longitude] (got {list(self.place)})")


def _check_types(never: tuple[str, ...]) -> None:
    """ConfigError for a word that no event's type can be, so that an alarm is not given by a misspelling."""
    if never:
        from obspy.core.event.header import EventType

        known = list(EventType)
        for word in never:
            if word not in known:
                raise ConfigError(f"'never': QuakeML has no event type '{word}'; {suggestion(word, known)}")


NEEDED: dict[str, tuple[str, ...]] = {
    "log": (),
    "command": ("command",),
    "webhook": ("url",),
    "smtp": ("url", "to", "sender"),
    "mqtt": ("url",),
    "quakeml": ("folder",),
}  # by kind of sink
OPTIONAL = {"command": ("timeout_s",), "webhook": ("secret_env", "timeout_s"), "smtp": ("secret_env", "timeout_s"),
            "mqtt": ("secret_env",)}  # beside kind, level and tries  # fmt: skip


@dataclass(frozen=True, slots=True)
class SinkConfig:
    """Where alarms go. What a kind needs must be given, what it does not know must not."""

    kind: str = "log"  # log, command, webhook, smtp, mqtt, quakeml
    level: str = "info"  # and above
    command: tuple[str, ...] = ()  # program and arguments; the alarm comes as JSON on its stdin
    url: str = (
        ""  # webhook: http(s)://..., mqtt: mqtt(s)://[USER@]HOST[:PORT]/TOPIC, smtp: smtp(s)://[USER@]HOST[:PORT]
    )
    secret_env: str = ""  # name of the environment variable with the webhook's secret, or the password
    to: tuple[str, ...] = ()  # smtp
    sender: str = ""  # smtp
    folder: str = ""  # quakeml
    tries: int = 5
    timeout_s: float = 10.0

    def __post_init__(self) -> None:
        _check_level(self.level)
        if self.kind not in NEEDED:
            raise ConfigError(f"'kind' must be one of {', '.join(NEEDED)} (got {self.kind!r})")
        for name in NEEDED[self.kind]:
            if not getattr(self, name):
                raise ConfigError(f"a sink of kind '{self.kind}' needs '{name}'")
        known = {"kind", "level", "tries", *NEEDED[self.kind], *OPTIONAL.get(self.kind, ())}
        for one in fields(self):
            if one.name not in known and getattr(self, one.name) != one.default:
                raise ConfigError(f"a sink of kind '{self.kind}' does not know '{one.name}'")
        check_range("tries", self.tries, 0, 100)
        check_range("timeout_s", self.timeout_s, 0, 600)


Rule = StationsRule | StationRule | EventRule
KINDS: dict[str, type[Rule]] = {"stations": StationsRule, "station": StationRule, "event": EventRule}


@dataclass(frozen=True, slots=True)
class AlertConfig:
    """test: alarms are made and kept but say that they are a test."""

    test: bool = False
    rules: tuple[Rule, ...] = ()
    sinks: tuple[SinkConfig, ...] = field(default_factory=lambda: (SinkConfig(),))


def read_alert(path: str | Path) -> AlertConfig:
    """Rules and sinks of a TOML file. ConfigError for what is unknown or impossible, ReadError if it cannot be read."""
    try:
        table = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise ReadError(f"{path}: cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise ConfigError(f"{path}: not TOML: {error}") from error
    for key in table.keys() - {"test", "rule", "sink"}:
        raise ConfigError(f"{path}: unknown key '{key}'; {suggestion(key, ['test', 'rule', 'sink'])}")
    test = table.get("test", False)
    if not isinstance(test, bool):
        raise ConfigError(f"{path}: 'test' must be true or false (got {test!r})")
    rules = tuple(_rule(one, f"{path} [[rule]] {i}") for i, one in enumerate(_list(table, "rule", path), 1))
    if not rules:
        raise ConfigError(f"{path}: no [[rule]], so there would never be an alarm")
    names = [rule.name for rule in rules]
    if double := {name for name in names if names.count(name) > 1}:
        raise ConfigError(f"{path}: two rules named '{min(double)}'; give each its own 'name'")
    sinks = tuple(from_table(SinkConfig, one, f"{path} [[sink]]") for one in _list(table, "sink", path))
    return AlertConfig(test, rules, sinks or (SinkConfig(),))


def _list(table: Mapping[str, Any], key: str, path: str | Path) -> list[dict[str, Any]]:
    found = table.get(key, [])
    if not isinstance(found, list):
        raise ConfigError(f"{path}: '{key}' is a list of tables, [[{key}]]")
    return found


def _rule(table: dict[str, Any], where: str) -> Rule:
    kind = table.get("kind")
    if kind not in KINDS:
        raise ConfigError(f"{where}: 'kind' must be one of {', '.join(KINDS)} (got {kind!r})")
    return from_table(KINDS[kind], {key: value for key, value in table.items() if key != "kind"}, where)
