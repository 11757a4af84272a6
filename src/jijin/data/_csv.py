"""Reading metadata CSVs: only the columns asked for, in bounded memory, with the file named in every error."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd

from jijin.errors import ReadError
from jijin.io.tables import separator_hint

CHUNK_ROWS = 100_000
MISSING = ["", "None", "nan", "NaN"]  # not "NA": it is a network code (Netherlands Antilles)


@contextmanager
def _readable(csv: Path) -> Iterator[None]:
    try:
        yield
    except ReadError:
        raise
    except FileNotFoundError:
        raise ReadError(f"{csv}: no such file; the waveforms of a dataset need their CSV next to them") from None
    except pd.errors.EmptyDataError:
        raise ReadError(f"{csv}: empty file") from None
    except (pd.errors.ParserError, UnicodeDecodeError, ValueError) as error:
        raise ReadError(f"{csv}: not a table of comma-separated values ({error})") from error
    except OSError as error:
        raise ReadError(f"{csv}: cannot be read ({error.strerror})") from error


def header(csv: Path) -> list[str]:
    """Column names of the file. ReadError also where they are separated by something else than commas."""
    with _readable(csv):
        names = [str(name) for name in pd.read_csv(csv, nrows=0).columns]
        if hint := separator_hint(names):
            raise ReadError(f"{csv}: not a table of comma-separated values{hint}")
        return names


def blocks(csv: Path, columns: Sequence[str], dtype: Mapping[str, Any]) -> Iterator[pd.DataFrame]:
    """The named columns, CHUNK_ROWS rows at a time; a row without a trace_name is an error."""
    options: dict[str, Any] = {"keep_default_na": False, "na_values": MISSING}
    with (
        _readable(csv),
        pd.read_csv(csv, usecols=list(columns), dtype=dict(dtype), chunksize=CHUNK_ROWS, **options) as reader,
    ):
        for block in reader:
            nameless = block.index[block["trace_name"].isna()]
            if len(nameless):
                raise ReadError(f"{csv}: row {nameless[0] + 1} has no trace_name; the file may have been cut off")
            yield block


def read_csv(csv: Path, columns: Sequence[str], dtype: Mapping[str, Any]) -> pd.DataFrame:
    """The named columns, whole."""
    return pd.concat(list(blocks(csv, columns, dtype)), ignore_index=True)
