"""Picks to events: associate, locate, size, classify. One EventBuilder for an archive and a live feed."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from operator import attrgetter
from typing import Any, Protocol

import numpy as np

from jijin.errors import DataError
from jijin.network.associate import AssociateConfig, Associator, filled
from jijin.network.locate import LocateConfig, Locator
from jijin.network.readings import Corrections, check_corrections, phase_of
from jijin.network.stations import Stations
from jijin.network.sweep import sweep
from jijin.network.velocity import VelocityModel
from jijin.network.versions import identify
from jijin.types import NS, Event, Magnitude, Origin, Pick, SourceType, by_time, net_sta

log = logging.getLogger("jijin")

ROUNDS = 3  # of locating and taking in picks that fit; after them picks only leave
SEARCHES = 3  # of a piece of time, as long as events give picks back


class Sizer(Protocol):
    """Gives an origin a magnitude; waveforms may be None."""

    def size(self, origin: Origin, waveforms: Any) -> Magnitude: ...

    def again(self, event: Event, origin: Origin) -> Magnitude: ...


class Classifier(Protocol):
    """Says what an event was; waveforms may be None."""

    def classify(self, origin: Origin, waveforms: Any) -> SourceType: ...


class EventBuilder:
    """Events of a network from its picks.

    Once PyOcto has put picks together the event is located, and what it is made of is decided again, in ROUNDS at
    most: a pick leaves whose residual is over pick_match_tolerance_s (AssociateConfig), and in come the picks of no
    event that fit within it, also those too weak to be associated; one pick a site and phase, the best fitting one,
    none beyond the distance up to which min_pick_fraction of the sites with picks take part. Then picks only leave,
    until all fit. An event left with too few (Associator.enough), or that cannot be located, is dropped, and picks
    that are free again are associated once more. No two events share a pick.

    Where the model is too simple an earthquake comes in pieces. An event is taken as a piece of one with more picks,
    and dropped, if waves of both would reach its stations within three tolerances of each other and at most half of
    its phases are such as the other has too: of a second earthquake those would have been picked twice.

    P of a distant earthquake cross a network as those of one deep below it would. An event of P alone (of fewer S than
    n_s_picks) is dropped where its depth is not resolved and comes out below the volume that was searched.
    """

    def __init__(
        self,
        stations: Stations,
        velocity: VelocityModel,
        associate: AssociateConfig | None = None,
        locate: LocateConfig | None = None,
        sizer: Sizer | None = None,
        discriminator: Classifier | None = None,
        corrections: Corrections | None = None,
    ) -> None:
        check_corrections(corrections or {}, stations)
        self.associator = Associator(stations, velocity, associate)
        self.locator = Locator(stations, self.associator.times, locate, corrections)
        self.sizer, self.discriminator = sizer, discriminator

    def build(self, picks: Iterable[Pick], waveforms: Any = None) -> list[Event]:
        """Events in the order of their first picks, from picks in any order that fit in memory."""
        return list(self.events(by_time(picks), waveforms))

    def events(self, picks: Iterable[Pick], waveforms: Any = None) -> Iterator[Event]:
        """As build(), one by one, from picks sorted by time that are never all in memory; see sweep()."""
        finder = self.associator
        origins = sweep(finder.placed(picks), finder.block_ns, finder.span_ns, self.origins, attrgetter("picks"))
        return (self.event(origin, waveforms) for origin in origins)

    def event(self, origin: Origin, waveforms: Any = None, event_id: str | None = None) -> Event:
        """An origin with its magnitude and source type, as far as there is a sizer and a discriminator."""
        return Event(
            event_id or identify(origin.picks),
            origin,
            self.sizer.size(origin, waveforms) if self.sizer else None,
            self.discriminator.classify(origin, waveforms) if self.discriminator else None,
        )

    def origins(self, picks: Sequence[Pick]) -> list[Origin]:
        """Origins of a piece of time that can be searched as a whole. picks : placed() and sorted by time."""
        free, found = list(picks), list[Origin]()
        alive = {name for pick in picks if (name := self.associator.sites.name(pick))}
        for _ in range(SEARCHES):
            before, given_back = len(free), False
            for group in self.associator.groups(free):
                origin = self.settle(group, free, alive)
                if origin and any(self.is_piece(origin, other) for other in found):
                    origin = None
                used = set(origin.picks) if origin else set()
                given_back |= not used.issuperset(group)
                free = [pick for pick in free if pick not in used]
                found += [origin] if origin else []
            if not given_back or len(free) == before:
                break
        return found

    def settle(self, group: Sequence[Pick], free: Sequence[Pick], alive: set[str]) -> Origin | None:
        """Origin of a group of picks after it has lost and won some; None if it is dropped.

        free : sorted by time, picks it may win, and those of the group that no other event has taken since.
        """
        still = set(free)
        picks = [pick for pick in group if pick in still]
        rounds = 0
        while self.associator.enough(picks):
            try:
                origin = self.locator.locate(picks)
            except DataError as error:
                log.debug("%d picks from %s on are no event: %s", len(picks), picks[0].time, error)
                return None
            fitting = self.fitting(origin, free if rounds < ROUNDS else picks, alive)
            if set(fitting) == set(picks):
                return None if self.is_distant(origin) else origin
            picks, rounds = fitting, rounds + 1
        return None

    def is_distant(self, origin: Origin) -> bool:
        """Whether an origin is one of P alone that may be far away; see the class."""
        config, count_s = self.associator.config, sum(phase_of(pick) == "S" for pick in origin.picks)
        deep = not origin.depth_resolved and origin.depth_km > filled(config.bottom_km)
        distant = deep and count_s < filled(config.n_s_picks)
        if distant:
            log.info(
                "P at %d sites from %s on may be of a distant earthquake: no event", len(origin.picks), origin.time
            )
        return distant

    def is_piece(self, origin: Origin, other: Origin) -> bool:
        """Whether an origin is a part of the earthquake that the other is; see the class."""
        limit_s = 3 * filled(self.associator.config.pick_match_tolerance_s)
        apart_s = (origin.time_ns - other.time_ns) / NS
        if len(origin.arrivals) > len(other.arrivals) or abs(apart_s) > self.associator.span_ns / NS:
            return False
        mine, its = self.phases(origin), self.phases(other)
        here, there = self.predicted(origin), self.predicted(other)
        off_s = np.median([abs(apart_s + here[key] - there[key]) for key in mine])
        return bool(off_s <= limit_s and len(mine & its) <= len(mine) / 2)

    def phases(self, origin: Origin) -> set[tuple[str, str]]:
        """Site and phase of all its arrivals."""
        return {(self.associator.sites.name(pick) or "", phase_of(pick)) for pick in origin.picks}

    def fitting(self, origin: Origin, picks: Sequence[Pick], alive: set[str]) -> list[Pick]:
        """Picks that an origin explains, one a site and phase, sorted by time; the distance rule of the class holds."""
        predicted, corrections = self.predicted(origin), self.locator.corrections
        tolerance = filled(self.associator.config.pick_match_tolerance_s)
        best: dict[tuple[str, str], tuple[float, Pick]] = {}
        last_ns = origin.time_ns + self.associator.span_ns
        for pick in picks:
            if origin.time_ns <= pick.time_ns <= last_ns:
                key = self.associator.sites.name(pick) or "", phase_of(pick)
                late_s = predicted[key] + corrections.get((net_sta(pick.seed_id), key[1]), 0.0)
                off_s = abs((pick.time_ns - origin.time_ns) / NS - late_s)
                if off_s <= min(tolerance, best.get(key, (np.inf,))[0]):
                    best[key] = off_s, pick
        near = self.near(origin, {site for site, _ in best}, alive)
        return by_time(pick for (site, _), (_, pick) in best.items() if site in near)

    def near(self, origin: Origin, taking_part: set[str], alive: set[str]) -> set[str]:
        """Sites no farther than the last one up to which min_pick_fraction of those alive take part."""
        names = self.associator.sites.names
        ranked = [names[i] for i in np.argsort(self.distances_km(origin), kind="stable") if names[i] in alive]
        part = np.array([name in taking_part for name in ranked])
        share = np.cumsum(part) / np.arange(1, len(part) + 1)
        last = np.flatnonzero(part & (share >= self.associator.config.min_pick_fraction))
        return set(ranked[: last[-1] + 1]) if len(last) else set()

    def distances_km(self, origin: Origin) -> np.ndarray[Any, np.dtype[np.float64]]:
        """(site,): from the epicentre."""
        sites = self.associator.sites
        east, north = sites.frame.to_km(origin.latitude, origin.longitude)
        return np.asarray(np.hypot(sites.km[:, 0] - east, sites.km[:, 1] - north))

    def predicted(self, origin: Origin) -> dict[tuple[str, str], float]:
        """Travel times in s by site and phase."""
        sites, times, distance = self.associator.sites, self.associator.times, self.distances_km(origin)
        return {
            (name, phase): float(second)
            for phase in "PS"
            for name, second in zip(
                sites.names, times.time(phase, distance, origin.depth_km, sites.km[:, 2]), strict=True
            )
        }
