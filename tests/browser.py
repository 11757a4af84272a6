"""A page in headless Chromium: its document after its scripts ran, what it said on the console, what it asked for."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--hide-scrollbars",
    "--enable-logging=stderr", "--virtual-time-budget=4000",
]  # fmt: skip
PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "chrome")


@dataclass(frozen=True)
class Seen:
    """dom: the document in the end; console: its lines; requests: URLs that the page asked the network for."""

    dom: str
    console: list[str]
    requests: list[str]


def chromium() -> str:
    """The browser's path; the test is skipped, loudly, where there is none."""
    found = next((path for path in map(shutil.which, PROGRAMS) if path), None)
    if found is None:
        pytest.skip("no Chromium is installed: the page is NOT looked at in a browser")
    return found


def visit(page: Path, folder: Path, script: str = "", width: int = 1200) -> Seen:
    """Open a page of the file system; a script of the test runs after those of the page."""
    if script:
        text = page.read_text(encoding="utf-8").replace("</body>", f"<script>{{{script}}}</script></body>")
        page = folder / "visited.html"
        page.write_text(text, encoding="utf-8")
    log = folder / "net.json"
    done = _run(page, folder, width, "--dump-dom", f"--log-net-log={log}")
    console = re.findall(r"CONSOLE:?\d*.*?\] (.*)", done.stderr)
    return Seen(done.stdout, console, _requests(log))


def picture(page: Path, folder: Path, width: int = 1200, height: int = 900) -> Path:
    """A screenshot of the top of the page."""
    path = folder / "page.png"
    _run(page, folder, width, f"--screenshot={path}", height=height)
    return path


def _run(page: Path, folder: Path, width: int, *words: str, height: int = 900) -> subprocess.CompletedProcess[str]:
    profile, size = f"--user-data-dir={folder / 'profile'}", f"--window-size={width},{height}"
    command = [chromium(), *FLAGS, profile, size, *words, page.absolute().as_uri()]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=300)


def _requests(log: Path) -> list[str]:
    """What the page asked for, in Chromium's own log of its network: requests of the browser itself name no origin."""
    asked = (event.get("params", {}) for event in json.loads(log.read_text(encoding="utf-8"))["events"])
    urls = {one["url"] for one in asked if "url" in one and one.get("initiator", "not an origin") != "not an origin"}
    return sorted(url for url in urls if not url.startswith(("file:", "data:", "blob:")))
