"""Picks as QuakeML 1.2 (BED), through ObsPy's event objects."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from typing import IO, TYPE_CHECKING

from jijin.io.tables import iso
from jijin.types import Pick

if TYPE_CHECKING:
    from obspy.core.event import Catalog, Comment, Event, ResourceIdentifier, WaveformStreamID
    from obspy.core.event import Pick as QuakePick

AUTHORITY = "smi:local/jijin"  # "local": the standard's word for identifiers that no agency has registered


def write_quakeml(picks: Sequence[Pick], file: IO[bytes], method: str, version: str) -> None:
    """QuakeML 1.2 to a binary file; no pick at all gives valid QuakeML without an event.

    method : what picked, "cba/1", say; version : that of jijin.
    """
    to_catalog(picks, method, version).write(file, format="QUAKEML")


def to_catalog(picks: Sequence[Pick], method: str, version: str) -> Catalog:
    """Picks as an ObsPy Catalog of one Event, without an origin, that only carries them.

    In QuakeML 1.2 a pick lives in an event. Picks of a run are not associated, so one event for all of them says
    nothing about which belong together; SeisComP reads the picks out of it. Identifiers are made from
    the picks alone: the same picks give the same file.
    """
    from obspy.core.event import Catalog

    name = digest(f"{pick.seed_id} {pick.phase_hint} {pick.time_ns}" for pick in picks)
    events = [_event(picks, name, method, version)] if picks else []
    return Catalog(events, resource_id=resource("picks", name))


def _event(picks: Sequence[Pick], name: str, method: str, version: str) -> Event:
    from obspy.core.event import Event, EventDescription

    described = EventDescription(f"Picks by jijin {version}, not associated: no earthquake is claimed")
    return Event(
        resource_id=resource("event", name),
        event_descriptions=[described],
        picks=[quake_pick(pick, method, version) for pick in picks],
    )


def pick_id(pick: Pick) -> ResourceIdentifier:
    """The same for the same pick, wherever it is written."""
    return resource("pick", pick.seed_id, pick.phase_hint, str(pick.time_ns))


def quake_pick(pick: Pick, method: str, version: str) -> QuakePick:
    """A pick as QuakeML has it; what it has no element for in comments."""
    from obspy.core.event import CreationInfo, QuantityError
    from obspy.core.event import Pick as QuakePick

    return QuakePick(
        resource_id=pick_id(pick),
        time=pick.time,
        time_errors=QuantityError(uncertainty=round(pick.time_uncertainty_s, 4)),
        waveform_id=waveform_id(pick.seed_id),
        method_id=resource(*method.split("/")),
        phase_hint=pick.phase_hint,
        evaluation_mode="automatic",
        creation_info=CreationInfo(author="jijin", version=version),
        comments=_comments(pick),
    )


def waveform_id(seed_id: str) -> WaveformStreamID:
    """The four codes as attributes; a location that is not set stays away, an empty network or station is kept."""
    from obspy.core.event import WaveformStreamID

    network, station, location, channel = [*seed_id.split("."), "", "", ""][:4]
    return WaveformStreamID(network, station, location or None, channel or None)


def _comments(pick: Pick) -> list[Comment]:
    """What QuakeML has no element for: the probability, and the detection the pick lies in."""
    texts = {"probability": f"probability={pick.probability:.4f}"}
    if found := pick.detection:
        span = f"{iso(found.start_ns)}/{iso(found.end_ns)}"
        texts["detection"] = f"detection={span} probability={found.probability:.4f}"
    return [comment(text, pick_id(pick), key) for key, text in texts.items()]


def comment(text: str, of: ResourceIdentifier, key: str) -> Comment:
    """A comment on the element named of, with an identifier made from both."""
    from obspy.core.event import Comment, ResourceIdentifier

    return Comment(text=text, resource_id=ResourceIdentifier(f"{of.id}/{key}"))


def resource(*parts: str) -> ResourceIdentifier:
    """smi:local/jijin/part/part/...; what such an identifier may not hold becomes an underscore."""
    from obspy.core.event import ResourceIdentifier

    return ResourceIdentifier("/".join([AUTHORITY, *map(_safe, parts)]))


def _safe(text: str) -> str:
    return re.sub(r"[^\w\-.]", "_", text, flags=re.ASCII) or "_"


def digest(words: Iterable[str]) -> str:
    """16 hexadecimal digits that stand for all the words."""
    return hashlib.sha256("\n".join(words).encode()).hexdigest()[:16]
