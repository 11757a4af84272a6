"""Training a source classifier, on features of known make and on tiny data through the command line."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from jijin.commands.source import trained_on
from jijin.data.export import write_seisbench
from jijin.data.source import ABOUT, SYNTHETIC, feature_table, read_table, seen, synthetic_table
from jijin.data.sources import blast, on_noise
from jijin.data.synthetic import earthquake, noise
from jijin.discriminate.features import NAMES
from jijin.discriminate.model import load_source
from jijin.errors import ConfigError, DataError, ReadError
from jijin.evaluate.scores import auc
from jijin.evaluate.source import NOT_DETERMINED, blast_scores, recall, reliability, tables
from jijin.train.source import DEPENDENCES, fewest, folds, nested, tell, train_blasts, train_source
from jijin.train.source_fit import TELLING, Setting, fit_blasts, fit_kinds, sample_of, usable, weights
from jijin.train.source_run import MODEL, SourceRun, outcome_of, read_run, train_run, words

RATIO = NAMES.index("P/S 4-8 Hz")


def table(blasts: int = 8, quakes: int = 12, quiet: int = 10, apart: float = 1.5, stations: int = 3) -> pd.DataFrame:
    """Events whose blasts have a larger P/S; noise of a low SNR."""
    rng = np.random.default_rng(0)
    rows = []
    for name, count in (("explosion", blasts), ("earthquake", quakes), ("noise", quiet)):
        for event in range(count):
            for station in range(1 if name == "noise" else stations):
                values = dict(zip(NAMES, rng.normal(size=len(NAMES)).tolist(), strict=True))
                values["P/S 4-8 Hz"] += apart * (name == "explosion")
                values["SNR"] += 6.0 * (name != "noise")
                key = f"{name}{event}"
                about = {
                    "trace_name": f"{key}_{station}",
                    "dataset": "mine",
                    "station": f"S{station}",
                    "source_type": name,
                }
                more = {"licence": "CC0", "snr_db": 10.0, "distance_km": 20.0, "class": name, "group": key}
                rows.append({**about, **more, "p_probability": 0.9, **values})
    return pd.DataFrame(rows)


def test_no_fold_divides_an_event_and_every_class_is_dealt_out() -> None:
    sample = sample_of(table())
    fold = folds(sample, 4)
    assert pd.Series(fold).groupby(sample.groups).nunique().max() == 1
    assert all(set(fold[sample.classes == name]) == {0, 1, 2, 3} for name in ("explosion", "earthquake", "noise"))
    order = np.random.default_rng(1).permutation(len(fold))
    assert np.array_equal(folds(sample.part(order), 4), fold[order])


def test_classes_weigh_the_same_and_so_do_their_events() -> None:
    sample = sample_of(table())
    w = weights(sample.classes, sample, 0.3)
    by_class = pd.Series(w).groupby(sample.classes).sum()
    assert by_class.to_numpy() == pytest.approx(1 / 3)
    assert np.ptp(pd.Series(w).groupby(sample.groups).sum()[[f"explosion{k}" for k in range(8)]]) < 1e-12


def test_synthetics_have_their_share_however_many_they_are() -> None:
    made = table(blasts=50, quakes=1, quiet=0).assign(dataset=SYNTHETIC)
    sample = sample_of(pd.concat([table(), made[made["class"] == "explosion"]], ignore_index=True))
    w = weights(sample.classes, sample, 0.3)
    assert w[sample.synthetic].sum() == pytest.approx(0.3 / 3)


def test_the_regression_finds_what_differs_and_is_scikit_learns(monkeypatch: pytest.MonkeyPatch) -> None:
    linear = pytest.importorskip("sklearn.linear_model", reason="scikit-learn is absent: nothing to compare with")
    sample = sample_of(table(apart=3.0))
    monkeypatch.setattr("jijin.train.source_fit.REGIONAL", 0.0)
    ours = fit_blasts(sample, Setting(0.03, 0.0))
    part = sample.waves
    w = weights(part.classes, part, 0.0)
    z = (part.x[:, : len(TELLING)] - ours.mean) / ours.scale
    theirs = linear.LogisticRegression(C=1 / 0.03 / len(w), max_iter=5000, tol=1e-8).fit(
        np.clip(z, -4, 4), part.classes == "explosion", sample_weight=w * len(w)
    )
    assert ours.coefficients == pytest.approx(theirs.coef_[0], abs=0.02)
    assert np.argmax(ours.coefficients) == RATIO


def test_what_a_region_does_to_all_phases_alike_tells_blasts_less(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = table(apart=0.0)
    octaves = ["1-2 Hz / 2-4 Hz", "2-4 Hz / 4-8 Hz", "4-8 Hz / 8-16 Hz"]
    rows.loc[rows["class"] == "explosion", octaves] += 1.0
    found = []
    for regional in (0.0, 2.0):
        monkeypatch.setattr("jijin.train.source_fit.REGIONAL", regional)
        found.append(fit_blasts(sample_of(rows), Setting(0.01, 0.0)).coefficients[[NAMES.index(n) for n in octaves]])
    assert (found[0] > 0.5).all() and np.linalg.norm(found[1]) < 0.8 * np.linalg.norm(found[0])


def test_the_exported_trees_are_scikit_learns_with_two_kinds_and_with_three() -> None:
    pytest.importorskip("sklearn", reason="scikit-learn is absent: trees cannot be trained")
    for rows in (table(quakes=40, quiet=60), pd.concat([table(quakes=40, quiet=60), table(quiet=0, blasts=0).assign(
        **{"class": "landslide"})])):  # fmt: skip
        sample = sample_of(rows.reset_index(drop=True))
        kinds = fit_kinds(sample)  # raises where the two differ
        p = np.exp(kinds.log_likelihoods(sample.x))
        assert p.sum(1) == pytest.approx(1) and (p.argmax(1) == 0)[sample.kinds == "body waves"].mean() > 0.8


def test_a_strong_beginning_stays_and_a_weak_one_yields_to_new_blasts() -> None:
    sample = sample_of(table(apart=3.0))
    begun = replace(fit_blasts(sample, Setting(0.03, 0.0)), coefficients=np.zeros(len(TELLING)), intercept=0.0)
    stiff = fit_blasts(sample, Setting(1e4, 0.0, begun))
    soft = fit_blasts(sample, Setting(1e-3, 0.0, begun))
    assert np.abs(stiff.coefficients).max() < 1e-3 < 0.5 < soft.coefficients[RATIO]
    assert np.array_equal(soft.mean, begun.mean)


def test_held_out_events_are_told_well_where_classes_differ_and_by_chance_where_not() -> None:
    for apart, low, high in ((4.0, 0.95, 1.0), (0.0, 0.1, 0.8)):
        rows = table(quiet=0, apart=apart, blasts=15, quakes=15)
        sample = sample_of(rows)
        classes, units, log = nested(sample)
        assert len(units) == 30 and classes == ("earthquake", "explosion")
        outcome = outcome_of(rows, sample, classes, units, log)
        assert low <= blast_scores(outcome)[2] <= high


def test_a_calibration_for_dependent_stations_counts_them_less(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jijin.train.source.ALIKE", DEPENDENCES)
    rows = table(quiet=0, apart=2.0, blasts=30, quakes=30)
    same = rows.copy()
    first = same.groupby("group")[list(NAMES)].transform("first")
    same[list(NAMES)] = first  # every station says the same
    free, tied = (train_blasts(sample_of(t))[0].calibration for t in (rows, same))
    assert tied.share(3) < free.share(3)


def test_one_class_alone_teaches_nothing_and_says_so() -> None:
    with pytest.raises(DataError, match=r"two classes.*got noise"):
        sample_of(table(0, 0, 5))


def test_a_blast_without_a_p_is_not_learnt_from() -> None:
    rows = table()
    rows.loc[rows["class"] == "explosion", "p_probability"] = 0.1
    assert set(usable(rows)["class"]) == {"earthquake", "noise"}
    assert fewest(sample_of(usable(rows))) == 10


def test_the_word_is_quarry_blast_only_where_the_labels_say_nothing_else() -> None:
    rows = table().assign(source_type=lambda t: t["class"].replace("explosion", "quarry_blast"))
    assert words(rows)["explosion"] == "quarry blast"
    assert words(pd.concat([rows, table()]))["explosion"] == "explosion"


def test_scores_count_events_and_leave_the_undetermined_out() -> None:
    rows = table(apart=4.0)
    sample = sample_of(rows)
    model, _ = train_source(sample, count=1) if pytest.importorskip("sklearn") else (None, None)
    units, _, log = tell(model, sample)
    outcome = outcome_of(rows, sample, model.classes, units, log)
    assert len(outcome) == 30 and outcome.stations.tolist().count(3) == 20
    sure = outcome.told(None, 1.0)
    assert set(sure) <= {NOT_DETERMINED, *outcome.classes}
    n, right, low, high, _, known = recall(outcome, outcome.told(None, 0.0), "explosion")
    assert n == 8 and low <= right <= high and known == 1.0
    assert sum(row[2] for row in reliability(outcome)) == 30
    titles = [title for title, _, _ in tables(outcome, {"earthquake": 0.5, "explosion": 0.5}, 0.6)]
    assert titles[-1] == "explosion against earthquake in mine"
    assert np.isnan(auc(np.array([True]), np.array([1.0])))


class Picker:
    """Puts P where the trace is first loud, S four seconds later."""

    name, thresholds, time_uncertainty = "picker", {"detection": 0.5, "p": 0.3, "s": 0.3}, {}

    def predict(self, windows: np.ndarray) -> object:
        from jijin.models import Prediction

        p = np.zeros((len(windows), 6000), np.float32)
        for row, window in zip(p, windows, strict=True):
            loud = np.flatnonzero(np.abs(window[0]) > 0.5 * np.abs(window[0]).max())
            row[min(int(loud[0]), 5500)] = 0.8 if np.abs(window[0]).max() > 8 * np.median(np.abs(window[0])) else 0.4
        return Prediction(p, p, np.roll(p, 400, axis=1))


def test_the_p_of_a_trace_of_two_minutes_is_found_in_any_window() -> None:
    data = np.random.default_rng(0).normal(size=(3, 12000)).astype(np.float32)
    data[:, 7000:7300] += 50
    record = seen(data, Picker())  # type: ignore[arg-type]
    assert record.s_minus_p_s == pytest.approx(4.0) and record.p_probability == pytest.approx(0.8)
    assert np.nanargmax(record.z) in range(3000, 3301)


@pytest.fixture
def quarry(tmp_path: Path) -> Path:
    """Six blasts and six earthquakes at one station, and a window of noise of another kind of source."""
    rng = np.random.default_rng(3)
    made = [("quarry blast", blast(rng, 3.0)) for _ in range(6)] + [
        ("earthquake", earthquake(rng, 3.0)) for _ in range(6)
    ]
    waveforms = [on_noise(rng, event, noise(rng, 6000)) for _, event in made]
    rows = pd.DataFrame({
        "trace_name": [f"t{k}" for k in range(12)], "source_type": [name for name, _ in made],
        "source_group": [f"g{k}" for k in range(12)], "station_code": "Q1", "station_network_code": "XX",
        "trace_sampling_rate_hz": 100.0,
    })  # fmt: skip
    write_seisbench(tmp_path / "quarry", waveforms, rows)
    return tmp_path / "quarry"


def test_a_new_quarry_is_taught_from_the_shipped_model_and_features_are_measured_once(
    quarry: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jijin.train.source_run.load", lambda *_: Picker())
    run = SourceRun((str(quarry),), synthetics=1, fractions=(1, 0, 0))
    path, outcome = train_run(run, tmp_path / "run", load_source())
    model, shipped = load_source(path), load_source()
    assert model.words["explosion"] == "quarry blast" and outcome is not None and len(outcome) == 12
    assert model.kinds is not None and np.array_equal(model.kinds.forest.value, shipped.kinds.forest.value)  # type: ignore[union-attr]
    assert not np.allclose(model.blasts.coefficients, shipped.blasts.coefficients)  # type: ignore[union-attr]
    assert model.card["counts"]["explosion"]["quarry"] == 6 and model.card["started_from"]["name"] == "source"
    rows = read_table(tmp_path / "run/features.csv")
    assert len(rows) == 15 and list(rows.columns) == [*ABOUT, *NAMES]
    monkeypatch.setattr("jijin.train.source_run.feature_table", None)  # measured again, this would fail
    again, _ = train_run(run, tmp_path / "run", load_source())
    assert again.read_text() == path.read_text()


def test_the_command_trains_and_evaluates(quarry: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from jijin.cli import app

    words = ["train", "--task", "source", "--data", str(quarry), "--synthetics", "0", "--start", "source"]
    assert app([*words, "--fractions", "1,0,0", "-o", str(tmp_path / "run")], standalone_mode=False) is None
    assert str(tmp_path / "run" / MODEL) in capsys.readouterr().out.replace("\n", "")
    out = tmp_path / "scores.json"
    words = ["evaluate", "--task", "source", "--data", str(quarry), "--split", "all", "--model", str(tmp_path / "run")]
    app([*words, "--output", str(out)], standalone_mode=False)
    seen = "trained on events of quarry, so it is scored on what it has seen"
    assert capsys.readouterr().err == f"jijin: {tmp_path / 'run'}: {seen}\n"
    assert "explosion against earthquake in quarry" in json.dumps(json.loads(out.read_text()))


def test_a_score_on_events_that_a_model_has_seen_is_announced() -> None:
    card = {"counts": {"noise": {"quarry": 3}}, "fractions": [6.0, 2.0, 2.0], "seed": 0}
    assert trained_on(card, ["other", "quarry"], "test", (6.0, 2.0, 2.0), 0) == []
    assert trained_on(card, ["other", "quarry"], "all", (6.0, 2.0, 2.0), 0) == ["quarry"]
    assert trained_on({**card, "fractions": [1.0, 0.0, 0.0]}, ["quarry"], "test", (6.0, 2.0, 2.0), 0) == ["quarry"]


def test_a_folder_without_a_model_and_data_without_a_known_source_are_named(tmp_path: Path) -> None:
    with pytest.raises(ReadError, match=r"no source\.json"):
        read_run(tmp_path)
    rows = pd.DataFrame({"trace_name": ["a"], "source_type": ["thunder"], "trace_sampling_rate_hz": 100.0})
    write_seisbench(tmp_path / "odd", [np.ones((3, 6000))], rows)
    from jijin.data import open_dataset

    with pytest.raises(DataError, match="got thunder"):
        feature_table(open_dataset(tmp_path / "odd"), Picker())  # type: ignore[arg-type]


def test_synthetics_are_as_many_of_each_class_and_the_same_again() -> None:
    a, b = (synthetic_table(Picker(), 2, 5) for _ in range(2))  # type: ignore[arg-type]
    assert a["class"].value_counts().to_dict() == {"earthquake": 2, "explosion": 2, "anthropogenic noise": 2}
    pd.testing.assert_frame_equal(a, b)


@pytest.mark.parametrize(
    "words",
    [
        ["train", "--windows", "64"],
        ["train", "--patience", "2"],
        ["train", "--recipe", "study"],
        ["train", "--teachers", "picks.csv"],
        ["train", "--workers", "0"],
        ["evaluate", "--protocol", "shift"],
        ["evaluate", "--tune"],
        ["evaluate", "--threshold-p", "0.3"],
        ["evaluate", "--peers", "peers"],
    ],
    ids=lambda words: " ".join(words[:2]),
)
def test_an_option_of_pickers_is_not_ignored_where_sources_are_told(words: list[str], tmp_path: Path) -> None:
    from jijin.cli import app

    option = words[1]
    given = [*words, "--task", "source", "--data", str(tmp_path), "-o", str(tmp_path / "out")]
    with pytest.raises(ConfigError, match=f"^the task source does not take {option}; it takes --data, --fractions"):
        app(given, standalone_mode=False)
