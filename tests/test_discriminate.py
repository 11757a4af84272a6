"""Source types: features against signals of known make, trees and regression against other routes, decisions."""

from __future__ import annotations

import json
import math
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from jijin.discriminate import ContextConfig, DiscriminateConfig, Discriminator, load_source
from jijin.discriminate.classes import CLASSES, KINDS, QUAKEML, class_of
from jijin.discriminate.context import context
from jijin.discriminate.detections import typed
from jijin.discriminate.features import NAMES, features
from jijin.discriminate.forest import Forest, from_lists, to_lists
from jijin.discriminate.model import Blasts, Calibration, SourceModel, from_dict, joined, to_dict
from jijin.discriminate.record import LENGTH, P_SAMPLE, Record, cut, vertical
from jijin.errors import ConfigError, ModelError
from jijin.types import NS, Arrival, Detection, Origin, Pick, Segment

NOON = 1_700_049_600 * NS  # 15 November 2023, a Wednesday, 12:00 UTC


def noise(scale: float = 1.0) -> np.ndarray:
    return scale * np.random.default_rng(0).standard_normal(LENGTH)


def tone(start_s: float, stop_s: float, hz: float, amplitude: float) -> np.ndarray:
    t = (np.arange(LENGTH) - P_SAMPLE) / 100
    return np.where((t >= start_s) & (t < stop_s), amplitude * np.sin(2 * np.pi * hz * t), 0)


def measured(z: np.ndarray, s_minus_p_s: float = math.nan) -> dict[str, float]:
    return dict(zip(NAMES, features(Record(z.astype(np.float32), s_minus_p_s)).tolist(), strict=True))


def test_a_p_half_as_large_as_the_s_has_a_ratio_of_half_in_its_band() -> None:
    z = noise(0.01) + tone(0, 4, 6, 1) + tone(5, 15, 6, 2)
    assert measured(z, 5.0)["P/S 4-8 Hz"] == pytest.approx(math.log10(0.5), abs=0.03)


def test_gain_and_offset_change_no_feature() -> None:
    z = noise(0.1) + tone(0, 4, 6, 1) + tone(5, 15, 3, 2)
    a, b = measured(z, 5.0), measured(1e-9 * z + 3e-7, 5.0)
    assert b == pytest.approx(a, abs=0.02, nan_ok=True)


def test_without_an_s_nothing_that_needs_one_is_measured() -> None:
    found = measured(noise(0.1) + tone(0, 9, 6, 1))
    needs = [name for name in NAMES if name.startswith(("P/S", "S 1-4", "Rg", "S-P"))]
    assert all(math.isnan(found[name]) for name in needs)
    assert found["P 1-4 / 4-16 Hz"] < -0.5  # all of it is at 6 Hz


def test_a_machine_has_a_line_and_a_hammer_repeats_itself() -> None:
    quiet, machine = measured(noise()), measured(noise() + tone(-30, 50, 5, 2))
    blows = np.zeros(LENGTH)
    blows[::120] = 60
    hammer = measured(noise() + np.convolve(blows, np.sin(np.arange(30)) * np.exp(-np.arange(30) / 8), "same"))
    assert machine["spectral line"] > quiet["spectral line"] + 0.5
    assert hammer["repetition"] > 0.5 > quiet["repetition"]


def test_a_record_of_nothing_but_gaps_or_zeros_has_finite_or_missing_features_only() -> None:
    for z in (np.full(LENGTH, np.nan), np.zeros(LENGTH)):
        assert not np.isinf(features(Record(z.astype(np.float32), 3.0))).any()


def test_a_first_motion_down_is_negative() -> None:
    z = noise(0.01) - tone(0, 3, 5, 1)
    assert measured(z)["first motion up"] < -0.5 < 0.5 < measured(-z)["first motion up"]


def segment(channel: str, rate: float, data: np.ndarray, start_ns: int) -> Segment:
    return Segment(f"XX.A..{channel}", start_ns, rate, data)


def test_the_vertical_of_200_hz_lies_with_its_p_at_the_right_sample() -> None:
    p_ns = NOON + 40 * NS
    data = np.zeros(200 * 120)
    data[40 * 200] = 1000
    z = vertical([segment("HHZ", 200, data, NOON), segment("HHN", 200, 9 * data, NOON)], p_ns)
    assert z is not None and int(np.nanargmax(np.abs(z))) == P_SAMPLE


def test_a_station_without_a_vertical_or_with_nineteen_seconds_after_p_says_nothing() -> None:
    data = np.ones(6000)
    assert vertical([segment("HHN", 100, data, NOON)], NOON) is None
    assert vertical([segment("HHZ", 100, data, NOON - 41 * NS)], NOON) is None


def test_the_channel_that_was_picked_is_taken_and_one_of_1_hz_stops_nothing() -> None:
    long, short = segment("BHZ", 40, np.ones(4000), NOON), segment("HHZ", 100, np.full(6000, 2.0), NOON)
    short.data[4000] = 500
    slow = segment("LHZ", 1, np.ones(100), NOON)
    z = vertical([long, short, slow], NOON + 30 * NS, "XX.A..HHZ")
    assert z is not None and int(np.nanargmax(z)) == P_SAMPLE + 1000
    assert vertical([slow], NOON + 30 * NS) is None


def test_a_gap_between_segments_stays_missing() -> None:
    first, second = segment("HHZ", 100, np.ones(3500), NOON), segment("HHZ", 100, np.ones(3000), NOON + 40 * NS)
    z = vertical([first, second], NOON + 30 * NS)
    assert z is not None and np.isnan(z[3500:4000]).all() and np.isfinite(z[4000:7000]).all()


def test_what_a_trace_does_not_cover_is_missing() -> None:
    out = cut(np.ones(1000, np.float32), 200.0)
    assert np.isfinite(out).sum() == 1000 and np.isfinite(out[P_SAMPLE - 200])


def stump(threshold: float, values: tuple[float, float], column: int) -> Forest:
    rows = [[1, 0, 0]], [[threshold, 0, 0]], [[1, -1, -1]], [[2, -1, -1]], [[1, 0, 0]]
    feature, limit, left, right, missing = (np.array(row) for row in rows)
    value = np.array([[0.0, *values]])
    return Forest(feature, limit, left, right, missing.astype(bool), value, np.array([column]), np.zeros(2))


def test_a_tree_sends_small_and_missing_values_left() -> None:
    forest = stump(0.5, (-1.0, 1.0), 1)
    log = forest.log_probabilities(np.array([[9, 0.4], [9, 0.6], [9, np.nan]]))
    expected = [1 / (1 + math.exp(1)), 1 / (1 + math.exp(-1)), 1 / (1 + math.exp(1))]
    assert np.exp(log[:, 1]) == pytest.approx(expected) and np.exp(log).sum(1) == pytest.approx(1)


def test_trees_that_point_nowhere_are_refused() -> None:
    content = to_lists(stump(0.5, (-1.0, 1.0), 1))
    assert from_lists(content, 2).threshold[0, 0] == 0.5
    with pytest.raises(ValueError, match="outside"):
        from_lists({**content, "left": [[7, -1, -1]]}, 2)
    with pytest.raises(ValueError, match="outside"):
        from_lists(content, 1)


def test_body_waves_are_shared_out_by_the_odds_of_a_blast() -> None:
    even = np.exp(joined(np.log([0.5, 0.5]), np.array(0.0)))
    assert even == pytest.approx([0.5, 0.5, 0.5])  # classes alike: no word of either
    tilted = np.exp(joined(np.log([0.5, 0.5]), np.array(math.log(3))))
    assert tilted[1] / tilted[0] == pytest.approx(3)


def blasts(coefficient: float = 2.0, calibration: Calibration | None = None) -> SourceModel:
    one = np.ones(1)
    part = Blasts(("P/S 4-8 Hz",), 0 * one, one, coefficient * one, 0.0, calibration or Calibration(1.0, 0.0))
    return SourceModel(None, part)


def test_a_missing_feature_speaks_for_nothing() -> None:
    x = np.full((1, len(NAMES)), np.nan)
    assert blasts().event(x) == pytest.approx([0, 0], abs=1e-9)


def test_dependent_stations_count_less_than_independent_ones() -> None:
    x = np.full((4, len(NAMES)), np.nan)
    x[:, NAMES.index("P/S 4-8 Hz")] = 0.5
    free, tied = (blasts(calibration=Calibration(1.0, d)).event(x) for d in (0.0, 1.0))
    assert free[1] - free[0] == pytest.approx(4.0) and tied[1] - tied[0] == pytest.approx(1.0)


def test_a_model_comes_back_from_its_file_as_it_was(tmp_path: Path) -> None:
    model = load_source()
    file = tmp_path / "mine.json"
    file.write_text(json.dumps(to_dict(model)))
    x = np.random.default_rng(1).normal(size=(3, len(NAMES)))
    assert load_source(file).event(x) == pytest.approx(model.event(x), abs=1e-3)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"kinds": None, "blasts": None}, "nothing apart"),
        ({"words": {}}, "no word for"),
        ({"kinds": None, "blasts": {"features": ["colour"]}}, "unknown here: colour"),
    ],
)
def test_a_damaged_model_is_told_in_a_sentence(tmp_path: Path, change: dict[str, object], words: str) -> None:
    file = tmp_path / "bad.json"
    file.write_text(json.dumps({**to_dict(blasts()), **change}))
    with pytest.raises(ModelError, match=words):
        load_source(file)


def test_a_model_that_is_not_there_is_named() -> None:
    with pytest.raises(ModelError, match="no source model 'quarry'"):
        load_source("quarry")


def pick(phase: str, time_ns: int, station: str = "A", probability: float = 0.9) -> Pick:
    return Pick(f"XX.{station}..HHZ", phase, time_ns, 0.02, probability)


def origin(*picks: Pick, **changes: object) -> Origin:
    arrivals = tuple(Arrival(p, 20.0, 0.0, None, 0.0, 1.0) for p in picks)
    base = Origin(
        NOON, 0.0, 0.0, 1.0, 0.1, (1.0, 1.0), 0.0, 1.0, ((0.0,) * 4,) * 4, True, 0.1, 90.0, 20.0, arrivals, "", "edt"
    )  # fmt: skip
    return replace(base, **changes)


def quake(p_over_s: float, p_ns: int) -> list[Segment]:
    z = noise(0.01) + tone(0, 4, 6, p_over_s) + tone(5, 15, 6, 1)
    return [segment("HHZ", 100, 1000 * z, p_ns - P_SAMPLE * NS // 100)]


P_NS, S_NS = NOON + 7 * NS, NOON + 12 * NS
EVEN = DiscriminateConfig(certainty=0.6, prior={"earthquake": 0.5, "explosion": 0.5})


def test_a_large_p_beside_a_small_s_is_told_an_explosion_and_why() -> None:
    judge = Discriminator(blasts(), EVEN)
    event = origin(pick("P", P_NS), pick("S", S_NS))
    for p_over_s, word in ((3.0, "explosion"), (0.2, "earthquake")):
        told = judge.classify(event, lambda nsl, a, b, r=p_over_s: quake(r, P_NS))  # type: ignore[misc]
        odds = 2 * math.log10(p_over_s)
        assert told.event_type == word and told.certainty == "suspected"
        assert told.probabilities["explosion"] == pytest.approx(1 / (1 + math.exp(-odds)), abs=0.03)
        assert told.reasons[0] == ("P/S 4-8 Hz", pytest.approx(abs(odds), abs=0.1))


def test_below_its_certainty_a_type_is_not_determined() -> None:
    judge = Discriminator(blasts(), replace(EVEN, certainty=0.99))
    told = judge.classify(origin(pick("P", P_NS), pick("S", S_NS)), lambda *_: quake(3.0, P_NS))
    assert told.event_type is None and 0.6 < told.probability < 0.99


def test_an_event_without_waveforms_is_not_determined_and_says_why() -> None:
    assert Discriminator(blasts()).classify(origin(), None).reasons == (("no waveforms were given", 0.0),)
    told = Discriminator(blasts()).classify(origin(pick("P", P_NS)), lambda *_: [])
    assert told.event_type is None and told.probability == 0 and "no station" in told.reasons[0][0]


def test_waveforms_are_asked_for_around_the_p_even_of_a_station_with_an_s_alone() -> None:
    asked = []

    def waveforms(nsl: str, start_ns: int, end_ns: int) -> list[Segment]:
        asked.append((nsl, start_ns + 30 * NS))
        return []

    Discriminator(blasts()).classify(origin(pick("S", NOON + 1730 * NS // 100)), waveforms)
    assert asked == [("XX.A.", NOON + 10 * NS)]


def test_stations_are_asked_once_each_the_nearest_first_and_no_more_than_allowed() -> None:
    asked: list[str] = []

    def waveforms(nsl: str, *_: int) -> list[Segment]:
        asked.append(nsl)
        return []

    picks = [pick(phase, P_NS, station) for station in "CAB" for phase in "PS"]
    Discriminator(blasts(), replace(EVEN, most_stations=2)).classify(origin(*picks), waveforms)
    assert asked == ["XX.A.", "XX.B."]


def test_picks_of_one_station_are_classified_without_an_origin() -> None:
    told = Discriminator(blasts(), EVEN).classify_picks([pick("S", S_NS), pick("P", P_NS)], lambda *_: quake(3.0, P_NS))
    assert told.event_type == "explosion"


def test_the_clock_alone_never_says_explosion() -> None:
    config = ContextConfig(quarries=((0.0, 0.0),))
    total = sum(odds for _, odds in context(origin(), config))
    assert total == pytest.approx(config.most)
    judge = Discriminator(blasts(0.0), DiscriminateConfig(certainty=0.85, prior=EVEN.prior, context=config))
    event = origin(pick("P", P_NS), pick("S", S_NS))
    told = judge.classify(event, lambda *_: quake(1.0, P_NS))
    assert told.event_type is None and told.probability == pytest.approx(1 / (1 + math.exp(-1.5)), abs=1e-6)
    assert {name for name, _ in told.reasons} >= {"context: local hour", "context: known quarry"}


def test_night_sunday_depth_and_a_far_quarry_speak_against_a_blast() -> None:
    config = ContextConfig(quarries=((10.0, 10.0),), most=5.0)
    night = origin(time_ns=NOON + (4 * 24 - 10) * 3600 * NS, depth_km=20.0)  # Sunday 02:00
    odds = np.array([math.log(0.05 / (13 / 24)), math.log(0.03 * 7), math.log(0.04), math.log(0.2 / 0.95)])
    found = [value for _, value in context(night, config)]
    assert found == pytest.approx(odds * 5 / -odds.sum(), abs=0.01)  # held within most


def test_an_unresolved_depth_is_no_evidence() -> None:
    names = [name for name, _ in context(origin(depth_resolved=False, depth_km=30.0), ContextConfig())]
    assert names == ["context: local hour", "context: day of the week"]


def test_settings_out_of_range_are_refused() -> None:
    with pytest.raises(ConfigError, match="certainty"):
        DiscriminateConfig(certainty=0.0)
    with pytest.raises(ConfigError, match="names quake"):
        DiscriminateConfig(prior={"quake": 1.0})
    with pytest.raises(ConfigError, match="most_stations"):
        DiscriminateConfig(most_stations=0)


def test_words_are_those_of_quakeml() -> None:
    from obspy.core.event.header import EventType

    assert set(QUAKEML) == set(CLASSES) and all(word in EventType for word in QUAKEML.values())


def test_the_shipped_model_knows_all_classes_and_tells_its_data() -> None:
    model = load_source()
    assert model.classes == CLASSES and model.kinds is not None and model.kinds.names == KINDS
    page = (Path(__file__).parents[1] / "docs/source_type.md").read_text(encoding="utf-8")
    told = re.search(r"it has learnt blasts from (\d+) events", page)
    assert told and model.card["counts"]["explosion"]["pnw_explosions"] == int(told[1]) and model.card["licences"]


def test_data_sets_spell_blasts_in_many_ways() -> None:
    assert {class_of(word) for word in ("Explosion", "quarry_blast", "mining explosion")} == {"explosion"}
    assert from_dict(to_dict(blasts())).classes == ("earthquake", "explosion")


def test_picks_of_a_detection_share_its_type_and_others_stay_as_they_are() -> None:
    found = Detection(P_NS, S_NS, 0.9)
    picks = [replace(pick("P", P_NS), detection=found), replace(pick("S", S_NS), detection=found), pick("P", S_NS)]
    told = typed(
        picks, lambda a, b: [*quake(3.0, P_NS), segment("BHZ", 100, np.ones(9), NOON)], Discriminator(blasts(), EVEN)
    )
    assert [p.detection.source_type.event_type if p.detection else None for p in told] == ["explosion"] * 2 + [None]  # type: ignore[union-attr]
    assert told == picks


def test_waveforms_are_read_forward_in_time_whatever_the_order_of_picks() -> None:
    starts: list[int] = []

    def between(start_ns: int, end_ns: int) -> list[Segment]:
        starts.append(start_ns)
        return []

    picks = [
        replace(pick("P", P_NS + k * NS, station), detection=Detection(P_NS + k * NS, S_NS + k * NS, 0.9))
        for k, station in ((50, "A"), (3, "B"), (90, "A"), (0, "A"))
    ]
    typed(picks, between, Discriminator(blasts(), EVEN))
    assert starts == sorted(starts) and len(starts) == 4


def test_detect_tells_the_type_of_obspys_earthquake_only_when_asked(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    from jijin.cli import app

    heads = []
    for words in ([], ["--source-type"]):
        app(["detect", "--example", *words], standalone_mode=False)
        heads.append(capfdbinary.readouterr().out.splitlines())
    plain, asked = heads
    assert asked[0] == plain[0] + b",event_type,event_type_probability"
    assert [row.rsplit(b",", 2)[0] for row in asked[1:]] == plain[1:] and 0 < float(asked[1].rsplit(b",")[-1]) < 1
