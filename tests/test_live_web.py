"""The page: who may see it, what is pushed, and that no client holds up anything."""

from __future__ import annotations

import asyncio
import http.client
import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from devtools import opened
from fakes import record
from jijin.errors import ConfigError
from jijin.live.engine import Engine, Tick
from jijin.live.metrics import exposition, health
from jijin.live.packets import Packet
from jijin.live.session import LiveRequest, Session
from jijin.live.web.hub import HELD_BYTES, MOST_CLIENTS, Client, Hub
from jijin.live.web.security import Address, parse_address, refusal
from jijin.live.web.watch import trace
from jijin.types import Segment
from standin import StandIn

pytest.importorskip("uvicorn")
pytest.importorskip("starlette")

LOCAL = Address("127.0.0.1", 8720, None)
AWAY = Address("192.168.1.5", 8720, "t" * 20)


@pytest.mark.parametrize(
    ("address", "headers", "query", "cookie", "status"),
    [
        (LOCAL, {"host": "127.0.0.1:8720"}, None, None, None),
        (LOCAL, {"host": "localhost:8720"}, None, None, None),
        (LOCAL, {"host": "evil.example:8720"}, None, None, 421),  # a name that was made to lead here
        (LOCAL, {"host": "127.0.0.1:8720", "origin": "http://127.0.0.1:8720"}, None, None, None),
        (LOCAL, {"host": "127.0.0.1:8720", "origin": "http://evil.example"}, None, None, 403),
        (LOCAL, {"host": "127.0.0.1:8720", "sec-fetch-site": "cross-site"}, None, None, 403),
        (AWAY, {"host": "192.168.1.5:8720"}, None, None, 401),
        (AWAY, {"host": "192.168.1.5:8720"}, "wrong", None, 401),
        (AWAY, {"host": "192.168.1.5:8720"}, "t" * 20, None, None),
        (AWAY, {"host": "192.168.1.5:8720"}, None, "t" * 20, None),
        (AWAY, {"host": "192.168.1.5:8720", "authorization": "Bearer " + "t" * 20}, None, None, None),
        (AWAY, {"host": "192.168.1.5:8720", "origin": "http://evil.example"}, "t" * 20, None, 403),
    ],
)
def test_who_may_ask(
    address: Address, headers: dict[str, str], query: str | None, cookie: str | None, status: int | None
) -> None:
    assert refusal(address, headers, query, cookie) == status


@pytest.mark.parametrize("text", ["0.0.0.0:8720", "192.168.1.5:80", "[::]:8720", "example.org:8720"])
def test_elsewhere_than_on_this_computer_a_token_is_made(text: str) -> None:
    token = parse_address(text).token
    assert token is not None and len(token) >= 30 and token != parse_address(text).token


@pytest.mark.parametrize("text", ["127.0.0.1:8720", "localhost:1", "[::1]:8720"])
def test_on_this_computer_none_is_asked_for(text: str) -> None:
    assert parse_address(text).token is None


@pytest.mark.parametrize("text", ["", "8720", "host", "host:port", "host:99999"])
def test_an_address_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="--web"):
        parse_address(text)


# the hub


def test_a_client_that_does_not_read_is_dropped_and_the_others_get_all() -> None:
    async def scene() -> None:
        hub = Hub()
        hub.loop = asyncio.get_running_loop()
        slow, quick = hub.join(frozenset()), hub.join(frozenset())
        assert slow and quick
        got, message = [], "x" * 10_000
        reading = asyncio.ensure_future(_collect(quick, got, HELD_BYTES // 5000))
        for _ in range(HELD_BYTES // 5000):
            hub.publish("trace", message)
            await asyncio.sleep(0)
        await asyncio.wait_for(reading, 20)
        assert slow.dropped and hub.dropped == 1 and hub.clients == {quick}
        assert [one async for one in slow.messages()] == []  # its connection is closed

    asyncio.run(scene())


async def _collect(client: Client, got: list[bytes], count: int) -> None:
    async for message in client.messages():
        got.append(message)
        if len(got) == count:
            return


def test_traces_go_to_those_who_look_at_them_and_only_so_many_pages_are_served() -> None:
    async def scene() -> None:
        hub = Hub()
        hub.loop = asyncio.get_running_loop()
        one = hub.join(frozenset({"XX.A..HH"}))
        assert one and hub.wanted == {"XX.A..HH"}
        hub.publish("trace", 1, "XX.A..HH")
        hub.publish("trace", 2, "XX.B..HH")
        await asyncio.sleep(0.01)
        assert await anext(one.messages()) == b"event: trace\ndata: 1\n\n" and one._bytes == 0
        assert [hub.join(frozenset()) is None for _ in range(MOST_CLIENTS)] == [False] * (MOST_CLIENTS - 1) + [True]

    asyncio.run(scene())


def test_samples_that_are_no_numbers_are_sent_as_zero() -> None:
    found = trace(Segment("XX.A..HHZ", 0, 100.0, np.array([1.23456, np.nan, np.inf])))
    assert found["d"] == [1.235, 0.0, 0.0]


# the server, with a run behind it


class Run:
    """A session whose packets come from the test."""

    def __init__(self, folder: Path, web: str, token: str | None = None) -> None:
        from test_live_engine import write

        files = write(folder / "files", [record("XX.AAA..HHZ", 30, {20.3: 1.0})])
        table = folder / "stations.csv"
        table.write_text("network,station,latitude,longitude,elevation_m\nXX,AAA,42.0,13.0,100\n")
        request = LiveRequest((f"replay://{files}",), speed=float("inf"), web=web, token=token)
        self.session = Session(folder / "run", request, lambda line: None)
        self.session.engine = Engine(StandIn(), self.session.clock)
        assert self.session.web
        self.session.engine.listeners.append(self.session.web.watch.on_tick)
        self.web = self.session.web
        self.web.start()

    def feed(self, seconds: float = 60.0, begin_s: float = 0.0) -> None:
        parts = [record(f"XX.AAA..HH{c}", seconds, {20.3: 1.0} if c == "Z" else {23.3: 1.0}) for c in "ZNE"]
        now = parts[0].end_ns
        self.session.clock.wait_until(now, threading.Event())  # type: ignore[attr-defined]
        self.session.engine.tick([Packet(part, now, "test") for part in parts])

    def get(self, path: str, **headers: str) -> http.client.HTTPResponse:
        link = http.client.HTTPConnection("127.0.0.1", self.web.port, timeout=20)
        link.request("GET", path, headers=headers)
        return link.getresponse()


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    made = Run(tmp_path, "127.0.0.1:0")
    yield made
    made.session._close()


def test_every_answer_forbids_frames_and_foreign_scripts(run: Run) -> None:
    for path in ("/", "/assets/live.js", "/api/whole", "/nothing"):
        answer = run.get(path)
        assert answer.getheader("X-Frame-Options") == "DENY"
        policy = answer.getheader("Content-Security-Policy") or ""
        assert "frame-ancestors 'none'" in policy and "script-src 'self';" in policy


def test_all_that_the_page_names_is_served_here(run: Run) -> None:
    import re

    page = run.get("/").read().decode()
    names = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert len(names) > 8 and not [name for name in names if name.startswith(("http", "//"))]
    assert {run.get(f"/{name}").status for name in names if name.startswith("assets/")} == {200}
    assert run.get("/assets/../server.py").status == 404


def test_nothing_can_be_posted(run: Run) -> None:
    link = http.client.HTTPConnection("127.0.0.1", run.web.port, timeout=20)
    link.request("POST", "/api/whole", body=b"x")
    assert link.getresponse().status == 405


def test_what_happens_is_pushed(run: Run) -> None:
    answer = run.get("/stream?sensor=XX.AAA..HH")
    answer.readline()
    threading.Timer(0.1, run.feed).start()
    kinds, picks = set(), []
    while not {"status", "trace", "curves", "pick"} <= kinds or len(picks) < 2:
        line = answer.readline().decode().strip()
        if line.startswith("event: "):
            kinds.add(kind := line[7:])
        elif line.startswith("data: ") and kind == "pick":
            picks.append(json.loads(line[6:]))
    assert [(p["ph"], p["i"], p["kind"]) for p in picks[:2]] == [("P", "XX.AAA..HH", "new"), ("S", "XX.AAA..HH", "new")]
    answer.close()


def test_the_state_and_the_history_of_a_trace_can_be_asked_for(run: Run) -> None:
    run.feed()
    whole = json.loads(run.get("/api/whole").read())
    assert whole["status"]["stations"]["XX.AAA"]["sensors"] == ["XX.AAA..HH"] and len(whole["picks"]) == 2
    found = json.loads(run.get("/api/history?sensor=XX.AAA..HH").read())
    assert {one["c"]: len(one["d"]) for one in found} == {f"XX.AAA..HH{c}": 6000 for c in "ENZ"}
    assert run.get("/api/event/none").status == 404


def test_health_and_metrics(run: Run) -> None:
    run.feed()
    assert json.loads(run.get("/healthz").read()) == {"alive": True, "well": True, "trouble": []}
    text = run.get("/metrics").read().decode()
    assert 'jijin_channel_age_seconds{channel="XX.AAA..HHZ"} ' in text
    assert "jijin_pick_latency_seconds_count 2" in text and "\njijin_ticks_total 1\n" in text
    assert all(line.startswith("#") or len(line.rsplit(" ", 1)) == 2 for line in text.splitlines())


def test_an_engine_that_hangs_and_a_full_disk_are_told(run: Run) -> None:
    run.session.engine._turned_s = time.monotonic() - 100
    run.session.keeper.trouble = "No space left on device"
    alive, found = health(run.session)
    assert not alive and found[0].startswith("the engine has not moved for 100 s") and "No space left" in found[1]
    assert run.get("/healthz").status == 503


def test_elsewhere_the_token_opens_the_page_and_becomes_a_cookie(tmp_path: Path) -> None:
    run = Run(tmp_path, "0.0.0.0:0", "a-token-of-this-test")
    try:
        assert run.get("/").status == 401 and run.get("/metrics").status == 401
        assert json.loads(run.get("/healthz").read())["trouble"] == []
        answer = run.get("/?token=a-token-of-this-test")
        cookie = answer.getheader("Set-Cookie") or ""
        assert answer.status == 307 and "HttpOnly" in cookie and "SameSite=strict" in cookie
        assert run.get("/", Cookie=cookie.split(";")[0]).status == 200
        assert run.get("/metrics", Authorization="Bearer a-token-of-this-test").status == 200
    finally:
        run.session._close()


def test_pages_that_never_read_do_not_hold_up_a_tick(run: Run) -> None:
    answers = [run.get("/stream?sensor=XX.AAA..HH") for _ in range(5)]
    run.feed()
    began = time.monotonic()
    for _ in range(50):
        run.session.engine._tell(Tick(run.session.clock.now_ns(), [record("XX.AAA..HHZ", 60, {})]))
    assert time.monotonic() - began < 10
    for answer in answers:
        answer.close()


def test_a_browser_shows_traces_picks_and_stations_without_an_error(run: Run, tmp_path: Path) -> None:
    run.feed()
    with opened(f"http://127.0.0.1:{run.web.port}/", tmp_path) as page:
        page.until("document.querySelectorAll('sp-seismograph').length === 1")
        page.until("document.querySelectorAll('#picks tbody tr').length === 2")
        assert page.value("document.querySelector('#stations tbody td').textContent") == "XX.AAA"
        assert page.until("[...views.values()].map(one => one.picks.size).join()") == "2"
        later = [record(f"XX.AAA..HH{c}", 5, {}, start_ns=record("x", 60, {}).end_ns) for c in "ZNE"]
        run.session.engine.tick([Packet(part, later[0].end_ns, "test") for part in later])
        page.until("[...document.querySelectorAll('.trace .note')].some(one => one.textContent.includes('22:14:25'))")
        page.ask("Emulation.setDeviceMetricsOverride", width=390, height=844, deviceScaleFactor=1, mobile=True)
        assert page.value("document.documentElement.scrollWidth") <= 390  # on a phone nothing sticks out
        assert page.console == []


def test_metrics_name_every_histogram(run: Run) -> None:
    text = exposition(run.session)
    for name in ("arrival", "pick", "onset", "alert"):
        assert f'jijin_{name}_latency_seconds_bucket{{le="+Inf"}} 0' in text
