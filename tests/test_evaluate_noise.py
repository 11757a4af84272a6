from dataclasses import replace

import numpy as np
import pytest

from jijin.data.traces import P, S
from jijin.evaluate import evaluation_windows
from jijin.evaluate.noise import DISTURBANCES, disturbed, false_picks
from pickers import picker, step_trace

RNG = np.random.default_rng(0)
BASE = evaluation_windows([step_trace(2000, 7000, n=6000)])[0]
LOUD = replace(BASE, category="noise", dataset="hill", onsets={P: (), S: ()})
CALM = replace(LOUD, data=RNG.standard_normal((3, 6000)).astype(np.float32) + 5, dataset="dale")


def test_false_picks_an_hour_are_those_of_the_data_set_and_shared_ones_are_told():
    one, other, blind = picker(), picker(), picker(lambda x: None)
    rows = {(r.noise, i): r for i, r in enumerate(false_picks([one, other, blind], [LOUD, LOUD, CALM]))}
    hill = [r for (noise, _), r in rows.items() if noise == "hill"]
    assert [r.p_per_hour for r in hill] == pytest.approx([60, 60, 0]) and hill[0].s_per_hour == 0
    assert hill[0].shared == 1 and np.isnan(hill[2].shared)
    assert all(r.p_per_hour == 0 for (noise, _), r in rows.items() if noise == "dale")


@pytest.mark.parametrize("name", DISTURBANCES)
def test_a_disturbance_is_larger_than_the_noise_and_the_same_for_every_picker(name):
    first, again = (dict(disturbed([CALM, CALM]))[name] for _ in range(2))
    assert all(np.array_equal(a.data, b.data) for a, b in zip(first, again, strict=True))
    changed = first[0].data - CALM.data
    assert np.abs(changed).max() > 3 and first[0].category == "noise"
    assert not np.array_equal(first[0].data, first[1].data)


def test_a_calibration_pulse_begins_with_the_height_of_its_step_response():
    x = np.zeros((3, 6000))
    out = DISTURBANCES["calibration pulses"](x, np.random.default_rng(1))
    at = int((out != 0).any(0).argmax())
    t, w, h = np.arange(100) / 100, 2 * np.pi, 0.7
    expected = np.exp(-h * w * t) * np.sin(w * t * np.sqrt(1 - h * h))
    near = out[0, at : at + 100]
    assert np.corrcoef(near, expected)[0, 1] ** 2 > 0.99
    assert np.abs(out[:, at + 900 : at + 990]).max() < 1e-2 * np.abs(out).max()
