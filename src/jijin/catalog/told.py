"""Who is told how a run goes, and what workers have to tell."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
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


@contextmanager
def remarks() -> Iterator[list[str]]:
    """What the package logs as a warning meanwhile, instead of on stderr of a process that nobody sees."""
    log, texts = logging.getLogger("jijin"), list[str]()
    handler = _Collect(texts)
    before = log.handlers, log.propagate
    log.handlers, log.propagate = [handler], False
    try:
        yield texts
    finally:
        log.handlers, log.propagate = before


class _Collect(logging.Handler):
    def __init__(self, texts: list[str]) -> None:
        super().__init__(logging.WARNING)
        self.texts = texts

    def emit(self, record: logging.LogRecord) -> None:
        self.texts.append(record.getMessage())
