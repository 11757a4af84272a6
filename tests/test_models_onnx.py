"""The runtime on small networks built here; no shipped weights needed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from jijin import ModelError, load
from jijin.errors import ConfigError
from jijin.looks import settle
from jijin.models import shipped, split_fractions, split_seeds
from jijin.signal import normalise

onnx = pytest.importorskip("onnx")
META = {
    "name": "tiny",
    "version": "1.2",
    "components": "ZNE",
    "sampling_rate": 100,
    "in_samples": 6000,
    "thresholds": {"detection": 0.5, "p": 0.3, "s": 0.2},
    "time_uncertainty": {"p": {"scale": 0.5, "floor_s": 0.02}, "s": {"scale": 0.6, "floor_s": 0.04}},
}


def tiny(file: Path, meta: dict[str, Any] | str | None = META, length: int = 6000, last: str = "s") -> Path:
    """sigmoid of the component itself: Z as detection, N as P, E as S."""
    helper, float_ = onnx.helper, onnx.TensorProto.FLOAT
    names = ["detection", "p", last]
    nodes = [helper.make_node("Split", ["windows"], ["z", "n", "e"], axis=1, num_outputs=3)]
    for part, name in zip("zne", names, strict=True):
        nodes.append(helper.make_node("Squeeze", [part, "axis"], [part + "1"]))
        nodes.append(helper.make_node("Sigmoid", [part + "1"], [name]))
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("windows", float_, ["batch", 3, length])],
        [helper.make_tensor_value_info(name, float_, ["batch", length]) for name in names],
        [helper.make_tensor("axis", onnx.TensorProto.INT64, [1], [1])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    if meta is not None:
        helper.set_model_props(model, {"jijin": meta if isinstance(meta, str) else json.dumps(meta)})
    onnx.save(model, file)
    return file


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


@pytest.fixture
def windows() -> np.ndarray:
    return np.random.default_rng(0).standard_normal((3, 3, 6000)).astype(np.float32)


def test_a_model_says_what_it_was_released_with(tmp_path: Path) -> None:
    model = load(tiny(tmp_path / "m.onnx"), threads=1)
    assert (model.name, model.version, repr(model)) == ("tiny", "1.2", "OnnxModel(tiny 1.2, m.onnx)")
    assert model.thresholds == META["thresholds"] and model.time_uncertainty == META["time_uncertainty"]


def test_the_network_sees_normalised_windows(tmp_path: Path, windows: np.ndarray) -> None:
    model = load(str(tiny(tmp_path / "m.onnx")))
    prediction, seen = model.predict(windows), normalise(windows)
    for i, said in enumerate(sigmoid(seen)):
        wanted = settle(seen[i], np.zeros((3, 6000), bool), said, model.network)
        for curve, want in zip((prediction.detection, prediction.p, prediction.s), wanted, strict=True):
            assert curve.dtype == np.float32 and np.allclose(curve[i], want, atol=1e-5)


def test_a_doubtful_window_is_shown_from_further_samples_unless_the_first_look_is_believed(tmp_path: Path) -> None:
    model, shown = load(tiny(tmp_path / "m.onnx"), threads=1), []
    bell = 0.5 * np.exp(-0.5 * ((np.arange(6000) - 3000) / 5) ** 2)

    def network(windows: np.ndarray) -> np.ndarray:
        shown.append(len(windows))
        return np.broadcast_to(bell.astype(np.float32), (3, len(windows), 6000))

    model.network = network  # type: ignore[method-assign]
    model.predict(np.ones((1, 3, 6000)))
    model.single_look().predict(np.ones((1, 3, 6000)))
    assert shown == [1, 3, 1] and model.starts


def test_a_single_look_works_in_the_threads_of_its_model(tmp_path: Path) -> None:
    model = load(tiny(tmp_path / "m.onnx"), threads=2)
    once, many = model.single_look(), np.zeros((20, 3, 6000), np.float32)
    once.predict(many)
    assert model._side_by_side() is once._side_by_side()


@pytest.mark.parametrize("scale", [1e-9, 1.0, 1e6])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_any_units_give_the_same(tmp_path: Path, windows: np.ndarray, scale: float, dtype: type) -> None:
    model = load(tiny(tmp_path / "m.onnx"))
    assert np.allclose(model.predict((windows * scale).astype(dtype)).p, model.predict(windows).p, atol=1e-4)


def test_integers_are_taken(tmp_path: Path, windows: np.ndarray) -> None:
    model, counts = load(tiny(tmp_path / "m.onnx")), (windows * 1000).astype(np.int16)
    assert np.allclose(model.predict(counts).s, model.predict(counts.astype(float)).s, atol=1e-5)


def test_where_all_components_miss_the_probability_is_zero(tmp_path: Path, windows: np.ndarray) -> None:
    windows[0, :, 1000:2000], windows[1, :, 3000:3100], windows[2, 0] = np.nan, 0, np.nan
    prediction = load(tiny(tmp_path / "m.onnx")).predict(windows)
    for curve in (prediction.detection, prediction.p, prediction.s):
        assert np.flatnonzero(curve[0] == 0).tolist() == list(range(1000, 2000))
        assert np.flatnonzero(curve[1] == 0).tolist() == list(range(3000, 3100))
        assert curve[2].all() and np.isfinite(curve).all()


def test_no_windows_give_no_probabilities(tmp_path: Path) -> None:
    assert load(tiny(tmp_path / "m.onnx")).predict(np.empty((0, 3, 6000))).p.shape == (0, 6000)


def test_many_windows_are_predicted_in_batches(tmp_path: Path) -> None:
    many = np.random.default_rng(1).standard_normal((130, 3, 6000)).astype(np.float32)
    model = load(tiny(tmp_path / "m.onnx"))
    assert np.array_equal(model.predict(many).p[129], model.predict(many[129:]).p[0])


def test_a_forked_process_predicts_with_the_model_of_its_parent(tmp_path: Path) -> None:
    code = """
import os, sys, numpy, jijin
model, x = jijin.load(sys.argv[1], threads=2), numpy.random.default_rng(0).standard_normal((20, 3, 6000))
before = model.predict(x).p
if child := os.fork():
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
os._exit(0 if (model.predict(x).p == before).all() else 3)
"""
    command = [sys.executable, "-W", "ignore", "-c", code, str(tiny(tmp_path / "m.onnx"))]
    assert subprocess.run(command, timeout=120, check=False).returncode == 0


def test_a_list_of_windows_is_the_same_as_an_array(tmp_path: Path) -> None:
    model, many = load(tiny(tmp_path / "m.onnx")), np.random.default_rng(1).standard_normal((11, 3, 6000))
    assert np.array_equal(model.predict(list(many)).s, model.predict(many).s)
    with pytest.raises(ModelError, match="3000"):
        model.predict(list(many[:, :, :3000]))


def test_windows_are_not_changed(tmp_path: Path, windows: np.ndarray) -> None:
    before = windows.copy()
    load(tiny(tmp_path / "m.onnx")).predict(windows)
    assert np.array_equal(windows, before)


@pytest.mark.parametrize("shape", [(3, 6000), (1, 6000, 3), (1, 3, 3000), (1, 1, 3, 6000)])
def test_another_shape_is_an_error_that_names_it(tmp_path: Path, shape: tuple[int, ...]) -> None:
    with pytest.raises(ModelError, match=r"\(window, 3, 6000\).*" + str(shape)[1:-1]):
        load(tiny(tmp_path / "m.onnx")).predict(np.zeros(shape))


def test_an_unknown_name_lists_the_shipped_models() -> None:
    with pytest.raises(ModelError, match=f"no model 'cab'.*{', '.join(shipped())}"):
        load("cab")


def test_a_file_that_is_not_onnx_is_named(tmp_path: Path) -> None:
    file = tmp_path / "text.onnx"
    file.write_text("not a model")
    with pytest.raises(ModelError, match=r"text\.onnx: not a readable ONNX file"):
        load(file)


@pytest.mark.parametrize(
    "meta",
    [None, "{", "[]", {"name": "x"}, {**META, "thresholds": {"p": 0.1}}, {**META, "thresholds": 3}],
    ids=["none", "no json", "a list", "a name only", "a threshold missing", "a number"],
)
def test_a_file_without_our_metadata_is_named(tmp_path: Path, meta: Any) -> None:
    with pytest.raises(ModelError, match=r"m\.onnx: not a jijin model"):
        load(tiny(tmp_path / "m.onnx", meta))


@pytest.mark.parametrize(("key", "value"), [("components", "ENZ"), ("sampling_rate", 50), ("in_samples", 3000)])
def test_a_model_for_other_windows_is_refused(tmp_path: Path, key: str, value: object) -> None:
    with pytest.raises(ModelError, match=rf"m\.onnx: '{key}' must be .* \(got {value}\)"):
        load(tiny(tmp_path / "m.onnx", {**META, key: value}))


def test_another_input_shape_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"m\.onnx: the input .*3000"):
        load(tiny(tmp_path / "m.onnx", length=3000))


def test_another_output_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"m\.onnx: outputs must be detection, p and s"):
        load(tiny(tmp_path / "m.onnx", last="coda"))


def test_no_threads_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"'threads' must be at least 1.*got 0"):
        load(tiny(tmp_path / "m.onnx"), threads=0)


def test_importing_jijin_loads_nothing_heavy() -> None:
    code = (
        "import sys, jijin; print([m for m in ('numpy', 'scipy', 'obspy', 'onnxruntime', 'torch') if m in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_predicting_does_not_import_torch(tmp_path: Path) -> None:
    code = (
        "import sys, numpy, jijin; jijin.load(sys.argv[1]).predict(numpy.zeros((1, 3, 6000)));"
        "print('torch' in sys.modules, 'obspy' in sys.modules)"
    )
    command = [sys.executable, "-c", code, str(tiny(tmp_path / "m.onnx"))]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "False False\n"


@pytest.mark.parametrize("given", [None, "0"])
def test_onnxruntime_is_asked_not_to_report_its_use_before_it_is_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: str | None
) -> None:
    monkeypatch.delenv("ORT_DISABLE_TELEMETRY", raising=False)
    if given is not None:
        monkeypatch.setenv("ORT_DISABLE_TELEMETRY", given)  # who wants to report may
    code = """
import os, sys, jijin

class Watch:
    def find_spec(self, name, path=None, target=None):
        if name == "onnxruntime":
            print(os.environ.get("ORT_DISABLE_TELEMETRY"))

sys.meta_path.insert(0, Watch())
jijin.load(sys.argv[1])
"""
    command = [sys.executable, "-c", code, str(tiny(tmp_path / "m.onnx"))]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    assert said == [given or "1"]


@pytest.mark.parametrize("name", shipped())
def test_a_shipped_model_is_silent_on_silence_and_finite_on_noise(name: str) -> None:
    windows = np.random.default_rng(2).standard_normal((2, 3, 6000))
    windows[0] = 0
    prediction = load(name, threads=1).predict(windows)
    assert not prediction.p[0].any() and np.isfinite(prediction.detection).all()
    assert prediction.s.min() >= 0 and prediction.s.max() <= 1


def test_the_split_that_holds_out_what_a_model_has_not_seen_is_that_of_its_card(tmp_path: Path) -> None:
    for name, card in (("a", {"fractions": [2.0, 4.0, 4.0], "split_seeds": [0, 3]}), ("b", {})):
        (tmp_path / f"{name}.onnx").touch()
        (tmp_path / f"{name}.json").write_text(json.dumps(card))
    a, b = tmp_path / "a.onnx", tmp_path / "b.onnx"
    assert split_fractions([a]) == (2, 4, 4) and split_fractions([b]) == split_fractions([]) == (6, 2, 2)
    assert split_seeds([a, b]) == (0, 3) and split_seeds([b]) == (0,)
    with pytest.raises(ConfigError, match=r"a\.onnx 2,4,4; .*b\.onnx 6,2,2"):
        split_fractions([a, b])


def test_a_damaged_card_is_named(tmp_path: Path) -> None:
    (tmp_path / "m.onnx").touch()
    (tmp_path / "m.json").write_text("{")
    with pytest.raises(ModelError, match=r"m\.json: the model's card is damaged"):
        split_seeds([tmp_path / "m.onnx"])
