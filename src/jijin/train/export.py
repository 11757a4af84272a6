"""A training run to a released model: ONNX with a parity check, thresholds and uncertainties from dev, and a card."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

import jijin
from jijin.data.traces import LETTERS, P, S
from jijin.errors import ConfigError, ModelError
from jijin.evaluate import Report, Window, best_thresholds, evaluate, predict_with, summary
from jijin.io.tables import save_json
from jijin.models import card_of, load
from jijin.models.cba import CBA, CBAConfig
from jijin.signal import normalise
from jijin.train.start import read_checkpoint
from jijin.train.uncertainty import FLOOR_S, fitted, spreads
from jijin.types import IN_SAMPLES

SAME_F1 = 0.01  # a difference between thresholds that no dev set of a few hundred labels can tell
PARITY = 1e-4  # largest difference allowed between torch and ONNX Runtime
DEFAULTS: dict[str, Any] = {
    "thresholds": {"detection": 0.5, "p": 0.3, "s": 0.3},
    "time_uncertainty": {key: {"scale": 1.0, "floor_s": FLOOR_S[phase]} for phase, key in ((P, "p"), (S, "s"))},
}


SETTLED = {"name", "version", "code", "sha256", "bytes", "thresholds", "time_uncertainty", "scores"}  # each time anew


@dataclass(frozen=True)
class Measured:
    """Labelled windows that a model's settings and scores come from.

    Uncertainties are set on dev (how they grow with the spread of a peak: on dev and seen, windows of the training
    split), thresholds on wide (dev with labels by machines too; or on dev); test is only scored. Without dev windows
    the defaults stay, and the card says so.
    """

    dev: Sequence[Window] = ()
    test: Sequence[Window] = ()
    wide: Sequence[Window] = ()
    seen: Sequence[Window] = ()


class Released(nn.Module):
    """The network as it is shipped: normalised windows (batch, 3, 6000) -> three probabilities (batch, 6000)."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, windows: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        detection, p, s = self.network(windows).sigmoid().unbind(1)
        return detection, p, s


def load_network(checkpoint: Path) -> CBA:
    """The averaged weights of a checkpoint, ready to predict."""
    content = read_checkpoint(checkpoint)
    network = CBA(CBAConfig.of(content["settings"]))
    network.load_state_dict({k.removeprefix("module."): v for k, v in content["average"].items() if k != "n_averaged"})
    return network.eval()


def checkpoint_of(run: Path) -> Path:
    """The checkpoint of a run that is exported."""
    best = run / "best.pt"
    return best if best.exists() else run / "last.pt"


def blended(run: Path, share: float) -> CBA:
    """Weights between those that a run began with (start.pt; share 0) and its own (share 1), ready to predict.

    Half-way, a network has learnt what is new and keeps what it knew: Wortsman et al. 2022, arXiv:2109.01903.
    """
    network = load_network(checkpoint_of(run))
    if share < 1:
        if not (run / "start.pt").is_file():
            raise ConfigError(f"{run}: nothing to blend with, the run began at random; leave out --blend")
        own, first = network.state_dict(), load_network(run / "start.pt").state_dict()
        mixed = {k: torch.lerp(first[k], v, share) if v.is_floating_point() else v for k, v in own.items()}
        network.load_state_dict(mixed)
    return network.eval()


def export(run: Path, out: Path, on: Measured, name: str, card: Mapping[str, Any], share: float = 1.0) -> Path:
    """Write the model of a run and its card (out with the suffix .json); share as in blended.

    Raises ModelError if ONNX Runtime and torch differ by more than 1e-4.
    """
    code = _revision()  # before the new file makes the checkout look changed
    network, part = Released(blended(run, share)).eval(), _part_of(out)
    write_onnx(network, part, name, DEFAULTS)
    parity, parameters = check_parity(network, part), sum(p.numel() for p in network.parameters())
    more = {"blend": share, "parameters": parameters, "parity": parity}
    return _settled(part, out, on, name, {"code": code, **card, **more})


def export_again(file: Path, out: Path, on: Measured, name: str, card: Mapping[str, Any]) -> Path:
    """Write a model file with its weights as they are; settings and scores are measured with this version of jijin.

    card : what is to stand in its card in the place of what does. ConfigError without a P or an S on dev.
    """
    for phase, letter in LETTERS.items():
        if not any(window.onsets.get(phase) for window in on.dev):
            raise ConfigError(f"{file}: no {letter} of the dev split has a label by an analyst to measure it on")
    code, part = _revision(), _part_of(out)
    kept = {key: value for key, value in card_of(file).items() if key not in SETTLED}
    shutil.copyfile(file, part)
    return _settled(part, out, on, name, {"code": code, **kept, **card})


def _part_of(out: Path) -> Path:
    """Where out is written until it is whole."""
    out.parent.mkdir(parents=True, exist_ok=True)
    return out.with_suffix(".part.onnx")


def _settled(part: Path, out: Path, on: Measured, name: str, card: Mapping[str, Any]) -> Path:
    """Measure a model file, write what it needs into it and its card, and make it out."""
    settings, reports = _measure(part, name, on) if on.dev else (DEFAULTS, {})
    set_settings(part, name, settings)
    _write_card(part, out, {"name": name, **card, **settings}, reports)
    part.replace(out)
    return out


def _measure(file: Path, name: str, on: Measured) -> tuple[dict[str, Any], dict[str, Report]]:
    """Settings of a model file, and its reports on dev and test."""
    model = load(file)
    curves = predict_with(model, on.dev)
    wide = predict_with(model, on.wide) if on.wide else curves
    thresholds = best_thresholds(wide, on.wide or on.dev, SAME_F1, balanced=True)
    reports = {"dev": evaluate(name, curves, on.dev, thresholds)}
    if on.test:
        reports["test"] = evaluate(name, predict_with(model, on.test), on.test, thresholds)
    labelled = [window for window in on.seen if any(window.onsets.values())]
    more = spreads(predict_with(model, labelled), labelled, thresholds) if labelled else None
    uncertainty = fitted(spreads(curves, on.dev, thresholds), more)
    best = {"detection": 0.5, "p": thresholds[P], "s": thresholds[S]}
    return {"thresholds": best, "time_uncertainty": uncertainty}, reports


def write_onnx(network: nn.Module, path: Path, name: str, settings: Mapping[str, Any]) -> None:
    """The network with its settings in the file's metadata."""
    example = torch.zeros(2, 3, IN_SAMPLES)
    outputs = ["detection", "p", "s"]
    axes = {key: {0: "batch"} for key in ("windows", *outputs)}
    with warnings.catch_warnings():  # torch's newer exporter needs one more package
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.simplefilter("ignore", UserWarning)  # of tracing the LSTM
        torch.onnx.export(
            network,
            (example,),
            str(path),
            input_names=["windows"],
            output_names=outputs,
            dynamic_axes=axes,
            dynamo=False,
        )
    set_settings(path, name, settings)


def set_settings(path: Path, name: str, settings: Mapping[str, Any]) -> None:
    """Write name, version and settings into the metadata of an .onnx file."""
    import onnx

    model = onnx.load(str(path))
    content = {
        "name": name,
        "version": jijin.__version__,
        "components": "ZNE",
        "sampling_rate": 100,
        "in_samples": IN_SAMPLES,
    }
    onnx.helper.set_model_props(model, {"jijin": json.dumps({**content, **settings})})
    onnx.save(model, str(path))


def check_parity(network: nn.Module, path: Path) -> float:
    """Largest difference between torch and ONNX Runtime on noise and on a pulse."""
    x = np.random.default_rng(0).standard_normal((8, 3, IN_SAMPLES)).astype(np.float32)
    x[4:, :, 3000:] *= 20
    ready = normalise(x)
    with torch.inference_mode():
        expected = torch.stack(network(torch.from_numpy(ready))).numpy()
    difference = float(np.abs(load(path).network(ready) - expected).max())
    if not difference < PARITY:
        raise ModelError(f"{path}: ONNX Runtime differs from torch by {difference:.1e}, more than {PARITY:.0e}")
    return difference


def _write_card(file: Path, out: Path, content: Mapping[str, Any], reports: Mapping[str, Report]) -> None:
    """The card of a model file that is about to become out."""
    scores = {split: summary(report) for split, report in reports.items()}
    card = {
        "name": content["name"],
        "version": jijin.__version__,
        "sha256": hashlib.sha256(file.read_bytes()).hexdigest(),
        "bytes": file.stat().st_size,
        **content,
        "scores": scores or "not measured: no labelled data was given, thresholds are the defaults",
    }
    save_json(card, out.with_suffix(".json"))


def _revision() -> str:
    """The commit of the code, "unknown" outside a checkout."""
    try:
        command = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty"]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
