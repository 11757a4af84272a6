from dataclasses import replace

import numpy as np
import pytest

from jijin.data.canvas import bands, peak
from jijin.data.traces import P, S
from jijin.evaluate import conditions
from jijin.evaluate.conditions import (
    base_windows,
    begins_before,
    clipped,
    ends_after,
    from_rate,
    losses,
    only_components,
    overlaid,
    with_gaps,
    with_microseism,
    without,
)
from pickers import picker, step_trace

RNG = np.random.default_rng(0)
ONE, TWO = base_windows([step_trace(3000, 3500, group="a"), step_trace(4000, 4200, group="b")])


def test_the_first_onset_lies_20_s_into_the_window():
    assert ONE.onsets == {P: (2000.0,), S: (2500.0,)} and TWO.onsets == {P: (2000.0,), S: (2200.0,)}


def test_components_that_were_not_recorded_are_zero_and_the_window_itself_stays():
    before = ONE.data.copy()
    spoilt = only_components("ZN")(ONE, RNG)
    assert not spoilt.data[2].any() and np.array_equal(spoilt.data[:2], ONE.data[:2])
    assert np.array_equal(before, ONE.data)


def test_a_5_hz_wave_survives_every_rate_and_a_30_hz_wave_does_not_survive_40_hz():
    t = np.arange(6000) / 100
    for hertz, rate, left in ((5, 20, 1), (5, 500, 1), (30, 200, 1), (30, 40, 0)):
        wave = np.tile(np.sin(2 * np.pi * hertz * t) + 1e-9, (3, 1)).astype(np.float32)
        out = from_rate(rate)(replace(ONE, data=wave), RNG).data[:, 500:-500]
        assert np.sqrt(2) * out.std() == pytest.approx(left, abs=0.12), (hertz, rate)


def test_labels_in_a_gap_count_neither_way():
    there = np.ones(6000, bool)
    there[1990:2005] = False
    spoilt = without(ONE, there)
    assert spoilt.onsets == {P: (), S: (2500.0,)} and not spoilt.data[:, 1990:2005].any()
    assert any(a <= 2000 < b for a, b in spoilt.ignored[P]) and spoilt.hours < ONE.hours


def test_three_gaps_of_a_second_take_three_seconds_at_most():
    gone = (with_gaps(1.0)(ONE, RNG).data == 0).all(0).sum()
    assert 100 < gone <= 300


def test_clipping_is_at_a_share_of_the_largest_excursion():
    out = clipped(0.1)(ONE, RNG).data
    assert np.abs(out).max() == pytest.approx(
        0.1 * np.abs(ONE.data - np.median(ONE.data, -1, keepdims=True)).max(), rel=1e-3
    )


def test_microseism_is_so_large_a_share_of_the_peak_and_missing_samples_stay_missing():
    gone = replace(ONE, data=np.where(np.arange(6000) < 1000, 0, ONE.data))
    added = with_microseism(0.5)(gone, RNG).data - gone.data
    assert bands(added)[:3, 1200:].std() == pytest.approx(0.5 * peak(gone.data), rel=0.1)
    assert not added[:, :1000].any()


def test_microseism_does_not_grow_with_the_offset_of_a_short_record():
    short, raised = (np.where(np.arange(6000) < 1000, 0, ONE.data + offset) for offset in (0, 1e3))
    first, second = (
        with_microseism(0.5)(replace(ONE, data=x), np.random.default_rng(0)).data - x for x in (short, raised)
    )
    assert first.std() == pytest.approx(second.std(), rel=0.01)


def test_a_record_that_begins_or_ends_beside_an_onset_keeps_what_is_left():
    begins, ends = begins_before(S, 1.0)(ONE, RNG), ends_after(P, 2.0)(ONE, RNG)
    assert not begins.data[:, :2400].any() and begins.data[:, 2400:].all() and begins.onsets == {P: (), S: (2500.0,)}
    assert not ends.data[:, 2200:].any() and ends.onsets == {P: (2000.0,), S: ()}
    assert begins_before(S, 1.0)(replace(ONE, onsets={P: (2000.0,), S: ()}), RNG) is None


def test_a_second_event_comes_so_long_after_the_first_with_both_sets_of_labels():
    pair, _ = overlaid([ONE, TWO], 5.0)
    assert pair.onsets == {P: (2000.0, 2500.0), S: (2500.0, 2700.0)}
    rise = np.diff(pair.data[0])
    assert set(np.flatnonzero(rise > 20).tolist()) == {1999, 2499}


def test_a_picker_that_needs_z_loses_all_its_p_without_it(monkeypatch):
    monkeypatch.setattr(conditions, "CASES", (("components", "NE", only_components("NE")),))
    f1 = {(r.condition, r.phase): r.f1 for r in losses([picker()], [ONE, TWO])}
    assert f1["unspoilt", "P"] == f1["unspoilt", "S"] == f1["components", "S"] == 1 and f1["components", "P"] == 0


def test_how_late_picks_are_under_a_condition_is_told(monkeypatch):
    late = (("late", "0.1 s", lambda w, _: replace(w, data=np.roll(w.data, 10, 1))),)
    monkeypatch.setattr(conditions, "CASES", late)
    median = {(r.condition, r.phase): r.median_s for r in losses([picker()], [ONE, TWO])}
    assert [median[name, "P"] for name in ("unspoilt", "late")] == pytest.approx([0, 0.1], abs=0.005)
