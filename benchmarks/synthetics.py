"""Measure how like recorded earthquakes the synthetic ones are, and write docs/synthetics.md.

    python benchmarks/synthetics.py DATA PEERS

DATA: a folder with windows/ (labelled data sets) and peer_picks.csv. PEERS: a folder with a peers.py: NAMES and
load(name). Recorded: events of the training split with a P and an S, 24 dB and more. Synthetic: jijin.data.synthetic,
and jijin.data.regional where it reaches.
Needs the extra 'train' and whatever the peers need.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

import jijin
from jijin.data.batch import deviation
from jijin.data.canvas import Canvas, bands, highpassed, overlay
from jijin.data.compose import background
from jijin.data.corpus import load_corpus
from jijin.data.draw import log_uniform
from jijin.data.regional import library, regional_earthquake
from jijin.data.synthetic import Synthetic, earthquake
from jijin.data.traces import LETTERS, LabelledTrace, P, S
from jijin.evaluate.matching import pair
from jijin.evaluate.pickers import Picker, load_peers, released
from jijin.evaluate.windows import Window, window_at
from jijin.models import split_seeds
from jijin.signal import HIGHPASS_HZ
from jijin.types import IN_SAMPLES, RATE
from page import table_of, write

BINS = ((0.15, 1), (1, 3), (3, 6), (6, 12), (12, 25), (25, 45), (45, 70))  # seconds of S-P
LEAST_SNR = 15.0  # amplitude of P over the noise before it
EACH, TOLERANCE, THRESHOLD = 60, 50, 0.3  # events a bin and phase; samples; probability for the peers
MEASURES = ("P coda before S, Z", "the same, horizontal", "S over P coda, horizontal", "S over P", "P Hz", "S Hz")


def main(data: Path, peers: Path) -> None:
    corpus = load_corpus([data / "windows"], [data / "peer_picks.csv"], seed=split_seeds(["cba"]))
    pickers = [released("cba", jijin.load("cba"))]
    pickers += [Picker(name, model, {P: THRESHOLD, S: THRESHOLD}) for name, model in load_peers(peers)]
    shares = table_of(list(found(pickers, corpus.noise)))
    setting = {"snr": LEAST_SNR, "snr_db": 20 * np.log10(LEAST_SNR), "highpass": HIGHPASS_HZ}
    setting |= {"tolerance": TOLERANCE / RATE, "threshold": THRESHOLD}
    write("synthetics", {"measures": likeness(corpus.events), "found": shares} | setting)


def likeness(events: Sequence[LabelledTrace]) -> str:
    """Medians of recorded and synthetic events side by side, by S-P."""
    rng, lines = np.random.default_rng(0), []
    recorded = [m for t in events for m in _recorded(t)]
    for low, high in BINS:
        made = {"recorded": [m[1:] for m in recorded if low <= m[0] < high]}
        for kind, draw in kinds(low, high).items():
            made[kind] = [_synthetic(draw(rng)) for _ in range(EACH)]
        for kind, values in made.items():
            middle = np.median(values, 0).tolist() if len(values) >= 5 else [""] * len(MEASURES)
            lines.append({"S-P s": f"{low} to {high}", "events": f"{kind}, {len(values)}"} | _named(middle))
    return table_of(lines, ".2f")


def kinds(low: float, high: float) -> dict[str, Callable[[Generator], Synthetic]]:
    """What draws synthetic earthquakes with an S-P from low to high seconds, by its name."""
    paths = [path for path in library() if low <= path.s_s - path.p_s < high]
    out: dict[str, Callable[[Generator], Synthetic]] = {"synthetic": lambda r: earthquake(r, log_uniform(r, low, high))}
    return out | ({"Green's functions": lambda r: regional_earthquake(r, paths)} if len(paths) > 4 else {})


def _named(values: Sequence[object]) -> dict[str, object]:
    return dict(zip(MEASURES, values, strict=True))


def _recorded(trace: LabelledTrace) -> Iterator[list[float]]:
    """S-P and the measures of the first P and the S after it, where noise, P, S and coda are in the record."""
    later = [s for s in trace.s if trace.p and s > min(trace.p) + 15]
    if later and min(trace.p) > 150 and min(later) + 250 < trace.data.shape[1]:
        p, s, x = int(min(trace.p)), int(min(later)), highpassed(trace.data - trace.data.mean(-1, keepdims=True))
        if rms(x[0, p : p + 100]) > LEAST_SNR * rms(x[0, max(p - 400, 0) : p - 20]):
            yield [(s - p) / 100, *measures(x, p, s)]


def _synthetic(event: Synthetic) -> list[float]:
    x = highpassed(np.pad(event.data, ((0, 0), (400, 500))))
    return measures(x, int(event.p_sample) + 400, int(event.s_sample) + 400)


def rms(x: NDArray[np.floating]) -> float:
    return float(np.sqrt((x.astype(float) ** 2).mean())) + 1e-12


def measures(x: NDArray[np.float32], p: int, s: int) -> list[float]:
    """Those of MEASURES, of x (3, sample) above the corner frequency. A first second is shorter where S-P is."""
    width = min(100, max((s - p) // 2, 20))
    first, before, then = (x[:, a:b] for a, b in ((p, p + width), (s - width // 2 - 10, s - 10), (s, s + 2 * width)))
    coda, rise = rms(before[1:]) / rms(first[1:]), rms(then[1:]) / rms(before[1:])
    pitch = hertz(x[0, p : p + 2 * width]), hertz(x[1:, s : s + 3 * width])
    return [rms(before[0]) / rms(first[0]), coda, rise, rms(then[1:]) / rms(first[0]), *pitch]


def hertz(x: NDArray[np.float32]) -> float:
    """Mean frequency of the power of (..., sample)."""
    power = np.abs(np.fft.rfft(x * np.hanning(x.shape[-1]))) ** 2
    return float((power @ np.fft.rfftfreq(x.shape[-1], 0.01)).sum() / (power.sum() + 1e-20))


def found(pickers: Sequence[Picker], noise: Sequence[LabelledTrace]) -> Iterator[dict[str, object]]:
    """By S-P and phase, the share of visible synthetic onsets that each picker finds."""
    for low, high in BINS:
        for (kind, draw), phase in product(kinds(low, high).items(), (P, S)):
            rng = np.random.default_rng(5)
            windows = [on_noise(rng, noise, draw(rng), phase) for _ in range(EACH)]
            labels = sum(len(w.onsets[phase]) for w in windows)
            shares = {p.name: f"{_hits(p, windows, phase) / max(labels, 1):.2f}" for p in pickers}
            yield {"S-P s": f"{low} to {high}", "made by": kind, "phase": LETTERS[phase], "labels": labels} | shares


def _hits(picker: Picker, windows: Sequence[Window], phase: int) -> int:
    picks = picker.picks(windows)[phase]
    return sum(len(pair(row, w.onsets[phase], TOLERANCE)[0]) for row, w in zip(picks, windows, strict=True))


def on_noise(rng: Generator, noise: Sequence[LabelledTrace], event: Synthetic, phase: int) -> Window:
    """A synthetic earthquake with one of its onsets 10 to 30 s into a window of noise, 20 to 50 dB."""
    canvas = Canvas(background(rng, noise))
    before = bands(canvas.data)
    start = round(rng.uniform(1000, 3000) - (event.p_sample if phase == P else event.s_sample))
    hidden = event.hidden_s and not event.only_first  # the same is asked of every kind, the first S of any path too
    event = replace(event, only_first=False, hidden_s=hidden)
    overlay(canvas, before, event, start, float(deviation(before[:3])) * log_uniform(rng, 10, 300))
    p, s = (
        tuple(x for x in labels if 0 <= x < IN_SAMPLES - 1 and canvas.target[output, round(x)] > 0.3)
        for output, labels in ((P, canvas.p), (S, canvas.s))
    )
    return window_at(LabelledTrace(canvas.data, p, s), 0)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(Path(sys.argv[1]), Path(sys.argv[2]))
