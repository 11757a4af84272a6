"""The Python in README and docs runs, each page from its top, in an empty folder, with an archive to read."""

from __future__ import annotations

import re
from pathlib import Path

import obspy
import pytest

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
NOT_HERE = "STEAD/"  # a block that names it is compiled only: the data set is not on every machine


def code(page: Path) -> list[str]:
    return BLOCK.findall(page.read_text(encoding="utf-8"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_code_of_a_page_runs(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if "jijin[seisbench]" in page.read_text(encoding="utf-8"):
        pytest.importorskip("seisbench", reason=f"seisbench is absent: the code of {page.name} is NOT checked")
    blocks = [compile(block, page.name, "exec") for block in code(page)]
    (tmp_path / "archive/2009").mkdir(parents=True)
    obspy.read().write(str(tmp_path / "archive/2009/quake.mseed"), format="MSEED")
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {"__name__": "page"}
    for block, text in zip(blocks, code(page), strict=True):
        if NOT_HERE not in text:
            exec(block, names)


@pytest.mark.parametrize("page", [*PAGES, ROOT / "CONTRIBUTING.md"], ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_every_column_is_in_the_docs() -> None:
    from jijin.io.tables import COLUMNS

    section = (ROOT / "docs/formats.md").read_text(encoding="utf-8").split("\n## ")[1]
    told = re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)
    assert tuple(told) == COLUMNS


@pytest.mark.parametrize("script", sorted((ROOT / "examples").glob("*.py")), ids=lambda script: script.name)
def test_examples_run(
    script: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import runpy

    obspy.read().write(str(tmp_path / "quake.mseed"), format="MSEED")
    monkeypatch.setattr("sys.argv", [str(script), str(tmp_path)])
    runpy.run_path(str(script), run_name="__main__")
    assert "RJOB" in capsys.readouterr().out
