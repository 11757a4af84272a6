import numpy as np
import pandas as pd
import pytest

from jijin.data import corpus
from jijin.data.corpus import load_corpus, scored_traces
from jijin.data.export import write_seisbench
from jijin.data.traces import S
from jijin.errors import ConfigError, DataError, ReadError


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """60 events by analysts, 30 by a machine, 30 of noise, 20 landslides; sample 0 of a trace is its row number."""
    rows = []
    for k in range(140):
        row = {"trace_name": f"t{k}", "source_id": f"e{k // 2}", "station_code": f"S{k}"}
        if k < 90:
            row |= {"source_type": "earthquake", "trace_P_arrival_sample": 1000.0, "trace_S_arrival_sample": 1500.0}
            row["label_quality"] = "manual" if k < 60 else "semi-automatic"
        else:
            row |= {"source_type": "noise" if k < 120 else "landslide", "label_quality": "manual"}
        rows.append(row)
    data = np.random.default_rng(0).standard_normal((140, 3, 2000)).astype(np.float32)
    data[:, 0, 0] = np.arange(140)
    return write_seisbench(tmp_path_factory.mktemp("d") / "set", data, pd.DataFrame(rows))


def numbers(traces):
    return {int(trace.data[0, 0]) for trace in traces}


def test_no_earthquake_is_in_two_splits(folder):
    train = load_corpus([folder])
    parts = [numbers(train.events), *(numbers(scored_traces([folder], s)) for s in ("dev", "test"))]
    events = [{k // 2 for k in part if k < 90} for part in parts]
    assert all(events) and not events[0] & events[1] and not events[1] & events[2] and not events[0] & events[2]


def test_only_labels_by_analysts_are_scored_and_all_are_trained_on(folder):
    scored = numbers(scored_traces([folder], "all"))
    assert not scored & set(range(60, 90)) and scored >= set(range(60))
    assert numbers(load_corpus([folder]).events) & set(range(60, 90))
    assert not numbers(load_corpus([folder]).dev) & set(range(60, 140))


def test_labels_by_machines_are_scored_where_they_are_asked_for(folder):
    assert numbers(scored_traces([folder], "all", automatic=True)) >= set(range(90))


def test_of_a_row_that_analyst_and_machine_made_only_the_analysts_label_is_scored(tmp_path):
    rows = pd.DataFrame({
        "trace_name": list("ab"), "source_id": list("ab"), "source_type": "earthquake",
        "trace_P_arrival_sample": 500.0, "trace_P_status": "manual",
        "trace_S_arrival_sample": 900.0, "trace_S_status": "automatic",
    })  # fmt: skip
    data = np.random.default_rng(0).standard_normal((2, 3, 2000)).astype(np.float32)
    path = write_seisbench(tmp_path / "set", data, rows)
    by_hand, both = (scored_traces([path], "all", automatic=automatic) for automatic in (False, True))
    assert [(t.p, t.s) for t in by_hand] == [((500.0,), ())] * 2 and [t.s for t in both] == [(900.0,)] * 2
    assert all((S, 800, 1000) in t.masked for t in by_hand) and [t.automatic for t in both] == [(S,)] * 2


def test_what_other_pickers_find_together_is_masked_where_traces_are_scored(folder, tmp_path):
    columns = ["dataset", "trace_name", "picker", "phase", "sample", "probability"]
    rows = [("windows/set", "t3", picker, "P", 1700, 0.9) for picker in "ab"]
    pd.DataFrame(rows, columns=columns).to_csv(tmp_path / "picks.csv", index=False)
    masked = {int(t.data[0, 0]): t.masked for t in scored_traces([folder], "all", others=[tmp_path / "picks.csv"])}
    assert [k for k, m in masked.items() if m] == [3] and masked[3] == ((1, 1640, 1760),)


def test_landslides_are_scored_as_what_they_are(folder):
    kinds = {int(t.data[0, 0]): t.category for t in scored_traces([folder], "all")}
    assert {kinds[k] for k in range(90, 120)} == {"noise"} and {kinds[k] for k in range(120, 140)} == {"other"}


def test_a_trace_is_read_when_it_is_asked_for_and_not_before(folder, monkeypatch):
    events = load_corpus([folder]).events
    read = []
    monkeypatch.setattr(
        type(events.dataset.parts[0]), "waveform", lambda self, i: read.append(i) or np.zeros((3, 2000))
    )
    assert len(events) > 10 and not read
    assert events[3].p == (1000.0,) and len(read) == 1


def test_a_dataset_given_twice_is_refused_and_named(folder):
    with pytest.raises(ReadError, match=f"{folder.name}.*given twice"):
        load_corpus([folder, folder.parent / "." / folder.name])


def test_a_large_split_is_scored_in_part_and_always_the_same_part(folder, monkeypatch):
    whole = numbers(scored_traces([folder], "all"))
    monkeypatch.setattr(corpus, "MOST_SCORED", 10)
    one, two = (numbers(scored_traces([folder], "all")) for _ in range(2))
    assert one == two and len(one) == 20 and one < whole


def test_a_data_set_counts_with_the_square_root_of_its_size():
    shares = corpus._shares(["a"] * 100 + ["b"], np.ones(101))
    assert shares.sum() == pytest.approx(1) and shares[:100].sum() / shares[100] == pytest.approx(10)


@pytest.mark.parametrize(("split", "only"), [("tset", None), ("dev", ["ncdec"])])
def test_a_misspelt_split_or_data_set_is_an_error(folder, split, only):
    with pytest.raises(ConfigError):
        scored_traces([folder], split, only)


def test_a_split_without_anything_is_said(folder):
    with pytest.raises(DataError, match=r"nothing to score in the dev split.*; [1-9]\d* records that could"):
        scored_traces([folder], "dev", fractions=(1, 0, 0))
    with pytest.raises(DataError, match="no labelled trace in the training split"):
        load_corpus([folder], fractions=(0, 0, 1))


def test_picks_of_other_data_are_said_to_change_nothing(folder, tmp_path, caplog):
    path = tmp_path / "picks.csv"
    path.write_text("dataset,trace_name,picker,phase,sample,probability\nset,elsewhere,a,P,1000,0.9\n")
    load_corpus([folder], [path])
    assert "picks.csv is of a trace of the data" in caplog.text


def test_records_without_teachers_are_refused(folder, tmp_path):
    with pytest.raises(ConfigError, match="'records' need 'teachers'"):
        load_corpus([folder], records=[tmp_path])


def test_an_event_without_a_label_inside_of_its_trace_is_not_scored(tmp_path):
    data = np.random.default_rng(0).standard_normal((2, 3, 1000)).astype(np.float32)
    rows = pd.DataFrame({"trace_name": list("ab"), "source_type": "earthquake"})
    path = write_seisbench(tmp_path / "set", data, rows.assign(trace_P_arrival_sample=[1000.0, 999.0]))
    with pytest.warns(UserWarning, match="set: labels outside"):
        assert [t.name for t in scored_traces([path], "all")] == ["b"]
