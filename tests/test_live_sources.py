"""Sources: whatever a server or the network does, every packet it still has is used once, in the end."""

from __future__ import annotations

import logging
import re
import socket
import threading
import time
from collections.abc import Callable

import numpy as np
import pytest

from fakes import START_NS, record
from jijin.errors import ConfigError, DataError
from jijin.live.clock import SystemClock
from jijin.live.engine import Engine
from jijin.live.packets import Packet
from jijin.live.seedlink import Patience, SeedLinkSource, parse_streams
from jijin.live.shake import Shake, to_segment
from jijin.live.sources import Source, open_sources
from jijin.types import NS, Pick, Segment
from seedlink_server import Faults, SeedLinkServer, records
from standin import StandIn

pytest.importorskip("seedlink_client")

QUICK = Patience(answer=2.0, keepalive=0.2, silence=0.5, first_wait=0.01, longest_wait=0.05)
LATEST_S = 20.0  # a test that waits longer has failed


def counts(name: str = "AAA", seconds: float = 120, code: str = "HHZ") -> Segment:
    part = record(f"XX.{name}..{code}", seconds, {20.0: 1.0})
    return Segment(part.seed_id, part.start_ns, part.sampling_rate, np.rint(part.data * 1e4).astype(np.int32))


class Reader:
    """A source in a thread, and what it has handed on."""

    def __init__(self, source: Source) -> None:
        self.source, self.packets = source, list[Packet]()
        self.stop = threading.Event()
        self._thread = threading.Thread(target=source.run, args=(self.packets.append, self.stop), daemon=True)

    def __enter__(self) -> Reader:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop.set()
        self._thread.join(5)
        assert not self._thread.is_alive(), "the source does not end when it is told to"

    def until(self, done: Callable[[], bool]) -> None:
        limit = time.monotonic() + LATEST_S
        while not done():
            assert time.monotonic() < limit, (len(self.packets), self.source.status)
            time.sleep(0.01)

    def numbers(self) -> list[int | None]:
        return [packet.seqnum for packet in self.packets]


def seedlink(server: SeedLinkServer, streams: str = "XX_AAA", after: dict[str, int] | None = None) -> Reader:
    url = f"seedlink://127.0.0.1:{server.port}"
    return Reader(SeedLinkSource(url, streams, SystemClock(), after or {}, QUICK))


@pytest.mark.parametrize("version", [3, 4])
@pytest.mark.parametrize("piece", [None, 7])
def test_every_packet_comes_once_and_whole(version: int, piece: int | None) -> None:
    part = counts()
    with SeedLinkServer(version, piece=piece) as server:
        server.add(records(part))
        with seedlink(server, after={"XX_AAA": server.first - 1}) as reader:
            reader.until(lambda: len(reader.packets) == len(server.kept))
    assert np.array_equal(np.concatenate([p.segment.data for p in reader.packets]), part.data)
    assert reader.packets[0].segment.start_ns == START_NS and reader.packets[0].station == "XX_AAA"


@pytest.mark.parametrize("version", [3, 4])
@pytest.mark.parametrize(
    "fault",
    [Faults(drop_after=3), Faults(hang_after=3), Faults(halt_after=3), Faults(error_after=3), Faults(refuse=True)],
)
def test_after_a_fault_the_next_connection_goes_on_where_the_last_one_stopped(version: int, fault: Faults) -> None:
    with SeedLinkServer(version, faults=[fault, Faults(drop_after=5)]) as server:
        server.add(records(counts()))
        with seedlink(server, after={"XX_AAA": server.first - 1}) as reader:
            reader.until(lambda: len(reader.packets) >= len(server.kept))
        assert reader.numbers() == [number for number, _ in server.kept]
        assert reader.source.status.connects >= 2 and reader.source.status.note


@pytest.mark.parametrize("version", [3, 4])
def test_keepalives_between_packets_are_no_data(version: int) -> None:
    with SeedLinkServer(version, faults=[Faults(keepalives=True)]) as server:
        server.add(records(counts()))
        with seedlink(server, after={"XX_AAA": server.first - 1}) as reader:
            reader.until(lambda: len(reader.packets) == len(server.kept))
    assert {p.segment.seed_id for p in reader.packets} == {"XX.AAA..HHZ"}


@pytest.mark.parametrize("version", [3, 4])
def test_a_pattern_takes_all_stations_that_fit_and_goes_on_with_each(version: int) -> None:
    with SeedLinkServer(version, faults=[Faults(), Faults()]) as server:
        mixed = [r for pair in zip(records(counts("AAA")), records(counts("BBB")), strict=False) for r in pair]
        server.add(mixed + records(counts("AAA", code="LHZ")))
        with seedlink(server, "XX_*:HH?", {"XX_AAA": 103, "XX_BBB": 100}) as reader:
            wanted = [n for n, r in server.kept if r in mixed and n > (103 if b"AAA" in r[8:13] else 100)]
            reader.until(lambda: len(reader.packets) == len(wanted))
    assert reader.numbers() == wanted


def test_without_a_position_only_new_data_are_asked_for() -> None:
    old, new = records(counts())[:10], records(counts())[10:]
    with SeedLinkServer(4) as server:
        server.add(old)
        with seedlink(server) as reader:
            reader.until(lambda: "END" in server.commands)
            time.sleep(0.05)
            server.add(new)
            reader.until(lambda: len(reader.packets) == len(new))
    assert reader.numbers()[0] == server.first + len(old)


def test_sequence_numbers_of_version_3_begin_anew_after_the_last_one() -> None:
    with SeedLinkServer(3, first=0xFFFFFF - 4, faults=[Faults(drop_after=5)]) as server:
        server.add(records(counts()))
        with seedlink(server, after={"XX_AAA": 0xFFFFFF - 5}) as reader:
            reader.until(lambda: len(reader.packets) == len(server.kept))
    assert reader.numbers()[4:6] == [0xFFFFFF, 0]


def test_a_packet_that_is_no_miniseed_is_told_and_the_others_are_used(caplog: pytest.LogCaptureFixture) -> None:
    sound = records(counts())
    broken = sound[2][:64] + b"\xff" * 448
    with SeedLinkServer(4) as server, caplog.at_level(logging.WARNING):
        server.add([*sound[:2], broken, *sound[3:]])
        with seedlink(server, after={"XX_AAA": server.first - 1}) as reader:
            reader.until(lambda: len(reader.packets) == len(sound) - 1)
    assert "XX_AAA: packet 102 is not sound miniSEED" in caplog.text


def test_a_server_that_is_not_there_is_tried_again_until_it_is() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with Reader(SeedLinkSource(f"seedlink://127.0.0.1:{port}", "*", SystemClock(), {}, QUICK)) as reader:
        reader.until(lambda: reader.source.status.state == "waiting")
    assert "Could not connect" in reader.source.status.note


@pytest.mark.parametrize(
    "url", ["seedlink://", "seedlink://h:port", "seedlink://h?protocol=5", "ftp://h", "replay://x"]
)
def test_an_address_that_is_none_is_refused(url: str, tmp_path: object) -> None:
    with pytest.raises((ConfigError, DataError)):
        open_sources([url], "*", 1.0, {})


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("seedlink://h?protocl=3", "seedlink://h?protocl=3: there is no option 'protocl'"),
        (
            "seedlink://me:secret@h?x=1",
            "seedlink://h?x=1: there is no option 'x'; an address may have protocol and str",
        ),
        ("seedlink://h?streams=", "'streams' needs one value (got none)"),
        ("seedlink://h?protocol=3&protocol=4", "'protocol' needs one value (got 3, 4)"),
        ("shake://127.0.0.1:0?staton=AM.R1.00", "there is no option 'staton'; an address may have rate and station"),
        ("shake://127.0.0.1:0?rate=fast", "'rate' is a sampling rate in Hz, 20 to 1000 (got fast)"),
        ("shake://127.0.0.1:80000", "cannot listen there: Port out of range"),
        ("shake://127.0.0.1:0?rate=5", "'rate' is a sampling rate in Hz, 20 to 1000 (got 5)"),
    ],
)
def test_a_misspelt_option_of_an_address_is_an_error(url: str, told: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(told)):
        open_sources([url], "*", 1.0, {})


def test_a_password_is_in_no_name_and_streams_may_stand_in_the_address() -> None:
    source = SeedLinkSource("seedlink://me:secret@h:1?streams=KS_*:HH?", "*", SystemClock(), {})
    assert source.name == "seedlink://h:1?streams=KS_*:HH?" and source._settings["auth"] == ("me", "secret")
    assert source._wanted == parse_streams("KS_*:HH?")


@pytest.mark.parametrize("text", ["", "KSSEO", "KS_SEO,BAD"])
def test_streams_that_name_no_station_are_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="--streams"):
        parse_streams(text)


# Raspberry Shake


def test_datagrams_of_a_shake_become_samples_and_nonsense_is_counted() -> None:
    source = Shake("shake://127.0.0.1:0?station=AM.R1234.00", SystemClock())
    with Reader(source) as reader, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as shake:
        sent = [b"{'EHZ', 1507760140.530, 614, 916}", b"nonsense", b"{'EHZ', 1507760140.550, 7}"]
        for datagram in sent:
            shake.sendto(datagram, ("127.0.0.1", source.port))
        reader.until(lambda: len(reader.packets) == 2)
    first, second = (packet.segment for packet in reader.packets)
    assert first.seed_id == "AM.R1234.00.EHZ" and first.end_ns == second.start_ns == 1507760140550000000
    assert source.status.note.startswith("1 packets refused")


@pytest.mark.parametrize(
    "wrong", [b"", b"{}", b"{'EHZ'}", b"{'EHZ', 1.0}", b"{'EHZ', x, 1}", b"{'EHZ', 1.0, 1e400}", b"\xff"]
)
def test_a_datagram_that_is_none_of_a_shake_is_refused(wrong: bytes) -> None:
    with pytest.raises(DataError, match="not a packet of a Shake"):
        to_segment(wrong, "AM.R1234.00", 100.0)


def test_a_run_on_a_datacast_keeps_its_last_picks_when_it_is_ended() -> None:
    """No server has the data of the last minute for the next start."""
    engine = Engine(StandIn(), SystemClock())  # type: ignore[arg-type]
    finals: list[Pick] = []
    engine.listeners.append(lambda tick: finals.extend(tick.finals))
    source, stop = Shake("shake://127.0.0.1:0", SystemClock()), threading.Event()
    running = threading.Thread(target=engine.run, args=([source], stop), daemon=True)
    running.start()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as shake:
        for k in range(20):
            counts = ", ".join("9" if 4 <= k < 8 else "0" for _ in range(100))
            shake.sendto(f"{{'EHZ', {time.time_ns() // NS - 30 + k}.0, {counts}}}".encode(), ("127.0.0.1", source.port))
    limit = time.monotonic() + LATEST_S
    while not engine.arrivals.channels or next(iter(engine.arrivals.channels.values())).packets < 20:
        assert time.monotonic() < limit
        time.sleep(0.01)
    stop.set()
    running.join(LATEST_S)
    assert [pick.phase_hint for pick in finals] == ["P"]
