"""The web server: in a thread and an event loop of its own; nothing a client does can hold up the picking."""

from __future__ import annotations

import asyncio
import logging
import socket
from threading import Thread
from typing import TYPE_CHECKING

from jijin.errors import MissingExtra
from jijin.live.web.hub import Hub
from jijin.live.web.security import Address
from jijin.live.web.watch import Watch

if TYPE_CHECKING:
    from jijin.live.session import Session

log = logging.getLogger("jijin")


class WebServer:
    """Serves from start() to close(). Raises OSError if the address is taken."""

    def __init__(self, session: Session, address: Address) -> None:
        try:
            import uvicorn

            from jijin.live.web.app import make_app
        except ImportError as error:
            raise MissingExtra("starlette and uvicorn", "live") from error
        self.address, self.hub = address, Hub()
        self.watch = Watch(session, self.hub)
        app = make_app(session, self.watch, self.hub, address)
        config = uvicorn.Config(
            app, log_config=None, access_log=False, lifespan="off", limit_concurrency=200, timeout_keep_alive=10,
            timeout_graceful_shutdown=1, server_header=False,
        )  # fmt: skip
        self._server = uvicorn.Server(config)
        self._socket = _listen(address)
        self.port = self._socket.getsockname()[1]
        self._thread = Thread(target=self._run, name="web", daemon=True)

    def start(self) -> None:
        """Begin to serve."""
        self._thread.start()

    def _run(self) -> None:
        loop = asyncio.new_event_loop()
        self.hub.loop = loop
        try:
            loop.run_until_complete(self._server.serve([self._socket]))
        except Exception:
            log.exception("the page has failed; picking goes on")
        finally:
            self.hub.loop = None
            loop.close()

    def close(self) -> None:
        """Let go of all clients."""
        self._server.should_exit = True
        if self._thread.is_alive():
            self._thread.join(5)
        self._socket.close()


def _listen(address: Address) -> socket.socket:
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    try:
        return socket.create_server((address.host, address.port), family=family, backlog=64)
    except OSError as error:
        raise OSError(error.errno, f"the page cannot be served there: {error.strerror}", address.host) from error
