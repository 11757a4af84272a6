import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jijin.study.machine import machine, peak_memory
from jijin.study.scores import best_threshold, confusion, fold, protocol


@settings(deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1))
def test_scores_are_those_of_scikit_learn(pairs):
    metrics = pytest.importorskip("sklearn.metrics", reason="the study needs the extra 'train'")
    truth, said = map(np.array, zip(*pairs, strict=True))
    counts = confusion(truth, said)
    assert np.array_equal(counts, metrics.confusion_matrix(truth, said, labels=[False, True]))
    found = fold(counts)
    assert found.accuracy == pytest.approx(metrics.accuracy_score(truth, said))
    for name in ("precision", "recall", "f1"):
        expected = getattr(metrics, f"{name}_score")(truth, said, zero_division=0)
        assert getattr(found, name) == pytest.approx(expected)


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 10), st.booleans()), min_size=1).filter(lambda x: any(t for _, t in x)))
def test_no_threshold_has_a_better_f1(pairs):
    score, truth = np.array([s for s, _ in pairs]) / 10, np.array([t for _, t in pairs])

    def f1(threshold):
        return fold(confusion(truth, score >= threshold)).f1

    assert f1(best_threshold(score, truth)) == pytest.approx(max(f1(t) for t in np.arange(-0.05, 1.1, 0.1)))


def test_the_threshold_lies_in_the_middle_of_the_gap():
    assert best_threshold([0.2, 0.3, 0.9, 0.7], [0, 0, 1, 1]) == pytest.approx(0.5)


def test_a_protocol_counts_windows_and_scores_steps():
    truth, said = np.array([[1, 1], [0, 0], [0, 0]], bool), np.array([[1, 0], [0, 0], [1, 0]], bool)
    found = protocol("each step", 7, truth, said)
    assert (found.train_windows, found.test_windows) == (7, 3)
    assert found.confusion.tolist() == [[3, 1], [1, 1]] and found.scores.f1 == 0.5


def test_the_peak_of_memory_is_that_of_the_block():
    with peak_memory() as before:
        pass
    if not before:
        pytest.skip("this system does not tell the peak of memory")
    with peak_memory() as during:
        np.ones(40_000_000)  # 320 MB, gone again at the end of the line
    with peak_memory() as after:
        pass
    assert during[0] - before[0] == pytest.approx(320, abs=60) and after[0] < during[0] - 200


def test_the_machine_is_told_with_its_versions():
    assert f"numpy {np.__version__}" in machine() and "CPUs" in machine()
