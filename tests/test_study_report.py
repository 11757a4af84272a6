"""The report of a study: numbers worked out by hand, and a page that stands alone whatever is missing."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from jijin.data import labels as lb
from jijin.data.traces import P, S
from jijin.evaluate import Window, evaluate
from jijin.study import figures_data, figures_scores, figures_waves, tables
from jijin.study.areas import areas, region
from jijin.study.canvas import looks
from jijin.study.contents import Note, Picture, Table
from jijin.study.page import table as html_table
from jijin.study.picked import pickers, precision_recall, residuals
from jijin.study.report import write
from jijin.study.results import Fold, ModelResult, Protocol, Study, StudySet

EVIL = "<script>alert(1)</script>_$x^{|"
ONSET = {P: 2000, S: 2500}
LATE = 7  # samples by which the picker is late
THRESHOLDS = {P: 0.3, S: 0.3}
RNG = np.random.default_rng(5)


def window(category: str, s_labelled: bool = True, noise: float = 1.0) -> Window:
    """A minute of noise; louder from P on in an earthquake."""
    data = RNG.normal(size=(3, 6000)).astype(np.float32) * noise
    if category == lb.NOISE:
        return Window(data, {P: (), S: ()}, {P: (), S: ()}, "quiet", 1 / 60, category)
    data[:, ONSET[P] :] *= 8
    ignored = {P: (), S: () if s_labelled else ((2010.0, 6000.0),)}
    return Window(data, {P: (2000.0,), S: (2500.0,) if s_labelled else ()}, ignored, "quake", 1 / 60, category)


def bells(count: int, phase: int, height: float = 0.8) -> np.ndarray:
    """Curves with one peak, LATE samples after the onset: (count, 6000)."""
    x = np.arange(6000) - ONSET[phase] - LATE
    return np.tile(height * np.exp(-0.5 * (x / 8) ** 2), (count, 1)).astype(np.float16)


def data_set(s_labelled: bool = True, coordinates: bool = True) -> StudySet:
    """Per split two earthquakes in each of two areas and two windows of noise; the test split first."""
    kinds = [lb.EARTHQUAKE] * 4 + [lb.NOISE] * 2
    rows = pd.DataFrame({
        "category": kinds * 3, "dataset": (["north", "north", "south", "south"] + ["quiet"] * 2) * 3,
        "source_group": [f"g{k}" for k in range(18)], "p_status": lb.ABSENT, "s_status": lb.ABSENT,
        "snr_db": ([10.0, 20.0, 5.0, np.nan] + [np.nan] * 2) * 3, "distance_km": ([12.0] * 4 + [np.nan] * 2) * 3,
    })  # fmt: skip
    if coordinates:
        rows["source_magnitude"] = ([1.5, 2.5, 3.5, 4.5] + [np.nan] * 2) * 3
        rows["source_latitude_deg"] = ([38.0, 38.1, -22.0, -22.5] + [np.nan] * 2) * 3
        rows["source_longitude_deg"] = ([-120.0, -120.2, -67.0, -67.5] + [np.nan] * 2) * 3
    names = pd.Series([EVIL if k == 1 else f"t{k}" for k in range(18)])
    windows = [window(kind, s_labelled) for kind in kinds * 3]
    return StudySet(windows, lb.table(rows, names), np.repeat(["test", "dev", "train"], 6), "made up")


def classifier(name: str, family: str, **more: object) -> ModelResult:
    """Right about three earthquakes and one noise of the six test windows."""
    score = np.array([0.9, 0.9, 0.9, 0.2, 0.1, 0.8], np.float32)
    values = {"parameters": 23, "training_s": 4.0, "training_windows": 6, "prediction_s": 0.03, **more}
    confusion = np.array([[1, 1], [1, 3]])
    return ModelResult(name, family, "6 windows", score, 0.5, Fold(4 / 6, 0.75, 0.75, 0.75), confusion, **values)


def picker(name: str, family: str, data: StudySet, **more: object) -> ModelResult:
    """Picks P and S of every earthquake, LATE samples late, and nothing in noise."""
    test = [w for w, split in zip(data.windows, data.split, strict=True) if split == "test"]
    quake = np.array([[w.category == lb.EARTHQUAKE] for w in test])
    curves = {phase: bells(len(test), phase) * quake for phase in (P, S)}
    return classifier(name, family, curves=curves, report=evaluate(name, curves, test, THRESHOLDS), **more)


def full(output: Path) -> Study:
    """A study that lacks nothing; its tree's files are written to output."""
    data = data_set()
    (output / "models").mkdir(parents=True)
    (output / "models/tree.txt").write_text("|--- STA/LTA <= 3")
    figure, _ = figures_scores.panel("tree")
    figure.savefig(output / "models/tree.png")
    fold, history = Fold(0.9, 0.8, 0.7, 0.75), [{"epoch": k, "loss": 0.7 / k, "dev_f1": 0.1 * k} for k in (1, 2, 3)]
    cba = picker("CBA from scratch", "cba", data, training_s=20.0, presented=600, peak_mb=812.0, history=history,
                 costs={"forward": 8.0, "backward": 9.0}, note="a note on CBA")  # fmt: skip
    models = [
        classifier("tree raw", "tree", folds=[fold, Fold(0.7, 0.8, 0.7, 0.75)], costs={"5-fold": 3.0},
                   published=[Protocol("3 : 7", 3, 7, fold, np.eye(2, dtype=int))],
                   artefacts={"tree.png": "models/tree.png", "tree.txt": "models/tree.txt"}),
        classifier("CNN", "cnn", history=history), cba,
        picker("eqt_original", "peer", data, training_s=None, training_windows=None, parameters=0),
    ]  # fmt: skip
    reports = {"ZNE": cba.report, "Z": replace(cba.report, phases=halved(cba))}
    scores = {"ZNE": Fold(1, 1, 1, 0.9), "Z": Fold(1, 1, 1, 0.6)}
    return Study(data, models, {cba.name: reports}, {"seed": 0, "note": "<b>bold</b>"}, "a <machine>", 61.0,
                 {cba.name: scores}, ("PhaseNet was left out.",))  # fmt: skip


def halved(result: ModelResult) -> dict:
    """The phases of its report with half the F1."""
    return {
        phase: {t: replace(s, f1=s.f1 / 2) for t, s in scores.items()} for phase, scores in result.report.phases.items()
    }


def bare() -> Study:
    """No coordinates, no S labels, no history, no peers, no picture of the tree, no components."""
    data = data_set(s_labelled=False, coordinates=False)
    models = [classifier("tree raw", "tree", artefacts={"tree.png": "gone.png"}), picker("cba", "cba", data)]
    return Study(data, models, {}, {}, "a machine", 10_000.0)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("full")
    assert write(full(output), output) == output / "index.html"
    return output


@pytest.fixture(scope="module")
def poor(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The page of a bare study."""
    return write(bare(), tmp_path_factory.mktemp("bare")).read_text()


def test_the_page_needs_no_network_and_runs_nothing(written: Path) -> None:
    page = (written / "index.html").read_text()
    assert "://" not in page and "<script" not in page and "@import" not in page and "url(" not in page
    sources = re.findall(r'(?:src|href)="([^"]{1,40})', page)
    assert sources and all(s.startswith(("data:image/svg+xml;base64,", "data:image/png;base64,", "#")) for s in sources)


def test_text_of_the_data_is_text_on_the_page_and_in_the_summary(written: Path) -> None:
    page, summary = (written / "index.html").read_text(), (written / "summary.md").read_text()
    assert "&lt;script&gt;alert(1)&lt;/script&gt;_$x^{|" in page
    assert "&lt;b&gt;bold" in page and "a &lt;machine&gt;" in page and "<b>" not in page
    assert "<b>" not in summary and "&lt;b&gt;bold&lt;/b&gt; |" in summary


def test_every_link_leads_to_a_section_and_every_picture_is_a_file_too(written: Path) -> None:
    page = (written / "index.html").read_text()
    assert re.findall(r'href="#(\w+)"', page) == re.findall(r'<section id="(\w+)">', page)
    png = {path.stem for path in (written / "figures").glob("*.png")}
    assert png == {path.stem for path in (written / "figures").glob("*.svg")}
    assert len(png) + 1 == page.count("<img ")  # and the tree's
    kinds = ["map", "map_1", "magnitude", "distance", "snr", "s_minus_p", "example_1", "learning_loss", "learning_f1",
             "confusion_CNN", "precision_recall", "precision_recall_P", "precision_recall_S", "residuals_P",
             "residuals_S", "detection_1", "detection_2", "detection_noise_middle", "detection_noise_worst",
             "components_P", "components_S", "training_time", "speed"]  # fmt: skip
    assert set(kinds) - png == {"map_1"}  # two epicentres an area are too few for a map of their own


def test_the_csv_files_hold_what_the_page_rounds(written: Path) -> None:
    names = {path.stem for path in (written / "tables").glob("*.csv")}
    assert names == {"models", "published", "protocols", "windows", "folds", "picks", "components", "cost", "settings",
                     "scores", "history_CNN", "history_CBA_from_scratch"}  # fmt: skip
    scores = pd.read_csv(written / "tables/scores.csv")
    assert scores["CNN"].tolist() == pytest.approx([0.9, 0.9, 0.9, 0.2, 0.1, 0.8]) and scores["earthquake"].sum() == 4
    assert pd.read_csv(written / "tables/history_CNN.csv")["loss"].tolist() == pytest.approx([0.7, 0.35, 0.7 / 3])


def test_what_is_missing_is_said(poor: str) -> None:
    for sentence in (
        "No map: the labels of these data hold no coordinates",
        "No histogram of magnitude",
        "No histogram of S-P time",
        "No picture of tree raw was made",
        "No learning curve of cba",
        "No curve and no residuals of S: no test window has a label of it",
        "Fewer components were not measured",
        "No training of this run measured its parts",
    ):
        assert f'<p class="missing">{sentence}' in poor
    assert "<td" in poor and "not measured" in poor  # EQTransformer's row


def test_a_study_of_nothing_but_data_is_a_page_too_and_always_the_same(tmp_path: Path) -> None:
    study = Study(data_set(), [], {}, {}, "a machine", 1.0)
    page, again = (write(study, tmp_path / name).read_text() for name in ("a", "b"))
    assert "No model was run" in page and "no model of this run picks" in page
    assert "No model was trained in this run" in page and page == again


def test_the_row_of_a_model(tmp_path: Path) -> None:
    rows = tables.models(full(tmp_path)).set_index("model")
    expected = -np.log([0.9, 0.9, 0.9, 0.2, 0.9, 0.2]).mean()
    assert rows.loc["CNN", "loss"] == pytest.approx(expected, abs=1e-6)
    assert rows.loc["CNN", ["F1", "precision", "training (s)", "prediction (s)"]].tolist() == [0.75, 0.75, 4.0, 0.03]
    assert rows.loc["CNN", "ms a window"] == pytest.approx(5.0) and np.isnan(rows.loc["CNN", "F1 of P"])
    assert rows.loc["eqt_original", ["F1 of P", "F1 of S"]].tolist() == [1.0, 1.0]
    assert rows["parameters"].isna().tolist() == [False, False, False, True]


def test_the_loss_of_a_tree_that_is_sure_and_wrong_is_finite() -> None:
    assert tables.log_loss(np.array([0.5, 0.5]), np.array([True, False])) == pytest.approx(np.log(2))
    assert tables.log_loss(np.array([0.0]), np.array([True])) == pytest.approx(7 * np.log(10))


def test_no_loss_has_no_sign() -> None:
    assert str(tables.log_loss(np.array([1.0, 0.0]), np.array([True, False]))) == "0.0"


def test_a_threshold_near_0_or_1_is_told_with_the_digits_that_it_takes(tmp_path: Path) -> None:
    near = [replace(classifier(name, "cnn"), threshold=t) for name, t in (("a", 0.00021), ("b", 0.9991), ("c", 0.35))]
    captions = [item.caption for item in figures_scores.confusions(replace(bare(), models=near))]
    assert [caption.split()[-1] for caption in captions] == ["0.0002.", "0.999.", "0.35."]


def test_published_numbers_stand_beside_ours_and_stay_as_published(tmp_path: Path) -> None:
    rows = tables.originals(full(tmp_path))
    cba = rows[(rows["model"] == "CBA") & (rows["our model"] == "CBA from scratch")].set_index("what")
    assert cba["published"].to_dict() == {
        "F1": "0.88", "precision": "0.92", "prediction time": "30.6 s, 25.5 ms a window",
        "training time": "1800 s, 111 windows/s",
    }  # fmt: skip
    assert cba["ours"].to_dict() == {
        "F1": "0.75", "precision": "0.75", "prediction time": "0.03 s, 5 ms a window",
        "training time": "20 s, 30 windows/s",
    }  # fmt: skip
    tree = rows[rows["model"] == "tree raw"]
    assert tree["ours"].tolist() == ["0.67", "0.90", "0.80", "3 s"]
    assert tree["ours on"].tolist()[:2] == ["the 6 test windows", "as the study did it: 3 : 7"]


def test_the_loss_with_fewer_components_is_that_against_all_three(tmp_path: Path) -> None:
    rows = tables.components(full(tmp_path)).set_index("input")
    assert rows["loss of P"].tolist() == [0.0, 0.5] and rows["loss of S"].tolist() == [0.0, 0.5]
    assert rows["loss of detection"].tolist() == pytest.approx([0.0, 0.3])


def test_what_training_costs(tmp_path: Path) -> None:
    study = full(tmp_path)
    rows = tables.cost(study).set_index("model")
    assert list(rows.index) == ["tree raw", "CNN", "CBA from scratch"]  # a peer came trained
    assert rows["windows a second"].tolist() == [1.5, 1.5, 30.0]
    assert rows.loc["CBA from scratch", "published windows a second"] == pytest.approx(200_000 / 1800)
    assert rows["published windows a second"].isna().tolist() == [True, True, False]
    assert tables.parts(study.models[2]) == {"forward": 8.0, "backward": 9.0, "other": 3.0}
    assert tables.parts(study.models[0]) == {}  # cross-validation is no part of the training


def test_windows_are_counted_by_data_set() -> None:
    rows = tables.windows(Study(data_set(), [], {}, {}, "", 1.0)).set_index("data set")
    assert list(rows.index) == ["north", "quiet", "south", "all"]
    assert rows.loc["all", ["train", "dev", "test", "earthquake", "noise"]].tolist() == [6, 6, 6, 12, 6]
    assert rows["P labels"].tolist() == [6, 0, 6, 12] and rows["groups"].tolist() == [1, 1, 1, 2]


def test_residuals_are_pick_minus_label_in_seconds() -> None:
    data = data_set()
    study = Study(data, [picker("cba", "cba", data)], {}, {}, "", 1.0)
    test = [data.windows[i] for i in study.test]
    for phase in (P, S):
        found = residuals(pickers(study)[0].picks[phase], test, phase)
        assert found == pytest.approx([LATE / 100] * 4, abs=0.005)


def test_precision_and_recall_of_picks_by_threshold() -> None:
    quake, noise = window(lb.EARTHQUAKE), window(lb.NOISE)
    curves = np.concatenate([bells(1, P, 0.62), bells(1, P, 0.32)])  # the second is false
    precision, recall = precision_recall(curves, [quake, noise], P)
    assert precision[:5].tolist() == [0.5] * 5 and precision[5:11].tolist() == [1.0] * 6  # 0.10 to 0.30, 0.35 to 0.60
    assert recall[:11].tolist() == [1.0] * 11 and recall[11:].tolist() == [0.0] * 7 and np.isnan(precision[11:]).all()


def test_the_curve_of_earthquake_or_noise_is_scikit_learns() -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    truth, score = RNG.random(80) < 0.4, RNG.random(80).round(1)  # with ties
    precision, recall = figures_scores.window_precision_recall(score, truth)
    theirs = metrics.precision_recall_curve(truth, score)
    assert precision[::-1] == pytest.approx(theirs[0][:-1]) and recall[::-1] == pytest.approx(theirs[1][:-1])


@pytest.mark.parametrize(
    ("latitude", "longitude", "name"),
    [(35.8, -117.6, "California and Nevada"), (46.2, -122.2, "Pacific Northwest"), (64.0, -18.0, "Europe"),
     (38.3, 142.4, "Japan and Korea"), (-43.3, 170.4, "New Zealand"), (-22.3, 292.8, "South America"),
     (52.0, 179.5, "Alaska"), (52.0, -175.0, "Alaska"), (-78.1, -84.0, "Antarctica"), (0.0, -30.0, "elsewhere")],
)  # fmt: skip
def test_regions(latitude: float, longitude: float, name: str) -> None:
    assert region(latitude, longitude).startswith(name)


def test_an_area_is_the_data_set_and_the_region_if_known() -> None:
    assert areas(data_set().labels).tolist()[2:5] == ["south, South America"] * 2 + ["quiet"]
    old = data_set().labels.drop(columns=list(lb.SOURCE))
    assert areas(old).tolist()[2:5] == ["south", "south", "quiet"]


def test_the_example_of_an_area_is_the_one_in_the_middle_by_signal_to_noise() -> None:
    data = data_set()
    assert figures_waves.representatives(data, "test", 9) == {
        "north, California and Nevada": 1,
        "south, South America": 2,
    }
    data.windows[1].onsets[S] = ()  # type: ignore[index]
    assert figures_waves.representatives(data, "test", 9)["north, California and Nevada"] == 0  # both phases go first


def test_s_minus_p_needs_both() -> None:
    assert figures_data.s_minus_p(data_set())[:6].tolist() == pytest.approx([5.0] * 4 + [np.nan] * 2, nan_ok=True)
    assert np.isnan(figures_data.s_minus_p(data_set(s_labelled=False))).all()


def test_a_tight_cluster_has_a_map_of_its_own() -> None:
    data = data_set()
    data.labels.loc[data.labels["dataset"] == "north", "source_latitude_deg"] = 38 + 0.01 * np.arange(6)
    found = [item for item in figures_data.maps(data) if isinstance(item, Picture)]
    assert [item.name for item in found] == ["map", "map_1"]
    assert found[1].caption == "north, California and Nevada: 6 epicentres."
    west, east = found[0].figure.axes[0].get_xlim()
    assert west < -120.2 and east > -67


def test_a_component_that_was_not_recorded_is_said_and_not_drawn_as_a_line() -> None:
    shown = window(lb.EARTHQUAKE)
    shown.data[1] = 0
    _, axes = figures_scores.panel("window")
    figures_waves.draw_components(axes, shown)
    assert len(axes.lines) == 2 and [text.get_text() for text in axes.texts] == ["not recorded"]


def test_the_noise_that_deceives_most_is_shown() -> None:
    data = data_set()
    study = Study(data, [picker("cba", "cba", data)], {}, {}, "", 1.0)
    assert [(name, row) for name, row, _ in figures_waves.noise_rows(study, "cba")] == [("middle", 5), ("worst", 5)]


def test_a_pick_without_a_label_is_hollow_and_the_caption_tells_what_was_missed() -> None:
    data = data_set(s_labelled=False)
    study = Study(data, [picker("cba", "cba", data)], {}, {}, "", 1.0)
    first = next(item for item in figures_waves.detections(study, pickers(study)) if isinstance(item, Picture))
    assert first.caption.endswith("labels P at 20.00 s, pick − label cba P +0.07 s.")
    lanes = first.figure.axes[2]
    faces = [line.get_markerfacecolor() for line in lanes.lines if line.get_marker() in ("v", "D")]
    assert faces.count("none") == 1  # S, which nobody labelled


def test_models_of_one_family_look_different() -> None:
    styles = looks([classifier(name, "peer") for name in "abcd"] + [classifier("tree raw", "tree")])
    assert len({(style.colour, str(style.line)) for style in styles.values()}) == 5


def test_a_table_shows_a_dash_for_what_is_not_there() -> None:
    frame = pd.DataFrame({"model": ["<a>"], "windows": pd.array([pd.NA], dtype="Int64"), "F1": [np.nan], "n": [1200]})
    cells = re.findall(r"<td[^>]*>([^<]*)<", html_table(Table("t", frame, "caption")))
    assert cells == ["&lt;a&gt;", "–", "–", "1,200"]


def test_a_model_without_history_has_no_curve_and_the_others_do(tmp_path: Path) -> None:
    study = full(tmp_path)
    silent = replace(study.models[1], history=())
    items = list(figures_scores.learning(replace(study, models=[silent, *study.models[2:]])))
    assert isinstance(items[0], Note) and items[0].text.startswith("No learning curve of CNN")
    names = [line.get_label() for line in items[1].figure.axes[0].lines]
    assert names == ["CBA from scratch, training"]
