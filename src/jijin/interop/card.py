"""A model's card in words, for tools that keep one text beside the weights."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

TOLD = {
    "counts": "Trained on, records by data set (dev and test are other earthquakes)",
    "weaknesses": "Weak at",
    "pickers": "Published pickers whose agreement completed the labels",
    "licences": "Sources and licences of the training data",
    "thresholds": "Thresholds, from dev",
    "time_uncertainty": "Time uncertainty of jijin.pick",
    "parameters": "Parameters",
    "sha256": "SHA-256 of the .onnx file",
}


def docstring(name: str, version: str, card: Mapping[str, Any]) -> str:
    """What a model is, how it scored, what it was trained on and under which licences; a line each."""
    scores: Any = card.get("scores")
    splits = scores if isinstance(scores, dict) else {}  # a sentence where nothing was measured
    lines = [
        f"{name} {version}, weights of the picker jijin: probabilities of an earthquake, of P and of S at each sample; "
        "windows of 60 s, components Z, N, E at 100 Hz. Licence: MIT.",
        *(_score(split, found) for split, found in splits.items()),
        *(f"{title}: {json.dumps(card[key])}" for key, title in TOLD.items() if key in card),
    ]
    return "\n".join(lines)


def _score(split: str, scores: Mapping[str, Any]) -> str:
    told = [
        f"{phase} F1 {found['f1']:.2f} ({found['f1_95'][0]:.2f} to {found['f1_95'][1]:.2f}, {found['labels']} labels)"
        for phase in "PS"
        for found in [scores[phase.lower()]["0.5_s"]]
    ]
    return f"Within 0.5 s of analysts' labels, {split} split: {', '.join(told)}."
