"""Two events as the stages hand them on: one with everything, one in the southern hemisphere with hardly anything."""

from __future__ import annotations

from jijin.types import (
    NS,
    Arrival,
    Detection,
    Event,
    Magnitude,
    Origin,
    Pick,
    SourceType,
    StationMagnitude,
)

T0 = 1_567_311_305_250_000_000  # 2019-09-01T04:15:05.25Z

PICKS = (
    Pick("NZ.COVA.10.HHZ", "P", T0 + 3_400_000_400, 0.05, 0.93, Detection(T0 + 3 * NS, T0 + 20 * NS, 0.98)),
    Pick("NZ.COVA.10.HHN", "S", T0 + 5_910_000_000, 0.12, 0.81),
    Pick("NZ.LABE..EHZ", "P", T0 + 4_000_000_000, 0.04, 0.77),
    Pick("NZ.WHAT..EHZ", "P", T0 + 9_000_000_000, 0.3, 0.41),
)
ARRIVALS = (
    Arrival(PICKS[0], 11.1195, 12.5, 95.0, 0.021, 1.0),
    Arrival(PICKS[1], 11.1195, 12.5, 96.0, -0.043, 0.8),
    Arrival(PICKS[2], 20.0, 190.0, 80.0, 0.002, 0.9),
    Arrival(PICKS[3], 33.0, 300.0, None, 2.6, 0.0),
)
COVARIANCE = (
    (0.25, 0.06, 0.0, 0.0),
    (0.06, 0.16, 0.0, 0.0),
    (0.0, 0.0, 1.44, 0.05),
    (0.0, 0.0, 0.05, 0.01),
)
ORIGIN = Origin(
    time_ns=T0,
    latitude=-43.25,
    longitude=170.5,
    depth_km=8.123,
    time_uncertainty_s=0.1,
    horizontal_uncertainty_km=(0.53, 0.36),
    ellipse_azimuth_deg=63.4,
    depth_uncertainty_km=1.2,
    covariance=COVARIANCE,
    depth_resolved=True,
    rms_s=0.034,
    azimuthal_gap_deg=177.5,
    nearest_km=11.1195,
    arrivals=ARRIVALS,
    velocity_model="regional",
    method="edt",
)
MAGNITUDE = Magnitude(
    kind="ML",
    value=1.85,
    uncertainty=0.22,
    formula="hutton_boore_1987",
    stations=(
        StationMagnitude("NZ.COVA.10.HHE", 1.70, 0.42, 0.21, T0 + 6 * NS, 13.8),
        StationMagnitude("NZ.COVA.10.HHN", 2.00, 0.84, 0.19, T0 + 6_500_000_000, 13.8, note="1.2 times"),
        StationMagnitude("NZ.LABE..EHN", 4.10, 60.0, 0.3, T0 + 8 * NS, 21.6, reason="outlier: +2.25"),
        StationMagnitude("NZ.WHAT..EHN", None, None, None, None, 34.0, reason="clipped"),
    ),
)
FULL = Event(
    event_id="20190901T041505-a1b2",
    origin=ORIGIN,
    magnitude=MAGNITUDE,
    source_type=SourceType(
        "quarry blast", 0.91, {"earthquake": 0.09, "quarry blast": 0.91}, (("hour of day", 1.25), ("S/P", -0.5))
    ),
    version=3,
    creation_ns=T0 + 60 * NS,
)
BARE = Event(
    event_id="20190901T050000-ffff",
    origin=Origin(
        time_ns=T0 + 2_694_750_000_000,
        latitude=64.0,
        longitude=-21.25,
        depth_km=-0.3,
        time_uncertainty_s=0.4,
        horizontal_uncertainty_km=(3.0, 1.5),
        ellipse_azimuth_deg=0.0,
        depth_uncertainty_km=9.0,
        covariance=COVARIANCE,
        depth_resolved=False,
        rms_s=0.2,
        azimuthal_gap_deg=300.0,
        nearest_km=40.0,
        arrivals=(Arrival(Pick("2C.BLK22..HHZ", "P", T0 + 2_700_000_000_000, 0.1, 0.5), 40.0, 3.0, 100.0, 0.0, 1.0),),
        velocity_model="my model",
        method="edt",
    ),
    magnitude=Magnitude("ML", None, None, "hutton_boore_1987", (), "no inventory with responses was given"),
    source_type=SourceType(None, 0.55, {"earthquake": 0.55, "explosion": 0.45}),
    evaluation_mode="manual",
)
EVENTS = [FULL, BARE]
