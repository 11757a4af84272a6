"""The network at run time: one ONNX file through onnxruntime on the CPU. No torch, no pickle, no download.

Windows go through the network one at a time, several side by side in threads: faster than a large batch (a window's
activations fit the cache, and for a batch of known size the graph is simpler) and the same to the last bit whatever
windows come with it, which a batch is not.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from copy import copy
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from jijin.config import cpus
from jijin.errors import ModelError
from jijin.looks import STARTS, predicted
from jijin.models import Prediction
from jijin.types import IN_SAMPLES, RATE

COMPONENTS = "ZNE"
OUTPUTS = ("detection", "p", "s")
GROUP = 8  # windows that a thread takes at a time: they fit its cache


class OnnxModel:
    """A model in a file, ready to predict.

    name, version, thresholds and time_uncertainty are those it was released with. Safe to use from several threads.
    """

    def __init__(self, file: str | Path, threads: int | None = None, starts: Sequence[int] = STARTS) -> None:
        """starts : of further looks at a doubtful window, in samples, see jijin.looks."""
        if threads is not None and threads < 1:
            raise ModelError(f"'threads' must be at least 1, or None for all (got {threads})")
        self.file = Path(file)
        self.threads = threads or cpus()
        self.starts, self.moved = starts, True
        self._session = _open(self.file)
        self._pools: dict[int, ThreadPoolExecutor] = {}  # by process
        try:
            meta = _metadata(self._session)
            self.name, self.version = str(meta["name"]), str(meta["version"])
            self.thresholds: Mapping[str, float] = {key: float(meta["thresholds"][key]) for key in OUTPUTS}
            self.time_uncertainty: Mapping[str, Mapping[str, float]] = {
                key: _numbers(meta["time_uncertainty"][key]) for key in OUTPUTS[1:]
            }
        except (KeyError, TypeError, ValueError) as error:
            raise ModelError(f"{self.file}: not a jijin model, its metadata lack {error}") from error
        _check_shapes(self._session, meta, self.file)

    def __repr__(self) -> str:
        return f"OnnxModel({self.name} {self.version}, {self.file.name})"

    def single_look(self) -> OnnxModel:
        """The same model without further looks: faster where there is doubt, and less steady. Thresholds and time
        uncertainty stay, which were set with them."""
        other = copy(self)  # the session and the threads are the same
        other.starts = ()
        return other

    def unmoved(self, looks: bool) -> OnnxModel:
        """The same model for a Detector, which moves peaks to the onsets by itself; looks : with further ones."""
        other = copy(self) if looks else self.single_look()
        other.moved = False
        return other

    def predict(self, windows: ArrayLike) -> Prediction:
        """Probabilities of windows : (window, 3, 6000), rows Z, N, E at 100 Hz; any units and real dtype.

        Missing samples are NaN or long runs of exact zeros; where all three components miss, the probability is 0.
        A window with a doubtful onset takes four times as long, see jijin.looks. A list of windows is not copied as a
        whole. Never changes its input. ModelError if the shape is another.
        """
        x = windows if isinstance(windows, list) else np.asarray(windows)
        out = np.empty((len(OUTPUTS), len(x), IN_SAMPLES), np.float32)
        groups = [slice(at, at + GROUP) for at in range(0, len(x), GROUP)]
        work = self._side_by_side().map if len(groups) > 1 and self.threads > 1 else map
        for _ in work(lambda group: self._predict_group(np.asarray(x[group]), out[:, group]), groups):
            pass
        return Prediction(*out)

    def _side_by_side(self) -> ThreadPoolExecutor:
        """Threads that stay, since new ones begin with cold memory; a forked process has none and makes its own."""
        process = os.getpid()
        if process not in self._pools:
            self._pools.clear()
            self._pools[process] = ThreadPoolExecutor(self.threads)
        return self._pools[process]

    def _predict_group(self, x: NDArray[Any], out: NDArray[np.float32]) -> None:
        """(window, 3, sample) -> out (output, window, sample)."""
        if x.shape[1:] != (len(COMPONENTS), IN_SAMPLES) or x.dtype.kind not in "iufb":
            raise ModelError(
                f"'windows' must be real numbers of shape (window, 3, {IN_SAMPLES}) (got {x.dtype} {x.shape})"
            )
        out[:] = predicted(x, self.network, self.starts, self.moved)

    def network(self, windows: NDArray[np.float32]) -> NDArray[np.float32]:
        """The network alone: normalised windows (window, 3, 6000) -> (output, window, 6000), as it says at one look."""
        out = np.empty((len(OUTPUTS), len(windows), IN_SAMPLES), np.float32)
        for i in range(len(windows)):
            out[:, i : i + 1] = self._session.run(OUTPUTS, {"windows": windows[i : i + 1]})
        return out


def _open(file: Path) -> Any:
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # or some releases tell Microsoft that they were used
    import onnxruntime
    from onnxruntime.capi import onnxruntime_pybind11_state as state

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # the threads are ours
    options.add_free_dimension_override_by_name("batch", 1)
    options.log_severity_level = 4
    errors = (state.Fail, state.InvalidArgument, state.InvalidGraph, state.InvalidProtobuf, state.NoSuchFile)
    try:
        return onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
    except (*errors, state.NotImplemented, state.RuntimeException) as error:
        raise ModelError(f"{file}: not a readable ONNX file ({str(error).splitlines()[0]})") from error


def _metadata(session: Any) -> Any:
    return json.loads(session.get_modelmeta().custom_metadata_map["jijin"])


def _numbers(settings: Mapping[str, Any]) -> dict[str, float]:
    """Those of a phase's time uncertainty; KeyError if one that it needs is missing."""
    numbers = {name: float(value) for name, value in settings.items()}
    return {"scale": numbers["scale"], "floor_s": numbers["floor_s"], **numbers}


def _check_shapes(session: Any, meta: Mapping[str, Any], file: Path) -> None:
    """ModelError unless the file says and has what predict() relies on."""
    want = {"components": COMPONENTS, "sampling_rate": int(RATE), "in_samples": IN_SAMPLES}
    for key, value in want.items():
        if meta.get(key) != value:
            raise ModelError(f"{file}: '{key}' must be {value} (got {meta.get(key)})")
    inputs = [(i.name, i.type, i.shape[1:]) for i in session.get_inputs()]
    if inputs != [("windows", "tensor(float)", [len(COMPONENTS), IN_SAMPLES])]:
        raise ModelError(f"{file}: the input must be float 'windows' (batch, 3, {IN_SAMPLES}) (got {inputs})")
    outputs = {o.name: o.shape[1:] for o in session.get_outputs()}
    if any(outputs.get(name) != [IN_SAMPLES] for name in OUTPUTS):
        raise ModelError(f"{file}: outputs must be detection, p and s, each (batch, {IN_SAMPLES}) (got {outputs})")
