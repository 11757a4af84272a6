"""Peaks of stitched curves moved to where the waveform changes: once, and the same wherever a block begins."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

import jijin
from fakes import START_NS, FakeModel, record
from jijin import moved
from jijin.config import CutConfig
from jijin.moved import Moved
from jijin.onsets import REACH, retime
from jijin.peaks import refine
from jijin.types import IN_SAMPLES
from jijin.windows import TAIL, Window

Curves = NDArray[np.float32]
STRIDE, FIRST, BLOCKS = 3000, 5, 4
LENGTH = BLOCKS * STRIDE


def bell(at: float, height: float = 0.8) -> Curves:
    return (height * np.exp(-0.5 * ((np.arange(LENGTH) - at) / 20) ** 2)).astype(np.float32)


def curves(p: Sequence[float] = (), s: Sequence[float] = ()) -> Curves:
    """Peaks at these samples of four blocks."""
    rows = [np.max([np.zeros(LENGTH, np.float32), *map(bell, at)], axis=0) for at in ((), p, s)]
    return np.stack(rows).astype(np.float32)


def noise(*changes: int) -> NDArray[np.float64]:
    """Three components, so long before the blocks as windows reach back, that grow at these samples of the blocks."""
    x = np.random.default_rng(0).standard_normal((3, TAIL + LENGTH + 2 * IN_SAMPLES))
    for change in changes:
        x[:, TAIL + change :] *= 20
    return x


def pushed(
    what: Curves, samples: NDArray[np.float64], sizes: Sequence[int] = (BLOCKS,), later: int = 1, stride: int = STRIDE
) -> Curves:
    """What comes of curves and the block without anything behind them; windows start `later` blocks after theirs."""
    moving, parts = Moved(stride), []
    padded = np.concatenate([what, np.zeros((3, REACH // stride * stride + stride), np.float32)], axis=1)
    stops = np.cumsum([*sizes, (padded.shape[1] - sum(sizes) * stride) // stride])
    for at, stop in zip([0, *stops[:-1]], stops, strict=True):
        windows = []
        for block in range(at + later, stop + later):
            start = TAIL + block * stride
            windows.append(Window("XX.A..HH", FIRST + block, samples[:, start - TAIL : start + IN_SAMPLES], TAIL))
        start, out = moving.push(windows, FIRST + at, padded[:, at * stride : stop * stride])
        assert start == (FIRST + at) * stride - REACH and out.shape == (3, (stop - at) * stride)
        parts.append(out)
    return np.concatenate(parts, axis=1)[:, REACH:][:, : what.shape[1]]


def at(curve: Curves) -> float:
    return refine(curve, int(curve.argmax()))


@pytest.mark.parametrize("off", [-701, -301, -299, -101, -20, -1, 0, 1, 20, 99, 301, 1500])
@pytest.mark.parametrize("phase", [1, 2])
def test_a_peak_moves_as_in_a_window_by_itself_wherever_blocks_begin(off: int, phase: int) -> None:
    onset = 2 * STRIDE + off
    what, samples = curves(*[[onset + 14.0]] * 2), noise(onset)
    what[3 - phase] = 0
    window = samples[:, TAIL + onset - 3000 :][:, :IN_SAMPLES].astype(np.float32)
    alone = retime(window, np.zeros(window.shape, bool), *what[1:, onset - 3000 : onset + 3000])[phase - 1]
    out = pushed(what, samples)[phase]
    assert at(out) == pytest.approx(at(alone) + onset - 3000, abs=0.3) and at(out) < onset + 10
    assert out.max() == pytest.approx(what[phase].max(), abs=0.01)


def test_no_peak_is_lost_or_doubled_at_a_seam() -> None:
    for off in range(-40, 41, 5):
        peak = 2 * STRIDE - REACH + off
        out = pushed(curves([peak]), noise(peak - 22))[1]
        assert (out.sum(), out.max()) == pytest.approx((bell(peak).sum(), 0.8), rel=0.02)


def test_an_s_knows_of_the_p_ahead_of_it_on_the_other_side_of_a_seam() -> None:
    seam = 2 * STRIDE - REACH
    out = pushed(curves([seam - 5], [seam + 20]), noise(seam - 5))
    assert at(out[2]) == pytest.approx(seam + 20, abs=0.01)
    assert at(pushed(curves([], [seam + 20]), noise(seam - 5))[2]) < seam + 10


@pytest.mark.parametrize("sizes", [(1, 1, 1, 1), (1, 3), (2, 2), (3, 1)])
@pytest.mark.parametrize("later", [0, 1])
def test_it_does_not_matter_what_comes_with_what(sizes: Sequence[int], later: int) -> None:
    what, samples = curves([2500, 5950, 9020], [3010, 6010]), noise(2480, 5990)
    assert np.array_equal(pushed(what, samples, sizes, later), pushed(what, samples))


def test_blocks_may_be_shorter_than_what_is_seen_beside_them() -> None:
    what, samples = curves([4020], [9015]), noise(4000, 9000)
    short, long = (pushed(what, samples, (LENGTH // stride,), 1, stride) for stride in (100, 6000))
    assert np.allclose(short, long, atol=0.02) and at(short[1]) == pytest.approx(4006, abs=1)


def test_detections_and_what_came_in_stay_as_they_are() -> None:
    what, samples = curves([2500]), noise(2480)
    what[0] = 0.7
    before = what.copy()
    assert np.array_equal(pushed(what, samples)[0], what[0]) and np.array_equal(what, before)


def test_where_no_peak_is_no_sample_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(moved, "normalise", None)
    what = 0.1 * curves([2500])
    assert np.array_equal(pushed(what, noise(2480)), what)


def test_after_a_gap_nothing_is_left_of_before() -> None:
    moving, what, samples = Moved(STRIDE), curves([LENGTH - 100.0]), noise()
    windows = [Window("XX.A..HH", FIRST + block, samples, TAIL) for block in range(BLOCKS)]
    moving.push(windows, FIRST, what)
    later = [Window("XX.A..HH", FIRST + 9 + block, samples, TAIL) for block in range(BLOCKS)]
    _, out = moving.push(later, FIRST + 9, np.zeros_like(what))
    assert not out.any()


def test_nothing_is_moved_into_a_gap() -> None:
    what, samples = curves([6012]), noise(6000)
    samples[:, TAIL + 6015 : TAIL + 6400] = np.nan
    assert pushed(what, samples)[1, 5990:6015].all() and not pushed(what, samples)[1:, 6015:6400].any()


class Unmoved(FakeModel):
    """Leaves its peaks where they are, a tenth of a second late; remembers what it was asked for."""

    asked: bool | None = None

    def unmoved(self, looks: bool) -> Unmoved:
        self.asked = looks
        return self

    def predict(self, windows: object) -> jijin.models.Prediction:
        p = super().predict(windows).p  # type: ignore[arg-type]
        late = np.roll(p, 15, axis=1)  # FakeModel itself is 0.07 s late
        return jijin.models.Prediction(late * 0, late, late * 0)


@pytest.mark.parametrize(("cut", "looks"), [(CutConfig(), False), (CutConfig(between=0), True)])
def test_a_detector_moves_the_peaks_of_a_model_that_leaves_that_to_it(cut: CutConfig, looks: bool) -> None:
    onset_ns = START_NS + 100 * 10**9
    model, noisy = Unmoved(), record("XX.A..HHZ", 200, {100.0: 1.0})
    picks = jijin.pick([noisy], model, stride_s=cut.stride_s, between=cut.between)
    (late_s,) = [(pick.time_ns - onset_ns) / 1e9 for pick in picks if abs(pick.time_ns - onset_ns) < 10**9]
    assert model.asked == looks and -0.02 < late_s < 0.12
