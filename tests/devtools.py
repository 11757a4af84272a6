"""Headless Chromium held open and asked through its own protocol: for pages that never finish loading."""

from __future__ import annotations

import base64
import json
import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from browser import FLAGS, chromium

FLAGS_LIVE = [flag for flag in FLAGS if not flag.startswith(("--virtual-time", "--enable-logging"))]


class Page:
    """One open page. console: what it said there, and what it threw."""

    def __init__(self, socket: Any) -> None:
        self._socket, self._number = socket, 0
        self.console: list[str] = []
        for domain in ("Runtime", "Page", "Log"):
            self.ask(f"{domain}.enable")

    def ask(self, method: str, **params: Any) -> dict[str, Any]:
        """The answer to one command."""
        self._number += 1
        self._socket.send(json.dumps({"id": self._number, "method": method, "params": params}))
        while True:
            message = json.loads(self._socket.recv(timeout=60))
            if message.get("id") == self._number:
                assert "error" not in message, message
                return dict(message["result"])
            self._note(message)

    def _note(self, message: dict[str, Any]) -> None:
        if message.get("method") == "Runtime.consoleAPICalled":
            self.console += [str(one.get("value", one.get("description"))) for one in message["params"]["args"]]
        elif message.get("method") == "Runtime.exceptionThrown":
            self.console.append(
                str(message["params"]["exceptionDetails"].get("exception", {}).get("description", "thrown"))[:500]
            )
        elif message.get("method") == "Log.entryAdded":
            self.console.append(message["params"]["entry"]["text"])

    def value(self, script: str) -> Any:
        """What an expression is in the page."""
        found = self.ask("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)["result"]
        return found.get("value")

    def until(self, script: str, limit_s: float = 60.0) -> Any:
        """The expression's value once it is true."""
        end = time.monotonic() + limit_s
        while not (found := self.value(script)):
            assert time.monotonic() < end, (script, self.console[-5:])
            time.sleep(0.1)
        return found

    def picture(self, path: Path, width: int, height: int) -> Path:
        """A screenshot as on a screen of that size."""
        self.ask(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600
        )
        time.sleep(1)
        path.write_bytes(base64.b64decode(self.ask("Page.captureScreenshot")["data"]))
        return path


@contextmanager
def opened(url: str, folder: Path, width: int = 1200, height: int = 900) -> Iterator[Page]:
    """A page in a browser of its own."""
    from websockets.sync.client import connect

    words = [f"--user-data-dir={folder / 'profile'}", f"--window-size={width},{height}", "--remote-debugging-port=0"]
    program = subprocess.Popen([chromium(), *FLAGS_LIVE, *words, url], stderr=subprocess.PIPE, text=True)
    try:
        assert program.stderr is not None
        line = next(line for line in program.stderr if "DevTools listening" in line)
        port = re.search(r":(\d+)/", line)
        assert port is not None
        with urlopen(f"http://127.0.0.1:{port[1]}/json/list", timeout=30) as answer:
            targets = json.load(answer)
        address = next(one["webSocketDebuggerUrl"] for one in targets if one["type"] == "page")
        with connect(address, max_size=None) as socket:
            yield Page(socket)
    finally:
        program.terminate()
        program.wait(30)
