from dataclasses import replace

import numpy as np
import pytest

from jijin.data.traces import P, S
from jijin.evaluate import evaluation_windows
from jijin.evaluate.calibration import Reliability, calibration_error, coverages, reliability
from jijin.evaluate.pickers import Picker
from pickers import Steps, bell

COUNT = 1000


class Table(Steps):
    """Gives the curves it holds."""

    def __init__(self, curves):
        self.curves = curves
        self.at = 0

    def predict(self, windows):
        rows = self.curves[self.at : self.at + len(windows)]
        self.at += len(windows)
        return {"p": rows, "s": np.zeros_like(rows), "det": None}


@pytest.fixture(scope="module")
def windows():
    from jijin.data.traces import LabelledTrace

    silence = np.ones((3, 6000), np.float32)
    trace = LabelledTrace(silence, (3000.0,), category="earthquake")
    one = evaluation_windows([trace])[0]
    return [replace(one, source_group=str(k), snr_db=5.0 + 30 * (k % 2)) for k in range(COUNT)]


def scattered(deviation_s, width_s, seed=0):
    """Picks that scatter by a deviation, of curves that are so wide, which is what the fake states."""
    shift = np.random.default_rng(seed).normal(0, deviation_s * 100, COUNT)
    return Picker("x", Table(np.stack([bell(3000 + x, width=width_s * 100) for x in shift])), {P: 0.3, S: 0.3})


@pytest.mark.parametrize(("deviation_s", "within"), [(0.05, 0.683), (0.1, 0.383), (0.025, 0.954)])
def test_normal_residuals_lie_within_the_stated_deviation_as_often_as_they_should(windows, deviation_s, within):
    rows = {r.part: r for r in coverages(scattered(deviation_s, 0.05), windows)}
    assert rows["all"].within == pytest.approx(within, abs=0.03) and rows["all"].picks == COUNT
    low, high = rows["all"].interval
    assert low < rows["all"].within < high and high - low < 0.06
    assert rows["all"].stated_s == pytest.approx(0.05, abs=1e-3)
    assert rows["all"].needed_s == pytest.approx(deviation_s, rel=0.1)
    assert rows["SNR -inf to 10 dB"].picks == rows["SNR 30 to inf dB"].picks == COUNT // 2


def test_probabilities_that_are_right_as_often_as_they_say_lie_on_the_diagonal(windows):
    rng = np.random.default_rng(0)
    height = rng.uniform(0.2, 1, COUNT)
    right = rng.random(COUNT) < height
    curves = np.stack([bell(3000 if r else 1000, h) for h, r in zip(height, right, strict=True)])
    rows = reliability(Picker("x", Table(curves), {P: 0.3, S: 0.3}), windows)
    assert all(abs(r.probability - r.right) < 0.1 for r in rows) and sum(r.picks for r in rows) == COUNT
    assert calibration_error(rows) < 0.05


def test_a_boaster_has_the_calibration_error_that_the_definition_gives():
    rows = [Reliability("x", "P", 30, 0.9, 0.5), Reliability("x", "P", 10, 0.2, 0.2)]
    assert calibration_error(rows) == pytest.approx(0.3)
