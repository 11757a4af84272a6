"""A training run to a released model: ONNX with a parity check, thresholds and uncertainties from dev, and a card."""

from __future__ import annotations

import hashlib
import json
import subprocess
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor, nn

import jijin
from jijin.data.traces import P, S
from jijin.errors import ConfigError, ModelError
from jijin.evaluate import Report, Window, best_thresholds, evaluate, predict_with, summary
from jijin.evaluate.calibration import known_picks
from jijin.io.tables import save_json
from jijin.models import load
from jijin.models.cba import CBA, CBAConfig
from jijin.onsets import smoothing_s
from jijin.picking import REFERENCE_S
from jijin.signal import normalise
from jijin.train.start import read_checkpoint
from jijin.types import IN_SAMPLES

SAME_F1 = 0.01  # a difference between thresholds that no dev set of a few hundred labels can tell
PARITY = 1e-4  # largest difference allowed between torch and ONNX Runtime
ONE_DEVIATION = 0.68  # share of the residuals within one standard deviation
LEAST_SPREAD_S = 1e-3
POWERS = np.arange(0.5, 4.01, 0.25)
FEWEST_RESIDUALS = 50
FLOOR_S = {P: 0.01, S: 0.02}  # no onset is known better than about a sample
Curves = Mapping[int, NDArray[np.float32]]  # of each phase, (window, sample)
DEFAULTS: dict[str, Any] = {
    "thresholds": {"detection": 0.5, "p": 0.3, "s": 0.3},
    "time_uncertainty": {key: {"scale": 1.0, "floor_s": FLOOR_S[phase]} for phase, key in ((P, "p"), (S, "s"))},
}


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


def blended(run: Path, share: float) -> CBA:
    """Weights between those that a run began with (start.pt; share 0) and its own (share 1), ready to predict.

    Half-way, a network has learnt what is new and keeps what it knew: Wortsman et al. 2022, arXiv:2109.01903.
    """
    best = run / "best.pt"
    network = load_network(best if best.exists() else run / "last.pt")
    if share < 1:
        if not (run / "start.pt").is_file():
            raise ConfigError(f"{run}: nothing to blend with, the run began at random; leave out --blend")
        own, first = network.state_dict(), load_network(run / "start.pt").state_dict()
        mixed = {k: torch.lerp(first[k], v, share) if v.is_floating_point() else v for k, v in own.items()}
        network.load_state_dict(mixed)
    return network.eval()


def export(
    run: Path,
    out: Path,
    dev: Sequence[Window],
    test: Sequence[Window],
    name: str,
    card: Mapping[str, Any],
    wide: Sequence[Window] = (),
    share: float = 1.0,
    seen: Sequence[Window] = (),
) -> Path:
    """Write the model of a run and its card (out with the suffix .json); share as in blended.

    Uncertainties are set on dev (how they grow with the spread of a peak: on dev and seen, windows of the training
    split), thresholds on wide (dev with labels by machines too; or on dev); test is only scored. Without dev windows
    the defaults stay, and the card says so. Raises ModelError if ONNX Runtime and torch differ by more than 1e-4.
    """
    card = {"code": _revision(), **card, "blend": share}  # before the new file makes the checkout look changed
    network = Released(blended(run, share)).eval()
    out.parent.mkdir(parents=True, exist_ok=True)
    part = out.with_suffix(".part.onnx")
    write_onnx(network, part, name, DEFAULTS)
    difference = check_parity(network, part)
    settings, reports = _measured(part, name, dev, test, wide, seen) if dev else (DEFAULTS, {})
    write_onnx(network, part, name, settings)
    parameters = sum(p.numel() for p in network.parameters())
    _write_card(part, out, {"name": name, **card, **settings, "parameters": parameters, "parity": difference}, reports)
    part.replace(out)
    return out


def _measured(
    file: Path, name: str, dev: Sequence[Window], test: Sequence[Window], wide: Sequence[Window], seen: Sequence[Window]
) -> tuple[dict[str, Any], dict[str, Report]]:
    """Settings of a model file from dev and wide, and its reports on dev and test."""
    model = load(file)
    curves = predict_with(model, dev)
    thresholds = best_thresholds(predict_with(model, wide) if wide else curves, wide or dev, SAME_F1, balanced=True)
    reports = {"dev": evaluate(name, curves, dev, thresholds)}
    if test:
        reports["test"] = evaluate(name, predict_with(model, test), test, thresholds)
    known = every = _spreads(curves, dev, thresholds)
    if labelled := [window for window in seen if any(window.onsets.values())]:
        more = _spreads(predict_with(model, labelled), labelled, thresholds)
        every = {phase: np.concatenate([known[phase], more[phase]], axis=1) for phase in (P, S)}
    uncertainty = {key: _uncertainty(phase, known[phase], every[phase]) for phase, key in ((P, "p"), (S, "s"))}
    best = {"detection": 0.5, "p": thresholds[P], "s": thresholds[S]}
    return {"thresholds": best, "time_uncertainty": uncertainty}, reports


def write_onnx(network: nn.Module, path: Path, name: str, settings: Mapping[str, Any]) -> None:
    """The network with its settings in the file's metadata."""
    import onnx

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


def _uncertainty(phase: int, known: NDArray[np.float64], every: NDArray[np.float64]) -> dict[str, float]:
    """How a model states the uncertainty of a phase: the factor fits known, the power every, both as of _spreads."""
    floor_s = FLOOR_S[phase]
    power = growth(every[0], every[1], floor_s)
    scale = factor(known[0], known[1], power, floor_s)
    return {"scale": scale, "floor_s": floor_s, "power": power, "smoothing_s": round(smoothing_s(), 4)}


def _spreads(curves: Curves, windows: Sequence[Window], best: Mapping[int, float]) -> dict[int, NDArray[np.float64]]:
    """Of each phase (2, pick): of the picks near a label, the spread of the peak and the residual, both in s."""
    plain = {"scale": 1.0, "floor_s": LEAST_SPREAD_S, "smoothing_s": round(smoothing_s(), 4)}
    picks = {phase: known_picks(curves[phase], windows, phase, best[phase], plain) for phase in (P, S)}
    return {
        phase: np.array([(k.uncertainty_s, k.residual_s) for k in found]).reshape(-1, 2).T
        for phase, found in picks.items()
    }


def factor(spread_s: ArrayLike, residual_s: ArrayLike, power: float, floor_s: float) -> float:
    """The smallest scale with which jijin.picking.deviation_s holds 68 % of the residuals, all in s; 1 without any.

    Only a scale over 1 covers what is off by more than the spread of its peak, whatever the power.

    >>> factor(np.full(101, 0.1), np.linspace(0, 0.1, 101), 2.0, 0.0), factor([0.2], [0.4], 2.0, 0.0)
    (0.68, 2.0)
    """
    spread, size = np.asarray(spread_s, float), np.abs(np.asarray(residual_s, float))
    if not size.size:
        return 1.0
    grown = size / (REFERENCE_S * (spread / REFERENCE_S) ** power)
    needed = np.where(size <= floor_s, 0, np.maximum(grown, np.where(size > spread, size / spread, 0)))
    return round(float(np.quantile(needed, ONE_DEVIATION)), 3)


def growth(spread_s: ArrayLike, residual_s: ArrayLike, floor_s: float) -> float:
    """The power of a peak's spread with which residuals grow, both in s: the likeliest, if they are Laplacian.

    1 for fewer than 50. Residuals below floor_s count as floor_s, since labels are no better.

    >>> spread = np.geomspace(0.03, 0.3, 200)
    >>> growth(spread, 0.5 * spread**2, 0.0)
    2.0
    """
    spread, size = np.asarray(spread_s, float), np.maximum(np.abs(np.asarray(residual_s, float)), floor_s)
    if len(size) < FEWEST_RESIDUALS:
        return 1.0
    costs = [len(size) * np.log((size / spread**k).mean()) + k * np.log(spread).sum() for k in POWERS]
    return float(POWERS[int(np.argmin(costs))])


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
