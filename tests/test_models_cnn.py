import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs the extra 'train'")

from jijin.models.cnn import CNN, HalfDropout, f1, fit, rows  # noqa: E402


def test_the_network_has_the_3537_parameters_of_the_study():
    counts = [sum(p.numel() for p in layer.parameters()) for layer in CNN().children()]
    assert counts == [192, 1040, 2176, 0, 129] and sum(counts) == 3537


def test_it_is_the_published_stack_of_layers():
    network = CNN().eval()
    conv = torch.nn.Conv1d(1, 64, 2)
    conv.weight.data, conv.bias.data = network.look.weight.data[:, None], network.look.bias.data
    x = torch.randn(2, 18000)
    with torch.no_grad():
        y = torch.relu(conv(x[:, None])).transpose(1, 2)
        y = torch.relu(network.narrow(y)).transpose(1, 2)
        y = torch.nn.functional.max_pool1d(y, 2).transpose(1, 2)
        want = network.out(torch.relu(network.wide(y)))[..., 0]
        assert want.shape == (2, 8999)
        assert torch.allclose(network(x), want, atol=1e-5)


def test_rows_are_components_in_turn_with_unit_deviation():
    x = np.random.default_rng(0).standard_normal((2, 3, 6000)) * 1e5
    out = rows(x).numpy()
    assert out.shape == (2, 18000) and np.allclose(out.std(1), 1, atol=1e-3)
    assert np.corrcoef(out[0, 2::3], x[0, 0])[0, 1] == pytest.approx(1) and not rows(np.zeros((1, 3, 6000))).any()


def test_training_learns_loud_from_quiet_and_repeats():
    rng = np.random.default_rng(0)
    x, truth = rng.standard_normal((40, 3, 6000)), np.arange(40) % 2 == 0
    x[truth] = np.sign(x[truth]) * 0.5  # another distribution of amplitudes at every step
    a, b = (fit(x[:24], truth[:24], x[24:], truth[24:], epochs) for epochs in (4, 1))
    assert a.history[0]["loss"] == b.history[0]["loss"]
    assert a.history[-1]["dev_f1"] > 0.9 and a.history[-1]["loss"] < a.history[0]["loss"]
    assert a.predict_proba(x).shape == (40,) and a.predict_steps(x[:3]).shape == (3, 8999)


def test_f1_is_two_hits_over_all_said_and_true():
    assert f1(np.array([1, 1, 0, 0], bool), np.array([1, 0, 1, 0], bool)) == 0.5


def test_dropout_keeps_half_of_the_values_doubled_and_none_is_lost_when_predicting():
    drop, x = HalfDropout(), torch.ones(3, 1001)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        out, other = drop(x), drop(x)
    assert set(out.unique().tolist()) == {0.0, 2.0} and not torch.equal(out, other)
    assert out.mean().item() == pytest.approx(1, abs=0.06)
    assert drop.eval()(x) is x
