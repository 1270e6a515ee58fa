"""Refuses requests of foreign web pages, by ``Host`` and ``Origin``.

A page can reach a port of this machine under its own host name (DNS rebinding), or send it requests
whose answers it cannot read. Neither is answered.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from laneway.apiserver.failures import Failure

LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})
#: Of answers with the caller's data: no other page embeds them, and nothing keeps them.
ANSWER_HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class SameOrigin:
    """ASGI middleware. ``hosts`` are additional host names of the server; ``is_page`` says which
    requests are for a page that others may link to."""

    def __init__(
        self, app: ASGIApp, hosts: Collection[str], is_page: Callable[[Request], bool]
    ) -> None:
        self._app = app
        self._hosts = LOCAL | frozenset(host.lower() for host in hosts)
        self._is_page = is_page

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        request = Request(scope)
        try:
            check_host(request, self._hosts)
            check_origin(request, is_page=self._is_page(request))
        except Failure as failure:
            await JSONResponse(failure.document, failure.code)(scope, receive, send)
            return
        await self._app(scope, receive, send)


def check_host(request: Request, hosts: Collection[str]) -> None:
    """Raises ``Failure``."""
    given = request.headers.getlist("host")
    name = _host_name(given[0]) if len(given) == 1 else ""
    if name not in hosts:
        raise Failure(403, "this server is not reached under the name in the Host header")


def check_origin(request: Request, *, is_page: bool) -> None:
    """Raises ``Failure``. Behind ``check_host``."""
    for origin in request.headers.getlist("origin"):
        parts = urlsplit(origin)
        own = f"{request.url.scheme}://{request.headers['host']}"
        if f"{parts.scheme}://{parts.netloc}" != own:
            raise Failure(403, "requests of other web sites are not answered")
    # Any page may link to the console; it can neither frame nor read it.
    navigation = request.method == "GET" and is_page
    if navigation and request.headers.get("sec-fetch-mode") == "navigate":
        return
    # Browsers send this header where they send no Origin.
    if request.headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
        raise Failure(403, "requests of other web sites are not answered")


def _host_name(host: str) -> str:
    """The host without its port; "" if it is invalid."""
    found = re.fullmatch(r"(\[(?P<six>[0-9a-f:.]+)\]|(?P<name>[a-z0-9.-]+))(:\d{1,5})?", host, re.I)
    if found is None:
        return ""
    return str(found["six"] or found["name"]).lower()
