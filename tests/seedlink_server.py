"""A SeedLink server for tests, versions 3 and 4 after the published protocol, its ugly parts on demand."""

from __future__ import annotations

import json
import re
import socket
import struct
import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from io import BytesIO

import numpy as np

from jijin.io.formats import to_stream
from jijin.types import Segment


def records(segment: Segment, reclen: int = 512) -> list[bytes]:
    """The segment as miniSEED 2 records, Steim-2."""
    whole = Segment(segment.seed_id, segment.start_ns, segment.sampling_rate, np.rint(segment.data).astype(np.int32))
    out = BytesIO()
    to_stream([whole]).write(out, format="MSEED", reclen=reclen, encoding="STEIM2")
    raw = out.getvalue()
    return [raw[at : at + reclen] for at in range(0, len(raw), reclen)]


def nslc(record: bytes) -> tuple[str, str, str, str]:
    """Network, station, location, channel of a miniSEED 2 record."""
    text = record[8:20].decode()
    station, location, channel, network = text[:5], text[5:7], text[7:10], text[10:12]
    return network.strip(), station.strip(), location.strip(), channel.strip()


def selected(record: bytes, selectors: Iterable[str]) -> bool:
    """Whether any selector of either version matches."""
    _, _, location, channel = nslc(record)
    chosen = list(selectors)
    for selector in chosen:
        if "_" in selector:
            loc, *codes = selector.split("_")
            if fnmatchcase(location, loc or "") and fnmatchcase(channel, "".join(codes)):
                return True
        else:
            pattern = selector.replace("-", " ")
            if fnmatchcase(channel, pattern[-3:]) and fnmatchcase(location, pattern[:-3].strip() or "*"):
                return True
    return not chosen


@dataclass
class Faults:
    """What the next connection does wrong, once; packets counted over the connection."""

    drop_after: int | None = None  # close in the middle of the packet after these
    hang_after: int | None = None  # send nothing more and keep the connection open
    halt_after: int | None = None  # the same in the middle of the packet after these
    error_after: int | None = None  # an ERROR instead of a packet
    refuse: bool = False  # close at once
    keepalives: bool = False  # an INFO answer nobody asked for before every packet


@dataclass
class SeedLinkServer:
    """Keeps its packets, numbered from `first` on, and serves them to any client; use it in a `with`."""

    version: int = 4
    first: int = 100
    piece: int | None = None  # bytes a send: packets come in parts
    faults: list[Faults] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)  # all that clients have sent

    def __post_init__(self) -> None:
        self.kept: list[tuple[int, bytes]] = []
        self.new = threading.Condition()
        self.connections = 0
        self._stop = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]

    def add(self, packets: Iterable[bytes]) -> None:
        """New packets, for clients that are there and those that will come."""
        with self.new:
            for record in packets:
                self.kept.append(((self.first + len(self.kept)) % (1 << 24), record))
            self.new.notify_all()

    def __enter__(self) -> SeedLinkServer:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._listener.close()
        with self.new:
            self.new.notify_all()

    def _accept(self) -> None:
        while not self._stop.is_set():
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            faults = self.faults.pop(0) if self.faults else Faults()
            threading.Thread(target=self._serve, args=(client, faults), daemon=True).start()

    def _serve(self, client: socket.socket, faults: Faults) -> None:
        try:
            with client:
                if not faults.refuse:
                    _Connection(self, client, faults).run()
        except OSError:
            return


class _Connection:
    def __init__(self, server: SeedLinkServer, client: socket.socket, faults: Faults) -> None:
        self.server, self.client, self.faults = server, client, faults
        self.version = 3
        self.wanted: list[tuple[str, list[str], int | None]] = []  # pattern, selectors, first packet
        self.buffer = b""
        self.sent = 0

    def run(self) -> None:
        while (line := self.line()) is not None:
            self.server.commands.append(line)
            word, *words = line.split()
            if word in ("END", "ENDFETCH"):
                return self.stream()
            if word == "BYE":
                return None
            self.answer(word, words)
        return None

    def line(self) -> str | None:
        while not re.search(rb"[\r\n]", self.buffer.lstrip(b"\r\n")):
            chunk = self.client.recv(4096)
            if not chunk:
                return None
            self.buffer += chunk
        line, self.buffer = re.split(rb"[\r\n]+", self.buffer.lstrip(b"\r\n"), maxsplit=1)
        return line.decode()

    def answer(self, word: str, words: list[str]) -> None:
        if word == "HELLO":
            versions = "SLPROTO:3.1" + (" SLPROTO:4.0" if self.server.version == 4 else "")
            self.say(f"SeedLink v{self.server.version}.0 (tests) :: {versions} CAP EXTREPLY")
            self.say("tests")
        elif word == "SLPROTO":
            self.version = int(float(words[0]))
            self.say("OK")
        elif word == "INFO":
            self.info(words[0])
        elif word == "STATION":
            self.station(words)
        elif word == "SELECT":
            self.wanted[-1][1].append(words[0])
            self.say("OK")
        elif word == "DATA":
            pattern, selectors, _ = self.wanted.pop()
            base = 10 if self.version == 4 else 16
            start = None if not words else -1 if words[0] == "ALL" else int(words[0], base)
            self.wanted.append((pattern, selectors, start))
            self.say("OK")
        else:
            self.say("OK" if word in ("USERAGENT", "CAPABILITIES", "AUTH") else "ERROR UNSUPPORTED no such command")

    def station(self, words: list[str]) -> None:
        pattern = words[0] if self.version == 4 else f"{words[1]}_{words[0]}"
        if self.version == 3 and pattern not in self.stations():
            return self.say("ERROR")
        self.wanted.append((pattern, [], None))
        return self.say("OK")

    def stations(self) -> list[str]:
        return sorted({"_".join(nslc(record)[:2]) for _, record in self.server.kept})

    def say(self, text: str) -> None:
        self.client.sendall(text.encode() + b"\r\n")

    def info(self, level: str) -> None:
        names = [name.split("_") for name in self.stations()]
        if self.version == 4:
            body = json.dumps({"software": "tests", "station": [{"id": "_".join(n)} for n in names]}).encode()
            self.send(struct.pack("<2sccIQB", b"SE", b"J", b"I", len(body), 0, 0) + body)
        else:
            inner = "".join(f'<station name="{s}" network="{n}"/>' for n, s in names) if level == "STATIONS" else ""
            self.send(b"SLINFO  " + text_record(f'<seedlink software="tests">{inner}</seedlink>'))

    def stream(self) -> None:
        at = len(self.server.kept)
        live_from = at
        starts = [start for _, _, start in self.wanted if start is not None]
        if starts:
            numbers = [number for number, _ in self.server.kept]
            at = 0 if min(starts) < 0 else next((i for i, n in enumerate(numbers) if n in starts), at)
        while not self.server._stop.is_set():
            with self.server.new:
                while at >= len(self.server.kept) and not self.server._stop.is_set():
                    self.server.new.wait(0.05)
                fresh = self.server.kept[at:]
            for number, record in fresh:
                if self.wants(record, at, live_from) and not self.packet(number, record):
                    return
                at += 1

    def wants(self, record: bytes, at: int, live_from: int) -> bool:
        """The first pattern that fits decides: from its packet on, or only what is new."""
        name = "_".join(nslc(record)[:2])
        for pattern, selectors, start in self.wanted:
            if fnmatchcase(name, pattern):
                first = live_from if start is None else self.index(start)
                return at >= first and selected(record, selectors)
        return False

    def index(self, number: int) -> int:
        """Where a packet is, as far as it is still kept: else the oldest one, or the next one for a number to come."""
        numbers = [n for n, _ in self.server.kept]
        if number in numbers:
            return numbers.index(number)
        return len(numbers) if numbers and number == (numbers[-1] + 1) % (1 << 24) else 0

    def packet(self, number: int, record: bytes) -> bool:
        """Send one packet, or do what is to go wrong; False if the connection is over."""
        faults = self.faults
        if faults.keepalives:
            self.info("ID")
        if self.sent == faults.error_after:
            self.say("ERROR INTERNAL something broke")
            return False
        if self.sent == faults.hang_after:
            self.server._stop.wait(30)
            return False
        if self.version == 4:
            name = "_".join(nslc(record)[:2]).encode()
            raw = struct.pack("<2sccIQB", b"SE", b"2", b"D", len(record), number, len(name)) + name + record
        else:
            raw = b"SL" + b"%06X" % number + record
        if self.sent in (faults.drop_after, faults.halt_after):
            self.client.sendall(raw[: len(raw) // 2])
            self.server._stop.wait(30 if self.sent == faults.halt_after else 0)
            return False
        self.send(raw)
        self.sent += 1
        return True

    def send(self, raw: bytes) -> None:
        step = self.server.piece or len(raw)
        for at in range(0, len(raw), step):
            self.client.sendall(raw[at : at + step])


def text_record(text: str) -> bytes:
    """A miniSEED 2 record of text, 512 bytes, as version 3 answers INFO with."""
    body = text.encode()
    assert len(body) <= 448
    head = b"000000D " + b"INFO " + b"  " + b"INF" + b"SL"
    head += struct.pack(">HHBBBBH", 2024, 1, 0, 0, 0, 0, 0)  # time
    head += struct.pack(">HhhBBBBiHH", len(body), 0, 0, 0, 0, 0, 1, 0, 64, 48)
    blockette = struct.pack(">HHBBBB", 1000, 0, 0, 1, 9, 0)  # text, big endian, 2**9 bytes
    return (head + blockette).ljust(64, b"\0") + body.ljust(448, b"\0")
