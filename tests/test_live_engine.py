"""Live picks: those of the archive in the end, and provisional ones within seconds."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fakes import START_NS, record, slices
from jijin.config import CutConfig
from jijin.detector import Detector, by_time
from jijin.live.config import LiveConfig
from jijin.live.engine import Engine, Tick
from jijin.live.latency import Histogram
from jijin.live.newest import Newest
from jijin.live.packets import Arrivals, Packet
from jijin.live.resume import MARGIN_NS, Resume
from jijin.live.tracker import Change
from jijin.looks import STARTS
from jijin.models import load
from jijin.types import NS, Pick, Segment, instrument_id
from standin import StandIn

ONSETS = {20.3: 1.0, 75.0: 2.0, 140.4: 1.0, 222.2: 1.0}


class SetClock:
    """Stands still until it is set."""

    def __init__(self) -> None:
        self.time_ns = START_NS

    def now_ns(self) -> int:
        return self.time_ns


def station(name: str = "AAA", seconds: float = 300, onsets: dict[float, float] = ONSETS) -> list[Segment]:
    later = {at + 3.0: size for at, size in onsets.items()}
    return [record(f"XX.{name}..HH{c}", seconds, onsets if c == "Z" else later) for c in "ZNE"]


def packets(parts: Iterable[Segment], length_s: float = 1.0, delay_s: float = 0.3) -> list[Packet]:
    """Packets in the order of their arrival, delay_s after their last sample, and numbered in it."""
    found = []
    for part in parts:
        step = round(length_s * part.sampling_rate)
        found += slices(part, list(range(step, len(part.data), step)))
    found.sort(key=lambda piece: piece.end_ns)
    return [Packet(piece, piece.end_ns + int(delay_s * NS), "server", "XX_AAA", n) for n, piece in enumerate(found)]


def run(engine: Engine, clock: SetClock, feed: list[Packet], tick_s: float = 0.5) -> list[Tick]:
    """Ticks of the engine over the packets, at the times of the clock."""
    ticks: list[Tick] = []
    engine.listeners.append(ticks.append)
    at = 0
    for now_ns in range(feed[0].arrived_ns, feed[-1].arrived_ns + NS, int(tick_s * NS)):
        clock.time_ns = now_ns
        first, at = at, at + sum(p.arrived_ns <= now_ns for p in feed[at:])
        if first < at:
            engine.tick(feed[first:at])
    return ticks


def live(feed: list[Packet], **settings: object) -> tuple[list[Change], list[Pick], Engine]:
    """Changes, final picks and the engine after the packets and the end of the feed."""
    clock = SetClock()
    engine = Engine(StandIn(), clock, **settings)  # type: ignore[arg-type]
    ticks = run(engine, clock, feed)
    engine.finish()
    changes = [change for tick in ticks for change in tick.changes]
    return changes, by_time(pick for tick in ticks for pick in tick.finals), engine


def archive(parts: Iterable[Segment]) -> list[Pick]:
    detector = Detector(StandIn())
    return by_time(detector.feed(list(parts)) + detector.flush())


def test_final_picks_are_those_of_the_archive() -> None:
    parts = station() + station("BBB", 300, {50.0: 1.0})
    assert live(packets(parts))[1] == archive(parts) != []


def test_provisional_picks_are_made_at_a_single_look() -> None:
    model = load(threads=1)
    newest, last = Newest(model, CutConfig(between=0))._shown, Detector(model, CutConfig(between=0))._shown
    assert (newest.starts, newest.moved) == ((), True)  # type: ignore[attr-defined]
    assert (last.starts, last.moved) == (STARTS, False)  # type: ignore[attr-defined]


def test_components_in_packets_of_different_lengths_give_the_picks_of_the_archive() -> None:
    parts = station()
    mixed = sorted(
        (p for i, part in enumerate(parts) for p in packets([part], 1 + 2.7 * i)), key=lambda p: p.arrived_ns
    )
    changes, finals, _ = live(mixed)
    assert finals == archive(parts)
    assert not [c for c in changes if c.kind == "withdrawn"]


def test_a_single_component_gives_final_picks_while_it_runs() -> None:
    clock = SetClock()
    engine = Engine(StandIn(), clock, LiveConfig(wait_s=10))
    ticks = run(engine, clock, packets(station(seconds=340)[:1]))
    assert [p.phase_hint for t in ticks for p in t.finals] == ["P"] * 4


def test_a_pick_is_told_within_a_second_of_its_onset_and_keeps_its_key() -> None:
    changes, finals, engine = live(packets(station(), length_s=0.5, delay_s=0.1))
    new = [c for c in changes if c.kind == "new"]
    assert [c.pick.phase_hint for c in new] == ["P", "S"] * 4
    assert engine.latencies.onset.longest_s < 1.3
    confirmed = [c for c in changes if c.kind == "confirmed"]
    assert [c.key for c in confirmed] == [c.key for c in new] and not any(c.first for c in confirmed)
    assert [c.pick for c in confirmed] == finals


def test_the_stride_of_the_settings_is_used_and_the_wait_is_that_of_live() -> None:
    class Leaning(StandIn):
        """Surer of an onset the earlier it is in the window: which windows see it shows in its probability."""

        def predict(self, windows: np.ndarray):  # type: ignore[no-untyped-def]
            found = super().predict(windows)
            found.p[:] *= np.linspace(1.0, 0.6, 6000, dtype=np.float32)
            return found

    def finals(cut: CutConfig | None) -> list[Pick]:
        clock = SetClock()
        engine = Engine(Leaning(), clock, LiveConfig(wait_s=10), cut=cut)  # type: ignore[arg-type]
        return [p for t in run(engine, clock, packets(parts)) for p in t.finals]

    parts = station(seconds=340)[:1]
    detector = Detector(Leaning(), CutConfig(stride_s=15))
    expected = by_time(detector.feed(parts) + detector.flush())
    assert finals(CutConfig(stride_s=15, max_wait_s=86_400)) == expected  # none, if it waited for a day
    assert len(expected) == 4 and finals(None) != expected


def test_a_provisional_pick_that_the_final_windows_do_not_confirm_is_withdrawn() -> None:
    class Flicker(StandIn):
        """Sees onsets only in the newest two seconds."""

        def predict(self, windows: np.ndarray):  # type: ignore[no-untyped-def]
            found = super().predict(windows)
            found.p[:, :5700] = 0
            found.s[:, :5700] = 0
            return found

    clock = SetClock()
    engine = Engine(Flicker(), clock)  # type: ignore[arg-type]
    kinds = [c.kind for t in run(engine, clock, packets(station()[:1], 0.5)) for c in t.changes]
    assert kinds.count("new") == kinds.count("withdrawn") == 4 and "confirmed" not in kinds


def test_memory_of_the_engine_does_not_grow_with_time() -> None:
    clock = SetClock()
    engine = Engine(StandIn(), clock, LiveConfig(ring_s=60, resume_s=60))
    sizes = []
    for part in range(2):
        shifted = [Segment(s.seed_id, s.start_ns + part * 900 * NS, 100.0, s.data) for s in station(seconds=900)]
        run(engine, clock, packets(shifted, 5.0), 5.0)
        known = sum(1 for _ in engine.tracker.current())
        sizes.append((engine.ring.samples, known, sum(len(x.open) for x in engine._resume._lines.values())))
    assert sizes[0][0] == sizes[1][0] and sizes[1][1] <= 8 and sizes[1][2] <= 3 * 60


def test_after_a_restart_picks_before_the_settled_time_are_not_given_again() -> None:
    parts = station()
    feed = packets(parts)
    clock = SetClock()
    first = Engine(StandIn(), clock)
    early = [p for t in run(first, clock, feed[:600]) for p in t.finals]
    known = {s.key for s in first.tracker.current() if s.state == "confirmed"}
    state = first.state
    needed = state.positions["server"]["XX_AAA"]
    again = [p for p in feed if p.seqnum is not None and p.seqnum > needed]
    second = Engine(StandIn(), clock, floor_ns=state.settled_ns)
    ticks = run(second, clock, again)
    late = [p for t in ticks for p in t.finals]
    assert known and not [c for t in ticks for c in t.changes if c.key in known or c.kind == "withdrawn"]
    second.finish()
    late += [p for p in archive(parts) if p.time_ns > max(x.time_ns for x in early + late)]
    assert early and by_time(early + late) == archive(parts)


def test_a_pick_that_the_end_of_a_datacast_gave_is_not_given_again_some_samples_off() -> None:
    parts, clock = station(), SetClock()
    feed = [Packet(p.segment, p.arrived_ns) for p in packets(parts)]  # no server keeps them
    first = Engine(StandIn(), clock)
    ended = run(first, clock, feed[:480])
    settled = first.state.settled_ns
    first.finish()
    early = by_time(p for t in ended for p in t.finals)
    assert first.state.settled_ns == settled != {}
    kept = [replace(p, time_ns=p.time_ns + 30_000_000) for p in early]  # the whole windows place them 30 ms earlier
    second = Engine(StandIn(), clock, floor_ns=settled, kept=kept)
    ticks = run(second, clock, feed)
    second.finish()
    late = [p for t in ticks for p in t.finals]
    whole = archive(parts)
    again = [p for p in late if p.time_ns <= kept[-1].time_ns]
    assert again == [p for p in kept if p.time_ns >= settled["XX.AAA..HH"]] != []
    assert by_time({*kept, *late}) == kept + [p for p in whole if p.time_ns > kept[-1].time_ns]


def test_a_restart_asks_again_for_two_windows_before_what_is_settled() -> None:
    resume = Resume(3600)
    for i in range(400):
        part = Segment("XX.AAA..HHZ", START_NS + i * NS, 100.0, np.zeros(100))
        resume.take(Packet(part, part.end_ns, "server", "XX_AAA", 5000 + i))
    settled = START_NS + 300 * NS
    after = resume.positions({"XX.AAA..HH": settled})["server"]["XX_AAA"]
    assert after - 5000 == 300 - MARGIN_NS // NS - 2  # the packet that ends at the margin is asked for


def test_listeners_that_fail_do_not_stop_the_picking() -> None:
    clock = SetClock()
    engine = Engine(StandIn(), clock)
    engine.listeners.append(lambda tick: 1 / 0)
    assert len([c for t in run(engine, clock, packets(station())) for c in t.changes if c.kind == "new"]) == 8


def test_a_source_waits_while_too_much_is_before_the_engine_and_nothing_is_dropped() -> None:
    engine, stop, feed = Engine(StandIn(), SetClock(), LiveConfig(queue=5)), threading.Event(), packets(station())[:12]
    source = threading.Thread(target=lambda: [engine.put(packet, stop) for packet in feed], daemon=True)
    source.start()
    taken: list[Packet] = []
    while len(taken) < len(feed):
        assert engine.queued <= 5
        taken += engine._drain()
    source.join(5)
    assert taken == feed and not source.is_alive()


def test_an_engine_that_is_behind_says_so() -> None:
    clock = SetClock()
    engine = Engine(StandIn(), clock)
    feed = packets(station())[:3]
    for behind_s, overloaded in ((1, False), (8, True), (1, False)):
        clock.time_ns = feed[0].arrived_ns + behind_s * NS
        engine.tick(feed)
        assert engine.load.overloaded is overloaded


# what is wrong with packets


def arrivals(*spans: tuple[float, float], rate: float = 100.0, now_s: float = 1000.0) -> Arrivals:
    found = Arrivals()
    for start_s, end_s in spans:
        data = np.zeros(round((end_s - start_s) * rate))
        found.take(Packet(Segment("XX.AAA..HHZ", START_NS + int(start_s * NS), rate, data), START_NS + int(now_s * NS)))
    return found


@pytest.mark.parametrize(
    ("spans", "trouble"),
    [
        ([(0, 5), (5, 10), (10, 12)], {}),
        ([(0, 5), (0, 5)], {"duplicate": 1}),
        ([(0, 5), (5, 10), (1, 3)], {"duplicate": 1}),
        ([(0, 5), (4, 9)], {"overlap": 1}),
        ([(0, 5), (10, 15), (5, 10)], {"gap": 1, "out of order": 1}),
        ([(0, 5), (5.2, 10)], {"gap": 1}),
        ([(0, 5), (200, 205), (60, 65)], {"gap": 1, "late": 1}),
        ([(0, 5), (2000, 2005), (5, 10)], {"future": 1}),
    ],
)
def test_troubles_of_packets_are_counted(spans: list[tuple[float, float]], trouble: dict[str, int]) -> None:
    assert dict(arrivals(*spans).totals()) == trouble


def test_a_gap_is_logged_with_its_channel_and_times(caplog: pytest.LogCaptureFixture) -> None:
    arrivals((0, 5), (8, 9))
    assert "XX.AAA..HHZ: gap: data of 2023-11-14T22:13:28" in caplog.text
    assert "after a gap of 3.000 s from 2023-11-14T22:13:25" in caplog.text


def test_a_clock_that_jumps_ahead_does_not_lose_the_data_after_it() -> None:
    parts = station()
    wild = Segment(parts[0].seed_id, START_NS + 86_400 * NS, 100.0, np.ones(100))
    feed = packets(parts)
    feed.insert(200, Packet(wild, feed[199].arrived_ns, "server", "XX_AAA", 10_000))
    _, finals, engine = live(feed)
    assert finals == archive(parts) and engine.arrivals.totals()["future"] == 1


def test_a_histogram_tells_the_median_and_what_prometheus_wants() -> None:
    one = Histogram()
    for seconds in [0.1] * 50 + [0.9] * 49 + [1000.0]:
        one.add(seconds)
    assert (one.quantile(0.5), one.quantile(0.99), one.quantile(1)) == (0.1, 1.0, 1000.0)
    assert one.quantile(0.745) == pytest.approx(0.85)  # halfway in the bin from 0.7 to 1 s
    assert dict(one.cumulative())[1.0] == 99 and one.count == 100 and one.longest_s == 1000.0


# replay


def write(folder: Path, parts: Iterable[Segment]) -> Path:
    from jijin.io.formats import to_stream

    folder.mkdir()
    for part in parts:
        whole = Segment(part.seed_id, part.start_ns, part.sampling_rate, (part.data * 1e4).astype(np.int32))
        to_stream([whole]).write(str(folder / f"{part.seed_id}.mseed"), format="MSEED")
    return folder


def test_a_replay_keeps_the_picks_of_jijin_detect_once(tmp_path: Path) -> None:
    import jijin
    from jijin.live.session import LiveRequest, Session
    from jijin.store import Store

    files = write(tmp_path / "files", station(seconds=90))
    lines: list[str] = []
    for _ in range(2):  # a run that goes on over the same data writes nothing twice
        Session(tmp_path / "run", LiveRequest((f"replay://{files}",), speed=float("inf")), lines.append).run()
    with Store.open(tmp_path / "run") as store:
        assert store.picks() == jijin.pick(jijin.read(files))
    assert {instrument_id(line.split()[1]) for line in lines} <= {"XX.AAA..HH"}
