"""Training that begins with a released file: the file's output is the truth."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")
from jijin import ModelError  # noqa: E402
from jijin.models import find, load  # noqa: E402
from jijin.models.cba import CBA, CBAConfig  # noqa: E402
from jijin.signal import normalise  # noqa: E402
from jijin.train.start import network_of, pairs  # noqa: E402


@pytest.fixture(scope="module")
def windows():
    x = np.random.default_rng(0).standard_normal((4, 3, 6000)).astype(np.float32)
    x[:, :, 2500:] *= 10
    return torch.from_numpy(normalise(x))


@pytest.fixture(scope="module")
def network(windows):
    return network_of(find("cba"), CBA(), [windows])


def released(windows):
    """Probabilities that ONNX Runtime gives for the shipped file."""
    return load("cba").network(windows.numpy()).swapaxes(0, 1)


@torch.inference_mode()
def test_the_network_gives_what_the_file_gives(network, windows):
    got = network.eval()(windows).sigmoid().numpy()
    assert np.abs(got - released(windows)).max() < 1e-5 and got[:, 1].max() > 0.3


@torch.inference_mode()
def test_normalising_by_the_batch_gives_the_same_on_the_batch_that_was_measured(network, windows):
    network.eval()
    for _, norm in pairs(network):
        norm.train()
    assert np.abs(network(windows).sigmoid().numpy() - released(windows)).max() < 1e-3
    network.eval()


def test_every_normalisation_of_the_network_is_given_back():
    model = CBA()
    norms = [m for m in model.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    assert {id(norm) for _, norm in pairs(model)} == {id(norm) for norm in norms} and len(norms) == 24


def test_a_file_of_another_network_is_refused(windows):
    with pytest.raises(ModelError, match="not the network that is trained here"):
        network_of(find("cba"), CBA(CBAConfig(deep=48)), [windows])
