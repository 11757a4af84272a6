import numpy as np
import pytest

from jijin.data.synthetic import earthquake, noise
from jijin.features import NAMES, window_features

TIME = np.arange(6000) / 100


def feature(x, name):
    return window_features(x[None])[0, NAMES.index(name)]


def event(seed=0, size=30.0):
    rng = np.random.default_rng(seed)
    x, e = noise(rng), earthquake(rng, 5.0)
    n = min(e.data.shape[1], 4000)
    x[:, 1500 : 1500 + n] += size * e.data[:, :n]
    return x


@pytest.mark.parametrize("hz", [3.0, 10.0, 30.0])
def test_a_sine_has_its_own_dominant_frequency_band_and_no_width(hz):
    x = np.tile(np.sin(2 * np.pi * hz * TIME), (3, 1))
    assert feature(x, "dominant frequency (Hz)") == pytest.approx(hz, abs=0.15)
    assert feature(x, "bandwidth (Hz)") < 0.7
    band = next(n for n in NAMES if n.startswith("energy") and eval_band(n)[0] <= hz < eval_band(n)[1])
    assert feature(x, band) > 0.98


def eval_band(name):
    return tuple(float(k) for k in name.split()[1].split("-"))


def test_motion_along_a_line_is_rectilinear_and_noise_is_not():
    rng = np.random.default_rng(0)
    line = rng.standard_normal(6000) * np.array([[2.0], [1.0], [0.0]])
    assert feature(line, "rectilinearity") == pytest.approx(1, abs=1e-3)
    assert feature(line, "vertical / horizontal") == pytest.approx(2 * np.sqrt(2), rel=1e-3)
    assert feature(rng.standard_normal((3, 6000)), "rectilinearity") < 0.4


def test_the_kurtosis_of_gaussian_noise_is_zero():
    assert abs(feature(np.random.default_rng(1).standard_normal((3, 6000)), "kurtosis")) < 0.15


@pytest.mark.parametrize("scale", [1e-9, 1e6])
def test_gain_changes_nothing(scale):
    x = event()
    assert np.allclose(window_features(x[None] * scale), window_features(x[None]), rtol=2e-3, atol=2e-3)


def test_an_earthquake_rises_above_noise():
    quiet, loud = noise(np.random.default_rng(3)), event(3)
    for name in ("STA/LTA max", "kurtosis", "peak / median envelope"):
        assert feature(loud, name) > 2 * feature(quiet, name)


def test_the_envelope_of_a_ramp_has_its_times():
    ramp = np.interp(TIME, (0, 20, 24, 40, 60), (0.01, 0.01, 1, 0.01, 0.01))
    x = ramp * np.random.default_rng(0).choice((-1.0, 1.0), (3, 6000))
    assert feature(x, "rise time (s)") == pytest.approx(4 * 0.9, abs=1.2)
    assert feature(x, "decay time (s)") == pytest.approx(16 * 0.8, abs=1.6)
    assert feature(x, "time over half peak (s)") == pytest.approx(10, abs=1.2)


def test_missing_components_and_silence_give_finite_numbers():
    x = event()
    x[1:] = np.nan
    assert np.isfinite(window_features(x[None])).all()
    assert feature(x, "rectilinearity") == pytest.approx(1, abs=1e-5)
    assert np.isfinite(window_features(np.zeros((2, 3, 6000)))).all()


def test_the_number_of_windows_in_a_chunk_changes_nothing():
    x = np.stack([event(k) for k in range(5)])
    assert np.allclose(window_features(x, chunk=2), window_features(x), rtol=1e-4, atol=1e-5)
    assert window_features(x[:0]).shape == (0, len(NAMES))
