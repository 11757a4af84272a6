"""Who may see the page: on this computer everyone on it, elsewhere who has the token."""

from __future__ import annotations

import hmac
import ipaddress
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from jijin.errors import ConfigError

COOKIE = "jijin_token"
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}

REFUSED = {
    401: "a token is needed: open the address that jijin live has printed",
    403: "another site may not ask here",
    421: "this page is served on this computer alone, under the name localhost or 127.0.0.1",
}


@dataclass(frozen=True, slots=True)
class Address:
    """Where the page is served. token None: on this computer only, no token asked for."""

    host: str
    port: int
    token: str | None

    @property
    def url(self) -> str:
        """What to open in a browser."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}/" + (f"?token={self.token}" if self.token else "")


def parse_address(text: str, token: str | None = None) -> Address:
    """HOST:PORT. On another address than this computer's own a token is needed; one is made unless given.

    >>> parse_address("127.0.0.1:8720")
    Address(host='127.0.0.1', port=8720, token=None)
    """
    parts = urlsplit(f"//{text}")
    try:
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise ConfigError(f"--web {text}: {error}") from error
    if not host or port is None:
        raise ConfigError(f"--web {text}: write HOST:PORT, as in 127.0.0.1:8720")
    if token is not None and len(token) < 16:
        raise ConfigError("the token of the page must have 16 characters or more")
    return Address(host, port, token if token or is_local(host) else secrets.token_urlsafe(24))


def is_local(host: str) -> bool:
    """Whether only this computer can reach an address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def refusal(address: Address, headers: Mapping[str, str], query_token: str | None, cookie: str | None) -> int | None:
    """The HTTP status that answers a request that must not be served; None if it may."""
    host = headers.get("host", "")
    if is_local(address.host) and not is_local(urlsplit(f"//{host}").hostname or ""):
        return 421  # a name of someone else's that leads here
    origin = headers.get("origin")
    if origin is not None and urlsplit(origin).netloc != host:
        return 403
    if headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
        return 403
    if address.token is None:
        return None
    bearer = headers.get("authorization", "").removeprefix("Bearer ")
    given = [one for one in (query_token, cookie, bearer) if one]
    return None if any(hmac.compare_digest(one.encode(), address.token.encode()) for one in given) else 401
