"""Events keep their names: from their first pick, and over versions by the picks they share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from hashlib import sha256

from jijin.types import Event, Pick, by_time, utc


def identify(picks: Iterable[Pick]) -> str:
    """Name of an event from its earliest pick, which no other event has: its second, and a hash of where and what.

    >>> identify([Pick("XX.A..HHZ", "P", 1_700_000_000_000_000_000, 0.1, 0.9)])
    '20231114T221320-1b3d59'
    """
    first = by_time(picks)[0]
    code = sha256(f"{first.seed_id} {first.phase_hint} {first.time_ns}".encode()).hexdigest()
    return f"{utc(first.time_ns).strftime('%Y%m%dT%H%M%S')}-{code[:6]}"


def carry_over(old: Sequence[Event], new: Sequence[Event]) -> list[Event]:
    """New events under the names of the old ones they are versions of, in the order of new.

    An old event goes on in the new one that it shares most picks with, each in one at most: pairs are taken by how many
    picks they share, then by age. The version counts up; where nothing has changed but creation_ns the old event itself
    comes back. A new event without an old one keeps its name, unless an old one had it first. Old events that are
    not in the result are gone.
    """
    owner = {pick: index for index, event in enumerate(old) for pick in event.origin.picks}
    shared = Counter(
        (owner[pick], index) for index, event in enumerate(new) for pick in event.origin.picks if pick in owner
    )
    names: dict[int, int] = {}
    for (before, after), _ in sorted(shared.items(), key=lambda item: (-item[1], item[0])):
        if after not in names and before not in names.values():
            names[after] = before
    taken = {event.event_id for event in old}
    return [next_version(old[names[i]], event) if i in names else unlike(event, taken) for i, event in enumerate(new)]


def next_version(old: Event, new: Event) -> Event:
    """New under the old name, or old itself where they say the same."""
    named = replace(new, event_id=old.event_id, version=old.version, creation_ns=old.creation_ns)
    return old if named == old else replace(new, event_id=old.event_id, version=old.version + 1)


def unlike(event: Event, taken: set[str]) -> Event:
    """With a name that is not taken: where it is, by the next pick that gives a free one."""
    picks = event.origin.picks
    free = (name for index in range(len(picks)) if (name := identify(picks[index:])) not in taken)
    return event if event.event_id not in taken else replace(event, event_id=next(free))
