"""SeedLink 3 and 4 through EarthScope's seedlink-client: one server, any number of stations on one connection.

The client library speaks the protocol; here is what surrounds a connection: which stations are asked for and from
which packet on, when a connection is given up, and when it is tried again.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from threading import Event
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from jijin import __version__
from jijin.errors import ConfigError, MissingExtra
from jijin.live.clock import Clock
from jijin.live.packets import Packet
from jijin.live.sources import Put, SourceState, options_of, without_credentials
from jijin.types import Segment

if TYPE_CHECKING:
    from seedlink_client import AsyncSeedLink, SeedLinkPacket

log = logging.getLogger("jijin")

LOOK_S = 0.2  # whether the program ends is looked at this often
LAST_V3 = 0xFFFFFF  # sequence numbers of version 3 begin anew after it


@dataclass(frozen=True, slots=True)
class Patience:
    """Times in s."""

    answer: float = 20.0  # for a connection, an answer, the rest of a packet
    keepalive: float = 30.0  # so often a silent server is asked whether it is there
    silence: float = 180.0  # without any data, after which a connection is taken for dead
    first_wait: float = 1.0  # before a new connection; doubled each time up to
    longest_wait: float = 60.0


@dataclass(frozen=True, slots=True)
class Wanted:
    """Stations as NET_STA with wildcards, and selectors in the syntax of either version."""

    pattern: str
    selectors: tuple[str, ...]


def parse_streams(text: str) -> list[Wanted]:
    """'KS_*:HH?,IU_MAJO:00BH? 10BH?' as a list. ConfigError if an entry names no station.

    >>> parse_streams("KS_*:HH? HN?,IU_MAJO")
    [Wanted(pattern='KS_*', selectors=('HH?', 'HN?')), Wanted(pattern='IU_MAJO', selectors=())]
    """
    found = []
    for entry in filter(None, (part.strip() for part in text.split(","))):
        pattern, _, selectors = entry.partition(":")
        pattern = "*_*" if pattern == "*" else pattern
        if "_" not in pattern:
            raise ConfigError(f"--streams '{entry}': a station is NET_STA, as in 'KS_SEO:HH?' or 'KS_*:HH?'")
        found.append(Wanted(pattern, tuple(selectors.split())))
    if not found:
        raise ConfigError("--streams is empty; '*' asks for everything")
    return found


class SeedLinkSource:
    """seedlink://[USER:PASSWORD@]HOST[:PORT][?protocol=3&streams=...], or seedlinks:// with TLS.

    positions : by station NET_STA, the packet to go on after.
    """

    def __init__(
        self, url: str, streams: str, clock: Clock, positions: dict[str, int], patience: Patience | None = None
    ) -> None:
        try:
            import seedlink_client  # noqa: F401
        except ImportError as error:
            raise MissingExtra("seedlink-client", "live") from error
        self.name, self.status = without_credentials(url), SourceState()
        self._clock, self._patience = clock, patience or Patience()
        options = options_of(url, {"protocol", "streams"})
        self._wanted = parse_streams(options.get("streams", streams))
        self._positions = dict(positions)
        self._settings = _settings(url, options.get("protocol"))

    def run(self, put: Put, stop: Event) -> None:
        """Connect, and connect again, until stop is set."""
        from seedlink_client import SeedLinkError

        wait_s = self._patience.first_wait
        while not stop.is_set():
            before = dict(self._positions)
            try:
                asyncio.run(self._stream(put, stop))
                self._tell("the server has ended the connection", stop)
            except (SeedLinkError, OSError, ValueError) as error:
                self._tell(str(error) or type(error).__name__, stop)
            wait_s = self._patience.first_wait if self._positions != before else wait_s
            stop.wait(wait_s)
            wait_s = min(2 * wait_s, self._patience.longest_wait)
        self.status.state = "ended"

    def _tell(self, note: str, stop: Event) -> None:
        if not stop.is_set():
            self.status.state, self.status.note, self.status.since_ns = "waiting", note, self._clock.now_ns()
            log.warning("%s: %s; connecting again", self._settings["host"], note)

    async def _stream(self, put: Put, stop: Event) -> None:
        """One connection, to its end."""
        from seedlink_client import AsyncSeedLink

        wait = self._patience
        client = AsyncSeedLink(
            **self._settings, timeout=wait.answer, keepalive=wait.keepalive, idle_timeout=wait.silence,
            clientname="jijin", clientversion=__version__,
        )  # fmt: skip
        try:
            await client.connect()
            await self._subscribe(client)
            self.status.state, self.status.since_ns = "connected", self._clock.now_ns()
            self.status.connects += 1
            async for packet in _until(client.collect(reconnect=False), stop, wait.silence):
                self._hand_on(packet, put)
        finally:
            await client.close()

    async def _subscribe(self, client: AsyncSeedLink) -> None:
        """Known stations by name, to go on where they stopped; the patterns after them, for those not seen yet."""
        v3 = client.protocol is not None and client.protocol.value == "3"
        served = await _served(client) if v3 and any(set("*?") & set(w.pattern) for w in self._wanted) else None
        asked: set[str] = set()
        for wanted in self._wanted:
            for station in sorted({*self._positions, *(served or ())} - asked):
                if fnmatchcase(station, wanted.pattern):
                    asked.add(station)
                    self._ask(client, station, wanted, v3)
            if wanted.pattern not in asked and (served is None or not set("*?") & set(wanted.pattern)):
                self._ask(client, wanted.pattern, wanted, v3)

    def _ask(self, client: AsyncSeedLink, station: str, wanted: Wanted, v3: bool) -> None:
        after = self._positions.get(station)
        if v3 and after == LAST_V3:
            after = -1
        client.add_stream(station, list(wanted.selectors), seqnum=after)

    def _hand_on(self, packet: SeedLinkPacket, put: Put) -> None:
        segment = to_segment(packet)
        if segment is not None:
            put(Packet(segment, self._clock.now_ns(), self.name, packet.station_id, packet.seqnum))
        if packet.seqnum is not None:
            self._positions[packet.station_id] = packet.seqnum


async def _until(
    packets: AsyncGenerator[SeedLinkPacket, None], stop: Event, silence_s: float
) -> AsyncIterator[SeedLinkPacket]:
    """Packets until stop is set. TimeoutError if one does not come, or not to its end, within silence_s."""
    while True:
        coming = asyncio.ensure_future(anext(packets))
        limit = time.monotonic() + 2 * silence_s  # the client tells silence between packets itself
        while not coming.done() and not stop.is_set() and time.monotonic() < limit:
            await asyncio.wait({coming}, timeout=LOOK_S)
        if not coming.done():
            coming.cancel()
            await asyncio.wait({coming})
            if stop.is_set():
                return
            raise TimeoutError("a packet stopped in its middle")
        try:
            yield coming.result()
        except StopAsyncIteration:
            return


def _settings(url: str, version: str | None) -> dict[str, Any]:
    """Arguments of the client library. ConfigError if the address is none."""
    from seedlink_client import Protocol

    parts, shown = urlsplit(url), without_credentials(url)
    try:
        port = parts.port
    except ValueError as error:
        raise ConfigError(f"{shown}: {error}") from error
    if not parts.hostname:
        raise ConfigError(f"{shown}: it names no host; write seedlink://HOST:PORT")
    tls = parts.scheme == "seedlinks"
    if version not in (None, "3", "4"):
        raise ConfigError(f"{shown}: 'protocol' is 3 or 4 (got {version})")
    auth = (parts.username, parts.password or "") if parts.username else None
    protocol = Protocol(version) if version else None
    return {"host": parts.hostname, "port": port or (18500 if tls else 18000), "tls": tls, "auth": auth,
            "protocol": protocol}  # fmt: skip


async def _served(client: AsyncSeedLink) -> list[str]:
    """NET_STA of all stations of a server; version 3 knows no wildcards, so they are asked for one by one."""
    return sorted(_stations_in(await client.info_dict("STATIONS")))


def _stations_in(info: Any) -> Iterator[str]:
    if isinstance(info, dict):
        if "network" in info and "name" in info:
            yield f"{info['network']}_{info['name']}"
        for value in info.values():
            yield from _stations_in(value)
    elif isinstance(info, list):
        for value in info:
            yield from _stations_in(value)


def to_segment(packet: SeedLinkPacket) -> Segment | None:
    """The samples of a packet; None if it holds none, as logs do, or is not sound miniSEED, which is told."""
    from pymseed import MiniSEEDError, MS3Record

    from jijin.io.mseed import seed_id

    if packet.payload_format not in ("2", "3"):
        return None
    try:
        record = MS3Record.parse(packet.payload, unpack_data=True)
    except (MiniSEEDError, ValueError) as error:
        log.warning("%s: packet %s is not sound miniSEED: %s", packet.station_id, packet.seqnum, error)
        return None
    if record.samprate <= 0 or record.numsamples <= 0 or record.sampletype == "t":
        return None
    return Segment(seed_id(record.sourceid), record.starttime, record.samprate, record.np_datasamples.copy())
