"""What a long command says on stderr: a bar on a terminal, a line a minute elsewhere, nothing when it is short."""

from __future__ import annotations

import io
import re

import pytest
from rich.console import Console

from jijin.commands import messages
from jijin.commands.messages import LONG, Messages


def shown(total: int, steps: int, unit: str, terminal: bool, quiet: bool = False) -> str:
    out = io.StringIO()
    told = Messages(quiet=quiet, console=Console(file=out, force_terminal=terminal, width=100))
    with told.progress("picking", total, unit) as advance:
        for _ in range(steps):
            advance(1)
    return out.getvalue()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """A minute passes between any two looks at the clock."""
    now = iter(range(0, 10**6, 60))
    monkeypatch.setattr(messages.time, "monotonic", lambda: float(next(now)))


@pytest.mark.usefixtures("clock")
def test_a_log_gets_a_line_a_minute_with_the_time_left() -> None:
    assert shown(4, 3, "station-days", terminal=False).splitlines() == [
        "jijin: picking: 1 of 4 station-days, 3 min left",
        "jijin: picking: 2 of 4 station-days, 2 min left",
        "jijin: picking: 3 of 4 station-days, 1 min left",
    ]


def test_work_of_less_than_a_minute_leaves_a_log_alone() -> None:
    assert shown(4, 4, "station-days", terminal=False) == ""


def test_a_terminal_shows_a_bar_with_counts() -> None:
    out = shown(4, 3, "station-days", terminal=True)
    assert "picking" in out and "3/4" in out and "station-days" in out


def test_short_work_counted_in_samples_shows_no_bar() -> None:
    assert shown(LONG - 1, 1, "", terminal=True) == ""
    assert "picking" in shown(LONG, 1, "", terminal=True)


def test_a_quiet_command_shows_nothing() -> None:
    assert shown(4, 3, "station-days", terminal=True, quiet=True) == ""


def test_a_line_told_under_a_bar_stands_on_a_line_of_its_own() -> None:
    out = io.StringIO()
    told = Messages(console=Console(file=out, force_terminal=True, width=100))
    with told.bar("packing") as update:
        update(3, 4)
        told.note("skipped: t7")
    lines = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", out.getvalue()).replace("\r", "\n").splitlines()
    assert "jijin: skipped: t7" in lines and any("packing" in line and "3/4" in line for line in lines)


def test_a_bar_is_drawn_only_on_a_terminal() -> None:
    out = io.StringIO()
    with Messages(console=Console(file=out, force_terminal=False)).bar("packing") as update:
        update(3, 4)
    assert out.getvalue() == ""
