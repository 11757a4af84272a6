"""What the scripts in benchmarks/ rest on; their measurements are those of jijin.evaluate."""

import importlib.util
import re
from pathlib import Path

import numpy as np
import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture
def cached():
    spec = importlib.util.spec_from_file_location("cached", BENCHMARKS / "cached.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.Cached


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
