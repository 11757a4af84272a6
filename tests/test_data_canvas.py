from dataclasses import replace

import numpy as np
import pytest

from jijin.data.canvas import Canvas, add, bands, overlay
from jijin.data.regional import regional_earthquake
from jijin.data.synthetic import Synthetic
from jijin.data.traces import P, S, targets
from jijin.types import IN_SAMPLES


def test_a_loud_event_is_labelled_and_a_buried_one_is_masked(pool):
    ground = np.random.default_rng(0).standard_normal((3, IN_SAMPLES)).astype(np.float32)
    loud, buried = Canvas(ground), Canvas(ground)
    overlay(loud, bands(loud.data), pool[1], 1000, 300.0)
    overlay(buried, bands(buried.data), pool[1], 1000, 0.01)
    onset = round(1000 + pool[1].p_sample)
    assert loud.target[P, onset] > 0.99 and loud.weight[P, onset] == 1
    assert buried.target[P].max() == 0 and buried.weight[P, onset] == 0


def regional(later_p, hidden_s=False):
    """A weak Pn at 100, Pg ten times stronger at 600 and an S as strong at 3000."""
    data = np.zeros((3, 5000), np.float32)
    noise = np.random.default_rng(3).standard_normal(data.shape)
    data[:, 100:] = 0.1 * noise[:, 100:]
    data[:, 600:] = noise[:, 600:]
    data[:, 3000:] *= 5
    return Synthetic(data, 100.0, 3000.0, 5000.0, 300.0, later_p, None, hidden_s)


@pytest.mark.parametrize(("noise", "first"), [(0.001, 600), (0.3, 1100)])
def test_pg_is_the_p_where_the_noise_hides_pn(noise, first):
    canvas = Canvas(np.random.default_rng(0).standard_normal((3, IN_SAMPLES)).astype(np.float32) * np.float32(noise))
    overlay(canvas, bands(canvas.data), regional(600.0), 500, 1.0)
    assert np.flatnonzero(canvas.target[P] > 0.99).tolist() == [first] and canvas.weight[P, first] == 1


def test_an_s_hidden_in_its_own_p_coda_is_masked():
    for hidden in (False, True):
        canvas = Canvas(np.random.default_rng(0).standard_normal((3, IN_SAMPLES)).astype(np.float32) * 1e-3)
        overlay(canvas, bands(canvas.data), regional(None, hidden), 500, 1.0)
        assert (canvas.weight[S, 3500], canvas.target[S].max()) == ((0, 0) if hidden else (1, 1))


def test_an_onset_that_only_a_filter_shows_stays_a_label(labelled):
    """The peak of the microseism is twenty times that of P, whose fast motion still stands out."""
    canvas = Canvas(labelled.data[:, :IN_SAMPLES], *targets(labelled, 0, IN_SAMPLES), [labelled.p[0]], [labelled.s[0]])
    onset = round(labelled.p[0])
    height = 20 * np.abs(labelled.data[:, onset : onset + 100]).max()
    swell = height * np.sin(2 * np.pi * 0.5 * np.arange(IN_SAMPLES) / 100)
    add(canvas, np.repeat(swell[None], 3, 0).astype(np.float32))
    assert canvas.weight[P, onset] == 1 and canvas.target[P, onset] > 0.99


def test_a_slow_onset_in_microseism_is_masked_though_the_noise_of_the_record_is_fast():
    rng = np.random.default_rng(0)
    wave = np.where(np.arange(IN_SAMPLES) > 2000, np.sin(2 * np.pi * 1.5 * np.arange(IN_SAMPLES) / 100), 0)
    data = (wave + 0.05 * rng.standard_normal((3, IN_SAMPLES))).astype(np.float32)
    for height, weight in ((0.1, 1), (20, 0)):
        canvas = Canvas(data, p=[2000.0])
        swell = height * np.sin(2 * np.pi * 0.4 * np.arange(IN_SAMPLES) / 100)
        add(canvas, np.repeat(swell[None], 3, 0).astype(np.float32))
        assert canvas.weight[P, 2000] == canvas.weight[0].mean() == weight  # and no detection is asked for either


@pytest.mark.parametrize("recorded", [3, 1])
def test_an_onset_is_asked_for_only_where_a_component_that_is_recorded_shows_it(recorded):
    ground = np.random.default_rng(0).standard_normal((3, IN_SAMPLES)).astype(np.float32)
    ground[recorded:] = np.nan
    for scale, asked in ((1e-3, False), (10.0, True)):
        canvas = Canvas(ground)
        overlay(canvas, bands(canvas.data), regional(None), 500, scale)
        assert (canvas.target[S].max() > 0.9) == asked and (canvas.target[P].max() > 0.9) == asked


@pytest.mark.parametrize("later", [False, True])
def test_where_later_phases_are_not_known_nothing_is_asked_after_a_hidden_first_one(later):
    """Pn and Sn drown in noise, which is there or comes later; Pg and Lg may stand out of it, somewhere."""
    event = replace(regional(None), only_first=True)
    ground = np.random.default_rng(0).standard_normal((3, IN_SAMPLES)).astype(np.float32)
    canvas = Canvas(ground * (1e-3 if later else 1e3))
    overlay(canvas, bands(canvas.data), event, 500, 1.0)
    if later:
        assert canvas.weight[P].all() and canvas.target[P, 600] > 0.99
        add(canvas, ground * 1e3)
    first, second = 600, 3500
    assert not canvas.weight[P, first : second - 100].any() and canvas.weight[P, second:].all()
    assert not canvas.weight[S, second:].any() and canvas.weight[S, : second - 100].all()


def test_a_window_that_begins_after_pn_asks_for_no_p_until_s():
    canvas = Canvas(np.random.default_rng(0).standard_normal((3, IN_SAMPLES)).astype(np.float32) * 1e-3)
    overlay(canvas, bands(canvas.data), replace(regional(None), only_first=True), -300, 1.0)
    assert not canvas.weight[P, :2600].any() and canvas.weight[P, 2600:].all() and canvas.target[S, 2700] > 0.99


def test_of_a_regional_earthquake_p_is_asked_for_and_no_s_from_sn_on():
    event = next(e for e in map(regional_earthquake, map(np.random.default_rng, range(50))) if e.s_sample < 4000)
    canvas = Canvas(np.random.default_rng(0).standard_normal((3, IN_SAMPLES)).astype(np.float32) * 1e-6)
    overlay(canvas, bands(canvas.data), event, 500, 1.0)
    p, s = 500 + round(event.p_sample), 500 + int(event.s_sample)
    assert canvas.target[P, p] > 0.9 and canvas.weight[P].all()
    assert not canvas.target[S].any() and canvas.weight[S, : s - 100].all() and not canvas.weight[S, s:].any()


@pytest.mark.parametrize(("strength", "weight"), [(1e-4, 1), (100.0, 0)])
def test_what_is_added_masks_the_onsets_that_drown_in_it_and_no_others(labelled, strength, weight):
    canvas = Canvas(labelled.data[:, :IN_SAMPLES], *targets(labelled, 0, IN_SAMPLES), [labelled.p[0]], [labelled.s[0]])
    add(canvas, np.random.default_rng(0).standard_normal((3, IN_SAMPLES)).astype(np.float32) * np.float32(strength))
    assert canvas.weight[P, round(labelled.p[0])] == canvas.weight[S, round(labelled.s[0])] == weight


def test_an_event_laid_over_another_masks_what_it_covers(pool):
    canvas = Canvas(np.random.default_rng(0).standard_normal((3, IN_SAMPLES)).astype(np.float32) * 1e-3)
    overlay(canvas, bands(canvas.data), pool[1], 2000, 1.0)
    first = round(2000 + pool[1].p_sample)
    assert canvas.weight[P, first] == 1 and canvas.target[P, first] > 0.99
    overlay(canvas, bands(canvas.data), pool[2], 1500, 1e4)
    assert canvas.weight[P, first] == 0 and canvas.target[P, round(1500 + pool[2].p_sample)] > 0.99


def test_an_offset_of_a_component_is_gone():
    ground = np.random.default_rng(0).standard_normal((3, IN_SAMPLES)).astype(np.float32)
    plain, offset = Canvas(ground), Canvas(ground + np.array([[5e4], [-3e3], [0]], np.float32))
    assert np.abs(plain.data - offset.data).max() < 0.01
