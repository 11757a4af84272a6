"""What the scripts in benchmarks/ rest on; their measurements are those of jijin.evaluate."""

import importlib.util
import os
import re
import sys
import time
from dataclasses import replace
from pathlib import Path
from string import Formatter
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from obspy import UTCDateTime

import jijin
from jijin.data.teachers import PICK_COLUMNS
from jijin.data.traces import LabelledTrace, P, S

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


def script(name):
    spec = importlib.util.spec_from_file_location(name, BENCHMARKS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # where dataclasses look for it
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def cached():
    return script("cached").Cached


class Counting:
    """Gives a third of its input back and counts the windows it is shown."""

    seen = 0

    def predict(self, windows):
        self.seen += len(windows)
        return {"p": windows[:, 0] / 3, "s": windows[:, 1] / 3, "det": None}


def test_a_window_is_predicted_once_and_comes_back_to_the_bit(cached, tmp_path):
    model, windows = Counting(), np.random.default_rng(0).normal(size=(3, 3, 6000)).astype(np.float32)
    windows[0, 0, :100] = np.nan
    for rows in ([0, 1], [2, 1], [1, 0, 2]):
        out = cached(model, tmp_path).predict(windows[rows])
        np.testing.assert_array_equal(out["p"], windows[rows, 0] / 3)
        np.testing.assert_array_equal(out["s"], windows[rows, 1] / 3)
        assert out["det"] is None
    assert model.seen == 3


def test_a_section_is_measured_again_and_the_others_stay(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    run = script("run")
    monkeypatch.setattr(run, "PAGE", tmp_path / "RESULTS.md")
    monkeypatch.setattr(run, "measured", lambda peers, records, only: (run.Part(x, f"{x}!", 1.0) for x in only or "AB"))
    run.main(tmp_path)
    before = run.sections_of(run.PAGE.read_text())
    monkeypatch.setattr(run, "measured", lambda peers, records, only: [run.Part(x, "anew\n\n| a |", 2.0) for x in only])
    run.main(tmp_path, None, "B")
    after = run.sections_of(run.PAGE.read_text())
    assert (
        list(after) == ["A", "B"]
        and after["A"] == before["A"]
        and after["A"].endswith(" load average before it: 1.0. A!")
    )
    assert after["B"].endswith("2.0. anew\n\n| a |")


def test_pieces_of_a_record_lie_where_their_names_say(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    data = np.arange(3 * 40_000, dtype=np.float32).reshape(3, -1)
    pieces = script("looks").pieces
    assert list(pieces([], 8000, 24_000)) == list(pieces([LabelledTrace(data[:, :8000])], 8000, 24_000)) == []
    traces = [LabelledTrace(data, source_group="A"), LabelledTrace(data[:, :9000], source_group="B")]
    found = list(pieces(traces, 8000, 24_000))
    assert [(x.data.shape, x.source_group) for x in found] == [((3, 8000), name) for name in ("A/0", "A/24000", "B/0")]
    assert np.array_equal(found[1].data, data[:, 24000:32000])


@pytest.mark.parametrize("page", sorted(BENCHMARKS.glob("*_page.md")), ids=lambda page: page.stem)
def test_every_place_of_a_page_is_filled_by_its_scripts(page):
    scripts = BENCHMARKS.glob(page.stem.removesuffix("_page") + "*.py")
    code = "".join(file.read_text() for file in scripts)
    places = {name for _, name, *_ in Formatter().parse(page.read_text()) if name}
    places -= {"made", "measured"}  # those page.write fills
    assert places and all(f'"{place}"' in code for place in places)


def test_a_table_shows_decimals_intervals_and_blanks():
    table = script("page").table
    lines = [["cba", 34, 0.97123, (0.94, np.float64(1))], ["", 0, float("nan"), (float("nan"),) * 2]]
    head = "| picker | labels | recall | 95 % |\n|---|---|---|---|\n"
    heads = ["picker", "labels", "recall", "95 %"]
    assert table(heads, lines) == head + "| cba | 34 | 0.971 | 0.940 to 1.000 |\n|  | 0 |  |  |"
    assert table(heads, lines[:1], ".1f") == head + "| cba | 34 | 1.0 | 0.9 to 1.0 |"
    assert table(heads, lines[:1], {"95 %": ".2f"}) == head + "| cba | 34 | 0.971 | 0.94 to 1.00 |"


@pytest.mark.parametrize("line", [["P"], ["P", 1, 2]])
def test_a_line_of_a_table_has_a_cell_for_each_head(line):
    with pytest.raises(ValueError, match="zip"):
        script("page").table(["phase", "labels"], [line])


def test_a_page_says_what_it_was_made_on_and_has_no_place_left(tmp_path, monkeypatch):
    page = script("page")
    monkeypatch.setattr(page, "HERE", tmp_path)
    monkeypatch.setattr(page, "DOCS", tmp_path)
    (tmp_path / "scores_page.md").write_text("{made}\n{rows}\n", encoding="utf-8")
    page.write("scores", {"rows": "Münchmeyer"}, "other")
    made, rows = (tmp_path / "other.md").read_text(encoding="utf-8").splitlines()
    assert re.match(r"Made by `benchmarks/scores.py` on \d{4}-\d\d-\d\d: .+ CPUs, .+, obspy [\d.]+\.$", made)
    assert rows == "Münchmeyer"
    with pytest.raises(KeyError, match="rows"):
        page.write("scores", {})


def test_writing_pages_adds_no_memory_to_what_is_measured(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(BENCHMARKS), prepend=os.pathsep)
    code = "import sys, page; print({'pandas', 'scipy', 'obspy', 'jijin.evaluate'} & set(sys.modules))"
    assert script("timing").once([sys.executable, "-c", code]).output == "set()\n"


def test_the_same_day_is_written_whole_in_fragments_and_with_gaps(tmp_path):
    days = script("days")
    samples = days.synthetic(0.1, seed=1)
    assert samples.shape == (3, 36_000) and samples.std(axis=1).min() > 100
    kinds = {
        "whole": days.whole(36_000),
        "fragments": days.fragments(36_000, 12),
        "gaps": days.gaps(36_000, 20, np.random.default_rng(0)),
    }
    for name, edges in kinds.items():
        stream = jijin.read(days.write(days.pieces(samples, edges), tmp_path / name))
        assert len(stream) == 3 * len(edges) and [t.id[-1] for t in stream[:: len(edges)]] == ["E", "N", "Z"]
        for trace, (first, stop) in zip(stream[-len(edges) :], edges, strict=True):
            assert trace.stats.starttime.ns == days.START_NS + first * 10_000_000
            assert np.array_equal(trace.data, samples[0, first:stop])
    assert len(kinds["fragments"]) == 12 and 10 < len(kinds["gaps"]) <= 21


def test_a_whole_process_is_measured_and_a_failing_one_is_told():
    timing = script("timing")
    code = "import time; x = bytearray(300_000_000); time.sleep(0.2); print('done')"
    costs = timing.in_turn({"big": [sys.executable, "-c", code], "small": [sys.executable, "-c", ""]}, 2)
    big, small = costs["big"], costs["small"]
    assert big.output == "done\n" and big.wall_s >= 0.2 and big.cpu_s > 0
    assert big.spread_s[0] <= big.wall_s <= big.spread_s[1]
    assert 300 > big.peak_mb - small.peak_mb > 250
    with pytest.raises(RuntimeError, match="ZeroDivisionError"):
        timing.once([sys.executable, "-c", "1 / 0"])


def test_a_job_is_timed_on_the_wall_or_by_the_processor_and_gives_its_result():
    timing = script("timing")

    def nap(seconds, word="asleep"):
        time.sleep(seconds)
        return word

    wall_s, word = timing.timed(timing.WALL, nap, 0.2, word="awake")
    assert wall_s >= 0.2 and word == "awake"
    assert timing.seconds_of(timing.CPU, nap, 0.2) < 0.1


def test_shared_onsets_take_the_place_of_labels_and_records_without_any_go(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    bench = script("accuracy_bench")
    rows = [("set", "one", name, "P", 1012, 0.9) for name in "abc"] + [
        ("set", "two", name, "S", 900, 0.9) for name in "ab"
    ]
    table = pd.DataFrame(rows, columns=list(PICK_COLUMNS))
    labelled = LabelledTrace(np.zeros((3, 6000), np.float32), (1000.0,), (1500.0,), dataset="set", automatic=(P, S))
    (found,) = bench.as_shared([replace(labelled, name=name) for name in ("one", "two", "three")], table)
    assert (found.name, found.p, found.s, found.automatic) == ("one", (1012.0,), (), ())


def test_whole_records_count_once_and_a_threshold_is_the_middle_of_the_best(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    published = script("accuracy_published")
    data = np.ones((3, 6000), np.float32)
    quake = LabelledTrace(data, (1000.0,), masked=((P, 2000, 2100),), source_group="a", category="earthquake")
    short, lone = (replace(quake, data=x) for x in (data[:, :3000], data * np.array([[1], [0], [1]], np.float32)))
    slide = replace(quake, p=(), category="other")
    records = published.comparable(
        [quake, short, lone, slide, replace(quake, p=(), category="noise", source_group="b")]
    )
    assert [w.source_group for w in records.windows] == ["a", "b"]
    found = {P: [[(1010.0, 0.82), (2050.0, 0.9)], [(300.0, 0.41)]]}
    assert records.counts(found, P, 0.1).tolist() == [[1, 0, 0], [0, 1, 0]]
    assert published.best(found, records, P) == 0.6  # from .45 to .80 nothing is false and nothing missed


def test_picks_at_one_place_are_one_pick_with_the_mean_of_all_pickers(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    rows = [("a", "P", 1000, 0.9), ("a", "P", 1004, 0.3), ("b", "P", 1010, 0.6), ("b", "S", 1010, 0.9)]
    picks = pd.DataFrame(rows, columns=["picker", "phase", "sample", "probability"])
    assert script("accuracy_published").together(picks, P, 3) == [(1005.0, pytest.approx(0.5))]


def test_each_published_picker_is_at_its_best_on_dev_and_times_are_those_of_analysts(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    published = script("accuracy_published")
    data = np.ones((3, 6000), np.float32)

    def quake(name, dataset):
        return LabelledTrace(data, (1000.0,), (2000.0,), (), name, dataset, name, "earthquake")

    monkeypatch.setattr(published, "detect", lambda *_: {P: [(1020.0, 0.9)], S: []})
    rows = [(s, n, "x", "P", 1000 + off, 0.5) for s, n, off in (("ncedc_a", "one", 5), ("uturuncu", "two", 30))]
    rows += [("ncedc_a", "three", "x", "P", 1004, 0.5), ("ncedc_a", "three", "x", "P", 4000, 0.3)]
    bench = SimpleNamespace(
        manual={"dev": [quake("one", "ncedc_a")], "test": [quake("three", "ncedc_a")]},
        automatic={"dev": [quake("two", "uturuncu")], "test": []},
        table=pd.DataFrame(rows, columns=list(PICK_COLUMNS)),
        cba=SimpleNamespace(thresholds={P: 0.4, S: 0.5}),
    )
    filled = published.published(bench)
    cba, x = ([cell.strip() for cell in line.split("|")[2:-1]] for line in filled["published"].splitlines()[2:4])
    assert (filled["published_dev"], filled["published_test"]) == ("2", "1")
    assert cba[:6] == ["cba", "0.400", "2 (1 by analysts)", "1.000", "0.000", "0.200"]  # 0.2 s late
    assert x[:6] == ["x", "0.300", "2 (1 by analysts)", "1.000", "1.000", "0.050"]  # by machines: not timed
    assert x[6:10] == ["1 (1 by analysts)", "0.667", "0.667", "0.040"] and x[10] == "+0.333"


def test_what_others_say_of_a_case_is_read_and_an_origin_held_against_it(tmp_path):
    cases, hour = script("cases"), "2011-06-11T20:30:"
    told = f'{{"time": "{hour}06.5Z", "latitude": -22.0, "longitude": -67.0, "depth_km": 4.0, "source": "by hand"}}'
    (tmp_path / "event.json").write_text(told)
    (tmp_path / "picks.csv").write_text(f"network,station,phase,time\nXP,PLCM,P,{hour}07Z\nXP,PLCM,S,{hour}08.25Z\n")
    reference = cases.reference(tmp_path)
    assert reference.time_ns == UTCDateTime(f"{hour}06.5").ns
    north = SimpleNamespace(latitude=-21.9, longitude=-67.0, depth_km=1.5)
    assert reference.off(north) == (pytest.approx(11.07, abs=0.01), -2.5)  # a tenth of a degree there
    p, s = cases.others_picks(tmp_path, {"P": 0.05, "S": 0.1})
    assert (p.seed_id, p.phase_hint, p.time_uncertainty_s) == ("XP.PLCM..HHZ", "P", 0.05)
    assert (s.seed_id, s.phase_hint, s.time_uncertainty_s) == ("XP.PLCM..HHN", "S", 0.1)
    assert s.time_ns - p.time_ns == 1_250_000_000
    (tmp_path / "event.json").write_text("[]")
    assert cases.reference(tmp_path) is None


def test_a_made_up_network_is_the_same_each_time_and_its_false_picks_are_of_nothing():
    made_up = script("made_up")
    _, truths, picks = made_up.made_up(6, 20.0, 5, 3600, lambda true: true // 2)
    true = [pick for truth in truths for pick in truth.picks]
    assert len(truths) == 5 and max(truth.depth_km for truth in truths) <= 10  # half as deep as it is wide
    assert len(picks) == len(true) + len(true) // 2 and set(true) < set(picks)
    assert set(made_up.made_up(6, 20.0, 5, 3600, lambda true: true // 2)[2]) == set(picks)
    events = [SimpleNamespace(origin=SimpleNamespace(picks=part)) for part in (truths[3].picks, set(picks) - set(true))]
    assert made_up.earthquake_of_each(events, truths) == [3, None]


def test_what_two_pickers_share_is_what_others_are_measured_by(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    consensus = script("consensus")
    one, two = [(1.0, 0.9), (9.0, 0.5)], [(1.2, 0.8), (1.4, 0.4), (20.0, 0.9)]
    assert consensus.shared(one, two) == [pytest.approx(1.1)] and consensus.shared(one, []) == []
    key = ("XX.A", "P")
    stream = {"a": {key: one}, "b": {key: two}, "cba": {key: [(1.3, 0.9), (9.1, 0.6), (40.0, 0.9)]}, "c": {}}
    part = consensus.beside([stream], "P", ["a", "b"], ["cba", "c"])
    assert part.shared == 1 and part.tallies["cba"].off_s == [pytest.approx(0.2)] and part.tallies["cba"].alone == 1
    assert consensus.words(part, "cba") == "1.00, 0.200 s, 1 alone" and consensus.words(part, "c") == "0.00, 0 alone"


def test_a_margin_is_nothing_between_equals_and_sure_where_one_is_always_right(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    margin = script("accuracy_parts").margin
    right, mixed = np.tile([1.0, 0, 0], (40, 1)), np.array([[1.0, 0, 0], [0, 1, 1]] * 20)
    groups = [str(k // 2) for k in range(40)]
    assert margin(mixed, mixed, groups) == [0.5, 0.5, "+0.000", "+0.000 to +0.000"]
    assert margin(right, mixed, groups)[2:] == ["+0.500", "+0.500 to +0.500"]
