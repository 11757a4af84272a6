"""A station-day picked by itself gives what one continuous run gives, at midnight too; what goes wrong is told."""

from __future__ import annotations

import logging
import pickle
from dataclasses import dataclass, field, replace

import numpy as np
import pytest

import jijin
from fakes import FakeModel, record
from jijin.catalog.day import MARGIN_NS, Picking, Task, coverage, pick_day
from jijin.io.archive import Span
from jijin.io.timeline import between
from jijin.store import Coverage
from jijin.types import DAY_NS, NS, Pick, Segment, StationDay

MIDNIGHT = 19_676 * DAY_NS  # 2023-11-15
BEFORE, AFTER = StationDay("XX.AAA", 19_675), StationDay("XX.AAA", 19_676)


@dataclass
class Memory:
    """An archive of segments in memory."""

    found: list[Segment]
    problems: dict[str, str] = field(default_factory=dict)

    def station_days(self) -> list[StationDay]:
        return [BEFORE, AFTER]

    def segments(self, name: str, start_ns: int, end_ns: int) -> list[Segment]:
        mine = (one for one in self.found if one.seed_id.startswith(name))
        return [part for one in mine if (part := between(one, start_ns, end_ns))]

    def part(self, job: StationDay) -> Memory:
        return self

    def day(self, day: int) -> Memory:
        return self


def night(onsets_s: list[float], hours: float = 0.75, rate: float = 100.0, offset_ns: int = 0) -> list[Segment]:
    """Three components around midnight with P at the onsets (seconds after midnight) and S two seconds later."""
    from fakes import START_NS

    start = MIDNIGHT - int(hours * 1800) * NS + offset_ns
    shift = (MIDNIGHT - START_NS) / NS
    p, s = {shift + t: 1.0 for t in onsets_s}, {shift + t + 2.0: 1.0 for t in onsets_s}
    return [record(f"XX.AAA..HH{c}", hours * 3600, p if c == "Z" else s, rate, start) for c in "ZNE"]


def picked(segments: list[Segment], job: StationDay, model: object = None, **settings: object) -> list[Pick]:
    return list(pick_day(Task(job, Memory(segments), Picking(model or FakeModel(), **settings))).picks)


def continuous(segments: list[Segment], model: object = None) -> list[Pick]:
    return jijin.pick(segments, model or FakeModel())


@pytest.mark.parametrize(("rate", "offset_ns"), [(100.0, 3_000_000), (50.0, 0), (40.0, 7_000_000)])
def test_two_days_give_the_picks_of_one_continuous_run(rate: float, offset_ns: int) -> None:
    onsets = [-900.0, -300.0, -45.0, -1.0, 0.0, 0.7, 31.0, 240.0, 900.0]
    segments = night(onsets, rate=rate, offset_ns=offset_ns)
    whole = continuous(segments)
    days = picked(segments, BEFORE), picked(segments, AFTER)
    assert len(whole) >= 2 * 8
    assert days[0] + days[1] == whole
    assert all(pick.time_ns < MIDNIGHT for pick in days[0]) and all(pick.time_ns >= MIDNIGHT for pick in days[1])


@pytest.mark.parametrize("shift_s", np.linspace(-0.32, -0.2, 5).tolist())  # the stand-in is a quarter of a second late
def test_a_pick_at_midnight_is_neither_lost_nor_doubled(shift_s: float) -> None:
    segments = night([shift_s, shift_s - 2.0])
    whole = continuous(segments)
    assert picked(segments, BEFORE) + picked(segments, AFTER) == whole
    assert min(abs(pick.time_ns - MIDNIGHT) for pick in whole) < 0.1 * NS


def test_the_shipped_model_picks_midnight_as_one_continuous_run_does() -> None:
    segments = night([-70.0, -1.5, 0.4, 65.0])
    whole, days = continuous(segments, "cba"), picked(segments, BEFORE, "cba") + picked(segments, AFTER, "cba")
    assert len(whole) >= 6
    assert [(p.seed_id, p.phase_hint) for p in days] == [(p.seed_id, p.phase_hint) for p in whole]
    np.testing.assert_allclose([p.time_ns for p in days], [p.time_ns for p in whole], rtol=0, atol=1e5)
    np.testing.assert_allclose([p.probability for p in days], [p.probability for p in whole], atol=1e-4)


def test_a_detection_over_midnight_is_whole_on_both_sides() -> None:
    segments = night([-1.0, 0.5])
    around = [pick.detection for pick in picked(segments, BEFORE) + picked(segments, AFTER) if pick.detection]
    assert any(one.start_ns < MIDNIGHT < one.end_ns for one in around)
    assert set(around) == {pick.detection for pick in continuous(segments) if pick.detection}


def test_a_days_files_need_not_meet_to_the_nanosecond() -> None:
    segments = night([-20.0, 20.0])
    halves = [part for one in segments for part in (between(one, 0, MIDNIGHT), between(one, MIDNIGHT, 2**62)) if part]
    late = [replace(one, start_ns=one.start_ns + 1000) if one.start_ns >= MIDNIGHT else one for one in halves]
    assert picked(late, BEFORE) + picked(late, AFTER) == continuous(late)


def test_picks_outside_of_the_span_are_left_out() -> None:
    segments = night([100.0, 200.0, 300.0])
    span = Span(MIDNIGHT + 150 * NS, MIDNIGHT + 250 * NS)
    whole = continuous(segments)
    inside = [pick for pick in whole if span.start_ns <= pick.time_ns < span.end_ns]
    assert picked(segments, AFTER, span=span) == inside and 0 < len(inside) < len(whole)
    assert picked(segments, BEFORE, span=span) == []


def test_coverage_is_that_of_the_day_itself() -> None:
    segments = night([10.0])
    result = pick_day(Task(AFTER, Memory(segments), Picking(FakeModel())))
    assert result.coverage[0] == Coverage("XX.AAA..HHE", ((MIDNIGHT, MIDNIGHT + 1350 * NS),))
    assert len(result.coverage) == 3 and not result.note and not result.failed


def test_coverage_joins_pieces_that_meet_and_keeps_gaps() -> None:
    one = Segment("XX.A..HHZ", 0, 100.0, np.zeros(100))
    pieces = [replace(one, start_ns=at) for at in (2 * NS + 3_000_000, NS, 5 * NS, 0)]
    assert coverage(pieces) == [Coverage("XX.A..HHZ", ((0, 3 * NS + 3_000_000), (5 * NS, 6 * NS)))]


def test_a_day_without_data_of_its_own_has_no_picks_and_is_no_failure() -> None:
    only_before = [part for one in night([-10.0]) if (part := between(one, 0, MIDNIGHT))]
    result = pick_day(Task(AFTER, Memory(only_before), Picking(FakeModel())))
    assert (result.picks, result.coverage, result.failed) == ((), (), False)


def test_the_margin_is_longer_than_what_reaches_over_midnight() -> None:
    from jijin.picking import LONGEST_DETECTION
    from jijin.resampling import STEP_NS
    from jijin.windows import IN_SAMPLES

    assert (LONGEST_DETECTION + 2 * IN_SAMPLES) * STEP_NS < MARGIN_NS


def test_a_day_of_which_nothing_can_be_read_is_a_failure() -> None:
    result = pick_day(Task(AFTER, Memory([], {"day.mseed": "it is gone"}), Picking(FakeModel())))
    assert result.failed and result.note == "day.mseed: it is gone"


class Broken(Memory):
    def segments(self, name: str, start_ns: int, end_ns: int) -> list[Segment]:
        raise ZeroDivisionError("a reader\nby somebody else")


def test_whatever_a_reader_raises_is_the_failure_of_that_day_alone() -> None:
    result = pick_day(Task(AFTER, Broken([]), Picking(FakeModel())))
    assert result.failed and result.note == "a reader by somebody else"


def test_damage_is_noted_and_warnings_are_remarks() -> None:
    archive = Memory(night([10.0]), {"day.mseed": "damaged"})
    archive.found.append(Segment("XX.AAA..LHZ", MIDNIGHT, 1.0, np.zeros(100)))
    log = logging.getLogger("jijin")
    before = (log.handlers, log.propagate)
    result = pick_day(Task(AFTER, archive, Picking(FakeModel())))
    assert result.note == "day.mseed: damaged" and not result.failed and result.picks
    assert len(result.remarks) == 1 and "XX.AAA..LHZ" in result.remarks[0] and "not used" in result.remarks[0]
    assert (log.handlers, log.propagate) == before


def test_a_task_and_its_result_travel_between_processes() -> None:
    task = pickle.loads(pickle.dumps(Task(AFTER, Memory(night([10.0])), Picking(FakeModel()))))
    result = pick_day(task)
    assert pickle.loads(pickle.dumps(result)) == result
