"""What the scripts in benchmarks/ rest on; their measurements are those of jijin.evaluate."""

import importlib.util
import re
import sys
from pathlib import Path

import numpy as np
import pytest

import jijin

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


def test_every_place_of_the_accuracy_page_is_filled_by_a_part():
    page = (BENCHMARKS / "accuracy_page.md").read_text()
    code = "".join((BENCHMARKS / name).read_text() for name in ("accuracy.py", "accuracy_parts.py"))
    places = set(re.findall(r"\{(\w+)\}", page))
    assert places and all(f'"{place}"' in code for place in places)


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


def test_every_place_of_the_scale_page_is_filled():
    places = set(re.findall(r"\{(\w+)\}", (BENCHMARKS / "scale_page.md").read_text()))
    filled = set(re.findall(r'^        "(\w+)": ', (BENCHMARKS / "scale.py").read_text(), re.MULTILINE))
    assert places == filled


def test_arrivals_are_shared_that_two_of_three_pickers_find_within_half_a_second(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    consensus = script("consensus")
    assert consensus.shared([[1.0, 9.0], [1.2], [1.1, 20.0]]) == [pytest.approx(1.1)]
    assert consensus.shared([[1.0, 1.3], [], [5.0]]) == consensus.shared([]) == []
    key, tallies = ("XX.A", "P"), {}
    found = {"cba": {key: [1.3, 40.0]}, consensus.VOTERS[0]: {key: [1.0]}, consensus.VOTERS[1]: {key: [1.2]}}
    consensus.note(tallies, {**found, consensus.VOTERS[2]: {}})
    ours, first = tallies["cba", "P"], tallies[consensus.VOTERS[0], "P"]
    assert (ours.shared, ours.alone) == (1, 1) and ours.residuals_s == (pytest.approx(0.2),)
    assert (first.shared, first.alone) == (0, 0)  # by the other two, of which one has it


@pytest.mark.parametrize("name", ["unseen", "consensus", "synthetics"])
def test_every_place_of_a_page_is_filled_by_its_script(name):
    places = set(re.findall(r"\{(\w+)\}", (BENCHMARKS / f"{name}_page.md").read_text()))
    code = (BENCHMARKS / f"{name}.py").read_text()
    assert places and all(f'"{place}"' in code or f"{place}=" in code for place in places)
