"""Records to measure speed on: a station's samples over hours or days, whole, in fragments, or full of gaps."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from jijin.data.draw import log_uniform
from jijin.data.synthetic import earthquake, noise
from jijin.types import DAY_NS, RATE, Segment, samples_to_ns

HOUR = 360_000  # samples
DAY = 19_724  # 2024-01-02, in days since 1970
START_NS = DAY * DAY_NS
EVENTS_PER_HOUR = 8
Samples = NDArray[np.int32]


def synthetic(hours: float, seed: int = 0) -> Samples:
    """(3, sample) counts: noise with synthetic earthquakes of all sizes, EVENTS_PER_HOUR of them an hour."""
    rng = np.random.default_rng(seed)
    hour = np.concatenate([noise(rng, HOUR // 4) for _ in range(4)], axis=1) * 300
    out = np.tile(hour, int(np.ceil(hours)))[:, : round(hours * HOUR)]
    for at in rng.integers(0, out.shape[1], round(hours * EVENTS_PER_HOUR)):
        event = earthquake(rng).data[:, : out.shape[1] - at]
        out[:, at : at + event.shape[1]] += event * log_uniform(rng, 300, 1e5)
    return out.round().astype(np.int32)


def repeated(folder: Path, hours: float) -> Samples:
    """(3, sample): the records of a folder, three components at 100 Hz, over and over."""
    from jijin import read

    rows = [np.asarray(trace.data) for trace in sorted(read(folder).merge(), key=lambda t: "ZNE".find(t.id[-1]))]
    rows = [np.resize(row, round(hours * HOUR)) for row in rows]
    return np.stack(rows).astype(np.int32)


def pieces(
    samples: NDArray[Any], edges: Iterable[tuple[int, int]], station: str = "DAY", start_ns: int = START_NS
) -> Iterator[Segment]:
    """The stretches (first, stop) of each component of a record that begins at start_ns."""
    for component, row in zip("ZNE", samples, strict=True):
        for first, stop in edges:
            at_ns = start_ns + samples_to_ns(first, RATE)
            yield Segment(f"XX.{station}..HH{component}", at_ns, RATE, row[first:stop])


def whole(length: int) -> list[tuple[int, int]]:
    return [(0, length)]


def fragments(length: int, count: int, lost: int = 7) -> list[tuple[int, int]]:
    """`count` stretches of one length with a few samples lost between them."""
    edges = np.linspace(0, length, count + 1).astype(int)
    return [(int(a), int(b) - lost) for a, b in pairwise(edges)]


def gaps(length: int, count: int, rng: Generator) -> list[tuple[int, int]]:
    """What `count` gaps of 0.01 to 20 s, anywhere, leave."""
    lost = np.zeros(length, bool)
    for at, size in zip(rng.integers(0, length, count), log_uniform(rng, 1, 2000, count), strict=True):
        lost[at : at + int(size)] = True
    return [tuple(edge) for edge in np.flatnonzero(np.diff(~lost, prepend=0, append=0)).reshape(-1, 2).tolist()]


def write(segments: Iterable[Segment], folder: Path) -> Path:
    """A miniSEED file (Steim 2, 512 bytes) for each channel in a folder of their own."""
    from obspy import Stream

    from jijin.io.formats import to_stream

    folder.mkdir(parents=True)
    channels: dict[str, list[Segment]] = {}
    for segment in segments:
        channels.setdefault(segment.seed_id, []).append(segment)
    for seed_id, found in channels.items():
        stream: Stream = to_stream(found)
        stream.write(str(folder / f"{seed_id}.mseed"), format="MSEED", encoding="STEIM2", reclen=512)
    return folder
