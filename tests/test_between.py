"""Windows in between: where they count, what they change, and that it does not matter what comes with what."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import ArrayLike, NDArray

import jijin
from fakes import START_NS, FakeModel
from jijin.between import BEYOND, NEAR, Between, doubt_near, places
from jijin.config import CutConfig
from jijin.looks import DOUBT
from jijin.models import Prediction
from jijin.types import IN_SAMPLES, Segment
from jijin.windows import Window, edge_weights

Curves = NDArray[np.float32]
CUT = CutConfig(between=3)
STRIDE, PLACES = 3000, places(3000, 3)


def bell(height: float, at: int, length: int = STRIDE) -> Curves:
    return (height * np.exp(-0.5 * ((np.arange(length) - at) / 10.0) ** 2)).astype(np.float32)


def block(height: float, at: int, row: int = 1) -> Curves:
    """Stitched curves of a block with one peak, on P if not said else."""
    out = np.zeros((3, STRIDE), np.float32)
    out[row] = bell(height, at)
    return out


def window(number: int, instrument: str = "XX.A..HH", stride: int = STRIDE) -> Window:
    """Every sample is its grid index."""
    at = IN_SAMPLES + stride
    first = number * stride - at
    return Window(instrument, number, np.tile(np.arange(first, first + at + IN_SAMPLES) * 1.0, (3, 1)), at)


class Seeing:
    """Says of each minute what a function of its start says; remembers the starts."""

    def __init__(self, said: Callable[[int], float] = lambda start: 0.0) -> None:
        self.said, self.starts = said, list[int]()

    def __call__(self, minutes: list[NDArray[np.float64]]) -> Curves:
        self.starts += [int(minute[0, 0]) for minute in minutes]
        return np.stack([np.full((3, IN_SAMPLES), self.said(int(minute[0, 0])), np.float32) for minute in minutes], 1)


def pushed(
    curves: Curves, seeing: Seeing, config: CutConfig | None = None, sizes: Sequence[int] = (), first: int = 5
) -> Curves:
    """What comes of curves (3, blocks) from a block on, an empty one behind them, pushed so many blocks at a time."""
    config = config or CUT
    between, parts = Between(config, seeing), []
    count = curves.shape[1] // config.stride + 1
    padded = np.concatenate([curves, np.zeros((3, config.stride), np.float32)], axis=1)
    stops = np.cumsum(sizes or [count])
    assert stops[-1] == count
    for at, stop in zip([0, *stops[:-1]], stops, strict=True):
        windows = [window(first + i, stride=config.stride) for i in range(at, stop)]
        ((block_number, settled),) = between.push([(windows, padded[:, at * config.stride : stop * config.stride])])
        assert block_number * config.stride == first * config.stride + sum(part.shape[1] for part in parts)
        parts.append(settled)
    return np.concatenate(parts, axis=1)


@pytest.mark.parametrize("height", [0.0, 0.1, DOUBT[0], DOUBT[1], 0.99])
def test_a_block_without_doubt_costs_nothing_and_stays_as_it_is(height: float) -> None:
    seeing = Seeing()
    assert np.array_equal(pushed(block(height, 1700), seeing), block(height, 1700)) and seeing.starts == []


@pytest.mark.parametrize("row", [1, 2])
def test_near_a_doubtful_peak_all_windows_that_hold_it_count(row: int) -> None:
    seeing = Seeing()
    pushed(block(0.5, 1700, row), seeing)
    holding = [5 * STRIDE + place for place in PLACES if 0 < 1700 - place < IN_SAMPLES]
    assert seeing.starts == holding and len(holding) == 6  # and two of the stride


def test_a_doubtful_detection_is_not_looked_at() -> None:
    pushed(block(0.5, 1700, row=0), seeing := Seeing())
    assert seeing.starts == []


@pytest.mark.parametrize("config", [CutConfig(60), CutConfig(), CutConfig(20, 5), CutConfig(15), CutConfig(10, 1)])
def test_the_value_is_the_mean_of_all_windows_by_their_weights(config: CutConfig) -> None:
    at, height, first = config.stride // 2 + 77, 0.5, 5 * config.stride
    curves = np.zeros((3, config.stride), np.float32)
    curves[1] = bell(height, at, config.stride)
    out = pushed(curves, Seeing(lambda start: 0.3 + 0.00001 * (start % 1000)), config)
    edges = edge_weights(config.blinding_s)
    weights = edges[range(at, IN_SAMPLES, config.stride)].tolist()
    values = [height] * len(weights)
    for place in places(config.stride, config.between):
        if 0 <= at - place < IN_SAMPLES and edges[at - place] > 0.02:
            weights.append(edges[at - place])
            values.append(0.3 + 0.00001 * ((first + place) % 1000))
    assert out[1, at] == pytest.approx(np.average(values, weights=weights), abs=2e-3 if min(weights) < 0.1 else 1e-5)


def test_far_from_the_peak_nothing_changes_and_on_the_way_there_the_share_falls() -> None:
    out = pushed(block(0.5, 1500), Seeing(lambda start: 0.8))
    far = np.abs(np.arange(STRIDE) - 1500) >= BEYOND
    assert not out[0, far].any() and (out[0, ~far] > 0).all()
    slope = out[0, 1500 + NEAR : 1500 + BEYOND]
    assert (np.diff(slope) < 0).all() and np.ptp(out[0, 1500 - NEAR : 1500 + NEAR]) < 0.005  # tapers


@pytest.mark.parametrize("config", [CutConfig(60), CutConfig()])
@pytest.mark.parametrize("at", [3, 1500])
def test_at_a_bound_of_doubt_the_share_begins_at_nothing(config: CutConfig, at: int) -> None:
    for height in (DOUBT[0] + 1e-4, DOUBT[1] - 1e-4):
        curves = np.zeros((3, config.stride), np.float32)
        curves[1] = bell(height, at, config.stride)
        assert pushed(curves, Seeing(lambda start: 0.5), config)[1, at] == pytest.approx(height, abs=0.005)


@pytest.mark.parametrize("height", [0.5, 0.93, 0.99])
@pytest.mark.parametrize("off", [-120, -25, -7, 0, 3, 150])
def test_a_peak_at_the_seam_of_two_blocks_fares_as_one_in_the_middle(height: float, off: int) -> None:
    def around(at: int) -> tuple[Curves, int]:
        curves, seeing = np.zeros((3, 3 * STRIDE), np.float32), Seeing(lambda start: 0.3)
        curves[1] = bell(height, at, 3 * STRIDE)
        return pushed(curves, seeing)[1, at - 300 : at + 300], len(seeing.starts)

    (middle, looks), (seam, looks_at_seam) = around(STRIDE + 1500), around(2 * STRIDE + off)
    assert np.abs(middle - seam).max() < 0.05 and abs(looks - looks_at_seam) <= 1  # a window may end there


@pytest.mark.parametrize("config", [CutConfig(60), CutConfig(), CutConfig(15), CutConfig(10)])
def test_it_does_not_matter_which_blocks_come_together_and_no_window_is_looked_at_twice(config: CutConfig) -> None:
    curves = np.zeros((3, 8 * config.stride), np.float32)
    for i, at in enumerate((100, 970, 1990, 2010, 3500, 5000, 6003, 7700)):
        curves[1 + i % 2] += bell(0.4 + 0.08 * i, at, 8 * config.stride)
    curves[0] = np.random.default_rng(0).random(8 * config.stride)
    together, singly, uneven = (Seeing(lambda start: start % 7 / 10) for _ in range(3))
    whole = pushed(curves, together, config)
    assert np.array_equal(pushed(curves, singly, config, [1] * 9), whole) and not np.array_equal(whole, curves)
    assert np.array_equal(pushed(curves, uneven, config, [3, 1, 5]), whole)
    assert sorted(singly.starts) == sorted(together.starts) and len(set(together.starts)) == len(together.starts)


def test_a_block_without_doubt_stays_the_same_to_the_last_bit_beside_one_in_doubt() -> None:
    config, rng = CutConfig(15), np.random.default_rng(0)
    curves = np.concatenate([np.zeros((3, 1500)), 0.1 * rng.random((3, 3000))], axis=1).astype(np.float32)
    curves[1, :1500] = bell(0.5, 700, 1500)
    out = pushed(curves, Seeing(lambda start: 0.3), config)
    assert np.array_equal(out[:, 1500:], curves[:, 1500:]) and not np.array_equal(out[:, :1500], curves[:, :1500])


def test_what_no_block_to_come_shares_is_forgotten() -> None:
    between = Between(CUT, Seeing())
    for number in range(200):
        between.push([([window(number)], block(0.5, 1500))])
    assert 0 < len(between._said) < 10 and all(said.shape[1] <= IN_SAMPLES for said in between._said.values())
    between.push([([window(900), window(901)], np.concatenate([block(0.0, 1500)] * 2, axis=1))])
    assert not between._said


def test_after_a_gap_nothing_of_before_counts() -> None:
    between, seeing = Between(CUT, Seeing()), Seeing()
    between.push([([window(5)], block(0.5, 2990))])  # held
    ((number, settled),) = between.push([([window(9), window(10)], np.concatenate([block(0.0, 1)] * 2, axis=1))])
    assert number == 9 and settled.shape == (3, STRIDE) and not settled.any() and seeing.starts == []


def test_instruments_do_not_mix() -> None:
    seeing = Seeing()
    curves = np.concatenate([block(0.5, 1700), block(0, 1)], axis=1)
    runs = [([window(5, name), window(6, name)], curves) for name in ("XX.A..HH", "XX.B..HH")]
    assert [number for number, _ in Between(CUT, seeing).push(runs)] == [5, 5]
    assert len(seeing.starts) == 12 and len(set(seeing.starts)) == 6


@pytest.mark.parametrize(("stride", "count"), [(6000, 3), (3000, 1), (3000, 3), (3000, 7), (1500, 3), (1000, 3)])
def test_windows_in_between_are_even_and_at_all_places_of_the_strides_of_the_network(stride: int, count: int) -> None:
    found = np.array(places(stride, count))
    steps = np.diff([0, *found[found > 0], stride])
    assert len(steps) == count + 1 and np.ptp(steps) < 2 * 48 and (found > -IN_SAMPLES).all() and (found < stride).all()
    if count >= 3:
        assert {0, *(found[found > 0] % 4).tolist()} == {0, 1, 2, 3}  # the stem's stride, with the window of the stride


def test_none_is_laid_where_none_is_asked_for_or_the_stride_is_short() -> None:
    assert places(3000, 0) == () and places(200, 3) == () and len(places(300, 15)) == 2 * 21
    curves = block(0.5, 1700)
    assert np.array_equal(Between(CutConfig(between=0), Seeing()).push([([window(5)], curves)])[0][1], curves)


def test_doubt_near_takes_the_larger_share_of_two_peaks() -> None:
    curves = block(0.5, 1000)
    curves[2] = bell(DOUBT[0] + 0.01, 1050)
    near = doubt_near(curves)
    assert near[1000] == near[1100] == 1 and near[1149] == pytest.approx(0.51)
    assert near[1200] == pytest.approx(0.1, abs=1e-3) and not near[1250:].any() and not near[:800].any()


class Fickle(FakeModel):
    """A P at a certain sample of a rising ramp, of a height that the window's first sample decides."""

    def predict(self, windows: ArrayLike) -> Prediction:
        p = np.zeros((len(np.asarray(windows)), IN_SAMPLES), np.float32)
        for curve, window in zip(p, np.asarray(windows), strict=True):
            if 0 < ONSET - window[0, 0] < IN_SAMPLES:
                curve += bell(height_from(int(window[0, 0])), ONSET - int(window[0, 0]), IN_SAMPLES)
        return Prediction(p * 0, p, p * 0)


ONSET = 11_300


def height_from(start: int) -> float:
    return 0.4 + start * 7919 % 1000 / 2000


def test_a_pick_of_a_detector_has_the_mean_probability_of_all_its_windows() -> None:
    start_ns = START_NS // (STRIDE * 10**7) * (STRIDE * 10**7)
    ramp = [Segment(f"XX.A..HH{code}", start_ns, 100.0, np.arange(25_000)) for code in "ZNE"]
    detector, edges = jijin.Detector(Fickle(), CUT), edge_weights(CutConfig().blinding_s)
    (pick,) = detector.feed(ramp) + detector.flush()
    begun = [9000, 6000, *(9000 + start for start in PLACES if 0 < ONSET - 9000 - start < IN_SAMPLES)]
    wanted = np.average([height_from(at) for at in begun], weights=[edges[ONSET - at] for at in begun])
    assert pick.probability == pytest.approx(wanted, abs=1e-4) and len(begun) == 8
    assert pick.time_ns - start_ns == pytest.approx(ONSET * 10**7, abs=10**5)


@pytest.mark.parametrize("between", [-1, 16, 2.5, "3", True])
def test_a_number_that_cannot_be_is_an_error(between: Any) -> None:
    with pytest.raises(jijin.ConfigError, match="'between' must be a whole number from 0, for none, to 15"):
        CutConfig(between=between)
