import numpy as np
import pytest

from jijin.data.synthetic import CONTRAST_S, LEAD, _pulse, _s_is_clear, draw_s_minus_p, earthquake, noise, shaped_noise


@pytest.mark.parametrize("s_minus_p", [0.3, 2.0, 12.0, 60.0])
def test_nothing_moves_before_p_and_s_is_where_it_was_asked_for(s_minus_p):
    event = earthquake(np.random.default_rng(3), s_minus_p)
    onset = int(np.ceil(event.p_sample))
    assert not event.data[:, :onset].any()
    assert np.abs(event.data[:, onset : onset + 100]).max() > 0
    assert (event.s_sample - event.p_sample) / 100 == pytest.approx(s_minus_p)
    assert LEAD <= event.p_sample < event.s_sample < event.coda_end_sample <= event.data.shape[1] + 1


def test_s_is_stronger_than_p_on_the_horizontals_of_most_earthquakes():
    rng, stronger = np.random.default_rng(0), 0
    for _ in range(40):
        e = earthquake(rng, 5.0)
        p, s = int(e.p_sample), int(e.s_sample)
        stronger += np.abs(e.data[1:, s : s + 300]).max() > np.abs(e.data[1:, p : p + 300]).max()
    assert stronger >= 30


def rms(x):
    return float(np.sqrt((x**2).mean()))


@pytest.mark.parametrize(("s_minus_p", "low", "high"), [(4.0, 0.25, 0.8), (30.0, 0.15, 0.8)])
def test_much_of_p_is_left_when_s_comes(s_minus_p, low, high):
    rng, left = np.random.default_rng(0), []
    for _ in range(40):
        e = earthquake(rng, s_minus_p)
        p, s = int(e.p_sample), int(e.p_sample + 100 * s_minus_p)
        left.append(rms(e.data[0, s - 60 : s - 10]) / rms(e.data[0, p : p + 100]))
    assert low < np.median(left) < high


def test_an_s_that_does_not_stand_out_is_said_to_be_hidden():
    ground, s = np.ones((3, 400)), np.zeros((3, 400))
    s[2, 200:] = 1.1 * CONTRAST_S * 2**0.5  # one horizontal against the power of two
    assert _s_is_clear(s, ground, 200) and not _s_is_clear(s / 1.2, ground, 200)
    events = [earthquake(np.random.default_rng(k), 30.0) for k in range(40)]
    assert 0 < sum(e.hidden_s for e in events) < 20


def test_where_sn_is_hidden_s_is_the_crustal_wave():
    events = [earthquake(np.random.default_rng(k), 40.0) for k in range(60)]
    s_minus_p = np.array([(e.s_sample - e.p_sample) / 100 for e in events])
    assert s_minus_p.min() == pytest.approx(40) and (s_minus_p > 43).any()
    assert any(e.later_s is not None for e in events)
    assert all(e.later_s is None or e.later_s > e.s_sample for e in events)
    assert any(e.later_p is not None and e.later_p > e.p_sample for e in events)


def test_attenuation_removes_high_frequencies_of_far_earthquakes():
    def centroid(s_minus_p):
        rng = np.random.default_rng(1)
        power = sum(np.abs(np.fft.rfft(earthquake(rng, s_minus_p).data[0], 16384)) ** 2 for _ in range(30))
        f = np.fft.rfftfreq(16384, 0.01)
        return (power * f).sum() / power.sum()

    assert centroid(40.0) < 0.6 * centroid(1.0)


def test_the_same_seed_gives_the_same_earthquake():
    a, b = (earthquake(np.random.default_rng(9)) for _ in range(2))
    assert np.array_equal(a.data, b.data) and a.s_sample == b.s_sample


def test_s_minus_p_covers_local_and_regional_distances():
    rng = np.random.default_rng(0)
    drawn = np.array([draw_s_minus_p(rng) for _ in range(2000)])
    assert drawn.min() < 0.3 and drawn.max() > 60
    assert 0.1 < (drawn > 20).mean() < 0.35


def test_shaped_noise_has_the_spectrum_asked_for():
    band = np.zeros((3, 101))
    band[:, 40:60] = 1  # 20 to 30 Hz of 0 to 50
    power = np.abs(np.fft.rfft(shaped_noise(np.random.default_rng(0), band, 6000))) ** 2
    f = np.fft.rfftfreq(6000, 0.01)
    assert power[:, (f > 19) & (f < 31)].sum() > 0.99 * power.sum()
    assert noise(np.random.default_rng(0), 3000).shape == (3, 3000)


@pytest.mark.parametrize("onset", [10.01, 10.5, 10.99])
def test_a_pulse_is_centred_one_sample_after_its_onset(onset):
    out = np.zeros((3, 30))
    _pulse(out, onset, np.ones((3, 1)))
    assert (out[0] * np.arange(30)).sum() / out[0].sum() == pytest.approx(onset + 1)
