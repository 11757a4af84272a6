"""Peaks of a probability curve moved to where the waveform changes; the answers are known by construction."""

from dataclasses import replace

import numpy as np
import pytest

from jijin import onsets
from jijin.onsets import FLANK, GATHER, P, find_onsets, gather, retime, smoothing_s, whitened
from jijin.peaks import peaks, refine, spread_s

SILENT = np.zeros(6000, np.float32)
WHOLE = np.zeros((3, 6000), bool)


@pytest.fixture
def all_the_way(monkeypatch):
    """P go to the change of the waveform itself, so that it can be told whether that is found."""
    monkeypatch.setattr(onsets, "P", replace(P, share=1.0))


def bell(*centres, height=0.8, width=8.0):
    x = np.arange(6000)
    return np.max([height * np.exp(-0.5 * ((x - c) / width) ** 2) for c in centres], 0).astype(np.float32)


def window(*onsets, strength=20.0, seed=0):
    """Noise on three components that grows by a factor at each onset."""
    x = np.random.default_rng(seed).standard_normal((3, 6000)).astype(np.float32)
    for onset in onsets:
        x[:, onset:] *= strength
    return x


def at(curve):
    return [round(refine(curve, k), 2) for k in sorted(peaks(curve, 0.3, 50))]


@pytest.mark.usefixtures("all_the_way")
@pytest.mark.parametrize("off", [-15.0, -7.3, 0.0, 12.5, 28.0])
def test_a_p_peak_moves_to_the_change_of_the_waveform(off):
    p, s = retime(window(3000), WHOLE, bell(3000 + off), SILENT)
    assert at(p) == [pytest.approx(3000, abs=1.1)]
    assert not s.any()


def test_a_moved_peak_keeps_its_height_and_width():
    before = bell(3012.4)
    p, _ = retime(window(3000), WHOLE, before, SILENT)
    assert p.max() == pytest.approx(before.max(), abs=0.01)
    assert spread_s(p, int(p.argmax()), at(p)[0]) == pytest.approx(spread_s(before, 3012, 3012.4), rel=0.02)


@pytest.mark.usefixtures("all_the_way")
def test_a_plateau_stays_one_when_it_moves():
    plateau = np.minimum(bell(3009.3, height=1.5), np.float32(0.9))
    p, _ = retime(window(3000), WHOLE, plateau, SILENT)
    assert at(p) == [pytest.approx(3000, abs=1.1)]
    assert len(np.unique(p[2998:3003])) == 1


def test_a_p_peak_moves_seven_tenths_of_the_way():
    p, _ = retime(window(3000), WHOLE, bell(3020), SILENT)
    assert at(p) == [pytest.approx(3006, abs=0.9)]


def test_an_s_peak_moves_half_of_the_way():
    _, s = retime(window(3000), WHOLE, SILENT, bell(3016))
    assert at(s) == [pytest.approx(3008, abs=0.9)]


@pytest.mark.parametrize("horizontals", ["never there", "missing there", "dead"])
def test_an_s_is_looked_for_on_the_horizontals_and_on_the_vertical_where_these_say_nothing(horizontals):
    x, gaps = window(3000), WHOLE.copy()
    x[0] = window(2984)[0]  # what a slow layer makes of S
    assert at(retime(x, gaps, SILENT, bell(3000))[1]) == [pytest.approx(3000, abs=0.6)]
    assert at(retime(x, gaps, bell(3000), SILENT)[0])[0] < 2992
    x[1:] = 0.5 if horizontals == "dead" else x[1:]
    gaps[1:, slice(None) if horizontals == "never there" else slice(2950, 2960)] = horizontals != "dead"
    assert at(retime(x, gaps, SILENT, bell(3000))[1]) == [pytest.approx(2992, abs=0.9)]


@pytest.mark.parametrize("width", [5.0, 15.0, 30.0])
def test_an_onset_spread_over_time_counts_as_much_as_its_probabilities_together(width):
    spread = bell(3000, height=5.0 / width, width=width)
    assert gather(spread, 5.0).max() == pytest.approx(np.hypot(5, GATHER) / np.hypot(width, GATHER), rel=0.01)
    assert abs(int(gather(spread, 5.0).argmax()) - 3000) <= 1


def test_gathered_probability_stays_between_0_and_1():
    crowd = bell(2990, 3000, 3010, 3025, height=1.0)
    out = gather(crowd, 5.0)
    assert out.dtype == np.float32 and out.min() >= 0 and out.max() == 1
    assert out[0] < 1e-6 and out[-1] < 1e-6  # nothing runs over the ends


def test_a_window_without_a_trace_of_an_onset_is_left_as_it_is():
    faint = bell(3000, height=0.01)
    assert gather(faint, 5.0) is faint


def test_an_s_is_not_moved_to_the_p_just_ahead_of_it():
    p, s = retime(window(2960), WHOLE, bell(2960), bell(2984))
    assert at(p) == [pytest.approx(2960, abs=1.1)] and at(s) == [2984]


@pytest.mark.usefixtures("all_the_way")
def test_a_fast_p_is_found_under_microseism_of_ten_times_its_height():
    swell = 200 * np.sin(2 * np.pi * 0.5 * np.arange(6000) / 100 + np.array([[0.3], [1.3], [2.3]]))
    p, _ = retime((window(3000) + swell).astype(np.float32), WHOLE, bell(3015), SILENT)
    assert at(p) == [pytest.approx(3000, abs=1.1)]


def test_whitening_takes_out_what_the_sample_before_tells_and_leaves_white_noise():
    white = np.random.default_rng(0).standard_normal((2, 1, 4000))
    slow, length = np.cumsum(white, -1), np.array([4000])
    assert np.abs(whitened(white, length) - white).std() < 0.05
    out = whitened(slow, length)
    assert np.abs(out[..., 1:] - white[..., 1:]).std() < 0.1 and out.shape == slow.shape


def test_what_is_learnt_for_a_span_does_not_depend_on_the_spans_beside_it():
    x = np.cumsum(np.random.default_rng(0).standard_normal((1, 2, 170)), -1)
    assert np.array_equal(whitened(x[:, :1, :80], np.array([80])), whitened(x, np.array([80, 170]))[:, :1, :80])


def test_an_onset_out_of_reach_or_without_contrast_moves_nothing():
    for x in (window(3000 + P.reach + 5), window(3000, strength=1.5), window()):
        assert at(retime(x, WHOLE, bell(3000), SILENT)[0]) == [3000]


@pytest.mark.usefixtures("all_the_way")
def test_two_peaks_move_each_to_its_own_onset():
    p, _ = retime(window(3000, 3120), WHOLE, bell(3010, 3131), SILENT)
    assert at(p) == [pytest.approx(3000, abs=1.1), pytest.approx(3120, abs=1.1)]


def test_what_is_far_from_a_peak_stays_as_it_is():
    curve = bell(3012) + np.float32(0.02) * np.sin(np.arange(6000)).astype(np.float32) ** 2
    p, _ = retime(window(3000), WHOLE, curve, SILENT)
    assert np.array_equal(p[: 2985 - FLANK], curve[: 2985 - FLANK])
    assert np.array_equal(p[3041 + FLANK :], curve[3041 + FLANK :])


def test_inputs_stay_as_they_are():
    x, curve = window(3000), bell(3012)
    kept = x.copy(), curve.copy()
    retime(x, WHOLE, curve, curve)
    assert np.array_equal(x, kept[0]) and np.array_equal(curve, kept[1])


@pytest.mark.usefixtures("all_the_way")
def test_a_gap_or_a_dead_component_nearby_does_not_make_an_onset():
    gaps = WHOLE.copy()
    gaps[:, 2990:3000] = True
    x = np.where(gaps, 0, window())
    assert at(retime(x, gaps, bell(3010), SILENT)[0]) == [3010]
    x = window(3000)
    x[1:] = 0
    assert at(retime(x, WHOLE, bell(3010), SILENT)[0]) == [pytest.approx(3000, abs=1.1)]


@pytest.mark.parametrize("peak", [3, 5990])
def test_a_peak_at_the_edge_of_a_window_stays(peak):
    assert at(retime(window(max(peak - 2, 1)), WHOLE, bell(peak), SILENT)[0]) == at(bell(peak))


@pytest.mark.usefixtures("all_the_way")
def test_windows_that_overlap_agree_on_the_time():
    record = np.random.default_rng(4).standard_normal((3, 9000)).astype(np.float32)
    record[:, 5000:] *= 15
    curves = ((start, bell(5000 - start + error)) for start, error in ((0, 9), (2717, -12)))
    first, second = (
        at(retime(record[:, start : start + 6000], WHOLE, curve, SILENT)[0])[0] + start for start, curve in curves
    )
    assert first == pytest.approx(second, abs=0.05)


def test_the_onset_search_gives_none_where_it_cannot_tell():
    assert find_onsets(np.zeros((3, 400), np.float32), np.zeros((3, 400), bool), [(0, 400)]) == [None]
    assert find_onsets(window(5), WHOLE, [(-1, 100)]) == [None]
    assert find_onsets(window(3000), WHOLE, [(2990, 3020)]) == [None]


def test_an_onset_is_the_same_whatever_is_searched_with_it():
    x, spans = window(700, 3000), [(600, 775), (2950, 3030), (2900, 3050), (4000, 4175)]
    together = find_onsets(x, WHOLE, spans)
    assert together == [find_onsets(x, WHOLE, [span])[0] for span in spans]
    assert together == [700, 3000, 3000, None]


@pytest.mark.parametrize("width", [4.0, 8.0, 12.0])
def test_the_width_that_gathering_adds_is_taken_off_the_spread(width):
    curve = gather(bell(3000, height=0.1, width=width), 5.0)
    assert spread_s(curve, 3000, 3000.0, smoothing_s()) * 100 == pytest.approx(width, rel=0.25)  # cut at 0.5 s


def test_a_peak_that_moves_up_a_slope_stays_a_probability():
    slope = np.linspace(0.2, 1.0, 6000, dtype=np.float32)
    p, _ = retime(window(3000), WHOLE, np.maximum(bell(2985, height=1.0), slope), SILENT)
    assert p.max() <= 1 and p.dtype == np.float32
