"""Published pickers to compare with: a folder with a peers.py, or SeisBench's own models and weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jijin.errors import DataError, MissingExtra
from jijin.evaluate.pickers import Peer, peer_loaders
from jijin.types import IN_SAMPLES, RATE

WEIGHTS = (("EQTransformer", "original"), ("PhaseNet", "original"))  # SeisBench's class and weights
ORDER = "ZNE"
TRAINED_ON = {"eqt": "STEAD", "phasenet": "Northern California"}  # by their authors


@dataclass(frozen=True, slots=True, eq=False)
class Published:
    """A published picker: predict(windows (window, 3, 6000), ZNE) -> "det", "p", "s", each (window, 6000) or None."""

    name: str
    model: Any

    @property
    def parameters(self) -> int:
        """Number of weights; 0 where the picker does not show its network."""
        core = getattr(self.model, "core", None)
        return sum(p.numel() for p in core.parameters()) if core is not None else 0

    @property
    def trained_on(self) -> str:
        """In words."""
        data = next((data for start, data in TRAINED_ON.items() if self.name.lower().startswith(start)), "")
        return f"{data}, by its authors" if data else "its authors' data"


Found = tuple[list[Published], list[str]]  # pickers; what is left out, and why


def of_folder(folder: Path) -> Found:
    """The pickers of a folder with a peers.py; one that cannot be loaded is left out.

    Raises ReadError or DataError where the folder as a whole is of no use.
    """
    found, notes = [], []
    for name, load in peer_loaders(folder).items():
        try:
            found.append(Published(name, load()))
        except DataError as error:
            notes.append(f"{name} was left out: {error}")
    return found, notes


def of_seisbench(download: bool) -> Found:
    """SeisBench's pickers with the weights that it has on this machine; download lets it fetch those it lacks."""
    if find_spec("seisbench") is None:
        return [], [f"EQTransformer and PhaseNet were left out: {MissingExtra('seisbench', 'seisbench')}"]
    found, notes = [], []
    for name, weights in WEIGHTS:
        try:
            model = from_seisbench(name, weights, download)
        except Exception as error:  # no connection, a server's refusal, a damaged file or installation
            notes.append(f"{name} was left out: its weights cannot be had ({error})")
            continue
        if model is None:
            notes.append(f"{name} was left out: SeisBench has no '{weights}' weights here; --download fetches them")
        else:
            found.append(Published(name, model))
    return found, notes


def from_seisbench(name: str, weights: str, download: bool) -> Peer | None:
    """SeisBench's model with its published weights; None where they are not on this machine and may not be fetched."""
    import seisbench.models

    kind = getattr(seisbench.models, name)
    if not download and not kind.list_versions(weights, remote=False):
        return None
    return Peer(SeisBenchPicker(kind.from_pretrained(weights)))


class SeisBenchPicker:
    """A picker of SeisBench on single windows, with its own preprocessing; nothing is blinded at the edges.

    A model of shorter windows than 60 s looks at several, evenly laid, and is averaged where they overlap.
    """

    def __init__(self, model: Any) -> None:
        self.core = model.eval()
        samples = model.in_samples
        count = -(-IN_SAMPLES // samples) + (samples < IN_SAMPLES)
        self.starts = np.linspace(0, IN_SAMPLES - samples, count).round().astype(int).tolist()

    def predict(self, windows: NDArray[np.float32]) -> Mapping[str, NDArray[np.float32] | None]:
        """windows : (window, 3, 6000), ZNE, any units; missing samples are zero."""
        import torch

        model, n = self.core, self.core.in_samples
        x = torch.from_numpy(self._filtered(windows)[:, [ORDER.index(c) for c in model.component_order]])
        total = np.zeros((len(x), IN_SAMPLES, len(model.labels)), np.float32)
        count = np.zeros((IN_SAMPLES, 1), np.float32)
        for start in self.starts:
            with torch.inference_mode():
                ready = model.annotate_batch_pre(x[:, :, start : start + n].clone(), {})
                out = model.annotate_batch_post(model(ready), None, {"blinding": (0, 0)})
            total[:, start : start + n] += out.numpy()
            count[start : start + n] += 1
        curves = dict(zip(model.labels, np.moveaxis(total / count, -1, 0), strict=True))
        return {"det": curves.get("Detection"), "p": curves["P"], "s": curves["S"]}

    def _filtered(self, windows: NDArray[np.float32]) -> NDArray[np.float32]:
        """The windows after the filter that the weights ask for, if any."""
        from obspy import Stream, Trace

        if self.core.filter_args is None and self.core.filter_kwargs is None:
            return np.asarray(windows, np.float32)
        header = [{"sampling_rate": RATE, "channel": f"HH{c}"} for c in ORDER]
        stream = Stream([Trace(row.astype(np.float64), h) for w in windows for row, h in zip(w, header, strict=True)])
        self.core._filter_stream(stream)
        return np.stack([trace.data for trace in stream]).reshape(windows.shape).astype(np.float32)
