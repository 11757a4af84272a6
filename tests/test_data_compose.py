from dataclasses import replace

import numpy as np
import pytest

from jijin.data.compose import (
    Canvas,
    Composer,
    Mix,
    add,
    add_noise,
    background,
    bands,
    cut,
    draw_scale,
    microseism,
    neighbourhood,
    overlay,
    part,
    stretch,
)
from jijin.data.regional import regional_earthquake
from jijin.data.synthetic import Synthetic, earthquake
from jijin.data.traces import LabelledTrace, P, S, targets
from jijin.signal import missing
from jijin.types import IN_SAMPLES


@pytest.fixture(scope="module")
def pool():
    rng = np.random.default_rng(0)
    return [earthquake(rng, sp) for sp in (1.0, 4.0, 10.0, 30.0)]


@pytest.fixture(scope="module")
def noise_traces():
    rng = np.random.default_rng(1)
    return [LabelledTrace(rng.standard_normal((3, n)).astype(np.float32)) for n in (2900, 9000)]


@pytest.fixture(scope="module")
def event(pool):
    data = np.random.default_rng(2).standard_normal((3, 7000)).astype(np.float32) * 0.01
    data[:, 2000 : 2000 + pool[1].data.shape[1]] += pool[1].data[:, :5000]
    return LabelledTrace(data, (2000 + pool[1].p_sample,), (2000 + pool[1].s_sample,), (), "g", "set", "t")


def test_a_batch_is_normalised_finite_and_repeats(pool, noise_traces, event):
    composer = Composer([event], noise_traces, pool, seed=7)
    a, b, other = composer.batch(3, 8), composer.batch(3, 8), composer.batch(4, 8)
    assert np.array_equal(a.data, b.data) and not np.array_equal(a.data, other.data)
    assert a.data.shape == a.target.shape == (8, 3, IN_SAMPLES) and np.isfinite(a.data).all()
    assert a.target.min() >= 0 and a.target.max() <= 1 and set(np.unique(a.weight)) <= {0.0, 1.0}


def test_noise_windows_ask_for_nothing(noise_traces, pool, event):
    batch = Composer([event], noise_traces, pool, mix=Mix(real=0, synthetic=0), seed=0).batch(0, 8)
    assert not batch.target.any()


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


def test_an_onset_that_only_a_filter_shows_stays_a_label(event):
    """The peak of the microseism is twenty times that of P, whose fast motion still stands out."""
    canvas = Canvas(event.data[:, :IN_SAMPLES], *targets(event, 0, IN_SAMPLES), [event.p[0]], [event.s[0]])
    onset = round(event.p[0])
    height = 20 * np.abs(event.data[:, onset : onset + 100]).max()
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


def test_a_window_that_begins_before_the_trace_does_has_no_step_there(event):
    drawn = [cut(event, -1500, np.random.default_rng(seed)) for seed in range(6)]
    mirrored = [x for x in drawn if np.isfinite(x).all()]
    assert mirrored and all(np.array_equal(x[:, 1499], event.data[:, 0]) for x in mirrored)


def test_microseism_is_slow_and_of_unit_deviation_above_the_corner():
    for seed in range(5):
        x = bands(microseism(np.random.default_rng(seed)))
        assert x[:3].std() == pytest.approx(1, abs=0.05) and x[3:].std() < 0.2


def test_what_was_not_recorded_stays_so_whatever_is_added(event, noise_traces):
    """A vertical alone, its horizontals zero as readers give them; and nothing is asked for where nothing is left."""
    data = event.data * np.float32([[1], [0], [0]])
    for mix in (Mix(1, 0, 0), Mix(1, 0, 0, 1, 1, 1, 1, 1)):
        for k in range(4):
            batch = Composer([replace(event, data=data)], noise_traces, [], mix=mix).batch(k, 16)
            assert not batch.data[:, 1:].any()
            assert not batch.weight[~batch.data.any((1, 2))].any()


@pytest.mark.parametrize("recorded", [3, 1])
def test_an_onset_is_asked_for_only_where_a_component_that_is_recorded_shows_it(recorded):
    ground = np.random.default_rng(0).standard_normal((3, IN_SAMPLES)).astype(np.float32)
    ground[recorded:] = np.nan
    for scale, asked in ((1e-3, False), (10.0, True)):
        canvas = Canvas(ground)
        overlay(canvas, bands(canvas.data), regional(None), 500, scale)
        assert (canvas.target[S].max() > 0.9) == asked and (canvas.target[P].max() > 0.9) == asked


def test_zeros_that_go_on_beyond_the_border_of_a_part_are_a_gap():
    x = np.full((3, 9000), 7, np.float32)
    x[:, 2000:3000] = 0
    assert np.isnan(part(x, 2990, 100)[:, :10]).all() and np.isnan(part(x, 1000, 1010)[:, -10:]).all()
    assert part(x, 2990, 100).shape == (3, 100) and part(x, 8950, 100).shape == (3, 50)
    x[:, 5000:5040] = 0
    assert np.isfinite(part(x, 5020, 100)).all()


@pytest.mark.parametrize("stretch", [0.0, 1.0])
def test_a_gap_filled_with_zeros_in_a_record_with_an_offset_is_no_step(event, stretch):
    data = event.data / event.data.std() + 50_000
    data[:, 6000:6600] = 0
    mix = Mix(1, 0, 0, stretch, 0, 0, 0, 0)
    batch = Composer([replace(event, data=data)], [], [], mix=mix, steps=()).batch(0, 32)
    plain = Composer([event], [], [], mix=mix, steps=()).batch(0, 32)
    assert np.abs(batch.data).max() < 1.2 * np.abs(plain.data).max()
    assert missing(batch.data).mean() > missing(plain.data).mean()


def test_a_gap_in_noise_is_no_gap_in_the_record_that_it_is_added_to(event):
    noise = np.random.default_rng(0).standard_normal((3, IN_SAMPLES)).astype(np.float32)
    noise[:, 1000:2000] = np.nan
    canvas = Canvas(event.data[:, :IN_SAMPLES])
    add_noise(canvas, noise, np.random.default_rng(0))
    assert np.isfinite(canvas.data).all()
    gappy = LabelledTrace(np.nan_to_num(noise) + np.float32(7))
    gappy.data[:, 1000:2000] = 0
    windows = [background(np.random.default_rng(seed), [gappy]) for seed in range(8)]
    assert any(np.isnan(x).any() for x in windows) and all(np.abs(np.nanmean(x)) < 0.1 for x in windows)


def test_machines_have_no_label(noise_traces):
    batch = Composer([], noise_traces, [], mix=Mix(real=0, synthetic=0, machine=1), steps=()).batch(0, 16)
    plain = Composer([], noise_traces, [], mix=Mix(real=0, synthetic=0, machine=0), steps=()).batch(0, 16)
    assert not batch.target.any() and batch.weight.all() and not np.array_equal(batch.data, plain.data)


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


def test_a_regional_earthquake_is_drawn_larger_since_its_first_p_is_a_small_part_of_it(pool):
    ground = bands(np.random.default_rng(0).standard_normal((3, IN_SAMPLES)).astype(np.float32))
    near, far = (draw_scale(np.random.default_rng(1), ground, replace(pool[0], only_first=x)) for x in (False, True))
    assert far == pytest.approx(5 * near)


def test_half_of_the_events_are_sized_by_their_fast_motion(pool):
    """Of 1 Hz noise the differences are small, so those are the small events."""
    rng = np.random.default_rng(0)
    slow = bands(np.sin(2 * np.pi * np.arange(IN_SAMPLES) / 100 + np.zeros((3, 1))).astype(np.float32))
    scales = np.array([draw_scale(rng, slow, pool[0]) for _ in range(400)])
    few = 3 * slow[:3].std() / np.abs(bands(pool[0].data)[:3]).max()  # the smallest that is sized by its slow motion
    assert 0.15 < (scales < few).mean() < 0.5 and scales.max() > 100


@pytest.mark.parametrize(("strength", "weight"), [(1e-4, 1), (100.0, 0)])
def test_what_is_added_masks_the_onsets_that_drown_in_it_and_no_others(event, strength, weight):
    canvas = Canvas(event.data[:, :IN_SAMPLES], *targets(event, 0, IN_SAMPLES), [event.p[0]], [event.s[0]])
    add(canvas, np.random.default_rng(0).standard_normal((3, IN_SAMPLES)).astype(np.float32) * np.float32(strength))
    assert canvas.weight[P, round(event.p[0])] == canvas.weight[S, round(event.s[0])] == weight


def test_an_event_laid_over_another_masks_what_it_covers(pool):
    canvas = Canvas(np.random.default_rng(0).standard_normal((3, IN_SAMPLES)).astype(np.float32) * 1e-3)
    overlay(canvas, bands(canvas.data), pool[1], 2000, 1.0)
    first = round(2000 + pool[1].p_sample)
    assert canvas.weight[P, first] == 1 and canvas.target[P, first] > 0.99
    overlay(canvas, bands(canvas.data), pool[2], 1500, 1e4)
    assert canvas.weight[P, first] == 0 and canvas.target[P, round(1500 + pool[2].p_sample)] > 0.99


def test_an_offset_of_a_component_is_gone(pool):
    ground = np.random.default_rng(0).standard_normal((3, IN_SAMPLES)).astype(np.float32)
    plain, offset = Canvas(ground), Canvas(ground + np.array([[5e4], [-3e3], [0]], np.float32))
    assert np.abs(plain.data - offset.data).max() < 0.01


def test_events_are_drawn_by_their_shares(event, pool):
    composer = Composer([event] * 3, [], pool, shares=np.array([0.0, 0.9, 0.1]))
    rng = np.random.default_rng(0)
    drawn = np.bincount([composer._draw(rng) for _ in range(2000)], minlength=3) / 2000
    assert drawn[0] == 0 and drawn[1] == pytest.approx(0.9, abs=0.03)


def test_a_cut_past_the_end_is_missing_or_mirrored_noise_and_the_rest_is_the_trace(event):
    for seed in range(6):
        out = cut(event, 3000, np.random.default_rng(seed))
        assert out.shape == (3, IN_SAMPLES) and np.array_equal(out[:, :4000], event.data[:, 3000:])
    out = cut(event, -1500, np.random.default_rng(0))
    assert np.array_equal(out[:, 1500:], event.data[:, :4500])


def test_stretching_moves_the_onsets_along(event):
    fast = stretch(event, 1, 2)
    assert fast.data.shape[1] == 3500 and fast.p[0] == pytest.approx(event.p[0] / 2)
    quiet, loud = fast.data[:, 500 : int(fast.p[0]) - 5].std(), fast.data[:, int(fast.p[0]) :][:, :100].std()
    assert loud > 2.5 * quiet


def test_the_neighbourhood_of_a_long_record_keeps_its_labels_in_place(pool):
    onsets = tuple(float(x) for x in range(5000, 200_000, 10_000))
    data = np.zeros((3, 200_000), np.float32)
    data[:, [int(x) for x in onsets]] = 1
    part = neighbourhood(LabelledTrace(data, onsets), np.random.default_rng(0))
    assert part.data.shape[1] == 4 * IN_SAMPLES and len(part.p) >= 2
    assert all(part.data[0, int(x)] == 1 for x in part.p)


def test_short_noise_fills_a_window(noise_traces):
    for seed in range(5):
        assert background(np.random.default_rng(seed), noise_traces[:1]).shape == (3, IN_SAMPLES)
