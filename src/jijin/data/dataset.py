"""Dataset: what every reader offers. Labels of all traces in one table, waveforms one at a time from disk."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from jijin.data.labels import Labels, record, stack
from jijin.data.splits import inherit_groups


class Dataset(ABC):
    """Traces of one source.

    labels has one row a trace, in the order of waveform(i); docs/data.md lists its columns.
    """

    path: Path
    labels: pd.DataFrame

    @property
    def name(self) -> str:
        """Short name for messages and for the dataset column."""
        return self.path.name

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, i: int) -> tuple[NDArray[np.float32], Labels]:
        """Waveform and labels of trace i."""
        return self.waveform(i), self.label(i)

    def label(self, i: int) -> Labels:
        """Labels of trace i."""
        return record(self.labels.iloc[i].to_dict())

    @abstractmethod
    def waveform(self, i: int) -> NDArray[np.float32]:
        """Trace i as (3, sample), ZNE, 100 Hz, the file's own units; a component not recorded is zero.

        Only this trace is read. Raises ReadError with file and trace name.
        """

    def windows(self, indices: Sequence[int], starts: Sequence[int], samples: int) -> NDArray[np.float32]:
        """A batch cut from traces: (batch, 3, samples), window k from sample starts[k] of trace indices[k].

        A start may be negative and a window may run over the end: what the trace does not cover is zero.
        """
        out = np.zeros((len(indices), 3, samples), np.float32)
        for row, i, start in zip(out, indices, starts, strict=True):
            copy_window(self.waveform(int(i)), int(start), row)
        return out

    @abstractmethod
    def lengths(self) -> NDArray[np.float64]:
        """Samples at 100 Hz of every trace, none of which is read; NaN of one that is not there."""

    @abstractmethod
    def close(self) -> None:
        """Release the files; a later waveform(i) opens them again."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def copy_window(trace: NDArray[np.float32], start: int, out: NDArray[np.float32]) -> int:
    """Copy what trace (3, sample) has of [start, start + out.shape[1]) into out (3, samples); returns their number."""
    first, last = max(start, 0), min(start + out.shape[1], trace.shape[1])
    if last > first:
        out[:, first - start : last - start] = trace[:, first:last]
    return max(last - first, 0)


class Joined(Dataset):
    """Several datasets as one. A noise window cut in front of an earthquake takes that earthquake's source_group."""

    def __init__(self, parts: Sequence[Dataset], path: Path) -> None:
        self.parts, self.path = list(parts), path
        labels = stack([part.labels for part in parts])
        self.labels = labels.assign(source_group=inherit_groups(labels))
        self._ends = np.cumsum([len(part) for part in parts])

    def waveform(self, i: int) -> NDArray[np.float32]:
        part, k = self._locate(i)
        return part.waveform(k)

    def _locate(self, i: int) -> tuple[Dataset, int]:
        if not 0 <= i < len(self):
            raise IndexError(f"trace {i} of {len(self)} in {self.path}")
        part = int(np.searchsorted(self._ends, i, side="right"))
        return self.parts[part], i - int(self._ends[part]) + len(self.parts[part])

    def windows(self, indices: Sequence[int], starts: Sequence[int], samples: int) -> NDArray[np.float32]:
        out = np.zeros((len(indices), 3, samples), np.float32)
        owner = np.searchsorted(self._ends, np.asarray(indices), side="right")
        for k in np.unique(owner):
            rows = np.flatnonzero(owner == k).tolist()
            shift = int(self._ends[k]) - len(self.parts[k])
            out[rows] = self.parts[k].windows([indices[r] - shift for r in rows], [starts[r] for r in rows], samples)
        return out

    def lengths(self) -> NDArray[np.float64]:
        return np.concatenate([part.lengths() for part in self.parts])

    def close(self) -> None:
        for part in self.parts:
            part.close()


def column(labels: pd.DataFrame, name: str) -> NDArray[Any]:
    """One column of a labels table as a plain array (categories as strings)."""
    return labels[name].astype(object).to_numpy() if labels[name].dtype == "category" else labels[name].to_numpy()
