"""The same work here, in processes, or on a Dask cluster. Results come back in the order of the tasks.

Only a few tasks more than there are workers are under way, so a run of a million takes no more memory than one of ten.
A worker that dies takes no result with it: its task is done again, and given up only if it kills a worker that does
nothing else.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any, TypeVar

from jijin.errors import MissingExtra

T = TypeVar("T")
R = TypeVar("R")
AHEAD = 3  # tasks under way for each worker
PATIENCE_S = 30  # until a Dask scheduler answers
DEADLY = "the worker that did it was killed each time; it may need more memory than there is"


def here(tasks: Iterable[T], work: Callable[[T], R]) -> Iterator[R]:
    """In this process, one after the other."""
    return map(work, tasks)


def in_processes(
    tasks: Iterable[T], work: Callable[[T], R], given_up: Callable[[T, str], R], workers: int
) -> Iterator[R]:
    """In processes of this machine. given_up makes the result of a task whose process dies every time."""
    pool = _pool(workers)
    waiting: deque[tuple[T, Future[R]]] = deque()
    rest = iter(tasks)
    try:
        while True:
            while len(waiting) < AHEAD * workers and (task := next(rest, None)) is not None:
                waiting.append((task, _submit(pool, work, task)))
            if not waiting:
                return
            try:
                yield waiting[0][1].result()
                waiting.popleft()
            except BrokenProcessPool:
                pool.shutdown(wait=True)
                for task, future in waiting:
                    yield _result(task, future, work, given_up)
                waiting.clear()
                pool = _pool(workers)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _submit(pool: ProcessPoolExecutor, work: Callable[[T], R], task: T) -> Future[R]:
    """Handed to a pool; one that is broken already gives a future that says so."""
    try:
        return pool.submit(work, task)
    except BrokenProcessPool as error:
        future: Future[R] = Future()
        future.set_exception(error)
        return future


def _result(task: T, future: Future[R], work: Callable[[T], R], given_up: Callable[[T, str], R]) -> R:
    """Of a future of a broken pool, or of the task in a process of its own."""
    if future.done() and future.exception() is None:
        return future.result()
    pool = _pool(1)
    try:
        return pool.submit(work, task).result()
    except BrokenProcessPool:
        return given_up(task, DEADLY)
    finally:
        pool.shutdown(wait=True)


def _pool(workers: int) -> ProcessPoolExecutor:
    """Processes that start afresh (spawn): threads and locks of this one are none of theirs."""
    return ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), _settle)


def _settle() -> None:
    """A worker leaves an interrupt to the process that started it, and ends with it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: Any) -> None:
    parent.join()
    os._exit(1)


def on_dask(tasks: Iterable[T], work: Callable[[T], R], given_up: Callable[[T, str], R], address: str) -> Iterator[R]:
    """On the workers of a Dask scheduler, tcp://HOST:PORT. They need jijin, and the archive under the same name.

    MissingExtra without dask.distributed; OSError if no scheduler answers.
    """
    client = _client(address)
    waiting: deque[tuple[T, Any]] = deque()
    rest = iter(tasks)
    try:
        while True:
            while len(waiting) < AHEAD * _threads(client) and (task := next(rest, None)) is not None:
                waiting.append((task, client.submit(work, task, pure=False)))
            if not waiting:
                return
            yield _of_dask(*waiting.popleft(), given_up)
    finally:
        for _, future in waiting:
            future.cancel()
        client.close()


def _client(address: str) -> Any:
    try:
        from distributed import Client
    except ImportError:
        raise MissingExtra("distributed", "dask") from None
    try:
        return Client(address, set_as_default=False, timeout=PATIENCE_S)
    except (OSError, ValueError) as error:
        raise OSError(f"{address}: no Dask scheduler answers: {error}") from error


def _threads(client: Any) -> int:
    """Of all workers; one until the first has come."""
    return max(sum(client.nthreads().values()), 1)


def _of_dask(task: T, future: Any, given_up: Callable[[T, str], R]) -> R:
    """The scheduler does a task again whose worker dies, three times by its default."""
    from distributed.scheduler import KilledWorker

    try:
        found: R = future.result()
        return found
    except KilledWorker:
        return given_up(task, DEADLY)
