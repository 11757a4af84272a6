"""Picks to a file that appears whole or not at all, or to stdout."""

from __future__ import annotations

import errno
import io
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from jijin import __version__
from jijin.io.quakeml import write_quakeml
from jijin.io.tables import replacing, write_csv, write_json
from jijin.types import Pick

if TYPE_CHECKING:
    from jijin.models.onnx import OnnxModel


def save(picks: Sequence[Pick], path: Path | None, kind: str, model: OnnxModel, typed: bool = False) -> None:
    """Write picks as csv, quakeml or json to path, or to stdout if it is None; typed: with their source types.

    A reader of stdout that leaves early, as in `| head`, is no error. Raises OSError when a disk is full.
    """
    content = encode(picks, kind, model, typed)
    if path:
        with replacing(path) as file:
            file.write(content)
    else:
        to_stdout(content)


def encode(picks: Sequence[Pick], kind: str, model: OnnxModel, typed: bool = False) -> bytes:
    """The whole of a picks file."""
    binary = io.BytesIO()
    if kind == "quakeml":
        write_quakeml(picks, binary, f"{model.name}/{model.version}", __version__)
        return binary.getvalue()
    text = io.StringIO()
    if kind == "json":
        write_json(picks, text, {"jijin": __version__, "model": model.name, "model_version": model.version}, typed)
    else:
        write_csv(picks, text, typed)
    return text.getvalue().encode()


def to_stdout(content: bytes) -> None:
    """Write to stdout. A reader that leaves early is no error; OSError, with its name, if stdout is closed or full."""
    if sys.stdout is None:  # the shell's >&-
        raise OSError(errno.EBADF, "cannot be written: it is closed", "stdout")
    stdout: BinaryIO = sys.stdout.buffer
    try:
        stdout.write(content)
        stdout.flush()
    except BrokenPipeError:
        _silence()
    except OSError as error:
        _silence()
        raise OSError(error.errno, f"cannot be written: {error.strerror}", "stdout") from error


def _silence() -> None:
    """Send what is left in the buffer of stdout nowhere, so that the interpreter does not try again at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
