"""Magnitudes of ground motion whose Wood-Anderson amplitude is known in closed form, and what spoils them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import obspy
import pytest
from obspy.core.inventory import Response

import ground
from jijin.errors import ConfigError
from jijin.io.formats import to_segments
from jijin.network.amplitude import SEISMOGRAPHS, wood_anderson
from jijin.network.attenuation import FORMULAS
from jijin.network.magnitude import MagnitudeConfig, Sizer
from jijin.network.responses import Sensors
from jijin.types import NS, Arrival, Magnitude, Pick, Segment, StationMagnitude

FORMULA = FORMULAS["hutton_boore_1987"]


def size(counts: np.ndarray, config: MagnitudeConfig | None = None, **response: object) -> Magnitude:
    """Of an event 60 km from station AAA, whose two horizontals are counts."""
    of = ground.origin(ground.arrivals("AAA", 60.0))
    sizer = Sizer(ground.inventory(**response), config)  # type: ignore[arg-type]
    return sizer.size(of, ground.waveforms(ground.segments(counts)))


def reasons(found: Magnitude) -> set[str]:
    return {one.reason for one in found.stations}


@pytest.mark.parametrize("units", ["M", "M/S", "M/S**2"])
@pytest.mark.parametrize("frequency", [0.7, 1.25, 5.0, 15.0])
def test_a_sinusoid_has_the_amplitude_of_a_forced_pendulum(units: str, frequency: float) -> None:
    found = size(ground.shaking(1e-6, frequency, units), units=units)
    for one in found.stations:
        assert one.amplitude_mm == pytest.approx(1e-3 * ground.wood_anderson_gain(frequency), rel=0.02)
        assert one.period_s == pytest.approx(1 / frequency, rel=0.03)


def test_the_makers_magnification_of_2800_gives_a_tenth_of_a_unit_more() -> None:
    counts = ground.shaking(1e-6, 10.0)
    measured, promised = size(counts), size(counts, MagnitudeConfig(seismograph="anderson_taylor_1935"))
    expected = ground.wood_anderson_gain(10.0, 2800.0, 0.8) / ground.wood_anderson_gain(10.0)
    assert promised.value - measured.value == pytest.approx(np.log10(expected), abs=0.003)  # type: ignore[operator]


def test_units_of_centimetres_are_not_metres() -> None:
    metres, centimetres = size(ground.shaking(1e-6)), size(ground.shaking(1e-6), units="CM/S")
    assert metres.value - centimetres.value == pytest.approx(2.0, abs=0.001)  # type: ignore[operator]


@pytest.mark.parametrize("truth", [0.5, 2.0, 3.5])
def test_a_network_gives_the_magnitude_the_amplitudes_were_made_with(truth: float) -> None:
    codes = [f"S{i:02d}" for i in range(12)]
    distances = np.geomspace(11, 300, len(codes))
    errors = np.random.default_rng(3).normal(0, 0.15, len(codes))
    wavelet = ground.wood_anderson_gain(5.0) * 1000  # mm per m
    amplitudes = [10 ** (truth + e - FORMULA.correction(d)) / wavelet for d, e in zip(distances, errors, strict=True)]
    amplitudes[4] *= 300  # a gain that nobody told about
    found = [s for code, a in zip(codes, amplitudes, strict=True) for s in ground.segments(ground.shaking(a), code)]
    of = ground.origin(*(ground.arrivals(code, distance) for code, distance in zip(codes, distances, strict=True)))
    magnitude = Sizer(ground.inventory(stations=codes)).size(of, ground.waveforms(found))
    others = np.delete(errors, 4)
    assert magnitude.value == pytest.approx(truth + np.median(others), abs=0.02)
    mad = np.median(np.abs(others - np.median(others)))
    assert magnitude.uncertainty == pytest.approx(1.4826 * mad, abs=0.01)
    outliers = {one.seed_id for one in magnitude.stations if one.reason.startswith("outlier: +2.")}
    assert outliers == {"XX.S04.00.HHE", "XX.S04.00.HHN"} and len(magnitude.stations) == 24


def test_the_distance_is_hypocentral_and_counts_the_stations_height() -> None:
    of = ground.origin(ground.arrivals("AAA", 30.0), depth_km=38.0)
    sizer = Sizer(ground.inventory(elevation_m=2000.0))
    found = sizer.size(of, ground.waveforms(ground.segments(ground.shaking(1e-6))))
    assert {one.distance_km for one in found.stations} == {50.0}


def test_a_late_pick_does_not_move_the_window() -> None:
    late = ground.origin(ground.arrivals("AAA", 60.0, late_s=25.0))
    sizer = Sizer(ground.inventory())
    read = ground.waveforms(ground.segments(ground.shaking(1e-6)))
    assert sizer.size(late, read).value == sizer.size(ground.origin(ground.arrivals("AAA", 60.0)), read).value


@pytest.mark.parametrize("phase", [0, 1])
def test_one_phase_is_enough_to_know_the_window(phase: int) -> None:
    of = replace(ground.origin(), arrivals=(ground.arrivals("AAA", 60.0)[phase],))
    found = Sizer(ground.inventory()).size(of, ground.waveforms(ground.segments(ground.shaking(1e-6))))
    assert found.value == pytest.approx(size(ground.shaking(1e-6)).value, abs=0.001)


def test_without_an_inventory_there_is_no_magnitude_and_the_reason() -> None:
    of = ground.origin(ground.arrivals("AAA", 60.0))
    found = Sizer(None).size(of, ground.waveforms(ground.segments(ground.shaking(1e-6))))
    assert (found.value, found.uncertainty, found.reason) == (None, None, "no inventory with responses was given")


def test_without_waveforms_there_is_no_magnitude_and_the_reason() -> None:
    found = Sizer(ground.inventory()).size(ground.origin(ground.arrivals("AAA", 60.0)), None)
    assert (found.value, found.reason) == (None, "no waveforms were given")
    assert Sizer(ground.inventory()).size(ground.origin(), lambda *_: []).reason == "no station has a pick"


def test_one_station_has_no_scatter_and_mean_and_max_of_its_horizontals_differ() -> None:
    east, north = ground.shaking(1e-6), ground.shaking(4e-6)
    found = [*ground.segments(east, channels="E"), *ground.segments(north, channels="N")]
    of = ground.origin(ground.arrivals("AAA", 60.0))
    mean = Sizer(ground.inventory()).size(of, ground.waveforms(found))
    largest = Sizer(ground.inventory(), MagnitudeConfig(horizontals="max")).size(of, ground.waveforms(found))
    assert mean.uncertainty is None
    assert largest.value - mean.value == pytest.approx(np.log10(4) / 2, abs=0.001)  # type: ignore[operator]
    assert [one.reason for one in largest.stations] == ["the other horizontal is larger", ""]


def test_a_vertical_is_not_a_horizontal() -> None:
    of = ground.origin(ground.arrivals("AAA", 60.0))
    found = Sizer(ground.inventory()).size(of, ground.waveforms(ground.segments(ground.shaking(1e-6), channels="Z")))
    assert found.value is None and reasons(found) == {"no horizontal component"}


def test_numbered_horizontals_are_told_by_their_dip() -> None:
    inventory = ground.inventory()
    for channel, code in zip(inventory[0][0], ("HH3", "HH1", "HH2"), strict=True):
        channel.code = code
    found = ground.segments(ground.shaking(1e-6), channels="123")
    of = ground.origin(ground.arrivals("AAA", 60.0))
    assert [one.seed_id[-1] for one in Sizer(inventory).size(of, ground.waveforms(found)).stations] == ["1", "2"]


def spoilt(change: str) -> np.ndarray:
    counts = ground.shaking(1e-5)
    p, s = round(ground.P_S * ground.RATE), round(ground.S_S * ground.RATE)
    if change == "gap":
        counts[s + 100 : s + 180] = np.nan
    if change == "zeros":
        counts[s + 100 : s + 180] = 0
    if change == "clipped":
        counts = np.clip(np.round(counts), -80_000, 80_000)
    if change == "full scale":
        counts *= 0.97 * 2**23 / np.abs(counts).max()
    if change == "dead":
        counts[:] = 4096
    if change == "volts":
        counts *= 1e-7
    if change == "noisy":
        counts += np.random.default_rng(1).normal(0, np.abs(counts).max() / 3, len(counts))
    return counts[: s + 300] if change == "ends" else counts[p - 250 :] if change == "late" else counts


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("gap", "a gap, filled with zeros or NaN, in the window"),
        ("zeros", "a gap, filled with zeros or NaN, in the window"),
        ("clipped", "clipped"),
        ("full scale", "clipped"),
        ("dead", "dead channel: all samples are the same"),
        ("volts", "the samples are below 1: no counts"),
        ("ends", "a gap, or the end of the record, 10.3 s after P"),
    ],
)
def test_a_spoilt_record_is_refused_with_the_reason(change: str, reason: str) -> None:
    found = size(spoilt(change))
    assert found.value is None and reasons(found) == {reason}
    assert found.reason == f"no station can be used; 2 of 2 channels: {reason}"


def test_a_record_that_ends_after_the_largest_waves_will_do() -> None:
    whole = ground.shaking(1e-5)
    cut = whole[: round((ground.S_S + 8) * ground.RATE)]
    assert size(cut).value == pytest.approx(size(whole).value, abs=0.01)


def test_a_peak_that_is_flat_by_rounding_is_not_clipped() -> None:
    counts = np.round(ground.shaking(1e-5))
    loudest = int(np.abs(counts).argmax())
    counts[loudest - 1 : loudest + 2] = counts[loudest]  # three equal samples, as a slow wave has them
    assert size(counts).value == pytest.approx(size(ground.shaking(1e-5)).value, abs=0.02)


def test_an_amplitude_that_hardly_leaves_the_noise_keeps_its_value_but_is_not_used() -> None:
    found = size(spoilt("noisy"))
    assert found.value is None
    assert all(one.value is not None and one.reason.startswith("SNR 2.") for one in found.stations)


def test_a_record_that_starts_just_before_p_has_no_noise_to_compare_with() -> None:
    late = [replace(s, start_ns=s.start_ns + round((ground.P_S - 2.5) * NS)) for s in ground.segments(spoilt("late"))]
    found = Sizer(ground.inventory()).size(ground.origin(ground.arrivals("AAA", 60.0)), ground.waveforms(late))
    assert reasons(found) == {"less than 2 s of record before P"}


def test_a_record_in_pieces_that_follow_or_overlap_is_one_record() -> None:
    whole, cuts = ground.shaking(1e-6), [(0, 3000), (3000, 4000), (3900, 9000)]
    parts = [
        Segment("XX.AAA.00.HHN", ground.START + round(first / ground.RATE * NS), ground.RATE, whole[first:last])
        for first, last in cuts
    ]
    found = Sizer(ground.inventory()).size(ground.origin(ground.arrivals("AAA", 60.0)), ground.waveforms(parts))
    assert found.value == pytest.approx(size(whole).value, abs=1e-9)


def test_a_clipped_seismometer_is_replaced_by_the_accelerometer_at_its_side() -> None:
    inventory = ground.inventory()
    strong = ground.inventory("M/S**2")
    for channel in strong[0][0]:
        channel.code = channel.code.replace("HH", "HN")
    inventory[0][0].channels += strong[0][0].channels
    counts = ground.shaking(1e-5, units="M/S**2")
    accelerometer = [replace(s, seed_id=s.seed_id.replace("HH", "HN")) for s in ground.segments(counts)]
    of = ground.origin(ground.arrivals("AAA", 60.0))
    found = Sizer(inventory).size(of, ground.waveforms([*ground.segments(spoilt("clipped")), *accelerometer]))
    assert [(one.seed_id[-3:], one.reason) for one in found.stations] == [
        ("HHE", "clipped"),
        ("HHN", "clipped"),
        ("HNE", ""),
        ("HNN", ""),
    ]
    assert found.value == pytest.approx(size(ground.shaking(1e-5)).value, abs=0.01)


@pytest.mark.parametrize("distance_km", [3.0, 900.0])
def test_stations_nearer_or_farther_than_the_formula_was_made_for_are_left_out(distance_km: float) -> None:
    of = ground.origin(ground.arrivals("AAA", distance_km))
    read = ground.waveforms(ground.segments(ground.shaking(1e-6)))
    refused = Sizer(ground.inventory()).size(of, read)
    assert refused.value is None and "outside of the 10 to 700 km of the formula" in refused.reason
    config = MagnitudeConfig(min_distance_km=0, max_distance_km=1000)
    assert Sizer(ground.inventory(), config).size(of, read).value is not None


def broken(change: str) -> obspy.Inventory:
    inventory = ground.inventory(units="PA" if change == "pressure" else "M/S")
    for channel in inventory[0][0]:
        if change == "stages":
            channel.response = Response(instrument_sensitivity=channel.response.instrument_sensitivity)
        if change == "none":
            channel.response = None
        if change == "sensitivity":
            channel.response.instrument_sensitivity.value = 0
        if change == "volts":
            channel.response.response_stages[-1].output_units = "V"
        if change == "mismatch":
            channel.response.instrument_sensitivity.value *= 100
        if change == "small mismatch":
            channel.response.instrument_sensitivity.value *= 1.25
        if change == "units":
            channel.response.instrument_sensitivity.input_units = "M/S**2"
        if change == "past":
            channel.end_date = obspy.UTCDateTime(2010, 1, 1)
    if change == "twice":
        inventory[0][0].channels += ground.inventory(units="M/S**2")[0][0].channels
    return inventory


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("stages", "the response has no stages"),
        ("none", "the response has no stages"),
        ("sensitivity", "the response has no overall sensitivity"),
        ("volts", "the response ends in V, not in counts"),
        ("mismatch", "the stages give 0.01 times the overall sensitivity"),
        ("pressure", "the response starts from PA, not from M, M/S or M/S**2"),
        ("units", "the stages start from M/S, the overall sensitivity from M/S**2"),
        ("past", "no response for this time"),
        ("twice", "2 epochs with different responses at the same time"),
    ],
)
def test_a_response_that_cannot_be_trusted_gives_no_magnitude(change: str, reason: str) -> None:
    of = ground.origin(ground.arrivals("AAA", 60.0))
    found = Sizer(broken(change)).size(of, ground.waveforms(ground.segments(ground.shaking(1e-6))))
    assert found.value is None and reasons(found) == {reason}


def test_a_response_whose_stages_and_sensitivity_differ_a_little_is_used_with_a_note() -> None:
    of = ground.origin(ground.arrivals("AAA", 60.0))
    found = Sizer(broken("small mismatch")).size(of, ground.waveforms(ground.segments(ground.shaking(1e-6))))
    assert found.value == pytest.approx(size(ground.shaking(1e-6)).value)
    assert {one.note for one in found.stations} == {"the stages give 0.8 times the overall sensitivity"}


def test_a_channel_that_is_listed_twice_alike_is_one_channel() -> None:
    inventory = ground.inventory()
    inventory[0][0].channels += ground.inventory()[0][0].channels
    of = ground.origin(ground.arrivals("AAA", 60.0))
    found = Sizer(inventory).size(of, ground.waveforms(ground.segments(ground.shaking(1e-6))))
    assert found == size(ground.shaking(1e-6))


def test_a_station_that_is_not_in_the_inventory_is_named_with_the_reason() -> None:
    of = ground.origin(ground.arrivals("BBB", 60.0))
    found = Sizer(ground.inventory()).size(of, ground.waveforms(ground.segments(ground.shaking(1e-6), "BBB")))
    assert [(one.seed_id, one.reason) for one in found.stations] == [
        ("XX.BBB.00.HHE", "no response"),
        ("XX.BBB.00.HHN", "no response"),
    ]
    assert Sizer(ground.inventory()).size(of, ground.waveforms([])).stations[0].reason == "no waveform"


def test_two_sensors_at_one_site_are_one_station() -> None:
    def reading(seed_id: str, value: float) -> StationMagnitude:
        return StationMagnitude(seed_id, value, 1.0, 0.5, 0, 50.0)

    sizer = Sizer(ground.inventory())
    found = sizer.combine([reading("XX.A.00.HHN", 2.0), reading("XX.A.10.HHN", 3.0), reading("XX.B.00.HHN", 2.9)])
    assert found.value == pytest.approx((2.5 + 2.9) / 2)


@pytest.mark.parametrize(
    "settings",
    [{"formula": "none"}, {"seismograph": "modern"}, {"horizontals": "sum"}, {"min_snr": 0}, {"highpass_hz": 5}],
)
def test_an_impossible_setting_stops_the_run(settings: dict[str, object]) -> None:
    with pytest.raises(ConfigError):
        Sizer(None, MagnitudeConfig(**settings))  # type: ignore[arg-type]


def rjob() -> tuple[list[Segment], tuple[Arrival, Arrival]]:
    """The earthquake that ObsPy ships, 8 km away by its S - P of 1 s."""
    p = obspy.UTCDateTime("2009-08-24T00:20:07.7").ns
    picks = [Pick("BW.RJOB..EHZ", "P", p, 0.05, 0.9), Pick("BW.RJOB..EHN", "S", p + NS, 0.1, 0.9)]
    first, second = (Arrival(pick, 8.0, 0.0, None, 0.0, 1.0) for pick in picks)
    return to_segments(obspy.read()), (first, second)


def test_the_earthquake_that_obspy_ships_reads_as_obspy_simulates_it() -> None:
    found, pair = rjob()
    trace = obspy.read().select(component="N")[0]
    sensor = Sensors(obspy.read_inventory()).at(trace.id, trace.stats.starttime.ns)
    ours = wood_anderson(trace.data, 100.0, sensor, SEISMOGRAPHS["uhrhammer_collins_1990"], (0.1, 0.2))
    w, h = 2 * np.pi / 0.8, 0.7
    pole = complex(-h * w, w * np.sqrt(1 - h**2))
    paz = {"zeros": [0j], "poles": [pole, pole.conjugate()], "gain": 1.0, "sensitivity": 2080.0}
    trace.detrend("linear").remove_response(
        obspy.read_inventory(), output="VEL", water_level=None, pre_filt=(0.1, 0.2, 40, 47.5)
    ).simulate(paz_simulate=paz)
    middle = slice(300, 1500)
    assert np.abs(ours - 1000 * trace.data)[middle].max() < 0.01 * np.abs(ours).max()

    config = MagnitudeConfig(formula="luckett_2019", after_s_s=8.0)
    sizer = Sizer(obspy.read_inventory(), config)
    magnitude = sizer.size(replace(ground.origin(pair), time_ns=pair[0].pick.time_ns - NS), ground.waveforms(found))
    north = next(one for one in magnitude.stations if one.seed_id.endswith("N"))
    assert north.amplitude_mm == pytest.approx(1000 * np.abs(trace.data[middle]).max(), rel=0.01)
    assert magnitude.value is not None and not north.reason
