"""What others wrote and our pages need: assets/manifest.json says what, whose, which version."""

from __future__ import annotations

import json
import lzma
import re
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "assets"
FETCHES = re.compile(r"url\([^)]*\)")  # pictures of controls that our pages do without
MAP_FILE = re.compile(r"^//# sourceMappingURL=.*$", re.MULTILINE)


def script(name: str) -> str:
    """A JavaScript file, safe inside a script element; its source map is not asked for."""
    return inline(MAP_FILE.sub("", (FOLDER / name).read_text(encoding="utf-8")))


def inline(code: str) -> str:
    """JavaScript that no word in it ends or opens a script element of HTML."""
    return code.replace("</script", "<\\/script").replace("<!--", "\\x3c!--")


def style(name: str) -> str:
    """A CSS file that fetches nothing."""
    return FETCHES.sub("none", (FOLDER / name).read_text(encoding="utf-8"))


def topology(name: str) -> dict[str, Any]:
    """A TopoJSON file packed with xz."""
    found: dict[str, Any] = json.loads(lzma.decompress((FOLDER / name).read_bytes()))
    return found


def manifest() -> list[dict[str, Any]]:
    """One entry a file: package, version, licence, what was done to it, sha256."""
    found: list[dict[str, Any]] = json.loads((FOLDER / "manifest.json").read_text(encoding="utf-8"))
    return found
