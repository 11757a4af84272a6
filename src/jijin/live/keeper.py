"""The run on disk: one thread owns the database, so a slow or full disk never holds up the picking."""

from __future__ import annotations

import logging
import queue
from collections.abc import Callable, Iterable
from pathlib import Path
from threading import Event, Thread
from typing import Any

from jijin.live.state import State, save_state
from jijin.store import Store, exists
from jijin.types import Station

log = logging.getLogger("jijin")

Job = Callable[[Store], object]
RETRY_S = 5.0


class Keeper:
    """Jobs in, done one after the other on the store of a run; what fails because of the disk is tried again.

    A new run is made, one that is there goes on. Raises DataError if another process works on it.
    """

    def __init__(self, folder: Path, settings: dict[str, Any], stations: Iterable[Station] = ()) -> None:
        self.folder = folder
        if exists(folder):
            Store.open(folder).close()
        else:
            Store.create(folder, settings, stations).close()
        self.unwritten = 0  # jobs that were given up when the run closed
        self.trouble = ""  # why nothing can be written at the moment
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._closing = Event()
        self._started: queue.SimpleQueue[BaseException | None] = queue.SimpleQueue()
        self._thread = Thread(target=self._work, name="keeper", daemon=True)
        self._thread.start()
        if error := self._started.get():
            raise error

    def put(self, job: Job) -> None:
        """Have a job done; returns at once."""
        self._jobs.put(job)

    def save_state(self, state: State) -> None:
        """Keep a state once all that was put before it is in the database."""
        self.put(lambda store: save_state(store.folder, state))

    @property
    def waiting(self) -> int:
        """Jobs that are not done yet."""
        return self._jobs.qsize()

    def close(self, timeout_s: float = 30.0) -> None:
        """Do what has been put, then let the run go. What the disk does not take is told; no state is kept after it."""
        self._jobs.put(None)
        self._closing.set()
        self._thread.join(timeout_s)
        if self._thread.is_alive():
            self.unwritten = self._jobs.qsize()  # with the None at the end in the place of the one that is tried
            log.error("%s: %d pieces of work are not written after %g s", self.folder, self.unwritten, timeout_s)

    def _work(self) -> None:
        try:
            store = Store.open(self.folder, write=True)
        except Exception as error:  # handed to whoever waits in __init__
            self._started.put(error)
            return
        self._started.put(None)
        with store:
            while (job := self._jobs.get()) is not None:
                if not self._tried(job, store):
                    # nothing after it either: live.json would tell a restart that lost picks are kept
                    self.unwritten = self._jobs.qsize()  # with the None at the end in the place of this one
                    log.error("%s: %d pieces of work are not written: %s", self.folder, self.unwritten, self.trouble)
                    return

    def _tried(self, job: Job, store: Store) -> bool:
        """Done, be it at the tenth try; False if it fails while the run closes."""
        last = self._closing.is_set()
        while not self._done(job, store):
            if last:
                return False
            last = self._closing.wait(RETRY_S)
        return True

    def _done(self, job: Job, store: Store) -> bool:
        """False if the disk does not let it; a job that is itself wrong is told and given up."""
        try:
            job(store)
        except OSError as error:
            if not self.trouble:
                log.error("%s cannot be written: %s; it is tried again", self.folder, error.strerror or error)
            self.trouble = str(error.strerror or error)
            return False
        except Exception:
            log.exception("%s: something could not be kept", self.folder)
        self.trouble = ""
        return True
