"""What a live run knows of its network: stations, responses, and how picks become events."""

from __future__ import annotations

from dataclasses import dataclass

from jijin.catalog.events import _inventory
from jijin.catalog.run import Request
from jijin.discriminate import Discriminator
from jijin.live.sizer import LiveSizer
from jijin.network.build import EventBuilder
from jijin.network.readings import read_corrections
from jijin.network.responses import Sensors
from jijin.network.stations import Stations, read_stations
from jijin.network.velocity import read_velocity


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
    inventory = _inventory(request.inventory) if request.inventory else None
    sizer = LiveSizer(inventory, config.magnitude)
    velocity, discriminator = read_velocity(request.velocity), Discriminator(config=config.discriminate)
    late_s = read_corrections(request.corrections) if request.corrections else {}
    builder = EventBuilder(stations, velocity, config.associate, config.locate, sizer, discriminator, late_s)
    return Network(stations, builder, sizer, Sensors(inventory) if inventory is not None else None)
