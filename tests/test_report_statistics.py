"""Statistics of a catalogue against answers that are known beforehand."""

from __future__ import annotations

import numpy as np
import pytest

from jijin.errors import ConfigError
from jijin.report.catalogue import clock, magnitudes, wadati
from jijin.report.catalogue.wadati import Pair
from jijin.types import NS

HOUR_NS = 3600 * NS


def gutenberg_richter(rng: np.random.Generator, count: int, b: float = 1.0, least: float = 0.95) -> np.ndarray:
    """Magnitudes of an unbounded Gutenberg-Richter law."""
    return least + rng.exponential(np.log10(np.e) / b, count)


def test_b_of_a_synthetic_catalogue_is_the_b_it_was_made_with() -> None:
    rng = np.random.default_rng(1)
    found = [magnitudes.b_value(gutenberg_richter(rng, 300), 1.0) for _ in range(200)]
    b, error = np.array(found).T
    assert abs(b.mean() - 1) < 3 * b.std() / np.sqrt(200) + 1 / 300  # the estimator's own bias is n / (n - 1)
    assert np.mean(np.abs(b - 1) < error) == pytest.approx(0.683, abs=0.08)
    assert error.mean() == pytest.approx(b.std(), rel=0.15)


def test_rounding_magnitudes_to_a_tenth_does_not_move_b() -> None:
    values = gutenberg_richter(np.random.default_rng(2), 50_000)
    exact, _ = magnitudes.b_value(values, 1.0)
    rounded, _ = magnitudes.b_value(np.floor(values * 10 + 0.5) / 10, 1.0)
    assert exact == pytest.approx(1, abs=0.015)
    assert rounded == pytest.approx(exact, abs=0.01)


def test_b_and_its_error_worked_out_by_hand() -> None:
    b, error = magnitudes.b_value([1.0, 1.0, 1.2, 1.6, 0.3], 1.0)
    mean, squares = 1.2, 0.04 + 0.04 + 0.0 + 0.16
    assert b == pytest.approx(0.4342945 / (mean - 0.95))
    assert error == pytest.approx(2.302585 * b**2 * np.sqrt(squares / (4 * 3)))


def test_completeness_is_found_where_small_events_begin_to_be_missed() -> None:
    rng = np.random.default_rng(3)
    values = gutenberg_richter(rng, 20_000, least=0.0)
    seen = values[rng.random(len(values)) < 1 / (1 + np.exp(-(values - 1.0) / 0.1))]  # half of them at 1.0
    found = magnitudes.gutenberg_richter(seen)
    assert found.completeness == pytest.approx(1.4, abs=0.2)
    assert found.b == pytest.approx(1, abs=3 * found.b_uncertainty)
    assert 10 ** (found.a - found.b * 1.95) == pytest.approx((seen >= 1.95).sum(), rel=0.1)


def test_a_magnitude_on_a_border_falls_into_one_bin_whatever_the_last_digit() -> None:
    centres, counts = magnitudes.binned([0.15, 0.25, 0.3, 0.1 + 0.2, -0.05])
    assert centres.tolist() == [0.0, 0.1, 0.2, 0.3]
    assert counts.tolist() == [1, 0, 1, 3]
    assert magnitudes.at_least([0.15, 0.25, 0.3], centres).tolist() == [3, 3, 3, 2]


@pytest.mark.parametrize(
    ("values", "told"),
    [([], "no event has a magnitude"), ([1.0] * 3, "3 magnitudes"), ([0.5] * 80 + [0.7] * 70, "equal")],
)
def test_too_few_magnitudes_give_no_b_but_the_reason(values: list[float], told: str) -> None:
    found = magnitudes.gutenberg_richter(values if len(values) != 3 else [*values, 1.2, 1.2, 1.3])
    assert found.b is None
    assert told in found.reason


def wadati_pairs(rng: np.random.Generator, vp_vs: float, sigma_s: float, wrong: float = 0.0) -> list[Pair]:
    """Thirty events at eight stations; origin times are off by a second, some S are late."""
    found = []
    for event in range(30):
        shift = rng.normal()
        for station in range(8):
            travel = rng.uniform(2, 15)
            late = 2.0 if rng.random() < wrong else 0.0
            p, s = travel + rng.normal(0, sigma_s), travel * vp_vs + late + rng.normal(0, sigma_s)
            found.append(Pair(event, f"XX.S{station}.", shift + p, shift + s))
    return found


def test_vp_vs_does_not_depend_on_origin_times() -> None:
    found = wadati.fit(wadati_pairs(np.random.default_rng(4), 1.75, 1e-6))
    assert found.vp_vs == pytest.approx(1.75, abs=1e-5)
    assert np.array(found.s_minus_p_s) == pytest.approx(0.75 * np.array(found.p_s), abs=1e-4)


def test_vp_vs_lies_within_its_error_as_often_as_it_says() -> None:
    found = [wadati.fit(wadati_pairs(np.random.default_rng(seed), 1.73, 0.1)) for seed in range(60)]
    off = np.array([(f.vp_vs - 1.73) / f.uncertainty for f in found])
    assert abs(off.mean()) < 0.5
    assert 0.7 < off.std() < 1.4


def test_one_s_in_ten_that_is_two_seconds_late_hardly_moves_vp_vs() -> None:
    found = wadati.fit(wadati_pairs(np.random.default_rng(5), 1.73, 0.1, wrong=0.1))
    assert found.vp_vs == pytest.approx(1.73, abs=0.02)


def test_two_stations_are_no_wadati_diagram() -> None:
    found = wadati.fit([Pair(0, "XX.A.", 1.0, 1.7), Pair(0, "XX.B.", 2.0, 3.5)])
    assert (found.vp_vs, found.pairs) == (None, ())
    assert "3 stations" in found.reason


def test_eight_pairs_are_no_vp_vs() -> None:
    found = wadati.fit(wadati_pairs(np.random.default_rng(4), 1.75, 0.01)[:8])
    assert (found.vp_vs, found.reason) == (None, "8 pairs of P and S; 10 are needed")


def test_hour_and_weekday_are_those_of_the_clock_on_the_wall() -> None:
    sunday_23_utc = 1_704_063_600 * NS + 0  # 2023-12-31T23:00:00Z
    assert clock.local_hours([sunday_23_utc], 1.5).tolist() == [0.5]
    assert clock.WEEKDAYS[clock.local_weekdays([sunday_23_utc], 1.5)[0]] == "Mon"
    assert clock.WEEKDAYS[clock.local_weekdays([sunday_23_utc], -3)[0]] == "Sun"
    assert clock.offset_h([179.0, -179.0]) in (12.0, -12.0)


def catalogue(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """400 earthquakes at any hour over 60 km and 200 days, and one blast at noon on 40 days 20 km north of them all."""
    day = np.r_[rng.integers(0, 200, 400), rng.choice(200, 40, replace=False)]
    hour = np.r_[rng.uniform(0, 24, 400), rng.normal(12, 0.5, 40)]
    latitude = np.r_[rng.uniform(42.0, 42.5, 400), rng.normal(42.7, 0.005, 40)]
    longitude = np.r_[rng.uniform(13.0, 13.7, 400), rng.normal(13.3, 0.005, 40)]
    return day * 24 * HOUR_NS + (hour * HOUR_NS).astype(np.int64), latitude, longitude


def test_a_quarry_among_earthquakes_is_suspected_and_nothing_else() -> None:
    config = clock.ClockConfig()
    times, lat, lon = catalogue(np.random.default_rng(6))
    found = clock.suspected(clock.nodes(times, lat, lon, config, 0.0), config)
    assert len(found) == 1
    assert found[0].latitude == pytest.approx(42.7, abs=0.05)
    assert set(found[0].events) == set(range(400, 440))
    assert found[0].ratio == np.inf


def test_the_local_hour_decides_not_the_hour_in_utc() -> None:
    config = clock.ClockConfig()
    times, lat, lon = catalogue(np.random.default_rng(6))
    assert not clock.suspected(clock.nodes(times, lat, lon, config, 12.0), config)


def test_a_swarm_of_one_afternoon_is_no_quarry() -> None:
    rng = np.random.default_rng(7)
    config = clock.ClockConfig()
    times = 13 * HOUR_NS + rng.integers(0, 4 * HOUR_NS, 200)
    found = clock.nodes(times, rng.normal(42, 0.005, 200), rng.normal(13, 0.005, 200), config, 0.0)
    assert found[0].ratio == np.inf
    assert not clock.suspected(found, config)


def test_false_suspicion_is_as_rare_as_it_is_set() -> None:
    config = clock.ClockConfig(chance=0.05)
    alarms = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        times = rng.integers(0, 100 * 24 * HOUR_NS, 300)
        found = clock.nodes(times, rng.uniform(42, 42.3, 300), rng.uniform(13, 13.4, 300), config, 0.0)
        alarms += bool(clock.suspected(found, config))
    assert alarms <= 6


def test_few_events_have_no_node() -> None:
    assert clock.nodes([0] * 9, [42.0] * 9, [13.0] * 9, clock.ClockConfig(), 0.0) == []


@pytest.mark.parametrize("wrong", [{"day_end_h": 6.0}, {"utc_offset_h": 20.0}, {"ratio": 0.5}, {"radius_km": 0.0}])
def test_a_clock_that_cannot_be_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match=next(iter(wrong))):
        clock.ClockConfig(**wrong)
