"""What a run is made with: its stages' settings from a TOML file, and how they are kept and compared.

model = "cba"
[cut]            CutConfig
[pick]           PickConfig
[associate]      AssociateConfig
[locate]         LocateConfig
[magnitude]      MagnitudeConfig
[discriminate]   DiscriminateConfig
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from jijin.config import CutConfig, PickConfig, from_table
from jijin.discriminate import DiscriminateConfig
from jijin.discriminate.model import load_source
from jijin.errors import ConfigError, DataError, ModelError, ReadError
from jijin.models import find
from jijin.network.associate import AssociateConfig
from jijin.network.attenuation import read_attenuation
from jijin.network.locate import LocateConfig
from jijin.network.magnitude import MagnitudeConfig
from jijin.types import utc

LIVE = "live"  # the kind of a run of jijin live; a catalogue has none
NOT_COMPARED = {"jijin"}  # the version that began a run
OF_EVENTS = (
    "config.associate.",
    "config.locate.",
    "config.magnitude.",
    "config.discriminate.",
)  # picks have none of it


@dataclass(frozen=True, slots=True)
class RunConfig:
    """All stages of a run."""

    model: str = "cba"
    cut: CutConfig = field(default_factory=CutConfig)
    pick: PickConfig = field(default_factory=PickConfig)
    associate: AssociateConfig = field(default_factory=AssociateConfig)
    locate: LocateConfig = field(default_factory=LocateConfig)
    magnitude: MagnitudeConfig = field(default_factory=MagnitudeConfig)
    discriminate: DiscriminateConfig = field(default_factory=DiscriminateConfig)


def read_config(path: str | Path | None) -> RunConfig:
    """The settings of a TOML file; what it does not name keeps its default. Files that it names are kept absolute.

    ConfigError for a key that is unknown, and for a model or formula that is not there.
    """
    if path is None:
        return RunConfig()
    try:
        table = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    except ValueError as error:  # not TOML, or not text
        raise ConfigError(f"{path}: not TOML: {error}") from error
    return _absolute(from_tables(table, str(path)))


def from_tables(table: Mapping[str, Any], where: str) -> RunConfig:
    """The settings of parsed TOML, or of what to_tables made. ConfigError also for what they name and is not there."""
    config = from_table(RunConfig, table, where)
    named: tuple[tuple[str, Callable[[str], Any], str], ...] = (
        ("", find, config.model),
        (" [magnitude]", read_attenuation, config.magnitude.formula),
        (" [discriminate]", load_source, config.discriminate.model),
    )
    for section, look, name in named:
        try:
            look(name)
        except (ConfigError, ModelError) as error:
            raise ConfigError(f"{where}{section}: {error}") from error
    return config


def _absolute(config: RunConfig) -> RunConfig:
    """With the files it names as any folder knows them, so that a run goes on from anywhere."""

    def path(name: str) -> str:
        return str(Path(name).absolute()) if Path(name).suffix in (".onnx", ".toml", ".json") else name

    magnitude = replace(config.magnitude, formula=path(config.magnitude.formula))
    discriminate = replace(config.discriminate, model=path(config.discriminate.model))
    return replace(config, model=path(config.model), magnitude=magnitude, discriminate=discriminate)


def to_tables(config: RunConfig) -> dict[str, Any]:
    """As JSON and TOML know it; what is None is left out."""
    found: dict[str, Any] = json.loads(json.dumps(asdict(config)))
    return _given(found)


def _given(table: dict[str, Any]) -> dict[str, Any]:
    given = {key: value for key, value in table.items() if value is not None}
    return {key: _given(value) if isinstance(value, dict) else value for key, value in given.items()}


def digest(path: Path) -> str:
    """Of a file's content, to know it again. ReadError if it cannot be read."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()[:16]
    except OSError as error:
        raise ReadError(f"{path}: cannot be read: {error.strerror}") from error


def check_same(folder: Path, kept: Mapping[str, Any], given: Mapping[str, Any], *, only_picks: bool = False) -> None:
    """DataError, with the first setting that is not the one the run was begun with.

    only_picks : the run has no events yet, so the settings they are made with may be others.
    """
    before, now = _flat(kept), _flat(given)
    for key in sorted((before.keys() | now.keys()) - NOT_COMPARED):
        if before.get(key) != now.get(key) and not (only_picks and key.startswith(OF_EVENTS)):
            was, asked = _shown(key, before.get(key)), _shown(key, now.get(key))
            raise DataError(
                f"{folder}: begun with {key} = {was}, not {asked}; go on with that, or name another folder with -o"
            )


def _flat(table: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    out: dict[str, Any] = {}
    for key, value in table.items():
        out |= _flat(value, f"{prefix}{key}.") if isinstance(value, Mapping) else {prefix + key: value}
    return out


def _shown(key: str, value: Any) -> str:
    if value is None:
        return "none"
    return str(utc(value)) if key.endswith("_ns") else str(value)
