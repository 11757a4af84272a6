"""An FDSN node on this machine: dataselect 1 and station 1 over a folder of miniSEED, with faults on demand."""

from __future__ import annotations

import io
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

from obspy import Stream, UTCDateTime

HEADER = "#Network|Station|Location|Channel|Latitude|Longitude|Elevation|Depth|Azimuth|Dip|SensorDescription|Scale|ScaleFreq|ScaleUnits|SampleRate|StartTime|EndTime\n"  # noqa: E501


@dataclass
class Node:
    """stream is what it has; faults are HTTP statuses (or seconds to sleep) that the next dataselect answers have."""

    stream: Stream
    faults: list[int | float] = field(default_factory=list)
    asked: list[dict[str, str]] = field(default_factory=list)
    longest_s: float = 1e9  # of a request; a longer one is too large
    address: str = ""

    def answer(self, service: str, query: dict[str, str]) -> tuple[int, bytes]:
        if service == "station":
            return self._stations(query)
        self.asked.append(query)
        fault = self.faults.pop(0) if self.faults else 200
        if isinstance(fault, float):
            time.sleep(fault)
        elif fault != 200:
            return fault, b"as asked by the test"
        start, end = UTCDateTime(query["starttime"]), UTCDateTime(query["endtime"])
        if end - start > self.longest_s:
            return 413, b"too much"
        found = Stream([t for t in self.stream if self._chosen(t, query)]).slice(start, end)
        if not found:
            return 204, b""
        out = io.BytesIO()
        found.write(out, format="MSEED")
        return 200, out.getvalue()

    def _chosen(self, trace, query) -> bool:  # type: ignore[no-untyped-def]
        stats = trace.stats
        codes = {"network": stats.network, "station": stats.station, "location": stats.location or "--"}
        codes["channel"] = stats.channel
        return all(any(fnmatchcase(code, one) for one in query.get(key, "*").split(",")) for key, code in codes.items())

    def _stations(self, query: dict[str, str]) -> tuple[int, bytes]:
        names = sorted({tuple(t.id.split(".")) for t in self.stream if self._chosen(t, query)})
        rows = [f"{'|'.join(name)}|1.0|2.0|30|0|0|0||1|1|m/s|100|2000-01-01T00:00:00|\n" for name in names]
        return (200, (HEADER + "".join(rows)).encode()) if rows else (204, b"")


@contextmanager
def serving(node: Node) -> Iterator[str]:
    """The address HOST:PORT of a node that answers as long as the block lasts."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            url = urlsplit(self.path)
            status, body = node.answer(url.path.split("/")[2], dict(parse_qsl(url.query)))
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            try:
                self.wfile.write(body)
            except BrokenPipeError:
                return

        def log_message(self, *words: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
