import numpy as np
import pytest

from jijin.data import layer
from jijin.data.layer import LAG_S, LAYERED, NEAREST, PS, SP, conversions, earliest_s_as_p
from jijin.data.synthetic import earthquake


def pulses():
    """P on the vertical at 1 s, S on the radial at 3 s; both also on the transverse, which no layer converts."""
    p, s = np.zeros((3, 600)), np.zeros((3, 600))
    p[[0, 2], 100], s[[1, 2], 300] = 1.0, 2.0
    return p, s


def test_ps_is_as_late_as_sp_is_early_each_on_the_component_of_the_other():
    rng, found = np.random.default_rng(0), []
    for _ in range(300):
        ps, sp = conversions(rng, *pulses(), 2.0)
        if ps.any():
            assert not ps[[0, 2]].any() and not sp[1:].any()
            found.append((ps[1].argmax() - 100, 300 - sp[0].argmax(), ps[1].max(), sp[0].max() / 2))
    late, early, p_share, s_share = np.transpose(found)
    assert 0.8 * LAYERED < len(found) / 300 < 1.2 * LAYERED
    assert np.array_equal(late, early) and 100 * LAG_S[0] <= late.min() and late.max() <= 100 * LAG_S[1]
    for share, (low, high) in ((p_share, PS), (s_share, SP)):
        assert low <= share.min() < 2 * low and high / 2 < share.max() <= high


def test_no_conversion_comes_near_the_other_phase(monkeypatch):
    monkeypatch.setattr(layer, "LAYERED", 1)
    rng = np.random.default_rng(0)
    lags = [ps[1].argmax() - 100 for ps, _ in (conversions(rng, *pulses(), 0.5) for _ in range(100)) if ps.any()]
    assert min(lags) >= 5 and max(lags) <= 100 * NEAREST * 0.5 == 100 * earliest_s_as_p(0.5)


def rms(x):
    return np.sqrt((x**2).mean(-1))


def test_ahead_of_s_the_vertical_of_a_layered_station_is_louder_and_the_horizontals_are_not(monkeypatch):
    def ahead():
        events = [earthquake(np.random.default_rng(k), 5.0) for k in range(60)]
        cuts = [(e.data, int(e.s_sample)) for e in events if not e.hidden_s]
        return np.median([rms(x[:, s - 30 : s - 2]) / rms(x[:, s - 200 : s - 80]) for x, s in cuts], 0)

    monkeypatch.setattr(layer, "LAYERED", 0)
    plain = ahead()
    monkeypatch.setattr(layer, "LAYERED", 1)
    monkeypatch.setattr(layer, "SP", (0.5, 1.0))
    layered = ahead()
    assert layered[0] > 1.5 * plain[0]
    assert layered[1:] == pytest.approx(plain[1:], rel=0.3)
