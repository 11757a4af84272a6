"""Picks with the stations they were read at, as the arrays that a location works on."""

from __future__ import annotations

import csv
import tomllib
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from jijin.errors import DataError, ReadError
from jijin.network.geo import LocalFrame
from jijin.network.stations import Stations, net_sta
from jijin.network.traveltime import TravelTimes
from jijin.types import NS, Pick, Station

Floats = NDArray[np.float64]
Corrections = Mapping[tuple[str, str], float]  # (NET.STA, "P" or "S"): seconds that arrivals come later than predicted


def phase_of(pick: Pick) -> str:
    """ "P" or "S" of a phase hint such as Pn or Sg; "" for others."""
    return pick.phase_hint[:1].upper() if pick.phase_hint[:1].upper() in ("P", "S") else ""


@dataclass(frozen=True)
class Readings:
    """Picks of one event that a location can use, with where and when; times in s after reference_ns."""

    picks: tuple[Pick, ...]
    stations: tuple[Station, ...]
    corrections_s: tuple[float, ...]

    @property
    def reference_ns(self) -> int:
        """Time of the earliest pick."""
        return min(pick.time_ns for pick in self.picks)

    @cached_property
    def time_s(self) -> Floats:
        """(pick,): onsets after reference_ns, station corrections taken off."""
        return np.array([(pick.time_ns - self.reference_ns) / NS for pick in self.picks]) - self.corrections_s

    @cached_property
    def uncertainty_s(self) -> Floats:
        return np.array([pick.time_uncertainty_s for pick in self.picks], float)

    @cached_property
    def is_s(self) -> NDArray[np.bool_]:
        return np.array([phase_of(pick) == "S" for pick in self.picks])

    @cached_property
    def depth_km(self) -> Floats:
        """(pick,): of the station, below sea level."""
        return np.array([-station.elevation_m / 1000.0 for station in self.stations])

    @cached_property
    def middle(self) -> LocalFrame:
        """A frame at the station of the earliest pick."""
        first = min(range(len(self.picks)), key=lambda i: self.time_s[i])
        return LocalFrame(self.stations[first].latitude, self.stations[first].longitude)

    def km(self, frame: LocalFrame) -> tuple[Floats, Floats]:
        """(pick,) each: east and north of the stations."""
        return frame.to_km([s.latitude for s in self.stations], [s.longitude for s in self.stations])

    def of_phase(self, times: TravelTimes, method: str, distance: Floats, depth: Floats) -> Floats:
        """times.method(...) with the phase and the station's depth of each pick.

        distance : (..., pick), depth : (..., 1) in km; gives (..., pick), or (2, ..., pick) for gradients.
        """
        parts = [(phase, np.flatnonzero(self.is_s == (phase == "S"))) for phase in ("P", "S")]
        order = np.argsort(np.concatenate([index for _, index in parts]))
        found = [
            np.asarray(getattr(times, method)(phase, distance[..., index], depth, self.depth_km[index]))
            for phase, index in parts
            if len(index)
        ]
        return np.asarray(np.concatenate(found, axis=-1)[..., order])

    def subset(self, index: Sequence[int] | NDArray[np.int_]) -> Readings:
        """Some of them."""
        chosen = [(self.picks[i], self.stations[i], self.corrections_s[i]) for i in index]
        picks, stations, corrections = zip(*chosen, strict=True)
        return Readings(picks, stations, corrections)


@dataclass(frozen=True, slots=True)
class ErrorModel:
    """What a pick may be off by besides its own uncertainty.

    Errors of the velocity model along a ray add up like the steps of a random walk, so they grow with the square root
    of the travel time; floor_s is there whatever the time.
    """

    per_root_s: float  # standard deviation at a travel time of 1 s
    floor_s: float

    def variance(self, readings: Readings, predicted_s: Floats) -> Floats:
        """(..., pick) in s² of pick minus predicted."""
        return np.asarray(readings.uncertainty_s**2 + self.floor_s**2 + self.per_root_s**2 * np.abs(predicted_s))


def readings_of(picks: Sequence[Pick], stations: Stations, corrections: Corrections) -> Readings:
    """Of each station and phase the most probable pick, in order of time.

    Picks of stations without a place are named in a warning and left out, as are phases that are neither P nor S.
    """
    placed = [(pick, stations.lookup(pick.seed_id, pick.time_ns)) for pick in picks]
    if unknown := sorted({net_sta(pick.seed_id) for pick, place in placed if place is None}):
        warnings.warn(
            f"no place in the station list for {', '.join(unknown)} at the time of the event: their picks are not used",
            stacklevel=3,
        )
    best: dict[tuple[str, str], tuple[Pick, Station]] = {}
    for pick, place in sorted(placed, key=lambda pair: (-pair[0].probability, pair[0].time_ns, pair[0].seed_id)):
        if place is not None and phase_of(pick):
            best.setdefault((net_sta(pick.seed_id), phase_of(pick)), (pick, place))
    chosen = sorted(best.values(), key=lambda pair: (pair[0].time_ns, pair[0].seed_id, pair[0].phase_hint))
    late = tuple(corrections.get((net_sta(pick.seed_id), phase_of(pick)), 0.0) for pick, _ in chosen)
    return Readings(tuple(pick for pick, _ in chosen), tuple(place for _, place in chosen), late)


def read_corrections(path: str | Path) -> dict[tuple[str, str], float]:
    """Station corrections: seconds that arrivals of a station come later than the model says.

    CSV with columns station (NET.STA), phase, correction_s; or TOML with a table a station, such as
    "CH.AIGLE" = { P = 0.12, S = 0.3 }.
    Raises ReadError for a file that cannot be read as one of these, DataError for a correction that is no number.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
        rows = toml_rows(text) if path.suffix == ".toml" else csv_rows(text)
        found = {(net_sta(station), phase.strip().upper()): float(value) for station, phase, value in rows}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, KeyError) as error:
        raise ReadError(f"{path}: is no CSV of station,phase,correction_s and no TOML of stations ({error})") from error
    except (ValueError, TypeError) as error:
        raise DataError(f"{path}: a correction must be a number of seconds ({error})") from error
    if wrong := [
        f"{station} {phase}" for (station, phase), s in found.items() if phase not in ("P", "S") or not abs(s) < 60
    ]:
        raise DataError(f"{path}: phase must be P or S and corrections under 60 s; see {wrong[0]}")
    return found


def toml_rows(text: str) -> list[tuple[str, str, str]]:
    return [(name, phase, s) for name, row in tomllib.loads(text).items() for phase, s in row.items()]


def csv_rows(text: str) -> list[tuple[str, str, str]]:
    return [(row["station"], row["phase"], row["correction_s"]) for row in csv.DictReader(text.splitlines())]
