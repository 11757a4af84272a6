from dataclasses import replace

import numpy as np
import pytest

from jijin.data.traces import LabelledTrace, P, S
from jijin.evaluate import (
    THRESHOLDS,
    best_thresholds,
    counts_at,
    evaluate,
    evaluation_windows,
    find_picks,
    match,
    score,
)
from jijin.evaluate.scores import balance, bootstrap, bootstrap_rows


def bump(*onsets, height=0.9):
    time = np.arange(6000)
    return sum((height * np.exp(-0.5 * ((time - x) / 8) ** 2) for x in onsets), np.zeros(6000)).astype(np.float32)


def window(p=(), s=(), group="a", masked=(), n=6000, category="earthquake"):
    return evaluation_windows([LabelledTrace(np.ones((3, n), np.float32), p, s, masked, group, category=category)])[0]


def test_a_pick_between_two_samples_is_found_to_a_tenth_of_a_sample():
    ((at, probability),) = find_picks(bump(2000.4)[None], P, 0.3)[0]
    assert at == pytest.approx(2000.4, abs=0.1) and probability == pytest.approx(0.9, abs=0.01)


def test_each_label_takes_its_nearest_pick_once():
    residuals, false, missed = match([(100, 0.9), (110, 0.8)], [104.0, 106.0], (), 50)
    assert sorted(residuals) == [-4.0, 4.0] and (false, missed) == (0, 0)
    assert match([(100, 0.9)], [104.0, 106.0], (), 50) == ([-4.0], 0, 1)


def test_precision_recall_and_f1_are_those_of_the_counts():
    windows = [window((1000.0,)), window((1000.0,), group="b"), window((2000.0,), group="c")]
    curves = np.stack([bump(1005), bump(1000, 4000), bump(100)])
    result, residuals = score(find_picks(curves, P, 0.3), windows, P, 0.5)
    assert result.precision == pytest.approx(2 / 4) and result.recall == pytest.approx(2 / 3)
    assert result.f1 == pytest.approx(4 / 7) and result.labels == 3
    assert sorted(residuals) == pytest.approx([0.0, 0.05], abs=0.002)
    assert result.interval[0] <= result.f1 <= result.interval[1]


def test_a_pick_0_2_s_off_counts_at_0_5_s_and_not_at_0_1_s():
    picks, windows = find_picks(bump(1020)[None], P, 0.3), [window((1000.0,))]
    assert score(picks, windows, P, 0.5)[0].f1 == 1 and score(picks, windows, P, 0.1)[0].f1 == 0


def test_picks_in_masked_stretches_and_labels_at_the_edge_count_neither_way():
    w = window((1000.0, 5990.0), masked=((S, 1000, 6000),))
    assert w.onsets[P] == (1000.0,)
    assert score(find_picks(bump(1000, 5985)[None], P, 0.3), [w], P, 0.5)[0].f1 == 1
    assert match(find_picks(bump(3000)[None], S, 0.3)[0], w.onsets[S], w.ignored[S], 50) == ([], 0, 0)


def test_false_picks_an_hour_come_from_noise_alone_and_landslides_are_counted_apart():
    windows = [window((1000.0,)), window(group="n", category="noise"), window(group="m", n=3000, category="noise")]
    windows += [window(group="l", category="other"), window(group="coda")]
    curves = {
        P: np.stack([bump(1000, 3000), bump(3000), bump(), bump(10), bump(20)]),
        S: np.zeros((5, 6000), np.float32),
    }
    report = evaluate("x", curves, windows, {P: 0.3, S: 0.3})
    assert report.hours == pytest.approx({"noise": 90 / 3600, "other": 60 / 3600})
    assert report.false_per_hour["noise"] == pytest.approx({P: 40, S: 0})
    assert report.false_per_hour["other"] == pytest.approx({P: 60, S: 0})
    assert report.phases[P][0.5].precision == pytest.approx(1 / 4)  # without the landslide's


def test_a_long_trace_is_seen_through_three_windows_and_a_short_one_through_one():
    long, short = (LabelledTrace(np.ones((3, n), np.float32), (2900.0,), name="a") for n in (9000, 3000))
    other = replace(long, name="b")
    starts, others = ([2900 - w.onsets[P][0] for w in evaluation_windows([t])[:2]] for t in (long, other))
    assert 0 <= starts[0] < 1000 and abs(starts[1] - starts[0] - 1000) <= 1 and abs(starts[0] - others[0]) > 50
    assert len(evaluation_windows([long])) == 3
    assert (
        len(evaluation_windows([LabelledTrace(np.ones((3, 6001), np.float32))])) == 1
    )  # a sample more shows nothing new
    (one,) = evaluation_windows([short])
    assert not one.data[:, 3000:].any() and one.hours == pytest.approx(30 / 3600)


def test_the_best_threshold_lies_between_signal_and_noise():
    windows = [window((1000.0,), (2000.0,)), window(group="n", category="noise")]
    one = np.stack([bump(1000, height=0.8), bump(3000, height=0.42)])
    two = np.stack([bump(2000, height=0.8), bump(3000, height=0.2)])
    best = best_thresholds({P: one, S: two}, windows)
    assert 0.42 < best[P] < 0.8 and 0.2 < best[S] < 0.8


def test_counts_by_threshold_leave_other_sources_out():
    windows = [window((2000,)), window(category="noise"), window(category="other")]
    counts = counts_at(np.stack([bump(2000, height=0.52), bump(3000, height=0.32), bump(3000)]), windows, P)
    for threshold, row in zip(THRESHOLDS, counts.tolist(), strict=True):
        assert row == [threshold < 0.52, threshold < 0.32, threshold > 0.52], threshold


def test_balanced_data_sets_count_alike_however_many_labels_they_have():
    sets = ["large"] * 30 + ["small"] * 10 + ["few"] * 2 + ["fewer"] * 3 + ["quiet"]
    windows = [replace(window(() if name == "quiet" else (2000,)), dataset=name) for name in sets]
    weight = balance(windows, P)
    named = np.array(sets)
    sums = [weight[named == name].sum() for name in ("large", "small")] + [
        weight[np.isin(named, ["few", "fewer"])].sum()
    ]
    assert sums == pytest.approx([15, 15, 15]) and weight[-1] == 1


def test_a_balanced_threshold_is_not_chosen_by_the_largest_set():
    large, small = [[replace(window((2000.0,)), dataset=name)] * n for name, n in (("large", 40), ("small", 10))]
    noise = [window(category="noise")] * 6
    heights = [0.9] * 40 + [0.4] * 10 + [0.6] * 6
    curves = np.stack([bump(2000, height=h) for h in heights])
    windows = large + small + noise
    assert best_thresholds({P: curves, S: 0 * curves}, windows)[P] < 0.4  # 10 labels for 6 false ones
    heavier = windows + [window(category="noise")] * 7
    more = np.concatenate([curves, curves[-1:].repeat(7, axis=0)])
    assert best_thresholds({P: more, S: 0 * more}, heavier)[P] > 0.6  # 13 false ones are too many
    assert best_thresholds({P: more, S: 0 * more}, heavier, balanced=True)[P] < 0.4  # not for half of the sets


def test_both_bootstraps_give_the_binomial_interval_of_a_share():
    hits = np.random.default_rng(0).random(400) < 0.7
    groups = [str(k) for k in range(400)]
    half = 1.96 * np.sqrt(hits.mean() * (1 - hits.mean()) / 400)
    sums = np.stack([hits, np.ones(400)], 1)
    for low, high in (
        bootstrap(sums, groups, lambda x: x[..., 0] / x[..., 1]),
        bootstrap_rows(groups, lambda rows: hits[rows].mean()),
    ):
        assert (low, high) == pytest.approx((hits.mean() - half, hits.mean() + half), abs=0.01)


def test_records_of_one_earthquake_are_drawn_together():
    hits = np.repeat([1.0, 0.0], 200)
    assert bootstrap_rows(["a"] * 200 + ["b"] * 200, lambda rows: hits[rows].mean()) == (0.0, 1.0)
    assert bootstrap_rows([], lambda rows: 0.0) == pytest.approx((np.nan, np.nan), nan_ok=True)


def test_without_a_label_there_is_no_recall_and_no_f1_and_without_a_pick_no_precision():
    quiet, labelled = window(category="noise"), window((1000.0,))
    picked, _ = score([[(2000.0, 0.9)]], [quiet], P, 0.5)
    assert picked.precision == 0 and np.isnan([picked.recall, picked.f1, *picked.interval]).all()
    missed, _ = score([[]], [labelled], P, 0.5)
    assert np.isnan(missed.precision) and missed.recall == missed.f1 == 0
