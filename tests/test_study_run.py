"""A whole study on a handful of synthetic records: every model trained, run, scored, shown."""

import re
from dataclasses import asdict, replace

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

torch = pytest.importorskip("torch", reason="training needs the extra 'train'")
pytest.importorskip("sklearn")
pytest.importorskip("tensorboard")

from jijin.cli import app  # noqa: E402
from jijin.data.traces import P, S  # noqa: E402
from jijin.errors import ConfigError, DataError  # noqa: E402
from jijin.models.cba import CBAConfig  # noqa: E402
from jijin.study import run as module  # noqa: E402
from jijin.study import scratch  # noqa: E402
from jijin.study.classify import published_split  # noqa: E402
from jijin.study.example import write_example  # noqa: E402
from jijin.study.pickers import Tuned, by_components, predict, run_picker  # noqa: E402
from jijin.study.published import of_folder  # noqa: E402
from jijin.study.run import StudyConfig, run  # noqa: E402
from jijin.study.sample import draw  # noqa: E402
from jijin.study.scores import confusion  # noqa: E402
from jijin.train.state import State  # noqa: E402

TINY = CBAConfig(stem=16, channels=(16, 16, 16), deep=16, blocks=1, lstm=8, decoder=(16, 16, 16))
PEERS_PY = """
NAMES = ["loud", "deaf", "lost"]

class Loud:
    def predict(self, x):
        level = abs(x - x.mean(-1, keepdims=True)).max(1)
        p = level / level.max(-1, keepdims=True)
        return {"p": p, "s": p, "det": None}

class Deaf:
    def predict(self, x):
        raise RuntimeError("no kernel for this")

def load(name):
    return {"loud": Loud, "deaf": Deaf}[name]()
"""


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    return draw([write_example(tmp_path_factory.mktemp("data"), 24, 24)], 24, 24)


@pytest.fixture(scope="module")
def output(tmp_path_factory):
    folder = tmp_path_factory.mktemp("study")
    (folder / "peers.py").write_text(PEERS_PY)
    return folder


def tiny(monkeypatch):
    config = scratch.settings

    def small(*arguments):
        return replace(config(*arguments), model=TINY)

    monkeypatch.setattr(module, "settings", small)


@pytest.fixture(scope="module")
def study(sample, output):
    said = []
    with pytest.MonkeyPatch.context() as monkeypatch:
        tiny(monkeypatch)
        config = StudyConfig(24, 24, epochs=2, cnn_epochs=1, threads=1)
        done = run(sample, output, config, of_folder(output), False, said.append)
    assert any("epoch 2" in line for line in said)
    return done


def by_name(study):
    return {result.name: result for result in study.models}


def test_every_model_is_scored_on_the_same_test_windows(study, sample):
    assert list(by_name(study)) == ["tree raw", "tree features", "CNN", "CBA from scratch", "cba", "loud"]
    truth = sample.is_earthquake[study.test]
    for result in study.models:
        assert result.score.shape == truth.shape, result.name
        assert np.array_equal(result.confusion, confusion(truth, result.score >= result.threshold)), result.name
        (_, false), (missed, hit) = result.confusion.tolist()
        assert result.detection.f1 == pytest.approx(2 * hit / max(2 * hit + false + missed, 1))
        assert result.prediction_s > 0


def test_a_peer_that_fails_is_left_out_of_the_report_with_a_note(study):
    lost, deaf = study.notes
    assert lost.startswith("lost was left out: ") and "load('lost') fails (KeyError" in lost
    assert deaf == "deaf was left out: it cannot predict (RuntimeError: no kernel for this)"


def test_another_study_in_the_folder_is_refused_before_anything_is_trained(study, sample, output, monkeypatch):
    monkeypatch.setattr(module, "run_tree", lambda *_: pytest.fail("a tree was trained"))
    with pytest.raises(ConfigError) as caught:
        run(sample, output, StudyConfig(24, 24, seed=1), None, False, print)
    words = "holds a study of other windows or options ('seed' 0, asked for 1); give another folder"
    assert str(caught.value) == f"{output} {words}"
    labels = sample.study.labels.assign(trace_name=sample.study.labels["trace_name"].astype(str) + "x")
    other = replace(sample, study=replace(sample.study, labels=labels))
    with pytest.raises(ConfigError, match=r"options \(other windows\); give another folder"):
        run(other, output, StudyConfig(24, 24), None, False, print)


def test_a_folder_of_peers_is_looked_at_before_anything_else(tmp_path):
    (tmp_path / "peers.py").write_text("NAMES = [")
    words = ["study", "--data", str(tmp_path / "nowhere"), "-o", str(tmp_path / "r"), "--peers", str(tmp_path)]
    result = CliRunner().invoke(app, words)
    assert isinstance(result.exception, DataError) and "peers.py cannot be run" in str(result.exception)
    assert not (tmp_path / "r").exists()


def test_the_shipped_model_finds_most_of_what_the_example_holds(study):
    assert by_name(study)["cba"].detection.f1 > 0.85


def test_what_was_trained_here_tells_its_cost(study, sample):
    trained = by_name(study)
    train = int((sample.study.split == "train").sum())
    for name in ("tree raw", "tree features", "CNN", "CBA from scratch"):
        result = trained[name]
        parts = sum(seconds for part, seconds in result.costs.items() if part != "5-fold")
        assert result.training_s == pytest.approx(parts, rel=0.05), name
        assert 0 < result.training_windows <= train and result.presented >= result.training_windows, name
    assert set(trained["CBA from scratch"].costs) == {"compose", "forward", "backward", "optimizer", "validate"}
    assert trained["CBA from scratch"].presented == 2 * (train // 8 * 8)
    assert trained["cba"].training_s is None and trained["cba"].parameters > 100_000


def test_networks_have_a_row_an_epoch(study):
    cba, cnn = by_name(study)["CBA from scratch"].history, by_name(study)["CNN"].history
    assert [row["epoch"] for row in cba] == [1, 2] and [row["epoch"] for row in cnn] == [1]
    assert {"loss", "dev_loss", "dev_f1_p", "dev_f1_s"} <= set(cba[0]) and {"loss", "dev_loss", "dev_f1"} <= set(cnn[0])


def test_trees_and_cnn_are_scored_as_published_too(study):
    results = by_name(study)
    (tree,) = results["tree raw"].published
    assert tree.train_windows == round(0.3 * 48) and tree.train_windows + tree.test_windows == 48
    steps, windows = results["CNN"].published
    assert steps.confusion.sum() == windows.confusion.sum() * 8999
    assert results["CNN"].parameters == 3537 and len(results["tree features"].folds) == 5


def test_the_trees_are_drawn_and_exported(study, output):
    for kind in ("raw", "features"):
        files = by_name(study)[f"tree {kind}"].artefacts
        assert (output / files["tree.dot"]).read_text().startswith("digraph Tree")
        text = (output / files["tree.txt"]).read_text()
        assert "class: earthquake" in text and "class: noise" in text and "True" not in text
        assert (output / files["tree.png"]).read_bytes()[:4] == b"\x89PNG" and (output / files["tree.txt"]).is_file()


def test_the_model_trained_here_is_a_file_that_detects(study, output):
    import jijin

    model = jijin.load(output / by_name(study)["CBA from scratch"].artefacts["model"])
    assert model.predict(np.ones((1, 3, 6000))).p.shape == (1, 6000)


def test_both_cbas_are_scored_with_fewer_components(study, sample):
    assert list(study.components) == list(study.component_scores) == ["CBA from scratch", "cba"]
    for name, reports in study.components.items():
        assert list(reports) == list(study.component_scores[name]) == ["ZNE", "ZN", "Z", "E"]
        assert reports["ZNE"].phases == by_name(study)[name].report.phases
        assert reports["Z"].thresholds == reports["ZNE"].thresholds
        assert asdict(study.component_scores[name]["ZNE"]) == asdict(by_name(study)[name].detection)


class Recorder:
    """A picker that keeps what it is given; P where Z is 7."""

    def __init__(self):
        self.seen = []

    def predict(self, windows):
        self.seen.append(windows)
        p = (windows[:, 0] == 7).astype(np.float32)
        return {"p": p, "s": np.zeros_like(p), "det": 2 * p}


def test_a_component_that_is_left_out_is_zero_and_the_others_are_as_they_were(sample):
    model = Recorder()
    tuned, about = Tuned(0.5, {P: 0.5, S: 0.5}), {"trained_on": "", "parameters": 0}
    whole = run_picker(sample, model, "m", "cba", tuned, training_s=None, training_windows=None, **about)
    model.seen.clear()
    reports, _ = by_components(sample, model, whole, tuned, ("ZN", "E"))
    assert list(reports) == ["ZNE", "ZN", "E"] and reports["ZNE"] is whole.report
    zn, east = (np.concatenate(model.seen[k::2]) for k in (0, 1))
    data = sample.data[sample.study.split == "test"]
    assert np.array_equal(zn[:, :2], data[:, :2]) and not zn[:, 2].any()
    assert np.array_equal(east[:, 2], data[:, 2]) and not east[:, :2].any()


def test_the_score_is_the_peak_of_the_detection_curve_or_else_of_p_and_s_together():
    x = np.zeros((3, 3, 6000), np.float32)
    x[1, 0, 99] = 7
    assert predict(Recorder(), x).score.tolist() == [0, 2, 0]
    without = Recorder()
    x[2, :2, 99] = 7
    without.predict = lambda windows: {"p": 0.5 * windows[:, 0] / 7, "s": 0.25 * windows[:, 1] / 7, "det": None}
    assert predict(without, x).score.tolist() == [0, 0.5, 0.75]


def test_published_splits_train_on_the_train_split_alone_and_test_on_the_common_test(sample):
    for count, share in ((10_000, 0.3), (20, 0.6)):
        train, test = published_split(sample, count, share)
        total = min(count, 48)
        assert len(train) == pytest.approx(total * share, abs=1) and len(train) + len(test) == pytest.approx(
            total, abs=1
        )
        assert set(sample.study.split[train]) == {"train"} and not set(train) & set(test)
        assert sample.is_earthquake[train].mean() == pytest.approx(0.5, abs=0.05)


def test_tensorboard_shows_scalars_curves_pictures_graphs_and_settings(study, output):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    tags = {}
    for name in ("CNN", "CBA_from_scratch", "cba", "tree_raw", "loud"):
        events = EventAccumulator(str(output / "tensorboard" / name)).Reload()
        tags[name] = events.Tags()
        assert any("earthquake or noise" in tag for tag in tags[name]["tensors"]), name
        assert "_hparams_/session_start_info" in events.summary_metadata, name
    assert {"loss", "dev_loss", "test/f1"} <= set(tags["CNN"]["scalars"])
    assert {"loss", "dev_f1_p", "test/f1_p"} <= set(tags["CBA_from_scratch"]["scalars"])
    assert {"dev windows", "test windows"} <= set(tags["CBA_from_scratch"]["images"])
    assert tags["CNN"]["graph"] and tags["CBA_from_scratch"]["graph"]


def test_a_second_run_goes_on_with_the_cba_that_is_there(study, sample, output, monkeypatch):
    tiny(monkeypatch)
    run_folder = output / "tensorboard" / "CBA_from_scratch"
    before = (run_folder / "costs.csv").read_text()
    config = module.settings(len(sample.rows("train")), 2, 0)
    scratch.train_scratch(sample, run_folder, output, config, lambda text: None)
    assert (run_folder / "costs.csv").read_text() == before
    longer = module.settings(len(sample.rows("train")), 3, 0)
    scratch.train_scratch(sample, run_folder, output, longer, lambda text: None)
    assert [row["epoch"] for row in scratch.history(run_folder, longer)] == [1, 2, 3]
    assert len(pd.read_csv(run_folder / "costs.csv")) == 3
    with pytest.raises(ConfigError, match="another run folder"):
        scratch.train_scratch(sample, run_folder, output, module.settings(len(sample.rows("train")), 3, 9), print)


def test_small_data_sets_get_small_batches_so_that_an_epoch_has_steps():
    assert [scratch.settings(n, 1, 0).batch for n in (12_000, 400, 48)] == [64, 16, 8]


def test_the_training_is_that_of_the_study(tmp_path):
    config = scratch.settings(12_000, 10, 0)
    assert config.windows == 10 * 11_968 and config.epoch_windows == 11_968
    state = State(config, tmp_path)
    rates = [state.rate() for state.step in (0, 1, state.steps // 2, state.steps - 1)]
    assert rates == [1e-3] * 4 and type(state.optimizer).__name__ == "NAdam"
    for parameter in state.model.parameters():
        parameter.data += 1
    state.average.update_parameters(state.model)
    for ours, averaged in zip(state.model.parameters(), state.average.module.parameters(), strict=True):
        assert torch.equal(ours, averaged)


@pytest.mark.parametrize(
    "words", [[], ["--example", "--data", "x"], ["--example", "--earthquakes", "0"], ["--exmaple"]]
)
def test_wrong_usage_is_said(tmp_path, words):
    result = CliRunner().invoke(app, ["study", "-o", str(tmp_path / "r"), *words])
    assert result.exit_code == 2 and not (tmp_path / "r").exists()


def test_a_file_in_the_place_of_the_folder_is_said(tmp_path):
    (tmp_path / "r").write_text("")
    result = CliRunner().invoke(app, ["study", "--example", "-o", str(tmp_path / "r")])
    assert isinstance(result.exception, ConfigError) and "r is a file; give -o a folder" in str(result.exception)


def test_an_interrupt_says_that_the_same_command_goes_on(tmp_path, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "run_tree", interrupt)
    words = ["study", "--example", "--earthquakes", "24", "--noise", "24", "-o", str(tmp_path / "r")]
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 130 and "the same command goes on: CBA at its last epoch" in result.stderr


def test_the_command_writes_a_report_and_says_where(tmp_path, monkeypatch):
    tiny(monkeypatch)
    monkeypatch.setattr("jijin.study.published.find_spec", lambda name: None)
    words = [
        "study",
        "--example",
        "--earthquakes",
        "24",
        "--noise",
        "24",
        "--epochs",
        "1",
        "--cnn-epochs",
        "1",
        "--threads",
        "1",
    ]
    result = CliRunner().invoke(app, [*words, "-o", str(tmp_path / "report")])
    assert result.exit_code == 0, result.output
    assert result.stdout.strip() == str(tmp_path / "report" / "index.html")
    page = (tmp_path / "report" / "index.html").read_text()
    assert "example (synthetic), California and Nevada" in page and "jijin[seisbench]" in page
    for name in ("summary.md", "tables/scores.csv"):
        assert not re.search(r"\bstead\b", (tmp_path / "report" / name).read_text()), name
    settings = pd.read_csv(tmp_path / "report" / "tables" / "settings.csv").set_index("setting")["value"]
    assert (settings["data"], settings["peers"]) == ("--example", "SeisBench's")
    assert (tmp_path / "report" / "example" / "merged.csv").is_file()
