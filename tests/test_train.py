"""Training end to end on a handful of synthetic earthquakes; every step that a real run takes."""

import json
import re
from dataclasses import replace
from unittest.mock import ANY

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

torch = pytest.importorskip("torch", reason="training needs the extra 'train'")
pytest.importorskip("tensorboard")

from jijin.cli import app  # noqa: E402
from jijin.data.batch import Batch  # noqa: E402
from jijin.data.compose import Composer  # noqa: E402
from jijin.data.corpus import scored_traces  # noqa: E402
from jijin.data.export import write_seisbench  # noqa: E402
from jijin.data.synthetic import earthquake, noise  # noqa: E402
from jijin.data.teachers import read_picks  # noqa: E402
from jijin.data.traces import LabelledTrace  # noqa: E402
from jijin.errors import ConfigError, DataError, MissingExtra, ReadError  # noqa: E402
from jijin.evaluate import evaluation_windows  # noqa: E402
from jijin.models import find  # noqa: E402
from jijin.models.cba import CBA, CBAConfig, straight_lines  # noqa: E402
from jijin.train.config import TrainConfig, write_config  # noqa: E402
from jijin.train.export import Released, blended, check_parity, load_network, write_onnx  # noqa: E402
from jijin.train.loop import APART, train  # noqa: E402
from jijin.train.start import read_checkpoint  # noqa: E402
from jijin.train.state import State  # noqa: E402
from jijin.train.validation import masked_loss  # noqa: E402

TINY = CBAConfig(stem=16, channels=(16, 16, 16), deep=16, blocks=1, lstm=8, decoder=(16, 16, 16))


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    """SeisBench's format: 24 earthquakes and 12 noise windows."""
    rng, waveforms, rows = np.random.default_rng(0), [], []
    for k in range(36):
        x, row = noise(rng, 6000), {"trace_name": f"t{k}", "source_type": "noise", "label_quality": "manual"}
        if k < 24:
            e = earthquake(rng, rng.uniform(2, 8))
            n = min(e.data.shape[1], 4000)
            x[:, 1500 : 1500 + n] += 20 * e.data[:, :n]
            row |= {"source_type": "earthquake", "source_id": f"event{k // 2}"}
            row |= {"trace_P_arrival_sample": 1500 + e.p_sample, "trace_S_arrival_sample": 1500 + e.s_sample}
        waveforms.append(x)
        rows.append(row)
    return write_seisbench(tmp_path_factory.mktemp("data") / "set", waveforms, pd.DataFrame(rows))


def test_windows_become_three_curves_at_full_rate():
    assert CBA(TINY)(torch.zeros(2, 3, 6000)).shape == (2, 3, 6000)


def test_initial_biases_are_zero_and_weights_are_not():
    for name, value in CBA().named_parameters():
        if "bias" in name:
            assert not value.any(), name
        else:
            assert value.any(), name


def test_output_sample_4k_plus_j_is_channel_j_of_step_k():
    decoder = CBA(TINY).eval().p
    decoder.head = decoder.last = torch.nn.Identity()
    steps = torch.arange(4 * 1500.0).reshape(1, 4, 1, 1500)  # channel j, step k holds 1500 j + k
    decoder.last.forward = lambda x: steps
    with torch.no_grad():
        out = decoder(CBA(TINY).eval().encoder(torch.zeros(1, 3, 1, 6000)))
    assert out.shape == (1, 6000)
    assert out[0, :8].tolist() == [0, 1500, 3000, 4500, 1, 1501, 3001, 4501]


def test_the_detection_curve_runs_in_straight_lines_between_the_middles_of_its_steps():
    x = torch.from_numpy(np.random.default_rng(0).standard_normal((2, 1, 375)).astype(np.float32))
    ends = torch.nn.functional.pad(x[:, :, None], (1, 1, 0, 0), "replicate")
    out = torch.nn.functional.conv2d(ends, straight_lines(16))[:, :, 0].transpose(1, 2).flatten(1)
    assert torch.allclose(out, torch.nn.functional.interpolate(x, 6000, mode="linear")[:, 0], atol=1e-6)


def test_masked_samples_do_not_count_in_the_loss():
    logits, target = torch.zeros(1, 3, 10), torch.zeros(1, 3, 10)
    weight = torch.ones(1, 3, 10)
    expected = masked_loss(logits, target, weight, (1.0, 1.0, 1.0))
    logits[..., 5:], weight[..., 5:] = 50.0, 0.0
    assert masked_loss(logits, target, weight, (1.0, 1.0, 1.0)) == pytest.approx(float(expected))


def composer(seed=0):
    rng = np.random.default_rng(0)
    return Composer([], [], [earthquake(rng, 3.0) for _ in range(4)], seed=seed)


def test_a_stopped_run_goes_on_where_it_was(tmp_path):
    from jijin.data.traces import LabelledTrace

    e = earthquake(np.random.default_rng(1), 3.0)
    dev = [LabelledTrace(e.data, (e.p_sample,), (e.s_sample,), (), "g", "d", "n")]
    seen = []
    config = TrainConfig(windows=64, epoch_windows=16, batch=8, workers=0, model=TINY, warm_up=0.1)

    def stop_after_two_epochs(windows, row):
        if row:
            seen.append(windows)
            if len(seen) == 2:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(composer(), dev, tmp_path / "a", config, stop_after_two_epochs)
    best = train(composer(), dev, tmp_path / "a", config, lambda w, row: seen.append(w) if row else None)
    train(composer(), dev, tmp_path / "b", config, lambda *_: None)
    assert seen == [16, 32, 48, 64] and best.exists()
    resumed, whole = (pd.read_csv(tmp_path / run / "history.csv") for run in "ab")
    assert resumed["step"].tolist() == whole["step"].tolist() == [2, 4, 6, 8]
    assert resumed["loss"].tolist() == pytest.approx(whole["loss"].tolist(), rel=1e-4)
    assert resumed["dev_loss"].tolist() == pytest.approx(whole["dev_loss"].tolist(), rel=1e-4)
    assert set(whole) >= {"dev_loss", "dev_f1_p", "dev_f1_s", "windows_per_s"}
    assert list((tmp_path / "b").glob("events.out.tfevents*"))


def test_sixteen_bits_learn_about_the_same(tmp_path):
    config = TrainConfig(windows=32, epoch_windows=32, batch=8, workers=0, model=TINY)
    e = earthquake(np.random.default_rng(1), 3.0)
    dev = [LabelledTrace(e.data, (e.p_sample,), (e.s_sample,), (), "g", "d", "n")]
    losses = []
    for name, bfloat16 in (("full", False), ("half", True)):
        train(composer(), dev, tmp_path / name, replace(config, bfloat16=bfloat16), lambda *_: None)
        losses.append(pd.read_csv(tmp_path / name / "history.csv")["loss"].item())
    assert losses[0] != losses[1] and losses[1] == pytest.approx(losses[0], rel=0.02)


def test_a_run_begins_with_the_averaged_weights_of_another_and_its_own_steps(tmp_path):
    config = TrainConfig(windows=64, model=TINY)
    (tmp_path / "a").mkdir()
    first = State(config, tmp_path / "a")
    for parameter in first.average.parameters():
        parameter.data.fill_(0.25)
    first.step = 1
    first.save("best.pt")
    second = State(replace(config, start=str(tmp_path / "a" / "best.pt")), tmp_path / "b")
    assert second.step == 0
    for parameter in (*second.model.parameters(), *second.average.parameters()):
        assert (parameter == 0.25).all()


def test_a_run_is_blended_with_what_it_began_with(tmp_path):
    state = State(TrainConfig(windows=64, model=TINY), tmp_path)
    for name, value in (("start.pt", 1.0), ("best.pt", 3.0)):
        for parameter in state.average.parameters():
            parameter.data.fill_(value)
        state.save(name)
    for share, value in ((1.0, 3.0), (0.25, 1.5), (0.0, 1.0)):
        assert all((p == value).all() for p in blended(tmp_path, share).parameters())
    (tmp_path / "start.pt").unlink()
    with pytest.raises(ConfigError, match="began at random"):
        blended(tmp_path, 0.5)


def test_a_run_never_ends_worse_than_the_weights_it_began_with(tmp_path):
    config = TrainConfig(windows=16, epoch_windows=16, batch=8, workers=0, model=TINY)
    e = earthquake(np.random.default_rng(1), s_minus_p=8.0)
    dev = [LabelledTrace(e.data, (e.p_sample,), (e.s_sample,), (), "g", "d", "n")]
    first = train(composer(), dev, tmp_path / "a", config, lambda *_: None)
    harmful = replace(config, start=str(first), learning_rate=1.0, warm_up=0.0)
    second = train(composer(), dev, tmp_path / "b", harmful, lambda *_: None)
    begun, ended = (torch.load(path, weights_only=True) for path in (first, second))
    assert ended["step"] == 0 and ended["best"] == pytest.approx(begun["best"], rel=1e-4)
    assert pd.read_csv(tmp_path / "b" / "history.csv")[["dev_p", "dev_s"]].sum(axis=1)[0] > begun["best"]


@pytest.mark.parametrize(("windows", "steps"), [(64 * 100, 20), (64 * 1000, 50), (64 * 10_000, 200)])
def test_the_learning_rate_rises_over_a_fifth_of_a_short_run(tmp_path, windows, steps):
    state = State(TrainConfig(windows=windows, model=TINY), tmp_path)
    rates = []
    for state.step in range(steps + 1):
        rates.append(state.rate())
    assert int(np.argmax(rates)) in (steps - 1, steps) and rates[0] == pytest.approx(1e-3 / steps)


def test_a_full_disk_is_said_and_leaves_no_half_of_a_checkpoint(tmp_path, monkeypatch):
    state = State(TrainConfig(model=TINY), tmp_path)
    state.save("last.pt")
    whole = (tmp_path / "last.pt").read_bytes()

    def half(content, path):
        path.write_bytes(b"half")
        raise RuntimeError("unexpected pos 64 vs 0")

    monkeypatch.setattr(torch, "save", half)
    with pytest.raises(OSError, match="is the disk full"):
        state.save("last.pt")
    assert (tmp_path / "last.pt").read_bytes() == whole and not list(tmp_path.glob("*.part"))


def test_a_checkpoint_of_another_network_is_refused(tmp_path):
    State(TrainConfig(model=TINY), tmp_path).save("last.pt")
    with pytest.raises(ConfigError, match="other model settings"):
        State(TrainConfig(), tmp_path)


def test_onnx_runtime_gives_what_torch_gives(tmp_path):
    torch.manual_seed(1)
    network = Released(CBA(TINY)).eval()
    settings = {
        "thresholds": {"detection": 0.5, "p": 0.3, "s": 0.3},
        "time_uncertainty": {k: {"scale": 1.0, "floor_s": 0.01} for k in "ps"},
    }
    write_onnx(network, tmp_path / "m.onnx", "m", settings)
    assert check_parity(network, tmp_path / "m.onnx") < 1e-4


def test_train_and_export_make_a_model_that_detects(dataset, tmp_path):
    run, model = tmp_path / "run", tmp_path / "mine.onnx"
    options = ["--windows", "128", "--epoch-windows", "64", "--synthetics", "4", "--workers", "0"]
    result = CliRunner().invoke(app, ["train", "--data", str(dataset), "-o", str(run), *options])
    assert result.exit_code == 0, result.output
    result = CliRunner().invoke(app, ["export", str(run), "-o", str(model), "--name", "mine", "--weakness", "far S"])
    assert result.exit_code == 0, result.output
    card = json.loads(model.with_suffix(".json").read_text())
    assert card["counts"]["events"] == {"set": card["counts"]["events"]["set"]} and len(card["sha256"]) == 64
    assert set(card["scores"]) == {"dev", "test"} and card["parity"] < 1e-4
    assert card["weaknesses"] == ["far S"] and set(card["licences"]) == {"set"} and card["pickers"] == []
    assert 100 < card["memory_mb"] < 32_000 and card["windows_per_s"] > 0 and card["trained_windows"] in (64, 128)
    again = tmp_path / "again.onnx"
    assert CliRunner().invoke(app, ["export", str(model), "-o", str(again), "--data", str(dataset)]).exit_code == 0
    assert json.loads(again.with_suffix(".json").read_text()) == {**card, "code": ANY}
    assert again.read_bytes() == model.read_bytes()
    scores = tmp_path / "scores.json"
    result = CliRunner().invoke(
        app, ["evaluate", "--model", str(model), "--data", str(dataset), "-o", str(scores), "--tune"]
    )
    assert result.exit_code == 0, result.output
    assert json.loads(scores.read_text())[str(model)]["windows"] > 0


def test_what_a_run_with_other_fractions_trained_on_is_not_scored(dataset, tmp_path, capfd):
    run, options = tmp_path / "run", ["--windows", "64", "--epoch-windows", "64", "--synthetics", "4", "--workers", "0"]
    runner, model, scores = CliRunner(), tmp_path / "m.onnx", tmp_path / "scores.json"
    done = [runner.invoke(app, ["train", "--data", str(dataset), "-o", str(run), "--fractions", "5,2,3", *options])]
    done += [runner.invoke(app, ["export", str(run), "-o", str(model)])]
    done += [runner.invoke(app, ["evaluate", "--model", str(model), "--data", str(dataset), "-o", str(scores)])]
    assert [one.exit_code for one in done] == [0, 0, 0], [one.output for one in done]
    held_out = scored_traces([dataset], "test", fractions=(5, 2, 3))
    assert json.loads(scores.read_text())[str(model)]["windows"] == len(evaluation_windows(held_out))
    asked = runner.invoke(app, ["evaluate", "--model", str(model), "--data", str(dataset), "--fractions", "6,2,2"])
    assert asked.exit_code == 0 and "may have seen" in asked.output
    again = runner.invoke(
        app, ["train", "--data", str(dataset), "-o", str(tmp_path / "r2"), "--start", str(run), *options]
    )
    assert again.exit_code == 0 and json.loads((tmp_path / "r2/config.json").read_text())["fractions"] == [5, 2, 3]


@pytest.mark.parametrize("arguments", [["--task", "pickr"], ["--recipe", "studdy"], ["--fractions", "6,2"]])
def test_a_misspelt_setting_stops_the_run(dataset, tmp_path, arguments):
    result = CliRunner().invoke(app, ["train", "--data", str(dataset), "-o", str(tmp_path / "r"), *arguments])
    assert isinstance(result.exception, ConfigError)
    assert not (tmp_path / "r" / "last.pt").exists()


@pytest.mark.parametrize("task", ["picker", "source"])
def test_a_run_is_not_written_into_its_data(dataset, task):
    before = sorted(dataset.iterdir())
    result = CliRunner().invoke(app, ["train", "--task", task, "--data", str(dataset), "-o", str(dataset)])
    assert isinstance(result.exception, ConfigError) and "another run folder" in str(result.exception)
    assert sorted(dataset.iterdir()) == before


def test_a_run_folder_with_other_settings_is_refused_before_any_data_is_read(tmp_path):
    write_config(tmp_path / "r", TrainConfig(seed=3), {})
    result = CliRunner().invoke(app, ["train", "--data", str(tmp_path / "nowhere"), "-o", str(tmp_path / "r")])
    assert isinstance(result.exception, ConfigError) and "another run folder" in str(result.exception)


def test_a_run_folder_with_other_settings_is_refused(tmp_path):
    write_config(tmp_path, TrainConfig(windows=64), {"data": ["a"]})
    write_config(tmp_path, TrainConfig(windows=128), {"data": ["a"]})  # longer is no other run
    with pytest.raises(ConfigError, match=r"'data'.*another run folder"):
        write_config(tmp_path, TrainConfig(windows=128), {"data": ["b"]})
    with pytest.raises(ConfigError, match="'mix' None"):  # a run that does not tell its mix may have had any
        write_config(tmp_path, TrainConfig(windows=128), {"data": ["a"], "mix": {"burst": 0.1}})
    write_config(tmp_path / "mixed", TrainConfig(), {"mix": {"burst": 0.1}})
    with pytest.raises(ConfigError, match=r"'mix' \{'burst': 0.1\}"):
        write_config(tmp_path / "mixed", TrainConfig(), {"mix": {"burst": 0.2}})
    with pytest.raises(ConfigError, match="'learning_rate'"):
        write_config(tmp_path, TrainConfig(learning_rate=1e-4), {"data": ["a"]})


def test_a_run_from_before_an_option_was_there_had_its_default(tmp_path):
    write_config(tmp_path, TrainConfig(windows=64), {})
    content = json.loads((tmp_path / "config.json").read_text())
    del content["config"]["bfloat16"]
    (tmp_path / "config.json").write_text(json.dumps(content))
    write_config(tmp_path, TrainConfig(windows=64), {})
    with pytest.raises(ConfigError, match="bfloat16"):
        (tmp_path / "config.json").write_text(json.dumps(content))
        write_config(tmp_path, TrainConfig(windows=64, bfloat16=True), {})


@pytest.mark.parametrize("content", ["a,b\n1,2\n", "", '"a,b\n1'])
def test_a_teachers_file_that_is_no_table_of_picks_is_named(tmp_path, content):
    path = tmp_path / "picks.csv"
    path.write_text(content)
    with pytest.raises(DataError, match=r"picks\.csv: .*table of picks"):
        read_picks([path])


def test_a_start_without_weights_is_said_before_anything_is_made(dataset, tmp_path):
    (tmp_path / "empty").mkdir()
    words = ["train", "--data", str(dataset), "-o", str(tmp_path / "r"), "--start", str(tmp_path / "empty")]
    result = CliRunner().invoke(app, words)
    assert isinstance(result.exception, ReadError) and "no best.pt" in str(result.exception)
    assert not (tmp_path / "r").exists()


def test_a_folder_that_is_no_run_is_said(tmp_path):
    with pytest.raises(ReadError, match="no such checkpoint"):
        load_network(tmp_path / "best.pt")


@pytest.mark.parametrize("content", [b"", b"no checkpoint", b"PK\x03\x04 cut short"])
def test_what_is_no_checkpoint_is_refused_by_its_name(tmp_path, content):
    (tmp_path / "best.pt").write_bytes(content)
    with pytest.raises(ReadError, match=r"best\.pt: not a checkpoint"):
        read_checkpoint(tmp_path / "best.pt")


def test_a_checkpoint_that_was_cut_short_is_refused_by_its_name(tmp_path):
    path = tmp_path / "best.pt"
    torch.save({"average": {"x": torch.zeros(20_000)}, "settings": {}}, path)
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(ReadError, match=r"best\.pt: not a checkpoint"):
        read_checkpoint(path)


def test_start_names_the_file_that_is_no_model(dataset, tmp_path):
    (tmp_path / "mine.json").write_text("{}")
    options = ["--windows", "64", "--synthetics", "2", "--start", str(tmp_path / "mine.json")]
    result = CliRunner().invoke(app, ["train", "--data", str(dataset), "-o", str(tmp_path / "r"), *options])
    assert isinstance(result.exception, ReadError) and "mine.json: neither" in str(result.exception)


@pytest.mark.parametrize("content", ["{", "{}", '{"task": "source"}'])
def test_a_folder_of_another_task_or_damaged_is_not_exported_nor_trained_on(dataset, tmp_path, content):
    (tmp_path / "config.json").write_text(content)
    result = CliRunner().invoke(app, ["export", str(tmp_path), "-o", str(tmp_path / "m.onnx")])
    assert isinstance(result.exception, ReadError)
    assert ("damaged" if content == "{" else "not a picker's run") in str(result.exception)
    with pytest.raises((ConfigError, ReadError), match=r"another task|damaged"):
        write_config(tmp_path, TrainConfig(windows=64), {})


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["cba.onnx"], "--data must be what cba.onnx was trained on: windows (got nothing)"),
        (["cba.onnx", "--data", "other"], "--data must be what cba.onnx was trained on: windows (got other)"),
        (["cba.onnx", "--data", "windows", "--blend", "0.5"], "--blend is for a run"),
        (["bare.onnx", "--data", "windows"], "takes the card that 'jijin export' wrote beside it"),
        ([".", "--data", "windows"], "--data and --teachers are for a model file"),
    ],
)
def test_a_model_file_is_measured_again_with_its_data_and_card_alone(tmp_path, monkeypatch, words, told):
    monkeypatch.chdir(tmp_path)
    for name, suffixes in (("cba", (".onnx", ".json")), ("bare", (".onnx",))):
        for suffix in suffixes:
            (tmp_path / f"{name}{suffix}").write_bytes(find("cba").with_suffix(suffix).read_bytes())
    result = CliRunner().invoke(app, ["export", *words, "-o", "new.onnx"])
    assert isinstance(result.exception, ConfigError) and told in str(result.exception)


def test_a_model_file_ends_in_onnx(tmp_path):
    result = CliRunner().invoke(app, ["export", str(tmp_path), "-o", str(tmp_path / "m.json")])
    assert isinstance(result.exception, ConfigError) and "m.json" in str(result.exception)


def test_teachers_whose_numbers_are_none_are_refused_with_their_line(tmp_path):
    path = tmp_path / "picks.csv"
    path.write_text("dataset,trace_name,picker,phase,sample,probability\na,b,c,P,1,0.5\na,b,c,P,soon,0.5\n")
    with pytest.raises(DataError, match=r"'sample' of line 3 is no number"):
        read_picks([path])


def test_without_a_test_split_a_run_is_exported_and_the_card_scores_dev_alone(dataset, tmp_path):
    run, model = tmp_path / "run", tmp_path / "mine.onnx"
    options = ["--windows", "64", "--epoch-windows", "64", "--synthetics", "2", "--workers", "0"]
    result = CliRunner().invoke(
        app, ["train", "--data", str(dataset), "-o", str(run), "--fractions", "6,4,0", *options]
    )
    assert result.exit_code == 0, result.output
    result = CliRunner().invoke(app, ["export", str(run), "-o", str(model)])
    assert result.exit_code == 0 and "no labelled record in the test split" in result.stderr
    assert set(json.loads(model.with_suffix(".json").read_text(), parse_constant=pytest.fail)["scores"]) == {"dev"}


def test_a_run_that_is_no_better_than_its_start_says_so(dataset, tmp_path):
    options = ["--windows", "64", "--epoch-windows", "64", "--synthetics", "2", "--workers", "0", "--start", "cba"]
    options += ["--fractions", "2,8,0"]
    result = CliRunner().invoke(app, ["train", "--data", str(dataset), "-o", str(tmp_path / "r"), *options])
    assert result.exit_code == 0 and "no epoch was better on dev" in result.stderr
    assert all(line.startswith("jijin: ") for line in result.stderr.splitlines())
    assert "jijin: 64 windows  loss " in result.stderr
    assert "synthetic earthquakes" in result.stderr.split("64 windows")[0]  # what is waited for first


def test_a_run_into_a_file_and_a_source_model_as_a_start_are_refused_with_a_hint(dataset, tmp_path):
    (tmp_path / "file").touch()
    into = CliRunner().invoke(app, ["train", "--data", str(dataset), "-o", str(tmp_path / "file")])
    assert isinstance(into.exception, ConfigError) and "must be a folder" in str(into.exception)
    source = CliRunner().invoke(app, ["train", "--data", str(dataset), "-o", str(tmp_path / "r"), "--start", "source"])
    assert "add --task source" in str(source.exception)


@pytest.mark.parametrize("workers", [0, 1])
@pytest.mark.parametrize(
    "error",
    [ReadError("a.hdf5: trace t1 cannot be read"), MissingExtra("onnx", "train")],
    ids=lambda e: type(e).__name__,
)
def test_what_goes_wrong_in_a_worker_is_told_in_its_own_sentence(dataset, tmp_path, workers, error):
    class Broken:
        def batch(self, k, size):
            if k < APART:
                raise error
            return Batch(*(np.ones((size, 3, 6000), np.float32) for _ in range(3)))

    dev = scored_traces([dataset], "all")
    config = TrainConfig(windows=128, epoch_windows=64, workers=workers, model=TINY)
    with pytest.raises(type(error), match=f"^{re.escape(str(error))}$"):
        train(Broken(), dev, tmp_path / "run", config, lambda windows, row: None)
