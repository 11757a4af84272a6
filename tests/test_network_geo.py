"""Distances and frames against ObsPy's own geodesics."""

from __future__ import annotations

import numpy as np
import pytest
from obspy.geodetics import gps2dist_azimuth

from jijin.network.geo import LocalFrame, azimuthal_gap_deg, distance_azimuth

PAIRS = [
    (37.5, 127.0, 35.1, 129.0),
    (-43.3, 170.4, -43.5, 170.2),
    (64.0, -21.4, 64.1, -21.2),
    (52.0, 179.9, 52.1, -179.8),
]


@pytest.mark.parametrize("pair", PAIRS)
def test_distance_and_azimuth_are_obspys(pair: tuple[float, float, float, float]) -> None:
    metres, azimuth, _ = gps2dist_azimuth(*pair)
    assert distance_azimuth(*pair) == pytest.approx((metres / 1000, azimuth), abs=1e-5)


def test_a_point_at_a_distance_and_azimuth_comes_back_from_the_frame() -> None:
    frame = LocalFrame(52.0, 179.9)  # across the date line
    east, north = np.array([0.0, 30.0, -250.0]), np.array([0.0, -40.0, 10.0])
    latitude, longitude = frame.to_degrees(east, north)
    assert np.allclose(frame.to_km(latitude, longitude), (east, north), atol=1e-6)
    distance, azimuth = distance_azimuth(52.0, 179.9, latitude[1], longitude[1])
    assert (distance, azimuth) == pytest.approx((50.0, np.degrees(np.arctan2(30, -40))))
    assert longitude.min() >= -180 and longitude[1] < 0


def test_arguments_are_not_written_into() -> None:
    latitude, longitude = np.array([46.0, 46.5]), np.array([7.0, 7.5])
    LocalFrame(46.0, 7.0).to_km(latitude, longitude)
    assert latitude.tolist() == [46.0, 46.5] and longitude.tolist() == [7.0, 7.5]


@pytest.mark.parametrize(
    ("azimuths", "gap"), [([], 360), ([10], 360), ([10, 10], 360), ([0, 90, 180, 270], 90), ([350, 20], 330)]
)
def test_the_gap_goes_around_the_clock(azimuths: list[float], gap: float) -> None:
    assert azimuthal_gap_deg(azimuths) == gap
