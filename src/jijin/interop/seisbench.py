"""CBA as a SeisBench model: the weights in this package, the same curves and the same picks.

SeisBench batches the windows, runs them on its device and stacks them. What makes the result jijin's is in its hooks:

    annotate_stream_pre   Z, N, E at 100 Hz on the grid of jijin.Detector; short, gappy and partial records are kept
    annotate_batch_pre    jijin.signal.normalise
    annotate_batch_post   jijin.looks.settle; windows weighted, so that SeisBench's average is jijin's
    classify_aggregate    jijin's peaks, with a fraction of a sample, instead of the highest sample of a trigger

Curves differ by rounding alone, as long as the options are the default ones; in rare cases that decides whether a
shoulder is a peak of its own, and with it whether jijin.looks looks again. SeisBench's picks have no place for a time
uncertainty; jijin.pick gives it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from jijin.config import CutConfig, PickConfig
from jijin.errors import ConfigError, MissingExtra, ModelError
from jijin.types import IN_SAMPLES, RATE

try:
    import torch
    from seisbench import util
    from seisbench.models.base import GroupingHelper, WaveformModel
except ModuleNotFoundError as error:
    raise MissingExtra(str(error.name), "seisbench") from error

from jijin.evaluate.matching import EXACT
from jijin.interop.card import docstring
from jijin.interop.grid import records
from jijin.looks import settle
from jijin.models import card_of, find, load, shipped
from jijin.models.cba import CBA as Network
from jijin.models.cba import CBAConfig
from jijin.picking import OnsetFinder
from jijin.signal import missing, normalise
from jijin.train.start import network_from_file
from jijin.types import instrument_id, nsl
from jijin.windows import edge_weights

COMPONENTS, LABELS = "ZNE", ["Detection", "P", "S"]
LEAST_SEISBENCH = "0.11.3"  # the oldest that the tests were run with
CITATION = (
    "jijin: CNN, bidirectional LSTM and attention with three decoders, after Mousavi, S.M., Ellsworth, W.L., Zhu, W., "
    "Chuang, L.Y., and Beroza, G.C. (2020). Earthquake transformer - an attentive deep-learning model for simultaneous "
    "earthquake detection and phase picking. Nat Commun 11, 3952. https://doi.org/10.1038/s41467-020-17591-w"
)
_THRESHOLD = "Probability from which on a peak of the curve is a {}"
_BLINDING = round(CutConfig().blinding_s * RATE)


class BySensor(GroupingHelper):
    """Channels of one sensor together: HH and HN of a station are picked each by itself."""

    @staticmethod
    def trace_id_without_component(trace: Any) -> str:
        return instrument_id(trace.id)


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
        "blinding": (
            "Samples at both ends of a window that fade out. They are discarded instead where the stacking is not "
            "'avg', the two numbers differ, or the stride does not divide the window.",
            (_BLINDING, _BLINDING),
        ),
    }
    _annotate_args.pop("zerophase_resample", None)  # jijin's resampling always is

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
            grouping=BySensor("instrument"),
        )
        self.network = Network(CBAConfig.of(config or {}))

    def forward(self, x: torch.Tensor, logits: bool = False) -> torch.Tensor:
        """Normalised windows (window, 3, 6000) -> probabilities (window, 3, 6000): detection, P, S."""
        out = self.network(x)
        return out if logits else out.sigmoid()

    def annotate_stream_pre(self, stream: Any, argdict: dict[str, Any]) -> Any:
        """Put the stream, in place, on jijin's grid: see jijin.interop.grid."""
        if not self._argdict_get_with_default(argdict, "flexible_horizontal_components"):
            stream.traces = [trace for trace in stream if trace.stats.component in COMPONENTS]
        stride = _stride(self._argdict_get_with_default(argdict, "overlap"))
        tiles = stride if IN_SAMPLES % stride == 0 else round(CutConfig().stride_s * RATE)
        stream.traces = records(stream, tiles, self._argdict_get_with_default(argdict, "strict"))
        return stream

    def annotate_batch_pre(self, batch: torch.Tensor, argdict: dict[str, Any]) -> tuple[torch.Tensor, Any]:
        """Windows (window, 3, 6000) in any units -> normalised, and what annotate_batch_post needs of them.

        Missing samples are NaN or long runs of zeros; infinite ones lie before or after the record.
        """
        raw = batch.cpu().numpy()
        ready, gaps = normalise(raw), missing(raw)
        beyond = gaps.all(1) & np.isinf(raw).any(1)
        return torch.from_numpy(ready).to(batch.device), (ready, gaps, beyond)

    def annotate_batch_post(self, batch: torch.Tensor, piggyback: Any, argdict: dict[str, Any]) -> torch.Tensor:
        """Probabilities (window, 3, 6000) -> (window, 6000, 3): 0 in a gap of all components, NaN beyond the record."""
        ready, gaps, beyond = piggyback
        out = batch.cpu().numpy().copy()
        for window, raw, gap in zip(out, ready, gaps, strict=True):
            window[:] = settle(raw, gap, window, self._look)
        out *= ~gaps.all(1)[:, None] * self._shares(argdict)
        out = out.swapaxes(1, 2)
        out[beyond] = np.nan
        return torch.from_numpy(out)

    @torch.inference_mode()
    def _look(self, windows: NDArray[np.float32]) -> NDArray[np.float32]:
        """Normalised windows (window, 3, 6000) -> probabilities (output, window, 6000)."""
        return np.asarray(self(torch.from_numpy(windows).to(self.device)).cpu()).swapaxes(0, 1)

    def _shares(self, argdict: dict[str, Any]) -> NDArray[np.float32]:
        """(6000,) that a window is multiplied by, so that the plain average of all is jijin's; or blinding by NaN."""
        stride = _stride(self._argdict_get_with_default(argdict, "overlap"))
        before, after = self._argdict_get_with_default(argdict, "blinding")
        averaged = self._argdict_get_with_default(argdict, "stacking").lower() == "avg"
        if averaged and before == after and IN_SAMPLES % stride == 0:
            weights = edge_weights(before / RATE).reshape(-1, stride)
            return np.asarray(weights / weights.mean(0)).ravel()
        shares = np.ones(IN_SAMPLES, np.float32)
        shares[:before] = shares[IN_SAMPLES - after :] = np.nan
        return shares

    def classify_aggregate(self, annotations: Any, argdict: dict[str, Any]) -> util.ClassifyOutput:
        """Curves to picks (jijin's own, in order of time) and detections (SeisBench's trigger)."""

        def threshold(label: str) -> float:
            return float(self._argdict_get_with_default(argdict, f"{label}_threshold"))

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


def default_args(thresholds: Mapping[str, float]) -> dict[str, Any]:
    """Options with which a released model was scored, in SeisBench's names."""
    shared = {key: CBA._annotate_args[key][1] for key in ("overlap", "stacking", "blinding")}
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


def _stride(overlap: float) -> int:
    """Samples from a window to the next. overlap : samples, or a fraction of the window if below 1."""
    stride = IN_SAMPLES - int(overlap * IN_SAMPLES if overlap < 1 else overlap)
    if not 0 < stride <= IN_SAMPLES:
        raise ConfigError(f"'overlap' must be from 0 to {IN_SAMPLES - 1} samples (got {overlap})")
    return stride
