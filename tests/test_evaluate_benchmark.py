from dataclasses import replace

import numpy as np
import pytest

from jijin.data.traces import LabelledTrace, P, S
from jijin.evaluate.benchmark import best_ratio, detection, detection_targets, mcc, phase_targets, phases
from jijin.evaluate.scores import auc
from pickers import picker, step_trace

RNG = np.random.default_rng(0)
QUIET = LabelledTrace(RNG.normal(1, 1e-3, (3, 6000)).astype(np.float32), source_group="n", name="n", category="noise")
EVENTS = [step_trace(3000 + 40 * k, 4500 + 10 * k, group=str(k)) for k in range(20)]


def test_auc_and_mcc_are_those_of_scikit_learn():
    metrics = pytest.importorskip("sklearn.metrics")
    truth = RNG.random(300) < 0.4
    score = np.round(truth * 0.3 + RNG.random(300), 2)  # with ties
    assert auc(truth, score) == pytest.approx(metrics.roc_auc_score(truth, score))
    assert mcc(truth, score > 0.6) == pytest.approx(metrics.matthews_corrcoef(truth, score > 0.6))


def test_the_best_ratio_parts_p_from_s():
    ratio = np.array([9.0, 4.0, 2.0, 1.2, 0.8])
    at = best_ratio(ratio, np.array([True, True, True, False, False]))
    assert 1.2 < at < 2.0


def test_stretches_hold_their_onset_and_only_that_one():
    targets = phase_targets([*EVENTS, step_trace(3000, 3300), step_trace(3000, 3050)])
    assert len(targets) == 42  # of the last trace none: P and S are half a second apart
    for t in targets:
        inside = [x for phase in (P, S) for x in t.window.onsets[phase] if t.first <= x < t.stop]
        assert inside == [t.onset] and t.stop - t.first == 1000


def test_onsets_lie_anywhere_in_their_stretch():
    share = [(t.onset - t.first) / (t.stop - t.first) for t in detection_targets(EVENTS)]
    assert len(share) == 20 and min(share) < 0.3 and max(share) > 0.7 and min(share) >= 0.1 and max(share) <= 0.9


def test_a_perfect_picker_has_auc_and_mcc_one_and_no_residual():
    found = detection(picker(), detection_targets([*EVENTS, QUIET]))
    assert (found.events, found.noise, found.auc) == (20, 1, 1.0)
    targets = phase_targets(EVENTS)
    identified, (p, s) = phases(picker(), targets, targets)
    assert identified.mcc == 1 and (identified.p_labels, identified.s_labels) == (20, 20)
    assert (p.mean_s, p.deviation_s, s.outliers) == pytest.approx((0, 0, 0), abs=1e-6)


def test_a_stretch_in_which_an_unlabelled_onset_may_be_is_timed_and_not_named():
    unpicked = replace(EVENTS[0], s=(), masked=((S, 2000, 9000),))
    identified, (p, s) = phases(picker(), phase_targets(EVENTS), phase_targets([unpicked, *EVENTS[1:3]]))
    assert (identified.p_labels, identified.s_labels, p.labels, s.labels) == (2, 2, 3, 2)


def test_outliers_are_counted_and_left_out_of_the_residuals():
    late = picker(lambda x: 100.0 if x % 20 else 5.0)
    targets = phase_targets(EVENTS)
    _, (p, _) = phases(late, targets, targets)
    assert 0 < p.outliers < 1 and p.mean_s == pytest.approx(0.05)
