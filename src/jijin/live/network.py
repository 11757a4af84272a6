"""What a live run knows of its network: stations, responses, and how picks become events."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from jijin.catalog.run import Request
from jijin.discriminate import Discriminator
from jijin.live.engine import Tick
from jijin.live.sizer import LiveSizer
from jijin.network.build import EventBuilder
from jijin.network.readings import read_corrections
from jijin.network.responses import Sensors
from jijin.network.station_files import read_inventory
from jijin.network.stations import Stations, read_stations
from jijin.network.velocity import read_velocity
from jijin.types import NS

log = logging.getLogger("jijin")

GATHER_NS = 10 * NS  # after the first channel without a place, until they are told together


@dataclass(frozen=True, slots=True)
class Network:
    """builder makes events, sizer is what it sizes them with; sensors are None without responses."""

    stations: Stations
    builder: EventBuilder
    sizer: LiveSizer
    sensors: Sensors | None


def read_network(request: Request) -> Network:
    """From the files that a catalogue would be made with. ReadError, DataError or ConfigError, in a sentence."""
    stations, config = read_stations(request.stations), request.config
    response = request.inventory
    inventory = read_inventory(response) if response and response.exists() else None
    sizer = LiveSizer(inventory, config.magnitude)
    velocity, discriminator = read_velocity(request.velocity), Discriminator(config=config.discriminate)
    late_s = read_corrections(request.corrections) if request.corrections else {}
    builder = EventBuilder(stations, velocity, config.associate, config.locate, sizer, discriminator, late_s)
    return Network(stations, builder, sizer, Sensors(inventory) if inventory is not None else None)


class Unplaced:
    """Listens to ticks; warns of channels that have no place among the stations, of each once."""

    def __init__(self, stations: Stations) -> None:
        self._stations = stations
        self._seen: set[str] = set()
        self._waiting: list[str] = []
        self._since_ns = 0

    def __call__(self, tick: Tick) -> None:
        for segment in tick.segments:
            if segment.seed_id not in self._seen:
                self._seen.add(segment.seed_id)
                if self._stations.lookup(segment.seed_id, segment.start_ns) is None:
                    self._since_ns = self._since_ns if self._waiting else tick.now_ns
                    self._waiting.append(segment.seed_id)
        if self._waiting and tick.now_ns - self._since_ns >= GATHER_NS:
            self._warn(sorted(self._waiting))
            self._waiting = []

    def _warn(self, channels: list[str]) -> None:
        log.warning(
            "%s: --stations has no coordinates for %s, so their picks make no events; add them to the table",
            *(", ".join(channels), "any channel so far" if len(channels) == len(self._seen) else "these channels"),
        )
