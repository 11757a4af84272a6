"""What a long command says on stderr: failures, notes, and a bar while it works on a terminal."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rich.console import Console

from jijin.commands.shared import tell_warnings

if TYPE_CHECKING:
    from rich.progress import ProgressColumn

LONG = 1_000_000  # samples, about one hour of three components at 100 Hz: shorter work shows no bar


def _stderr() -> Console:
    return Console(stderr=True, markup=False, highlight=False, soft_wrap=True)


@dataclass(slots=True)
class Messages:
    """Lines on stderr. quiet leaves only failures; verbose adds details. Failures are counted, each told once."""

    quiet: bool = False
    verbose: bool = False
    failed: set[str] = field(default_factory=set)
    logged: set[str] = field(default_factory=set)
    console: Console = field(default_factory=_stderr)

    def fail(self, text: str) -> None:
        """Something was lost: the exit status will be 1."""
        if text not in self.failed:
            self.failed.add(text)
            self.console.print(f"jijin: {text}")

    def note(self, text: str) -> None:
        """What a user wants to know at the end."""
        if not self.quiet:
            self.console.print(f"jijin: {text}")

    def detail(self, text: str) -> None:
        """What a user wants to know who asked for more."""
        if self.verbose and not self.quiet:
            self.console.print(f"jijin: {text}")

    def take_log(self) -> None:
        """From here on show what the package logs or warns of, each line once; of the log only warnings as notes."""
        log = logging.getLogger("jijin")
        log.handlers = [_Lines(self)]
        log.setLevel(logging.INFO)
        tell_warnings(lambda text: self.once(text, self.note))

    def once(self, text: str, tell: Callable[[str], None]) -> None:
        """Tell a line that has not been told yet."""
        if text not in self.logged:
            self.logged.add(text)
            tell(text)

    @contextmanager
    def progress(self, title: str, total: int, unit: str = "") -> Iterator[Callable[[int], None]]:
        """A function to call with how much is done; a bar with the time left moves if stderr is a terminal.

        Without a unit what is counted are samples, and short work shows no bar. With one, a stderr that is no terminal
        gets a line each minute.
        """
        if self.quiet or total < (1 if unit else LONG) or not (self.console.is_terminal or unit):
            yield lambda done: None
            return
        if not self.console.is_terminal:
            yield _Minutes(self, title, total, unit).advance
            return
        from rich.progress import MofNCompleteColumn, TaskProgressColumn, TextColumn

        counts = (MofNCompleteColumn(), TextColumn(unit)) if unit else (TaskProgressColumn(),)
        with self._bar(title, *counts) as update:
            update(total=total)
            yield lambda done: update(advance=done)

    @contextmanager
    def bar(self, title: str) -> Iterator[Callable[[int, int], None]]:
        """A function to call with how much is done and how much there is; a bar moves if stderr is a terminal."""
        if self.quiet or not self.console.is_terminal:
            yield lambda done, total: None
            return
        from rich.progress import MofNCompleteColumn

        with self._bar(title, MofNCompleteColumn()) as update:
            yield lambda done, total: update(completed=done, total=total)

    @contextmanager
    def _bar(self, title: str, *counts: ProgressColumn) -> Iterator[Callable[..., None]]:
        """A bar with the time left, under the lines told meanwhile; what is yielded takes total, completed, advance."""
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (TextColumn("{task.description}"), BarColumn(), *counts, TimeRemainingColumn())
        with Progress(*columns, console=self.console, transient=True) as progress:
            task = progress.add_task(title, total=None)
            yield lambda **changes: progress.update(task, **changes)


class _Minutes:
    """A line a minute about work that nobody watches: how much of it is done, how long it will take."""

    def __init__(self, messages: Messages, title: str, total: int, unit: str, every_s: float = 60.0) -> None:
        self.messages, self.title, self.total, self.unit, self.every_s = messages, title, total, unit, every_s
        self.done, self.began = 0, time.monotonic()
        self.told = self.began

    def advance(self, done: int) -> None:
        self.done += done
        now = time.monotonic()
        if now - self.told >= self.every_s and self.done:
            self.told = now
            left_min = (now - self.began) / self.done * (self.total - self.done) / 60
            self.messages.note(f"{self.title}: {self.done} of {self.total} {self.unit}, {left_min:.0f} min left")


class _Lines(logging.Handler):
    """Log records as lines of Messages."""

    def __init__(self, messages: Messages) -> None:
        super().__init__()
        self.messages = messages

    def emit(self, record: logging.LogRecord) -> None:
        tell = self.messages.note if record.levelno >= logging.WARNING else self.messages.detail
        self.messages.once(record.getMessage(), tell)
