"""Probability curves to picks: one state machine, for an archive and a live feed alike.

A run opens at the first sample at or above the threshold and closes at the first one below half of it, so noise on a
curve near the threshold does not make two of one. Each peak of a run that a valley below half its height sets apart
is an onset: at least one per run. How the curve is cut into pushes changes nothing.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jijin.peaks import SPREAD, Curve, peaks, refine, spread_s
from jijin.resampling import STEP_NS
from jijin.types import RATE, Detection, Pick

CURVES = ("detection", "p", "s")  # rows of what push() takes
LONGEST_ONSET = 6_000  # samples; a curve that stays up for a minute is cut there
LONGEST_DETECTION = 30_000  # samples
JOIN = 100  # samples: detections closer than 1 s are one
REFERENCE_S = 0.1  # spread at which a model's scale is what it says, whatever its power
TOLERANCE = 100  # samples: a pick up to 1 s outside a detection belongs to it

Origin = Callable[[str, int], tuple[str, int]]  # (phase, grid index) -> seed id, offset in ns
Run = tuple[int, int, Curve]  # start, stop in the curve that comes with them


class RunFinder:
    """Finds the runs of one curve, with `margin` samples of curve kept before and awaited after each."""

    def __init__(self, threshold: float, longest: int, margin: int = 0) -> None:
        self.threshold, self.longest, self.margin = threshold, longest, margin
        self.base = 0  # grid index of curve[0]
        self.settled = 0  # grid index before which every run has been returned
        self._curve: Curve = np.empty(0, np.float32)

    def restart(self, index: int) -> None:
        """Begin anew at a grid index."""
        self.base = self.settled = index
        self._curve = np.empty(0, np.float32)

    def push(self, samples: Curve, final: bool = False) -> Iterator[Run]:
        """Runs that are complete after these samples; all, if final."""
        curve = self._curve = np.concatenate([self._curve, samples])
        opens = np.flatnonzero(curve >= self.threshold)
        at = self.settled - self.base
        while (start := _first(opens, at)) is not None:
            at = start
            stop = self._close(curve, start)
            if stop + self.margin > len(curve) and not final:
                break
            at = min(stop, len(curve))
            yield start, at, curve
        self._keep_from(len(curve) if start is None else at)

    def _close(self, curve: Curve, start: int) -> int:
        """Where the run that opens at start closes; beyond the end of the curve if it is still open."""
        low = curve[start : start + self.longest] < self.threshold / 2
        if low.any():
            return start + int(low.argmax())
        return start + self.longest if start + self.longest <= len(curve) else len(curve) + 1

    def _keep_from(self, at: int) -> None:
        self.settled = self.base + at
        drop = max(at - self.margin, 0)
        self._curve, self.base = self._curve[drop:].copy(), self.base + drop


def _first(indices: NDArray[Any], start: int) -> int | None:
    """First of the sorted indices that is not before start."""
    at = int(np.searchsorted(indices, start))
    return int(indices[at]) if at < len(indices) else None


@dataclass(frozen=True, slots=True)
class Onset:
    """A peak on the grid: index of its sample, and what becomes of it."""

    index: int
    pick: Pick


def strongest(onsets: Sequence[Onset], separation: int) -> list[Onset]:
    """Those of the onsets that are more than so many samples from every stronger one that stays, by time."""
    kept: list[Onset] = []
    for onset in sorted(onsets, key=lambda one: -one.pick.probability):
        if all(abs(onset.index - other.index) > separation for other in kept):
            kept.append(onset)
    return sorted(kept, key=lambda one: one.index)


class OnsetFinder:
    """One phase: its curve in, its onsets out; of two closer than min_separation_s the stronger stays."""

    def __init__(self, phase: str, threshold: float, uncertainty: Mapping[str, float], separation: int) -> None:
        self.phase, self.threshold, self.separation = phase, threshold, separation
        self._uncertainty = uncertainty
        self.runs = RunFinder(threshold, LONGEST_ONSET, SPREAD)
        self._chain: list[Onset] = []  # each too close to the one before; which of them stay is not known yet

    def push(self, samples: Curve, origin: Origin, final: bool = False) -> list[Onset]:
        """Onsets that are certain after these samples."""
        out: list[Onset] = []
        for start, stop, curve in self.runs.push(samples, final):
            for peak in sorted(peaks(curve[start:stop], self.threshold, self.separation)):
                out += self._rival(self._onset(curve, start + peak, origin))
        return out + self._sure(final)

    def _sure(self, final: bool) -> list[Onset]:
        """Take out of the chain what no later onset can change: all up to one that is above everything near it."""
        known = len(self._chain) if final else 0
        for k, one in enumerate(self._chain[known:]):
            near = [o for o in self._chain if o is not one and abs(o.index - one.index) <= self.separation]
            if one.index + self.separation < self.runs.settled and all(
                o.pick.probability < one.pick.probability for o in near
            ):
                known = k + 1
        out = strongest(self._chain[:known], self.separation)
        self._chain = [o for o in self._chain[known:] if not out or o.index - out[-1].index > self.separation]
        return out

    @property
    def settled(self) -> int:
        """Grid index before which every onset has been returned."""
        return self._chain[0].index if self._chain else self.runs.settled

    def _rival(self, new: Onset) -> list[Onset]:
        """Hold an onset that is too close to the last one; else what is held is settled."""
        if self._chain and new.index - self._chain[-1].index <= self.separation:
            self._chain.append(new)
            return []
        settled, self._chain = strongest(self._chain, self.separation), [new]
        return settled

    def _onset(self, curve: Curve, peak: int, origin: Origin) -> Onset:
        near, at = curve[max(peak - SPREAD, 0) : peak + SPREAD + 1], min(peak, SPREAD)  # the same however it is cut
        index, centre = self.runs.base + peak, refine(near, at)
        seed_id, offset_ns = origin(self.phase, index)
        time_ns = index * STEP_NS + round((centre - at) * STEP_NS) + offset_ns
        spread = spread_s(near, at, centre, self._uncertainty.get("smoothing_s", 0.0))
        uncertainty_s = deviation_s(spread, self._uncertainty)
        return Onset(index, Pick(seed_id, self.phase, time_ns, uncertainty_s, float(curve[peak])))


def deviation_s(spread: float, stated: Mapping[str, float]) -> float:
    """One standard deviation of a pick's time, from the spread of its peak in seconds and a model's time_uncertainty:
    scale * 0.1 s * (spread / 0.1 s) ** power, but floor_s at least, and at most the spread, or scale times it.

    >>> stated = {"scale": 0.5, "floor_s": 0.01, "power": 2.0}
    >>> [round(deviation_s(spread, stated), 3) for spread in (0.01, 0.1, 0.15, 0.3)]
    [0.01, 0.05, 0.112, 0.3]
    """
    scale = stated["scale"]
    grown = scale * REFERENCE_S * (spread / REFERENCE_S) ** stated.get("power", 1.0)
    return max(stated["floor_s"], min(grown, max(scale, 1.0) * spread))


class DetectionFinder:
    """The detection curve in; which detection holds a sample, out."""

    def __init__(self, threshold: float) -> None:
        self.runs = RunFinder(threshold, LONGEST_DETECTION)
        self._open: tuple[int, int, float] | None = None  # may still be joined by the next one
        self._closed: list[tuple[int, int, float]] = []  # start, stop, highest probability

    def push(self, samples: Curve, final: bool = False) -> None:
        """Take in the next samples."""
        for start, stop, curve in self.runs.push(samples, final):
            self._join(self.runs.base + start, self.runs.base + stop, float(curve[start:stop].max()))
        if self._open and (final or self.runs.settled - self._open[1] >= JOIN):
            self._close()

    def _join(self, start: int, stop: int, probability: float) -> None:
        if self._open and start - self._open[1] < JOIN and stop - self._open[0] <= LONGEST_DETECTION:
            self._open = (self._open[0], stop, max(self._open[2], probability))
            return
        self._close()
        self._open = (start, stop, probability)

    def _close(self) -> None:
        self._closed += [self._open] if self._open else []
        self._open = None

    @property
    def settled(self) -> int:
        """Grid index before which every detection that starts there is known to its end."""
        return self._open[0] if self._open else self.runs.settled

    def at(self, index: int) -> tuple[int, int, float] | None:
        """The detection that holds a grid index, else the nearest within the tolerance."""
        after = bisect_right(self._closed, index, key=lambda d: d[0])
        near = [(max(d[0] - index, index - d[1] + 1, 0), d) for d in self._closed[max(after - 1, 0) : after + 1]]
        distance, found = min(near, default=(TOLERANCE + 1, None))
        return found if distance <= TOLERANCE else None

    def forget(self, before: int) -> None:
        """Drop detections that no sample from this index on can belong to."""
        self._closed = [d for d in self._closed if d[1] + TOLERANCE >= before]


class Picker:
    """The three curves of one instrument in, picks out.

    thresholds : "detection", "p", "s" -> probability; time_uncertainty : "p", "s" -> scale, power (1 if it is not
    given) and floor_s (see deviation_s), smoothing_s (what the curve's smoothing added to the spread of a peak, 0 if it
    is not given); origin names the channel and the clock offset of a sample.
    """

    def __init__(
        self,
        thresholds: Mapping[str, float],
        time_uncertainty: Mapping[str, Mapping[str, float]],
        origin: Origin,
        min_separation_s: float = 0.5,
    ) -> None:
        separation = round(min_separation_s * RATE)
        self._detections = DetectionFinder(thresholds["detection"])
        self._phases = [
            OnsetFinder(phase.upper(), thresholds[phase], time_uncertainty[phase], separation) for phase in CURVES[1:]
        ]
        self._origin = origin
        self._waiting: list[Onset] = []  # for their detection to end
        self._next: int | None = None  # grid index that is expected

    def push(self, probabilities: NDArray[np.float32], start_index: int) -> list[Pick]:
        """probabilities : (3, sample), rows detection, P, S, from grid index start_index on.

        Returns the picks that are certain now. A jump of the index is a gap: it ends what is open.
        """
        picks = self.finish() if start_index != self._next else []
        if self._next is None:
            for runs in (self._detections.runs, *(finder.runs for finder in self._phases)):
                runs.restart(start_index)
        self._next = start_index + probabilities.shape[1]
        return picks + self._advance(probabilities)

    @property
    def settled(self) -> int | None:
        """Grid index before which every pick has been returned; None while nothing is open."""
        if self._next is None:
            return None
        return min(self._detections.settled - TOLERANCE, *(finder.settled for finder in self._phases))

    def finish(self) -> list[Pick]:
        """Picks of everything that is still open; the next push starts anew."""
        if self._next is None:
            return []
        picks = self._advance(np.empty((3, 0), np.float32), final=True)
        self._next = None
        return picks

    def _advance(self, probabilities: NDArray[np.float32], final: bool = False) -> list[Pick]:
        self._detections.push(probabilities[0], final)
        for finder, curve in zip(self._phases, probabilities[1:], strict=True):
            self._waiting += finder.push(curve, self._origin, final)
        limit = self._next if final and self._next is not None else self._detections.settled - TOLERANCE
        done = [onset for onset in self._waiting if onset.index < limit]
        self._waiting = [onset for onset in self._waiting if onset.index >= limit]
        picks = [self._with_detection(onset) for onset in done]
        open_from = [onset.index for onset in self._waiting] + [f.settled - f.separation for f in self._phases]
        self._detections.forget(min(open_from))
        return sorted(picks, key=lambda pick: (pick.time_ns, pick.phase_hint))

    def _with_detection(self, onset: Onset) -> Pick:
        found = self._detections.at(onset.index)
        if found is None:
            return onset.pick
        start, stop, probability = found
        offset_ns = self._origin("P", start)[1]
        return replace(
            onset.pick, detection=Detection(start * STEP_NS + offset_ns, stop * STEP_NS + offset_ns, probability)
        )
