"""The endpoints of resources that are answered and not kept."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from laneway.adapters.http.bodies import ReadYaml, body
from laneway.adapters.http.presentation import Presentation
from laneway.adapters.http.queries import (
    continue_token,
    is_watch,
    list_query,
    warning_header,
    write_query,
)
from laneway.apiserver.failures import Failure
from laneway.apiserver.tokens import Identity
from laneway.apiserver.virtual_resources import (
    Answer,
    Answering,
    Asked,
    Page,
    Reader,
    VirtualResource,
    spec_of,
)

_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]
_NO_SUCH_METHOD = "the server does not allow this method on the requested resource"


class VirtualEndpoints:
    """``now`` is in UTC."""

    def __init__(
        self,
        resources: Sequence[VirtualResource],
        answering: Answering,
        read_yaml: ReadYaml,
        now: Callable[[], datetime],
    ) -> None:
        self._resources = resources
        self._answering = answering
        self._read_yaml = read_yaml
        self._now = now

    @property
    def routes(self) -> list[Route]:
        routes = []
        for resource in self._resources:
            if answer := self._answering.answers.get(resource.plural):
                path = _collection(resource)
                routes.append(Route(path, self._answering_with(resource, answer), methods=_METHODS))
            if reader := self._answering.readers.get(resource.plural):
                routes += self._reading(resource, reader)
        return routes

    def _answering_with(
        self, resource: VirtualResource, answer: Answer
    ) -> Callable[[Request], Awaitable[Response]]:
        async def create(request: Request) -> Response:
            if request.method != "POST":
                raise Failure(405, _NO_SUCH_METHOD)
            query = write_query(request)
            data = await body(request, self._read_yaml)
            asked = Asked(
                spec_of(resource, data),
                _identity(request),
                query.manager,
                query.dry_run,
                query.force,
            )
            answered = await answer(asked)
            response = JSONResponse(
                {
                    "apiVersion": resource.kind.api_versions[0],
                    "kind": resource.kind.name,
                    "metadata": _metadata(data),
                    "spec": data.get("spec", {}),
                    "status": answered.status,
                },
                201,
            )
            for warning in answered.warnings:
                response.headers.append("Warning", warning_header(warning))
            return response

        return create

    def _reading(self, resource: VirtualResource, reader: Reader) -> list[Route]:
        async def many(request: Request) -> Response:
            _only_reads(request)
            query = list_query(request)
            after = query.after[1] if query.after else ""
            namespace = request.path_params.get("namespace", "")
            listed = await reader.list(Page(query.limit, after, namespace))
            metadata: dict[str, Any] = {"resourceVersion": ""}
            if listed.last:
                metadata["continue"] = continue_token(0, "", listed.last)
            items = [each for each in listed.items if query.selects(each)]
            return JSONResponse(self._shown(request, resource).many(items, metadata))

        async def one(request: Request) -> Response:
            _only_reads(request)
            name = request.path_params["name"]
            found = await reader.get(request.path_params.get("namespace", ""), name)
            if found is None:
                details = {"name": name, "group": resource.group, "kind": resource.plural}
                message = f'{resource.qualified} "{name}" not found'
                raise Failure(404, message, details=details)
            return JSONResponse(self._shown(request, resource).one(found))

        places = [_collection(resource)]
        if resource.namespaced:
            places.append(_collection(resource, "/namespaces/{namespace}"))
        routes = [Route(path, many, methods=_METHODS) for path in places]
        return [*routes, Route(f"{places[-1]}/{{name}}", one, methods=_METHODS)]

    def _shown(self, request: Request, resource: VirtualResource) -> Presentation:
        return Presentation.asked(request, resource, resource.kind.api_versions[0], self._now)


def _collection(resource: VirtualResource, where: str = "") -> str:
    return f"/apis/{resource.kind.api_versions[0]}{where}/{resource.plural}"


def _only_reads(request: Request) -> None:
    if request.method != "GET" or is_watch(request):
        raise Failure(405, _NO_SUCH_METHOD)


def _metadata(data: Mapping[str, Any]) -> dict[str, Any]:
    given = data.get("metadata")
    named = given if isinstance(given, Mapping) else {}
    return {"creationTimestamp": None, **named}


def _identity(request: Request) -> Identity:
    identity = request.state.identity
    assert isinstance(identity, Identity)
    return identity
