"""Many stations at once, in memory: 580 stations with a window each, and 580 stations fed second by second.

python benchmarks/network.py        prints JSON
"""

from __future__ import annotations

import json
import statistics

import numpy as np
from numpy.typing import NDArray

from days import pieces
from jijin.data.synthetic import earthquake, noise
from jijin.detector import Detector
from jijin.live.newest import Newest
from jijin.models import load
from jijin.types import Segment
from timing import WALL, seconds_of

STATIONS, REPEATS, TICKS = 580, 100, 120


def main() -> None:
    """Both measurements."""
    rng = np.random.default_rng(0)
    ground = [minutes(rng, 4) for _ in range(STATIONS)]
    print(json.dumps({"window": window(ground), "tick": tick(ground)}))


def minutes(rng: np.random.Generator, count: int) -> NDArray[np.int32]:
    """(3, sample) counts of noise; every fourth station sees an earthquake."""
    x = noise(rng, count * 6000) * 300
    if rng.random() < 0.25:
        event, at = earthquake(rng, s_minus_p=5.0).data, int(rng.integers(6000, 12000))
        length = min(event.shape[1], x.shape[1] - at)
        x[:, at : at + length] += event[:, :length] * 30_000
    return x.round().astype(np.int32)


def second(ground: list[NDArray[np.int32]], first: int, stop: int) -> list[Segment]:
    """Samples first ... stop - 1 of all stations, as packets of a feed."""
    return [segment for i, x in enumerate(ground) for segment in pieces(x, [(first, stop)], f"S{i:03}")]


def window(ground: list[NDArray[np.int32]]) -> dict[str, float]:
    """Seconds from one window of every station in memory to picks, again and again."""
    newest = Newest(load())
    windows = list(newest.windows(second(ground, 6000, 12000)))

    def once() -> int:
        return sum(len(look.picks) for look in newest.look_at(windows))

    return summary([seconds_of(WALL, once) for _ in range(REPEATS)])


def tick(ground: list[NDArray[np.int32]]) -> dict[str, float]:
    """Seconds for one second more of every station: provisional picks of its newest minute, and final picks."""
    model = load()
    detector, newest = Detector(model), Newest(model)
    minute = second(ground, 0, 6000)
    newest.look(minute)
    detector.feed(minute)
    ends = iter(range(6100, 6100 + TICKS * 100, 100))

    def once() -> int:
        stop = next(ends)
        packets = second(ground, stop - 100, stop)
        return sum(len(look.picks) for look in newest.look(packets)) + len(detector.feed(packets))

    return summary([seconds_of(WALL, once) for _ in range(TICKS)])


def summary(spent: list[float]) -> dict[str, float]:
    """Median and largest, and the medians of the first and of the last tenth: steady or not."""
    tenth = max(len(spent) // 10, 1)
    first, last = statistics.median(spent[:tenth]), statistics.median(spent[-tenth:])
    return {"median": statistics.median(spent), "largest": max(spent), "first": first, "last": last}


if __name__ == "__main__":
    main()
