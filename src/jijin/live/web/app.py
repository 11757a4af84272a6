"""What the web server answers. Imported only where Starlette is installed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

from jijin.live.metrics import exposition, health
from jijin.live.web.hub import Client, Hub, dumps, encode
from jijin.live.web.security import COOKIE, HEADERS, REFUSED, Address, refusal
from jijin.live.web.watch import Watch, sensors
from jijin.report import bundled

if TYPE_CHECKING:
    from jijin.live.session import Session

STATIC = Path(__file__).parent / "static"
REPORT = Path(bundled.__file__).parent / "web"
TYPES = {".js": "text/javascript", ".css": "text/css", ".html": "text/html"}
OPEN = ("/healthz",)  # answered without a token, and without details then
Next = Callable[[Request], Awaitable[Response]]


def files() -> dict[str, bytes]:
    """Everything that the page loads, by name."""
    shared = [REPORT / name for name in ("base.css", "tips.js", "map.js", "record.js")]
    ours = {path.name: path.read_bytes() for path in [*STATIC.iterdir(), *shared]}
    scripts = {name: bundled.script(name).encode() for name in ("leaflet.js", "seisplotjs.js")}
    return {**ours, **scripts, "leaflet.css": bundled.style("leaflet.css").encode()}


def make_app(session: Session, watch: Watch, hub: Hub, address: Address) -> Starlette:
    """The application."""
    app = Starlette(routes=Pages(session, watch, hub, address).routes())
    app.add_middleware(BaseHTTPMiddleware, dispatch=Guard(address))
    return app


class Guard:
    """Refuses, or serves with the headers that keep the page to itself."""

    def __init__(self, address: Address) -> None:
        self.address = address

    async def __call__(self, request: Request, call_next: Next) -> Response:
        token = request.query_params.get("token")
        status = refusal(self.address, request.headers, token, request.cookies.get(COOKIE))
        if status and not (status == 401 and request.url.path in OPEN):
            response: Response = PlainTextResponse(REFUSED[status], status)
        elif token and self.address.token and not status:
            response = RedirectResponse(request.url.path)
            response.set_cookie(COOKIE, token, httponly=True, samesite="strict")
        else:
            response = await call_next(request)
        for name, value in HEADERS.items():
            response.headers[name] = value
        return response


class Pages:
    """One method an address."""

    def __init__(self, session: Session, watch: Watch, hub: Hub, address: Address) -> None:
        self.session, self.watch, self.hub, self.address = session, watch, hub, address
        self.static = files()

    def routes(self) -> list[Route]:
        """All of them only answer GET."""
        found: dict[str, Callable[[Request], Response | Awaitable[Response]]] = {
            "/": self.page, "/assets/{name}": self.asset, "/api/whole": self.whole, "/api/history": self.history,
            "/api/event/{event_id}": self.record, "/api/coast": self.coast, "/stream": self.stream,
            "/healthz": self.healthz, "/metrics": self.metrics,
        }  # fmt: skip
        return [Route(path, function, methods=["GET"]) for path, function in found.items()]

    def page(self, request: Request) -> Response:
        return Response(self.static["live.html"], media_type="text/html")

    def asset(self, request: Request) -> Response:
        name = request.path_params["name"]
        if name not in self.static:
            return PlainTextResponse("no such file", 404)
        return Response(self.static[name], media_type=TYPES.get(Path(name).suffix, "application/octet-stream"))

    def whole(self, request: Request) -> Response:
        return _json(self.watch.whole())

    def history(self, request: Request) -> Response:
        wanted = sensors(request.query_params.getlist("sensor"))
        return _json([trace for name in sorted(wanted) for trace in self.watch.history(name)])

    def record(self, request: Request) -> Response:
        found = self.watch.record(request.path_params["event_id"])
        return _json(found) if found else PlainTextResponse("no such event", 404)

    def coast(self, request: Request) -> Response:
        return _json(self.watch.coast())

    async def stream(self, request: Request) -> Response:
        client = self.hub.join(sensors(request.query_params.getlist("sensor")))
        if client is None:
            return PlainTextResponse("too many pages are open", 503)
        return StreamingResponse(_told(client, self.hub, self.watch), media_type="text/event-stream")

    def healthz(self, request: Request) -> Response:
        alive, found = health(self.session)
        known = refusal(self.address, request.headers, None, request.cookies.get(COOKIE)) is None
        return _json({"alive": alive, "well": not found, "trouble": found if known else []}, 200 if alive else 503)

    def metrics(self, request: Request) -> Response:
        return PlainTextResponse(exposition(self.session), media_type="text/plain; version=0.0.4")


def _json(data: object, status: int = 200) -> Response:
    return Response(dumps(data), status, media_type="application/json")


async def _told(client: Client, hub: Hub, watch: Watch) -> AsyncIterator[bytes]:
    """What is pushed to one page, until it leaves."""
    try:
        yield b"retry: 2000\n\n"
        yield encode("status", watch.status())
        async for message in client.messages():
            yield message
    finally:
        hub.leave(client)
