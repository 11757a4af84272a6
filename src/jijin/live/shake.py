"""Raspberry Shake's UDP datacast: one packet a channel, {'EHZ', 1507760140.530, 614, 916, ...}: code, time, counts."""

from __future__ import annotations

import logging
import socket
from threading import Event
from urllib.parse import urlsplit

import numpy as np

from jijin.errors import ConfigError, DataError
from jijin.live.clock import Clock
from jijin.live.packets import Packet
from jijin.live.sources import Put, SourceState, options_of
from jijin.resampling import check_rate
from jijin.types import NS, Segment

log = logging.getLogger("jijin")

LARGEST = 65_536  # bytes of a datagram
BUFFER = 4 << 20  # bytes that the system holds while we are busy: minutes of a Shake


def to_segment(datagram: bytes, station: str, sampling_rate: float) -> Segment:
    """Samples of a datagram; station is NET.STA.LOC. DataError if it is none of a Shake's.

    >>> one = to_segment(b"{'EHZ', 1507760140.530, 614, 916}", "AM.R0000.00", 100.0)
    >>> one.seed_id, one.start_ns, one.data.tolist()
    ('AM.R0000.00.EHZ', 1507760140530000000, [614, 916])
    """
    try:
        code, time_s, *counts = datagram.decode("ascii").strip().strip("{}").split(",")
        seconds, _, fraction = time_s.strip().partition(".")
        start_ns = int(seconds) * NS + int((fraction + "000000000")[:9])
        data = np.array([int(count) for count in counts], np.int32)
    except (ValueError, OverflowError) as error:
        raise DataError(f"not a packet of a Shake: {datagram[:60]!r}") from error
    code = code.strip().strip("'\"")
    if len(code) != 3 or not code.isalnum() or not len(data):
        raise DataError(f"not a packet of a Shake: {datagram[:60]!r}")
    return Segment(f"{station}.{code}", start_ns, sampling_rate, data)


def _rate(url: str, text: str) -> float:
    try:
        rate = float(text)
        check_rate(rate, url)
    except (ValueError, DataError) as error:
        raise ConfigError(f"{url}: 'rate' is a sampling rate in Hz, 20 to 1000 (got {text})") from error
    return rate


class Shake:
    """shake://ADDRESS:PORT[?station=AM.R1234.00&rate=100]: listens there for one Shake's datagrams.

    The packets name no station, so the address does, or it is AM.SHAKE.00. UDP knows no repetition: what is lost on
    the way is a gap.
    """

    def __init__(self, url: str, clock: Clock) -> None:
        parts = urlsplit(url)
        options = options_of(url, {"station", "rate"})
        self.name, self.status, self._clock = url, SourceState(), clock
        self._station = options.get("station", "AM.SHAKE.00")
        if self._station.count(".") != 2:
            raise ConfigError(f"{url}: 'station' is NET.STA.LOC, as in AM.R1234.00 (got {self._station})")
        self._rate = _rate(url, options.get("rate", "100"))
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
        try:
            self._socket.bind((parts.hostname or "0.0.0.0", parts.port or 8888))
        except (OSError, ValueError) as error:
            self._socket.close()
            reason = error.strerror if isinstance(error, OSError) else error
            raise ConfigError(f"{url}: cannot listen there: {reason}") from error
        self.port = self._socket.getsockname()[1]
        self._refused = 0

    def run(self, put: Put, stop: Event) -> None:
        """Receive until stop is set."""
        self._socket.settimeout(0.2)
        self.status.state = "waiting"
        with self._socket:
            while not stop.is_set():
                try:
                    datagram = self._socket.recv(LARGEST)
                except TimeoutError:
                    continue
                self._hand_on(datagram, put)
        self.status.state = "ended"

    def _hand_on(self, datagram: bytes, put: Put) -> None:
        try:
            segment = to_segment(datagram, self._station, self._rate)
        except DataError as error:
            self._refused += 1
            self.status.note = f"{self._refused} packets refused: {error}"
            if self._refused == 1:
                log.warning("%s: %s; further ones are only counted", self.name, error)
            return
        if self.status.state != "connected":
            self.status.state, self.status.since_ns = "connected", self._clock.now_ns()
            self.status.connects += 1
        put(Packet(segment, self._clock.now_ns(), self.name))
