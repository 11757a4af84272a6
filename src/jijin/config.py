"""One frozen dataclass per stage. An impossible value and an unknown key stop the run."""

from __future__ import annotations

import difflib
import os
import types
from collections.abc import Mapping
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from numbers import Integral, Real
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from jijin.errors import ConfigError
from jijin.types import RATE

T = TypeVar("T")


def from_table(kind: type[T], table: Mapping[str, Any], where: str) -> T:
    """A stage's dataclass from a table of a TOML file, tables in it too.

    ConfigError names the key that is unknown, missing or of a wrong type.

    >>> from_table(CutConfig, {"stride": 15}, "run.toml [cut]")
    Traceback (most recent call last):
    jijin.errors.ConfigError: run.toml [cut]: unknown key 'stride'; did you mean 'stride_s'?
    """
    hints = get_type_hints(kind)
    names = [one.name for one in fields(kind)]  # type: ignore[arg-type]
    for key, value in table.items():
        if key not in names:
            raise ConfigError(f"{where}: unknown key '{key}'; {suggestion(key, names)}")
        if not _fits(value, hints[key]):
            raise ConfigError(f"{where}: '{key}' must be {_words(hints[key])} (got {value!r})")
    if missing := [one.name for one in fields(kind) if _needed(one) and one.name not in table]:  # type: ignore[arg-type]
        raise ConfigError(f"{where}: '{missing[0]}' is missing")
    values = {key: _as(hints[key], value, f"{where} [{key}]") for key, value in table.items()}
    try:
        return kind(**values)
    except ConfigError as error:
        raise ConfigError(f"{where}: {error}") from error


def suggestion(key: str, names: list[str]) -> str:
    """What a misspelt key may have meant, else all that there are."""
    near = difflib.get_close_matches(key, names, 1)
    return f"did you mean '{near[0]}'?" if near else f"known are {', '.join(names)}"


def _needed(one: Field[Any]) -> bool:
    return one.default is MISSING and one.default_factory is MISSING


def _members(hint: Any) -> tuple[Any, ...]:
    return get_args(hint) if get_origin(hint) in (Union, types.UnionType) else (hint,)


def _fits(value: Any, hint: Any) -> bool:
    kinds = [get_origin(one) or one for one in _members(hint)]
    if isinstance(value, bool):
        return bool in kinds
    alike: dict[Any, Any] = {float: (int, float), tuple: list}
    return any(isinstance(value, Mapping if is_dataclass(kind) else alike.get(kind, kind)) for kind in kinds)


def _as(hint: Any, value: Any, where: str) -> Any:
    """Numbers, lists and tables of TOML as the dataclass wants them."""
    inner = next((one for one in _members(hint) if is_dataclass(one)), None)
    if inner is not None and isinstance(value, Mapping):
        return from_table(inner, value, where)  # type: ignore[arg-type]
    if isinstance(value, Mapping):
        return {key: _entry(hint, key, one, where) for key, one in value.items()}
    if isinstance(value, list):
        return tuple(_as(None, one, where) for one in value)
    whole = isinstance(value, int) and not isinstance(value, bool)
    return float(value) if whole and float in _members(hint) else value


def _entry(hint: Any, key: str, value: Any, where: str) -> Any:
    """A value of a table whose keys are free, Mapping[str, float] say."""
    kind = next(get_args(one)[1] for one in _members(hint) if get_origin(one) is Mapping)
    if not _fits(value, kind):
        raise ConfigError(f"{where}: '{key}' must be {_words(kind)} (got {value!r})")
    return _as(kind, value, f"{where} [{key}]")


def _words(hint: Any) -> str:
    named: dict[Any, str] = {
        float: "a number",
        int: "a whole number",
        bool: "true or false",
        str: "a text",
        tuple: "a list",
        Mapping: "a table",
    }
    kinds = [get_origin(one) or one for one in _members(hint) if one is not type(None)]
    return " or ".join("a table" if is_dataclass(kind) else named.get(kind, str(kind)) for kind in kinds)


def cpus() -> int:
    """Processors that this process may use: of a container or a batch system often a few of the machine's."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def check_number(name: str, value: float) -> None:
    """Raise ConfigError unless it is a number, as no text is."""
    if not isinstance(value, Real) or isinstance(value, bool):
        raise ConfigError(f"'{name}' must be a number (got {value!r})")


def check_range(name: str, value: float, low: float, high: float) -> None:
    """Raise ConfigError unless it is a number with low < value <= high."""
    check_number(name, value)
    if not low < value <= high:
        raise ConfigError(f"'{name}' must be in ({low:g}, {high:g}] (got {value:g})")


@dataclass(frozen=True, slots=True)
class CutConfig:
    """How the stream is laid on windows; the grid is fixed in UTC, so a window starts at a multiple of stride_s."""

    stride_s: float = 30.0  # half a window: every sample lies in two, see docs/models.md
    between: int = 7  # further windows between two of the stride, a second apart at least; a stride under 3 s has none
    blinding_s: float = 5.0  # edges of a window that count least when windows are stitched, see docs/accuracy.md
    max_wait_s: float = 86_400.0  # data time a window waits for a channel that lags behind the station's newest

    def __post_init__(self) -> None:
        check_range("stride_s", self.stride_s, 0, 60)
        if not (60 / self.stride_s).is_integer():
            raise ConfigError(f"'stride_s' must divide the window of 60 s (got {self.stride_s:g}); 30, 20, 15 or 10 do")
        check_number("blinding_s", self.blinding_s)
        if not 0 <= self.blinding_s <= 30:
            raise ConfigError(f"'blinding_s' must be from 0 to 30, half a window (got {self.blinding_s:g})")
        if abs(self.stride - self.stride_s * RATE) > 1e-9:
            raise ConfigError(f"'stride_s' must be a whole number of 10 ms samples (got {self.stride_s})")
        if not isinstance(self.between, Integral) or isinstance(self.between, bool) or not 0 <= self.between <= 15:
            raise ConfigError(f"'between' must be a whole number from 0, for none, to 15 (got {self.between!r})")
        check_range("max_wait_s", self.max_wait_s, 0, float("inf"))

    @property
    def stride(self) -> int:
        """In samples."""
        return round(self.stride_s * RATE)


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
