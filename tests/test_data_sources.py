"""Synthetic sources do what they are said to do, measured by other means than they are made."""

from __future__ import annotations

import numpy as np
import pytest

from jijin.data.sources import blast, disturbed, engine, hammer, on_noise, tone, train
from jijin.data.synthetic import earthquake


def test_the_s_of_blasts_is_weaker_than_that_of_earthquakes() -> None:
    def ratio(event: object) -> float:
        e = event
        data, p, s = e.data, int(e.p_sample), int(e.s_sample)  # type: ignore[attr-defined]
        return float(np.abs(data[:, p:s]).max() / max(np.abs(data[:, s : s + (s - p) // 2]).max(), 1e-9))

    rng = np.random.default_rng(0)
    assert np.median([ratio(blast(rng, 6.0)) for _ in range(30)]) > 2 * np.median(
        [ratio(earthquake(rng, 6.0)) for _ in range(30)]
    )


def test_a_blast_moves_the_ground_up_first_and_is_silent_before() -> None:
    rng = np.random.default_rng(1)
    for _ in range(10):
        e = blast(rng, 4.0)
        first = e.data[0, int(e.p_sample) + 1 : int(e.p_sample) + 12]
        assert first[np.abs(first).argmax()] > 0 and np.abs(e.data).max() == pytest.approx(1)


def test_a_hammer_strikes_evenly_and_an_engine_hums() -> None:
    rng = np.random.default_rng(2)
    spectrum = np.abs(np.fft.rfft(engine(rng, 6000)[0] * np.hanning(6000))) ** 2
    assert spectrum.max() > 1000 * np.median(spectrum)
    blows = np.abs(hammer(np.random.default_rng(5), 6000)[0])
    starts = np.flatnonzero((blows[1:] > 0.5 * blows.max()) & (blows[:-1] <= 0.5 * blows.max()))
    gaps = np.diff(starts)
    gaps = gaps[gaps > 30]
    assert len(gaps) > 4 and gaps.std() < 0.25 * gaps.mean()


def test_a_tone_is_switched_on_and_off_once_and_most_of_its_power_is_in_few_lines() -> None:
    drawn = [tone(np.random.default_rng(seed), 6000) for seed in range(40)]
    on = [np.abs(x).max(0) > 0 for x in drawn]
    assert all(x.shape == (3, 6000) and x.dtype == np.float32 and np.isfinite(x).all() for x in drawn)
    assert sum(x.any() and not x.all() for x in on) > 20
    power = [(np.abs(np.fft.rfft(x)) ** 2).sum(0) for x, there in zip(drawn, on, strict=True) if there.sum() > 3000]
    assert np.median([np.sort(p)[-60:].sum() / p.sum() for p in power]) > 0.5  # of 3001 frequencies


def test_a_train_comes_and_goes() -> None:
    x = train(np.random.default_rng(3), 12000)[0] ** 2
    assert x[:500].mean() < 0.05 * x.max() and x[-500:].mean() < 0.05 * x.max() and x.shape == (12000,)


def test_the_same_generator_gives_the_same_windows_on_real_noise_too() -> None:
    background = np.random.default_rng(9).normal(size=(3, 6000)).astype(np.float32)
    for make in (lambda r: on_noise(r, blast(r), background), disturbed):
        a, b = (make(np.random.default_rng(4)) for _ in range(2))
        assert np.array_equal(a, b) and np.isfinite(a).all()
    assert on_noise(np.random.default_rng(0), blast(np.random.default_rng(0)), background).shape == (3, 6000)
