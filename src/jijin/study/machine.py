"""What a study ran on, and the memory that a part of it took."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = ("numpy", "scikit-learn", "torch", "onnxruntime", "seisbench")


def machine() -> str:
    """Processor, CPUs, Python and the versions of what computes, in one line."""
    versions = [f"{name} {found}" for name in ("jijin", *PACKAGES) if (found := _version(name))]
    return f"{_processor()}, {os.cpu_count()} CPUs, Python {platform.python_version()}, {', '.join(versions)}"


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.is_file() else []
    named = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.processor() or platform.machine()


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


@contextmanager
def peak_memory() -> Iterator[list[float]]:
    """Fills the list with the largest resident memory of this process during the block, in MB.

    It counts everything that is in memory then, the windows of the study too. Empty where the system cannot tell (it
    is Linux that can: VmHWM, set back through clear_refs).
    """
    found: list[float] = []
    reset = _reset()
    try:
        yield found
    finally:
        if reset:
            lines = Path("/proc/self/status").read_text().splitlines()
            found += [int(line.split()[1]) * 1.024e-3 for line in lines if line.startswith("VmHWM")]


def _reset() -> bool:
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return False
    return True
