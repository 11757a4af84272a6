"""What a person corrects in a finished run: picks and stations out or in again, events located anew, their type."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from jijin.catalog.events import event_builder, lenient
from jijin.catalog.outputs import write_outputs
from jijin.catalog.settings import from_tables
from jijin.config import suggestion
from jijin.errors import DataError, JijinError
from jijin.io.archive import Span, Waveforms, open_archive
from jijin.store import Store, pick_id
from jijin.types import Event, Pick, Segment, SourceType, net_sta

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Changes:
    """What an edit did: events located anew or given a type, in their new version, those withdrawn with the reason,
    picks marked."""

    located: tuple[Event, ...] = ()
    typed: tuple[Event, ...] = ()
    withdrawn: tuple[tuple[str, str], ...] = ()
    marked: int = 0  # picks that were not excluded before and are, or the other way round

    def __bool__(self) -> bool:
        return bool(self.located or self.typed or self.withdrawn or self.marked)


def edit(
    folder: str | Path,
    *,
    exclude_picks: Iterable[str] = (),
    exclude_stations: Iterable[str] = (),
    include_picks: Iterable[str] = (),
    include_stations: Iterable[str] = (),
    event_types: Mapping[str, str] | None = None,
    relocate: bool = True,
    tell: Tell = lambda sentence: None,
) -> Changes:
    """Exclude picks (by pick_id, or its beginning) and stations (NET.STA), take others in again, and locate again.

    Excluded picks stay in the run, marked. Events that lose or regain a pick are located with what is left of the picks
    they were made of and saved as a new version, evaluated by hand ("manual"); one that cannot be located any more is
    withdrawn. event_types : event_id, or its beginning -> what it was, in QuakeML's words ("quarry blast"); that is
    then known, and stays so when the event is located again. The files beside run.db are written anew. DataError, and
    nothing is changed, for a pick, a station or an event that the run does not have, and for a type that QuakeML does
    not know.
    """
    with Store.open(folder, write=True) as store:
        out = [*_found(store, exclude_picks), *_of_stations(store, exclude_stations)]
        back = [*_found(store, include_picks), *_of_stations(store, include_stations)]
        known = [*_typed(store, event_types or {})]
        before = store.excluded()
        store.exclude(out, "excluded by hand")
        store.exclude(back, "")
        marked = len(before.keys() ^ store.excluded().keys())
        typed = tuple(map(store.save_event, known))
        changes = _relocate(store, tell) if relocate else Changes()
        write_outputs(store, tell)
    return replace(changes, typed=typed, marked=marked)


def _found(store: Store, beginnings: Iterable[str]) -> Iterator[str]:
    for beginning in beginnings:
        ids = store.pick_ids(beginning)
        if len(ids) != 1:
            what = "is of no pick" if not ids else f"is the beginning of {len(ids)} pick ids"
            raise DataError(f"{store.folder}: '{beginning}' {what}; 'jijin picks {store.folder}' lists them")
        yield ids[0]


def _typed(store: Store, event_types: Mapping[str, str]) -> Iterator[Event]:
    """Events in their latest version, with the type that a person knows them to be of."""
    from obspy.core.event.header import EventType

    events = store.events() if event_types else []
    for beginning, name in event_types.items():
        found = [event for event in events if event.event_id.startswith(beginning)]
        if len(found) != 1:
            what = "is of no event" if not found else f"is the beginning of {len(found)} event ids"
            raise DataError(
                f"{store.folder}: '{beginning}' {what}; 'jijin picks {store.folder} --table events' lists them"
            )
        if name not in (known := list(EventType)):
            raise DataError(f"'{name}' is no event type of QuakeML; {suggestion(name, known)}")
        kind = SourceType(name, 1.0, certainty="known")
        yield replace(found[0], source_type=kind, evaluation_mode="manual", creation_ns=None)


def _of_stations(store: Store, names: Iterable[str]) -> Iterator[str]:
    wanted = dict.fromkeys(names, 0)
    for pick in store.each_pick(excluded=True) if wanted else ():
        name = net_sta(pick.seed_id)
        if name in wanted:
            wanted[name] += 1
            yield pick_id(pick)
    if missing := [name for name, count in wanted.items() if not count]:
        raise DataError(f"{store.folder}: no pick of station {missing[0]}; a station is named NET.STA")


def _relocate(store: Store, tell: Tell) -> Changes:
    """Every event whose picks are not those it was last located with; a withdrawn one may come back."""
    before = store.withdrawn()
    stale = [(event, picks) for event, picks in _events(store) if event.event_id in before or _differ(event, picks)]
    if not stale:
        return Changes()
    builder = event_builder(store, from_tables(store.settings["config"], str(store.folder)))
    waveforms = _Archive(store, tell)
    located, withdrawn = list[Event](), list[tuple[str, str]]()
    for event, picks in stale:
        try:
            origin = builder.locator.locate(picks)
        except DataError as error:
            store.withdraw(event.event_id, str(error))
            withdrawn += [(event.event_id, str(error))] if event.event_id not in before else []
        else:
            waveforms.found = False
            made = builder.event(origin, waveforms, event.event_id)
            known = event.magnitude is not None and event.magnitude.value is not None
            if builder.sizer and known and not waveforms.found:
                made = replace(made, magnitude=builder.sizer.again(event, origin))
            kind = event.source_type if _is_known(event) else made.source_type
            located.append(store.save_event(replace(made, source_type=kind, evaluation_mode="manual")))
    return Changes(located=tuple(located), withdrawn=tuple(withdrawn))


def _is_known(event: Event) -> bool:
    return event.source_type is not None and event.source_type.certainty == "known"


def _differ(event: Event, picks: list[Pick]) -> bool:
    return set(picks) != set(event.origin.picks)


def _events(store: Store) -> Iterator[tuple[Event, list[Pick]]]:
    """Each event in its latest version, and those of all its versions' picks that are not excluded."""
    excluded = store.excluded()
    for event_id in store.event_ids():
        versions = store.versions(event_id)
        picks = {pick: None for version in versions for pick in version.origin.picks}
        yield versions[-1], [pick for pick in picks if pick_id(pick) not in excluded]


@dataclass(slots=True)
class _Archive:
    """Waveforms of the run's archive, opened when the first magnitude asks for it; none where it is not there."""

    store: Store
    tell: Tell
    found: bool = False  # whether anything was, since it was set
    _opened: Waveforms | None = None

    def __call__(self, name: str, start_ns: int, end_ns: int) -> list[Segment]:
        self._opened = self._opened or _open(self.store, self.tell)
        segments = self._opened(name, start_ns, end_ns)
        self.found |= bool(segments)
        return segments


def _open(store: Store, tell: Tell) -> Waveforms:
    settings = store.settings
    try:
        archive = open_archive(settings["source"], Span(settings["start_ns"], settings["end_ns"]))
    except (JijinError, OSError) as error:
        tell(f"no waveforms, so magnitudes of events located anew are of the amplitudes that were read before: {error}")
        return lambda name, start_ns, end_ns: []
    return lenient(archive.segments, tell)
