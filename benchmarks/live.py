"""Measure jijin live and write docs/live_results.md.

    python benchmarks/live.py DATA [SECONDS]

DATA: the folder with windows/ (SeisBench's layout) and networks/hengill_iceland_malmi. SECONDS of real time for the
replay of 100 stations, 120 unless given. Nothing else should run on the machine; what ran is stated by hand.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd

from days import pieces, whole
from jijin.io.files import read_segments
from jijin.io.timeline import between
from jijin.live.alarm import Alarm
from jijin.live.alarms import Alarms
from jijin.live.clock import ReplayClock
from jijin.live.engine import Engine, Tick
from jijin.live.events import EventChange, Events
from jijin.live.packets import Packet
from jijin.live.rules import AlertConfig, StationRule
from jijin.live.sources import Put, SourceState
from jijin.models import load
from jijin.network.build import EventBuilder
from jijin.network.stations import read_stations
from jijin.network.velocity import read_velocity
from jijin.types import NS, RATE, Segment, samples_to_ns
from page import DOCS, measured, table
from timing import CPU, WALL, seconds_of, timed

START_NS = 1_700_000_000 * NS
SOURCES = ("ncedc_a", "ncedc_b", "new_zealand", "obs", "uturuncu", "stead_sample")
SNR_DB, WITHIN_S, SAME_S = 10.0, 2.0, 0.5
PACKET_S = 0.5


def main(data: Path, seconds: float = 120.0) -> None:
    """All measurements, then the page."""
    model = load("cba")
    parts = [
        "# Live: what was measured\n",
        f"By benchmarks/live.py on {measured()}; model {model.name} {model.version}; load average at "
        f"the start {os.getloadavg()[0]:.1f}. How it works: [live.md](live.md).\n",
        latency(model, data / "networks" / "hengill_iceland_malmi", seconds),
        onsets(model, data / "windows"),
        noise(model, data / "windows" / "pnw_noise"),
        burst(model),
    ]
    (DOCS / "live_results.md").write_text("\n".join(parts))
    print("\n".join(parts))


# latency


class Copies:
    """Real records of 20 stations five times over, as 100 stations; packets of a second, spread over the second."""

    def __init__(self, segments: Sequence[Segment], clock: ReplayClock, seconds: float, copies: int = 5) -> None:
        self.name, self.status, self._clock, self._seconds = "copies", SourceState(), clock, seconds
        names = sorted({one.seed_id for one in segments})
        self._channels = [
            (renamed(one, k), (names.index(one.seed_id) * 7 + k * 3) % 20) for one in segments for k in range(copies)
        ]

    def run(self, put: Put, stop: threading.Event) -> None:
        for twentieth in range(20, int(20 * self._seconds)):
            now_ns = self._clock.start_ns + twentieth * NS // 20
            self._clock.wait_until(now_ns, stop)
            for segment, turn in self._channels:
                if twentieth % 20 == turn and (part := between(segment, now_ns - NS, now_ns)):
                    put(Packet(part, self._clock.now_ns(), self.name))


def renamed(segment: Segment, copy: int) -> Segment:
    network, station, rest = segment.seed_id.split(".", 2)
    return Segment(f"{network}.{station}{copy or ''}.{rest}", segment.start_ns, segment.sampling_rate, segment.data)


def latency(model: Any, folder: Path, seconds: float) -> str:
    """Real time: 100 stations for so many seconds, picks alone; then the 20 with events."""
    lines: list[list[object]] = []
    for copies, what in ((5, "picks"), (1, "picks and events")):
        spent, (engine, ticks, events) = timed(CPU, replayed, model, folder, seconds, copies, with_events=copies == 1)
        stations = len({name.rsplit(".", 2)[0] for name in engine.arrivals.channels})
        run = f"{stations} stations, {what}" + (f", {events} versions of events" if copies == 1 else "")
        for name, one in (("packet to pick", engine.latencies.pick), ("onset to pick", engine.latencies.onset)):
            lines.append([run, name, one.count, *map(one.quantile, (0.5, 0.9, 0.99)), one.longest_s])
        lines.append([run, "a tick", len(ticks), *np.quantile(ticks, [0.5, 0.9, 0.99]), max(ticks)])
        lines.append([run, "CPU seconds a second", "", spent / seconds, "", "", ""])
    return f"""## Latency

Real records of a swarm in Iceland (20 stations, three components; five times over for 100), packets of 1 s that end at
other times for each channel, replayed at speed 1 for {seconds:.0f} s. Seconds from the first packet of a sensor in a
tick, and from the onset, to the provisional pick; the packet's own second is in the second row. Onsets are P and S of
all sizes, the weakest of which need seconds to be told from noise.

{table(["", "", "count", "median", "90 %", "99 %", "longest"], lines, ".2f")}
"""


def replayed(
    model: Any, folder: Path, seconds: float, copies: int, with_events: bool
) -> tuple[Engine, list[float], int]:
    """The engine after the replay, how long its ticks took, and how many versions of events there were."""
    segments = read_segments(folder / "waveforms.mseed")
    clock = ReplayClock(min(one.start_ns for one in segments), 1.0)
    engine, stop, told = Engine(model, clock), threading.Event(), list[EventChange]()
    ticks: list[float] = []
    engine.listeners.append(lambda tick: ticks.append(engine.load.tick_s) if tick.looks else None)
    builder = EventBuilder(read_stations(folder / "stations.csv"), read_velocity("regional"))
    events = Events(builder, engine.ring, clock)
    if with_events:
        engine.listeners.append(events)
        events.listeners.append(told.append)
        threading.Thread(target=events.work, args=(stop,), daemon=True).start()
    engine.run([Copies(segments, clock, seconds, copies)], threading.Event())
    stop.set()
    return engine, ticks[1:], len(told)


# onsets


def windows(folder: Path) -> Iterator[tuple[str, float, float, np.ndarray]]:
    """(source, SNR in dB, P in s, (3, sample)) of three-component windows with a labelled P and room around it."""
    for name in SOURCES:
        metadata = pd.read_csv(folder / name / "metadata.csv", low_memory=False)
        with h5py.File(folder / name / "waveforms.hdf5") as file:
            for _, row in metadata.iterrows():
                p = row["trace_P_arrival_sample"]
                if not np.isfinite(p) or not row.get("qc_good", True):
                    continue
                x = file["data"][row["trace_name"]][:].astype(float)
                if x.shape[0] == 3 and p >= 800 and p + 800 < x.shape[1] and (x.std(axis=1) > 0).all():
                    yield name, snr_db(x, int(p)), p / 100, x


def snr_db(x: np.ndarray, p: int) -> float:
    """Of the best component: three seconds from P on against five before it, standard deviations."""
    noise, signal = x[:, p - 500 : p - 20].std(axis=1), x[:, p : p + 300].std(axis=1)
    return float(20 * np.log10((signal / np.maximum(noise, 1e-12)).max()))


def onsets(model: Any, folder: Path) -> str:
    """Labelled windows side by side as stations of one network: when is each P told, by the time of the data."""
    found = list(windows(folder))
    told: dict[str, list[tuple[float, float]]] = {}
    clock = ReplayClock(START_NS, float("inf"))
    engine = Engine(model, clock)
    engine.listeners.append(lambda tick: _note(tick, told))
    longest = max(x.shape[1] for *_, x in found) / 100
    stop = threading.Event()
    for step in range(1, round(longest / PACKET_S) + 1):
        clock.wait_until(START_NS + round(step * PACKET_S * NS), stop)
        engine.tick(list(_packets(found, step, clock.now_ns())))
    delays = [_delay(told.get(f"XX.W{k}", []), p_s) for k, (_, _, p_s, _) in enumerate(found)]
    lines = []
    for name in (*SOURCES, "all"):
        for strong in (True, False):
            mine = [
                d
                for d, (n, s, *_) in zip(delays, found, strict=True)
                if name in (n, "all") and (not strong or s > SNR_DB)
            ]
            if mine:
                lines.append(_line(name, f"over {SNR_DB:g} dB" if strong else "any", mine))
    heads = ["source", "SNR", "windows", "told at all", "within 1 s", f"within {WITHIN_S:g} s", "within 3 s"]
    return f"""## Onset to pick

{len(found)} windows with a labelled P (three components, checked labels), side by side as stations, in packets of
{PACKET_S} s. Seconds of data after the onset at which a provisional P within {SAME_S} s of the label is told; what the
computer needs (above) comes on top. Most of these events are among those the model was trained on; how good its picks
are on others is in [accuracy.md](accuracy.md).

{table([*heads, "median (s)"], lines, ".2f")}
"""


def _packets(found: Sequence[tuple[str, float, float, np.ndarray]], step: int, now_ns: int) -> Iterator[Packet]:
    count = round(PACKET_S * 100)
    first = (step - 1) * count
    for k, (*_, x) in enumerate(found):
        for part in pieces(x, [(first, first + count)], f"W{k}", START_NS):
            if len(part.data):
                yield Packet(part, now_ns)


def _note(tick: Tick, told: dict[str, list[tuple[float, float]]]) -> None:
    for change in tick.changes:
        if change.pick.phase_hint == "P" and change.kind in ("new", "updated"):
            station = change.pick.seed_id.rsplit(".", 2)[0]
            told.setdefault(station, []).append(((change.pick.time_ns - START_NS) / NS, (tick.now_ns - START_NS) / NS))


def _delay(told: Sequence[tuple[float, float]], p_s: float) -> float:
    return min((at - p_s for pick, at in told if abs(pick - p_s) <= SAME_S), default=np.inf)


def _line(name: str, snr: str, delays: Sequence[float]) -> list[object]:
    d = np.array(delays)
    shares = [np.isfinite(d).mean(), *((d <= limit).mean() for limit in (1.0, WITHIN_S, 3.0))]
    return [name, snr, len(d), *(f"{100 * s:.0f} %" for s in shares), np.median(d)]


# noise


def noise(model: Any, folder: Path) -> str:
    """Hours of noise of one station: provisional picks, final picks, alarms of the default rule."""
    metadata = pd.read_csv(folder / "metadata.csv")
    quiet = metadata[metadata["trace_P_arrival_sample"].isna()].sort_values("trace_start_time")
    clock = ReplayClock(int(pd.Timestamp(quiet["trace_start_time"].iloc[0]).value), float("inf"))
    engine, counts, fired = Engine(model, clock), {"new": 0, "final": 0}, list[Alarm]()
    alarms = Alarms(AlertConfig(rules=(StationRule(hold_off_s=0),)), clock, engine.ring)
    alarms.listeners.append(fired.append)
    engine.listeners += [alarms, lambda tick: _count(tick, counts)]
    seconds, stop = 0.0, threading.Event()
    with h5py.File(folder / "waveforms.hdf5") as file:
        for _, row in quiet.iterrows():
            x, start_ns = file["data"][row["trace_name"]][:], int(pd.Timestamp(row["trace_start_time"]).value)
            seconds += x.shape[1] / 100
            for first in range(0, x.shape[1], 100):
                clock.wait_until(start_ns + (first + 100) * NS // 100, stop)
                at_ns = start_ns + samples_to_ns(first, RATE)
                engine.tick(list(_second(x[:, first : first + 100], at_ns, clock.now_ns())))
    engine.finish()
    counted = {
        "provisional picks": counts["new"],
        "final picks": counts["final"],
        'alarms of one station (rule "station" as it is)': len(fired),
    }
    lines = [[name, count, count * 86_400 / seconds] for name, count in counted.items()]
    return f"""## False alarms

{seconds / 3600:.1f} h of noise of one borehole station near Mount St Helens (PB.B204, no catalogued event in these
minutes; small ones may be there), packets of 1 s.

{table(["", f"in {seconds / 3600:.1f} h", "a day"], lines, ".0f")}

{"".join(f"* {alarm.text}{chr(10)}" for alarm in fired)}
A rule on several stations asks for this at each of them within seconds; with one station no figure can be given for it.
"""


def _second(x: np.ndarray, start_ns: int, now_ns: int) -> Iterator[Packet]:
    for row, code in zip(x, "ZNE", strict=False):
        yield Packet(Segment(f"PB.B204..EH{code}", start_ns, RATE, row.copy()), now_ns)


def _count(tick: Tick, counts: dict[str, int]) -> None:
    counts["new"] += sum(change.kind == "new" and change.first for change in tick.changes)
    counts["final"] += len(tick.finals)


# many stations


def burst(model: Any, stations: int = 580, rounds: int = 8) -> str:
    """How long a tick takes in which every one of many stations has a new second."""
    engine = Engine(model, ReplayClock(START_NS, float("inf")))
    rng, took = np.random.default_rng(0), []
    for k in range(rounds + 1):  # a minute first, then seconds
        first, count = (0, 6000) if k == 0 else (5900 + 100 * k, 100)
        at = START_NS + first * NS // 100
        ground = (pieces(rng.standard_normal((3, count)), whole(count), f"S{s}", at) for s in range(stations))
        packets = [Packet(part, part.end_ns) for parts in ground for part in parts]
        took.append(seconds_of(WALL, engine.tick, packets))
    return f"""## {stations} stations

A tick in which each of {stations} stations with three components has one more second:
{np.median(took[1:]):.2f} s (median of {len(took) - 1}). One that takes more than a second is followed by one with
as much more data.
"""


if __name__ == "__main__":
    main(Path(sys.argv[1]), *map(float, sys.argv[2:]))
