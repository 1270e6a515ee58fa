"""The routes of the API, and how refusals are answered."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from laneway.adapters.http.objects import ObjectEndpoints, Place
from laneway.apiserver import discovery
from laneway.apiserver.failures import NO_SUCH_METHOD, Failure
from laneway.apiserver.resources import Resource, Served
from laneway.control.revisions import DeclaredElsewhere, StoreError

Endpoint = Callable[[Request, Place], Awaitable[Response]]

# Kubernetes' text, because some clients compare it.
_NOTHING_THERE = "the server could not find the requested resource"

_OPENAPI_V2 = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"
_COLLECTION = ["GET", "POST", "DELETE"]
_ONE = ["GET", "PUT", "PATCH", "DELETE"]
_STATUS = ["GET", "PUT", "PATCH"]


def application(
    resources: Sequence[Resource],
    objects: ObjectEndpoints | None,
    version: str,
    more: Sequence[Route] = (),
    virtual: Sequence[Served] = (),
) -> Starlette:
    """``version`` is laneway's. ``more`` has the endpoints other than those of stored objects, and
    ``virtual`` the resources among them. ``objects`` is None for a server that stores none."""
    every = (*resources, *virtual)
    kept = _objects(resources, objects) if objects else []
    return Starlette(
        routes=[*more, *_discovery(every, version), *kept],
        exception_handlers={
            **REFUSALS,
            DeclaredElsewhere: _declared_elsewhere,
            StoreError: _not_kept,
        },
    )


def _discovery(resources: Sequence[Served], version: str) -> list[Route]:
    digest = hashlib.sha256(json.dumps([r.schema for r in resources]).encode()).hexdigest()[:16]

    async def apis(request: Request) -> Response:
        if not _takes_plain(request):
            # Kubernetes' API server asks extension API servers so, and takes what it gets for
            # the document that it asked for. Refused, it asks for the plain ones.
            raise Failure(406, "there is no aggregated discovery here")
        return JSONResponse(discovery.groups(resources))

    async def api(request: Request) -> Response:
        host = request.headers.get("host", "")
        return JSONResponse(discovery.core_versions(resources, host))

    async def group(request: Request) -> Response:
        return _or_404(discovery.group(request.path_params["group"], resources))

    async def group_version(request: Request) -> Response:
        return _or_404(discovery.group_version(_api_version(request), resources))

    async def openapi_index(request: Request) -> Response:
        return JSONResponse(discovery.openapi_index(resources, digest))

    async def openapi(request: Request) -> Response:
        return _or_404(discovery.openapi(_api_version(request), resources, version))

    async def openapi_v2(request: Request) -> Response:
        if "proto" in request.headers.get("accept", ""):
            return Response(discovery.openapi_v2_protobuf(version), media_type=_OPENAPI_V2)
        return JSONResponse(discovery.openapi_v2(version))

    async def server_version(request: Request) -> Response:
        # Clients compare the minor version with the one that they need.
        return JSONResponse(
            {"major": "1", "minor": "36", "gitVersion": f"v1.36.0+laneway-{version}"}
        )

    return [
        Route("/version", server_version),
        Route("/api", api),
        Route("/api/{version}", group_version),
        Route("/apis", apis),
        Route("/apis/{group}", group),
        Route("/apis/{group}/{version}", group_version),
        Route("/openapi/v2", openapi_v2),
        Route("/openapi/v3", openapi_index),
        Route("/openapi/v3/api/{version}", openapi),
        Route("/openapi/v3/apis/{group}/{version}", openapi),
    ]


def _objects(resources: Sequence[Resource], objects: ObjectEndpoints) -> list[Route]:
    by_name = {
        (api_version, resource.plural): resource
        for resource in resources
        for api_version in resource.kind.api_versions
    }

    def at(endpoint: Endpoint, subresource: str = "") -> Callable[[Request], Awaitable[Response]]:
        async def handle(request: Request) -> Response:
            path, api_version = request.path_params, _api_version(request)
            resource = by_name.get((api_version, path["plural"]))
            namespace = path.get("namespace", "")
            if resource is None or (namespace and not resource.namespaced):
                raise Failure(404, _NOTHING_THERE)
            name = path.get("name", "")
            if resource.namespaced and not namespace and (name or request.method == "POST"):
                raise Failure(405, NO_SUCH_METHOD)
            if subresource and not resource.has_status:
                raise Failure(404, _NOTHING_THERE)
            return await endpoint(
                request, Place(resource, api_version, namespace, name, subresource)
            )

        return handle

    routes = []
    for root in ("/api/{version}", "/apis/{group}/{version}"):
        for where in ("", "/namespaces/{namespace}"):
            every = f"{root}{where}/{{plural}}"
            routes += [
                Route(every, at(objects.collection), methods=_COLLECTION),
                Route(f"{every}/{{name}}", at(objects.one), methods=_ONE),
                Route(f"{every}/{{name}}/status", at(objects.one, "status"), methods=_STATUS),
            ]
    return routes


def _api_version(request: Request) -> str:
    group = request.path_params.get("group", "")
    version = request.path_params["version"]
    return f"{group}/{version}" if group else str(version)


def _takes_plain(request: Request) -> bool:
    """Whether JSON is taken in the form that it has by itself, and not ``as=`` something else."""
    forms = request.headers.get("accept", "*/*").split(",")
    return any(";as=" not in each.replace(" ", "") for each in forms)


def _or_404(document: dict[str, Any] | None) -> Response:
    if document is None:
        raise Failure(404, _NOTHING_THERE)
    return JSONResponse(document)


async def _failed(request: Request, error: Exception) -> Response:
    assert isinstance(error, Failure)
    return JSONResponse(error.document, error.code)


async def _not_kept(request: Request, error: Exception) -> Response:
    return await _failed(request, Failure(507, f"nothing was changed: {error}"))


async def _declared_elsewhere(request: Request, error: Exception) -> Response:
    return await _failed(request, Failure(409, str(error)))


async def _nothing_there(request: Request, error: Exception) -> Response:
    return await _failed(request, Failure(404, _NOTHING_THERE))


async def _no_such_method(request: Request, error: Exception) -> Response:
    return await _failed(request, Failure(405, NO_SUCH_METHOD))


async def _not_foreseen(request: Request, error: Exception) -> Response:
    # The server logs the error with its traceback.
    return await _failed(request, Failure(500, f"laneway failed: {type(error).__name__}"))


#: How requests are refused, for Starlette's ``exception_handlers``.
REFUSALS: Mapping[Any, Callable[[Request, Exception], Awaitable[Response]]] = {
    Failure: _failed,
    404: _nothing_there,
    405: _no_such_method,
    Exception: _not_foreseen,
}
