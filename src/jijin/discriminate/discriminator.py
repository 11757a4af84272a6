"""Earthquake, explosion or something else: stations' waveforms, summed up, to a SourceType."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from jijin.config import check_range
from jijin.discriminate.classes import ANTHROPOGENIC, CLASSES, EARTHQUAKE, EXPLOSION, LANDSLIDE, NOISE
from jijin.discriminate.context import ContextConfig, context
from jijin.discriminate.features import NAMES, features
from jijin.discriminate.model import SHIPPED, SourceModel, load_source
from jijin.discriminate.record import Record, span_ns, vertical
from jijin.errors import ConfigError
from jijin.io.archive import Waveforms
from jijin.types import NS, VP_VS, Origin, Pick, SourceType, nsl

REASONS, WEAK = 6, 0.02  # told at most, and log odds below which nothing is told
PRIOR = {EARTHQUAKE: 0.35, EXPLOSION: 0.35, LANDSLIDE: 0.1, ANTHROPOGENIC: 0.1, NOISE: 0.1}
Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class DiscriminateConfig:
    """How sure an answer must be, and what is expected beforehand."""

    model: str = SHIPPED  # or a .json file of one's own
    certainty: float = 0.65  # probability below which a type is "not determined"
    prior: Mapping[str, float] = field(
        default_factory=lambda: dict(PRIOR)
    )  # shares: of a blast no less than of an earthquake
    context: ContextConfig | None = None  # None: waveforms alone
    most_stations: int = 15  # the nearest ones; more add little, see Calibration

    def __post_init__(self) -> None:
        check_range("certainty", self.certainty, 0, 1)
        if unknown := sorted(set(self.prior) - set(CLASSES)):
            raise ConfigError(f"'prior' names {', '.join(unknown)}; the classes are {', '.join(CLASSES)}")
        for name, share in self.prior.items():
            check_range(f"prior of {name}", share, 0, 1)
        if self.most_stations < 1:
            raise ConfigError(f"'most_stations' must be at least 1 (got {self.most_stations})")


class Discriminator:
    """Tells the type of events, and of what a single station saw. model None takes that of the config."""

    def __init__(self, model: SourceModel | None = None, config: DiscriminateConfig | None = None) -> None:
        self.config = config or DiscriminateConfig()
        self.model = model or load_source(self.config.model)

    def classify(self, origin: Origin, waveforms: Waveforms | None) -> SourceType:
        """The type of an event, by all stations that picked it and have a vertical component around the P.

        A station with an S alone is looked at where its P must have been. Without any station, and on a live feed until
        twenty seconds after P are there, it is not determined.
        """
        if waveforms is None:
            return _unknown("no waveforms were given")
        arrivals = sorted(origin.arrivals, key=lambda a: (a.distance_km, a.pick.seed_id))
        picks = [arrival.pick for arrival in arrivals]
        names = list(dict.fromkeys(nsl(pick.seed_id) for pick in picks))[: self.config.most_stations]
        found = (self._station(name, [p for p in picks if nsl(p.seed_id) == name], waveforms, origin) for name in names)
        known = context(origin, self.config.context) if self.config.context else []
        return self.decide([record for record in found if record is not None], known)

    def classify_picks(self, picks: Sequence[Pick], waveforms: Waveforms) -> SourceType:
        """The type of what one station saw: the picks of one detection, P or P and S."""
        record = self._station(nsl(picks[0].seed_id), picks, waveforms, None) if picks else None
        return self.decide([record] if record else [])

    def decide(self, records: Sequence[Record], known: Sequence[tuple[str, float]] = ()) -> SourceType:
        """The type by the records of all stations; known : parts of the log odds of a blast, with their names."""
        if not records:
            return _unknown("no station with a vertical component around its P")
        classes, x = self.model.classes, np.stack([features(record) for record in records]).astype(np.float64)
        context = np.array([sum(odds for _, odds in known) if name == EXPLOSION else 0.0 for name in classes])
        logits = self.model.event(x) + np.log([self.config.prior.get(name, 1e-6) for name in classes]) + context
        p = np.exp(logits - logits.max())
        p /= p.sum()
        second, first = np.argsort(p, kind="stable")[-2:].tolist()
        probability, shares = float(p[first]), dict(zip(classes, p.tolist(), strict=True))
        told = self.model.words[classes[first]] if probability >= self.config.certainty else None
        reasons = [*self._reasons(x, first, second), *_toward(known, classes[first], classes[second])]
        strong = sorted(((name, round(odds, 3)) for name, odds in reasons), key=lambda part: -abs(part[1]))
        return SourceType(told, probability, shares, tuple(part for part in strong if abs(part[1]) >= WEAK)[:REASONS])

    def _reasons(self, x: Array, first: int, second: int) -> list[tuple[str, float]]:
        """By feature, the log odds of the likeliest class against the next one that go if it is not measured."""
        full = self.model.event(x)
        out = []
        for k, name in enumerate(NAMES):
            without = x.copy()
            without[:, k] = np.nan
            gone = full - self.model.event(without)
            out.append((name, float(gone[first] - gone[second])))
        return out

    def _station(self, name: str, picks: Sequence[Pick], waveforms: Waveforms, origin: Origin | None) -> Record | None:
        """The record of a station; None where it has no P to look around, or no data there."""
        p = _best(picks, "P")
        s = _best([pick for pick in picks if p is None or pick.time_ns > p.time_ns], "S")
        p_ns = p.time_ns if p else _p_before(s, origin)
        if p_ns is None:
            return None
        z = vertical(waveforms(name, *span_ns(p_ns)), p_ns, p.seed_id if p else "")
        if z is None:
            return None
        s_minus_p = (s.time_ns - p_ns) / NS if s else math.nan
        return Record(z, s_minus_p, p.probability if p else 0.0, s.probability if s else 0.0)


def _unknown(why: str) -> SourceType:
    return SourceType(None, 0.0, {}, ((why, 0.0),))


def _toward(known: Sequence[tuple[str, float]], first: str, second: str) -> list[tuple[str, float]]:
    """Parts of the log odds of a blast as those of the first class against the second."""
    sign = (first == EXPLOSION) - (second == EXPLOSION)
    return [(name, sign * odds) for name, odds in known]


def _best(picks: Sequence[Pick], phase: str) -> Pick | None:
    """The surest pick of a phase, the first of equals."""
    return max((p for p in picks if p.phase_hint.upper().startswith(phase)), key=lambda p: p.probability, default=None)


def _p_before(s: Pick | None, origin: Origin | None) -> int | None:
    """Where the P of an S was, by the time since the origin."""
    if s is None or origin is None or s.time_ns <= origin.time_ns:
        return None
    return origin.time_ns + round((s.time_ns - origin.time_ns) / VP_VS)
