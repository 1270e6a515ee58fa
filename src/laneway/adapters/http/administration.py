"""Endpoints of the server itself: health, its certificate, and tokens.

Tokens are presented as objects of ``api.laneway.dev/v1alpha1``. They are not stored in the log of
revisions.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from laneway.adapters.http.bodies import ReadYaml, body
from laneway.adapters.http.watches import Watches
from laneway.apiserver.failures import Failure
from laneway.apiserver.tokens import (
    ADMIN,
    DEFAULT_LIFE,
    Identity,
    Token,
    TokenStore,
    minted,
)
from laneway.model.times import timestamp

API_VERSION = "api.laneway.dev/v1alpha1"
_ROOT = f"/apis/{API_VERSION}"
_LONGEST_LIFE = timedelta(days=3650)


class AdministrationEndpoints:
    """``random`` returns a number of random bytes; ``ready`` says whether the mesh has been
    started."""

    def __init__(
        self,
        tokens: TokenStore,
        watches: Watches,
        read_yaml: ReadYaml,
        now: Callable[[], datetime],
        random: Callable[[int], bytes],
        ready: Callable[[], bool],
        server: Callable[[], dict[str, str]],
    ) -> None:
        self._tokens = tokens
        self._watches = watches
        self._read_yaml = read_yaml
        self._now = now
        self._random = random
        self._ready = ready
        self._server = server

    @property
    def routes(self) -> list[Route]:
        return [
            Route("/healthz", _healthy),
            Route("/livez", _healthy),
            Route("/readyz", self._readiness),
            Route(f"{_ROOT}/server", self._describe),
            Route(f"{_ROOT}/tokens", self._token_collection, methods=["GET", "POST"]),
            Route(f"{_ROOT}/tokens/{{name}}", self._delete_token, methods=["DELETE"]),
        ]

    async def _readiness(self, request: Request) -> Response:
        ready = self._ready()
        return PlainTextResponse("ok" if ready else "starting", 200 if ready else 503)

    async def _describe(self, request: Request) -> Response:
        """The address of the TCP port, and the certificate of the CA that clients must trust."""
        return JSONResponse({"kind": "Server", "apiVersion": API_VERSION, **self._server()})

    async def _token_collection(self, request: Request) -> Response:
        require_admin(request)
        if request.method != "POST":
            tokens = sorted(self._tokens.by_id.values(), key=lambda token: token.created)
            items = [_shown(token) for token in tokens]
            return JSONResponse({"kind": "TokenList", "apiVersion": API_VERSION, "items": items})
        return await self._create_token(request)

    async def _create_token(self, request: Request) -> Response:
        data = await body(request, self._read_yaml)
        spec = data.get("spec") if isinstance(data, dict) else None
        if not isinstance(spec, dict):
            raise Failure(400, "the body is not a Token with a spec")
        name, scopes = spec.get("name"), spec.get("scopes")
        if not isinstance(name, str) or not 0 < len(name) <= 100:
            raise Failure(422, "spec.name: expected a name of at most 100 characters")
        if not isinstance(scopes, list) or not all(isinstance(each, str) for each in scopes):
            raise Failure(422, "spec.scopes: expected a list of view, edit:GROUP and admin")
        life = _life(spec.get("expirationSeconds"))
        token, text = minted(name, scopes, self._random(37), self._now(), life)
        await self._tokens.add(token)
        shown = _shown(token)
        shown["status"]["token"] = text
        return JSONResponse(shown, 201)

    async def _delete_token(self, request: Request) -> Response:
        require_admin(request)
        number = request.path_params["name"]
        if not await self._tokens.remove(number):
            raise Failure(404, f'tokens.api.laneway.dev "{number}" not found')
        self._watches.end_token(number)
        return JSONResponse({"kind": "Status", "apiVersion": "v1", "status": "Success"})


async def _healthy(request: Request) -> Response:
    return PlainTextResponse("ok")


def _life(seconds: Any) -> timedelta:
    if seconds is None:
        return DEFAULT_LIFE
    if not isinstance(seconds, int) or not 0 < seconds <= _LONGEST_LIFE.total_seconds():
        raise Failure(422, "spec.expirationSeconds: expected seconds, at most those of ten years")
    return timedelta(seconds=seconds)


def _shown(token: Token) -> dict[str, Any]:
    return {
        "kind": "Token",
        "apiVersion": API_VERSION,
        "metadata": {"name": token.id, "creationTimestamp": timestamp(token.created)},
        "spec": {"name": token.name, "scopes": sorted(token.scopes)},
        "status": {"expirationTimestamp": timestamp(token.expires)},
    }


def require_admin(request: Request, what: str = "tokens are") -> None:
    """Raises ``Failure``."""
    identity = request.state.identity
    assert isinstance(identity, Identity)
    if ADMIN not in identity.scopes:
        raise Failure(403, f"{what} for admins, and {identity.name} is none")
