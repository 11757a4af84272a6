"""Windows in between: where they count, what they change, and that it does not matter what comes with what."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import ArrayLike, NDArray

import jijin
from fakes import START_NS, FakeModel
from jijin.between import BEYOND, DOUBT, NEAR, Between, doubt_near, starts
from jijin.config import CutConfig
from jijin.models import Prediction
from jijin.types import IN_SAMPLES, Segment
from jijin.windows import Window, edge_weights

Curves = NDArray[np.float32]
STRIDE, STARTS = 3000, starts(3000, 3)


def bell(height: float, at: int, length: int = STRIDE) -> Curves:
    return (height * np.exp(-0.5 * ((np.arange(length) - at) / 10.0) ** 2)).astype(np.float32)


def block(height: float, at: int, row: int = 1) -> Curves:
    """Stitched curves of a block with one peak, on P if not said else."""
    out = np.zeros((3, STRIDE), np.float32)
    out[row] = bell(height, at)
    return out


def window(number: int, instrument: str = "XX.A..HH") -> Window:
    """Every sample is its grid index."""
    first = number * STRIDE - IN_SAMPLES
    return Window(
        instrument, number, np.tile(np.arange(first, first + 2 * IN_SAMPLES + STRIDE) * 1.0, (3, 1)), IN_SAMPLES
    )


class Seeing:
    """Says of each minute what a function of its start says; remembers the starts."""

    def __init__(self, said: Callable[[int], float] = lambda start: 0.0) -> None:
        self.said, self.starts = said, list[int]()

    def __call__(self, minutes: list[NDArray[np.float64]]) -> Curves:
        self.starts += [int(minute[0, 0]) for minute in minutes]
        return np.stack([np.full((3, IN_SAMPLES), self.said(int(minute[0, 0])), np.float32) for minute in minutes], 1)


def steadied(blocks: dict[int, Curves], seeing: Seeing, config: CutConfig | None = None) -> dict[int, Curves]:
    out = {number: curves.copy() for number, curves in blocks.items()}
    Between(config or CutConfig(), seeing).steady(map(window, out), out.values())
    return out


@pytest.mark.parametrize("height", [0.0, 0.1, DOUBT[0], DOUBT[1], 0.99])
def test_a_block_without_doubt_costs_nothing_and_stays_as_it_is(height: float) -> None:
    seeing = Seeing()
    blocks = {5: block(height, 1700)}
    assert np.array_equal(steadied(blocks, seeing)[5], blocks[5]) and seeing.starts == []


@pytest.mark.parametrize("row", [1, 2])
def test_near_a_doubtful_peak_all_windows_that_hold_it_count(row: int) -> None:
    seeing = Seeing()
    steadied({5: block(0.5, 1700, row)}, seeing)
    holding = [5 * STRIDE + start for start in STARTS if 0 < 1700 - start < IN_SAMPLES]
    assert seeing.starts == holding and len(holding) == 6  # and two of the stride


def test_a_doubtful_detection_is_not_looked_at() -> None:
    assert steadied({5: block(0.5, 1700, row=0)}, seeing := Seeing()) and seeing.starts == []


def test_the_value_is_the_mean_of_all_windows_by_their_weights() -> None:
    at, height = 1700, 0.5
    out = steadied({5: block(height, at)}, Seeing(lambda start: 0.3 + 0.00001 * (start % 1000)))[5]
    edges = edge_weights(CutConfig().blinding_s)
    base = edges[at] + edges[at + STRIDE]
    inside = [(edges[at - s], 0.3 + 0.00001 * ((5 * STRIDE + s) % 1000)) for s in STARTS if 0 <= at - s < IN_SAMPLES]
    wanted = (base * height + sum(w * x for w, x in inside)) / (base + sum(w for w, _ in inside))
    assert out[1, at] == pytest.approx(wanted, rel=1e-5)


def test_far_from_the_peak_nothing_changes_and_on_the_way_there_the_share_falls() -> None:
    out = steadied({5: block(0.5, 1500)}, Seeing(lambda start: 0.8))[5]
    far = np.abs(np.arange(STRIDE) - 1500) >= BEYOND
    assert not out[0, far].any() and (out[0, ~far] > 0).all()
    slope = out[0, 1500 + NEAR : 1500 + BEYOND]
    assert (np.diff(slope) < 0).all() and np.ptp(out[0, 1500 - NEAR : 1500 + NEAR]) < 0.005  # tapers


def test_at_a_bound_of_doubt_the_share_begins_at_nothing() -> None:
    least, most = DOUBT
    for height in (least + 1e-4, most - 1e-4):
        out = steadied({5: block(height, 1500)}, Seeing(lambda start: 0.5))[5]
        assert out[1, 1500] == pytest.approx(height, abs=0.005)


def test_it_does_not_matter_which_blocks_come_together_and_no_window_is_looked_at_twice() -> None:
    blocks = {n: block(0.6, at) for n, at in enumerate((100, 2990, 20, 1500, 2900, 5))}
    together, singly = Seeing(lambda start: start % 7 / 10), Seeing(lambda start: start % 7 / 10)
    whole = steadied(blocks, together)
    between = Between(CutConfig(), singly)
    for number, curves in blocks.items():
        part = curves.copy()
        between.steady([window(number)], [part])
        assert np.array_equal(part, whole[number])
    assert sorted(singly.starts) == sorted(together.starts) and len(set(together.starts)) == len(together.starts)


def test_what_no_block_to_come_shares_is_forgotten() -> None:
    between = Between(CutConfig(), Seeing())
    for number in range(200):
        between.steady([window(number)], [block(0.5, 1500)])
    assert 0 < len(between._said) < 7 and all(said.shape[1] < IN_SAMPLES for said in between._said.values())
    between.steady([window(900)], [block(0.0, 1500)])
    assert not between._said


def test_instruments_do_not_mix() -> None:
    seeing = Seeing()
    windows = [window(5, "XX.A..HH"), window(5, "XX.B..HH")]
    Between(CutConfig(), seeing).steady(windows, [block(0.5, 1700), block(0.5, 1700)])
    assert len(seeing.starts) == 12 and len(set(seeing.starts)) == 6


@pytest.mark.parametrize(("stride", "count"), [(6000, 3), (3000, 1), (3000, 3), (3000, 7), (1500, 3), (1000, 3)])
def test_windows_in_between_are_even_and_at_all_places_of_the_strides_of_the_network(stride: int, count: int) -> None:
    found = np.array(starts(stride, count))
    steps = np.diff([0, *found[found > 0], stride])
    assert len(steps) == count + 1 and np.ptp(steps) < 2 * 48 and (found > -IN_SAMPLES).all() and (found < stride).all()
    if count >= 3:
        assert {0, *(found[found > 0] % 4).tolist()} == {0, 1, 2, 3}  # the stem's stride, with the window of the stride


def test_none_is_laid_where_none_is_asked_for_or_the_stride_is_short() -> None:
    assert starts(3000, 0) == () and starts(100, 3) == ()
    assert steadied({5: block(0.5, 1700)}, seeing := Seeing(), CutConfig(between=0)) and seeing.starts == []


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
    detector, edges = jijin.Detector(Fickle()), edge_weights(CutConfig().blinding_s)
    (pick,) = detector.feed(ramp) + detector.flush()
    begun = [9000, 6000, *(9000 + start for start in STARTS if 0 < ONSET - 9000 - start < IN_SAMPLES)]
    wanted = np.average([height_from(at) for at in begun], weights=[edges[ONSET - at] for at in begun])
    assert pick.probability == pytest.approx(wanted, abs=1e-4) and len(begun) == 8
    assert pick.time_ns - start_ns == pytest.approx(ONSET * 10**7, abs=10**5)


@pytest.mark.parametrize("between", [-1, 16])
def test_a_number_that_cannot_be_is_an_error(between: int) -> None:
    with pytest.raises(jijin.ConfigError, match="'between' must be from 0, for none, to 15"):
        CutConfig(between=between)
