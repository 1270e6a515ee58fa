"""Endpoints for the console only: its identity, sign-in, and one stream of all changes.

A browser opens at most six connections to a server, for all of its tabs together. With a watch for
each resource, two open consoles would use them up. So one stream carries everything that a console
shows.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from laneway.adapters.http.administration import API_VERSION
from laneway.adapters.http.bodies import ReadYaml, body
from laneway.adapters.http.console_files import SIGN_IN, SIGN_OUT
from laneway.adapters.http.object_reads import server_sent_events
from laneway.adapters.http.watches import Watch, Watches
from laneway.apiserver.failures import Failure
from laneway.apiserver.field_ownership import without_managed_fields
from laneway.apiserver.resources import Resource
from laneway.apiserver.sign_in_codes import CODE_LIFE, SESSION_LIFE, SignInCodes
from laneway.apiserver.tokens import ADMIN, Identity, TokenStore, minted
from laneway.model.times import timestamp

_API = f"/apis/{API_VERSION}"


class ConsoleEndpoints:
    """``random`` returns a number of random bytes; ``address`` is the console's URL, or "".
    ``is_from_files`` says whether files declare an object, so that it must be changed there."""

    def __init__(
        self,
        resources: Collection[Resource],
        watches: Watches,
        tokens: TokenStore,
        codes: SignInCodes,
        read_yaml: ReadYaml,
        now: Callable[[], datetime],
        random: Callable[[int], bytes],
        address: Callable[[], str],
        is_from_files: Callable[[Mapping[str, Any]], bool] = lambda manifest: False,
    ) -> None:
        self._resources = frozenset(resource.qualified for resource in resources)
        self._watches = watches
        self._tokens = tokens
        self._codes = codes
        self._read_yaml = read_yaml
        self._now = now
        self._random = random
        self._address = address
        self._is_from_files = is_from_files

    @property
    def routes(self) -> list[Route]:
        return [
            Route(SIGN_IN, self._sign_in, methods=["POST"]),
            Route(SIGN_OUT, self._sign_out, methods=["POST"]),
            Route(f"{_API}/identity", _identity),
            Route(f"{_API}/events", self._events),
            Route(f"{_API}/signinlinks", self._create_link, methods=["POST"]),
        ]

    async def _sign_in(self, request: Request) -> Response:
        """Exchanges a code for a token. The caller has no token yet."""
        data = await body(request, self._read_yaml)
        code = data.get("code") if isinstance(data, dict) else None
        if not isinstance(code, str) or not self._codes.use(code, self._now()):
            raise Failure(
                401,
                "the link was used already, or is too old; `laneway console` prints a new one",
            )
        token, text = minted("console", [ADMIN], self._random(37), self._now(), SESSION_LIFE)
        await self._tokens.add(token)
        return JSONResponse({"token": text}, 201, {"Cache-Control": "no-store"})

    async def _sign_out(self, request: Request) -> Response:
        """Revokes the token that the request itself carries, and ends its streams."""
        identity = request.state.identity
        assert isinstance(identity, Identity)
        if not identity.token:
            raise Failure(400, "there is no token to revoke: this request needed none")
        await self._tokens.remove(identity.token)
        self._watches.end_token(identity.token)
        return JSONResponse({"kind": "Status", "apiVersion": "v1", "status": "Success"})

    async def _create_link(self, request: Request) -> Response:
        identity = request.state.identity
        assert isinstance(identity, Identity)
        if ADMIN not in identity.scopes:
            raise Failure(403, f"links to sign in are for admins, and {identity.name} is none")
        address = self._address()
        if not address:
            raise Failure(
                404, "this laneway shows no console; start it with `--console 127.0.0.1:0`"
            )
        code = self._codes.issue(self._random(32), self._now())
        status = {
            "url": sign_in_url(address, code),
            "expirationTimestamp": timestamp(self._now() + CODE_LIFE),
        }
        document = {"kind": "SignInLink", "apiVersion": API_VERSION, "status": status}
        return JSONResponse(document, 201, {"Cache-Control": "no-store"})

    async def _events(self, request: Request) -> Response:
        """Streams all objects of ``resource`` (may be repeated), a bookmark, and then changes."""
        asked = frozenset(request.query_params.getlist("resource"))
        if not asked or not asked <= self._resources:
            raise Failure(400, f"resource: name some of {', '.join(sorted(self._resources))}")
        watch = Watch(
            asked,
            "",
            lambda manifest: True,
            "console",
            self._shown,
            _bookmark,
            wants_bookmarks=True,
            marks_initial=True,
            token=request.state.identity.token,
        )
        lines = await self._watches.stream(watch, None, initial=True, seconds=None)
        return StreamingResponse(
            server_sent_events(lines),
            media_type="text/event-stream",
            headers={"Cache-Control": "no-store"},
        )

    def _shown(self, manifest: Mapping[str, Any]) -> dict[str, Any]:
        shown = without_managed_fields(manifest)
        return {**shown, "declaredBy": "files"} if self._is_from_files(manifest) else shown


def sign_in_url(address: str, code: str) -> str:
    """The code is in the fragment, which browsers never send, so it appears in no server's log."""
    return f"{address}#/sign-in/{code}"


async def _identity(request: Request) -> Response:
    """The caller and its permissions, so that the console offers only permitted actions."""
    identity = request.state.identity
    assert isinstance(identity, Identity)
    status = {"name": identity.name, "scopes": sorted(identity.scopes)}
    return JSONResponse({"kind": "Identity", "apiVersion": API_VERSION, "status": status})


def _bookmark(revision: int, initial: bool) -> dict[str, Any]:
    metadata: dict[str, Any] = {"resourceVersion": str(revision)}
    if initial:
        metadata["annotations"] = {"k8s.io/initial-events-end": "true"}
    return {"kind": "Bookmark", "apiVersion": API_VERSION, "metadata": metadata}
