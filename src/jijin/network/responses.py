"""What an inventory says of a channel at a time: its response, checked, where the sensor is and how it is turned."""

from __future__ import annotations

import warnings
from collections import defaultdict
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from jijin.errors import DataError
from jijin.types import utc

if TYPE_CHECKING:
    from obspy import Inventory
    from obspy.core.inventory import Channel
    from obspy.core.inventory.response import Response

GROUND_MOTION = {  # input units as StationXML writes them, prefixes included, that evalresp converts to metres
    prefix + unit
    for prefix in ("", "C", "M", "N")
    for unit in ("M", "M/S", "M/SEC", "M/S**2", "M/(S**2)", "M/SEC**2", "M/(SEC**2)")
} | {"M/S/S"}
COUNTS = {"COUNT", "COUNTS"}
NOTED, REFUSED = 1.05, 2.0  # factors by which stages and overall sensitivity may differ


@dataclass(frozen=True, slots=True, eq=False)
class Sensor:
    """A channel's response during one epoch; note says what is odd about it, "" if nothing is."""

    seed_id: str
    elevation_m: float  # of the sensor above sea level
    horizontal: bool
    response: Response = field(repr=False)
    note: str = ""

    def to_displacement(self, samples: int, sampling_rate: float) -> NDArray[np.complex64]:
        """Counts per metre at the frequencies of rfft(samples), (samples // 2 + 1,)."""
        return _evaluate(self, samples, sampling_rate)


@lru_cache(maxsize=1024)  # FIR stages take tens of milliseconds; windows of a network share a few lengths of 30 kB
def _evaluate(sensor: Sensor, samples: int, sampling_rate: float) -> NDArray[np.complex64]:
    frequencies = np.fft.rfftfreq(samples, 1 / sampling_rate)
    return _evalresp(sensor.response, frequencies, "DISP").astype(np.complex64)


def _evalresp(response: Response, frequencies: Any, output: str) -> NDArray[np.complex128]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what matters of it is checked below, in words
        found = response.get_evalresp_response_for_frequencies(
            frequencies, output=output, hide_sensitivity_mismatch_warning=True
        )
    return np.asarray(found, np.complex128)


class Sensors:
    """Channels of an ObsPy Inventory by seed_id and time. Responses are checked when they are first asked for."""

    def __init__(self, inventory: Inventory) -> None:
        self._epochs: dict[str, list[Channel]] = defaultdict(list)
        self._checked: dict[int, Sensor | DataError] = {}
        for network in inventory:
            for station in network:
                for channel in station:
                    seed_id = f"{network.code}.{station.code}.{channel.location_code}.{channel.code}"
                    self._epochs[seed_id].append(channel)

    def at(self, seed_id: str, time_ns: int) -> Sensor:
        """The sensor with a usable response at a time. Raises DataError with the reason, a clause, if there is none."""
        epochs = [channel for channel in self._epochs.get(seed_id, []) if _covers(channel, time_ns)]
        if not epochs:
            raise DataError("no response for this time" if seed_id in self._epochs else "no response")
        if any(other.response != epochs[0].response for other in epochs[1:]):
            raise DataError(f"{len(epochs)} epochs with different responses at the same time")
        key = id(epochs[0])
        if key not in self._checked:
            self._checked[key] = _checked(seed_id, epochs[0])
        found = self._checked[key]
        if isinstance(found, DataError):
            raise found
        return found


def _covers(channel: Channel, time_ns: int) -> bool:
    time = utc(time_ns)
    return (channel.start_date is None or channel.start_date <= time) and (
        channel.end_date is None or time < channel.end_date
    )


def _checked(seed_id: str, channel: Channel) -> Sensor | DataError:
    try:
        note = check_response(channel.response)
    except DataError as error:
        return error
    horizontal = seed_id[-1] in "NE12" if channel.dip is None else abs(channel.dip) < 45
    return Sensor(seed_id, channel.elevation - (channel.depth or 0.0), horizontal, channel.response, note)


def check_response(response: Response | None) -> str:
    """A note on what is odd but usable, "" if nothing is. Raises DataError with the reason, a clause, if unusable.

    Asked for: stages from ground displacement, velocity or acceleration to counts, and an overall sensitivity that
    agrees with them. A factor over 1.05 between the two is noted and the stages are used; over 2 is refused.
    """
    if response is None or not response.response_stages:
        raise DataError("the response has no stages")
    overall = response.instrument_sensitivity
    if overall is None or not overall.value or not overall.frequency:
        raise DataError("the response has no overall sensitivity")
    units = _unit(response.response_stages[0].input_units or overall.input_units)
    if units not in GROUND_MOTION:
        raise DataError(f"the response starts from {units or 'unknown units'}, not from M, M/S or M/S**2")
    if overall.input_units and _unit(overall.input_units) != units:
        raise DataError(f"the stages start from {units}, the overall sensitivity from {_unit(overall.input_units)}")
    last = _unit(response.response_stages[-1].output_units or overall.output_units)
    if last not in COUNTS:
        raise DataError(f"the response ends in {last or 'unknown units'}, not in counts")
    return _compare(response)


def _unit(name: str | None) -> str:
    return (name or "").strip().upper()


def _compare(response: Response) -> str:
    """How the stages agree with the overall sensitivity, at its frequency."""
    overall = response.instrument_sensitivity
    try:
        stages = float(np.abs(_evalresp(response, [overall.frequency], "DEF")[0]))
    except Exception as error:  # evalresp's wrapper raises anything from ValueError to ObsPyException
        raise DataError(f"the response cannot be evaluated: {' '.join(str(error).split())[:120]}") from error
    factor = stages / abs(overall.value)
    if not 1 / REFUSED < factor < REFUSED:
        raise DataError(f"the stages give {factor:.3g} times the overall sensitivity")
    return "" if 1 / NOTED < factor < NOTED else f"the stages give {factor:.3g} times the overall sensitivity"
