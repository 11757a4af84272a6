"""Picks with the stations they were read at, as the arrays that a location works on."""

from __future__ import annotations

import csv
import logging
import tomllib
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from jijin.errors import DataError, ReadError
from jijin.io.tables import separator_hint
from jijin.network.geo import LocalFrame
from jijin.network.stations import Stations
from jijin.network.traveltime import TravelTimes
from jijin.types import NS, Pick, Station, by_time, net_sta

Floats = NDArray[np.float64]
log = logging.getLogger("jijin")
CORRECTION_COLUMNS = ("station", "phase", "correction_s")
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
        if frame not in self._km:
            self._km[frame] = frame.to_km([s.latitude for s in self.stations], [s.longitude for s in self.stations])
        return self._km[frame]

    @cached_property
    def _km(self) -> dict[LocalFrame, tuple[Floats, Floats]]:
        return {}

    def of_phase(self, times: TravelTimes, method: str, distance: Floats, depth: Floats) -> Floats:
        """times.method(...) with the phase and the station's depth of each pick.

        distance : (..., pick), depth : (..., 1) in km; gives (..., pick), or (n, ..., pick) where the method gives n.
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
        return Readings(
            tuple(self.picks[i] for i in index),
            tuple(self.stations[i] for i in index),
            tuple(self.corrections_s[i] for i in index),
        )


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


def placed(picks: Sequence[Pick], stations: Stations, corrections: Corrections) -> Readings:
    """All picks of P and S whose stations have a place, in order of time; one that is given twice is one."""
    ordered = by_time(dict.fromkeys(picks))
    places = [(pick, stations.lookup(pick.seed_id, pick.time_ns)) for pick in ordered if phase_of(pick)]
    there = [(pick, place) for pick, place in places if place is not None]
    late = tuple(corrections.get((net_sta(pick.seed_id), phase_of(pick)), 0.0) for pick, _ in there)
    return Readings(tuple(pick for pick, _ in there), tuple(place for _, place in there), late)


def readings_of(picks: Sequence[Pick], stations: Stations, corrections: Corrections) -> Readings:
    """Of each station and phase the most probable pick, in order of time.

    Picks of stations without a place are named in a warning and left out, as are phases that are neither P nor S.
    """
    every = placed(picks, stations, corrections)
    if unknown := sorted({net_sta(p.seed_id) for p in picks if stations.lookup(p.seed_id, p.time_ns) is None}):
        warnings.warn(
            f"no place in the station list for {', '.join(unknown)} at the time of the event: their picks are not used",
            stacklevel=3,
        )
    best: dict[tuple[str, str], int] = {}
    for i in sorted(range(len(every.picks)), key=lambda i: -every.picks[i].probability):
        best.setdefault((net_sta(every.picks[i].seed_id), phase_of(every.picks[i])), i)
    return every.subset(sorted(best.values()))


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
    except OSError as error:
        raise ReadError(f"{path}: cannot be read: {error.strerror}") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, KeyError) as error:
        raise ReadError(f"{path}: is no CSV of station,phase,correction_s and no TOML of stations ({error})") from error
    except (ValueError, TypeError) as error:
        raise DataError(f"{path}: a correction must be a number of seconds ({error})") from error
    for (station, phase), late_s in found.items():
        if phase not in ("P", "S") or not abs(late_s) < 60:
            raise DataError(f"{path}: {station} {phase}: phase must be P or S, and the correction under 60 s")
    return found


def check_corrections(late_s: Corrections, stations: Stations) -> None:
    """Log the corrected stations that are not in the table; DataError where none is, a name without its network say."""
    corrected = {name for name, _ in late_s}
    strangers = sorted(corrected - set(stations.names))
    if corrected and len(strangers) == len(corrected):
        raise DataError(
            f"station corrections: none of {', '.join(strangers[:5])} is in the table of stations; write NET.STA"
        )
    if strangers:
        log.warning("station corrections: %s not in the table of stations, so not used", ", ".join(strangers))


def toml_rows(text: str) -> list[tuple[str, str, str]]:
    return [(name, phase, s) for name, row in tomllib.loads(text).items() for phase, s in row.items()]


def csv_rows(text: str) -> list[tuple[str, str, str]]:
    table = csv.DictReader(text.splitlines())
    if lacking := [name for name in CORRECTION_COLUMNS if name not in (table.fieldnames or ())]:
        raise KeyError(f"no column {lacking[0]}{separator_hint(table.fieldnames or ())}")
    return [(row["station"], row["phase"], row["correction_s"]) for row in table]
