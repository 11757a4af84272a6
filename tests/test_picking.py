"""Curves whose picks can be told by hand."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jijin.peaks import refine, spread_s
from jijin.picking import Picker, deviation_s
from jijin.types import Pick

THRESHOLDS = {"detection": 0.3, "p": 0.3, "s": 0.3}
UNCERTAINTY = {"p": {"scale": 1.0, "floor_s": 0.01}, "s": {"scale": 2.0, "floor_s": 0.02}}
MS = 1_000_000


def picker(min_separation_s: float = 0.5) -> Picker:
    return Picker(
        THRESHOLDS, UNCERTAINTY, lambda phase, index: (f"XX.A..HH{'Z' if phase == 'P' else 'N'}", 0), min_separation_s
    )


def bump(count: int, centre: float, height: float = 0.9, width: float = 10.0) -> np.ndarray:
    return height * np.exp(-0.5 * ((np.arange(count) - centre) / width) ** 2)


def curves(p: np.ndarray, s: np.ndarray | None = None, detection: np.ndarray | None = None) -> np.ndarray:
    zero = np.zeros_like(p)
    return np.stack([zero if detection is None else detection, p, zero if s is None else s]).astype(np.float32)


def picks_of(probabilities: np.ndarray, start: int = 0) -> list[Pick]:
    machine = picker()
    return machine.push(probabilities, start) + machine.finish()


def test_a_pick_is_the_highest_sample_of_a_run() -> None:
    (pick,) = picks_of(curves(bump(1000, 400)), start=5000)
    assert (pick.phase_hint, pick.seed_id, pick.time_ns) == ("P", "XX.A..HHZ", 5400 * 10 * MS)
    assert pick.probability == pytest.approx(0.9)


def test_pick_at_sample_zero_is_kept() -> None:
    (pick,) = picks_of(curves(bump(500, 0)))
    assert 0 <= pick.time_ns <= 50 * MS


def test_a_pick_at_the_last_sample_is_kept() -> None:
    (pick,) = picks_of(curves(bump(500, 499)))
    assert 4940 * MS <= pick.time_ns <= 4990 * MS


def test_a_curve_of_one_sample_is_a_pick() -> None:
    (pick,) = picks_of(curves(np.array([0.8])))
    assert pick.time_ns == 0


def test_a_peak_exactly_at_the_threshold_is_a_pick() -> None:
    p = np.zeros(300)
    p[100] = np.float32(0.3)
    machine = Picker({**THRESHOLDS, "p": float(np.float32(0.3))}, UNCERTAINTY, lambda *_: ("", 0))
    assert len(machine.push(curves(p), 0) + machine.finish()) == 1


def test_noise_around_the_threshold_does_not_make_two_picks() -> None:
    p = bump(2000, 1000, 0.35, 100) + 0.04 * (-1.0) ** np.arange(2000)
    assert len(picks_of(curves(p.clip(0)))) == 1


def test_a_clear_valley_parts_two_peaks_of_one_run() -> None:
    p = np.maximum(np.maximum(bump(1000, 400, 0.9), bump(1000, 480, 0.8)), 0.2)
    assert [round(pick.time_ns / 1e7) for pick in picks_of(curves(p))] == [400, 480]


def test_a_shallow_valley_does_not() -> None:
    p = np.maximum(np.maximum(bump(1000, 400, 0.9), bump(1000, 480, 0.8)), 0.5)
    assert [round(pick.time_ns / 1e7) for pick in picks_of(curves(p))] == [400]


def test_of_two_picks_closer_than_the_separation_the_stronger_stays() -> None:
    p = bump(1000, 400, 0.6, 4) + bump(1000, 440, 0.9, 4)
    assert [round(pick.time_ns / 1e7) for pick in picks_of(curves(p))] == [440]


@pytest.mark.parametrize("width", [2, 8, 15, 40])
def test_a_symmetric_peak_is_timed_without_bias_between_samples(width: float) -> None:
    errors = []
    for fraction in np.linspace(-0.5, 0.45, 20):
        curve = bump(600, 300 + fraction, 0.9, width).astype(np.float32)
        errors.append(refine(curve, int(curve.argmax())) - 300 - fraction)
    assert abs(np.mean(errors)) < 0.01 and np.abs(errors).max() < 0.06


def test_a_saturated_curve_is_timed_at_the_middle_of_its_plateau() -> None:
    p = np.zeros(500)
    p[200:241] = 1
    (pick,) = picks_of(curves(p))
    assert pick.time_ns == 2200 * MS


@given(st.lists(st.floats(0, 1, width=32), min_size=1, max_size=80), st.data())
@settings(max_examples=60, deadline=None)
def test_a_pick_moves_from_its_peak_by_at_most_a_tenth_of_a_second(values: list[float], data: st.DataObject) -> None:
    curve = np.array(values, np.float32) + np.float32(0.01)
    peak = data.draw(st.integers(0, len(values) - 1))
    assert abs(refine(curve, peak) - peak) <= 10


def test_the_uncertainty_is_the_spread_of_the_peak_times_the_models_scale() -> None:
    curve = bump(1000, 500, 0.9, 8)
    p, s = picks_of(curves(curve, curve))
    assert p.time_uncertainty_s == pytest.approx(0.08, rel=0.01)  # of a Gaussian: its standard deviation
    assert s.time_uncertainty_s == pytest.approx(0.16, rel=0.01)
    assert spread_s(curve.astype(np.float32), 500, 500.0) == pytest.approx(0.08, rel=0.01)


def test_with_a_power_the_uncertainty_grows_faster_than_the_spread_and_never_passes_it() -> None:
    stated = {"scale": 0.5, "floor_s": 0.01, "power": 3.0}
    assert [deviation_s(x, stated) for x in (0.01, 0.1, 0.12, 0.3)] == pytest.approx([0.01, 0.05, 0.0864, 0.3])
    assert deviation_s(0.2, stated | {"power": 1.0}) == pytest.approx(0.1)
    assert deviation_s(0.2, {"scale": 2.0, "floor_s": 0.01}) == pytest.approx(0.4)


def test_the_uncertainty_is_never_below_the_models_floor() -> None:
    p = np.zeros(300)
    p[150] = 0.9
    assert picks_of(curves(p))[0].time_uncertainty_s == 0.01


@pytest.mark.parametrize("heights", [(0.5, 0.6, 0.7), (0.7, 0.6, 0.5)])
@pytest.mark.parametrize("between", [0.0, 0.2])
def test_of_a_chain_of_close_peaks_those_stay_that_are_far_from_the_strongest(
    heights: tuple[float, ...], between: float
) -> None:
    """Whether or not the curve falls so low between them that they are told apart before."""
    p = sum(bump(3000, at, height, 8) for at, height in zip((1000, 1450, 1900), heights, strict=True))
    p = np.maximum(p, np.where((np.arange(3000) > 900) & (np.arange(3000) < 2000), between, 0))
    machine = picker(5.0)
    found = machine.push(curves(p), 0) + machine.finish()
    assert [pick.time_ns // (10 * MS) for pick in found] == [1000, 1900]


@pytest.mark.parametrize("step", [7, 50, 1000])
def test_a_long_chain_of_close_peaks_is_the_same_in_pieces_and_given_out_as_it_goes(step: int) -> None:
    """A peak every 1.5 s for two minutes where picks have to be 2 s apart, a short detection over each third one."""
    heights = 0.5 + 0.4 * np.random.default_rng(0).random(80)
    p = sum(bump(15_000, 500 + 150 * k, height, 8) for k, height in enumerate(heights))
    detection = sum(bump(15_000, 500 + 450 * k, 0.9, 30) for k in range(27))
    whole = curves(p, None, detection)
    machine = picker(2.0)
    found = [machine.push(whole[:, at : at + step], at) for at in range(0, 15_000, step)]
    every = [pick for picks in found for pick in picks] + machine.finish()
    one = picker(2.0)
    assert every == one.push(whole, 0) + one.finish() and len(every) >= 30
    first = next(at for at, picks in enumerate(found) if picks)
    assert (first + 1) * step < 5_000  # not only when the chain has ended


def test_a_pick_knows_the_detection_that_contains_it() -> None:
    detection = np.zeros(3000)
    detection[480:1500] = 0.7
    near, inside, outside = picks_of(curves(bump(3000, 400) + bump(3000, 900) + bump(3000, 2000), None, detection))
    assert outside.detection is None
    assert near.detection == inside.detection and inside.detection is not None
    assert (inside.detection.start_ns, inside.detection.end_ns) == (4800 * MS, 15000 * MS)
    assert inside.detection.probability == pytest.approx(0.7)


@pytest.mark.parametrize(("gap", "count"), [(99, 1), (100, 2)])
def test_detections_closer_than_a_second_are_one(gap: int, count: int) -> None:
    detection = np.zeros(4000)
    detection[500:1000] = detection[1000 + gap : 2000] = 0.7
    found = picks_of(curves(bump(4000, 700) + bump(4000, 1700), None, detection))
    assert len({pick.detection for pick in found}) == count


def test_a_detection_is_split_after_300_s() -> None:
    detection = np.full(70_000, 0.7)
    found = picks_of(curves(sum(bump(70_000, c) for c in (10_000, 40_000, 65_000)), None, detection))
    lengths = [(p.detection.end_ns - p.detection.start_ns) / 1e9 for p in found if p.detection]
    assert lengths == [300, 300, 100]


def test_a_curve_that_stays_up_is_picked_every_minute_and_not_kept() -> None:
    machine = picker()
    found = [pick for i in range(40) for pick in machine.push(curves(np.full(1000, 0.9)), i * 1000)]
    assert len(found) == 6 and len(machine.finish()) == 1
    assert [round(pick.time_ns / 1e9) for pick in found] == [30, 90, 150, 210, 270, 330]


def test_a_gap_ends_a_run() -> None:
    machine = picker()
    half = curves(np.linspace(0, 0.9, 300))
    first = machine.push(half, 0)
    found = first + machine.push(curves(np.linspace(0.9, 0, 300)), 1000) + machine.finish()
    assert first == [] and [round(p.time_ns / 1e7) for p in found] == pytest.approx([299, 1000], abs=10)


def test_picks_come_out_in_the_order_of_time() -> None:
    found = picks_of(curves(bump(3000, 400) + bump(3000, 2000), bump(3000, 300) + bump(3000, 1000)))
    assert [p.phase_hint for p in found] == ["S", "P", "S", "P"]


def random_curves(seed: int, count: int) -> np.ndarray:
    """Rough curves that cross their thresholds often, with peaks close together, plateaus and silence."""
    rng = np.random.default_rng(seed)
    noise = rng.standard_normal((3, count + 40))
    smooth = np.apply_along_axis(np.convolve, 1, noise, np.ones(41) / 6.4, mode="valid")
    return np.clip(np.round(smooth, 2) * 0.5, 0, 1).astype(np.float32)


@given(st.integers(0, 10**6), st.lists(st.integers(1, 4999), max_size=30))
@settings(max_examples=40, deadline=None)
def test_any_chunks_give_the_same_picks_to_the_last_bit(seed: int, cuts: list[int]) -> None:
    probabilities = random_curves(seed, 5000)
    machine, found = picker(), []
    edges = [0, *sorted(cuts), 5000]
    for first, stop in pairwise(edges):
        found += machine.push(probabilities[:, first:stop], 7_000_000 + first)
    found += machine.finish()
    whole = picks_of(probabilities, 7_000_000)
    key = lambda pick: (pick.time_ns, pick.phase_hint)  # noqa: E731
    assert len(whole) > 5 and sorted(found, key=key) == sorted(whole, key=key)
