import numpy as np
import pytest

from jijin.config import CutConfig
from jijin.evaluate.shift import STARTS, Seen, arrivals, in_detector, in_windows, stability
from pickers import picker, step_trace

TRACES = [step_trace(3000 + 10 * k, 3500, group=str(k)) for k in range(3)]


def test_a_picker_that_always_finds_the_onset_is_steady():
    p, s = in_windows(picker(), TRACES)
    assert (p.arrivals, p.lost, p.unsteady, p.far) == (3, 0, 0, 0) and p.moved_95_s < 1e-3
    assert (s.phase, s.arrivals) == ("S", 3)


def test_a_picker_that_depends_on_where_the_window_starts_is_unsteady():
    every_other = picker(lambda x: 0.0 if x % 2 else None)  # every second start is even
    p, _ = in_windows(every_other, TRACES[:1])
    assert p.unsteady == 1 and p.arrivals == 1
    n = len(STARTS)
    assert p.lost == pytest.approx((n // 2) / (n - 1))  # half of the other starts' picks, of n - 1 others


def test_a_pick_that_moves_by_0_05_s_with_the_start_is_seen_to_move():
    p, _ = in_windows(picker(lambda x: 5.0 * (x % 2)), TRACES)
    assert p.lost == 0 and p.far == 1 and p.moved_median_s == pytest.approx(0.025, abs=1e-3)


def test_one_chance_in_four_is_lost_whatever_the_number_of_starts():
    rng = np.random.default_rng(0)
    for starts in (5, 20):
        seen = [
            Seen([[(3000.0, 0.9)] * (rng.random() < 0.75) for _ in range(starts)], 0, 6000, str(k)) for k in range(400)
        ]
        assert stability("x", "windows", "P", seen).lost == pytest.approx(0.25, abs=0.03)


def test_picks_near_the_ends_and_second_picks_of_one_start_are_not_compared():
    row = [(30.0, 0.9), (1000.0, 0.5), (1030.0, 0.8)]
    (times,) = arrivals(Seen([row, row[:2]], 0, 6000, "a"))
    assert times.tolist() == [1030.0, 1000.0]


def test_records_go_through_the_detector_from_every_start_of_its_grid():
    for fault, lost in ((lambda x: 0.0, 0), (lambda x: 0.0 if x < 3000 else 40.0, 0)):
        p, _ = in_detector(picker(fault), TRACES[:1], CutConfig(), (0, 155, 1550))
        assert p.arrivals >= 1 and p.lost == lost
    assert in_detector(picker(), TRACES[:1], CutConfig(), (0, 155, 1550))[0].moved_95_s < 1e-3
