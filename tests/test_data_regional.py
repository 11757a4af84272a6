"""Regional earthquakes from Green's functions: silent before P, with first arrivals where travel times put them."""

import numpy as np
import pytest

from jijin.data.regional import FILE, Path1D, _double_couple, decode, encode, library, regional_earthquake
from jijin.data.synthetic import VP_KM_S, VPN_KM_S, VS_KM_S, VSN_KM_S


def test_bytes_keep_what_is_a_thousandth_of_the_peak_to_five_per_cent():
    x = np.random.default_rng(0).standard_normal(4000) * np.logspace(-2, 2, 4000)
    back = decode(encode(x)) * np.abs(x).max()
    large = np.abs(x) > 1e-3 * np.abs(x).max()
    assert np.abs(back / x - 1)[large].max() < 0.06 and encode(np.zeros(3)).tolist() == [0, 0, 0]


def test_the_library_has_first_arrivals_between_those_of_the_crust_and_of_the_mantle():
    paths = library()
    assert len(paths) > 20 and FILE.stat().st_size < 1_500_000
    early = []
    for path in paths:
        sp, km = path.s_s - path.p_s, path.distance_km
        assert 0.9 * km * (1 / VSN_KM_S - 1 / VPN_KM_S) < sp < km * (1 / VS_KM_S - 1 / VP_KM_S) + 3
        rows = np.abs(decode(path.greens))
        at = int(path.p_s * 20)
        early.append(rows[:, : at - 10].max() / rows[:, at : at + 200].max())
    assert np.median(early) < 0.03 and max(early) < 0.4  # half a second before P and more; of the peak of the P train


def test_an_earthquake_is_silent_before_p_and_no_two_are_alike():
    first, second = (regional_earthquake(np.random.default_rng(seed)) for seed in (0, 1))
    for event in (first, second):
        assert not event.data[:, : int(event.p_sample)].any() and event.data.dtype == np.float32
        assert event.only_first and event.s_sample - event.p_sample > 1000 and np.isfinite(event.data).all()
    assert first.data.shape == second.data.shape and not np.array_equal(first.data, second.data)


def test_s_is_on_the_transverse_of_a_path_with_nothing_else():
    """A path whose only arrival is SH gives nothing on the vertical but what scatters onto it."""
    greens = np.zeros((8, 800))
    greens[6:, 400:420] = 1
    path = Path1D(encode(greens), 150.0, 2.0, 20.0)
    event = regional_earthquake(np.random.default_rng(0), [path])
    vertical, north, east = (event.data[:, 2000:2100] ** 2).sum(-1)
    assert vertical < 0.1 * (north + east) and not event.hidden_s


@pytest.mark.parametrize("seed", range(5))
def test_a_double_couple_has_five_independent_weights_of_unit_moment(seed):
    """Greens that are unit vectors give the weights back: A1 ... A5 of a moment tensor without volume."""
    z, r, t = _double_couple(np.random.default_rng(seed), np.eye(8, dtype=np.float32))
    a1, a2, a3 = z[:3]
    a4, a5 = t[6:]
    assert np.allclose(r[3:6], z[:3]) and not z[3:].any() and not t[:6].any()
    xx, yy = a1 - a3, -a1 - a3
    tensor = np.array([[xx, a4, a2], [a4, yy, a5], [a2, a5, -xx - yy]])
    assert np.linalg.eigvalsh(tensor) == pytest.approx([-1, 0, 1], abs=1e-5)
