from dataclasses import replace

import numpy as np
import pytest

from jijin.data.augment import Normalise
from jijin.data.canvas import Canvas, bands
from jijin.data.compose import (
    Composer,
    Mix,
    add_noise,
    background,
    cut,
    draw_scale,
    elsewhere,
    microseism,
    neighbourhood,
    part,
    stretch,
)
from jijin.data.traces import LabelledTrace
from jijin.signal import missing
from jijin.types import IN_SAMPLES


@pytest.fixture(scope="module")
def noise_traces():
    rng = np.random.default_rng(1)
    return [LabelledTrace(rng.standard_normal((3, n)).astype(np.float32)) for n in (2900, 9000)]


def test_a_batch_is_normalised_finite_and_repeats(pool, noise_traces, labelled):
    composer = Composer([labelled], noise_traces, pool, seed=7)
    a, b, other = composer.batch(3, 8), composer.batch(3, 8), composer.batch(4, 8)
    assert np.array_equal(a.data, b.data) and not np.array_equal(a.data, other.data)
    assert a.data.shape == a.target.shape == (8, 3, IN_SAMPLES) and np.isfinite(a.data).all()
    assert a.target.min() >= 0 and a.target.max() <= 1 and set(np.unique(a.weight)) <= {0.0, 1.0}


def test_noise_windows_ask_for_nothing(noise_traces, pool, labelled):
    batch = Composer([labelled], noise_traces, pool, mix=Mix(real=0, synthetic=0), seed=0).batch(0, 8)
    assert not batch.target.any()


def test_a_window_that_begins_before_the_trace_does_has_no_step_there(labelled):
    drawn = [cut(labelled, -1500, np.random.default_rng(seed)) for seed in range(6)]
    mirrored = [x for x in drawn if np.isfinite(x).all()]
    assert mirrored and all(np.array_equal(x[:, 1499], labelled.data[:, 0]) for x in mirrored)


def test_microseism_is_slow_and_of_unit_deviation_above_the_corner():
    for seed in range(5):
        x = bands(microseism(np.random.default_rng(seed)))
        assert x[:3].std() == pytest.approx(1, abs=0.05) and x[3:].std() < 0.2


def test_what_was_not_recorded_stays_so_whatever_is_added(labelled, noise_traces):
    """A vertical alone, its horizontals zero as readers give them; and nothing is asked for where nothing is left."""
    data = labelled.data * np.float32([[1], [0], [0]])
    for mix in (Mix(1, 0, 0), Mix(1, 0, 0, 1, 1, 1, 1, 1)):
        for k in range(4):
            batch = Composer([replace(labelled, data=data)], noise_traces, [], mix=mix).batch(k, 16)
            assert not batch.data[:, 1:].any()
            assert not batch.weight[~batch.data.any((1, 2))].any()


def test_zeros_that_go_on_beyond_the_border_of_a_part_are_a_gap():
    x = np.full((3, 9000), 7, np.float32)
    x[:, 2000:3000] = 0
    assert np.isnan(part(x, 2990, 100)[:, :10]).all() and np.isnan(part(x, 1000, 1010)[:, -10:]).all()
    assert part(x, 2990, 100).shape == (3, 100) and part(x, 8950, 100).shape == (3, 50)
    x[:, 5000:5040] = 0
    assert np.isfinite(part(x, 5020, 100)).all()


@pytest.mark.parametrize("stretch", [0.0, 1.0])
def test_a_gap_filled_with_zeros_in_a_record_with_an_offset_is_no_step(labelled, stretch):
    data = labelled.data / labelled.data.std() + 50_000
    data[:, 6000:6600] = 0
    mix = Mix(1, 0, 0, stretch, 0, 0, 0, 0)
    batch = Composer([replace(labelled, data=data)], [], [], mix=mix, steps=(Normalise(),)).batch(0, 32)
    plain = Composer([labelled], [], [], mix=mix, steps=(Normalise(),)).batch(0, 32)
    assert np.abs(batch.data).max() < 1.2 * np.abs(plain.data).max()
    assert missing(batch.data).mean() > missing(plain.data).mean()


def test_a_gap_in_noise_is_no_gap_in_the_record_that_it_is_added_to(labelled):
    noise = np.random.default_rng(0).standard_normal((3, IN_SAMPLES)).astype(np.float32)
    noise[:, 1000:2000] = np.nan
    canvas = Canvas(labelled.data[:, :IN_SAMPLES])
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


def test_events_are_drawn_by_their_shares(labelled, pool):
    composer = Composer([labelled] * 3, [], pool, shares=np.array([0.0, 0.9, 0.1]))
    rng = np.random.default_rng(0)
    drawn = np.bincount([composer._draw(rng) for _ in range(2000)], minlength=3) / 2000
    assert drawn[0] == 0 and drawn[1] == pytest.approx(0.9, abs=0.03)


def test_a_cut_past_the_end_is_missing_or_mirrored_noise_and_the_rest_is_the_trace(labelled):
    for seed in range(6):
        out = cut(labelled, 3000, np.random.default_rng(seed))
        assert out.shape == (3, IN_SAMPLES) and np.array_equal(out[:, :4000], labelled.data[:, 3000:])
    out = cut(labelled, -1500, np.random.default_rng(0))
    assert np.array_equal(out[:, 1500:], labelled.data[:, :4500])


def test_stretching_moves_the_onsets_along(labelled):
    step = np.where(np.arange(7000) < labelled.p[0], 1, 5)  # however strong the P of this earthquake is
    fast = stretch(replace(labelled, data=labelled.data * step), 1, 2)
    assert fast.data.shape[1] == 3500 and fast.p[0] == pytest.approx(labelled.p[0] / 2)
    quiet, loud = fast.data[:, 500 : int(fast.p[0]) - 5].std(), fast.data[:, int(fast.p[0]) :][:, :100].std()
    assert loud > 2.5 * quiet


def test_a_share_of_the_s_lies_where_others_have_it_and_an_s_that_nobody_else_has_stays(labelled):
    trace, rng = replace(labelled, s=(1000.0, 2000.0), s_elsewhere=((990.0, 1030.0), ())), np.random.default_rng(0)
    drawn = [elsewhere(trace, rng, 0.5).s for _ in range(200)]
    assert {s[1] for s in drawn} == {2000.0} and 70 < sum(s[0] == 1000.0 for s in drawn) < 130
    assert {s[0] for s in drawn} == {990.0, 1000.0, 1030.0}
    assert elsewhere(replace(trace, s_elsewhere=()), rng, 1.0).s == trace.s


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
