"""The web server: in a thread and an event loop of its own; nothing a client does can hold up the picking."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any

from jijin.errors import MissingExtra
from jijin.live.metrics import exposition, health
from jijin.live.web.hub import Client, Hub, dumps, encode
from jijin.live.web.security import COOKIE, HEADERS, Address, refusal
from jijin.live.web.watch import Watch, sensors
from jijin.report import bundled

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response

    from jijin.live.session import Session

log = logging.getLogger("jijin")

STATIC = Path(__file__).parent / "static"
REPORT = Path(bundled.__file__).parent / "web"
TYPES = {".js": "text/javascript", ".css": "text/css", ".html": "text/html"}
OPEN = ("/healthz",)  # answered without a token, and without details then
Next = Callable[["Request"], Awaitable["Response"]]


def files() -> dict[str, bytes]:
    """Everything that the page loads, by name."""
    shared = [REPORT / name for name in ("base.css", "tips.js", "map.js", "record.js")]
    ours = {path.name: path.read_bytes() for path in [*STATIC.iterdir(), *shared]}
    scripts = {name: bundled.script(name).encode() for name in ("leaflet.js", "seisplotjs.js")}
    return {**ours, **scripts, "leaflet.css": bundled.style("leaflet.css").encode()}


def make_app(session: Session, watch: Watch, hub: Hub, address: Address) -> Starlette:
    """The application; MissingExtra without Starlette."""
    try:
        from starlette.applications import Starlette
        from starlette.middleware.base import BaseHTTPMiddleware
        from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response, StreamingResponse
        from starlette.routing import Route
    except ImportError as error:
        raise MissingExtra("starlette", "live") from error

    static = files()

    async def guard(request: Request, call_next: Next) -> Response:
        """Refuse, or serve with the headers that keep the page to itself."""
        token = request.query_params.get("token")
        status = refusal(address, request.headers, token, request.cookies.get(COOKIE))
        if status and not (status == 401 and request.url.path in OPEN):
            response: Response = PlainTextResponse(REFUSED[status], status)
        elif token and address.token and not status:
            response = RedirectResponse(request.url.path)
            response.set_cookie(COOKIE, token, httponly=True, samesite="strict")
        else:
            response = await call_next(request)
        for name, value in HEADERS.items():
            response.headers[name] = value
        return response

    def page(request: Request) -> Response:
        return Response(static["live.html"], media_type="text/html")

    def asset(request: Request) -> Response:
        name = request.path_params["name"]
        if name not in static:
            return PlainTextResponse("no such file", 404)
        return Response(static[name], media_type=TYPES.get(Path(name).suffix, "application/octet-stream"))

    def whole(request: Request) -> Response:
        return Response(dumps(watch.whole()), media_type="application/json")

    def history(request: Request) -> Response:
        wanted = sensors(request.query_params.getlist("sensor"))
        return Response(
            dumps([t for name in sorted(wanted) for t in watch.history(name)]), media_type="application/json"
        )

    def record(request: Request) -> Response:
        found = watch.record(request.path_params["event_id"])
        return JSONResponse(found) if found else PlainTextResponse("no such event", 404)

    def coast(request: Request) -> Response:
        return JSONResponse(watch.coast())

    async def stream(request: Request) -> Response:
        client = hub.join(sensors(request.query_params.getlist("sensor")))
        if client is None:
            return PlainTextResponse("too many pages are open", 503)
        return StreamingResponse(_told(client, hub, watch), media_type="text/event-stream")

    def healthz(request: Request) -> Response:
        alive, found = health(session)
        known = refusal(address, request.headers, None, request.cookies.get(COOKIE)) is None
        return JSONResponse(
            {"alive": alive, "well": not found, "trouble": found if known else []}, 200 if alive else 503
        )

    def metrics(request: Request) -> Response:
        return PlainTextResponse(exposition(session), media_type="text/plain; version=0.0.4")

    routes: list[tuple[str, Any]] = [
        ("/", page), ("/assets/{name}", asset), ("/api/whole", whole), ("/api/history", history),
        ("/api/event/{event_id}", record), ("/api/coast", coast), ("/stream", stream), ("/healthz", healthz),
        ("/metrics", metrics),
    ]  # fmt: skip
    app = Starlette(routes=[Route(path, function, methods=["GET"]) for path, function in routes])
    app.add_middleware(BaseHTTPMiddleware, dispatch=guard)
    return app


REFUSED = {
    401: "a token is needed: open the address that jijin live has printed",
    403: "another site may not ask here",
    421: "this page is served on this computer alone, under the name localhost or 127.0.0.1",
}


async def _told(client: Client, hub: Hub, watch: Watch) -> AsyncIterator[bytes]:
    """What is pushed to one page, until it leaves."""
    try:
        yield b"retry: 2000\n\n"
        yield encode("status", watch.status())
        async for message in client.messages():
            yield message
    finally:
        hub.leave(client)


class WebServer:
    """Serves from start() to close(). Raises OSError if the address is taken."""

    def __init__(self, session: Session, address: Address) -> None:
        try:
            import uvicorn
        except ImportError as error:
            raise MissingExtra("uvicorn", "live") from error
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


def _listen(address: Address) -> Any:
    import socket

    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    try:
        return socket.create_server((address.host, address.port), family=family, backlog=64)
    except OSError as error:
        raise OSError(error.errno, f"the page cannot be served there: {error.strerror}", address.host) from error
