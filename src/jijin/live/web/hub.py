"""Messages to every open page: encoded once, handed to the web server's thread, never waited for."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator
from typing import Any

HELD_BYTES = 2_000_000  # that wait for one client; a slower one is dropped, and comes back by itself
MOST_CLIENTS = 50
MOST_TRACES = 24  # of one client


class Client:
    """One open page and what waits for it. Used in the web server's thread."""

    def __init__(self, traces: frozenset[str]) -> None:
        self.traces = traces
        self.dropped = False
        self._waiting: deque[bytes] = deque()
        self._bytes = 0
        self._news = asyncio.Event()

    def offer(self, message: bytes) -> None:
        """Queue a message; a client with too many is dropped instead."""
        if self._bytes + len(message) > HELD_BYTES:
            self.dropped = True
        else:
            self._waiting.append(message)
            self._bytes += len(message)
        self._news.set()

    async def messages(self, beat_s: float = 15.0) -> AsyncIterator[bytes]:
        """As server-sent events, a comment where nothing happens; until the client is dropped."""
        while not self.dropped:
            try:
                await asyncio.wait_for(self._news.wait(), beat_s)
            except TimeoutError:
                yield b": still here\n\n"
            self._news.clear()
            while self._waiting and not self.dropped:
                message = self._waiting.popleft()
                self._bytes -= len(message)
                yield message


class Hub:
    """publish() from any thread. wanted: the sensors whose traces some client looks at."""

    def __init__(self) -> None:
        self.clients: set[Client] = set()
        self.wanted: frozenset[str] = frozenset()
        self.dropped = 0
        self.loop: asyncio.AbstractEventLoop | None = None  # of the web server, once it runs

    def publish(self, kind: str, data: Any, sensor: str | None = None) -> None:
        """Send to all clients, or to those that look at a sensor."""
        if self.loop is None or not self.clients:
            return
        message = encode(kind, data)
        try:
            self.loop.call_soon_threadsafe(self._fan, message, sensor)
        except RuntimeError:  # the server has just ended
            return

    def _fan(self, message: bytes, sensor: str | None) -> None:
        for client in list(self.clients):
            if sensor is None or sensor in client.traces:
                client.offer(message)
                if client.dropped:
                    self.dropped += 1
                    self.leave(client)

    def join(self, traces: frozenset[str]) -> Client | None:
        """A new client; None if there are too many."""
        if len(self.clients) >= MOST_CLIENTS:
            return None
        client = Client(traces)
        self.clients.add(client)
        self._note_wanted()
        return client

    def leave(self, client: Client) -> None:
        """A client is gone."""
        self.clients.discard(client)
        self._note_wanted()

    def _note_wanted(self) -> None:
        self.wanted = frozenset().union(*(client.traces for client in self.clients))


def encode(kind: str, data: Any) -> bytes:
    """A server-sent event.

    >>> encode("pick", {"p": 1})
    b'event: pick\\ndata: {"p":1}\\n\\n'
    """
    return b"event: " + kind.encode() + b"\ndata: " + dumps(data) + b"\n\n"


def dumps(data: Any) -> bytes:
    """Compact JSON in one line, without NaN."""
    return json.dumps(data, separators=(",", ":"), allow_nan=False).encode()
