import os
from pathlib import Path

import numpy as np
import pytest

from jijin.errors import ReadError
from jijin.evaluate import load_peers
from jijin.study import published
from jijin.study.published import of_folder, of_seisbench

SHARED = Path(os.environ.get("JIJIN_SHARED", Path(__file__).parents[2] / "shared"))
PEERS_PY = """
NAMES = ["phasenet_loud"]

class Loud:
    def predict(self, x):
        p = abs(x).max(1)
        return {"p": p, "s": p, "det": None}

def load(name):
    return Loud()
"""


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """SeisBench with an empty cache that no server can fill."""
    seisbench = pytest.importorskip("seisbench", reason="needs the extra 'seisbench'")
    monkeypatch.setattr(seisbench, "cache_model_root", tmp_path / "models" / "v3")
    monkeypatch.setattr("seisbench.util.ls_webdav", refuse)
    return tmp_path / "models" / "v3"


def refuse(*_):
    raise ConnectionError("no route to host")


def save(cache, name, seed=0, **options):
    """Random weights in SeisBench's own files, as if downloaded; the model of them."""
    import seisbench.models as sbm
    import torch

    folder = cache / name.lower()
    folder.mkdir(parents=True)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = getattr(sbm, name)(**options)
    model.save(folder / "original", version_str="1")
    return model.eval()


def test_a_folder_of_peers_is_taken_as_it_is(tmp_path):
    (tmp_path / "peers.py").write_text(PEERS_PY)
    ((peer,), notes) = of_folder(tmp_path)
    assert (peer.name, peer.parameters, notes) == ("phasenet_loud", 0, [])
    assert peer.trained_on == "Northern California, by its authors"
    with pytest.raises(ReadError, match=r"peers\.py"):
        of_folder(tmp_path / "nowhere")


def test_a_peer_that_cannot_be_loaded_is_left_out_and_the_others_are_not(tmp_path):
    more = "NAMES += ['lost']\ndef load(name):\n    return Loud() if name == NAMES[0] else open('gone.pt')\n"
    (tmp_path / "peers.py").write_text(PEERS_PY + more)
    ((peer,), (note,)) = of_folder(tmp_path)
    assert peer.name == "phasenet_loud" and note.startswith("lost was left out: ") and "gone.pt" in note


def test_without_seisbench_the_install_line_is_told(monkeypatch):
    monkeypatch.setattr(published, "find_spec", lambda name: None)
    found, (note,) = of_seisbench(download=False)
    assert found == [] and "pip install 'jijin[seisbench]'" in note


def test_without_weights_nothing_is_fetched_unless_asked(cache, monkeypatch):
    asked = []
    monkeypatch.setattr("seisbench.util.ls_webdav", lambda *path: asked.append(path))
    found, notes = of_seisbench(download=False)
    assert (found, asked) == ([], []) and len(notes) == 2 and all("--download" in note for note in notes)


def test_a_server_that_cannot_be_reached_is_a_line_and_no_crash(cache):
    found, notes = of_seisbench(download=True)
    assert found == [] and len(notes) == 2 and "EQTransformer was left out" in notes[0] and "no route" in notes[0]


def test_weights_that_are_here_are_used_with_seisbenchs_own_preprocessing(cache):
    from obspy import Stream, Trace, UTCDateTime

    network = save(cache, "PhaseNet", phases="NPS", norm="peak", component_order="ENZ")
    (peer,), (note,) = of_seisbench(download=False)
    assert (peer.name, peer.parameters) == ("PhaseNet", sum(p.numel() for p in network.parameters()))
    assert note.startswith("EQTransformer was left out")
    x = np.random.default_rng(0).standard_normal((2, 3, 6000)).astype(np.float32) * 1e4
    out = peer.model.predict(x)
    assert out["det"] is None and out["p"].shape == out["s"].shape == (2, 6000) and np.ptp(out["p"]) > 1e-3
    header = {"network": "X", "station": "A", "sampling_rate": 100, "starttime": UTCDateTime(0)}
    stream = Stream([Trace(x[1, k, :3001], {**header, "channel": f"HH{c}"}) for k, c in enumerate("ZNE")])
    theirs = network.annotate(stream, blinding=(0, 0)).select(channel="*_P")[0].data
    assert np.allclose(out["p"][1, :1500], theirs[:1500], atol=1e-5)  # from 1500 on windows overlap


def test_a_picker_of_seisbench_sees_no_step_at_a_gap(cache):
    save(cache, "PhaseNet", phases="NPS", norm="peak")
    (peer,), _ = of_seisbench(download=False)
    x = np.random.default_rng(0).standard_normal((1, 3, 6000)).astype(np.float32)
    x[:, :, 2000:2500] = 0
    there = x != 0
    level = x - there * (x.sum(-1, keepdims=True) / there.sum(-1, keepdims=True))
    expected = peer.model.model.predict(level.astype(np.float32))
    found = peer.model.predict(np.where(there, x + 100, 0).astype(np.float32))
    assert np.ptp(expected["p"]) > 1e-3 and np.allclose(found["p"], expected["p"], atol=1e-4)


def test_eqtransformers_detection_is_its_first_curve(cache):
    network = save(cache, "EQTransformer")
    (peer,), _ = of_seisbench(download=False)
    x = np.random.default_rng(0).standard_normal((2, 3, 6000)).astype(np.float32)
    out = peer.model.predict(x)
    import torch

    with torch.inference_mode():
        expected = network(network.annotate_batch_pre(torch.from_numpy(x.copy()), {}))
    for key, curve in zip(("det", "p", "s"), expected, strict=True):
        assert np.allclose(out[key], curve.numpy(), atol=1e-5)


def test_the_filter_that_weights_ask_for_is_obspys(cache):
    from obspy import Trace

    save(cache, "PhaseNet", phases="NPS", filter_args=["bandpass"], filter_kwargs={"freqmin": 1, "freqmax": 45})
    (peer,), _ = of_seisbench(download=False)
    x = np.random.default_rng(0).standard_normal((2, 3, 6000)).astype(np.float32)
    expected = Trace(x[1, 2].astype(float), {"sampling_rate": 100}).filter("bandpass", freqmin=1, freqmax=45).data
    assert np.allclose(peer.model._filtered(x)[1, 2], expected, atol=1e-5)


@pytest.mark.skipif(not (SHARED / "peers" / "peers.py").is_file(), reason=f"no {SHARED / 'peers'}")
def test_the_picker_agrees_with_peers_that_were_checked_against_the_original(cache):
    import torch

    reference = dict(load_peers(SHARED / "peers"))["phasenet_original"]
    network = save(cache, "PhaseNet", phases="NPS", component_order="ENZ")
    network.load_state_dict(torch.load(SHARED / "peers" / "phasenet_original.pt", weights_only=True))
    x = np.random.default_rng(0).standard_normal((2, 3, 6000)).astype(np.float32)
    x[:, :, 2000:] *= 20
    ours, theirs = published.SeisBenchPicker(network).predict(x), reference.predict(x)
    assert theirs["p"].max() > 0.1
    assert np.allclose(ours["p"], theirs["p"], atol=1e-3)  # torch's deviation divides by one less; E N Z turned: 0.05
