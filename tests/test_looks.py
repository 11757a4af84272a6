"""Second looks at doubtful windows; the network is made up here, so that what it should say is known."""

import math

import numpy as np
import pytest

from jijin.looks import DOUBT, FADE, STARTS, doubt, look_again, settle
from jijin.onsets import retime
from jijin.signal import shifted

STRIDE, POOLS = 4, (2, 2, 3)  # of jijin.models.cba, which needs torch
WHOLE = np.zeros((3, 6000), bool)
SILENT = np.zeros(6000, np.float32)


def bell(height, centre=3000):
    return (height * np.exp(-0.5 * ((np.arange(6000) - centre) / 5) ** 2)).astype(np.float32)


class Fickle:
    """A network that gives P the heights in turn, at the window's highest sample; it tells how often it looked."""

    def __init__(self, *heights):
        self.heights, self.looks = heights, 0

    def __call__(self, windows):
        said = [np.stack([SILENT, bell(h, x[0].argmax()), SILENT]) for h, x in zip(self.heights, windows, strict=True)]
        self.looks += len(windows)
        return np.stack(said).swapaxes(0, 1)


def spike(at=3000):
    window = np.zeros((3, 6000), np.float32)
    window[:, at] = 9
    return window


@pytest.mark.parametrize(("height", "looks"), [(0.05, 0), (0.14, 0), (0.2, 3), (0.9, 3), (0.99, 0)])
def test_only_a_doubtful_window_is_looked_at_again(height, looks):
    network = Fickle(0.5, 0.5, 0.5)
    settle(spike(), WHOLE, np.stack([SILENT, bell(height), SILENT]), network)
    assert network.looks == looks


@pytest.mark.parametrize(("edge", "into"), [(DOUBT[0], 1), (DOUBT[1], -1)])
def test_the_other_looks_come_to_count_little_by_little_lest_rounding_decides(edge, into):
    heights = edge + into * np.float32([-1e-3, 1e-3, FADE / 2, FADE - 1e-3, FADE + 1e-3])
    settled = [settle(spike(), WHOLE, np.stack([SILENT, bell(h), SILENT]), Fickle(0.5, 0.5, 0.5)) for h in heights]
    shares = [(x[1].max() - h) / (0.75 * (0.5 - h)) for x, h in zip(settled, heights, strict=True)]
    assert np.allclose(shares, [0, 0, 0.5, 1, 1], atol=0.05)


def test_without_further_starts_the_first_look_is_believed():
    network = Fickle()
    settled = settle(spike(), WHOLE, np.stack([SILENT, bell(0.5), SILENT]), network, ())
    assert settled[1].max() == pytest.approx(0.5, 0.01) and network.looks == 0


@pytest.mark.parametrize("phase", [1, 2])
def test_a_doubtful_s_is_as_good_a_reason_as_a_doubtful_p(phase):
    curves = [bell(0.99), bell(0.99)]
    assert doubt(*curves) == 0
    curves[phase - 1] = bell(0.4)
    assert doubt(*curves) == 1


def test_the_mean_of_the_looks_counts_and_lies_where_the_first_one_lay():
    network = Fickle(0.2, 0.3, 0.9)
    mean = look_again(spike(), np.stack([SILENT, bell(0.6), SILENT]), network)
    assert np.allclose(mean, np.stack([SILENT, bell(0.5), SILENT]), atol=1e-6)


@pytest.mark.parametrize("at", [3, 5996])
def test_a_sample_that_a_look_lacks_is_the_others_alone(at):
    network = Fickle(0.6, 0.6, 0.6)
    mean = look_again(spike(at), np.stack([SILENT, bell(0.6, at), SILENT]), network)
    assert mean[1, at] == pytest.approx(0.6) and mean.max() < 0.601


def test_detections_are_averaged_too_and_nothing_that_came_in_is_changed():
    window, said = spike(), np.stack([np.ones_like(SILENT), bell(0.6), SILENT])
    before = window.copy(), said.copy()
    settled = settle(window, WHOLE, said, Fickle(0.6, 0.6, 0.6))
    assert np.allclose(settled[0, 100:-100], 0.25)
    assert (window == before[0]).all() and (said == before[1]).all()


def test_what_a_doubtful_window_gives_is_the_mean_of_its_looks():
    settled = settle(spike(), WHOLE, np.stack([SILENT, bell(0.8), SILENT]), Fickle(0.2, 0.2, 0.2))
    assert settled[1].max() == pytest.approx(0.35, abs=0.01)


@pytest.mark.parametrize("height", [0.6, 0.95])
def test_the_peak_of_any_number_of_looks_is_moved_to_the_onset(height):
    noise = np.random.default_rng(0).standard_normal((3, 6000)).astype(np.float32)
    noise[:, 3000:] *= 20
    said = np.stack([SILENT, bell(height, 3015), SILENT])

    def steady(windows):
        return np.stack([shifted(said, by) for by in STARTS]).swapaxes(0, 1)

    wanted, _ = retime(noise, WHOLE, bell(height, 3015), SILENT)
    at = int(settle(noise, WHOLE, said, steady)[1].argmax())
    assert abs(at - int(wanted.argmax())) <= 1 and at < 3010


def test_the_looks_begin_about_the_quarters_of_all_strides_together_and_at_every_phase_of_the_first():
    whole = STRIDE * math.prod(POOLS)
    at = np.sort([by % whole for by in (0, *STARTS)])
    assert np.abs(at - np.arange(4) * whole / 4).max() <= 3
    assert {by % STRIDE for by in (0, *STARTS)} == set(range(STRIDE))
