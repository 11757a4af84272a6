"""The six steps together: the same picks however the samples come in."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Iterable
from functools import partial

import numpy as np
import obspy
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.signal import butter, sosfilt

import jijin
from fakes import START_NS, FakeModel, FreeModel, StillModel, record, slices
from jijin import CutConfig, DataError, Detector, PickConfig, Segment
from jijin.models import shipped
from jijin.types import Pick, samples_to_ns

EVENTS = {20.3: 1.0, 27.7: 2.0, 60.005: 1.0, 90.2: 1.0, 99.0: 2.0, 150.0: 0.5, 171.5: 3.0, 239.0: 1.0}
MODELS: list[Callable[[], object]] = [
    FakeModel,
    StillModel,
    *(partial(jijin.load, name, threads=1) for name in shipped()),
]


def three(seed: int = 0, seconds: float = 250, rate: float = 100.0, **kwargs: object) -> list[Segment]:
    return [record(f"XX.AAA..HH{c}", seconds, EVENTS, rate, seed=seed, **kwargs) for c in "ZNE"]  # type: ignore[arg-type]


def difficult(seed: int) -> list[Segment]:
    """Two instruments of one station, gaps, overlaps with other values, masked and NaN samples."""
    rng = random.Random(seed)
    out = []
    for band, rate in (("HH", 100.0), ("HN", rng.choice([50.0, 75.0, 99.998, 200.0]))):
        for c in "ZNE" if rng.random() < 0.7 else "Z12":
            whole = record(f"XX.AAA..{band}{c}", 250, EVENTS, rate, START_NS + rng.randrange(10**7), seed)
            data = np.ma.masked_array(whole.data, mask=np.zeros(len(whole.data), bool))
            for _ in range(rng.randrange(3)):
                at = rng.randrange(len(data))
                data[at : at + rng.randrange(1, 4000)] = np.ma.masked
            data[rng.randrange(len(data))] = np.nan
            out += overlapping(Segment(whole.seed_id, whole.start_ns, rate, data), rng)
    return out


def overlapping(whole: Segment, rng: random.Random) -> list[Segment]:
    """Two segments with a gap or an overlap between them; the overlap holds other values."""
    first, second = sorted(rng.sample(range(len(whole.data)), 2))
    if second - first > 5000:
        first, second = second, first  # a gap that long becomes an overlap
    start_ns = whole.start_ns + samples_to_ns(second, whole.sampling_rate) + rng.randrange(10**6)
    late = Segment(whole.seed_id, start_ns, whole.sampling_rate, whole.data[second:] * 1.5)
    return [Segment(whole.seed_id, whole.start_ns, whole.sampling_rate, whole.data[:first]), late]


def by_time(parts: Iterable[Segment], cuts_s: list[float], rng: random.Random) -> list[list[Segment]]:
    """The segments cut at these times, a list for each stretch of time; the channels of a stretch in random order."""
    chunks: list[list[Segment]] = [[] for _ in range(len(cuts_s) + 1)]
    for part in parts:
        ends = [(START_NS + int(s * 1e9) - part.start_ns) * part.sampling_rate / 1e9 for s in sorted(cuts_s)]
        edges = [min(max(int(end), 0), len(part.data)) for end in ends]
        for chunk, first, stop in zip(chunks, [0, *edges], [*edges, len(part.data)], strict=True):
            start_ns = part.start_ns + samples_to_ns(first, part.sampling_rate)
            if first < stop:
                chunk.append(Segment(part.seed_id, start_ns, part.sampling_rate, part.data[first:stop]))
    for chunk in chunks:
        order = {p.seed_id: rng.random() for p in chunk}
        chunk.sort(key=lambda p: order[p.seed_id])  # stable: pieces of one channel keep their order
    return chunks


def fed(model: object, chunks: Iterable[list[Segment]], cut: CutConfig | None = None) -> list[Pick]:
    detector = Detector(model, cut)  # type: ignore[arg-type]
    picks = [pick for chunk in chunks for pick in detector.feed(chunk)]
    return sorted(picks + detector.flush(), key=lambda p: (p.time_ns, p.seed_id, p.phase_hint))


CUTS = [CutConfig(), CutConfig(60), CutConfig(10, 1), CutConfig(between=0), CutConfig(5, 1)]


@given(st.integers(0, 10**6), st.lists(st.floats(-5, 255), max_size=25), st.sampled_from(CUTS))
@example(1294, [128.5], CutConfig())  # a piece at 99.998 Hz lies wholly in another record; the next is on its comb
@example(819, [89.6096155246021], CutConfig())  # the piece that its comb began with is masked
@settings(max_examples=25, deadline=None)
def test_any_chunks_give_exactly_the_same_picks(seed: int, cuts_s: list[float], cut: CutConfig) -> None:
    parts = difficult(seed)
    whole = fed(StillModel(), [parts], cut)
    assert whole and fed(StillModel(), by_time(parts, cuts_s, random.Random(seed)), cut) == whole


@pytest.mark.parametrize("late_s", [10.0, 31.0, 61.0, 100.0])
def test_a_component_that_begins_late_may_come_first(late_s: float) -> None:
    east, north, up = (record(f"XX.AAA..HH{code}", 180, EVENTS) for code in "ENZ")
    _, up = slices(up, [round(late_s * 100)])
    assert fed(StillModel(), [[up], [east, north]]) == fed(StillModel(), [[east, north, up]]) != []


def test_what_came_first_may_have_come_later() -> None:
    parts = [slices(record(f"XX.AAA..HH{code}", 180, EVENTS), [1500, 3500]) for code in "ENZ"]  # within a block
    first, second, rest = map(list, zip(*parts, strict=True))
    assert fed(StillModel(), [second, first, rest]) == fed(StillModel(), [[*first, *second, *rest]]) != []


def test_a_record_has_its_own_times_whatever_comes_between_its_pieces() -> None:
    for at in range(2000, 4000, 290):
        a, b = np.random.default_rng(at).standard_normal((2, 9000))
        gap = np.ma.masked_inside(np.ma.arange(9000), 4500, 6500).mask
        one = Segment("XX.AAA..HHZ", START_NS, 99.998, np.ma.masked_array(a, gap))
        other = Segment("XX.AAA..HHZ", START_NS + 50_003_333_333, 99.998, b[:1000])
        first, second = slices(one, [at])
        assert fed(StillModel(), [[one, other]]) == fed(StillModel(), [[first, other, second]])


@pytest.mark.parametrize("make", MODELS)
@pytest.mark.parametrize("seed", [1, 2])
def test_packets_of_a_second_give_exactly_the_same_picks(make: Callable[[], object], seed: int) -> None:
    parts, model = difficult(seed), make()
    packets = by_time(parts, list(range(250)), random.Random(seed))
    assert fed(model, packets) == fed(model, [parts])


@pytest.mark.parametrize("make", MODELS)
def test_channels_fed_one_after_the_other_give_the_same_picks(make: Callable[[], object]) -> None:
    parts, model = three(), make()
    assert fed(model, [[part] for part in parts]) == fed(model, [parts])


@pytest.mark.parametrize("first_s", [0.01, 3.33, 17.0])
def test_a_file_that_starts_elsewhere_gives_the_same_picks(first_s: float, fake: FakeModel) -> None:
    whole = three(seconds=400)
    later = [list(slices(part, [round(first_s * 100)]))[1] for part in whole]
    after_ns = START_NS + 80 * 10**9  # windows that lie wholly in both
    a, b = ([p for p in fed(fake, [parts]) if p.time_ns > after_ns] for parts in (whole, later))
    assert len(a) > 3 and a == b


def test_picks_at_200_hz_agree_with_those_at_100_hz(fake: FakeModel) -> None:
    lowpass = butter(2, 15, fs=200, output="sos")
    smooth = sosfilt(lowpass, record("XX.AAA..HHZ", 250, EVENTS, 200.0, noise=0.05).data)
    fine = [Segment(f"XX.AAA..HH{c}", START_NS, 200.0, smooth) for c in "ZNE"]
    coarse = [Segment(f"XX.AAA..HH{c}", START_NS, 100.0, smooth[::2]) for c in "ZNE"]
    a, b = ([p.time_ns for p in fed(fake, [parts]) if p.phase_hint == "P"] for parts in (fine, coarse))
    assert len(a) == len(b) >= len(EVENTS)
    assert np.abs(np.subtract(a, b)).max() <= 10_000_000


@pytest.mark.parametrize("offset_ns", [-4_000_000, 1, 3_333_333, 4_999_999])
def test_the_sub_sample_offset_of_the_record_is_in_the_pick_time(offset_ns: int, fake: FakeModel) -> None:
    parts = three()
    moved = [Segment(p.seed_id, p.start_ns + offset_ns, p.sampling_rate, p.data) for p in parts]
    for a, b in zip(fed(fake, [parts]), fed(fake, [moved]), strict=True):
        assert b.time_ns - a.time_ns == offset_ns


@pytest.mark.parametrize("offset_ns", [-3_000_000, 4_000_000])
def test_the_offset_is_the_verticals(offset_ns: int, fake: FakeModel) -> None:
    parts = three()
    moved = [Segment(parts[0].seed_id, START_NS + offset_ns, 100.0, parts[0].data), *parts[1:]]
    s = [[p.time_ns for p in fed(fake, [x]) if p.phase_hint == "S"] for x in (parts, moved)]
    assert [b - a for a, b in zip(*s, strict=True)] == [offset_ns] * len(s[0])


def test_an_event_in_the_last_seconds_of_a_record_is_picked(fake: FakeModel) -> None:
    last = [p for p in fed(fake, [three(seconds=240)]) if p.phase_hint == "P"][-1]
    assert 239.0 <= (last.time_ns - START_NS) / 1e9 < 239.3


def test_every_fragment_is_used(fake: FakeModel) -> None:
    fragments = []
    for i in range(20):
        start_ns = START_NS + i * 100 * 10**9
        t = np.arange(900) / 100
        data = np.where(t > 5, np.cos(31 * t), 0.01 * np.cos(200 * t))
        fragments += [Segment(f"XX.AAA..HH{c}", start_ns, 100.0, data) for c in "ZNE"]
    found = {round((p.time_ns - START_NS) / 1e9) for p in fed(fake, [fragments]) if p.phase_hint == "P"}
    assert {100 * i + 5 for i in range(20)} <= found


def test_phases_are_read_on_their_own_channels(fake: FakeModel) -> None:
    picks = fed(fake, [three()])
    assert {(p.phase_hint, p.seed_id[-1]) for p in picks} == {("P", "Z"), ("S", "N")}


@pytest.mark.parametrize(("code", "phase"), [("Z", "P"), ("N", "S"), ("E", "S")])
def test_a_single_component_is_picked(code: str, phase: str, fake: FakeModel) -> None:
    picks = fed(fake, [[p for p in three() if p.seed_id.endswith(code)]])
    assert {(p.phase_hint, p.seed_id) for p in picks} == {(phase, f"XX.AAA..HH{code}")}


def test_a_live_feed_gives_picks_before_the_flush(fake: FakeModel) -> None:
    detector, early = Detector(fake), []
    for chunk in by_time(three(), list(range(250)), random.Random(0)):
        early += detector.feed(chunk)
    assert {round((p.time_ns - START_NS) / 1e9) for p in early} >= {20, 28, 60, 90, 99, 150}


def test_a_flush_leaves_the_detector_as_new(fake: FakeModel) -> None:
    detector = Detector(fake)
    runs = [detector.feed(three()) + detector.flush() for _ in range(2)]
    assert runs[0] == runs[1] and detector.flush() == []


def test_a_channel_that_cannot_be_used_does_not_stop_the_others(caplog: pytest.LogCaptureFixture) -> None:
    odd = [Segment("XX.AAA..LHZ", START_NS, 1.0, np.zeros(99)), Segment("XX.AAA..LOG", START_NS, 0.0, np.array(["a"]))]
    caplog.set_level(logging.WARNING, "jijin")
    assert fed(FakeModel(), [odd + odd + three()]) == fed(FakeModel(), [three()])
    assert (
        caplog.text.count("XX.AAA..LHZ: sampling rate must be 20 to 1000 Hz (got 1 Hz); the channel is not used") == 1
    )


def test_it_is_an_error_if_no_channel_can_be_used(fake: FakeModel) -> None:
    with pytest.raises(DataError, match=r"no channel can be used: XX\.AAA\.\.LHZ"):
        jijin.pick([Segment("XX.AAA..LHZ", START_NS, 1.0, np.zeros(99))], fake)


def test_nothing_to_pick_gives_no_picks(fake: FakeModel) -> None:
    empty = Segment("XX.AAA..HHZ", START_NS, 100.0, np.empty(0))
    masked = Segment("XX.AAA..HHZ", START_NS, 100.0, np.ma.masked_all(5))
    assert jijin.pick([empty, masked], fake) == []
    assert jijin.pick(obspy.Stream(), fake) == []


def test_a_file_name_is_not_samples(fake: FakeModel) -> None:
    with pytest.raises(DataError, match=r"jijin\.read"):
        jijin.pick("day.mseed", fake)  # type: ignore[arg-type]


def test_a_misspelt_option_is_an_error(fake: FakeModel) -> None:
    with pytest.raises(TypeError, match="treshold_p"):
        jijin.pick(obspy.Stream(), fake, treshold_p=0.3)  # type: ignore[call-arg]


def test_a_given_threshold_replaces_the_models(fake: FakeModel) -> None:
    few, many = (jijin.pick(three(noise=0.2), fake, threshold_p=threshold) for threshold in (0.9, 0.3))
    assert min(p.probability for p in few if p.phase_hint == "P") >= 0.9
    assert sum(p.phase_hint == "P" for p in few) < sum(p.phase_hint == "P" for p in many)
    assert [p for p in few if p.phase_hint == "S"] == [p for p in many if p.phase_hint == "S"]


def test_the_input_is_neither_changed_nor_kept(fake: FakeModel) -> None:
    stream, reference = obspy.read(), obspy.read()
    detector = Detector(fake)
    picks = detector.feed(stream)
    assert all(np.array_equal(a.data, b.data) and a.stats == b.stats for a, b in zip(stream, reference, strict=True))
    for trace in stream:
        trace.data[:] = 0
    assert picks + detector.flush() == jijin.pick(reference, fake)


def test_stream_traces_and_segments_are_the_same_to_it(fake: FakeModel) -> None:
    stream = obspy.read()
    parts = [Segment(t.id, t.stats.starttime.ns, t.stats.sampling_rate, t.data) for t in stream]
    picks = jijin.pick(stream, fake)
    assert picks and picks == jijin.pick(parts, fake) == jijin.pick(list(stream), fake)


def test_the_local_earthquake_in_obspys_example_is_picked(fake: FakeModel) -> None:
    """BW.RJOB of 2009-08-24: P 4.7 s into the record, by eye."""
    picks = [p for p in jijin.pick(obspy.read(), fake) if p.phase_hint == "P"]
    best = max(picks, key=lambda p: p.probability)
    assert best.seed_id == "BW.RJOB..EHZ"
    assert abs(best.time - obspy.UTCDateTime("2009-08-24T00:20:07.7")) < 0.5


@pytest.mark.parametrize("stride_s", [60.0, 20.0, 10.0])
def test_another_stride_finds_the_same_events(stride_s: float, fake: FakeModel) -> None:
    times = np.array([p.time_ns for p in jijin.pick(three(), fake, stride_s=stride_s) if p.phase_hint == "P"])
    for onset_s in EVENTS:
        assert np.abs(times - START_NS - onset_s * 1e9).min() < 0.3e9


def test_annotate_gives_three_curves_over_the_span_of_the_data(fake: FakeModel) -> None:
    stream = obspy.read()
    out = jijin.annotate(stream, fake)
    assert sorted(trace.id for trace in out) == [f"BW.RJOB..FAKE_EH_{x}" for x in ("Detection", "P", "S")]
    for trace in out:
        assert trace.stats.starttime == stream[0].stats.starttime and trace.stats.npts == stream[0].stats.npts
        assert trace.data.dtype == np.float32 and trace.data.min() >= 0 and trace.data.max() <= 1
    best = max((p for p in jijin.pick(stream, fake) if p.phase_hint == "P"), key=lambda p: p.probability)
    curve = out.select(channel="*_P")[0]
    assert curve.data.max() == np.float32(best.probability)


def test_annotate_parts_its_traces_at_long_gaps_only(fake: FakeModel) -> None:
    parts = [
        Segment(f"XX.AAA.00.HH{c}", START_NS + start * 10**9 + 2_000_000, 100.0, np.sin(np.arange(3000.0)))
        for c in "ZNE"
        for start in (0, 60, 151)
    ]
    pieces = [t for t in jijin.annotate(parts, fake) if t.stats.channel == "FAKE_HH_S"]
    assert [t.stats.npts for t in pieces] == [9000, 3000]
    assert [t.stats.starttime.ns - START_NS for t in pieces] == [2_000_000, 151_002_000_000]
    assert not pieces[0].data[3000:6000].any() and pieces[0].stats.location == "00"


@pytest.mark.parametrize("make", MODELS)
def test_an_array_of_stations_is_batched_without_mixing(make: Callable[[], object]) -> None:
    model = make()
    stations = [
        [Segment(p.seed_id.replace("AAA", f"A{i}"), *(p.start_ns, 100.0, p.data)) for p in three(i)] for i in range(9)
    ]
    together = fed(model, [[p for parts in stations for p in parts]])
    alone = [pick for parts in stations for pick in fed(model, [parts])]
    assert together == sorted(alone, key=lambda p: (p.time_ns, p.seed_id, p.phase_hint))


def test_a_day_is_processed_in_slabs() -> None:
    class Counting(FreeModel):
        sizes: list[int] = []  # noqa: RUF012

        def predict(self, windows: np.ndarray) -> object:  # type: ignore[override]
            self.sizes.append(len(windows))
            return super().predict(windows)

    day = [Segment(f"XX.AAA..HH{c}", START_NS, 100.0, np.zeros(2_000_000, np.int16)) for c in "ZNE"]
    Detector(Counting(), CutConfig(), PickConfig()).feed(day)
    assert max(Counting.sizes) == 64 and sum(Counting.sizes) == 667


@pytest.mark.parametrize("codes", [("", "A.B", "X.", "EHZ"), ("", "", "", ""), ("XX", "A", "", "")])
def test_odd_seed_ids_are_annotated(fake, codes):
    stream = obspy.read()[:1]
    network, station, location, channel = codes
    stream[0].stats.update({"network": network, "station": station, "location": location, "channel": channel})
    assert len(jijin.annotate(stream, fake)) == 3
