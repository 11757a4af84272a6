"""Picks as QuakeML 1.2 (BED), and what every QuakeML file is made of.

Written element by element: a year's catalogue as ObsPy's event objects takes hours and more memory than there is.
Tests hold the files to ObsPy's copy of the schema and read them back with it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from math import isfinite
from typing import IO
from xml.etree import ElementTree as ET

from jijin.io.tables import iso
from jijin.types import Pick

AUTHORITY = "smi:local/jijin"  # "local": the standard's word for identifiers that no agency has registered
FORBIDDEN = re.compile(r"[^\w\-.]", re.ASCII)  # in an identifier
HEAD = """<?xml version='1.0' encoding='utf-8'?>
<q:quakeml xmlns:q="http://quakeml.org/xmlns/quakeml/1.2" xmlns="http://quakeml.org/xmlns/bed/1.2">
  <eventParameters publicID="{}">
"""
FOOT = "  </eventParameters>\n</q:quakeml>\n"
Value = str | float | int | None
Part = ET.Element | None


def write_quakeml(picks: Sequence[Pick], file: IO[bytes], method: str, version: str) -> None:
    """QuakeML 1.2 to a binary file; no pick at all gives valid QuakeML without an event.

    In QuakeML 1.2 a pick lives in an event. Picks of a run are not associated, so one event for all of them says
    nothing about which belong together; SeisComP reads the picks out of it. Identifiers are made from
    the picks alone: the same picks give the same file.
    method : what picked, "cba/1", say; version : that of jijin.
    """
    name = digest(f"{pick.seed_id} {pick.phase_hint} {pick.time_ns}" for pick in picks)
    write_document(resource("picks", name), [_event(picks, name, method, version)] if picks else [], file)


def write_document(public_id: str, events: Iterable[ET.Element], file: IO[bytes]) -> None:
    """QuakeML of event elements, one after the other: only one is in memory at a time."""
    file.write(HEAD.format(public_id).encode())
    for event in events:
        ET.indent(event, level=2)
        file.write(f"    {ET.tostring(event, encoding='unicode').rstrip()}\n".encode())
    file.write(FOOT.encode())


def _event(picks: Sequence[Pick], name: str, method: str, version: str) -> ET.Element:
    described = f"Picks by jijin {version}, not associated: no earthquake is claimed"
    parts = [quake_pick(pick, method, version) for pick in picks]
    return node("event", resource("event", name), node("description", "", leaf("text", described)), *parts)


def node(name: str, public_id: str, *parts: Part) -> ET.Element:
    """An element with its publicID, "" for none, and the parts that are not None."""
    made = ET.Element(name, {"publicID": public_id} if public_id else {})
    made.extend(part for part in parts if part is not None)
    return made


def leaf(name: str, value: Value) -> Part:
    """An element that holds a value; None for None and for what is no number. Numbers keep ten significant digits."""
    if value is None or (isinstance(value, float) and not isfinite(value)):
        return None
    made = ET.Element(name)
    made.text = f"{value:.10g}" if isinstance(value, float) else str(value)
    return made


def quantity(name: str, value: Value, uncertainty: float | None = None, level: float | None = None) -> Part:
    """A value with its uncertainty and the percentage of confidence that this stands for; None without a value."""
    if leaf("value", value) is None:
        return None
    return node(name, "", leaf("value", value), leaf("uncertainty", uncertainty), leaf("confidenceLevel", level))


def pick_id(pick: Pick) -> str:
    """The same for the same pick, wherever it is written."""
    return resource("pick", pick.seed_id, pick.phase_hint, str(pick.time_ns))


def quake_pick(pick: Pick, method: str, version: str) -> ET.Element:
    """A pick as QuakeML has it; what it has no element for in comments."""
    return node(
        "pick",
        pick_id(pick),
        quantity("time", iso(pick.time_ns), round(pick.time_uncertainty_s, 4)),
        waveform_id(pick.seed_id),
        leaf("methodID", resource(*method.split("/"))),
        leaf("phaseHint", pick.phase_hint),
        leaf("evaluationMode", "automatic"),
        *_comments(pick),
        node("creationInfo", "", leaf("author", "jijin"), leaf("version", version)),
    )


def waveform_id(seed_id: str) -> ET.Element:
    """The four codes as attributes; a location that is not set stays away, an empty network or station is kept."""
    network, station, location, channel = [*seed_id.split("."), "", "", ""][:4]
    codes = {"networkCode": network, "stationCode": station}
    codes |= {"locationCode": location} if location else {}
    return ET.Element("waveformID", codes | ({"channelCode": channel} if channel else {}))


def _comments(pick: Pick) -> Iterator[ET.Element]:
    """What QuakeML has no element for: the probability, and the detection the pick lies in."""
    yield comment(f"probability={pick.probability:.4f}", pick_id(pick), "probability")
    if found := pick.detection:
        span = f"{iso(found.start_ns)}/{iso(found.end_ns)}"
        yield comment(f"detection={span} probability={found.probability:.4f}", pick_id(pick), "detection")
        if source := found.source_type:
            kind = source.event_type or "not determined"
            yield comment(f"event_type={kind} probability={source.probability:.4f}", pick_id(pick), "event_type")


def comment(text: str, of: str, key: str) -> ET.Element:
    """A comment on the element named of, with an identifier made from both."""
    made = node("comment", "", leaf("text", text))
    made.set("id", f"{of}/{key}")
    return made


def resource(*parts: str) -> str:
    """smi:local/jijin/part/part/...; what such an identifier may not hold becomes an underscore.

    >>> resource("event", "a b")
    'smi:local/jijin/event/a_b'
    """
    return "/".join([AUTHORITY, *(FORBIDDEN.sub("_", part) or "_" for part in parts)])


def digest(words: Iterable[str]) -> str:
    """16 hexadecimal digits that stand for all the words."""
    return hashlib.sha256("\n".join(words).encode()).hexdigest()[:16]
