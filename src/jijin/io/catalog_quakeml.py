"""Located events as QuakeML 1.2 (BED), through ObsPy's event objects; docs/formats.md tells every element.

QuakeML is in SI units: depths and ellipses in metres; distances on the ground and their errors in degrees.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from math import cos, radians, sqrt
from typing import IO, TYPE_CHECKING

from jijin.io.quakeml import comment, digest, pick_id, quake_pick, resource, waveform_id
from jijin.types import Arrival, Event, Origin, StationMagnitude, utc

if TYPE_CHECKING:
    from obspy.core import event as qml

KM_PER_DEGREE = 6371.0 * radians(1)  # of a great circle, as ObsPy and SeisComP count
ONE_SIGMA = 68.3  # percent within one standard deviation of a single quantity
ELLIPSE_SIGMA = 39.3  # percent within the ellipse of one standard deviation: 1 - exp(-1/2)


def write_events(events: Iterable[Event], file: IO[bytes], method: str, version: str) -> None:
    """QuakeML 1.2 to a binary file; no event at all gives valid QuakeML of an empty catalogue.

    method : what picked, "cba/1", say; version : that of jijin.
    """
    to_catalog(events, method, version).write(file, format="QUAKEML")


def to_catalog(events: Iterable[Event], method: str, version: str) -> qml.Catalog:
    """Events as an ObsPy Catalog, in their order. Identifiers are made from what they name.

    The event's is the same in all its versions; origin, magnitude and amplitudes carry the version's number.
    """
    from obspy.core.event import Catalog

    found = [_event(event, method, version) for event in events]
    return Catalog(found, resource_id=resource("catalog", digest(f"{one.resource_id}" for one in found)))


def _event(event: Event, method: str, version: str) -> qml.Event:
    from obspy.core.event import Event as QuakeEvent

    info, origin = _creation_info(event, version), _origin(event, version)
    magnitude = _magnitude(event, version)
    source = event.source_type
    return QuakeEvent(
        resource_id=_id(event),
        event_type=source.event_type if source else None,
        event_type_certainty=source.certainty if source and source.event_type else None,
        creation_info=info,
        comments=list(_comments(event)),
        picks=[quake_pick(arrival.pick, method, version) for arrival in event.origin.arrivals],
        origins=[origin],
        amplitudes=[_amplitude(event, one, version) for one in _read(event)],
        station_magnitudes=[_station_magnitude(event, one, version) for one in _read(event)],
        magnitudes=[magnitude] if magnitude else [],
        preferred_origin_id=origin.resource_id,
        preferred_magnitude_id=magnitude.resource_id if magnitude else None,
    )


def _id(event: Event, *parts: str) -> qml.ResourceIdentifier:
    """Of the event, or, with parts, of something that belongs to this version of it."""
    if not parts:
        return resource("event", event.event_id)
    kind, *rest = parts
    return resource(kind, event.event_id, str(event.version), *rest)


def _creation_info(event: Event, version: str) -> qml.CreationInfo:
    """version is the event's, which counts up; the program's is in the author."""
    from obspy.core.event import CreationInfo

    made = utc(event.creation_ns) if event.creation_ns is not None else None
    return CreationInfo(author=f"jijin {version}", version=str(event.version), creation_time=made)


def _evaluation(event: Event) -> dict[str, str]:
    """A person's event counts as reviewed."""
    status = "preliminary" if event.evaluation_mode == "automatic" else "reviewed"
    return {"evaluation_mode": event.evaluation_mode, "evaluation_status": status}


def _comments(event: Event) -> Iterator[qml.Comment]:
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


def _origin(event: Event, version: str) -> qml.Origin:
    from obspy.core.event import Origin as QuakeOrigin
    from obspy.core.event import QuantityError

    one, name = event.origin, _id(event, "origin")
    north, east = sqrt(one.covariance[1][1]), sqrt(one.covariance[0][0])

    def error(value: float) -> qml.QuantityError:
        return QuantityError(uncertainty=value, confidence_level=ONE_SIGMA)

    doubt = "depth not resolved: the data hardly constrain it, or it was held fixed"
    return QuakeOrigin(
        resource_id=name,
        time=one.time,
        time_errors=error(one.time_uncertainty_s),
        latitude=one.latitude,
        latitude_errors=error(north / KM_PER_DEGREE),
        longitude=one.longitude,
        longitude_errors=error(east / KM_PER_DEGREE / max(cos(radians(one.latitude)), 1e-6)),
        depth=1000 * one.depth_km,
        depth_errors=error(1000 * one.depth_uncertainty_km),
        depth_type="from location",
        method_id=resource("locate", one.method),
        earth_model_id=resource("velocity", one.velocity_model),
        origin_uncertainty=_uncertainty(one),
        quality=_quality(one),
        arrivals=[_arrival(name, arrival) for arrival in one.arrivals],
        comments=[] if one.depth_resolved else [comment(doubt, name, "depth")],
        creation_info=_creation_info(event, version),
        **_evaluation(event),
    )


def _uncertainty(origin: Origin) -> qml.OriginUncertainty:
    from obspy.core.event import OriginUncertainty

    longest, shortest = origin.horizontal_uncertainty_km
    return OriginUncertainty(
        preferred_description="uncertainty ellipse",
        max_horizontal_uncertainty=1000 * longest,
        min_horizontal_uncertainty=1000 * shortest,
        azimuth_max_horizontal_uncertainty=origin.ellipse_azimuth_deg,
        confidence_level=ELLIPSE_SIGMA,
    )


def _quality(origin: Origin) -> qml.OriginQuality:
    from statistics import median

    from obspy.core.event import OriginQuality

    used = [arrival for arrival in origin.arrivals if arrival.time_weight > 0]
    distances = [arrival.distance_km / KM_PER_DEGREE for arrival in used]
    return OriginQuality(
        used_phase_count=len(used),
        used_station_count=_stations(used),
        associated_phase_count=len(origin.arrivals),
        associated_station_count=_stations(origin.arrivals),
        standard_error=origin.rms_s,
        azimuthal_gap=origin.azimuthal_gap_deg,
        minimum_distance=origin.nearest_km / KM_PER_DEGREE,
        maximum_distance=max(distances, default=None),
        median_distance=median(distances) if distances else None,
    )


def _stations(arrivals: Sequence[Arrival]) -> int:
    return len({".".join(arrival.pick.seed_id.split(".")[:2]) for arrival in arrivals})


def _arrival(origin_id: qml.ResourceIdentifier, arrival: Arrival) -> qml.Arrival:
    from obspy.core.event import Arrival as QuakeArrival
    from obspy.core.event import ResourceIdentifier

    pick = pick_id(arrival.pick)
    return QuakeArrival(
        resource_id=ResourceIdentifier(f"{origin_id.id}/arrival{pick.id.partition('/pick')[2]}"),
        pick_id=pick,
        phase=arrival.pick.phase_hint,
        distance=arrival.distance_km / KM_PER_DEGREE,
        azimuth=arrival.azimuth_deg,
        takeoff_angle=arrival.takeoff_angle_deg,
        time_residual=arrival.time_residual_s,
        time_weight=arrival.time_weight,
    )


def _read(event: Event) -> list[StationMagnitude]:
    """Channels with an amplitude, used or not."""
    return [one for one in (event.magnitude.stations if event.magnitude else ()) if one.value is not None]


def _amplitude(event: Event, one: StationMagnitude, version: str) -> qml.Amplitude:
    from obspy.core.event import Amplitude, TimeWindow

    at = utc(one.time_ns) if one.time_ns is not None else None
    return Amplitude(
        resource_id=_id(event, "amplitude", one.seed_id),
        generic_amplitude=one.amplitude_mm / 1000 if one.amplitude_mm is not None else None,
        type="AML",
        category="point",
        unit="m",
        period=one.period_s,
        method_id=resource("amplitude", "wood_anderson"),
        time_window=TimeWindow(begin=0.0, end=0.0, reference=at) if at is not None else None,
        waveform_id=waveform_id(one.seed_id),
        magnitude_hint=event.magnitude.kind if event.magnitude else None,
        creation_info=_creation_info(event, version),
        **_evaluation(event),
    )


def _station_magnitude(event: Event, one: StationMagnitude, version: str) -> qml.StationMagnitude:
    from obspy.core.event import StationMagnitude as QuakeStationMagnitude

    assert event.magnitude is not None
    name = _id(event, "station_magnitude", one.seed_id)
    texts = {"rejected": one.reason, "response": one.note}
    return QuakeStationMagnitude(
        resource_id=name,
        origin_id=_id(event, "origin"),
        mag=one.value,
        station_magnitude_type=event.magnitude.kind,
        amplitude_id=_id(event, "amplitude", one.seed_id),
        method_id=resource("magnitude", event.magnitude.formula),
        waveform_id=waveform_id(one.seed_id),
        comments=[comment(f"{key}: {text}", name, key) for key, text in texts.items() if text],
        creation_info=_creation_info(event, version),
    )


def _magnitude(event: Event, version: str) -> qml.Magnitude | None:
    from obspy.core.event import Magnitude as QuakeMagnitude
    from obspy.core.event import QuantityError

    one = event.magnitude
    if one is None or one.value is None:
        return None
    used = {".".join(station.seed_id.split(".")[:2]) for station in one.stations if not station.reason}
    return QuakeMagnitude(
        resource_id=_id(event, "magnitude", one.kind),
        mag=one.value,
        mag_errors=QuantityError(uncertainty=one.uncertainty) if one.uncertainty is not None else None,
        magnitude_type=one.kind,
        origin_id=_id(event, "origin"),
        method_id=resource("magnitude", one.formula),
        station_count=len(used),
        station_magnitude_contributions=[_contribution(event, station, one.value) for station in _read(event)],
        creation_info=_creation_info(event, version),
        **_evaluation(event),
    )


def _contribution(event: Event, one: StationMagnitude, value: float) -> qml.StationMagnitudeContribution:
    from obspy.core.event import StationMagnitudeContribution

    assert one.value is not None
    return StationMagnitudeContribution(
        station_magnitude_id=_id(event, "station_magnitude", one.seed_id),
        residual=one.value - value,
        weight=0.0 if one.reason else 1.0,
    )
