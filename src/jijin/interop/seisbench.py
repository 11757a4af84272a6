"""CBA as a SeisBench model: the weights in this package, the same curves and the same picks.

annotate() is jijin.Detector with the network run by torch, on the device and in the batches that SeisBench is told, so
that windows in between (jijin.between) and all else are the same: SeisBench's own cutting and stacking have no place
for windows that depend on what others show. classify() finds jijin's peaks, with a fraction of a sample, instead of the
highest sample of a trigger. Curves differ by rounding alone; in rare cases that decides whether a shoulder is a peak of
its own, and with it whether more windows count. SeisBench's picks have no place for a time uncertainty; jijin.pick
gives it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from obspy import Stream, Trace

from jijin.config import CutConfig, PickConfig, check_range
from jijin.detector import Detector
from jijin.errors import ConfigError, DataError, MissingExtra, ModelError
from jijin.types import IN_SAMPLES, RATE

try:
    import torch
    from seisbench import util
    from seisbench.models.base import WaveformModel
except ModuleNotFoundError as error:
    raise MissingExtra(str(error.name), "seisbench") from error

from jijin.evaluate.matching import EXACT
from jijin.interop.card import docstring
from jijin.looks import STARTS, predicted
from jijin.models import Prediction, card_of, find, load, shipped
from jijin.models.cba import CBA as Network
from jijin.models.cba import CBAConfig
from jijin.picking import OnsetFinder
from jijin.signal import missing, normalise
from jijin.train.start import network_from_file
from jijin.types import instrument_id, nsl
from jijin.windows import rows_of

COMPONENTS, LABELS = "ZNE", ["Detection", "P", "S"]
LEAST_SEISBENCH = "0.11.3"  # the oldest that the tests were run with
CITATION = (
    "jijin: CNN, bidirectional LSTM and attention with three decoders, after Mousavi, S.M., Ellsworth, W.L., Zhu, W., "
    "Chuang, L.Y., and Beroza, G.C. (2020). Earthquake transformer - an attentive deep-learning model for simultaneous "
    "earthquake detection and phase picking. Nat Commun 11, 3952. https://doi.org/10.1038/s41467-020-17591-w"
)
_THRESHOLD = "Probability from which on a peak of the curve is a {}"
_BLINDING = round(CutConfig().blinding_s * RATE)


class CBA(WaveformModel):
    """Detection, P and S curves of 60-s windows, Z, N, E at 100 Hz. CBA.from_pretrained() has the shipped weights.

    config : widths of the network (jijin.models.cba.CBAConfig), those of the released one by default. default_args :
    options of annotate and classify. A new CBA has random weights.
    """

    _annotate_args: ClassVar = {
        **WaveformModel._annotate_args,
        "P_threshold": (_THRESHOLD.format("P"), 0.3),
        "S_threshold": (_THRESHOLD.format("S"), 0.3),
        "detection_threshold": ("Probability from which on an earthquake is on", 0.5),
        "overlap": (WaveformModel._annotate_args["overlap"][0], IN_SAMPLES - round(CutConfig().stride_s * RATE)),
        "blinding": ("Samples at both ends of a window that fade out, as many at either", (_BLINDING, _BLINDING)),
        "between": ("Windows between two, used near what is in doubt", CutConfig().between),
    }
    for _other in ("stride", "zerophase_resample"):  # overlap says it; jijin's resampling always is
        _annotate_args.pop(_other, None)

    def __init__(self, config: Mapping[str, Any] | None = None, default_args: dict[str, Any] | None = None) -> None:
        super().__init__(
            citation=CITATION,
            component_order=COMPONENTS,
            sampling_rate=int(RATE),
            output_type="array",
            default_args=default_args,
            in_samples=IN_SAMPLES,
            pred_sample=(0, IN_SAMPLES),
            labels=LABELS,
        )
        self.network = Network(CBAConfig.of(config or {}))

    def forward(self, x: torch.Tensor, logits: bool = False) -> torch.Tensor:
        """Normalised windows (window, 3, 6000) -> probabilities (window, 3, 6000): detection, P, S."""
        out = self.network(x)
        return out if logits else out.sigmoid()

    def annotate_batch_pre(self, batch: torch.Tensor, argdict: dict[str, Any]) -> torch.Tensor:
        """Windows (window, 3, 6000) in any units -> normalised, as forward takes them; annotate() does so by itself."""
        return torch.from_numpy(normalise(batch.cpu().numpy())).to(batch.device)

    async def annotate_async(self, stream: Stream, copy: bool = True, **kwargs: Any) -> Stream:
        """Curves of a stream, which is neither changed nor kept; see jijin.annotate. kwargs : options, by name.

        ConfigError if an option asks for what a jijin.Detector does not do.
        """
        self._verify_argdict(kwargs)
        options = partial(self._argdict_get_with_default, {**self.default_args, **kwargs})
        flexible, strict = options("flexible_horizontal_components"), options("strict")
        traces = [trace for trace in stream if flexible or trace.stats.component in COMPONENTS]
        training = self.training
        try:
            model = InTorch(self.eval(), batch_size(options), strict)
            curves = Detector(model, cut_config(options)).annotate(complete(traces) if strict else traces)
        except DataError:  # no channel can be used; each has been logged with its reason
            return Stream()
        finally:
            self.train(training)
        for curve in curves:
            curve.stats.channel = f"{self.name}_{curve.stats.channel.rsplit('_', 1)[1]}"
        return curves

    def classify_aggregate(self, annotations: Any, argdict: dict[str, Any]) -> util.ClassifyOutput:
        """Curves to picks (jijin's own, in order of time) and detections (SeisBench's trigger)."""

        def threshold(label: str) -> float:
            return cut_at(label, self._argdict_get_with_default(argdict, f"{label}_threshold"))

        def curves(label: str) -> Any:
            return annotations.select(channel=f"{self.name}_{label}")

        picks = [pick for phase in "PS" for trace in curves(phase) for pick in picks_of(trace, phase, threshold(phase))]
        return util.ClassifyOutput(
            self.name,
            picks=util.PickList(sorted(picks, key=lambda pick: (pick.peak_time, pick.trace_id, pick.phase))),
            detections=self.detections_from_annotations(curves("Detection"), threshold("detection")),
        )

    def get_model_args(self) -> dict[str, Any]:
        """What the constructor takes; everything else is fixed."""
        return {"config": self.network.settings()}

    @classmethod
    def from_pretrained(
        cls,
        name: str | Path = "cba",
        version_str: str = "latest",
        update: bool = False,
        force: bool = False,
        wait_for_file: bool = False,
    ) -> CBA:
        """The weights shipped with jijin, or those of an .onnx file that `jijin export` wrote; ready to predict.

        Nothing is downloaded, so the last three have no effect. ModelError if there is no such model or version;
        MissingExtra without the package onnx.
        """
        file, released = find(name), load(name, threads=1)
        if version_str not in ("latest", released.version):
            raise ModelError(f"{name}: there is no version '{version_str}', only {released.version}")
        card = card_of(file)
        model = cls(card.get("config", {}).get("model"))
        network_from_file(file, model.network)
        model._weights_metadata = {
            "docstring": docstring(released.name, released.version, card),
            "model_args": model.get_model_args(),
            "seisbench_requirement": LEAST_SEISBENCH,
            "default_args": default_args(released.thresholds),
            "version": released.version,
        }
        model._parse_metadata()
        return model.eval()

    @classmethod
    def list_pretrained(cls, details: bool = False, remote: bool = True) -> list[str] | dict[str, str]:
        """Names of the weights in this package; with details, what their cards say."""
        if not details:
            return shipped()
        return {name: docstring(name, load(name).version, card_of(find(name))) for name in shipped()}

    @classmethod
    def list_versions(cls, name: str, remote: bool = True) -> list[str]:
        """The one version in this package."""
        return [load(name).version]

    @classmethod
    def load(cls, path: str | Path, version_str: str | None = None, **kwargs: Any) -> CBA:
        """A model that save() wrote, from path.pt and path.json; only tensors are read, no pickled objects."""
        return super().load(path, version_str, **{"weights_only": True, **kwargs}).eval()

    def save(self, path: str | Path, weights_docstring: str = "", version_str: str | None = None) -> None:
        """Write path.pt and path.json as SeisBench does; without a docstring that of the weights stays."""
        super().save(path, weights_docstring or self.weights_docstring or "", version_str)
        file, _ = self._get_weights_file_paths(path, version_str)
        more = {"version": version_str or self.weights_version or "1", "seisbench_requirement": LEAST_SEISBENCH}
        file.write_text(json.dumps({**json.loads(file.read_text()), **more}, indent=4))


@dataclass(frozen=True)
class InTorch:
    """The network in the place of a Detector's model.

    batch : windows at a time; strict : a sample that any component lacks is missing in all; starts, moved : see
    jijin.looks.
    """

    model: CBA
    batch: int
    strict: bool = False
    starts: Sequence[int] = STARTS
    moved: bool = True
    name: str = "cba"
    thresholds: Mapping[str, float] = field(default_factory=dict)  # annotate() asks for neither
    time_uncertainty: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    def unmoved(self, looks: bool) -> InTorch:
        return replace(self, starts=self.starts if looks else (), moved=False)

    def predict(self, windows: ArrayLike) -> Prediction:
        x = np.array(windows)
        if self.strict:
            x[np.broadcast_to(missing(x).any(1, keepdims=True), x.shape)] = np.nan
        return Prediction(*predicted(x, self._network, self.starts, self.moved))

    @torch.inference_mode()
    def _network(self, windows: NDArray[np.float32]) -> NDArray[np.float32]:
        """Normalised windows (window, 3, 6000) -> (output, window, 6000), as the network has them at one look."""
        parts = torch.from_numpy(windows).split(self.batch)
        return np.concatenate([self.model(part.to(self.model.device)).cpu().numpy() for part in parts]).swapaxes(0, 1)


def batch_size(options: Callable[[str], Any]) -> int:
    """Of windows that torch gets at a time; ConfigError if it cannot be."""
    given = options("batch_size")
    if not isinstance(given, int) or isinstance(given, bool) or given < 1:
        raise ConfigError(f"'batch_size' must be a whole number, 1 at least (got {given!r})")
    return given


def cut_at(label: str, threshold: Any) -> float:
    """A threshold; ConfigError unless it is a probability."""
    try:
        value = float(threshold)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"'{label}_threshold' must be a number (got {threshold!r})") from error
    check_range(f"{label}_threshold", value, 0, 1)
    return value


def cut_config(options: Callable[[str], Any]) -> CutConfig:
    """How SeisBench's options lay windows; ConfigError for what a Detector does not do."""
    try:
        overlap, (before, after) = float(options("overlap")), np.broadcast_to(options("blinding"), 2).astype(float)
        stride = IN_SAMPLES - int(overlap * IN_SAMPLES if overlap < 1 else overlap)
    except (TypeError, ValueError, OverflowError) as error:
        given = f"{options('overlap')!r}, {options('blinding')!r}"
        raise ConfigError(f"'overlap' must be a number and 'blinding' two (got {given})") from error
    if not 0 < stride <= IN_SAMPLES or IN_SAMPLES % stride:
        raise ConfigError(
            f"'overlap' must leave a stride that divides {IN_SAMPLES} samples; 3000 does (got {overlap:g})"
        )
    if before != after:
        raise ConfigError(f"'blinding' must be the same at both ends (got {before:g}, {after:g})")
    if str(options("stacking")).lower() != "avg":
        raise ConfigError(f"'stacking' must be 'avg' (got {options('stacking')!r})")
    return CutConfig(stride / RATE, options("between"), before / RATE)


def complete(traces: Iterable[Trace]) -> list[Trace]:
    """Those of sensors with three components."""
    by_sensor: dict[str, list[Trace]] = {}
    for trace in traces:
        by_sensor.setdefault(instrument_id(trace.id), []).append(trace)
    whole = (own for own in by_sensor.values() if all(rows_of(trace.id[-1:] for trace in own)))
    return [trace for own in whole for trace in own]


def default_args(thresholds: Mapping[str, float]) -> dict[str, Any]:
    """Options with which a released model was scored, in SeisBench's names."""
    shared = {key: CBA._annotate_args[key][1] for key in ("overlap", "stacking", "blinding", "between")}
    names = {"P_threshold": "p", "S_threshold": "s", "detection_threshold": "detection"}
    return {**shared, **{key: thresholds[name] for key, name in names.items()}}


def picks_of(trace: Any, phase: str, threshold: float) -> Iterator[util.Pick]:
    """Onsets of one curve (an ObsPy Trace at 100 Hz), as jijin finds them.

    start_time and end_time are where the curve crosses half the threshold, as in SeisBench's trigger.
    """
    seed_id = nsl(trace.id)
    curve, zero = np.nan_to_num(trace.data), trace.stats.starttime
    separation = round(PickConfig().min_separation_s * RATE)
    finder = OnsetFinder(phase, threshold, EXACT, separation)
    low = np.flatnonzero(curve < threshold / 2)
    for onset in finder.push(curve, lambda *_: (seed_id, 0), final=True):
        at = int(np.searchsorted(low, onset.index))
        start = low[at - 1] + 1 if at else 0
        end = low[at] if at < len(low) else len(curve) - 1
        yield util.Pick(
            trace_id=seed_id,
            start_time=zero + start / RATE,
            end_time=zero + end / RATE,
            peak_time=zero + onset.pick.time_ns / 1e9,
            peak_value=onset.pick.probability,
            phase=phase,
        )
