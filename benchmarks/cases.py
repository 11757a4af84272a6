"""What others say of a recorded case: when and where its event was, and their picks."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from obspy import UTCDateTime

from jijin.network.geo import distance_azimuth
from jijin.types import Origin, Pick

CHANNELS = {"P": "HHZ", "S": "HHN"}


@dataclass(frozen=True, slots=True)
class Reference:
    """A hypocentre to measure by."""

    time_ns: int
    latitude: float
    longitude: float
    depth_km: float

    def off(self, origin: Origin) -> tuple[float, float]:
        """km from here to an origin's epicentre, and km by which it is deeper."""
        flat_km, _ = distance_azimuth(self.latitude, self.longitude, origin.latitude, origin.longitude)
        return float(flat_km), origin.depth_km - self.depth_km


def reference(folder: Path) -> Reference | None:
    """That of event.json; None where nobody says."""
    told = json.loads((folder / "event.json").read_text(encoding="utf-8"))
    if not told:
        return None
    return Reference(UTCDateTime(told["time"]).ns, told["latitude"], told["longitude"], told["depth_km"])


def others_picks(folder: Path, sigma_s: Mapping[str, float]) -> list[Pick]:
    """Those of picks.csv, whose stations have no location codes; sigma_s : how well each phase counts as known."""
    with (folder / "picks.csv").open(encoding="utf-8") as file:
        return [
            Pick(f"{row['network']}.{row['station']}..{CHANNELS[phase]}", phase, UTCDateTime(row["time"]).ns,
                 sigma_s[phase], 1.0)
            for row in csv.DictReader(file) for phase in [row["phase"]]
        ]  # fmt: skip
