"""Who is told how a run goes."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol


class Report(Protocol):
    """What a run says; jijin.commands.messages.Messages is one."""

    def fail(self, text: str) -> None:
        """Something was lost."""

    def note(self, text: str) -> None:
        """Something to know."""

    def progress(self, title: str, total: int, unit: str) -> AbstractContextManager[Callable[[int], None]]:
        """A function to call with the number of units done."""


class Silence:
    """Tells nobody."""

    def fail(self, text: str) -> None:
        """Not told."""

    def note(self, text: str) -> None:
        """Not told."""

    def progress(self, title: str, total: int, unit: str) -> AbstractContextManager[Callable[[int], None]]:
        """Not shown."""
        return nullcontext(lambda done: None)
