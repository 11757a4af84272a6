"""Pickers whose faults are known, for tests of what finds them."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

import numpy as np

from jijin.data.traces import LabelledTrace, P, S
from jijin.evaluate.pickers import Picker

STEP = 100.0  # value of the vertical from the P on, of the horizontals from the S on


def step_trace(p: float, s: float, n: int = 9000, group: str = "a", **about: object) -> LabelledTrace:
    """Z rises at P, N and E at S; tiny noise, so that no sample is missing."""
    data = np.random.default_rng(int(p)).normal(0, 1e-3, (3, n)).astype(np.float32) + 1
    data[0, round(p) :] += STEP
    data[1:, round(s) :] += STEP
    return LabelledTrace(data, (p,), (s,), (), group, "set", group, "earthquake", **about)


def bell(centre: float, height: float = 0.9, width: float = 4.0) -> np.ndarray:
    """(6000,) a Gaussian probability around a sample."""
    return (height * np.exp(-0.5 * ((np.arange(6000) - centre) / width) ** 2)).astype(np.float32)


class Steps:
    """Picks the steps exactly; fault(sample in the window) -> shift in samples, or None for no pick."""

    time_uncertainty: ClassVar = {"p": {"scale": 1.0, "floor_s": 0.0}, "s": {"scale": 1.0, "floor_s": 0.0}}

    def __init__(self, fault: Callable[[int], float | None] = lambda x: 0.0, width: float = 4.0) -> None:
        self.fault, self.width = fault, width

    def predict(self, windows: np.ndarray) -> dict[str, np.ndarray | None]:
        p = np.stack([self._curve(w[:1]) for w in windows])
        s = np.stack([self._curve(w[1:]) for w in windows])
        return {"p": p, "s": s, "det": None}

    def _curve(self, rows: np.ndarray) -> np.ndarray:
        rise = np.nan_to_num(np.diff(rows, axis=-1, prepend=rows[:, :1])).max(0)
        rise[1:][(rows[:, :-1] == 0).all(0)] = 0  # the end of a gap is no onset
        at = int(rise.argmax())
        shift = self.fault(at) if rise[at] > 50 else None
        return np.zeros(6000, np.float32) if shift is None else bell(at + shift, width=self.width)


def picker(fault: Callable[[int], float | None] = lambda x: 0.0, width: float = 4.0) -> Picker:
    return Picker("steps", Steps(fault, width), {P: 0.3, S: 0.3})
