"""Where packets come from: what a source is, and how its address becomes one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from threading import Event
from typing import Protocol
from urllib.parse import parse_qs, urlsplit

from jijin.config import check_range
from jijin.errors import ConfigError
from jijin.io.archive import FEEDS
from jijin.live.clock import Clock, ReplayClock, SystemClock
from jijin.live.packets import Packet

Put = Callable[[Packet], None]  # waits while the engine has too many packets before it


@dataclass(slots=True)
class SourceState:
    """How a source does, for the page and the metrics."""

    state: str = "starting"  # "connected", "waiting", "ended"
    since_ns: int = 0
    note: str = ""  # the last error
    connects: int = 0


class Source(Protocol):
    """One server, folder of files or port."""

    name: str
    status: SourceState

    def run(self, put: Put, stop: Event) -> None:
        """Hand on packets until stop is set or there are no more. An error of the network never ends it."""
        ...


def without_credentials(url: str) -> str:
    """An address as it may be shown and kept.

    >>> without_credentials("seedlink://me:secret@host:18000?protocol=3")
    'seedlink://host:18000?protocol=3'
    """
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def options_of(url: str, known: set[str]) -> dict[str, str]:
    """What follows the '?' of an address. ConfigError if it is not among the known options, has no value or two.

    >>> options_of("seedlink://host?protocol=3", {"protocol", "streams"})
    {'protocol': '3'}
    """
    asked = parse_qs(urlsplit(url).query, keep_blank_values=True)
    shown, names = without_credentials(url), " and ".join(sorted(known))
    if unknown := sorted(asked.keys() - known):
        raise ConfigError(f"{shown}: there is no option '{unknown[0]}'; an address may have {names}")
    for name, values in asked.items():
        if len(values) != 1 or not values[0]:
            raise ConfigError(f"{shown}: '{name}' needs one value (got {', '.join(values) or 'none'})")
    return {name: value for name, (value,) in asked.items()}


def open_sources(
    urls: list[str], streams: str, speed: float, positions: dict[str, dict[str, int]]
) -> tuple[list[Source], Clock]:
    """Sources and the clock they go by. positions : by source, by station, the packet to go on after.

    Raises ConfigError for an address that is none, ReadError for files that are not there.
    """
    split = [urlsplit(url) for url in urls]
    kinds = {one.scheme for one in split}
    if unknown := kinds.difference(FEEDS):
        raise ConfigError(
            f"no source '{min(unknown) or urls[0]}': give seedlink://HOST, shake://ADDRESS or replay://FILES"
        )
    if "replay" in kinds:
        if kinds != {"replay"}:
            raise ConfigError("files cannot be replayed beside a live feed: their times differ; run them apart")
        return _replay([url.removeprefix("replay://") for url in urls], speed)
    clock = SystemClock()
    return [_network(url, streams, clock, positions.get(without_credentials(url), {})) for url in urls], clock


def _replay(paths: list[str], speed: float) -> tuple[list[Source], Clock]:
    from jijin.io.files import find_files, is_side_file, scan
    from jijin.live.replay import Replay

    check_range("speed", speed, 0, float("inf"))
    scans = [scan(path) for path in find_files(paths) if not is_side_file(path)]
    if not scans:
        raise ConfigError(f"replay://{paths[0]}: no waveform file in it")
    clock = ReplayClock(min(one.start_ns for one in scans), speed)
    return [Replay(scans, clock)], clock


def _network(url: str, streams: str, clock: Clock, positions: dict[str, int]) -> Source:
    if url.startswith("shake://"):
        from jijin.live.shake import Shake

        return Shake(url, clock)
    from jijin.live.seedlink import SeedLinkSource

    return SeedLinkSource(url, streams, clock, positions)
