"""One frozen dataclass per stage. An impossible value stops the run."""

from __future__ import annotations

from dataclasses import dataclass

from jijin.errors import ConfigError


def check_range(name: str, value: float, low: float, high: float) -> None:
    """Raise ConfigError unless low < value <= high."""
    if not low < value <= high:
        raise ConfigError(f"'{name}' must be in ({low:g}, {high:g}] (got {value:g})")


@dataclass(frozen=True, slots=True)
class CutConfig:
    """How the stream is laid on windows; the grid is fixed in UTC, so a window starts at a multiple of stride_s."""

    stride_s: float = 30.0  # half a window: every sample is seen twice, see docs/models.md
    blinding_s: float = 1.0  # edges of a window that count least when windows are stitched
    max_wait_s: float = 86_400.0  # data time a window waits for a channel that lags behind the station's newest

    def __post_init__(self) -> None:
        check_range("stride_s", self.stride_s, 0, 60)
        if not (60 / self.stride_s).is_integer():
            raise ConfigError(f"'stride_s' must divide the window of 60 s (got {self.stride_s:g}); 30, 20, 15 or 10 do")
        if not 0 <= self.blinding_s <= 30:
            raise ConfigError(f"'blinding_s' must be from 0 to 30, half a window (got {self.blinding_s:g})")
        check_range("max_wait_s", self.max_wait_s, 0, float("inf"))


@dataclass(frozen=True, slots=True)
class PickConfig:
    """Probabilities to picks. None takes the threshold that the model was released with."""

    threshold_p: float | None = None
    threshold_s: float | None = None
    threshold_detection: float | None = None
    min_separation_s: float = 0.5  # of two picks of one phase; the stronger one stays

    def __post_init__(self) -> None:
        for name in ("threshold_p", "threshold_s", "threshold_detection"):
            value = getattr(self, name)
            if value is not None:
                check_range(name, value, 0, 1)
        check_range("min_separation_s", self.min_separation_s, 0, 10)
