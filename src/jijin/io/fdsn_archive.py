"""A data centre's archive through FDSN web services, by ObsPy's client: fdsn://NODE?net=IU&sta=ANMO&loc=00&cha=BH?"""

from __future__ import annotations

import logging
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from http.client import HTTPException
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from jijin.errors import DataError, ReadError
from jijin.io.archive import Span
from jijin.io.files import load, partly
from jijin.io.timeline import between
from jijin.types import DAY_NS, Segment, StationDay, utc

if TYPE_CHECKING:
    from obspy.clients.fdsn import Client

log = logging.getLogger("jijin")

TIMEOUT_S = 120
TRIES, PAUSE_S = 4, 2.0  # of a request; the pause grows fourfold each time
SENSORS = ("HH", "EH", "CH", "DH", "BH", "SH", "HN", "EN", "BN")  # without cha=, the first that a station has
KEYS = {"net", "sta", "loc", "cha"}


@dataclass
class FdsnArchive:
    """epochs : station -> [channel pattern, start_ns, end_ns] of its channels within the span."""

    url: str
    location: str
    epochs: dict[str, list[tuple[str, int, int]]]
    problems: dict[str, str] = field(default_factory=dict)

    def station_days(self) -> list[StationDay]:
        """Days on which a station had channels, whether or not the centre has their data."""
        found = {
            (day, name)
            for name, epochs in self.epochs.items()
            for _, start, end in epochs
            for day in range(start // DAY_NS, (end - 1) // DAY_NS + 1)
        }
        return [StationDay(name, day) for day, name in sorted(found)]

    def segments(self, name: str, start_ns: int, end_ns: int) -> list[Segment]:
        """Samples of NET.STA or NET.STA.LOC in a span, see Archive. OSError if the centre does not answer well."""
        network, station, *rest = name.split(".")
        channels = sorted({channel for channel, *_ in self.epochs.get(f"{network}.{station}", ())})
        if not channels:
            return []
        location = (rest[0] or "--") if rest else self.location
        parts = self._ask((network, station, location, ",".join(channels)), start_ns, end_ns)
        return sorted(parts, key=lambda part: (part.start_ns, part.seed_id))

    def part(self, job: StationDay) -> FdsnArchive:
        """The same archive with one station."""
        return FdsnArchive(self.url, self.location, {job.station: self.epochs.get(job.station, [])})

    def day(self, day: int) -> FdsnArchive:
        """The same archive."""
        return FdsnArchive(self.url, self.location, self.epochs)

    def _ask(self, codes: tuple[str, str, str, str], start_ns: int, end_ns: int) -> list[Segment]:
        """One request; one that is too large for the centre is halved."""
        from obspy.clients.fdsn.header import FDSNRequestTooLargeException

        with tempfile.TemporaryDirectory(prefix="jijin-") as folder:
            path = Path(folder, "answer.mseed")
            what = f"{self.url}: {'.'.join(codes)} {utc(start_ns)}"
            ask = lambda: client(self.url).get_waveforms(*codes, utc(start_ns), utc(end_ns), filename=str(path))  # noqa: E731
            try:
                patiently(ask, what)
            except FDSNRequestTooLargeException as error:
                if end_ns - start_ns < 2 * 60 * 10**9:
                    raise OSError(f"{what}: refused as too large") from error
                middle = (start_ns + end_ns) // 2
                return [*self._ask(codes, start_ns, middle), *self._ask(codes, middle, end_ns)]
            return [part for one in self._read(path, what) if (part := between(one, start_ns, end_ns))]

    def _read(self, path: Path, what: str) -> list[Segment]:
        if not path.exists() or not path.stat().st_size:
            return []
        content = load(path)
        if content.damage:
            self.problems[what] = partly(content.damage)
        return content.segments


@cache
def client(url: str) -> Client:
    """ObsPy's client of fdsn://NODE, one for each process."""
    from obspy.clients.fdsn import Client

    node = url.removeprefix("fdsn://")
    address = node if "." not in node and ":" not in node else f"{'http' if ':' in node else 'https'}://{node}"
    return Client(address, timeout=TIMEOUT_S, _discover_services=False)


def patiently(ask: Callable[[], Any], what: str, first: bool = False) -> Any:
    """What a request returns, None if there are no data; tried again when a server is busy, slow or gone for a moment.

    what begins with the centre's URL and a colon. first : a connection that is refused is tried but once more, as no
    server may be there at all. OSError, with what was asked, if it stays so or the centre refuses. A request too large
    is left to the caller.
    """
    from obspy.clients.fdsn import header

    refusals = (header.FDSNBadRequestException, header.FDSNUnauthorizedException, header.FDSNForbiddenException)
    for attempt in range(TRIES):
        try:
            return ask()
        except header.FDSNNoDataException:
            return None
        except header.FDSNRequestTooLargeException:
            raise
        except (*refusals, NotImplementedError) as error:
            raise OSError(f"{what}: refused: {_line(error)}") from error
        except (header.FDSNException, HTTPException, OSError) as error:
            last = 2 if first and "Connection refused" in str(error) else TRIES
            if attempt + 1 >= last:
                raise OSError(f"{what}: no answer after {last} tries: {_line(error)}") from error
            pause_s = PAUSE_S * 4**attempt
            log.warning(
                "%s does not answer, trying again in %g s (%d of %d)",
                what.partition(": ")[0],
                pause_s,
                attempt + 2,
                last,
            )
            time.sleep(pause_s)
    raise AssertionError("unreachable")


def _line(error: Exception) -> str:
    return (" ".join(str(error).split()) or type(error).__name__)[:200]


def open_fdsn(source: str, span: Span) -> FdsnArchive:
    """The archive of fdsn://NODE?net=..&sta=..&loc=..&cha=.., NODE being a name ObsPy knows, or HOST[:PORT].

    Without cha= a station's fastest seismometer is taken. DataError for a URL that asks for nothing or a time that is
    open; OSError if the centre does not answer.
    """
    node, _, query = source.removeprefix("fdsn://").partition("?")
    asked = {key: ",".join(values) for key, values in parse_qs(query).items()}
    if unknown := sorted(asked.keys() - KEYS):
        raise DataError(f"{source}: unknown '{unknown[0]}'; net, sta, loc and cha select channels")
    if not node or not {"net", "sta"} & asked.keys():
        raise DataError(f"{source}: it must look like fdsn://NODE?net=IU&sta=ANMO, with net or sta")
    if span.start_ns is None or span.end_ns is None:
        raise DataError(f"{source}: a data centre is asked for a stretch of time; give --start and --end")
    url = f"fdsn://{node.strip('/')}"
    epochs = _epochs(url, asked, span)
    if not epochs:
        raise ReadError(f"{source}: the centre knows no such channels in that time")
    return FdsnArchive(url, asked.get("loc", "*"), epochs)


def _epochs(url: str, asked: dict[str, str], span: Span) -> dict[str, list[tuple[str, int, int]]]:
    """Channels of each station by the station service, cut to the span."""
    if span.start_ns is None or span.end_ns is None:
        return {}
    words = {"network": asked.get("net", "*"), "station": asked.get("sta", "*"), "location": asked.get("loc", "*")}
    words["channel"] = asked.get("cha", ",".join(f"{sensor}?" for sensor in SENSORS))
    times = {"startbefore": utc(span.end_ns), "endafter": utc(span.start_ns)}
    try:
        ask = lambda: client(url).get_stations(**words, **times, level="channel", format="text")  # noqa: E731
        found = patiently(ask, f"{url}: stations", first=True)
    except ValueError as error:
        known = "shortcut" in str(error)
        raise DataError(f"{url}: {_line(error) if known else 'no address of a data centre'}") from error
    out: dict[str, list[tuple[str, int, int]]] = {}
    for network in found or ():
        for station in network:
            if epochs := _of_station(station, span, chosen="cha" in asked):
                out.setdefault(f"{network.code}.{station.code}", []).extend(epochs)
    return dict(sorted(out.items()))


def _of_station(station: Any, span: Span, chosen: bool) -> list[tuple[str, int, int]]:
    there = [(channel.code, *_within(channel, span)) for channel in station.channels]
    sensor = next((one for one in SENSORS if any(code.startswith(one) for code, *_ in there)), "")
    return [(code, start, end) for code, start, end in there if start < end and (chosen or code.startswith(sensor))]


def _within(channel: Any, span: Span) -> tuple[int, int]:
    start = channel.start_date.ns if channel.start_date else -(2**62)
    end = channel.end_date.ns if channel.end_date else 2**62
    return span.cut(start, end)
