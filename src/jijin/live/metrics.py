"""Numbers of a live run: for Prometheus, and whether all is well."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from jijin.live.latency import Histogram
from jijin.types import NS

if TYPE_CHECKING:
    from jijin.live.session import Session

STUCK_S = 60.0  # without a turn of the engine's loop


def health(session: Session) -> tuple[bool, list[str]]:
    """(False if the program should be started anew, all that is not as it should be)."""
    engine, found = session.engine, []
    stuck = engine.idle_s > STUCK_S
    if stuck:
        found.append(f"the engine has not moved for {engine.idle_s:.0f} s")
    if engine.load.overloaded:
        found.append(f"overloaded: packets wait {engine.load.waited_s:.1f} s")
    if session.keeper.trouble:
        found.append(f"the run cannot be written: {session.keeper.trouble}")
    found += [f"{s.name}: {s.status.note or 'not connected'}" for s in session.sources if s.status.state == "waiting"]
    found += [f"sink {sink.config.kind}: {sink.note}" for sink in session.sinks if sink.note]
    return not stuck, found


def exposition(session: Session) -> str:
    """All metrics in Prometheus' text format."""
    return "".join(f"{line}\n" for line in _lines(session))


def _lines(session: Session) -> Iterator[str]:
    engine, counts = session.engine, session.counts
    yield from _one("jijin_ticks_total", "counter", "Turns of the engine with data", engine.load.ticks)
    yield from _one("jijin_tick_seconds", "gauge", "The last turn took", engine.load.tick_s)
    yield from _one("jijin_packet_wait_seconds", "gauge", "The oldest packet waited", engine.load.waited_s)
    yield from _one("jijin_queue_packets", "gauge", "Packets that wait", engine.queued)
    yield from _one("jijin_store_jobs", "gauge", "Writes that wait", session.keeper.waiting)
    yield from _one("jijin_ring_samples", "gauge", "Samples in memory", engine.ring.samples)
    yield "# HELP jijin_told_total Picks, events and alarms told, by what is told\n# TYPE jijin_told_total counter"
    for kind, count in sorted(counts.items()):
        yield f'jijin_told_total{{kind="{kind}"}} {count}'
    yield "# HELP jijin_trouble_total Packets with a trouble\n# TYPE jijin_trouble_total counter"
    for kind, count in sorted(engine.arrivals.totals().items()):
        yield f'jijin_trouble_total{{kind="{kind}"}} {count}'
    yield "# HELP jijin_source_connected Whether a source is connected\n# TYPE jijin_source_connected gauge"
    for number, source in enumerate(session.sources):
        yield f'jijin_source_connected{{source="{number}"}} {int(source.status.state == "connected")}'
    yield from _channels(session)
    for name in ("arrival", "pick", "onset", "alert"):
        yield from _histogram(f"jijin_{name}_latency_seconds", getattr(engine.latencies, name))


def _channels(session: Session) -> Iterator[str]:
    now_ns = session.clock.now_ns()
    yield "# HELP jijin_channel_age_seconds Since the newest sample\n# TYPE jijin_channel_age_seconds gauge"
    for seed_id, state in sorted(dict(session.engine.arrivals.channels).items()):
        yield f'jijin_channel_age_seconds{{channel="{seed_id}"}} {(now_ns - state.end_ns) / NS:.3f}'


def _one(name: str, kind: str, text: str, value: float) -> Iterator[str]:
    yield f"# HELP {name} {text}\n# TYPE {name} {kind}\n{name} {value:g}"


def _histogram(name: str, found: Histogram) -> Iterator[str]:
    yield f"# HELP {name} See docs/live.md\n# TYPE {name} histogram"
    for bound, count in found.cumulative():
        yield f'{name}_bucket{{le="{bound:g}"}} {count}'
    yield f'{name}_bucket{{le="+Inf"}} {found.count}\n{name}_sum {found.total_s:g}\n{name}_count {found.count}'
