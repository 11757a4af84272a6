"""Formats of velocity models: TOML, CSV, NonLinLoc's LAYER lines, .tvel of travel time tables."""

from __future__ import annotations

import csv
import tomllib
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import numpy as np

from jijin.errors import ConfigError, DataError, ReadError
from jijin.network.velocity import BUILT_IN, DEEPEST_KM, VelocityModel, from_nodes

KEYS = {"name", "interpolation", "vp_vs", "layers", "depth_km", "vp", "vs", "vp_gradient", "vs_gradient"}
COLUMNS = {
    "depth_km": ("depth_km", "depth", "top_km", "top", "z"),
    "vp": ("vp", "vp_km_s", "vp_kms", "p", "alpha"),
    "vs": ("vs", "vs_km_s", "vs_kms", "s", "beta"),
    "vp_vs": ("vp_vs", "vpvs", "vp/vs"),
    "vp_gradient": ("vp_gradient",),
    "vs_gradient": ("vs_gradient",),
}
Table = Mapping[str, Any]


def read_model(path: Path) -> VelocityModel:
    """The model of a file; its name is the one in it, or the file's."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        near = [f"; did you mean '{name}'?" for name in get_close_matches(str(path), BUILT_IN, 1)]
        names = ", ".join(BUILT_IN)
        what = f"no velocity model '{path}': neither a file nor one of {names}"
        raise ConfigError(what + "".join(near)) from error
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise ReadError(f"velocity model {path}: cannot be read: {reason}") from error
    try:
        return parsed(path, text)
    except DataError as error:
        raise type(error)(f"{path}: {error}") from error


def parsed(path: Path, text: str) -> VelocityModel:
    """Text of one of the formats, told by the file's name or by what its lines begin with."""
    if path.suffix == ".tvel":
        return from_tvel(path.stem, text)
    if any(line.split()[:1] == ["LAYER"] for line in text.splitlines()):
        return from_layer_lines(path.stem, text)
    if path.suffix == ".toml":
        return from_toml(path.stem, text)
    return from_csv(path.stem, text)


def from_toml(name: str, text: str) -> VelocityModel:
    """Columns depth_km, vp, vs (or vp_vs), or [[layers]] with these; interpolation "layers" (default) or "linear"."""
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ReadError(f"is not TOML ({error})") from error
    if unknown := table.keys() - KEYS:
        raise DataError(f"unknown {', '.join(sorted(unknown))}; known are {', '.join(sorted(KEYS))}")
    layers = table.get("layers")
    keys = {key for row in layers or () for key in row}
    columns = table if layers is None else {key: [row.get(key) for row in layers] for key in keys}
    if unknown := columns.keys() - KEYS - {"vp_vs"}:
        raise DataError(f"unknown {', '.join(sorted(unknown))} in layers")
    kind = table.get("interpolation", "layers")
    return built(str(table.get("name", name)), {"vp_vs": table.get("vp_vs"), **columns}, kind)


def from_csv(name: str, text: str) -> VelocityModel:
    """Columns depth_km, vp, vs or vp_vs; a depth given twice makes the columns nodes with lines between them."""
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    rows = list(csv.reader(lines, delimiter=max(",;\t ", key=lines[0].count), skipinitialspace=True)) if lines else []
    header = [word.strip().lower() for word in rows[0]] if rows else []
    there = {key: header.index(alias) for key, names in COLUMNS.items() for alias in names if alias in header}
    if not {"depth_km", "vp"} <= there.keys() or not {"vs", "vp_vs"} & there.keys():
        raise ReadError(
            f"no columns depth_km, vp and vs or vp_vs (found: {', '.join(header) or 'nothing'}); a velocity model is "
            "such a CSV, TOML, or NonLinLoc's LAYER lines"
        )
    columns = {key: [row[i] if i < len(row) else "" for row in rows[1:]] for key, i in there.items()}
    depths = columns["depth_km"]
    return built(name, columns, "linear" if len({*depths}) < len(depths) else "layers")


def from_layer_lines(name: str, text: str) -> VelocityModel:
    """NonLinLoc: LAYER depth Vp gradient Vs gradient (density ...), tops in km; other lines are left."""
    rows = [line.replace(",", " ").split()[1:6] for line in text.splitlines() if line.split()[:1] == ["LAYER"]]
    if any(len(row) < 5 for row in rows):
        raise ReadError("a LAYER line needs depth, Vp, its gradient, Vs and its gradient")
    keys = ("depth_km", "vp", "vp_gradient", "vs", "vs_gradient")
    return built(name, dict(zip(keys, zip(*rows, strict=True), strict=True)), "layers")


def from_tvel(name: str, text: str) -> VelocityModel:
    """Two lines of titles, then nodes of depth, Vp, Vs, density; read to DEEPEST_KM."""
    rows = [line.split()[:3] for line in text.splitlines()[2:] if line.strip()]
    depth, vp, vs = numbers({str(i): column for i, column in enumerate(zip(*rows, strict=True))}).values()
    near = depth <= DEEPEST_KM
    return from_nodes(name, depth[near], vp[near], vs[near])


def built(name: str, table: Table, kind: str) -> VelocityModel:
    """The model of columns of numbers, or of their text."""
    if kind not in ("layers", "linear"):
        raise DataError(f'interpolation must be "layers" or "linear" (got {kind!r})')
    if missing := [key for key in ("depth_km", "vp") if key not in table]:
        raise DataError(f"no {' and no '.join(missing)}")
    columns = numbers({key: table[key] for key in COLUMNS if table.get(key) is not None})
    depth, vp = columns["depth_km"], columns["vp"]
    vs = columns["vs"] if "vs" in columns else vp / columns["vp_vs"] if "vp_vs" in columns else None
    if vs is None:
        raise DataError("no vs and no vp_vs; give one of them")
    if kind == "linear":
        return from_nodes(name, depth, vp, vs)
    gradients = [columns.get(key, 0 * depth) for key in ("vp_gradient", "vs_gradient")]
    gradients = [np.where(np.arange(len(g)) < len(g) - 1, g, 0.0) for g in gradients]
    return VelocityModel(name, *(tuple(column.tolist()) for column in (depth, vp, vs, *gradients)))


def numbers(table: Table) -> dict[str, Any]:
    """Columns as floats; a single number stands for all layers. DataError names what is none."""
    try:
        columns = {key: np.asarray(column, float) for key, column in table.items()}
    except (TypeError, ValueError) as error:
        raise DataError(f"a depth or velocity is not a number ({error})") from error
    lengths = {column.size for column in columns.values() if column.ndim}
    if len(lengths) != 1:
        raise DataError(f"depth_km, vp and vs must be as many (got {sorted(lengths)})")
    return {key: np.broadcast_to(column, lengths.copy().pop()) for key, column in columns.items()}
