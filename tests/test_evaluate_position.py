import pytest

from jijin.evaluate.position import positions, seconds
from pickers import picker, step_trace

TRACES = [step_trace(3000, 3500)]


def test_a_picker_that_is_blind_near_the_borders_loses_recall_there_and_nowhere_else():
    blind = picker(lambda x: None if x < 400 or x > 5600 else 0.0)
    rows = [r for r in positions(blind, TRACES, (2.0, 30.0, 58.0)) if r.phase == "P"]
    assert [r.recall for r in rows] == [0, 1, 0]


def test_a_picker_that_is_late_near_the_end_shows_it_as_residual():
    late = picker(lambda x: 10.0 if x > 5000 else 0.0)
    rows = [r for r in positions(late, TRACES, (30.0, 55.0)) if r.phase == "P"]
    assert [r.median_s for r in rows] == pytest.approx([0, 0.1], abs=1e-3)


def test_a_picker_drawn_to_whole_seconds_is_found_out_and_a_fair_one_is_not():
    drawn = picker(lambda x: -float((x + 50) % 100 - 50))  # the nearest whole second of the window
    rows = [r for r in seconds(drawn, TRACES) if r.phase == "P"]
    assert rows[0].picks_here == 1 and rows[0].labels_here == pytest.approx(0.1)
    assert rows[2].moved_s < -0.1 < 0.1 < rows[8].moved_s
    fair = [r for r in seconds(picker(), TRACES) if r.phase == "P"]
    assert all(abs(r.moved_s) < 1e-3 and r.picks_here == pytest.approx(0.1) for r in fair)
