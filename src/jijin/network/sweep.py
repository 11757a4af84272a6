"""Years of picks in pieces that fit in memory, and every event in one of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

from jijin.errors import DataError
from jijin.types import Pick, utc

Found = TypeVar("Found")


def sweep(
    picks: Iterable[Pick],
    block_ns: int,
    span_ns: int,
    find: Callable[[list[Pick]], list[Found]],
    picks_of: Callable[[Found], Sequence[Pick]],
) -> Iterator[Found]:
    """What find() makes of picks sorted by time, block by block, sorted by first picks; no pick is in two of them.

    Blocks of block_ns lie on a grid fixed in UTC. find() is given the picks of a block, those up to span_ns after it,
    and those up to span_ns before it that are still free; span_ns is the longest time between the first and the last
    pick of an event. What begins after the block is left to the next one, so an event across a border is found once
    and whole. Memory holds a block and its margins. Raises DataError where the picks go back in time.
    """
    source = ordered(picks)
    waiting: list[Pick] = []
    ahead = next(source, None)
    end = ahead.time_ns if ahead else 0
    while (first := next((p for p in waiting if p.time_ns >= end), ahead)) is not None:
        end = (first.time_ns // block_ns + 1) * block_ns
        waiting = [p for p in waiting if p.time_ns >= end - block_ns - span_ns]
        while ahead is not None and ahead.time_ns < end + span_ns:
            waiting.append(ahead)
            ahead = next(source, None)
        found = [(min(p.time_ns for p in picks_of(one)), one) for one in find(waiting)]
        mine = sorted((pair for pair in found if pair[0] < end), key=lambda pair: pair[0])
        yield from (one for _, one in mine)
        used = {pick for _, one in mine for pick in picks_of(one)}
        waiting = [p for p in waiting if p not in used]


def ordered(picks: Iterable[Pick]) -> Iterator[Pick]:
    """The picks, with a DataError where one is earlier than the one before."""
    last: int | None = None
    for pick in picks:
        if last is not None and pick.time_ns < last:
            raise DataError(
                f"the pick of {pick.seed_id} at {pick.time} comes after one at {utc(last)}; sort them by time"
            )
        last = pick.time_ns
        yield pick
