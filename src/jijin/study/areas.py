"""Where a window comes from, in words: its data set, and the part of the world if its epicentre is known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

# Coarse boxes, the first that holds an epicentre names it; west > east: across 180 degrees.
REGIONS = (  # name, south, north, west, east (degrees)
    ("California and Nevada", 32, 42, -126, -114),
    ("Pacific Northwest", 42, 52, -131, -114),
    ("Hawaii", 17, 24, -162, -153),
    ("Alaska and the Aleutians", 50, 73, 170, -131),
    ("central North America", 25, 72, -114, -90),
    ("eastern North America", 25, 72, -90, -50),
    ("Central America and the Caribbean", 5, 32, -118, -58),
    ("South America", -60, 13, -85, -32),
    ("Europe and the Mediterranean", 33, 73, -25, 42),
    ("Africa", -36, 33, -20, 52),
    ("Middle East and Central Asia", 12, 56, 42, 95),
    ("Japan and Korea", 24, 46, 124, 150),
    ("New Zealand", -50, -32, 164, -175),
    ("Southeast Asia and Oceania", -50, 24, 90, -140),
    ("northern Asia", 24, 80, 95, 180),
    ("Antarctica", -90, -60, -180, 180),
)
LATITUDE, LONGITUDE = "source_latitude_deg", "source_longitude_deg"


def region(latitude: float, longitude: float) -> str:
    """Name of the box that holds an epicentre (degrees); empty without one.

    >>> region(-22.3, -67.2), region(52.0, 179.0), region(float("nan"), 0.0)
    ('South America', 'Alaska and the Aleutians', '')
    """
    if not (np.isfinite(latitude) and np.isfinite(longitude)):
        return ""
    east_of_greenwich = (longitude + 180) % 360 - 180
    for name, south, north, west, east in REGIONS:
        inside = west <= east_of_greenwich <= east if west <= east else not east < east_of_greenwich < west
        if south <= latitude <= north and inside:
            return name
    return "elsewhere"


def areas(labels: pd.DataFrame) -> NDArray[Any]:
    """Of each row "DATASET, REGION", or "DATASET" where no epicentre is known; (row,) strings."""
    latitude, longitude = numbers(labels, LATITUDE), numbers(labels, LONGITUDE)
    names = labels["dataset"].astype(str)
    words = [region(*place) for place in zip(latitude.tolist(), longitude.tolist(), strict=True)]
    return np.array([f"{n}, {w}" if w else n for n, w in zip(names, words, strict=True)], dtype=object)


def numbers(labels: pd.DataFrame, column: str) -> NDArray[np.float64]:
    """A column as floats; all NaN where the table has none."""
    if column not in labels:
        return np.full(len(labels), np.nan)
    return labels[column].to_numpy(np.float64, na_value=np.nan)
