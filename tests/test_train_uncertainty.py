import numpy as np
import pytest

from jijin.picking import deviation_s
from jijin.train.uncertainty import factor, growth


@pytest.mark.parametrize("power", [1.0, 2.0, 3.5])
def test_the_growth_of_residuals_with_the_spread_is_found(power):
    rng = np.random.default_rng(0)
    spread = rng.uniform(0.05, 0.25, 600)
    residual = rng.laplace(0, 0.05 * (spread / 0.1) ** power)
    assert growth(spread, residual, 0.0) == pytest.approx(power, abs=0.5)
    assert growth(spread[:20], residual[:20], 0.0) == 1.0  # too few to tell


@pytest.mark.parametrize(("power", "size"), [(1.0, 0.4), (2.25, 0.4), (1.5, 3.0)])
def test_two_thirds_of_the_residuals_are_within_what_is_stated_with_the_factor(power, size):
    """The last ones are off by more than their spread, which caps what is stated."""
    rng = np.random.default_rng(1)
    spread = rng.uniform(0.02, 0.5, 2000)
    residual = size * rng.standard_normal(2000) * spread
    stated = {"scale": factor(spread, residual, power, 0.01), "power": power, "floor_s": 0.01}
    within = [abs(r) <= deviation_s(s, stated) for r, s in zip(residual, spread, strict=True)]
    assert np.mean(within) == pytest.approx(0.68, abs=0.005)
    assert factor([], [], power, 0.01) == 1.0
