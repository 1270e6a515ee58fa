"""``POST .../compactions``: removes the history of the store except for its last revisions.

``laneway store compact`` uses it, because it cannot open a store that a server has locked.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from laneway.adapters.http.administration import API_VERSION, require_admin
from laneway.adapters.http.bodies import ReadYaml, body
from laneway.apiserver.failures import Failure


def compaction_route(compact: Callable[[int], Awaitable[int]], read_yaml: ReadYaml) -> Route:
    """``compact`` keeps the given number of revisions, and returns how many it removed."""

    async def endpoint(request: Request) -> Response:
        require_admin(request, "compaction is")
        data = await body(request, read_yaml)
        spec = data.get("spec") if isinstance(data, dict) else None
        keep = spec.get("keep") if isinstance(spec, dict) else None
        if not isinstance(keep, int) or isinstance(keep, bool) or keep < 0:
            raise Failure(422, "spec.keep: expected how many revisions stay, 0 or more")
        status = {"removed": await compact(keep)}
        document = {"kind": "Compaction", "apiVersion": API_VERSION, "spec": {"keep": keep}}
        return JSONResponse({**document, "status": status}, 201)

    return Route(f"/apis/{API_VERSION}/compactions", endpoint, methods=["POST"])
