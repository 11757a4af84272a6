"""Frozen dataclasses to JSON and back by their annotations, so that a new field needs no code here."""

from __future__ import annotations

import json
import types
from collections.abc import Mapping
from dataclasses import asdict, fields, is_dataclass
from functools import cache
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")


def encode(value: Any) -> str:
    """A dataclass as JSON; numbers are written in full, so that decode gives the same ones back."""
    return json.dumps(asdict(value), separators=(",", ":"))


def decode(kind: type[T], text: str) -> T:
    """What encode wrote. A field that was not there yet takes its default; one that is no more is passed over.

    >>> from jijin.types import Station
    >>> decode(Station, encode(Station("XX.A.", 1.5, -2.0))) == Station("XX.A.", 1.5, -2.0)
    True
    """
    made: T = build(kind, json.loads(text))
    return made


@cache
def _hints(kind: type) -> dict[str, Any]:
    hints = get_type_hints(kind)
    return {one.name: hints[one.name] for one in fields(kind)}


def build(kind: Any, value: Any) -> Any:
    """A dataclass, or anything annotated as kind, from what json.loads gives."""
    if value is None:
        return None
    if get_origin(kind) in (Union, types.UnionType):
        return build(next(one for one in get_args(kind) if one is not types.NoneType), value)
    if is_dataclass(kind):
        hints = _hints(kind)  # type: ignore[arg-type]
        return kind(**{name: build(hints[name], part) for name, part in value.items() if name in hints})  # type: ignore[operator]
    if get_origin(kind) is tuple:
        return tuple(build(one, part) for one, part in zip(_members(kind, len(value)), value, strict=True))
    return _number(kind, value)


def _members(kind: Any, count: int) -> tuple[Any, ...]:
    args = get_args(kind)
    return (args[0],) * count if args[-1] is Ellipsis else args


def _number(kind: Any, value: Any) -> Any:
    if get_origin(kind) is Mapping:
        return dict(value)
    return float(value) if kind is float else value
