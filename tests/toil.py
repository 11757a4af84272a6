"""Work for tests of workers: it must be importable in another process."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path


def square(task: tuple[int, str]) -> int:
    """The number squared; what the word asks for first: wait, or kill this process, once or always."""
    number, word = task
    if word == "wait":
        time.sleep(0.3)
    elif word == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    elif word and not Path(word).exists():
        Path(word).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return number**2


def given_up(task: tuple[int, str], reason: str) -> int:
    return -task[0]


def hang(task: Path) -> None:
    task.write_text(str(os.getpid()))
    time.sleep(120)
