"""Measure how picks become events, on real networks and on made-up ones, and write docs/networks.md.

    python benchmarks/networks.py DATA

DATA: a folder with networks/CASE[/EVENT]/{waveforms.mseed, stations.csv, event.json, picks.csv}. Picks are those of the
shipped model. A few minutes on a free core; run it again when the model, association or location changes.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

import jijin
from cases import Reference, others_picks, reference
from jijin.errors import DataError
from jijin.network.build import EventBuilder
from jijin.network.geo import distance_azimuth
from jijin.network.locate import Locator
from jijin.network.stations import Stations, read_stations
from jijin.network.velocity import VelocityModel, read_velocity
from jijin.types import NS, Event, Pick, net_sta
from made_up import earthquake_of_each, made_up
from page import table, write
from timing import CPU, timed

Line = list[object]  # of a table
REGIONAL = read_velocity("regional")
FLAT_KM, DEEP_KM = 3.0, 5.0  # within which an event of two networks lies where it should ...
AIM = 0.8  # ... as this share of them does
APART_S = 90  # between events in a row
FITS_S = 0.2  # a residual that is told
SIGMA_S = {"P": 0.1, "S": 0.1}  # of others' picks
REACH_NS = 20 * NS  # an event is the reference's if its origin is at most that far from its


@dataclass(frozen=True)
class Case:
    """One event, or one stretch of them: what a network recorded and what others say it was (None: nobody says)."""

    name: str
    stations: Stations
    picks: list[Pick]
    reference: Reference | None
    others_picks: list[Pick]

    def events(self, velocity: VelocityModel = REGIONAL, picks: Iterable[Pick] | None = None) -> list[Event]:
        return EventBuilder(self.stations, velocity).build(self.picks if picks is None else picks)


@dataclass(frozen=True)
class Found:
    """An event beside its reference: km by which epicentre and depth are off."""

    case: Case
    event: Event
    flat_km: float
    deeper_km: float

    @property
    def stations(self) -> int:
        return len({net_sta(pick.seed_id) for pick in self.event.origin.picks})

    @property
    def s(self) -> int:
        """Picks of S."""
        return sum(pick.phase_hint == "S" for pick in self.event.origin.picks)

    @property
    def good(self) -> bool:
        return self.flat_km <= FLAT_KM and abs(self.deeper_km) <= DEEP_KM


def load(folder: Path) -> Case:
    """A case with the picks of the shipped model."""
    picks = jijin.pick(jijin.read(folder / "waveforms.mseed"))
    stations = read_stations(folder / "stations.csv")
    return Case(folder.name, stations, picks, reference(folder), others_picks(folder, SIGMA_S))


def cases(folder: Path) -> list[Case]:
    return [load(path.parent) for path in sorted(folder.rglob("event.json"))]


def beside(case: Case, events: Sequence[Event]) -> Found | None:
    """Of the events near the reference's time the one with most picks."""
    ref = case.reference
    near = [event for event in events if abs(event.origin.time_ns - ref.time_ns) <= REACH_NS]
    if not near:
        return None
    event = max(near, key=lambda event: len(event.origin.picks))
    return Found(case, event, *ref.off(event.origin))


def line(case: Case, events: Sequence[Event]) -> Line:
    """A line of the tables of events: what was found of a case."""
    found = beside(case, events)
    if found is None:
        return [case.name, len(case.picks), "not found", "", "", "", "", ""]
    origin = found.event.origin
    depth = f"{found.deeper_km:+.1f}" + ("" if origin.depth_resolved else " (not resolved)")
    count = f"{len(origin.arrivals)} at {found.stations}, {found.s} S"
    off = found.flat_km, origin.horizontal_uncertainty_km[0], depth
    return [case.name, len(case.picks), count, *off, f"{origin.azimuthal_gap_deg:.0f}", len(events) - 1]


def one_by_one(group: Sequence[Case]) -> str:
    """Table of events, each built on its own, from our picks and from the reference's."""
    heads = ["event", "picks", "in the event", "epicentre off, km", "its ellipse, km", "depth off, km", "gap, deg"]
    heads += ["further events"]
    lines = [line(case, case.events()) for case in group]
    if any(case.others_picks for case in group):
        heads += ["from the reference's picks"]
        lines = [[*cells, theirs_told(case)] for cells, case in zip(lines, group, strict=True)]
    return table(heads, lines, ".1f")


def theirs_told(case: Case) -> str:
    """What comes of the reference's own picks: km off the reference, and how many S they have."""
    found = beside(case, case.events(picks=case.others_picks)) if case.others_picks else None
    if found is None:
        return "not found" if case.others_picks else ""
    return f"{found.flat_km:.1f}, depth {found.deeper_km:+.1f}, {found.s} S"


def in_a_row(group: Sequence[Case]) -> tuple[Case, list[Case]]:
    """All events of a group on one time axis, APART_S apart, and each where it is now."""
    start = group[0].reference.time_ns
    shifted = []
    for index, case in enumerate(group):
        by_ns = start + index * APART_S * NS - case.reference.time_ns
        picks = [replace(pick, time_ns=pick.time_ns + by_ns) for pick in case.picks]
        told = replace(case.reference, time_ns=case.reference.time_ns + by_ns)
        shifted.append(replace(case, picks=picks, reference=told))
    stations = Stations(tuple({(s.nsl, s.latitude): s for case in group for s in case.stations}.values()))
    return Case("all", stations, [p for case in shifted for p in case.picks], None, []), shifted


def places(found: Sequence[Found]) -> Line:
    """The last cells of a line: of the events with six stations or more, how many lie where they should."""
    six = [one for one in found if one.stations >= 6]
    close = sum(one.flat_km <= FLAT_KM for one in six)
    good = sum(one.good for one in six)
    return [len(six), f"{close} of {len(six)}", f"{good} of {len(six)}", "yes" if good >= AIM * len(six) else "no"]


def with_s(found: Sequence[Found]) -> list[Found]:
    """Those with two S or more: without S, distance and depth are hardly known."""
    return [one for one in found if one.s >= 2]


def tallies(groups: Mapping[str, Sequence[Case]]) -> str:
    """Table of what came out of each group."""
    heads = ["events", "references", "found", "further", "with 6 stations"]
    heads += [f"within {FLAT_KM:g} km", f"and {DEEP_KM:g} km in depth", f"{AIM:.0%}"]
    return table(heads, [line for name, group in groups.items() for line in group_tally(name, group)])


def group_tally(name: str, group: Sequence[Case]) -> list[Line]:
    """The lines of a group: one by one, in a row, from the reference's own picks."""
    whole, shifted = in_a_row(group)
    together = whole.events()
    ways = {
        "one by one": [(case, case.events()) for case in group],
        "in a row": [(case, together) for case in shifted],
        "the reference's picks": [(case, case.events(picks=case.others_picks)) for case in group],
    }
    rows = []
    for way, pairs in ways.items():
        found = [one for one in (beside(*pair) for pair in pairs) if one]
        made = len(together) if way == "in a row" else sum(len(events) for _, events in pairs)
        rows.append([f"{name}, {way}", len(pairs), len(found), made - len(found), *places(found)])
        sure = with_s(found)
        rows.append([f"{name}, {way}, of these with two S or more", "", len(sure), "", *places(sure)])
    return rows


def continuous(case: Case) -> str:
    """Table of the events of a stretch without reference."""
    lines: list[Line] = []
    for event in case.events():
        phases = [pick.phase_hint for pick in event.origin.picks]
        near = [abs(arrival.time_residual_s) <= FITS_S for arrival in event.origin.arrivals]
        count = len({net_sta(pick.seed_id) for pick in event.origin.picks})
        counts = count, phases.count("P"), phases.count("S")
        fit = event.origin.rms_s, f"{sum(near)} of {len(near)}", event.origin.azimuthal_gap_deg
        lines.append([str(event.origin.time)[11:22], *counts, *fit])
    heads = ["origin", "stations", "P", "S", "RMS, s", f"within {FITS_S:g} s", "gap, deg"]
    return table(heads, lines, {"RMS, s": ".2f", "gap, deg": ".0f"})


def half_space(group: Sequence[Case]) -> VelocityModel:
    """The velocities by which the picks of a group fit best, whatever places they give: no reference is looked at."""
    models = [
        VelocityModel("half-space", (0.0,), (vp,), (vp / ratio,))
        for vp in np.arange(2.6, 5.01, 0.2).round(1)
        for ratio in np.arange(1.6, 2.21, 0.1).round(1)
    ]
    return min(models, key=lambda model: sum(misfit(case, model) for case in group))


def misfit(case: Case, model: VelocityModel) -> float:
    """Sum of residuals in s, each 0.2 at most."""
    try:
        arrivals = Locator(case.stations, model).locate(case.picks).arrivals
    except DataError:
        return 0.2 * len(case.picks)
    return sum(min(abs(arrival.time_residual_s), 0.2) for arrival in arrivals)


def mine(group: Sequence[Case]) -> str:
    """Table of the mine: with the regional model, and with the half-space that its picks ask for."""
    own = half_space(group)
    heads, lines = ["event", "model", "in the event", "epicentre off, m", "depth off, m", "RMS, s"], []
    for case in group:
        for model, name in ((REGIONAL, "regional"), (own, f"Vp {own.vp[0]:.1f}, Vp/Vs {own.vp_vs:.1f}")):
            found = beside(case, case.events(model))
            cells: Line = ["not found", "", "", ""]
            if found:
                count = f"{len(found.event.origin.picks)} at {found.stations}"
                cells = [count, 1000 * found.flat_km, 1000 * found.deeper_km, found.event.origin.rms_s]
            lines.append([case.name, name, *cells])
    return table(heads, lines, {"epicentre off, m": ".0f", "depth off, m": "+.0f"})


def synthetic(count: int, extent_km: float, earthquakes: int, hours: float, false: float = 0.3) -> Line:
    """A line: a made-up network's earthquakes among false picks."""
    build, truths, picks = made_up(
        count, extent_km, earthquakes, hours * 3600, lambda true: round(true * false / (1 - false))
    )
    spent, events = timed(CPU, build.build, picks)
    whose = earthquake_of_each(events, truths)
    there = {index for index in whose if index is not None}
    visible = {index for index, truth in enumerate(truths) if build.associator.enough(truth.picks)}
    off = [distance_azimuth(e.origin.latitude, e.origin.longitude, truths[i].latitude, truths[i].longitude)[0]
           for e, i in zip(events, whose, strict=True) if i is not None]  # fmt: skip
    recall = f"{len(there & visible)} of {len(visible)} ({len(there & visible) / len(visible):.3f})"
    made = count, f"{extent_km:g}", earthquakes, f"{hours:g}", f"{false:.0%}", len(picks)
    return [*made, recall, len(there) / max(len(events), 1), np.median(off), spent]


def synthetics() -> str:
    """Table of made-up networks."""
    heads = ["stations", "width, km", "earthquakes", "hours", "false picks", "picks", "recall", "precision"]
    off, spent = "median epicentre off, km", "CPU, s"
    return table([*heads, off, spent], [synthetic(*setting) for setting in SYNTHETIC], {off: ".2f", spent: ".0f"})


SYNTHETIC = ((3, 20, 40, 24, 0.3), (15, 3, 100, 24, 0.3), (20, 60, 200, 24, 0.3), (100, 300, 500, 24, 0.3),
             (20, 60, 200, 24, 0.6))  # fmt: skip


def main(data: Path) -> None:
    """All cases, then the page."""
    folder = data / "networks"
    alpine, uturuncu, hamm = (cases(folder / name) for name in ("nz_alpine", "uturuncu", "hamm_mine_loki"))
    large = [load(folder / name) for name in ("california_M4p3_mttime", "hawaii_M5p3_gmprocess")]
    filled = {
        "tally": tallies({"nz_alpine": alpine, "uturuncu": uturuncu}),
        "alpine": one_by_one(alpine),
        "uturuncu": one_by_one(uturuncu),
        "large": one_by_one(large),
        "hengill": continuous(load(folder / "hengill_iceland_malmi")),
        "mine": mine(hamm),
        "synthetic": synthetics(),
    }
    setting = {"aim": 100 * AIM, "flat": FLAT_KM, "deep": DEEP_KM, "apart": APART_S, "fits": FITS_S}
    write("networks", filled | setting)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(Path(sys.argv[1]))
