"""What the first seconds after a P tell at one station: peak displacement Pd and characteristic period tau_c.

Both follow Wu and Kanamori (2005, BSSA 95, 1181-1185): the vertical as velocity and as displacement, a high-pass of
0.075 Hz (two poles, causal) after each integration, the first three seconds after the P.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jijin.errors import DataError
from jijin.io.archive import Waveforms
from jijin.io.timeline import joined
from jijin.network.responses import Sensors
from jijin.types import NS, Pick, Segment, instrument_id, net_sta, ns_to_samples, nsl

SECONDS = 3.0  # after the P
BEFORE_S = 30.0  # for the filter to settle, and the noise before
LEAST_S = 1.0  # after the P: with less there are no features yet
HIGHPASS_HZ = 0.075
STA_S, LTA_S = 1.0, 20.0


@dataclass(frozen=True, slots=True)
class Onsite:
    """Features of one P. pd_m is None where no response says what a count is."""

    seconds: float  # after the P that were there
    pd_m: float | None
    tau_c_s: float
    snr_db: float  # of the vertical, those seconds against the ones before


def measure(pick: Pick, waveforms: Waveforms, sensors: Sensors | None) -> Onsite | None:
    """Features of a P pick; None with less than LEAST_S of data after it, or a gap around it."""
    segment = _vertical(pick, waveforms)
    if segment is None:
        return None
    at = round(ns_to_samples(pick.time_ns - segment.start_ns, segment.sampling_rate))
    counts = segment.data.astype(float)
    counts -= counts[:at].mean()
    velocity = _velocity(counts, segment)
    displacement = _highpass(_integral(velocity, segment.sampling_rate), segment.sampling_rate)
    v, u = _highpass(velocity, segment.sampling_rate)[at:], displacement[at:]
    energy = float((u**2).sum())
    if energy == 0:
        return None
    gain = _counts_per_unit(segment.seed_id, pick.time_ns, sensors)
    pd_m = float(np.abs(u).max()) / gain if gain else None
    noise = float(np.sqrt((counts[:at] ** 2).mean())) or 1e-12
    snr_db = 20 * np.log10(float(np.sqrt((counts[at:] ** 2).mean())) / noise + 1e-12)
    tau_c_s = float(2 * np.pi / np.sqrt((v**2).sum() / energy))
    return Onsite(len(u) / segment.sampling_rate, pd_m, tau_c_s, float(snr_db))


def _vertical(pick: Pick, waveforms: Waveforms) -> Segment | None:
    """The vertical from before the P on, in one piece."""
    name = instrument_id(pick.seed_id)
    found = waveforms(nsl(pick.seed_id), pick.time_ns - int(BEFORE_S * NS), pick.time_ns + int(SECONDS * NS))
    runs = joined(one for one in found if one.seed_id in (name + "Z", name + "3"))
    whole = [one for one in runs if one.start_ns <= pick.time_ns - 5 * NS and one.end_ns >= pick.time_ns + LEAST_S * NS]
    return whole[0] if whole else None


def _velocity(counts: NDArray[Any], segment: Segment) -> NDArray[Any]:
    """Of an accelerometer (instrument code N) the integral, else the samples."""
    if segment.seed_id[-2] == "N":
        return _highpass(_integral(counts, segment.sampling_rate), segment.sampling_rate)
    return counts


def _integral(x: NDArray[Any], sampling_rate: float) -> NDArray[Any]:
    return np.cumsum(x) / sampling_rate


def _highpass(x: NDArray[Any], sampling_rate: float) -> NDArray[Any]:
    from scipy.signal import butter, sosfilt

    return np.asarray(sosfilt(butter(2, HIGHPASS_HZ, "highpass", fs=sampling_rate, output="sos"), x))


def _counts_per_unit(seed_id: str, time_ns: int, sensors: Sensors | None) -> float | None:
    """Overall sensitivity: counts per m/s, or per m/s**2 of an accelerometer."""
    if sensors is None:
        return None
    try:
        return float(sensors.at(seed_id, time_ns).response.instrument_sensitivity.value)
    except DataError:
        return None


def sta_lta(names: Sequence[str], waveforms: Waveforms, now_ns: int) -> dict[str, float]:
    """By station with data: the highest STA/LTA of the verticals of sensors (NET.STA.LOC) in the ten seconds before."""
    from scipy.signal import butter, sosfilt

    out: dict[str, float] = {}
    for name in names:
        found = joined(s for s in waveforms(name, now_ns - 40 * NS, now_ns) if s.seed_id[-1] in "Z3")
        for one in found:
            rate = one.sampling_rate
            if len(one.data) < (LTA_S + 5) * rate:
                continue
            x = (
                sosfilt(butter(2, min(1.0, rate / 5), "highpass", fs=rate, output="sos"), one.data - one.data.mean())
                ** 2
            )
            sums = np.concatenate([[0.0], np.cumsum(x)])
            short, long = round(STA_S * rate), round(LTA_S * rate)
            sta = (sums[long + short :] - sums[long:-short]) / short
            lta = (sums[long:-short] - sums[: -long - short]) / long
            ratio = float((sta / np.maximum(lta, 1e-12 * x.max() + 1e-30))[-round(10 * rate) :].max())
            out[net_sta(one.seed_id)] = max(out.get(net_sta(one.seed_id), 0.0), ratio)
    return out
