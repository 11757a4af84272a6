"""Regional earthquakes from Green's functions: silent before P, with first arrivals where travel times put them."""

import numpy as np
import pytest
from scipy.signal import butter, sosfiltfilt

from jijin.data.regional import FILE, Path1D, _double_couple, decode, encode, library, regional_earthquake
from jijin.data.synthetic import VP_KM_S, VS_KM_S


def test_bytes_keep_what_is_a_thousandth_of_the_peak_to_five_per_cent():
    x = np.random.default_rng(0).standard_normal(4000) * np.logspace(-2, 2, 4000)
    back = decode(encode(x)) * np.abs(x).max()
    large = np.abs(x) > 1e-3 * np.abs(x).max()
    assert np.abs(back / x - 1)[large].max() < 0.06 and encode(np.zeros(3)).tolist() == [0, 0, 0]


def test_the_library_has_its_first_arrivals_where_rays_put_them_and_little_before_them():
    paths = library()
    assert len(paths) > 40 and FILE.stat().st_size < 1_000_000 and len({path.crust for path in paths}) > 8
    for path in paths:
        sp, km = path.s_s - path.p_s, path.distance_km
        assert km * (1 / 4.7 - 1 / 8.35) < sp < km * (1 / VS_KM_S - 1 / VP_KM_S) + 3
        rows = np.abs(decode(path.greens))
        at = int(path.p_s * 20)
        assert rows[:, : at - 10].max() < 0.1 * rows[:, at : at + 200].max()  # half a second before P and more


def test_p_is_not_the_only_fast_sample_of_a_record():
    """Motion above 12 Hz in the tenth of a second at P, over the most of it elsewhere."""
    shares = []
    for seed in range(40):
        event = regional_earthquake(np.random.default_rng(seed))
        fast = np.abs(sosfiltfilt(butter(4, 12, "highpass", fs=100, output="sos"), event.data)).max(0)
        at = int(event.p_sample)
        shares.append(fast[at - 5 : at + 5].max() / fast[at + 50 :].max())
    assert np.median(shares) < 1


def test_an_earthquake_is_silent_before_p_and_no_two_are_alike():
    first, second = (regional_earthquake(np.random.default_rng(seed)) for seed in (0, 1))
    for event in (first, second):
        assert not event.data[:, : int(event.p_sample)].any() and event.data.dtype == np.float32
        assert (
            event.only_first
            and event.hidden_s
            and event.s_sample - event.p_sample > 1000
            and np.isfinite(event.data).all()
        )
    assert not np.array_equal(first.data, second.data)


def test_s_is_on_the_transverse_of_a_path_with_nothing_else():
    """A path whose only arrival is SH gives nothing on the vertical but what scatters onto it."""
    greens = np.zeros((8, 800))
    greens[6:, 400:420] = 1
    path = Path1D(encode(greens), 0, 10.0, 150.0, 2.0, 20.0)
    event = regional_earthquake(np.random.default_rng(0), [path])
    vertical, north, east = (event.data[:, 2000:2100] ** 2).sum(-1)
    assert vertical < 0.1 * (north + east)


@pytest.mark.parametrize("seed", range(5))
def test_a_double_couple_has_five_independent_weights_of_unit_moment(seed):
    """Greens that are unit vectors give the weights back, with pygrt's signs: a moment tensor without volume."""
    z, r, t = _double_couple(np.random.default_rng(seed), np.eye(8, dtype=np.float32))
    a1, a2, a3 = z[:3] * (1, -1, 1)
    a4, a5 = t[6:] * (1, -1)
    assert np.allclose(r[3:6], z[:3]) and not z[3:].any() and not t[:6].any()
    xx, yy = a1 - a3, -a1 - a3
    tensor = np.array([[xx, a4, a2], [a4, yy, a5], [a2, a5, -xx - yy]])
    assert np.linalg.eigvalsh(tensor) == pytest.approx([-1, 0, 1], abs=1e-5)
