"""A released model file back into a network that can be trained on: to adapt the shipped weights to other data.

In a released file every batch normalisation is folded into the convolution before it. Here each gets back a mean and a
variance, measured on training batches, and a scale and an offset that undo them: the network gives the same output as
the file, and normalises in training as one that never left.
"""

from __future__ import annotations

import errno
import pickle
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from jijin.errors import MissingExtra, ModelError, ReadError
from jijin.models import load
from jijin.models.cba import CBA

GATES = (0, 2, 3, 1)  # torch keeps an LSTM's gates as input, forget, cell, output; ONNX as input, output, forget, cell


def read_checkpoint(path: Path) -> dict[str, Any]:
    """What a checkpoint of jijin train holds. Raises ReadError if there is none, or something else, or half of one."""
    try:
        content = torch.load(path, weights_only=True)
    except FileNotFoundError:
        raise ReadError(f"{path}: no such checkpoint; give the folder that 'jijin train -o' wrote") from None
    except (RuntimeError, pickle.UnpicklingError, EOFError, KeyError, ValueError):
        content = None
    except OSError as error:
        if error.errno != errno.EINVAL:  # torch seeks before the start of a file that was cut short
            raise
        content = None
    if not isinstance(content, dict) or not {"average", "settings"} <= content.keys():
        raise ReadError(f"{path}: not a checkpoint of 'jijin train', or a part of one; give another, or begin anew")
    return content


def network_of(file: Path, model: CBA, batches: Iterable[Tensor]) -> CBA:
    """Fill model with the weights of an .onnx file. batches : normalised windows (batch, 3, 6000) to measure on.

    Raises ModelError if the file holds another network.
    """
    network_from_file(file, model)
    _measure(model, batches)
    return model


def network_from_file(file: Path, model: CBA) -> CBA:
    """Fill model with the weights of an .onnx file, to predict with: its batch normalisations change nothing.

    Raises ModelError if the file holds another network, MissingExtra without the package onnx.
    """
    try:
        import onnx
        from onnx import numpy_helper
    except ImportError as error:
        raise MissingExtra("onnx", "train") from error

    load(file, threads=1)  # says what is wrong with a file that is no model at all
    try:
        arrays = {a.name: numpy_helper.to_array(a) for a in onnx.load(str(file)).graph.initializer}
        _fill(model, arrays)
    except (RuntimeError, IndexError, KeyError, ValueError) as error:
        raise ModelError(f"{file}: not the network that is trained here ({str(error).splitlines()[0]})") from None
    return model.eval()


def pairs(model: nn.Module) -> Iterator[tuple[nn.Conv2d, nn.BatchNorm2d]]:
    """Every convolution that a batch normalisation follows, in the order of the network."""
    for module in model.modules():
        if isinstance(module, nn.Sequential):
            for conv, norm in zip(list(module), list(module)[1:], strict=False):
                if isinstance(conv, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                    yield conv, norm


@torch.no_grad()
def _fill(model: CBA, arrays: dict[str, NDArray[Any]]) -> None:
    """Named arrays by their name; folded convolutions, the LSTM and matrices in the order that they are used in."""
    own = dict(model.named_parameters())
    for name, array in arrays.items():
        if name.startswith("network."):
            _copy(own[name.removeprefix("network.")], array)
    folded = [array for name, array in arrays.items() if "::Conv_" in name]
    for (conv, norm), weight, bias in zip(pairs(model), folded[::2], folded[1::2], strict=True):
        _copy(conv.weight, weight)
        _copy(norm.bias, bias)
        norm.weight.fill_(float(np.sqrt(1 + norm.eps)))
        norm.reset_running_stats()  # mean 0, variance 1: nothing is normalised until it has been measured
    _fill_lstm(model.encoder.lstm, *(array for name, array in arrays.items() if "::LSTM_" in name))
    attention = model.encoder.attention
    linears = (model.encoder.merge, attention.query, attention.key, attention.value)
    matrices = [array for name, array in arrays.items() if "::MatMul_" in name]
    for linear, matrix in zip(linears, matrices, strict=True):
        _copy(linear.weight, matrix.T)


def _fill_lstm(lstm: nn.LSTM, biases: NDArray[Any], inputs: NDArray[Any], states: NDArray[Any]) -> None:
    """biases : (direction, 8 units), inputs : (direction, 4 units, channel), states : (direction, 4 units, units)."""
    for k, suffix in enumerate(("", "_reverse")):
        split = np.split(biases[k], 2)
        values = {"weight_ih": inputs[k], "weight_hh": states[k], "bias_ih": split[0], "bias_hh": split[1]}
        for name, value in values.items():
            gates = np.split(value, 4)
            _copy(getattr(lstm, f"{name}_l0{suffix}"), np.concatenate([gates[g] for g in GATES]))


def _copy(parameter: Tensor, array: NDArray[Any]) -> None:
    if parameter.shape != array.shape:
        raise ValueError(f"an array of {array.shape} where {tuple(parameter.shape)} is wanted")
    parameter.copy_(torch.from_numpy(array.copy()))


@torch.no_grad()
def _measure(model: CBA, batches: Iterable[Tensor]) -> None:
    """Set mean and variance of every normalisation to what the batches have there; the output stays as it is."""
    norms = [norm for _, norm in pairs(model)]
    sums: dict[nn.Module, list[Tensor]] = {norm: [] for norm in norms}

    def note(norm: nn.Module, inputs: tuple[Tensor, ...], _: Tensor) -> None:
        x = inputs[0].double()
        sums[norm].append(torch.stack([x.mean((0, 2, 3)), (x * x).mean((0, 2, 3))]))

    hooks = [norm.register_forward_hook(note) for norm in norms]
    model.eval()
    for batch in batches:
        model(batch)
    for hook in hooks:
        hook.remove()
    for norm in norms:
        mean, square = torch.stack(sums[norm]).mean(0).float()
        variance = square - mean * mean
        norm.running_mean.copy_(mean)  # type: ignore[union-attr]
        norm.running_var.copy_(variance)  # type: ignore[union-attr]
        norm.weight.copy_((variance + norm.eps).sqrt())
        norm.bias.add_(mean)
