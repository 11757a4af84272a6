"""Opening HDF5 waveforms: lazily, once per process (a forked worker must not share a handle), with clear errors."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jijin.errors import ReadError

if TYPE_CHECKING:
    import h5py


class WaveformFile:
    """The group data of one HDF5 file. Picklable: the handle stays behind and is opened again where it is needed."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: h5py.File | None = None
        self._owner = 0

    def open(self) -> h5py.File:
        """The open file; ReadError if it is missing, truncated or not HDF5."""
        if self._file is None or self._owner != os.getpid():
            self._file, self._owner = _open(self.path), os.getpid()
        return self._file

    def read(self, block: str, trace_name: str, where: Any = ()) -> Any:
        """Array at data/<block>[where]; ReadError names the file and the trace."""
        file = self.open()
        try:
            return file["data"][block][where]
        except KeyError:
            raise ReadError(f"{self.path}: no waveform for trace {trace_name}, which the CSV lists") from None
        except (OSError, RuntimeError, ValueError, IndexError, TypeError) as error:
            raise ReadError(f"{self.path}: trace {trace_name} cannot be read ({error})") from error

    def shape(self, block: str) -> tuple[int, ...]:
        """Shape of data/<block>, which is not read; () if there is none that can be opened."""
        file = self.open()
        try:
            return tuple(file["data"][block].shape)
        except (KeyError, OSError, RuntimeError, AttributeError):  # AttributeError: a group
            return ()

    def close(self) -> None:
        if self._file is not None and self._owner == os.getpid():
            self._file.close()
        self._file = None

    def __getstate__(self) -> dict[str, Any]:
        return {"path": self.path, "_file": None, "_owner": 0}


def _open(path: Path) -> h5py.File:
    import h5py

    if not path.is_file():
        raise ReadError(f"{path}: no such file; the waveforms belong next to their CSV")
    try:
        return h5py.File(path, "r")
    except OSError as error:
        reason = "truncated" if "truncated" in str(error) else "not a readable HDF5 file"
        raise ReadError(f"{path}: {reason} ({path.stat().st_size} bytes); download or copy it again") from error
