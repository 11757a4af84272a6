"""A made-up network and its earthquakes among picks of nothing."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from jijin.network.build import EventBuilder
from jijin.network.velocity import VelocityModel
from jijin.types import Event, Pick

sys.path.append(str(Path(__file__).parents[1] / "tests"))  # earthquakes.py: networks with known answers
from earthquakes import VP, VS, Truth, false_picks, network, owners, swarm

DEEPEST_KM = 20.0


def made_up(
    count: int, extent_km: float, earthquakes: int, seconds: float, false: Callable[[int], int]
) -> tuple[EventBuilder, list[Truth], list[Pick]]:
    """What builds events of a network with its own velocities, the earthquakes, all picks.

    false : how many picks of nothing there are beside so many of earthquakes.
    """
    rng = np.random.default_rng(count)
    stations = network(count, extent_km, rng)
    truths = swarm(stations, earthquakes, seconds, extent_km, min(DEEPEST_KM, extent_km / 2), rng)
    true = [pick for truth in truths for pick in truth.picks]
    picks = true + false_picks(stations, false(len(true)), seconds, rng)
    return EventBuilder(stations, VelocityModel("half-space", (0.0,), (VP,), (VS,))), truths, picks


def earthquake_of_each(events: Sequence[Event], truths: Sequence[Truth]) -> list[int | None]:
    """Of every event the index of the earthquake that it is; None if it is of nothing, or one too many."""
    return owners(truths, [event.origin.picks for event in events])
