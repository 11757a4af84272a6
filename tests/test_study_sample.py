import numpy as np
import pandas as pd
import pytest

from jijin.data.export import write_seisbench
from jijin.data.traces import LabelledTrace, P, S
from jijin.errors import DataError
from jijin.study.sample import EDGE, draw, start_of


def write(folder, count=60, npts=6000, long=(), split=None):
    """Earthquakes (even) and noise (odd); each sample of Z is its own number, P at 1000, S at 1600."""
    rows, waveforms = [], []
    for k in range(count):
        n = 9000 if k in long else npts
        waveforms.append(np.stack([np.arange(1, n + 1), np.full(n, k + 1), np.full(n, -k - 1)]).astype(np.float32))
        row = {"trace_name": f"t{k}", "source_type": "noise", "source_group": f"n{k}"}
        if k % 2 == 0:
            row |= {"source_type": "earthquake", "source_group": f"e{k // 4}"}
            row |= {"trace_P_arrival_sample": 1000.0, "trace_S_arrival_sample": 1600.0}
        rows.append(row | ({"split": split[k]} if split else {}))
    return write_seisbench(folder, waveforms, pd.DataFrame(rows).assign(trace_sampling_rate_hz=100.0))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write(tmp_path_factory.mktemp("data") / "set")


def names(sample):
    return sample.study.labels["trace_name"].astype(str).tolist()


def test_windows_labels_traces_and_data_are_in_one_order_and_in_memory_once(folder):
    sample = draw([folder], 20, 15)
    assert len(sample.data) == len(sample.traces) == len(sample.study.windows) == len(sample.study.labels) == 35
    assert sample.is_earthquake.sum() == 20
    for k, name in enumerate(names(sample)):
        assert sample.data[k, 1, 0] == int(name[1:]) + 1 and sample.is_earthquake[k] == (int(name[1:]) % 2 == 0)
        assert np.shares_memory(sample.study.windows[k].data, sample.data[k])
        assert np.shares_memory(sample.traces[k].data, sample.data[k])
        assert sample.study.windows[k].onsets[P] == sample.traces[k].p


def test_an_earthquake_is_in_one_split_and_the_split_does_not_know_the_seed(folder):
    a, b = draw([folder], 30, 30), draw([folder], 30, 30, seed=5)
    groups = pd.DataFrame({"group": a.study.labels["source_group"], "split": a.study.split})
    assert groups.groupby("group")["split"].nunique().max() == 1 and set(a.study.split) == {"train", "dev", "test"}
    where = dict(zip(names(b), b.study.split, strict=True))
    assert [where[name] for name in names(a)] == a.study.split.tolist()


def test_a_larger_choice_holds_the_smaller_and_another_seed_chooses_others(folder):
    small, large, other = draw([folder], 20, 20), draw([folder], 25, 25), draw([folder], 20, 20, seed=1)
    assert set(names(small)) < set(names(large)) and set(names(other)) != set(names(small))


def test_the_data_sets_own_split_is_kept(tmp_path):
    own = ["train", "train", "dev", "dev", "test", "test"] * 2
    sample = draw([write(tmp_path / "set", 12, split=own)], 6, 6)
    assert sample.study.split.tolist() == [own[int(name[1:])] for name in names(sample)]


def test_onsets_move_with_the_window_of_a_longer_trace(tmp_path):
    sample = draw([write(tmp_path / "set", 60, long=range(60))], 30, 30)
    starts = set()
    for k in np.flatnonzero(sample.is_earthquake):
        window, (p,) = sample.study.windows[k], sample.traces[k].p
        start = int(sample.data[k, 0, 0]) - 1  # the samples are numbered
        starts.add(start)
        assert p == window.onsets[P][0] == 1000 - start and window.onsets[S] == (1600 - start,)
        assert p >= EDGE and window.onsets[S][0] <= 6000 - EDGE
    assert len(starts) > 15


def test_what_is_masked_moves_with_the_window(tmp_path):
    waveforms, rows = [], []
    for k in range(40):
        waveforms.append(np.ones((3, 9000), np.float32))
        quake = {"source_type": "earthquake", "trace_P_arrival_sample": 1000.0}  # S is there, but nobody picked it
        rows.append({"trace_name": f"t{k}", "source_group": f"g{k}", **(quake if k % 2 else {"source_type": "noise"})})
    folder = write_seisbench(tmp_path / "s", waveforms, pd.DataFrame(rows).assign(trace_sampling_rate_hz=100.0))
    sample = draw([folder], 20, 20)
    assert sum(bool(t.p) for t in sample.traces) == 20
    for trace in (t for t in sample.traces if t.p):
        ((first, last),) = trace.ignored[S]
        assert (first, last) == (trace.p[0] + 10, trace.p[0] + 7000)


def test_a_short_trace_is_followed_by_zeros_and_the_report_is_told(tmp_path):
    sample = draw([write(tmp_path / "set", 60, npts=4000)], 30, 30)
    assert not sample.data[:, :, 4000:].any() and sample.data[:, :, :4000].all()
    assert (
        "60 windows are shorter than 60 s" in sample.study.source
        and "30 earthquake, 30 noise of set" in sample.study.source
    )


def test_missing_samples_are_zero_and_not_nan(tmp_path):
    rows = [{"trace_name": f"t{k}", "source_type": "noise", "source_group": f"n{k}"} for k in range(40)]
    for row in rows[:20]:
        row |= {"source_type": "earthquake", "trace_P_arrival_sample": 1000.0, "trace_S_arrival_sample": 1600.0}
    data = [np.where(np.arange(6000) < 99, np.nan, np.ones((3, 1))).astype(np.float32)] * 40
    folder = write_seisbench(tmp_path / "s", data, pd.DataFrame(rows).assign(trace_sampling_rate_hz=100.0))
    sample = draw([folder], 20, 20)
    assert not sample.data[:, :, :99].any() and (sample.data[:, :, 99:] == 1).all()


def test_a_split_without_noise_is_an_error_that_names_it(tmp_path):
    split = ["train", "train", "dev", "train", "test", "test"]
    with pytest.raises(DataError, match="no noise in the dev split"):
        draw([write(tmp_path / "set", 6, split=split)], 10, 10)


def test_data_without_any_noise_say_so(tmp_path):
    rows = [{"trace_name": f"t{k}", "source_type": "earthquake", "trace_P_arrival_sample": 1000.0} for k in range(4)]
    data = [np.ones((3, 6000), np.float32)] * 4
    folder = write_seisbench(tmp_path / "s", data, pd.DataFrame(rows).assign(trace_sampling_rate_hz=100.0))
    with pytest.raises(DataError, match=r"s: no noise in these data; .* add --data with noise"):
        draw([folder], 4, 4)


def test_earthquakes_that_nobody_picked_are_told_apart_from_those_that_are_not_there(tmp_path, caplog):
    rows = [{"trace_name": f"t{k}", "source_group": f"g{k}", "source_type": "earthquake"} for k in range(60)]
    for k, row in enumerate(rows):
        row |= {"source_type": "noise"} if k % 3 == 0 else {"trace_P_arrival_sample": 1000.0} if k % 3 == 1 else {}
    table = pd.DataFrame(rows).assign(trace_sampling_rate_hz=100.0)
    data = [np.ones((3, 6000), np.float32)] * 60
    draw([write_seisbench(tmp_path / "a", data, table)], 40, 40)
    assert [record.message for record in caplog.records] == [
        "asked for 40 earthquake windows, took 20; 20 more have no labelled onset",
        "asked for 40 noise windows, took 20, which are all there are",
    ]
    folder = write_seisbench(tmp_path / "b", data, table.assign(trace_P_arrival_sample=np.nan))
    with pytest.raises(DataError, match="all 40 earthquake traces have no labelled onset"):
        draw([folder], 40, 40)


def test_a_name_for_the_data_takes_the_place_of_the_files(folder):
    sample, plain = (draw([folder], 20, 20, name=name) for name in ("example (synthetic)", None))
    assert set(sample.study.labels["dataset"]) == {"example (synthetic)"} and names(sample) == names(plain)
    assert np.array_equal(sample.data, plain.data) and (sample.study.split == plain.study.split).all()


@pytest.mark.parametrize(("onsets", "share", "start"), [((), 1.0, 3000), ((4000.0,), 0.0, 0), ((4000.0,), 1.0, 3000)])
@pytest.mark.parametrize("short", [False, True])
def test_places_of_a_window(onsets, share, start, short):
    trace = LabelledTrace(np.zeros((3, 5000 if short else 9000), np.float32), onsets)
    assert start_of(trace, share) == (0 if short else start)


def test_an_earthquake_longer_than_the_window_begins_five_seconds_into_it():
    trace = LabelledTrace(np.zeros((3, 12000), np.float32), (2000.0,), (9000.0,))
    assert start_of(trace, 0.3) == start_of(trace, 0.9) == 1500


def test_rows_of_a_split_come_in_an_order_without_meaning(folder):
    sample = draw([folder], 30, 30)
    rows = sample.rows("train")
    assert sorted(rows) == np.flatnonzero(sample.study.split == "train").tolist() and sorted(rows) != rows.tolist()


def test_what_another_seed_trains_on_is_not_tested_on(tmp_path):
    folder = write(tmp_path / "set", 400, npts=1700)
    one, both = draw([folder], 200, 200).study, draw([folder], 200, 200, split_seeds=(0, 3)).study
    held = both.split != "train"
    assert 0 < held.sum() < (one.split != "train").sum() and (both.split[held] == one.split[held]).all()
