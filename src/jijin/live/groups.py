"""P at several stations that one wave may have made: what a rule on stations fires on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from jijin.live.rules import StationsRule
from jijin.network.geo import distance_azimuth
from jijin.network.stations import Stations
from jijin.types import NS, Pick, net_sta

NEAR_KM = 30.0  # between two stations whose places are not known


@dataclass(slots=True)
class Groups:
    """The groups of one rule: of those taken so far the first pick, and the keys of the picks that fit to it."""

    rule: StationsRule
    stations: Stations | None
    firsts: list[tuple[str, int]] = field(default_factory=list)  # seed id or NET.STA, and time, of each first pick
    keys: set[str] = field(default_factory=set)

    def forget(self, picks: Mapping[str, Pick], before_ns: int) -> None:
        """Keep what is known of these picks, and groups not before that time."""
        self.keys.intersection_update(picks)
        self.firsts = [first for first in self.firsts if first[1] >= before_ns]

    def take(self, picks: Mapping[str, Pick]) -> list[Pick]:
        """The oldest new group, in order of time, which the rule then is done with; or none."""
        new = sorted(self._new(picks), key=lambda p: p.time_ns)
        for i, first in enumerate(new):
            at = first.seed_id, first.time_ns
            group = {net_sta(p.seed_id): p for p in reversed(new[i:]) if self._fits(at, p)}
            if len(group) >= self.rule.stations:
                whole = sorted(group.values(), key=lambda p: p.time_ns)
                self.firsts.append((whole[0].seed_id, whole[0].time_ns))
                return whole
        return []

    def _new(self, picks: Mapping[str, Pick]) -> Iterator[Pick]:
        """Probable picks that belong to no group that the rule is done with."""
        for key, pick in picks.items():
            if key not in self.keys and any(self._fits(first, pick) for first in self.firsts):
                self.keys.add(key)
            if key not in self.keys and pick.probability >= self.rule.probability:
                yield pick

    def _fits(self, first: tuple[str, int], pick: Pick) -> bool:
        """Whether one wave may have made both picks, in either order."""
        km = NEAR_KM
        if self.stations is not None:
            one, two = (self.stations.lookup(*place) for place in (first, (pick.seed_id, pick.time_ns)))
            if one is None or two is None:
                return False
            km = float(distance_azimuth(one.latitude, one.longitude, two.latitude, two.longitude)[0])
        return abs(pick.time_ns - first[1]) / NS <= km / self.rule.velocity_km_s + self.rule.tolerance_s
