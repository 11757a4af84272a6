"""A live run from its first packet to its last: sources, engine, run on disk, and what listens to them."""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from threading import Event, current_thread, main_thread
from typing import Any

from jijin.config import PickConfig
from jijin.io.tables import iso
from jijin.live.config import LiveConfig
from jijin.live.engine import Engine, Tick
from jijin.live.keeper import Keeper
from jijin.live.sources import open_sources
from jijin.models import load
from jijin.types import NS

SAVE_NS = 5 * NS  # of the clock: so often where to go on is written down


class Session:
    """Everything of one `jijin live`; run() until the sources end, stop is set or a signal comes."""

    def __init__(
        self,
        folder: Path,
        urls: list[str],
        streams: str = "*",
        speed: float = 1.0,
        model: str = "cba",
        config: LiveConfig | None = None,
        pick: PickConfig | None = None,
        out: Callable[[str], object] | None = None,
    ) -> None:
        config = config or LiveConfig()
        loaded = load(model)
        settings = {"kind": "live", "sources": urls, "model": loaded.name, "model_version": loaded.version}
        self.keeper = Keeper(folder, settings)
        self.sources, clock = open_sources(urls, streams, speed, self.keeper.state.positions)
        self.engine = Engine(loaded, clock, config, pick, self.keeper.state.settled_ns)
        self.engine.listeners += [self._print, self._keep]
        self.stop = Event()
        self.counts: Counter[str] = Counter()
        self._out = out or (lambda line: print(line, flush=True))
        self._saved_ns = 0

    def run(self) -> str:
        """Work until there is nothing more to do; returns a summary. SIGTERM and Ctrl-C end it in order."""
        before = self._catch_signals()
        try:
            self.engine.run(self.sources, self.stop)
        finally:
            self.keeper.save_state(self.engine.state)
            self.keeper.close()
            for number, handler in before.items():
                signal.signal(number, handler)
        return self._summary()

    def _catch_signals(self) -> dict[signal.Signals, Any]:
        if current_thread() is not main_thread():
            return {}
        numbers = (signal.SIGTERM, signal.SIGINT)
        return {number: signal.signal(number, lambda *_: self.stop.set()) for number in numbers}

    def _print(self, tick: Tick) -> None:
        for change in tick.changes:
            self.counts[change.kind] += 1
            pick = change.pick
            self._out(
                f"{iso(pick.time_ns)} {pick.seed_id} {pick.phase_hint} {change.kind} "
                f"probability={pick.probability:.2f} key={change.key}"
            )

    def _keep(self, tick: Tick) -> None:
        if tick.finals:
            picks = list(tick.finals)
            self.keeper.put(lambda store: store.add_picks(picks))
        if tick.now_ns - self._saved_ns >= SAVE_NS and not tick.looks:
            self._saved_ns = tick.now_ns
            self.keeper.save_state(self.engine.state)

    def _summary(self) -> str:
        latency = self.engine.latencies.pick.summary()
        told = f"{self.counts['confirmed']} picks confirmed, {self.counts['withdrawn']} provisional ones withdrawn"
        if latency["count"]:
            told += f"; packet to pick {latency['median_s']:.2f} s (median), {latency['p99_s']:.2f} s (99 %)"
        return f"{told}, in {self.keeper.folder}"
