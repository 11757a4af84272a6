"""Alarms: more than one bump, why they fired, and sinks that cannot hold up anything."""

from __future__ import annotations

import json
import socketserver
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from earthquakes import START_NS
from fakes import record
from jijin.errors import ConfigError
from jijin.live import session
from jijin.live.alarm import Alarm, append, forget_alarms, read_alarms
from jijin.live.alarms import Alarms
from jijin.live.config import LiveConfig
from jijin.live.engine import Tick
from jijin.live.events import EventChange
from jijin.live.judge import judge
from jijin.live.network import Unplaced
from jijin.live.newest import Look
from jijin.live.onsite import measure, sta_lta
from jijin.live.ring import Ring
from jijin.live.rules import AlertConfig, EventRule, Rule, SinkConfig, StationRule, StationsRule, read_alert
from jijin.live.sinks import Sink, body_of, letter, open_sink, signature
from jijin.live.tracker import Change
from jijin.network.stations import Stations
from jijin.types import NS, Arrival, Detection, Event, Magnitude, Origin, Pick, Segment, SourceType, Station
from standin import StandIn
from test_live_engine import write

# four stations in a row, 10 km apart
STATIONS = Stations(tuple(Station(f"XX.S{i}.", 42.0, 13.0 + i * 0.1208) for i in range(4)))


class SetClock:
    def __init__(self) -> None:
        self.time_ns = START_NS

    def now_ns(self) -> int:
        return self.time_ns


def p(station: str, second: float, probability: float = 0.9) -> Pick:
    at = START_NS + round(second * NS)
    return Pick(f"XX.{station}..HHZ", "P", at, 0.05, probability, Detection(at, at + 5 * NS, 0.95))


def alarms(
    *rules: Rule, waveforms: object = None, stations: Stations | None = STATIONS, test: bool = False
) -> tuple[Alarms, list[Alarm]]:
    made = Alarms(AlertConfig(test, rules), SetClock(), waveforms or (lambda *_: []), stations)  # type: ignore[arg-type]
    told: list[Alarm] = []
    made.listeners.append(told.append)
    return made, told


def tick(*picks: Pick, kind: str = "new") -> Tick:
    changes = [Change(kind, f"{x.seed_id} {x.time_ns}", x) for x in picks]  # type: ignore[arg-type]
    return Tick(START_NS, changes=changes)


# rules on several stations


def test_p_in_the_time_of_a_wave_is_an_alarm_that_says_why() -> None:
    made, told = alarms(StationsRule(stations=4, velocity_km_s=5.0, tolerance_s=0.5))
    made(tick(*(p(f"S{i}", 2.0 * i) for i in range(4))))
    (alarm,) = told
    assert alarm.reason["stations"] == ["XX.S0", "XX.S1", "XX.S2", "XX.S3"] and alarm.onset_ns == START_NS
    assert alarm.reason["seconds_between"] == [2.0, 2.0, 2.0] and alarm.reason["asked"]["stations"] == 4


@pytest.mark.parametrize(
    "picks",
    [
        [p(f"S{i}", 2.0 * i) for i in range(3)],  # three stations
        [p(f"S{i}", 3.0 * i) for i in range(4)],  # slower than a wave
        [p(f"S{i}", 0.5 * i, 0.5) for i in range(4)],  # not probable
        [p("S0", 0.5 * i) for i in range(4)],  # one station
        [p(f"X{i}", 0.5 * i) for i in range(4)],  # of places that are not known
    ],
)
def test_less_than_that_is_none(picks: list[Pick]) -> None:
    made, told = alarms(StationsRule(stations=4, velocity_km_s=5.0, tolerance_s=0.5))
    made(tick(*picks))
    assert told == []


def test_a_withdrawn_pick_no_longer_counts() -> None:
    made, told = alarms(StationsRule(stations=4))
    picks = [p(f"S{i}", 0.5 * i) for i in range(4)]
    made(tick(*picks[:3]))
    made(tick(picks[0], kind="withdrawn"))
    made(tick(picks[3]))
    assert told == []


def test_after_an_alarm_the_rule_holds_off() -> None:
    made, told = alarms(StationsRule(stations=2, hold_off_s=30))
    for second, expected in ((0, 1), (20, 1), (31, 2)):
        made._clock.time_ns = START_NS + second * NS  # type: ignore[attr-defined]
        made(tick(p("S0", second), p("S1", second + 1)))
        assert len(told) == expected


def test_one_earthquake_is_told_once_and_does_not_hide_the_next() -> None:
    """Picks come in by and by, and change: S2 and S3 would be two stations of their own."""
    made, told = alarms(StationsRule(stations=2, hold_off_s=5))
    for second in range(0, 40, 5):
        made._clock.time_ns = START_NS + second * NS  # type: ignore[attr-defined]
        made(tick(p("S0", 0), p("S1", 2), kind="updated"))
        made(tick(*(p(f"S{i}", 2.0 * i) for i in (2, 3) if second >= 10)))
        made(tick(*(p(f"S{i}", 20 + 2.0 * i) for i in range(4) if second >= 25)))
    assert [(a.onset_ns - START_NS) / NS for a in told] == [0, 20]


def test_an_earlier_pick_that_comes_late_is_of_the_same_earthquake() -> None:
    made, told = alarms(StationsRule(stations=2, hold_off_s=0))
    for pick in (p("S1", 2), p("S2", 4), p("S0", 0), p("S3", 6)):
        made(tick(pick))
    assert [a.onset_ns for a in told] == [START_NS + 2 * NS]


def test_an_earlier_earthquake_whose_data_come_late_is_told_too() -> None:
    made, told = alarms(StationsRule(stations=2, hold_off_s=0))
    for start in (20, 0):
        made(tick(*(p(f"S{i}", start + 2.0 * i) for i in range(4))))
    assert [(a.onset_ns - START_NS) / NS for a in told] == [20, 0]


def test_what_was_told_long_ago_takes_no_memory() -> None:
    made, told = alarms(StationsRule(stations=2, hold_off_s=0))
    for start in range(0, 3600, 60):
        made(tick(p("S0", start), p("S1", start + 2)))
    groups = made._groups["stations"]
    assert len(told) == 60 and len(groups.firsts) <= 3 and len(groups.keys) <= 4


def test_two_earthquakes_in_one_tick_are_both_told() -> None:
    made, told = alarms(StationsRule(stations=2, hold_off_s=0))
    made(tick(*(p(f"S{i}", start + 2.0 * i) for start in (0, 20) for i in range(4))))
    assert [(a.onset_ns - START_NS) / NS for a in told] == [0, 20]


def test_a_rule_on_stations_needs_no_places_and_one_on_events_says_that_it_does(
    caplog: pytest.LogCaptureFixture,
) -> None:
    made, told = alarms(StationsRule(stations=2), EventRule(), stations=None)
    made(tick(p("S0", 0), p("S1", 1)))
    assert [a.rule for a in told] == ["stations"]
    assert [r.getMessage() for r in caplog.records] == [
        "rule 'event' can never fire, because without --stations there are no events"
    ]


def test_channels_without_a_place_are_named_once(caplog: pytest.LogCaptureFixture) -> None:
    listen = Unplaced(STATIONS)
    for second in range(0, 40, 5):
        names = ("S0", "Y1", "Y0")[: second // 5 + 2]
        segments = [Segment(f"XX.{name}..HHZ", START_NS, RATE, np.zeros(1)) for name in names]
        listen(Tick(START_NS + second * NS, segments))
    (record,) = caplog.records
    assert "XX.Y0..HHZ, XX.Y1..HHZ: --stations has no coordinates for these channels" in record.getMessage()


def test_stations_of_another_network_are_said_to_be_so(caplog: pytest.LogCaptureFixture) -> None:
    listen = Unplaced(STATIONS)
    for second in (0, 10):
        listen(Tick(START_NS + second * NS, [Segment("YY.S0..HHZ", START_NS, RATE, np.zeros(1))]))
    assert "no coordinates for any channel so far" in caplog.text


# a restart


def again(before: Alarms, told: list[Alarm], folder: Path, **how: object) -> tuple[Alarms, list[Alarm]]:
    """What comes after a restart, by way of the disk."""
    for alarm in told:
        append(folder, alarm)
    made, later = alarms(*before.config.rules, **how)  # type: ignore[arg-type]
    made.remember(read_alarms(folder))
    return made, later


def test_an_event_alarms_once_over_restarts_and_can_still_be_cancelled(tmp_path: Path) -> None:
    made, told = alarms(EventRule())
    made.on_event(EventChange("new", event(), START_NS))
    made, later = again(made, told, tmp_path)
    made.on_event(EventChange("updated", event(), START_NS))
    assert len(told) == 1 and later == []
    made.on_event(EventChange("withdrawn", event(), START_NS))
    assert [a.kind for a in later] == ["cancelled"]
    made, last = again(made, later, tmp_path)
    made.on_event(EventChange("new", event(), START_NS))
    assert [a.kind for a in last] == ["alarm"]


def test_an_alarm_of_a_test_does_not_hide_the_real_one(tmp_path: Path) -> None:
    made, told = alarms(EventRule(), test=True)
    made.on_event(EventChange("new", event(), START_NS))
    made, later = again(made, told, tmp_path)
    made.on_event(EventChange("updated", event(), START_NS))
    assert [(a.test, a.event_id) for a in told + later] == [(True, "e1"), (False, "e1")]


@pytest.mark.parametrize(("hold_off_s", "second", "count"), [(0, 0, 0), (0, 20, 1), (30, 20, 0)])
def test_a_group_and_its_hold_off_are_known_after_a_restart(
    tmp_path: Path, hold_off_s: float, second: float, count: int
) -> None:
    made, told = alarms(StationsRule(stations=2, hold_off_s=hold_off_s))
    made(tick(p("S0", 0), p("S1", 2)))
    made, later = again(made, told, tmp_path)
    made(tick(*(p(f"S{i}", second + 2.0 * i) for i in range(4))))
    assert len(told) == 1 and len(later) == count


def test_a_replay_that_begins_anew_is_not_silent_for_what_it_has_yet_to_come_to(tmp_path: Path) -> None:
    made, told = alarms(StationsRule(stations=2, hold_off_s=60))
    made._clock.time_ns = START_NS + 600 * NS  # type: ignore[attr-defined]
    made(tick(p("S0", 598), p("S1", 600)))
    made, later = again(made, told, tmp_path)
    made(tick(p("S0", 0), p("S1", 2)))
    assert [a.onset_ns for a in told + later] == [START_NS + 598 * NS, START_NS]


@pytest.mark.parametrize("hold_off_s", [0, 60])
def test_a_p_at_one_station_is_told_once_over_restarts(tmp_path: Path, hold_off_s: float) -> None:
    data = ring(waves("S0", 40.0, 100.0))
    made, told = alarms(StationRule(hold_off_s=hold_off_s), waveforms=data)
    made(look(seen(40, 4), 4))
    made, later = again(made, told, tmp_path, waveforms=data)
    made(look(seen(40, 5), 5))
    assert len(told) == 1 and later == []
    assert made._silent(made.config.rules[0], "XX.S0") is (hold_off_s > 0)


def test_a_session_takes_over_its_alarms_and_says_which_channels_have_no_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(session, "load", lambda name: StandIn())
    places, rules = tmp_path / "stations.csv", tmp_path / "alert.toml"
    files = write(tmp_path / "files", [record("XX.S0..HHZ", 60, {20.3: 1.0})])
    places.write_text("network,station,latitude,longitude,elevation_m\nYY,S0,42,13,0\n")
    rules.write_text("[[rule]]\nkind = 'event'\n")
    forever = LiveConfig(keep_days=float("inf"))
    request = session.LiveRequest(
        (f"replay://{files}",), speed=float("inf"), stations=places, alert=rules, live=forever
    )
    session.Session(tmp_path / "run", request, list[str]().append).run()
    assert "XX.S0..HHZ: --stations has no coordinates for any channel so far" in caplog.text
    append(tmp_path / "run", ALARM)
    begun = session.Session(tmp_path / "run", request, list[str]().append)
    begun.alarming.on_event(EventChange("updated", event(), START_NS))  # type: ignore[union-attr]
    begun.run()
    assert read_alarms(tmp_path / "run") == [ALARM]


def test_a_test_says_that_it_is_one(caplog: pytest.LogCaptureFixture) -> None:
    made, told = alarms(StationsRule(stations=2), test=True)
    sink = open_sink(SinkConfig("log"), lambda _: None, "fake/1")
    made.listeners.append(sink)
    made(tick(p("S0", 0), p("S1", 1)))
    sink.close()
    assert told[0].test and "TEST ALARM (warning): P at 2 stations" in caplog.text


# a rule on one station

RATE = 100.0


def waves(station: str, onset_s: float, amplitude: float, seconds: float = 60.0, hz: float = 2.0) -> Segment:
    """Ground velocity in counts: noise, then a cosine of hz, whose displacement has no offset, with a slow decay."""
    t = np.arange(round(seconds * RATE)) / RATE
    after = np.clip(t - onset_s, 0, None)
    data = np.random.default_rng(1).standard_normal(len(t)) + amplitude * np.exp(-after / 10) * np.cos(
        2 * np.pi * hz * after
    ) * (t > onset_s)
    return Segment(f"XX.{station}..HHZ", START_NS, RATE, data)


def ring(*segments: Segment) -> Ring:
    held = Ring(300)
    for segment in segments:
        held.add(segment)
    return held


def look(pick: Pick, after_s: float) -> Tick:
    end = pick.time_ns + round(after_s * NS)
    seen = Look("XX.S0..HH", end - 60 * NS, end, np.zeros((3, 6000), np.float32), [pick])
    return Tick(START_NS, [Segment("XX.S1..HHZ", START_NS, RATE, np.zeros(1))], [seen])


def seen(second: float, duration_s: float, detection: float = 0.95, probability: float = 0.9) -> Pick:
    at = START_NS + round(second * NS)
    return Pick("XX.S0..HHZ", "P", at, 0.05, probability, Detection(at, at + round(duration_s * NS), detection))


def test_tau_c_and_pd_of_a_wave_are_its_period_and_its_displacement() -> None:
    """2 Hz with an amplitude A in velocity is A / (4 pi) in displacement, with a period of 0.5 s."""
    gain = SimpleNamespace(response=SimpleNamespace(instrument_sensitivity=SimpleNamespace(value=1e6)))
    sensors = SimpleNamespace(at=lambda seed_id, time_ns: gain)
    found = measure(seen(40, 3), ring(waves("S0", 40.0, 1000.0)), sensors)  # type: ignore[arg-type]
    assert found is not None and found.seconds == pytest.approx(3, abs=0.02) and found.snr_db > 40
    assert found.tau_c_s == pytest.approx(0.5, rel=0.05)
    assert found.pd_m == pytest.approx(1000 / (4 * np.pi) / 1e6, rel=0.1)


def test_without_a_response_pd_is_not_known() -> None:
    found = measure(seen(40, 3), ring(waves("S0", 40.0, 1000.0)), None)
    assert found is not None and found.pd_m is None and found.tau_c_s == pytest.approx(0.5, rel=0.05)


def test_one_station_needs_duration_and_probability_and_a_signal() -> None:
    data = ring(waves("S0", 40.0, 100.0))
    rule = StationRule(duration_s=3)
    for pick, count in (
        (seen(40, 2), 0),
        (seen(40, 3.5, detection=0.8), 0),
        (seen(40, 3.5, probability=0.7), 0),
        (seen(40, 3.5), 1),
    ):
        made, told = alarms(rule, waveforms=data)
        made(look(pick, 4))
        assert len(told) == count
    assert told[0].reason["tau_c_s"] == pytest.approx(0.5, rel=0.1) and told[0].reason["duration_s"] == 3.5


@pytest.mark.parametrize(
    "rule", [StationRule(snr_db=60), StationRule(tau_c_s=1.0), StationRule(pd_m=1e-6), StationRule(station="XX.S1")]
)
def test_a_station_that_lacks_what_is_asked_gives_none(rule: StationRule) -> None:
    made, told = alarms(rule, waveforms=ring(waves("S0", 40.0, 100.0)))
    made(look(seen(40, 4), 4))
    assert told == []


@pytest.mark.parametrize(("neighbour", "count"), [(0.0, 0), (100.0, 1)])
def test_the_rest_of_the_network_must_be_excited_if_the_rule_says_so(neighbour: float, count: int) -> None:
    data = ring(waves("S0", 40.0, 100.0), waves("S1", 42.0, neighbour))
    made, told = alarms(StationRule(other_stations=1), waveforms=data)
    made(look(seen(40, 4), 4))
    assert len(told) == count


def test_one_p_gives_one_alarm_however_often_it_is_looked_at() -> None:
    made, told = alarms(StationRule(hold_off_s=0), waveforms=ring(waves("S0", 40.0, 100.0)))
    for after_s in (4, 5, 6):
        made(look(seen(40, after_s), after_s))
    assert len(told) == 1


def test_sta_lta_of_a_quiet_station_is_low_and_of_a_shaken_one_high() -> None:
    found = sta_lta(["XX.S0.", "XX.S1."], ring(waves("S0", 40.0, 50.0), waves("S1", 40.0, 0.0)), START_NS + 45 * NS)
    assert found["XX.S0"] > 20 and found["XX.S1"] < 3


# rules on events


def event(magnitude: float | None = 3.0, kind: str | None = None, latitude: float = 42.0, rms_s: float = 0.2) -> Event:
    arrivals = tuple(Arrival(p(f"S{i}", i), 10.0 * i, 0.0, None, 0.0, 1.0) for i in range(4))
    origin = Origin(
        START_NS, latitude, 13.0, 8.0, 0.1, (1.0, 1.0), 0.0, 2.0, ((0.0,) * 4,) * 4, True, rms_s, 120.0, 5.0,
        arrivals, "regional", "edt",
    )  # fmt: skip
    size = Magnitude("ML", magnitude, 0.2, "hutton_boore_1987")
    return Event("e1", origin, size, SourceType(kind, 0.9) if kind else None)


@pytest.mark.parametrize(
    ("rule", "found", "refused"),
    [
        (EventRule(), event(), ""),
        (EventRule(stations=5), event(), "4 stations"),
        (EventRule(magnitude=2.5), event(), ""),
        (EventRule(magnitude=3.5), event(), "magnitude 3.0"),
        (EventRule(magnitude=2.5), event(None), "no magnitude"),
        (EventRule(magnitude=2.5, unknown_magnitude=True), event(None), ""),
        (EventRule(place=(42.0, 13.0), within_km=50.0), event(latitude=42.4), ""),
        (EventRule(place=(42.0, 13.0), within_km=50.0), event(latitude=42.5), "56 km away"),
        (EventRule(rms_s=0.1), event(), "rms 0.20 s"),
        (EventRule(never=("explosion", "quarry blast")), event(kind="explosion"), "it is of type explosion"),
        (EventRule(never=("explosion",)), event(kind="earthquake"), ""),
    ],
)
def test_filters_of_events(rule: EventRule, found: Event, refused: str) -> None:
    assert judge(rule, found)[0] == refused


def test_an_event_alarms_once_and_is_cancelled_if_it_is_none() -> None:
    made, told = alarms(EventRule())
    for kind in ("new", "updated", "withdrawn"):
        made.on_event(EventChange(kind, event(), START_NS))  # type: ignore[arg-type]
    assert [(a.kind, a.event_id) for a in told] == [("alarm", "e1"), ("cancelled", "e1")]


def test_an_event_that_grows_over_the_threshold_alarms_then() -> None:
    made, told = alarms(EventRule(magnitude=2.5))
    for size in (2.0, 2.4, 2.6, 2.7):
        made.on_event(EventChange("updated", event(size), START_NS))
    assert [a.reason["magnitude"] for a in told] == [2.6]


# alert.toml


def config(tmp_path: Path, text: str) -> AlertConfig:
    path = tmp_path / "alert.toml"
    path.write_text(text)
    return read_alert(path)


def test_a_file_of_rules_and_sinks_is_read(tmp_path: Path) -> None:
    found = config(tmp_path, """
        test = true
        [[rule]]
        kind = "event"
        magnitude = 3
        place = [42.0, 13.0]
        within_km = 80
        never = ["explosion"]
        [[sink]]
        kind = "webhook"
        url = "https://example.org/hook"
        """)  # fmt: skip
    assert found.test and found.rules == (
        EventRule(magnitude=3.0, place=(42.0, 13.0), within_km=80.0, never=("explosion",)),
    )
    assert found.sinks == (SinkConfig("webhook", url="https://example.org/hook"),)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "no [[rule]]"),
        ("[[rule]]\nkind = 'evnt'", "'kind' must be one of"),
        ("[[rule]]\nkind = 'event'\nmagnitud = 3", "did you mean 'magnitude'"),
        ("[[rule]]\nkind = 'event'\nplace = [1.0, 2.0]", "'place' and 'within_km' go together"),
        ("[[rule]]\nkind = 'station'\nlevel = 'red'", "'level' must be one of"),
        ("[[rule]]\nkind = 'event'\n[[rule]]\nkind = 'event'", "two rules named 'event'"),
        ("[[rule]]\nkind = 'event'\n[[sink]]\nkind = 'webhook'", "needs 'url'"),
        ("[[rule]]\nkind = 'event'\n[[sink]]\nkind = 'webhook'\nurl = 'http://x'\nto = ['a']", "does not know 'to'"),
        ("[[rule]]\nkind = 'event'\n[[sink]]\nurl = 'http://x'", "kind 'log' does not know 'url'"),
        ("test = 'no'\n[[rule]]\nkind = 'event'", "'test' must be true or false (got 'no')"),
        ("rules = 1", "unknown key 'rules'"),
        ("[[rule", "not TOML"),
    ],
)
def test_what_is_wrong_in_the_file_is_said(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(ConfigError, match=r"alert\.toml") as caught:
        config(tmp_path, text)
    assert told in str(caught.value)


# sinks

ALARM = Alarm("a1", "event", "warning", START_NS, START_NS - 5 * NS, "M3.0 at home", {"why": 1}, "e1")


def until(done: Callable[[], bool]) -> None:
    limit = time.monotonic() + 20
    while not done():
        assert time.monotonic() < limit
        time.sleep(0.01)


@pytest.fixture
def web() -> Iterator[tuple[str, list[tuple[dict[str, str], bytes]]]]:
    """A web server that fails twice, and what was posted to it."""
    got: list[tuple[dict[str, str], bytes]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append((dict(self.headers), self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(500 if len(got) <= 2 else 204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            return

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/hook", got
        server.shutdown()


def test_a_webhook_is_tried_until_it_is_taken_and_is_signed(
    web: tuple[str, list[tuple[dict[str, str], bytes]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, got = web
    monkeypatch.setenv("HOOK", "secret")
    sink = open_sink(SinkConfig("webhook", url=url, secret_env="HOOK"), lambda _: None, "")
    sink._wait_s = 0.01
    sink(ALARM)
    until(lambda: sink.delivered == 1)
    headers, body = got[2]
    assert len(got) == 3 and headers["X-Jijin-Signature"] == signature("secret", body)
    assert json.loads(body)["text"] == "M3.0 at home" and {h["X-Jijin-Alarm"] for h, _ in got} == {"a1"}


def test_a_command_gets_the_alarm_on_stdin(tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    code = f"import sys; open({str(out)!r}, 'w').write(sys.stdin.read())"
    sink = open_sink(SinkConfig("command", command=(sys.executable, "-c", code)), lambda _: None, "")
    sink(ALARM)
    sink.close(20)
    assert json.loads(out.read_text()) == json.loads(body_of(ALARM))


def test_a_sink_that_is_dead_loses_its_alarms_alone(caplog: pytest.LogCaptureFixture) -> None:
    def dead(alarm: Alarm) -> None:
        raise OSError("unreachable")

    got: list[Alarm] = []
    broken, sound = Sink(SinkConfig(tries=2), dead, 0.001), Sink(SinkConfig(), got.append)
    for sink in (broken, sound):
        sink(ALARM)
    until(lambda: broken.lost == 1 and got == [ALARM])
    assert "alarm a1 is not delivered: OSError: unreachable" in caplog.text


def test_a_sink_that_hangs_does_not_hold_up_the_caller() -> None:
    release = threading.Event()
    sink = Sink(SinkConfig(), lambda alarm: release.wait(20))  # type: ignore[arg-type,return-value]
    began = time.monotonic()
    for _ in range(500):
        sink(ALARM)
    assert time.monotonic() - began < 5 and sink.lost > 200
    release.set()


def test_a_sink_takes_its_level_and_above() -> None:
    got: list[Alarm] = []
    sink = Sink(SinkConfig(level="alarm"), got.append)
    sink(ALARM)
    sink.close()
    assert got == []


def test_an_email_is_sent_and_says_what_and_why(monkeypatch: pytest.MonkeyPatch) -> None:
    received: list[str] = []

    class Mailbox(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.wfile.write(b"220 test\r\n")
            while line := self.rfile.readline():
                word = line[:4].upper().strip()
                if word == b"DATA":
                    self.wfile.write(b"354 go\r\n")
                    while (part := self.rfile.readline()) != b".\r\n":
                        received.append(part.decode())
                self.wfile.write(b"221 bye\r\n" if word == b"QUIT" else b"250 ok\r\n")

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Mailbox) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"smtp://127.0.0.1:{server.server_address[1]}"
        sink = open_sink(
            SinkConfig("smtp", url=url, to=("me@example.org",), sender="jijin@example.org"), lambda _: None, ""
        )
        sink(ALARM)
        until(lambda: sink.delivered == 1)
        server.shutdown()
    assert "Subject: alarm (warning): M3.0 at home\r\n" in received and '"why": 1' in "".join(received)


def test_the_subject_of_a_test_says_so() -> None:
    from dataclasses import replace

    assert letter(SinkConfig(), replace(ALARM, test=True))["Subject"].startswith("TEST alarm")


def test_the_event_of_an_alarm_is_written_as_quakeml(tmp_path: Path) -> None:
    sink = open_sink(SinkConfig("quakeml", folder=str(tmp_path / "out")), lambda _: event(), "fake/1")
    sink(ALARM)
    until(lambda: sink.delivered == 1)
    assert (tmp_path / "out" / "e1.v1.xml").read_text().count("<event ") == 1


@pytest.mark.parametrize(
    "wrong",
    [
        SinkConfig("webhook", url="ftp://x"), SinkConfig("webhook", url="http://x", secret_env="NOT_SET"),
        SinkConfig("smtp", url="x", to=("a",), sender="b"),
    ],
)  # fmt: skip
def test_a_sink_that_cannot_work_is_refused_at_the_start(wrong: SinkConfig) -> None:
    with pytest.raises(ConfigError):
        open_sink(wrong, lambda _: None, "")


def test_mqtt_publishes_or_names_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    publish = pytest.importorskip("paho.mqtt.publish")
    sent: list[tuple[object, ...]] = []
    monkeypatch.setattr(
        publish, "single", lambda topic, body, **options: sent.append((topic, body, options["hostname"]))
    )
    sink = open_sink(SinkConfig("mqtt", url="mqtt://broker/quakes/alarms"), lambda _: None, "")
    sink(ALARM)
    sink.close()
    assert sent == [("quakes/alarms", body_of(ALARM), "broker")]


# on disk


def test_alarms_come_back_and_old_ones_are_forgotten(tmp_path: Path) -> None:
    from dataclasses import replace

    later = replace(ALARM, alarm_id="a2", time_ns=START_NS + NS)
    append(tmp_path, ALARM)
    append(tmp_path, later)
    assert read_alarms(tmp_path) == [ALARM, later]
    forget_alarms(tmp_path, START_NS + 1)
    assert read_alarms(tmp_path) == [later]


def test_a_last_line_cut_short_by_a_crash_is_left_out(tmp_path: Path) -> None:
    append(tmp_path, ALARM)
    with (tmp_path / "alarms.jsonl").open("a") as file:
        file.write('{"alarm_id": "a')
    assert read_alarms(tmp_path) == [ALARM]


def test_an_event_type_that_is_none_would_hold_back_no_alarm() -> None:
    with pytest.raises(ConfigError, match="no event type 'explosio'; did you mean 'explosion'"):
        EventRule(never=("explosio",))
