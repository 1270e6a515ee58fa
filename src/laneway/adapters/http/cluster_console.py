"""The console in a cluster: its files, and a narrow way to the cluster's API server.

Every request that is passed on carries the caller's own token and nothing of the operator's.
``apiserver.console_requests`` says what is passed on. Beside it are two endpoints that the console
has for itself on one machine, and that are put together here from answers to the caller: who the
caller is, and one stream of all objects.
"""

from __future__ import annotations

from collections.abc import Collection
from contextlib import AsyncExitStack

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from laneway.adapters.http.administration import API_VERSION
from laneway.adapters.http.application import REFUSALS
from laneway.adapters.http.bodies import content_type, limited_body
from laneway.adapters.http.callers_events import CallersEvents
from laneway.adapters.http.callers_identity import callers_identity
from laneway.adapters.http.console_files import ROOT, ConsoleFiles
from laneway.adapters.http.same_origin import ANSWER_HEADERS, SameOrigin
from laneway.apiserver.callers_api import ApiUnreachable, CallersApi
from laneway.apiserver.console_requests import PassedRequest, callers_token, passed_request
from laneway.apiserver.failures import Failure

_API = f"/apis/{API_VERSION}"
#: Requests that are passed on at once. Each may hold a body of two megabytes, and the operator
#: itself needs its memory.
MOST_AT_ONCE = 24
#: Of the API server's answer; there is nothing else that the console reads.
_PASSED_BACK = ("warning", "retry-after")


class ClusterConsole:
    """``hosts`` are the names under which browsers reach it, besides those of loopback."""

    def __init__(self, files: ConsoleFiles, api: CallersApi, hosts: Collection[str]) -> None:
        self._api = api
        self.events = CallersEvents(api)
        routes = [
            *files.routes,
            Route(f"{_API}/identity", self._identity),
            Route(f"{_API}/events", self.events),
            Route("/{path:path}", _PassOn(api)),
        ]
        app = Starlette(routes=routes, exception_handlers=REFUSALS)
        self.app: ASGIApp = SameOrigin(app, hosts, _is_page)

    async def _identity(self, request: Request) -> Response:
        token = callers_token(request.headers.items())
        return JSONResponse(await callers_identity(self._api, token), headers=ANSWER_HEADERS)


class _PassOn:
    """An ASGI application."""

    def __init__(self, api: CallersApi) -> None:
        self._api = api
        self._under_way = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        token = callers_token(request.headers.items())
        path = scope["raw_path"].decode("latin-1")
        query = request.query_params.multi_items()
        asked = passed_request(request.method, path, query, content_type(request))
        if self._under_way >= MOST_AT_ONCE:
            raise Failure(503, "the console is busy with other requests; try again")
        self._under_way += 1
        try:
            body = await limited_body(request)
            async with AsyncExitStack() as stack:
                response = await self._open(stack, token, asked, body)
                await response(scope, receive, send)
        finally:
            self._under_way -= 1

    async def _open(
        self, stack: AsyncExitStack, token: str, asked: PassedRequest, body: bytes
    ) -> Response:
        """The API server's answer, which is read while it is sent."""
        opened = self._api.send(
            token, asked.method, asked.target, body=body, content_type=asked.content_type
        )
        try:
            answer = await stack.enter_async_context(opened)
        except ApiUnreachable as error:
            raise Failure(502, str(error)) from error
        if 300 <= answer.status < 400:
            raise Failure(502, "the cluster's API server answered with a redirect")
        headers = {name: answer.headers[name] for name in _PASSED_BACK if name in answer.headers}
        kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
        # Whatever else it is must not be run or shown as a page.
        media_type = "application/json" if kind == "application/json" else "text/plain"
        headers |= ANSWER_HEADERS
        return StreamingResponse(answer.chunks, answer.status, headers, media_type)


def _is_page(request: Request) -> bool:
    path: str = request.scope["path"]
    return path == ROOT.rstrip("/") or path.startswith(ROOT)
