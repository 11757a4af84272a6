import numpy as np
import pytest

from jijin.data.traces import DETECTION, LabelledTrace, P, S
from jijin.errors import DataError, ReadError
from jijin.evaluate import evaluation_windows, load_peers, predict_with
from jijin.evaluate.pickers import AsModel, Peer, Picker

WINDOW = evaluation_windows([LabelledTrace(np.ones((3, 6000), np.float32))])[0]

PEERS_PY = """
NAMES = ["a"]

class Model:
    def __init__(self, told): self.told = told
    def predict(self, x): return {"told": self.told}

def load(name): return Model(name * 2)
"""


class Echo:
    """Gives its input back."""

    def predict(self, x):
        return {"p": x[:, 0], "s": x[:, 1], "det": None}


def test_a_peer_that_returns_a_dictionary_is_scored_like_a_model():
    curves = predict_with(Echo(), [WINDOW] * 3, batch=2)
    assert curves[P].shape == curves[S].shape == (3, 6000) and (curves[P] == 1).all()


def test_a_peer_without_a_detection_curve_detects_by_p_and_s_together():
    class Half:
        def predict(self, x):
            return {"p": 0.4 * x[:, 0], "s": 0.5 * x[:, 1], "det": None}

    assert predict_with(Half(), [WINDOW], outputs=(DETECTION,))[DETECTION] == pytest.approx(0.9)


@pytest.mark.parametrize("hole", [0.0, np.nan])
def test_a_peer_sees_no_step_at_a_gap(hole):
    x = np.random.default_rng(0).normal(1000, 1, (1, 3, 6000)).astype(np.float32)
    x[:, :, 2000:3000] = hole
    seen = Peer(Echo()).predict(x)["p"]
    assert np.abs(seen).max() < 10 and not seen[0, 2000:3000].any()


def test_a_peer_takes_the_place_of_a_detectors_model():
    model = AsModel(Picker("echo", Echo(), {P: 0.4, S: 0.6}))
    out = model.predict(np.ones((2, 3, 6000), np.float32))
    assert model.thresholds["s"] == 0.6 and out.p.shape == (2, 6000) and not out.detection.any()


def test_a_folder_without_peers_says_what_belongs_there(tmp_path):
    with pytest.raises(ReadError, match=r"peers.py with NAMES and load"):
        load_peers(tmp_path)
    (tmp_path / "peers.py").write_text(PEERS_PY)
    ((name, peer),) = load_peers(tmp_path)
    assert name == "a" and peer.predict(np.ones((1, 3, 60)))["told"] == "aa"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("NAMES = [", r"cannot be run \(SyntaxError: .*line 1"),
        ("import nowhere_at_all", "needs nowhere_at_all: pip install nowhere_at_all"),
        ("NAMES = 1 / 0", r"cannot be run \(ZeroDivisionError: division by zero\)"),
        ("def load(name): pass", "needs NAMES, a list of names, and load"),
        ("NAMES = ['a']", "needs NAMES, a list of names, and load"),
        ("NAMES = 'a'\ndef load(name): pass", "needs NAMES, a list of names, and load"),
        ("NAMES = ['a']\ndef load(name): open('/no/weights')", r"load\('a'\) fails \(FileNotFoundError: .*/no/weights"),
        ("NAMES = ['a']\ndef load(name): import nowhere_at_all", r"load\('a'\) fails: it needs nowhere_at_all"),
        ("NAMES = ['a']\ndef load(name): return 3", r"load\('a'\) gives no model with predict\(windows\), but int"),
    ],
)
def test_a_broken_peers_py_is_a_sentence_that_names_the_file(tmp_path, text, says):
    (tmp_path / "peers.py").write_text(text)
    with pytest.raises(DataError, match=says) as caught:
        load_peers(tmp_path)
    assert str(tmp_path / "peers.py") in str(caught.value)
