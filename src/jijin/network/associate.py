"""Picks that belong together, found by PyOcto with settings that follow from the network and the velocity model."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from math import inf, log2
from typing import Any

from jijin.config import check_range
from jijin.errors import ConfigError
from jijin.network.octo import Octo
from jijin.network.readings import phase_of
from jijin.network.sites import Sites
from jijin.network.stations import Stations
from jijin.network.sweep import sweep
from jijin.network.traveltime import TravelTimes
from jijin.network.velocity import VelocityModel
from jijin.types import NS, Pick, by_time


@dataclass(frozen=True, slots=True)
class AssociateConfig:
    """How picks become events. Names and meanings are PyOcto's, units added. None follows from the network: derived().

    An event needs n_picks picks, of them n_p_picks P and n_s_picks S, and n_p_and_s_picks stations with both. What is
    left over is searched once more for events of n_picks_p_only P, whatever their S: those of vertical sensors.
    """

    threshold_p: float = 0.0  # of the probability; weaker picks found no event, they may be added to one that they fit
    threshold_s: float = 0.0
    margin_km: float | None = None  # searched around the stations
    top_km: float | None = None  # of the depths searched, below sea level; the highest station unless given
    bottom_km: float | None = None
    tolerance_s: float | None = None  # of travel times in the search, for what the velocity model does not know
    pick_match_tolerance_s: float | None = None  # between a pick and the time predicted for it
    association_cutoff_distance_km: float | None = None  # from the epicentre to picks that find an event
    location_cutoff_distance_km: float | None = None  # to picks that are then taken into it; None: no limit
    time_before_s: float | None = None  # longest travel time
    time_slicing_s: float | None = None  # picks searched at a time
    min_node_size_km: float | None = None  # where the search ends and an event is tried
    min_node_size_location_km: float | None = None
    min_interevent_time_s: float | None = None
    n_picks: int | None = None
    n_p_picks: int | None = None
    n_s_picks: int | None = None
    n_p_and_s_picks: int | None = None
    n_picks_p_only: int | None = None  # 0: do not search for events without S
    min_pick_fraction: float = 0.25  # of the stations nearer than a pick's, how many must have one too
    exponential_edt: bool = False
    edt_pick_std_s: float | None = None
    max_pick_overlap: int = 0
    refinement_iterations: int = 3
    location_split_depth: int = 6
    location_split_return: int = 4
    queue_memory_protection_dfs_size: int = 500_000
    n_threads: int = 1

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if value is None or isinstance(value, bool) or field.name in ("top_km", "bottom_km"):
                continue
            if field.name in ("threshold_p", "threshold_s", "min_pick_fraction"):
                check_range(field.name, value, -1e-9, 1)
            elif field.name.endswith(("_s", "_km")):
                check_range(field.name, value, 0, float("inf"))
            elif value < (least := 0 if field.name.startswith(("n_", "max_")) else 1):
                raise ConfigError(f"'{field.name}' must be at least {least} (got {value})")
        if None not in (self.top_km, self.bottom_km) and self.top_km >= self.bottom_km:  # type: ignore[operator]
            raise ConfigError(f"'bottom_km' must be below 'top_km' (got {self.bottom_km:g} and {self.top_km:g})")
        if self.location_split_return >= self.location_split_depth:
            raise ConfigError("'location_split_return' must be less than 'location_split_depth'")


PICK_S = 0.1  # of a tolerance: two standard deviations of an ordinary S pick
MODEL_SHARE = 0.03  # of a travel time: what a regional velocity model is wrong by
TWINS_S = 0.5  # picks of one phase at one site no farther apart are of one onset
NODE_KM_PER_S = 5.0  # PyOcto takes a second for 5 km when it asks how large a node still is


def filled(value: float | None) -> float:
    """A setting that derived() has filled in."""
    assert value is not None
    return value


def searched(config: AssociateConfig, sites: Sites) -> AssociateConfig:
    """With the volume filled in: as deep as the network's scale, with a margin of half of it, of all of it up to 50 km.

    Outside it an earthquake would come in pieces, each fitting some place inside.
    """
    top = float(sites.km[:, 2].min()) if config.top_km is None else config.top_km
    bottom = max(top, 0.0) + max(sites.scale_km, 10.0) if config.bottom_km is None else config.bottom_km
    margin = config.margin_km or max(sites.scale_km / 2, min(sites.scale_km, 50.0), 5.0)
    return replace(config, margin_km=margin, top_km=top, bottom_km=bottom)


def travel_times(velocity: VelocityModel, config: AssociateConfig, sites: Sites) -> TravelTimes:
    """Tables that reach across the volume of a config from searched()."""
    top, wide = filled(config.top_km), sites.aperture_km + 1.5 * filled(config.margin_km)
    return TravelTimes(velocity, max(wide, 2.1 * (filled(config.bottom_km) - top)), min(top, 0.0))


def derived(config: AssociateConfig, sites: Sites, times: TravelTimes) -> AssociateConfig:
    """With every None filled in but location_cutoff_distance_km, from how wide and dense the network is.

    A tolerance is PICK_S and MODEL_SHARE of the S travel time across Sites.scale_km: 0.14 s in a mine of 3 km, 1.2 s
    in a dense network of 300 km; nodes are as large as PyOcto holds that time to be. Numbers of picks grow with the
    logarithm of the number of stations, as the ways do in which unrelated picks fall together: 5 of 3 stations, 7 of
    20, 9 of 100, one more if all are P. Picks farther than 1.5 times the scale found no event, but they are taken into
    one that they fit.
    """
    config = searched(config, sites)
    scale, count, margin = max(sites.scale_km, 1.0), len(sites.names), filled(config.margin_km)
    tolerance = config.tolerance_s or PICK_S + MODEL_SHARE * scale / float(times.model.at(scale / 4, "S"))
    node = config.min_node_size_km or NODE_KM_PER_S * tolerance
    farthest = float(times.time("S", sites.aperture_km + margin, filled(config.bottom_km)))
    before = config.time_before_s or farthest + 2 * tolerance
    n_picks = max(5, int(3 + log2(count))) if config.n_picks is None else config.n_picks
    defaults: dict[str, Any] = {
        "tolerance_s": tolerance,
        "pick_match_tolerance_s": tolerance,
        "association_cutoff_distance_km": 1.5 * scale + margin,
        "time_before_s": before,
        "time_slicing_s": max(1800.0, 5 * before),
        "min_node_size_km": node,
        "min_node_size_location_km": node / 6,
        "min_interevent_time_s": tolerance,
        "n_picks": n_picks,
        "n_p_picks": 1,
        "n_s_picks": 1,
        "n_p_and_s_picks": 1,
        "n_picks_p_only": n_picks + 1,
        "edt_pick_std_s": tolerance / 2,
    }
    return replace(config, **{name: value for name, value in defaults.items() if getattr(config, name) is None})


class Associator:
    """Picks to groups of picks, one an earthquake, by PyOcto.

    Picks of stations that have no place at their time belong to no group. Sensors at one place are one station: of
    their picks of one onset the most probable takes part. The same picks give the same groups, in any order.
    """

    def __init__(
        self, stations: Stations, velocity: VelocityModel | TravelTimes, config: AssociateConfig | None = None
    ) -> None:
        self.sites = Sites(stations)
        config = searched(config or AssociateConfig(), self.sites)
        self.times = velocity if isinstance(velocity, TravelTimes) else travel_times(velocity, config, self.sites)
        self.config = derived(config, self.sites, self.times)
        self._octo = Octo(self.sites, self.times, self.config)

    @property
    def block_ns(self) -> int:
        """Length of the pieces that picks are searched in."""
        return round(filled(self.config.time_slicing_s) * NS)

    @property
    def span_ns(self) -> int:
        """Longest time between the first and the last pick of an event."""
        return round(filled(self.config.time_before_s) * NS)

    def associate(self, picks: Iterable[Pick]) -> list[tuple[Pick, ...]]:
        """Groups in the order of their first picks, each sorted by time. Picks may be of any number of days."""
        placed = self.placed(by_time(picks))
        return list(sweep(placed, self.block_ns, self.span_ns, self.groups, tuple))

    def placed(self, picks: Iterable[Pick]) -> Iterator[Pick]:
        """Picks of known sites, one for each onset of a site. picks : sorted by time."""
        named = ((pick, name) for pick in picks if (name := self.sites.name(pick)))
        return without_twins(named, round(min(TWINS_S, filled(self.config.pick_match_tolerance_s)) * NS))

    def groups(self, picks: Sequence[Pick]) -> list[tuple[Pick, ...]]:
        """Groups of placed picks of a piece short enough to be searched as a whole; those with most picks first."""
        least = {"P": self.config.threshold_p, "S": self.config.threshold_s}
        free = [pick for pick in picks if pick.probability >= least.get(phase_of(pick), inf)]
        found = self._octo.search(free)
        if self.config.n_picks_p_only:
            used = {pick for group in found for pick in group}
            found += self._octo.search([pick for pick in free if pick not in used], p_only=True)
        return sorted(found, key=lambda group: (-len(group), group[0].time_ns))

    def enough(self, picks: Iterable[Pick]) -> bool:
        """Whether picks make an event by the numbers that the configuration asks for."""
        at = {phase: {self.sites.name(p) for p in picks if phase_of(p) == phase} for phase in "PS"}
        p, s, both, config = len(at["P"]), len(at["S"]), len(at["P"] & at["S"]), self.config
        if config.n_picks_p_only and p >= config.n_picks_p_only:
            return True
        asked = (config.n_picks, config.n_p_picks, config.n_s_picks, config.n_p_and_s_picks)
        return all(has >= filled(least) for has, least in zip((p + s, p, s, both), asked, strict=True))


def without_twins(named: Iterable[tuple[Pick, str]], within_ns: int) -> Iterator[Pick]:
    """Of picks of one site and phase no farther apart than within_ns, the most probable one. Sorted by time."""
    waiting: deque[tuple[Pick, str]] = deque()
    for pick, name in named:
        while waiting and waiting[0][0].time_ns < pick.time_ns - within_ns:
            yield waiting.popleft()[0]
        same = (i for i, (p, n) in enumerate(waiting) if (n, phase_of(p)) == (name, phase_of(pick)))
        twin = next(same, None)
        if twin is None or waiting[twin][0].probability < pick.probability:
            if twin is not None:
                del waiting[twin]
            waiting.append((pick, name))
    yield from (pick for pick, _ in waiting)
