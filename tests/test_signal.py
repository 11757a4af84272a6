"""Normalisation and resampling, against values that come by another route."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from scipy.signal import butter, sosfilt

from fakes import START_NS, wave
from jijin.errors import DataError
from jijin.resampling import holding, resample_to_grid
from jijin.signal import highpass, missing, normalise, resample

RATES = [20.0, 31.25, 40.0, 50.0, 75.0, 99.998, 125.0, 128.0, 200.0, 250.0, 333.3333, 500.0, 1000.0]
rng = np.random.default_rng


def times(data: np.ndarray) -> np.ndarray:
    return np.arange(len(data)) / 100.0


@pytest.mark.parametrize("rate", RATES)
def test_an_impulsive_onset_does_not_move_early(rate: float) -> None:
    onset_s = 10.0
    frequency_hz = min(rate, 100) / 10
    out = resample(wave(np.arange(round(20 * rate)) / rate, onset_s, frequency_hz=frequency_hz), rate)
    t = times(out)
    step = 1 / min(rate, 100.0)
    early = np.sum(out[t < onset_s - 1.5 * step] ** 2)
    assert early < 0.003 * np.sum(out**2)
    first = t[np.flatnonzero(np.abs(out) > 0.4 * np.abs(out).max())[0]]
    assert abs(first - onset_s) <= step / 2 + 0.01


@pytest.mark.parametrize("rate", RATES)
def test_a_slow_sine_keeps_its_phase_and_amplitude(rate: float) -> None:
    frequency_hz = min(rate, 100) / 8
    out = resample(np.sin(2 * np.pi * frequency_hz * np.arange(round(20 * rate)) / rate), rate)
    inner = slice(100, 1800)
    expected = np.sin(2 * np.pi * frequency_hz * times(out))
    assert np.abs(out - expected)[inner].max() < 0.02


@pytest.mark.parametrize("rate", [r for r in RATES if r > 120])
def test_what_lies_above_60_hz_does_not_fold_back(rate: float) -> None:
    out = resample(np.sin(2 * np.pi * 62 * np.arange(round(20 * rate)) / rate), rate)
    assert np.abs(out[50:-50]).max() < 0.01


@pytest.mark.parametrize("rate", RATES)
def test_an_offset_stays_what_it_is(rate: float) -> None:
    out = resample(np.full(round(5 * rate), 8_388_607), rate)
    assert np.abs(out - 8_388_607).max() < 1e-6


@pytest.mark.parametrize("rate", RATES)
def test_resampling_agrees_with_the_defining_sum(rate: float) -> None:
    """The windowed sinc, summed in double precision at the exact time of one output."""
    x = rng(1).standard_normal(round(4 * rate))
    scale = min(1.0, 100 / rate)
    for k in (150, 201, 222):
        u = (np.arange(len(x)) - float(Fraction(k, 100) * Fraction(rate))) * scale
        taps = np.sinc(0.84 * u) * np.i0(5 * np.sqrt(np.clip(1 - (u / 6) ** 2, 0, None))) * (np.abs(u) <= 6)
        assert resample(x, rate)[k] == pytest.approx(taps @ x / taps.sum(), abs=0.02)


@pytest.mark.parametrize("rate", RATES)
def test_any_part_of_the_grid_is_the_same_to_the_last_bit(rate: float) -> None:
    x = rng(2).standard_normal(round(60 * rate))
    anchor = START_NS + 1_234_567
    first = START_NS // 10_000_000 + 300
    whole = resample_to_grid(holding(x), anchor, rate, first, first + 5000)
    for begin, end in [(0, 1), (1, 700), (333, 4999), (4998, 5000)]:
        part = resample_to_grid(holding(x), anchor, rate, first + begin, first + end)
        assert np.array_equal(part, whole[begin:end])


def test_100_hz_is_copied_as_it_is() -> None:
    x = np.arange(10, dtype=np.int32)
    out = resample(x, 100.0)
    assert out.dtype == np.int32 and np.array_equal(out, x) and not np.shares_memory(out, x)


@pytest.mark.parametrize("rate", [0.0, 19.9, 1000.5, float("nan")])
def test_a_rate_that_cannot_be_used_is_named_with_its_channel(rate: float) -> None:
    with pytest.raises(DataError, match=r"BW\.RJOB\.\.LHZ.*20 to 1000 Hz"):
        resample(np.zeros(10), rate, "BW.RJOB..LHZ")


def test_rows_are_resampled_one_by_one() -> None:
    x = rng(3).standard_normal((2, 3, 400))
    assert np.array_equal(resample(x, 50.0)[1, 2], resample(x[1, 2], 50.0))


def test_normalising_is_a_causal_highpass_and_a_division() -> None:
    x = rng(4).standard_normal((2, 3, 6000)) * 1e-9 + 5
    expected = sosfilt(butter(2, 0.7, "highpass", fs=100, output="sos"), x - x[..., :1], axis=-1)
    expected -= expected.mean(-1, keepdims=True)
    expected /= expected.std(-1, keepdims=True)
    assert np.allclose(normalise(x), expected, atol=2e-3)


@pytest.mark.parametrize(("rate", "length"), [(100.0, 6000), (100.0, 6017), (20.0, 39), (500.0, 1)])
def test_the_highpass_is_a_butterworth_of_two_poles(rate: float, length: int) -> None:
    x = rng(4).standard_normal((2, length)).cumsum(-1) + 1e4
    expected = sosfilt(butter(2, 0.7, "highpass", fs=rate, output="sos"), x - x[:, :1], axis=-1)
    assert np.allclose(highpass(x, rate), expected, atol=1e-4)


def test_windows_are_normalised_the_same_to_the_last_bit_whatever_comes_with_them() -> None:
    x = rng(10).standard_normal((9, 3, 6000))
    x[2, 1, 300:900] = np.nan
    assert np.array_equal(normalise(x), np.concatenate([normalise(x[:2]), normalise(x[2:3]), normalise(x[3:])]))


def test_units_make_no_difference() -> None:
    counts = rng(5).integers(-5000, 5000, (1, 3, 6000))
    assert np.allclose(normalise(counts), normalise(counts * 1e-12), atol=1e-4)


@pytest.mark.parametrize("dtype", [np.int16, np.int32, np.uint8, np.float16, np.float32, np.float64])
def test_no_dtype_wraps_around(dtype: type) -> None:
    x = rng(6).integers(0, 100, (1, 3, 6000)).astype(dtype)
    assert np.allclose(normalise(x), normalise(x.astype(np.float64)), atol=1e-4)


def test_full_scale_integers_do_not_wrap_around() -> None:
    x = np.where(rng(7).random((3, 6000)) > 0.5, 2**31 - 1, -(2**31)).astype(np.int32)
    assert np.allclose(normalise(x), normalise(x.astype(np.float64)), atol=1e-4)


def test_missing_samples_come_out_as_zero_and_leave_the_rest_finite() -> None:
    x = rng(8).standard_normal((3, 6000))
    x[0, 1000:2000], x[1, 50], x[2] = 0, np.nan, np.inf
    out = normalise(x)
    assert np.isfinite(out).all()
    assert not out[0, 1000:2000].any() and out[1, 50] == 0 and not out[2].any()
    assert out[0, 2000:].std() == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize(("dtype", "size"), [("f4", 2e38), ("f8", 1e200), ("f4", 1e21)])
def test_values_that_no_sensor_gives_are_missing(dtype: str, size: float) -> None:
    """As in a damaged file of floats; the filter would overflow and all the rest of the window be lost."""
    x = rng(8).standard_normal((3, 6000)).astype(dtype)
    x[:, 2500:2503] = size, -size, size
    out = normalise(x)
    assert np.isfinite(out).all() and not out[:, 2500:2503].any() and out.std() == pytest.approx(1, abs=0.1)


def test_a_constant_component_becomes_zero() -> None:
    assert not normalise(np.full((3, 6000), 7.3)).any()


def test_a_few_exact_zeros_are_signal_and_a_long_run_is_a_gap() -> None:
    x = np.ones(300)
    x[10:60], x[100:151] = 0, 0
    assert np.flatnonzero(missing(x)).tolist() == list(range(100, 151))


def test_normalising_does_not_change_its_input() -> None:
    x = rng(9).standard_normal((3, 6000)).astype(np.float32)
    x[0, :100] = np.nan
    before = x.copy()
    normalise(x)
    assert np.array_equal(x, before, equal_nan=True)
