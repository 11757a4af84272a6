"""What a slow layer below a station makes of P and S: at its base some of P becomes S, and some of S becomes P.

Both run steeply in the layer. So Ps is P's vertical motion again, later and on the radial; Sp is S's radial motion (SV)
ahead of S and on the vertical, where it is taken for S by those who look at one component. The time between is that by
which S is slower through the layer: see Langston 1979, doi:10.1029/JB084iB09p04749, on such receiver functions.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from jijin.data.draw import log_uniform
from jijin.types import RATE

LAYERED = 0.5  # of the stations stand on one
LAG_S = (0.05, 0.6)  # 100 m to 2 km of sediments or lava
NEAREST = 0.4  # share of S-P that the lag is below
PS = (0.05, 0.5)  # of P's vertical
SP = (0.1, 1.0)  # of S's radial: 0.3 to 1.0 is plain at stations of Hengill, Iceland


def conversions(
    rng: Generator, p: NDArray[Any], s: NDArray[Any], s_minus_p: float
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Ps and Sp of the wave trains P and S, all (3, sample) of vertical, radial, transverse; zeros without a layer."""
    ps, sp = np.zeros_like(p), np.zeros_like(s)
    lag_s, p_share, s_share = (log_uniform(rng, *limits) for limits in (LAG_S, PS, SP))
    lag = round(lag_s * RATE)
    if rng.random() < LAYERED and lag_s < earliest_s_as_p(s_minus_p):
        ps[1, lag:] = p_share * p[0, :-lag]
        sp[0, :-lag] = s_share * s[1, lag:]
    return ps, sp


def earliest_s_as_p(s_minus_p: float) -> float:
    """Seconds ahead of S that an Sp comes at most."""
    return min(LAG_S[1], NEAREST * s_minus_p)
