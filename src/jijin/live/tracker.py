"""One identity for a pick from its first sight to its confirmation.

A provisional pick is announced as soon as two looks in a row show it, or one with a probability of SURE; updated while
later looks move it, withdrawn when MISSES looks in a row do not show it, and settled by the Detector's final picks:
confirmed, or withdrawn. Picks of one phase of a sensor that are within SAME_NS are the same one.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from jijin.live.newest import Look
from jijin.store import pick_id
from jijin.types import NS, Pick, instrument_id

SAME_NS = 500_000_000
EDGE_NS = 10 * NS  # the beginning of a look, which earlier looks and the final windows have seen better
MOVED_NS = 50_000_000  # an update is worth telling from here on
SURE = 0.8  # on 40 min of aftershocks a third of the false provisional picks less, and 0.2 s more to the median one
MISSES = 4
FORGET_NS = 600 * NS  # of data: settled picks are known that long, to recognise them when they are seen again

State = Literal["seen once", "provisional", "confirmed", "withdrawn"]
Kind = Literal["new", "updated", "confirmed", "withdrawn"]


@dataclass(slots=True)
class Sighting:
    """A pick as it is known now."""

    key: str  # stays the same
    pick: Pick
    state: State
    misses: int = 0
    told: bool = False


@dataclass(frozen=True, slots=True)
class Change:
    """What is told of a pick. A final pick that no look has shown is "confirmed" at once, with first True."""

    kind: Kind
    key: str
    pick: Pick
    first: bool = False  # the pick had not been told before


@dataclass(slots=True)
class _Phase:
    """The sightings of one phase of one sensor, in order of time."""

    known: list[Sighting] = field(default_factory=list)

    def near(self, time_ns: int) -> Sighting | None:
        at = bisect_left(self.known, time_ns, key=lambda s: s.pick.time_ns)
        around = self.known[max(at - 1, 0) : at + 1]
        best = min(around, key=lambda s: abs(s.pick.time_ns - time_ns), default=None)
        return best if best and abs(best.pick.time_ns - time_ns) <= SAME_NS else None

    def add(self, new: Sighting) -> None:
        self.known.insert(bisect_left(self.known, new.pick.time_ns, key=lambda s: s.pick.time_ns), new)

    def moved(self) -> None:
        self.known.sort(key=lambda s: s.pick.time_ns)


class Tracker:
    """Looks and final picks in, changes out. settled_ns : by sensor, up to where an earlier process has told all."""

    def __init__(self, settled_ns: Mapping[str, int] | None = None) -> None:
        self._phases: dict[tuple[str, str], _Phase] = {}
        self._settled = dict(settled_ns or {})

    def see(self, look: Look) -> Iterator[Change]:
        """What a look changes. Picks before what is settled, and at its beginning, are left to the final ones."""
        since = max(look.start_ns + EDGE_NS, self._settled.get(look.instrument, 0))
        shown: set[str] = set()
        for pick in look.picks:
            if pick.time_ns >= since:
                yield from self._seen(self._phase(look.instrument, pick.phase_hint), pick, shown)
        for name in ("P", "S"):
            yield from self._missed(self._phase(look.instrument, name), since, shown)

    def _seen(self, phase: _Phase, pick: Pick, shown: set[str]) -> Iterator[Change]:
        known = phase.near(pick.time_ns)
        if known is None:
            known = Sighting(pick_id(pick), pick, "withdrawn")
            phase.add(known)
        shown.add(known.key)
        if known.state == "confirmed":
            return
        moved = abs(known.pick.time_ns - pick.time_ns) >= MOVED_NS
        before, known.pick, known.misses = known.state, pick, 0
        phase.moved()
        if before == "provisional":
            yield from [Change("updated", known.key, pick)] if moved else []
        elif before == "seen once" or pick.probability >= SURE:
            known.state = "provisional"
            yield Change("new", known.key, pick, first=not known.told)
            known.told = True
        else:
            known.state = "seen once"

    def _missed(self, phase: _Phase, since_ns: int, shown: set[str]) -> Iterator[Change]:
        for one in phase.known[bisect_left(phase.known, since_ns, key=lambda s: s.pick.time_ns) :]:
            if one.key in shown:
                continue
            one.misses += 1
            if one.state == "seen once":
                one.state = "withdrawn"
            elif one.state == "provisional" and one.misses >= MISSES:
                one.state = "withdrawn"
                yield Change("withdrawn", one.key, one.pick)

    def confirm(self, pick: Pick) -> Change:
        """A final pick; it takes the place and the identity of the provisional one."""
        phase = self._phase(instrument_id(pick.seed_id), pick.phase_hint)
        known = phase.near(pick.time_ns)
        if known is None or known.state == "confirmed":
            known = Sighting(pick_id(pick), pick, "confirmed")
            phase.add(known)
        first, known.pick, known.state, known.told = not known.told, pick, "confirmed", True
        phase.moved()
        return Change("confirmed", known.key, pick, first)

    def settle(self, settled_ns: dict[str, int]) -> Iterator[Change]:
        """No further final pick lies before these times, by sensor: what is provisional there was none."""
        for instrument, time_ns in settled_ns.items():
            if time_ns <= self._settled.get(instrument, 0):
                continue
            self._settled[instrument] = time_ns
            for name in ("P", "S"):
                yield from self._close(self._phase(instrument, name), time_ns)

    def _close(self, phase: _Phase, time_ns: int) -> Iterator[Change]:
        for one in phase.known:
            if one.state == "provisional" and one.pick.time_ns < time_ns - SAME_NS:
                one.state = "withdrawn"
                yield Change("withdrawn", one.key, one.pick)
        phase.known = [s for s in phase.known if s.state == "provisional" or s.pick.time_ns > time_ns - FORGET_NS]

    def _phase(self, instrument: str, name: str) -> _Phase:
        return self._phases.setdefault((instrument, name), _Phase())

    def current(self) -> Iterable[Sighting]:
        """Everything that is known, withdrawn picks too."""
        return (one for phase in self._phases.values() for one in phase.known)
