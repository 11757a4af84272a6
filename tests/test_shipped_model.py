"""The released weights on real records. Reference onsets are others' or read by eye; golden picks are our own."""

import csv
import hashlib
import json
import os
from pathlib import Path

import numpy as np
import obspy
import pytest
from obspy import UTCDateTime

import jijin
from jijin.io.files import read_segments
from jijin.models import WEIGHTS

OBSPY = Path(obspy.__file__).parent / "io"
GOLDEN = Path(__file__).parent / "golden" / "picks.csv"
SHARED = Path(os.environ.get("JIJIN_SHARED", Path(__file__).parents[2] / "shared"))
RECORDS = {  # file in ObsPy's own test data: sampling rate in Hz, P onset
    "gse2/tests/data/loc_STAU20031119011659.z": (125, "2003-11-19T01:17:09.59"),
    "gse2/tests/data/loc_RNON20040609200559.z": (200, "2004-06-09T20:06:21.1"),
    "kinemetrics/tests/data/BI008_MEMA-04823.evt": (250, "2013-08-15T09:20:34.40"),
    "seisan/tests/data/9701-30-1048-54S.MVO_21_1": (75, "1997-01-30T10:49:05"),
}


@pytest.fixture(scope="module")
def model():
    return jijin.load("cba")


def after_start(pick, stream):
    return pick.time - stream[0].stats.starttime


def test_the_card_belongs_to_the_file():
    card = json.loads((WEIGHTS / "cba.json").read_text())
    content = (WEIGHTS / "cba.onnx").read_bytes()
    assert card["sha256"] == hashlib.sha256(content).hexdigest()
    assert len(content) == card["bytes"] < 3_000_000
    assert card["licences"] and set(card["scores"]) == {"dev", "test"} and card["parity"] < 1e-4


def test_the_example_is_picked_where_four_published_pickers_agree(model):
    stream = obspy.read()
    picks = {p.phase_hint: p for p in jijin.pick(stream, model)}
    assert after_start(picks["P"], stream) == pytest.approx(4.72, abs=0.1)
    assert after_start(picks["S"], stream) == pytest.approx(5.70, abs=0.1)
    assert picks["P"].seed_id == "BW.RJOB..EHZ" and picks["S"].seed_id == "BW.RJOB..EHN"
    assert picks["P"].detection == picks["S"].detection is not None


@pytest.mark.parametrize("components", ["Z", "ZN", "ZE"])
def test_the_p_of_the_example_is_found_with_fewer_components(model, components):
    stream = obspy.read()
    part = obspy.Stream([tr for tr in stream if tr.stats.component in components])
    found = [after_start(p, stream) for p in jijin.pick(part, model, threshold_p=0.2) if p.phase_hint == "P"]
    assert found and min(abs(t - 4.72) for t in found) < 0.1


@pytest.mark.parametrize("scale", [1e-9, 1e9])
def test_units_do_not_matter(model, scale):
    stream = obspy.read()
    window = np.zeros((1, 3, 6000), np.float32)
    window[0, :, 1000:4000] = [stream.select(component=c)[0].data for c in "ZNE"]
    one, other = model.predict(window), model.predict(window * scale)
    assert np.abs(one.p - other.p).max() < 1e-3 and np.abs(one.s - other.s).max() < 1e-3


def test_the_example_resampled_is_picked_at_the_same_time(model):
    stream = obspy.read()
    expected = {p.phase_hint: p.time for p in jijin.pick(stream, model)}
    for rate in (50, 200, 500):
        other = stream.copy().resample(rate, window=None)
        found = {p.phase_hint: p.time for p in jijin.pick(other, model)}
        assert abs(found["P"] - expected["P"]) < 0.05, rate


@pytest.mark.parametrize("file", RECORDS)
def test_p_of_a_real_record_at_another_rate_is_found(model, file):
    rate, onset = RECORDS[file]
    if not (OBSPY / file).exists():
        pytest.skip(f"this ObsPy does not ship {file}")
    segments = read_segments(OBSPY / file)
    assert any(abs(s.sampling_rate - rate) < 1 for s in segments)
    detector = jijin.Detector(model)
    picks = [p for p in [*detector.feed(segments), *detector.flush()] if p.phase_hint == "P"]
    assert min((abs(p.time - UTCDateTime(onset)) for p in picks), default=999) < 0.5


def test_noise_gives_no_pick(model):
    x = np.random.default_rng(0).standard_normal((20, 3, 6000)).astype(np.float32)
    out = model.predict(np.cumsum(x, -1) * 0.1 + x)
    assert (out.p.max(1) < model.thresholds["p"]).all() and (out.s.max(1) < model.thresholds["s"]).all()


def test_golden_picks_stay():
    with GOLDEN.open(newline="") as file:
        rows = list(csv.DictReader(file))
    picks = golden_picks()
    assert [(p["seed_id"], p["phase_hint"]) for p in picks] == [(r["seed_id"], r["phase_hint"]) for r in rows]
    for pick, row in zip(picks, rows, strict=True):
        assert abs(UTCDateTime(pick["time"]) - UTCDateTime(row["time"])) < 0.011, row
        assert float(pick["probability"]) == pytest.approx(float(row["probability"]), abs=0.01), row


def golden_picks():
    """Picks of the example and of ObsPy's other real records, as rows of the CSV."""
    from jijin.io.tables import row

    out = [row(p) for p in jijin.pick(obspy.read())]
    for file in RECORDS:
        if (OBSPY / file).exists():
            detector = jijin.Detector()
            out += [row(p) for p in [*detector.feed(read_segments(OBSPY / file)), *detector.flush()]]
    return out


@pytest.mark.skipif(not (SHARED / "data/windows").is_dir(), reason="../shared is absent: scores are NOT checked")
def test_scores_on_dev_are_those_of_the_card():
    from jijin.data.corpus import scored_traces
    from jijin.data.traces import P, S
    from jijin.evaluate import evaluate, evaluation_windows, predict_with, summary
    from jijin.models import split_seeds

    model = jijin.load("cba")
    others = [SHARED / "data/peer_picks.csv"]
    held_out = scored_traces([SHARED / "data/windows"], "dev", seed=split_seeds(["cba"]), others=others)
    windows = evaluation_windows(held_out)
    thresholds = {P: model.thresholds["p"], S: model.thresholds["s"]}
    now = summary(evaluate("cba", predict_with(model, windows), windows, thresholds))
    card = json.loads((WEIGHTS / "cba.json").read_text())["scores"]["dev"]
    for phase in "ps":
        assert now[phase]["0.5_s"]["f1"] == pytest.approx(card[phase]["0.5_s"]["f1"], abs=0.01)


if __name__ == "__main__":  # write the golden picks anew, after new weights or a change that is meant
    content = golden_picks()
    GOLDEN.parent.mkdir(exist_ok=True)
    with GOLDEN.open("w", newline="") as out_file:
        writer = csv.DictWriter(out_file, list(content[0]))
        writer.writeheader()
        writer.writerows(content)
