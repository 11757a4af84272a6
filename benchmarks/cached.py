"""Curves of a picker on disk, one file a window, so that the parts of a measurement share them."""

from __future__ import annotations

from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np


class Cached:
    """A peer whose curves are kept; what it has not seen before it predicts."""

    def __init__(self, model: Any, folder: Path) -> None:
        self.model, self.folder = model, folder
        folder.mkdir(parents=True, exist_ok=True)

    def predict(self, windows: np.ndarray) -> dict[str, np.ndarray | None]:
        """windows : (window, 3, 6000) -> "p", "s", "det", each (window, 6000), the last None if it has none."""
        x = np.ascontiguousarray(windows, np.float32)
        files = [self.folder / f"{blake2b(w.tobytes(), digest_size=16).hexdigest()}.npy" for w in x]
        new = [i for i, file in enumerate(files) if not file.exists()]
        if new:
            self._write(self.model.predict(x[new]), [files[i] for i in new])
        curves = np.stack([np.load(file) for file in files])
        return {"p": curves[:, 0], "s": curves[:, 1], "det": curves[:, 2] if curves.shape[1] == 3 else None}

    def _write(self, out: dict[str, Any], files: list[Path]) -> None:
        rows = [out[key] for key in ("p", "s", "det") if out.get(key) is not None]
        for file, curves in zip(files, np.stack(rows, 1), strict=True):
            part = file.with_suffix(".part")
            with part.open("wb") as stream:
                np.save(stream, curves.astype(np.float32))
            part.rename(file)
