import pytest

from jijin.evaluate import evaluation_windows
from jijin.evaluate.groups import parts
from pickers import picker, step_trace

NEAR = step_trace(2000, 2100, n=6000, group="near", snr_db=3.0)
FAR = step_trace(2000, 4000, n=6000, group="far", snr_db=40.0, distance_km=150.0)


def test_windows_are_scored_by_their_own_ratio_distance_and_data_set():
    early = picker(lambda x: -8.0 if x < 2100 else None)
    rows = {(r.by, r.part, r.phase): r for r in parts(early, evaluation_windows([NEAR, FAR]))}
    assert rows["SNR", "-inf to 5 dB", "P"].labels == rows["SNR", "30 to inf dB", "P"].labels == 1
    assert rows["distance", "0 to 10 km", "P"].f1 == 1  # 1 s of S-P is 8 km
    assert rows["distance", "60 to inf km", "S"].f1 == 0
    both = rows["data set", "set", "P"]
    assert both.labels == 2 and both.mean_s == both.median_s == pytest.approx(-0.08, abs=1e-3)
