"""The audit finds what was put wrong, and nothing in data that is right."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from jijin.commands.data import app
from jijin.data import open_dataset, open_datasets
from jijin.data.audit import Finding, aic_onset, audit
from jijin.data.export import write_seisbench
from jijin.data.splits import split_labels

SHARED = Path(os.environ.get("JIJIN_SHARED", Path(__file__).parents[2] / "shared")) / "data"
needs_shared = pytest.mark.skipif(
    not SHARED.is_dir(), reason=f"no real data at {SHARED}: set JIJIN_SHARED to its folder"
)
P, S, SAMPLES = 1000, 1400, 3000


def seismogram(seed: int) -> np.ndarray:
    """Noise, a P of ten times its amplitude and an S of thirty times."""
    out = np.random.default_rng(seed).normal(size=(3, SAMPLES))
    out[:, P:] *= 10
    out[:, S:] *= 3
    return out.astype(np.float32)


def folder(path: Path, count: int = 4, **columns: Any) -> tuple[Path, list[np.ndarray], pd.DataFrame]:
    """Path, waveforms and metadata of a sound dataset, to be spoilt and then written."""
    meta = pd.DataFrame({"trace_name": [f"{path.name}{k}" for k in range(count)], "source_type": "earthquake"})
    meta["source_group"] = [f"event{k}" for k in range(count)]
    meta["trace_P_arrival_sample"], meta["trace_S_arrival_sample"] = float(P), float(S)
    for name, value in columns.items():
        meta[name] = value
    return path, [seismogram(k) for k in range(count)], meta


def found(*written: tuple[Path, list[np.ndarray], pd.DataFrame], **options: Any) -> list[Finding]:
    paths = [write_seisbench(path, waveforms, meta) for path, waveforms, meta in written]
    with open_datasets(paths) as dataset:
        return audit(dataset, **options)


def kinds(findings: list[Finding]) -> list[tuple[str, str]]:
    return sorted((finding.kind, finding.trace_name) for finding in findings)


def test_sound_data_has_no_findings(tmp_path: Path) -> None:
    assert found(folder(tmp_path / "a")) == []


def test_one_event_in_two_splits_is_a_leak(tmp_path: Path) -> None:
    data = folder(tmp_path / "a", source_group=["e", "e", "f", "f"], split=["train", "test", "dev", "dev"])
    [finding] = found(data)
    assert (finding.kind, finding.error) == ("one event in two splits", True)
    assert finding.detail == "2 traces of group e are in test and train"


def test_jijins_own_split_has_no_leak_where_the_data_sets_own_has(tmp_path: Path) -> None:
    data = folder(tmp_path / "a", source_group=["e", "e", "f", "f"], split=["train", "test", "dev", "dev"])
    path = write_seisbench(*data)
    with open_dataset(path) as dataset:
        assert audit(dataset, split_labels(dataset.labels)) == []


def test_one_event_in_two_datasets_is_a_leak_if_their_splits_differ(tmp_path: Path) -> None:
    first = folder(tmp_path / "a", split="train")
    second = folder(tmp_path / "b", split="test")
    second[1][:] = [seismogram(k + 10) for k in range(4)]
    assert [finding.kind for finding in found(first, second)] == ["one event in two splits"] * 4


def test_noise_away_from_the_earthquake_it_was_cut_from_is_a_leak(tmp_path: Path) -> None:
    events = folder(tmp_path / "a", split="train")
    noise = folder(
        tmp_path / "n", 1, trace_name="pre_a0", source_type="noise", source_group="own", split="test",
        trace_P_arrival_sample=np.nan, trace_S_arrival_sample=np.nan,
    )  # fmt: skip
    noise[1][:] = [seismogram(99)[:, :900]]
    findings = found(events, noise)
    assert ("noise apart from its earthquake", "pre_a0") in kinds(findings)
    assert ("noise in a group of its own", "pre_a0") in kinds(findings)


def test_the_same_waveform_in_two_splits_is_a_leak_and_in_one_a_warning(tmp_path: Path) -> None:
    path, waveforms, meta = folder(tmp_path / "a", split=["train", "test", "dev", "dev"])
    waveforms[1], waveforms[3] = waveforms[0], waveforms[2]
    findings = found((path, waveforms, meta))
    assert [(f.kind, f.error) for f in findings] == [
        ("same waveform in two splits", True),
        ("same waveform twice", False),
    ]
    assert findings[0].detail == "as a/a1 (test and train)"


def test_the_same_recording_cut_elsewhere_is_found(tmp_path: Path) -> None:
    path, waveforms, meta = folder(tmp_path / "a", split=["train", "test", "dev", "dev"])
    waveforms[1] = waveforms[0][:, 300:]
    meta.loc[1, ["trace_P_arrival_sample", "trace_S_arrival_sample"]] -= 300
    assert kinds(found((path, waveforms, meta))) == [("same recording in two splits", "a0")]


@pytest.mark.parametrize(
    ("p", "s", "detail"),
    [(1400.0, 1000.0, "S at sample 1000.0 is not after P at 1400.0"), (-3.0, 1400.0, "P at sample -3.0"),
     (np.nan, -3.0, "S at sample -3.0, before"),
     (1000.0, 3000.0, "S at sample 3000.0, the window ends at 2999"), (3000.5, np.nan, "P at sample 3000.5")],
)  # fmt: skip
def test_labels_that_cannot_be(tmp_path: Path, p: float, s: float, detail: str) -> None:
    path, waveforms, meta = folder(tmp_path / "a")
    meta.loc[2, ["trace_P_arrival_sample", "trace_S_arrival_sample"]] = [p, s]
    [finding] = found((path, waveforms, meta))
    assert (finding.kind, finding.error, finding.trace_name) == ("impossible label", True, "a2")
    assert detail in finding.detail


def test_a_p_on_the_last_sample_and_one_on_the_first_are_possible(tmp_path: Path) -> None:
    data = folder(tmp_path / "a", trace_P_arrival_sample=[0.0, 2999.0, 0.0, 2999.0], trace_S_arrival_sample=np.nan)
    assert found(data) == []


def test_a_p_where_nothing_changes_is_a_warning(tmp_path: Path) -> None:
    path, waveforms, meta = folder(tmp_path / "a")
    meta.loc[1, "trace_P_arrival_sample"] = P - 250.0
    [finding] = found((path, waveforms, meta))
    assert (finding.kind, finding.error, finding.trace_name) == ("P without energy", False, "a1")
    assert "an onset lies +2.5" in finding.detail


def test_bad_components_are_named(tmp_path: Path) -> None:
    path, waveforms, meta = folder(tmp_path / "a")
    waveforms[0][1] = 7
    waveforms[1][2, 50] = np.nan
    waveforms[2][0, 1000:] = 0
    findings = {finding.trace_name: finding for finding in found((path, waveforms, meta))}
    assert findings["a0"].kind == findings["a2"].kind == "dead component"
    assert findings["a0"].detail.startswith("N is") and findings["a2"].detail.startswith("Z is")
    assert (findings["a1"].kind, findings["a1"].detail) == ("NaN", "1 samples are not finite")


def test_a_component_that_was_never_recorded_is_not_dead(tmp_path: Path) -> None:
    path, waveforms, meta = folder(tmp_path / "a", n_components=1)
    for waveform in waveforms:
        waveform[1:] = 0
    assert found((path, waveforms, meta)) == []


def test_an_unreadable_trace_is_an_error_and_the_others_are_still_read(tmp_path: Path) -> None:
    path, waveforms, meta = folder(tmp_path / "a")
    waveforms[3][0] = 0
    write_seisbench(path, waveforms, meta)
    table = path / "metadata.csv"
    table.write_text(table.read_text().replace("\na1,", "\nlost,"))
    assert kinds(audit(open_dataset(path))) == [("dead component", "a3"), ("unreadable", "lost")]


@pytest.mark.parametrize("at", [30, 200, 371])
def test_the_onset_of_aic_is_where_the_variance_changes(at: int) -> None:
    x = np.random.default_rng(at).normal(size=400).astype(np.float32)
    x[at:] *= 20
    assert abs(aic_onset(x) - at) <= 1


def test_the_command_prints_a_table_and_exits_with_1_only_on_errors(tmp_path: Path) -> None:
    path, waveforms, meta = folder(tmp_path / "good")
    waveforms[0][1] = 7
    write_seisbench(path, waveforms, meta)
    result = CliRunner().invoke(app, ["audit", str(path)])
    assert result.exit_code == 0 and "dead component: good/good0: N is constant" in result.stdout
    path, waveforms, meta = folder(tmp_path / "bad", trace_S_arrival_sample=10.0)
    write_seisbench(path, waveforms, meta)
    result = CliRunner().invoke(app, ["audit", str(path), "-o", str(tmp_path / "findings.csv")])
    assert result.exit_code == 1 and "impossible label" in result.stdout
    assert len(pd.read_csv(tmp_path / "findings.csv")) == 4


def test_the_pack_command_writes_a_pack_that_opens(tmp_path: Path) -> None:
    write_seisbench(*folder(tmp_path / "a"))
    out = tmp_path / "pack"
    command = ["pack", str(tmp_path / "a"), "--earthquakes", "3", "-o", str(out)]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 0, result.output
    assert result.stdout == f"{out}: 3 traces (3 earthquake)\n"
    assert len(open_dataset(out)) == 3


@needs_shared
def test_real_data_has_no_leak_and_no_impossible_label() -> None:
    with open_dataset(SHARED / "windows") as dataset:
        findings = audit(dataset)
        assert [finding for finding in findings if finding.error] == []
        noise = dataset.labels["dataset"] == "pre_event_noise"
        assert sum(f.kind == "noise in a group of its own" for f in findings) == noise.sum() == 282


@needs_shared
def test_the_published_rows_of_stead_are_read(tmp_path: Path) -> None:
    import h5py

    (tmp_path / "chunk2.csv").write_bytes((SHARED / "stead_original" / "100samples.csv").read_bytes())
    with h5py.File(tmp_path / "chunk2.hdf5", "w") as file:
        file.create_group("data")
    label = open_dataset(tmp_path).label(0)
    assert (label.p_sample, label.s_sample, label.coda_end_sample) == (700, 1894, 2896)
    assert label.snr_db == pytest.approx((56.79999924 + 55.40000153 + 47.40000153) / 3)
    assert (label.source_group, label.distance_km, label.station) == ("8556349", 102.09, "TA.109C")


def test_earthquakes_of_which_none_has_a_label_are_a_finding(tmp_path):
    data = np.random.default_rng(0).standard_normal((2, 3, 300)).astype(np.float32)
    rows = pd.DataFrame({"trace_name": ["a", "b"], "source_type": "earthquake", "P": 100.0})
    path = write_seisbench(tmp_path / "set", data, rows)
    assert [f.detail[:28] for f in audit(open_dataset(path)) if f.kind == "no label"] == [
        "none of 2 earthquakes has a "
    ]
    done = CliRunner().invoke(app, ["audit", str(path)])
    assert done.exit_code == 0 and "P: 2 unlabelled" in done.output


def test_a_table_without_a_row_is_a_finding(tmp_path: Path) -> None:
    path, waveforms, meta = folder(tmp_path / "a")
    assert kinds(found((path, waveforms[:0], meta[:0]))) == [("no trace", "")]


def test_a_component_without_a_number_does_not_stop_the_audit(tmp_path: Path) -> None:
    path, waveforms, meta = folder(tmp_path / "a")
    waveforms[0][2] = np.nan
    assert kinds(found((path, waveforms, meta))) == [("NaN", "a0"), ("dead component", "a0")]


def test_a_trace_without_a_component_is_a_finding(tmp_path: Path) -> None:
    path, waveforms, meta = folder(tmp_path / "a", n_components=[0, 3, 3, 3])
    waveforms[0][:] = 0
    assert kinds(found((path, waveforms, meta))) == [("dead component", "a0")]


def test_nan_of_a_damaged_file_is_a_finding_and_no_warning_of_numpy(tmp_path: Path) -> None:
    path, waveforms, meta = folder(tmp_path / "a")
    waveforms[0] = waveforms[0].astype(np.float32)
    waveforms[0][0, 500:600] = np.uint32(0x7F800001).view(np.float32)  # a signalling one
    with warnings.catch_warnings(action="error"):
        assert ("NaN", "a0") in kinds(found((path, waveforms, meta)))
