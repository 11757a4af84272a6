"""The card in words, and what is said without SeisBench. Needs no SeisBench."""

import builtins
import importlib
import json
import sys

import pytest

from jijin.errors import MissingExtra
from jijin.interop.card import docstring
from jijin.models import WEIGHTS, card_of


def test_the_card_in_words_tells_scores_and_licences():
    card = card_of(WEIGHTS / "cba.onnx")
    text = docstring("cba", card["version"], card)
    f1 = card["scores"]["test"]["s"]["0.5_s"]["f1"]
    assert f"S F1 {f1:.2f}" in text.splitlines()[2] and card["sha256"] in text
    assert json.dumps(card["licences"]) in text


def test_a_model_without_a_card_or_scores_has_a_docstring(tmp_path):
    assert card_of(tmp_path / "mine.onnx") == {}
    assert docstring("mine", "2", {}) == docstring("mine", "2", {"scores": "not measured"})
    assert docstring("mine", "2", {}).startswith("mine 2,")


def test_without_seisbench_the_error_names_the_extra(monkeypatch):
    real = builtins.__import__

    def refuse(name, *args):
        if name.split(".")[0] == "seisbench":
            raise ModuleNotFoundError(f"No module named '{name}'", name=name)
        return real(name, *args)

    monkeypatch.setattr(builtins, "__import__", refuse)
    monkeypatch.delitem(sys.modules, "jijin.interop.seisbench", raising=False)
    with pytest.raises(MissingExtra, match=r"pip install 'jijin\[seisbench\]'"):
        importlib.import_module("jijin.interop.seisbench")
