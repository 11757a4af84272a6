"""How long things take: histograms that Prometheus reads and people too."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field

BOUNDS_S = tuple(round(base * 10.0**power, 3) for power in range(-2, 3) for base in (1, 1.5, 2, 3, 5, 7))


@dataclass(slots=True)
class Histogram:
    """Counts of durations in s by BOUNDS_S (0.01 to 700 s), the last count being those beyond; flat in memory."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS_S) + 1))
    total_s: float = 0.0
    longest_s: float = 0.0

    def add(self, seconds: float) -> None:
        """Count one duration; a negative one, of clocks that disagree, counts as none at all."""
        seconds = max(seconds, 0.0)
        self.counts[bisect_left(BOUNDS_S, seconds)] += 1
        self.total_s += seconds
        self.longest_s = max(self.longest_s, seconds)

    @property
    def count(self) -> int:
        return sum(self.counts)

    def quantile(self, q: float) -> float | None:
        """The duration in s that a fraction q stays below, interpolated in its bin; None without any.

        >>> h = Histogram(); [h.add(s) for s in (0.1, 0.2, 0.2, 4.0)]; h.quantile(0.75), h.quantile(1.0)
        [None, None, None, None]
        (0.2, 4.0)
        """
        if not self.count:
            return None
        left, low = q * self.count, 0.0
        for bound, count in zip(BOUNDS_S, self.counts, strict=False):
            if left <= count + 1e-9 and count:
                return min(low + (bound - low) * left / count, self.longest_s)
            left, low = left - count, bound
        return self.longest_s

    def cumulative(self) -> Iterator[tuple[float, int]]:
        """(upper bound in s, how many are not above it), as Prometheus wants it."""
        so_far = 0
        for bound, count in zip(BOUNDS_S, self.counts, strict=False):
            so_far += count
            yield bound, so_far

    def summary(self) -> dict[str, float | int | None]:
        """What people want to know of it."""
        return {"count": self.count, "median_s": self.quantile(0.5), "p99_s": self.quantile(0.99)}


@dataclass(slots=True)
class Latencies:
    """The stages from the ground to the alarm."""

    arrival: Histogram = field(default_factory=Histogram)  # time of a packet's last sample -> its arrival
    pick: Histogram = field(default_factory=Histogram)  # arrival of the packet that holds the evidence -> pick
    onset: Histogram = field(default_factory=Histogram)  # onset in the ground -> pick
    alert: Histogram = field(default_factory=Histogram)  # onset in the ground, or origin time -> alarm

    def summary(self) -> dict[str, dict[str, float | int | None]]:
        """By stage."""
        return {name: getattr(self, name).summary() for name in ("arrival", "pick", "onset", "alert")}
