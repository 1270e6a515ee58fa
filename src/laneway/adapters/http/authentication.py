"""Authenticates every request before it is answered.

Requests on the Unix socket come from the user that laneway runs as (``connections`` checks this),
who is an admin. Over TCP, a bearer token is needed. There are no cookies, so web pages cannot act
for the user of the browser. Requests with a foreign ``Host`` or ``Origin`` are refused, so no web
page can reach a port of this machine under its own host name (DNS rebinding).

The files of the console are public, because a browser needs them before it can send a token.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import datetime

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from laneway.adapters.http.console_files import ROOT, SIGN_IN
from laneway.adapters.http.same_origin import LOCAL, check_host, check_origin
from laneway.apiserver.failures import Failure
from laneway.apiserver.tokens import ADMIN, Identity, Token, identified

#: For probes, which have no token. They reveal nothing else.
_OPEN = frozenset({"/healthz", "/readyz", "/livez"})
_LONGEST_HEADER = 4096


class Authentication:
    """ASGI middleware; ``request.state.identity`` is an ``Identity`` behind it.

    ``tokens`` are by id. ``hosts`` are additional host names of the server.
    """

    def __init__(
        self,
        app: ASGIApp,
        tokens: Mapping[str, Token],
        local_user: str,
        hosts: Collection[str],
        now: Callable[[], datetime],
    ) -> None:
        self._app = app
        self._tokens = tokens
        self._local_user = local_user
        self._hosts = LOCAL | frozenset(hosts)
        self._now = now

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        request = Request(scope)
        try:
            identity = self._identity(request)
        except Failure as failure:
            headers = {"WWW-Authenticate": "Bearer"} if failure.code == 401 else {}
            await JSONResponse(failure.document, failure.code, headers)(scope, receive, send)
            return
        request.state.identity = identity
        await self._app(scope, receive, send)

    def _identity(self, request: Request) -> Identity | None:
        """Returns None for public paths. Raises ``Failure``."""
        if is_unix_socket(request):
            return Identity(self._local_user, frozenset({ADMIN}))
        check_host(request, self._hosts)
        check_origin(request, is_page=is_console(request))
        if request.scope["path"] in _OPEN or is_console(request):
            return None
        header = request.headers.get("authorization", "")
        if len(header) > _LONGEST_HEADER:
            raise Failure(401, "the Authorization header is longer than any token")
        scheme, _, text = header.partition(" ")
        identity = None
        if scheme.lower() == "bearer":
            identity = identified(text.strip(), self._tokens, self._now())
        if identity is None:
            raise Failure(401, "a valid token is needed: `Authorization: Bearer lw_...`")
        return identity


def is_console(request: Request) -> bool:
    return request.scope["path"] in ("/console", SIGN_IN) or (
        request.method == "GET" and request.scope["path"].startswith(ROOT)
    )


def is_unix_socket(request: Request) -> bool:
    server = request.scope.get("server")
    return server is not None and server[1] is None
