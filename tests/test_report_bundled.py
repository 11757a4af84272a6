"""Scripts that the package brings along: what the manifest says, and nothing that a page would fetch."""

from __future__ import annotations

import hashlib

import pytest

from jijin.report import bundled


@pytest.mark.parametrize("entry", bundled.manifest(), ids=lambda entry: entry["file"])
def test_a_bundled_file_is_the_one_in_the_manifest(entry: dict[str, str]) -> None:
    content = (bundled.FOLDER / entry["file"]).read_bytes()
    assert hashlib.sha256(content).hexdigest() == entry["sha256"]
    assert f"==== {entry['package']} {entry['version']}\n" in (bundled.FOLDER / "LICENSES.txt").read_text()


def test_no_file_is_bundled_without_a_word_in_the_manifest() -> None:
    named = {entry["file"] for entry in bundled.manifest()} | {"manifest.json", "LICENSES.txt"}
    assert {path.name for path in bundled.FOLDER.iterdir()} == named


def test_style_and_script_name_no_other_file() -> None:
    assert "url(" not in bundled.style("leaflet.css")
    assert "sourceMappingURL" not in bundled.script("leaflet.js")


def test_a_script_cannot_end_the_element_it_stands_in() -> None:
    assert bundled.inline("x = '</script><!--'") == "x = '<\\/script>\\x3c!--'"
