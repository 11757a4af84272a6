import numpy as np
import pytest

from jijin.data.augment import (
    FULL,
    STUDY,
    DropChannels,
    GaussianNoise,
    Normalise,
    RandomGaps,
    RandomShift,
    ShortRecord,
    apply,
)
from jijin.data.batch import Batch
from jijin.data.recording import Clip, Glitches, Polarity, Rotate, SpectralShape

ALL = [Clip(1.0), DropChannels(1.0), Polarity(), GaussianNoise(0.5, 1.0), Glitches(1.0), RandomGaps(1500, 1.0)]
ALL += [RandomShift(1000, 1.0), Rotate(1.0), ShortRecord(1.0), SpectralShape(1.0)]


@pytest.fixture
def batch():
    rng = np.random.default_rng(0)
    target = np.zeros((8, 3, 6000), np.float32)
    target[:, 1, 2990:3011] = 1
    data = rng.standard_normal((8, 3, 6000)).astype(np.float32)
    data[0, :, :500] = np.nan
    return Batch(data, target, np.ones_like(target))


@pytest.mark.parametrize("step", ALL, ids=lambda s: type(s).__name__)
def test_a_step_keeps_shapes_types_and_its_input(step, batch):
    before = batch.data.copy()
    out = step(batch, np.random.default_rng(1))
    assert np.array_equal(batch.data, before, equal_nan=True)
    for part in (out.data, out.target, out.weight):
        assert part.shape == (8, 3, 6000) and part.dtype == np.float32
    assert not np.array_equal(out.data, before, equal_nan=True)


@pytest.mark.parametrize("step", ALL, ids=lambda s: type(s).__name__)
def test_the_same_generator_state_gives_the_same_batch(step, batch):
    a, b = (step(batch, np.random.default_rng(5)) for _ in range(2))
    assert np.array_equal(a.data, b.data, equal_nan=True)


@pytest.mark.parametrize("step", ALL, ids=lambda s: type(s).__name__)
@pytest.mark.filterwarnings("error")
def test_a_window_without_data_stays_so_and_no_warning_is_given(step):
    gone = np.full((2, 3, 6000), np.nan, np.float32)
    assert np.isnan(step(Batch(gone, np.zeros_like(gone), np.ones_like(gone)), np.random.default_rng(0)).data).all()


def test_a_shift_moves_data_and_target_together(batch):
    out = RandomShift(1000, 1.0)(batch, np.random.default_rng(2))
    for row in range(1, 8):
        moved = int(np.flatnonzero(out.target[row, 1])[0]) - 2990
        low, high = max(moved, 0), min(6000 + moved, 6000)
        assert np.array_equal(out.data[row, :, low:high], batch.data[row, :, low - moved : high - moved])
        outside = np.r_[0:low, high:6000]
        assert np.isnan(out.data[row][:, outside]).all() and not out.weight[row][:, outside].any()


def test_labels_inside_a_gap_are_masked(batch):
    out = RandomGaps(5999, 1.0)(batch, np.random.default_rng(0))
    gap = np.isnan(out.data).all(1) & ~np.isnan(batch.data).all(1)
    assert gap.any()
    for k in range(3):
        assert not out.weight[:, k][gap].any() and not out.target[:, k][gap].any()
    assert (out.weight[:, 1][~gap] == 1).all()


def test_what_a_window_begins_with_is_no_step_to_a_filter():
    drift = np.linspace(1000, 0, 6000, dtype=np.float32) * np.ones((64, 3, 1), np.float32)
    out = SpectralShape(1.0, low=0)(Batch(drift, np.zeros_like(drift), np.ones_like(drift)), np.random.default_rng(0))
    assert (np.abs(np.diff(out.data, axis=-1)) < 1).all()


def test_dropped_channels_leave_at_least_one(batch):
    out = DropChannels(1.0)(batch, np.random.default_rng(0))
    present = np.isfinite(out.data).any(-1).sum(-1)
    assert present.min() >= 1 and (present < 3).all()


@pytest.mark.parametrize("low", [0.0, 1.0])
def test_a_changed_spectrum_leaves_an_onset_where_it_is(low):
    rng = np.random.default_rng(0)
    data = np.zeros((64, 3, 6000), np.float32)
    data[:, :, 3000:] = rng.standard_normal((64, 3, 3000)) + 1
    out = SpectralShape(1.0, low)(Batch(data, data * 0, data * 0 + 1), rng).data
    out -= out[..., 1000:2900].mean(-1, keepdims=True)
    reached = (np.abs(out) > 0.2 * np.abs(out[..., 3000:]).max(-1, keepdims=True)).argmax(-1)
    assert abs(np.median(reached) - 3000) <= 1 and abs(reached - 3000).max() < 17  # a period of the lowest corner


def test_a_low_pass_has_butterworths_gain():
    time = np.arange(6000) / 100
    data = np.tile(np.sin(2 * np.pi * 40 * time).astype(np.float32), (200, 3, 1))
    out = SpectralShape(1.0, 1.0)(Batch(data, data, data), np.random.default_rng(0)).data
    gain = out.std((1, 2)) / data.std()
    assert gain.min() < 0.01 and 0.95 < gain.max() < 1.01  # from far above a steep corner to below one


def test_a_steep_low_pass_rings_ahead_of_an_onset_whose_label_stays():
    data = np.zeros((400, 3, 6000), np.float32)
    data[:, :, 3000:] = np.random.default_rng(0).standard_normal((400, 3, 3000))
    target = np.zeros_like(data)
    target[:, 1, 3000] = 1
    out = SpectralShape(1.0, 1.0)(Batch(data, target, data * 0 + 1), np.random.default_rng(0))
    early = np.abs(out.data[:, :, 2850:2990]).max((1, 2)) / out.data.std((1, 2))
    assert 0.1 < np.mean(early > 0.02) < 0.9 and np.array_equal(out.target, target)


def test_a_short_record_is_one_stretch_and_the_rest_is_missing_and_masked(batch):
    out = ShortRecord(1.0)(batch, np.random.default_rng(0))
    there = np.isfinite(out.data[1:]).all(1)
    assert (np.abs(np.diff(there, axis=1)).sum(1) <= 2).all()
    assert there.sum(1).min() >= 199 and there.sum(1).max() <= 4001
    assert not (out.weight[1:] * ~there[:, None]).any() and not (out.target[1:] * ~there[:, None]).any()


def test_clipping_flattens_the_peaks(batch):
    out = Clip(1.0)(batch, np.random.default_rng(0))
    assert (np.nanmax(np.abs(out.data), (1, 2)) < np.nanmax(np.abs(batch.data), (1, 2))).all()


def test_the_four_of_the_study_are_one_list():
    names = [type(s).__name__ for s in STUDY]
    assert names == ["GaussianNoise", "RandomShift", "RandomGaps", "DropChannels", "Normalise"]


def test_what_a_model_sees_is_normalised(batch):
    ready = Normalise()(batch, np.random.default_rng(0))
    assert np.allclose(ready.data[1:].std(-1), 1, atol=1e-3) and not np.isnan(ready.data).any()


def test_components_are_turned_each_by_itself(batch):
    out = Polarity()(batch, np.random.default_rng(0))
    sign = np.nansum(out.data * batch.data, axis=-1) / np.nansum(batch.data**2, axis=-1)
    assert np.allclose(np.abs(sign), 1) and 0.2 < (sign < 0).mean() < 0.8 and (sign != sign[:, :1]).any()


def test_of_a_window_without_data_nothing_is_asked(batch):
    gone = Batch(np.where(np.arange(8)[:, None, None] == 2, np.nan, batch.data), batch.target, batch.weight)
    out = Normalise()(gone, np.random.default_rng(0))
    assert not out.weight[2].any() and not out.target[2].any() and out.weight[1].all()


def test_a_whole_recipe_runs_and_repeats(batch):
    a, b = (apply(FULL, batch, np.random.default_rng(3)) for _ in range(2))
    assert np.array_equal(a.data, b.data, equal_nan=True) and np.array_equal(a.weight, b.weight)


def test_a_spike_may_be_huge(batch):
    """Single samples up to 200 deviations of the window."""
    heights, deviation = [], np.nanstd(batch.data[1:], axis=(1, 2), keepdims=True)
    for seed in range(60):
        added = (Glitches(1.0)(batch, np.random.default_rng(seed)).data[1:] - batch.data[1:]) / deviation
        heights += [np.abs(row).max() for row in added.reshape(-1, 6000) if 0 < np.count_nonzero(row) <= 2]
    assert 100 < max(heights) <= 200.1 and min(heights) < 5


def test_half_of_the_spikes_are_on_one_component_and_those_of_a_window_differ_in_height():
    still = np.zeros((400, 3, 6000), np.float32)
    still[:, :, ::2] = 1
    out = Glitches(1.0)(Batch(still, still * 0, still * 0), np.random.default_rng(0)).data - still
    hit = [row for row in out if 0 < np.count_nonzero(row.any(0)) <= 12]  # spikes, neither steps nor pulses
    alone = np.mean([np.count_nonzero(row[:, at]) == 1 for row in hit for at in np.flatnonzero(row.any(0))])
    assert 0.5 < alone < 0.8
    assert any(len(np.unique(np.abs(row[row != 0]).round(3))) > 2 for row in hit)


def test_a_horizontal_alone_is_not_turned_away_and_a_gap_of_one_does_not_become_the_others():
    data = np.random.default_rng(0).standard_normal((40, 3, 500)).astype(np.float32)
    data[:20, 2] = np.nan
    data[20:, 1, 100:200] = np.nan
    out = Rotate(1.0)(Batch(data, data * 0, data * 0), np.random.default_rng(0)).data
    assert np.array_equal(out, data, equal_nan=True)


def test_a_filter_makes_no_step_of_a_gap_in_a_record_that_drifts():
    data = np.random.default_rng(0).standard_normal((30, 3, 6000)).astype(np.float32)
    data += np.linspace(0, 2000, 6000, dtype=np.float32)
    data[:, :, 3000:3300] = np.nan
    out = SpectralShape(1.0, 0.0)(Batch(data, data * 0, data * 0), np.random.default_rng(0)).data
    assert np.isnan(out[:, :, 3000:3300]).all()
    assert np.nanmax(np.abs(out[:, :, 3300:4000])) < 50
