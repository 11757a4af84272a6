"""--start and --end, as commands that work on a part of the time take them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from jijin.io.archive import Span

Time = typer.Option(metavar="T", help="In UTC: 2024-01-31, or 2024-01-31T12:00:00.")


def span(start: str | None, end: str | None) -> Span:
    """From when to when. Raises typer.BadParameter for what is no time, or an end that is not after its start."""
    from jijin.io.archive import Span

    found = Span(start and _time_ns("--start", start), end and _time_ns("--end", end))  # type: ignore[arg-type]
    if found.start_ns is not None and found.end_ns is not None and found.start_ns >= found.end_ns:
        raise typer.BadParameter(f"--start {start} is not before --end {end}")
    return found


def _time_ns(option: str, text: str) -> int:
    from obspy import UTCDateTime

    try:
        return int(UTCDateTime(text).ns)
    except (ValueError, TypeError) as error:
        raise typer.BadParameter(f"{option} {text}: not a time; 2024-01-31 or 2024-01-31T12:00:00 are") from error
