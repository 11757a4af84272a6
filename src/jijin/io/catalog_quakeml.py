"""Located events as QuakeML 1.2 (BED); docs/formats.md tells every element.

QuakeML is in SI units: depths and ellipses in metres; distances on the ground and their errors in degrees.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import cos, radians, sqrt
from statistics import median
from typing import IO
from xml.etree import ElementTree as ET

from jijin.io.quakeml import (
    Part,
    comment,
    digest,
    leaf,
    node,
    pick_id,
    quake_pick,
    quantity,
    resource,
    waveform_id,
    write_document,
)
from jijin.io.tables import iso
from jijin.types import Arrival, Event, Origin, StationMagnitude, net_sta

KM_PER_DEGREE = 6371.0 * radians(1)  # of a great circle, as ObsPy and SeisComP count
ONE_SIGMA = 68.3  # percent within one standard deviation of a single quantity
ELLIPSE_SIGMA = 39.3  # percent within the ellipse of one standard deviation: 1 - exp(-1/2)


def write_events(events: Sequence[Event], file: IO[bytes], method: str, version: str) -> None:
    """QuakeML 1.2 to a binary file; no event at all gives valid QuakeML of an empty catalogue.

    Identifiers are made from what they name: the same events give the same file. The event's is the same in all
    its versions; origin, magnitude and amplitudes carry the version's number.
    method : what picked, "cba/1", say; version : that of jijin.
    """
    name = resource("catalog", digest(event.event_id for event in events))
    write_document(name, (_event(event, method, version) for event in events), file)


def _event(event: Event, method: str, version: str) -> ET.Element:
    source, size = event.source_type, event.magnitude
    kind = source.event_type if source else None
    return node(
        "event",
        _id(event),
        leaf("preferredOriginID", _id(event, "origin")),
        leaf("preferredMagnitudeID", _id(event, "magnitude", size.kind)) if size and size.value is not None else None,
        leaf("type", kind),
        leaf("typeCertainty", source.certainty if source and kind else None),
        _creation_info(event, version),
        *_comments(event),
        *(quake_pick(arrival.pick, method, version) for arrival in event.origin.arrivals),
        *(_amplitude(event, one, version) for one in _read(event)),
        *(_station_magnitude(event, one, version) for one in _read(event)),
        _origin(event, version),
        _magnitude(event, version),
    )


def _id(event: Event, *parts: str) -> str:
    """Of the event, or, with parts, of something that belongs to this version of it."""
    if not parts:
        return resource("event", event.event_id)
    kind, *rest = parts
    return resource(kind, event.event_id, str(event.version), *rest)


def _creation_info(event: Event, version: str) -> ET.Element:
    """version is the event's, which counts up; the program's is in the author."""
    made = iso(event.creation_ns) if event.creation_ns is not None else None
    author, number = leaf("author", f"jijin {version}"), leaf("version", event.version)
    return node("creationInfo", "", author, leaf("creationTime", made), number)


def _evaluation(event: Event) -> tuple[Part, Part]:
    """A person's event counts as reviewed."""
    status = "preliminary" if event.evaluation_mode == "automatic" else "reviewed"
    return leaf("evaluationMode", event.evaluation_mode), leaf("evaluationStatus", status)


def _comments(event: Event) -> Iterator[ET.Element]:
    """What QuakeML has no element for: how sure the type is and why, and why there is no magnitude."""
    of = _id(event)
    if source := event.source_type:
        name = source.event_type or "not determined"
        yield comment(f"event_type={name} probability={source.probability:.4f}", of, "event_type")
        shares = " ".join(f"{kind.replace(' ', '_')}={share:.4f}" for kind, share in source.probabilities.items())
        yield comment(f"event_type_probabilities {shares}", of, "event_type_probabilities")
        if source.reasons:
            reasons = "; ".join(f"{feature} {log_odds:+.2f}" for feature, log_odds in source.reasons)
            yield comment(f"event_type_reasons {reasons}", of, "event_type_reasons")
    if event.magnitude and event.magnitude.value is None:
        yield comment(f"no magnitude: {event.magnitude.reason}", of, "no_magnitude")
    if silent := [one for one in (event.magnitude.stations if event.magnitude else ()) if one.value is None]:
        words = "; ".join(f"{one.seed_id} {one.reason}" for one in silent)
        yield comment(f"channels without an amplitude: {words}", of, "channels_without_amplitude")


def _origin(event: Event, version: str) -> ET.Element:
    one, name = event.origin, _id(event, "origin")
    east, north = (sqrt(max(one.covariance[i][i], 0)) / KM_PER_DEGREE for i in (0, 1))
    doubt = "depth not resolved: the data hardly constrain it, or it was held fixed"
    return node(
        "origin",
        name,
        quantity("time", iso(one.time_ns), one.time_uncertainty_s, ONE_SIGMA),
        quantity("latitude", one.latitude, north, ONE_SIGMA),
        quantity("longitude", one.longitude, east / max(cos(radians(one.latitude)), 1e-6), ONE_SIGMA),
        quantity("depth", 1000 * one.depth_km, 1000 * one.depth_uncertainty_km, ONE_SIGMA),
        leaf("depthType", "from location"),
        leaf("methodID", resource("locate", one.method)),
        leaf("earthModelID", resource("velocity", one.velocity_model)),
        _uncertainty(one),
        _quality(one),
        *_evaluation(event),
        _creation_info(event, version),
        None if one.depth_resolved else comment(doubt, name, "depth"),
        *(_arrival(name, arrival) for arrival in one.arrivals),
    )


def _uncertainty(origin: Origin) -> ET.Element:
    longest, shortest = origin.horizontal_uncertainty_km
    return node(
        "originUncertainty",
        "",
        leaf("preferredDescription", "uncertainty ellipse"),
        leaf("maxHorizontalUncertainty", 1000 * longest),
        leaf("minHorizontalUncertainty", 1000 * shortest),
        leaf("azimuthMaxHorizontalUncertainty", origin.ellipse_azimuth_deg),
        leaf("confidenceLevel", ELLIPSE_SIGMA),
    )


def _quality(origin: Origin) -> ET.Element:
    used = [arrival for arrival in origin.arrivals if arrival.time_weight > 0]
    distances = [arrival.distance_km / KM_PER_DEGREE for arrival in used]
    return node(
        "quality",
        "",
        leaf("associatedPhaseCount", len(origin.arrivals)),
        leaf("usedPhaseCount", len(used)),
        leaf("associatedStationCount", _stations(origin.arrivals)),
        leaf("usedStationCount", _stations(used)),
        leaf("standardError", origin.rms_s),
        leaf("azimuthalGap", origin.azimuthal_gap_deg),
        leaf("minimumDistance", origin.nearest_km / KM_PER_DEGREE),
        leaf("maximumDistance", max(distances, default=None)),
        leaf("medianDistance", median(distances) if distances else None),
    )


def _stations(arrivals: Sequence[Arrival]) -> int:
    return len({net_sta(arrival.pick.seed_id) for arrival in arrivals})


def _arrival(origin_id: str, arrival: Arrival) -> ET.Element:
    pick = pick_id(arrival.pick)
    return node(
        "arrival",
        f"{origin_id}/arrival{pick.partition('/pick')[2]}",
        leaf("pickID", pick),
        leaf("phase", arrival.pick.phase_hint),
        leaf("azimuth", arrival.azimuth_deg),
        leaf("distance", arrival.distance_km / KM_PER_DEGREE),
        quantity("takeoffAngle", arrival.takeoff_angle_deg),
        leaf("timeResidual", arrival.time_residual_s),
        leaf("timeWeight", arrival.time_weight),
    )


def _read(event: Event) -> list[StationMagnitude]:
    """Channels with an amplitude, used or not."""
    return [one for one in (event.magnitude.stations if event.magnitude else ()) if one.value is not None]


def _amplitude(event: Event, one: StationMagnitude, version: str) -> ET.Element:
    return node(
        "amplitude",
        _id(event, "amplitude", one.seed_id),
        quantity("genericAmplitude", one.amplitude_mm / 1000 if one.amplitude_mm is not None else None),
        leaf("type", "AML"),
        leaf("category", "point"),
        leaf("unit", "m"),
        leaf("methodID", resource("amplitude", "wood_anderson")),
        quantity("period", one.period_s),
        _moment(one.time_ns),
        waveform_id(one.seed_id),
        leaf("magnitudeHint", event.magnitude.kind if event.magnitude else None),
        *_evaluation(event),
        _creation_info(event, version),
    )


def _moment(time_ns: int | None) -> Part:
    if time_ns is None:
        return None
    return node("timeWindow", "", leaf("begin", 0.0), leaf("end", 0.0), leaf("reference", iso(time_ns)))


def _station_magnitude(event: Event, one: StationMagnitude, version: str) -> ET.Element:
    assert event.magnitude is not None
    name = _id(event, "station_magnitude", one.seed_id)
    texts = {"rejected": one.reason, "response": one.note}
    return node(
        "stationMagnitude",
        name,
        *(comment(f"{key}: {text}", name, key) for key, text in texts.items() if text),
        leaf("originID", _id(event, "origin")),
        quantity("mag", one.value),
        leaf("type", event.magnitude.kind),
        leaf("amplitudeID", _id(event, "amplitude", one.seed_id)),
        leaf("methodID", resource("magnitude", event.magnitude.formula)),
        waveform_id(one.seed_id),
        _creation_info(event, version),
    )


def _magnitude(event: Event, version: str) -> Part:
    one = event.magnitude
    if one is None or one.value is None:
        return None
    used = {net_sta(station.seed_id) for station in one.stations if not station.reason}
    return node(
        "magnitude",
        _id(event, "magnitude", one.kind),
        *(_contribution(event, station, one.value) for station in _read(event)),
        quantity("mag", one.value, one.uncertainty),
        leaf("type", one.kind),
        leaf("stationCount", len(used)),
        leaf("originID", _id(event, "origin")),
        leaf("methodID", resource("magnitude", one.formula)),
        *_evaluation(event),
        _creation_info(event, version),
    )


def _contribution(event: Event, one: StationMagnitude, value: float) -> ET.Element:
    assert one.value is not None
    return node(
        "stationMagnitudeContribution",
        "",
        leaf("stationMagnitudeID", _id(event, "station_magnitude", one.seed_id)),
        leaf("residual", one.value - value),
        leaf("weight", 0.0 if one.reason else 1.0),
    )
