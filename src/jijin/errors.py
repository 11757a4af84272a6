"""Errors that jijin raises on purpose; each is also the built-in it refines.

    JijinError
    ├── ConfigError (ValueError)    a setting that is unknown, out of range or inconsistent
    ├── DataError (ValueError)      samples, labels or metadata that cannot be used as they are
    │   └── ReadError (OSError)     a file that is missing, empty, unreadable or not what it says
    ├── ModelError (ValueError)     a model that is unknown, damaged or of the wrong shape
    └── MissingExtra (ImportError)  an optional dependency that is not installed

The message says what is wrong, where (file, seed id, time) and what to do next. All can be pickled, to be told by the
process that waits for the one they were raised in.
"""

from __future__ import annotations

from typing import Any


class JijinError(Exception):
    """Root of every error raised on purpose."""

    def __reduce__(self) -> tuple[type[JijinError], tuple[Any, ...]]:
        """Pickled by what it was made from. Dask (tblib) would else make a ReadError by halves, and fail."""
        return type(self), self.args


class ConfigError(JijinError, ValueError):
    """A setting that is unknown, out of range or inconsistent."""


class DataError(JijinError, ValueError):
    """Samples, labels or metadata that cannot be used as they are."""


class ReadError(DataError, OSError):
    """A file that is missing, empty, unreadable or not what it says."""


class ModelError(JijinError, ValueError):
    """A model that is unknown, damaged or of the wrong shape."""


class MissingExtra(JijinError, ImportError):
    """An optional dependency that is not installed."""

    def __init__(self, package: str, extra: str) -> None:
        super().__init__(f"{package} is not installed; run: pip install 'jijin[{extra}]'")
        self.package, self.extra = package, extra

    def __reduce__(self) -> tuple[type[MissingExtra], tuple[str, str]]:
        """Its text is not what it was made from."""
        return type(self), (self.package, self.extra)
