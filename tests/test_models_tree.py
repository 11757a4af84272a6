import numpy as np
import pytest

pytest.importorskip("sklearn", reason="the study needs the extra 'train'")

from jijin.data.synthetic import earthquake, noise
from jijin.errors import ConfigError
from jijin.features import NAMES
from jijin.models.tree import cross_validate, fit, inputs


@pytest.fixture(scope="module")
def windows():
    rng = np.random.default_rng(0)
    x, truth = np.stack([noise(rng) for _ in range(60)]), np.arange(60) % 2 == 0
    for row in np.flatnonzero(truth):
        e = earthquake(rng, rng.uniform(2, 8))
        n = min(e.data.shape[1], 4000)
        x[row, :, 1500 : 1500 + n] += 20 * e.data[:, :n]
    return x, truth


def test_raw_inputs_are_steads_array_sample_by_sample():
    x = np.arange(18000, dtype=np.float32).reshape(1, 3, 6000)  # Z 0.., N 6000.., E 12000..
    assert inputs(x, "raw")[0, :6].tolist() == [12000, 6000, 0, 12001, 6001, 1]


@pytest.mark.parametrize("kind", ["raw", "features"])
def test_a_tree_learns_and_gives_probabilities(windows, kind):
    x, truth = windows
    tree = fit(x[:40], truth[:40], kind)
    p = tree.predict_proba(x)
    assert p.shape == (60,) and p.min() >= 0 and p.max() <= 1
    assert ((p[:40] > 0.5) == truth[:40]).mean() > 0.9
    assert tree.estimator.get_depth() <= 10 and tree.training_s > 0 and tree.nodes >= 3
    if kind == "features":
        assert ((p[40:] > 0.5) == truth[40:]).mean() > 0.8


def test_folds_cover_all_and_never_share_a_group(windows):
    x, truth = windows
    groups = [f"g{k // 4}" for k in range(60)]
    folds = cross_validate(x, truth, groups, "features", 5)
    assert len(folds) == 5 and sum(len(t) for t, _ in folds) == 60
    assert np.mean([(t == p).mean() for t, p in folds]) > 0.75


def test_the_drawing_and_the_dot_file_name_the_features(windows, tmp_path):
    tree = fit(*windows, "features")
    tree.draw(tmp_path / "tree.png")
    assert (tmp_path / "tree.png").read_bytes()[:4] == b"\x89PNG"
    assert tree.graphviz().startswith("digraph Tree") and any(name in tree.graphviz() for name in NAMES)
    assert "Z at" in fit(*windows, "raw").text() or "N at" in fit(*windows, "raw").text()


def test_a_misspelt_kind_is_an_error():
    with pytest.raises(ConfigError, match="'kind' must be raw or features"):
        inputs(np.zeros((1, 3, 6000)), "feature")
