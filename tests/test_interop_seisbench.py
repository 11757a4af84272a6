"""CBA inside SeisBench against jijin itself: the same network, curves and picks."""

import json
import socket

import numpy as np
import obspy
import pytest
from obspy import Stream, Trace

from fakes import START_NS, record

torch = pytest.importorskip("torch", reason="torch is absent: the SeisBench model is NOT checked")
pytest.importorskip("seisbench", reason="seisbench is absent: the SeisBench model is NOT checked")
import jijin  # noqa: E402
from jijin import ConfigError, ModelError  # noqa: E402
from jijin.interop.seisbench import CBA  # noqa: E402
from jijin.models import find, load  # noqa: E402
from jijin.models.cba import CBA as Network  # noqa: E402
from jijin.signal import normalise  # noqa: E402
from jijin.train.start import network_of  # noqa: E402
from jijin.types import samples_to_ns, utc  # noqa: E402

CURVES = ("Detection", "P", "S")
QUAKES = {20.3: 1.0, 44.1: 0.6, 101.7: 3.0, 164.2: 1.0, 171.5: 2.0}


@pytest.fixture(scope="module")
def model():
    return CBA.from_pretrained()


@pytest.fixture(scope="module")
def windows():
    """Raw windows: noise, and ObsPy's example in zeros."""
    x = np.random.default_rng(0).standard_normal((5, 3, 6000)).astype(np.float32)
    x[4] = 0
    x[4, :, 1000:4000] = [obspy.read().select(component=c)[0].data for c in "ZNE"]
    return x


def stream_of(seed_ids, seconds, rate=100.0, start_ns=START_NS, scale=1e3):
    """Earthquakes in noise, S of the horizontals two seconds later."""
    out = []
    for seed_id in seed_ids:
        onsets = QUAKES if seed_id.endswith("Z") else {t + 2: 2 * a for t, a in QUAKES.items()}
        network, station, location, channel = seed_id.split(".")
        header = {"network": network, "station": station, "location": location, "channel": channel}
        data = scale * record(seed_id, seconds, onsets, rate, start_ns).data
        out.append(Trace(data, {**header, "sampling_rate": rate, "starttime": utc(start_ns)}))
    return Stream(out)


def without(stream, *gaps):
    """The stream in pieces, with (first, stop) in seconds from its start left out."""
    out = []
    for trace in stream:
        for at, until in zip([0, *(b for _, b in gaps)], [*(a for a, _ in gaps), 1e9], strict=True):
            start = trace.stats.starttime
            out += [trace.slice(start + at, start + until - trace.stats.delta)]
    return Stream([trace for trace in out if trace is not None and len(trace)])


def assert_same(model, stream, **stride):
    """Curves and picks of SeisBench are those of jijin; returns the number of picks."""
    ours = jijin.annotate(stream, **stride)
    overlap = {"overlap": 6000 - round(100 * stride["stride_s"])} if stride else {}
    theirs = model.annotate(stream, **overlap)
    for label in CURVES:
        for want in (trace for trace in ours if trace.id.endswith(f"_{label}")):
            start, end = want.stats.starttime, want.stats.endtime
            parts = [t.slice(start, end) for t in theirs if t.id == f"{want.id.rsplit('.', 1)[0]}.CBA_{label}"]
            best = min((difference(want, part) for part in parts if len(part)), default=np.inf)
            assert best < 1e-3, (want.id, best)
    expected = [(p.phase_hint, p.time, p.probability) for p in jijin.pick(stream, **stride)]
    found = [(p.phase, p.peak_time, p.peak_value) for p in model.classify(stream, **overlap).picks]
    assert [phase for phase, *_ in found] == [phase for phase, *_ in expected]
    for (_, time, probability), (_, wanted, value) in zip(found, expected, strict=True):
        assert abs(time - wanted) < 0.02 and probability == pytest.approx(value, abs=1e-3)
    return len(found)


def difference(want, part):
    """Largest difference of two curves on the span of the first; infinite where the second does not cover it."""
    at = round((part.stats.starttime - want.stats.starttime) * 100)
    same_span = at == 0 and len(part) == len(want)
    return np.abs(part.data - want.data).max() if same_span else np.inf


@torch.inference_mode()
def test_onnx_torch_and_seisbench_agree(model, windows):
    ready = normalise(windows)
    x = torch.from_numpy(ready)
    onnx = load("cba").network(ready).swapaxes(0, 1)
    plain = network_of(find("cba"), Network(), [x])(x).sigmoid().numpy()
    inside = model(x).numpy()
    assert np.abs(onnx - plain).max() < 1e-4 and np.abs(onnx - inside).max() < 1e-4
    assert np.abs(model(x, logits=True).sigmoid().numpy() - inside).max() < 1e-6
    assert onnx[4, 1:].max(-1).min() > 0.3  # the example has a P and an S


def test_the_example_gives_the_curves_and_picks_of_jijin(model):
    stream = obspy.read()
    assert_same(model, stream)
    assert [pick.phase for pick in model.classify(stream).picks] == ["P", "S"]


@pytest.mark.parametrize("stride_s", [15.0, 30.0, 60.0])
def test_several_windows_are_averaged_as_jijin_does(model, stride_s):
    stream = stream_of([f"XX.A..HH{c}" for c in "ZNE"], 130)
    assert assert_same(model, stream, stride_s=stride_s) > 0


def test_samples_between_those_of_the_grid_keep_their_time(model):
    assert assert_same(model, stream_of([f"XX.A..HH{c}" for c in "ZNE"], 60, start_ns=START_NS + 3_700_000)) > 0


@pytest.mark.parametrize("rate", [50.0, 200.0])
def test_another_sampling_rate_gives_the_same_picks(model, rate):
    assert assert_same(model, stream_of([f"XX.A..HH{c}" for c in "ZNE"], 60, rate)) > 0


def test_gaps_of_any_length_lose_no_picks(model):
    stream = without(stream_of([f"XX.A..HH{c}" for c in "ZNE"], 200), (10, 10.3), (60, 72), (130, 140))
    assert assert_same(model, stream) > 0
    later = stream_of([f"XX.A..HH{c}" for c in "ZNE"], 50, start_ns=START_NS + samples_to_ns(70_000, 100.0))
    assert len(model.annotate(stream + later).select(channel="CBA_P")) == 2


@pytest.mark.parametrize("seconds", [3.0, 12.5])
def test_a_record_shorter_than_a_window_has_curves_of_its_length(model, seconds):
    stream = obspy.read()
    start = stream[0].stats.starttime + 2
    part = stream.slice(start, start + seconds - 0.01)
    assert {len(trace) for trace in model.annotate(part)} == {round(100 * seconds)}
    assert_same(model, part)


def test_nan_and_masked_samples_are_gaps(model):
    stream = stream_of([f"XX.A..HH{c}" for c in "ZNE"], 60)
    for trace in stream:
        trace.data[500:900] = np.nan
    assert_same(model, stream)
    masked = without(stream, (5, 9)).merge()
    assert np.ma.isMaskedArray(masked[0].data)
    assert_same(model, masked)


@pytest.mark.parametrize("components", ["Z", "ZN", "12", "Z12"])
def test_fewer_or_turned_components_are_used(model, components):
    assert_same(model, stream_of([f"XX.A.00.HH{c}" for c in components], 60))


def test_the_p_of_the_example_is_found_on_z_alone(model):
    picks = model.classify(obspy.read().select(component="Z"), P_threshold=0.2).picks.select(phase="P")
    assert min(abs(pick.peak_time - obspy.UTCDateTime("2009-08-24T00:20:07.7")) for pick in picks) < 0.1


def test_two_sensors_of_a_station_are_picked_each_by_itself(model):
    one = stream_of([f"XX.A..HH{c}" for c in "ZNE"], 60)
    both = one + stream_of([f"XX.A..HN{c}" for c in "ZNE"], 60)
    assert len(model.annotate(both)) == 6
    assert assert_same(model, both) > assert_same(model, one)


def test_strict_and_rigid_components_leave_data_out(model):
    stream = obspy.read()
    assert len(model.annotate(stream.select(component="Z"), strict=True)) == 0
    stream.select(component="N")[0].stats.channel = "EH1"
    assert len(model.annotate(stream, strict=True)) == 3
    assert len(model.annotate(stream, strict=True, flexible_horizontal_components=False)) == 0


def test_an_empty_stream_gives_nothing(model):
    assert len(model.annotate(Stream())) == 0 and len(model.classify(Stream()).picks) == 0


def test_curves_do_not_depend_on_the_batch(model):
    stream = stream_of([f"XX.A..HH{c}" for c in "ZNE"], 100)
    singly, together = model.annotate(stream, batch_size=1), model.annotate(stream)
    assert len(singly) == 3
    for one, other in zip(singly, together, strict=True):
        assert np.abs(one.data - other.data).max() < 1e-4  # as ONNX and torch: rounding, more of it near a peak


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        ({"overlap": 6000}, "'overlap' must leave a stride that divides 6000 samples"),
        ({"overlap": -1}, "'overlap' must leave a stride that divides 6000 samples"),
        ({"overlap": 0.3}, "'overlap' must leave a stride that divides 6000 samples"),
        ({"blinding": (100, 101)}, "'blinding' must be the same at both ends"),
        ({"stacking": "max"}, "'stacking' must be 'avg' .got 'max'."),
        ({"between": -1}, "'between' must be a whole number from 0"),
        ({"between": 2.5}, "'between' must be a whole number from 0"),
        ({"overlap": "a"}, "'overlap' must be a number and 'blinding' two"),
        ({"overlap": float("nan")}, "'overlap' must be a number and 'blinding' two"),
        ({"blinding": (1, 2, 3)}, "'overlap' must be a number and 'blinding' two"),
        ({"batch_size": True}, "'batch_size' must be a whole number, 1 at least"),
        ({"batch_size": 0}, "'batch_size' must be a whole number, 1 at least"),
        ({"blinding": (4000, 4000)}, "'blinding_s' must be from 0 to 30"),
    ],
)
def test_what_a_detector_does_not_do_is_an_error(model, options, fault):
    with pytest.raises(ConfigError, match=fault):
        model.annotate(obspy.read(), **options)


@pytest.mark.parametrize("threshold", [0, -1, 1.5, float("nan"), "a", None])
def test_a_threshold_that_is_no_probability_is_an_error(model, threshold):
    with pytest.raises(ConfigError, match="'P_threshold' must be"):
        model.classify(obspy.read(), P_threshold=threshold)


def test_options_are_those_of_the_detector(model):
    stream = stream_of([f"XX.A..HH{c}" for c in "ZNE"], 130)
    cut = jijin.CutConfig(stride_s=20, between=0, blinding_s=1)
    theirs = model.annotate(stream, overlap=4000, between=0, blinding=(100, 100))
    for one, other in zip(jijin.Detector(cut=cut).annotate(stream), theirs, strict=True):
        assert difference(one, other) < 1e-3


def test_strict_takes_sensors_whose_three_components_have_other_names(model):
    assert len(model.annotate(stream_of([f"XX.A..HH{c}" for c in "123"], 30), strict=True)) == 3
    assert len(model.annotate(stream_of([f"XX.A..HH{c}" for c in "ZNE1"], 30), strict=True)) == 3
    assert len(model.annotate(stream_of([f"XX.A..HH{c}" for c in "ZNH"], 30), strict=True)) == 0


def test_windows_are_normalised_for_those_who_run_the_network_themselves(model, windows):
    assert torch.equal(model.annotate_batch_pre(torch.from_numpy(windows), {}), torch.from_numpy(normalise(windows)))


def test_the_stream_stays_as_it_is(model):
    stream = obspy.read()
    model.annotate(stream, copy=False)
    assert stream == obspy.read()


def test_channels_that_cannot_be_used_are_named(model, caplog):
    stream = obspy.read()
    for trace in stream:
        trace.stats.sampling_rate = 1.0
    assert len(model.annotate(stream)) == 0 and stream[0].id in caplog.text


def test_strict_takes_what_all_components_have(model):
    stream = stream_of([f"XX.A..HH{c}" for c in "ZNE"], 60)
    stream[1] = stream[1].slice(endtime=stream[1].stats.starttime + 40 - 0.01)
    stream[2].data[500:700] = np.nan
    (curve,) = model.annotate(stream, strict=True).select(channel="CBA_Detection")
    assert not curve.data[500:700].any() and not curve.data[4000:].any() and curve.data[1000:4000].any()
    (flexible,) = model.annotate(stream).select(channel="CBA_Detection")
    assert flexible.data[500:700].any() and flexible.data[4000:].any()


def test_thresholds_are_those_of_the_file_and_can_be_given(model):
    released = load("cba").thresholds
    assert model.default_args["P_threshold"] == released["p"] and model.default_args["S_threshold"] == released["s"]
    stream = obspy.read()
    highest = {phase: model.annotate(stream).select(channel=f"CBA_{phase}")[0].data.max() for phase in "PS"}
    for phase in "PS":
        above = model.classify(stream, **{f"{phase}_threshold": min(highest[phase] + 0.01, 1.0)}).picks
        assert phase not in {pick.phase for pick in above} and len(above) == 1
    detection = model.annotate(stream).select(channel="CBA_Detection")[0].data.max()
    assert len(model.classify(stream).detections) >= 1
    assert len(model.classify(stream, detection_threshold=min(detection + 1e-3, 1.0)).detections) == 0


def test_a_pick_lies_within_its_trigger_and_its_detection(model):
    out = model.classify(obspy.read())
    curves = model.annotate(obspy.read())
    assert [pick.phase for pick in out.picks] == ["P", "S"]
    for pick in out.picks:
        (curve,) = curves.select(channel=f"CBA_{pick.phase}")
        level = model.default_args[f"{pick.phase}_threshold"] / 2
        inside = curve.slice(pick.start_time, pick.end_time - 0.01).data
        assert inside.min() >= level and pick.start_time < pick.peak_time < pick.end_time
        assert curve.slice(pick.end_time, pick.end_time).data[0] < level
        assert out.detections[0].start_time < pick.peak_time + 0.5 and out.detections[0].end_time > pick.peak_time


def test_a_saved_model_comes_back_the_same(model, windows, tmp_path):
    model.save(tmp_path / "mine")
    content = json.loads((tmp_path / "mine.json").read_text())
    assert set(content) == {"docstring", "model_args", "seisbench_requirement", "default_args", "version"}
    again = CBA.load(tmp_path / "mine")
    assert again.weights_docstring == model.weights_docstring and again.weights_version == load("cba").version
    assert again.get_model_args() == model.get_model_args()
    x = torch.from_numpy(normalise(windows))
    with torch.inference_mode():
        assert torch.equal(again(x), model(x))
    one, other = (m.classify(obspy.read()).picks for m in (again, model))
    assert [str(pick) for pick in one] == [str(pick) for pick in other]


def test_a_network_of_other_widths_is_saved_with_them(tmp_path):
    small = CBA({"stem": 16, "channels": [16, 16, 16], "deep": 16, "blocks": 1, "lstm": 8, "decoder": [16, 16, 16]})
    small.save(tmp_path / "small", "made by a test", version_str="2")
    again = CBA.load(tmp_path / "small", version_str="2")
    assert again.weights_docstring == "made by a test" and again.weights_version == "2"
    assert again.state_dict().keys() == small.state_dict().keys()
    assert all(torch.equal(value, small.state_dict()[name]) for name, value in again.state_dict().items())


def test_the_shipped_weights_need_no_connection(monkeypatch):
    def refuse(*args, **kwargs):
        raise AssertionError("a connection")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    assert CBA.list_pretrained() == ["cba"] and CBA.list_versions("cba") == [load("cba").version]
    assert CBA.list_pretrained(details=True) == {"cba": CBA.from_pretrained("cba", update=True).weights_docstring}


def test_a_model_or_version_that_is_not_there_is_named():
    with pytest.raises(ModelError, match="no model 'stead'"):
        CBA.from_pretrained("stead")
    with pytest.raises(ModelError, match=r"there is no version '9', only"):
        CBA.from_pretrained("cba", version_str="9")


def test_training_mode_survives_annotate():
    model = CBA.from_pretrained().train()
    model.annotate(obspy.read())
    assert model.training
