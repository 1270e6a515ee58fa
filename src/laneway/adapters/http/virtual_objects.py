"""The endpoints of virtual resources, which are answered and not stored."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from laneway.adapters.http.bodies import ReadYaml, body
from laneway.adapters.http.object_reads import ObjectReads, not_found, presentation
from laneway.adapters.http.queries import (
    add_warnings,
    continue_token,
    is_watch,
    list_query,
    write_query,
)
from laneway.adapters.http.watches import Watches
from laneway.apiserver.discovery import root
from laneway.apiserver.failures import NO_SUCH_METHOD, Failure
from laneway.apiserver.tokens import Identity
from laneway.apiserver.virtual_resources import (
    ELSEWHERE,
    Answer,
    Answering,
    Asked,
    Page,
    Reader,
    VirtualResource,
    elsewhere,
    spec_of,
)
from laneway.control.revisions import RevisionStore
from laneway.schema.api_requests import API_VERSION

_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]


class LiveObjects(Protocol):
    """A virtual resource that can be watched. ``refresh`` brings the store up to date.

    ``is_whole``: lists are also answered from the store, not by a reader.
    """

    @property
    def store(self) -> RevisionStore: ...

    @property
    def watches(self) -> Watches: ...

    @property
    def is_whole(self) -> bool: ...

    async def refresh(self) -> None: ...


@dataclass(frozen=True, slots=True)
class VirtualPlace:
    """The target of a URL. ``name`` is "" for all objects of a resource."""

    resource: VirtualResource
    api_version: str
    namespace: str
    name: str


#: Raises ``Failure`` unless the user may create objects of the resource.
Authorize = Callable[[Identity, VirtualResource], Awaitable[None]]


async def _answers_decide(user: Identity, resource: VirtualResource) -> None:
    return None


class VirtualEndpoints:
    """``live`` are by the resources' qualified names; ``now`` is in UTC. ``authorize`` is asked
    before the body of a request is read."""

    def __init__(
        self,
        resources: Sequence[VirtualResource],
        answering: Answering,
        live: Mapping[str, LiveObjects],
        read_yaml: ReadYaml,
        now: Callable[[], datetime],
        authorize: Authorize = _answers_decide,
    ) -> None:
        self._resources = resources
        self._answering = answering
        self._live = live
        self._read_yaml = read_yaml
        self._now = now
        self._authorize = authorize

    @property
    def routes(self) -> list[Route]:
        routes = []
        for resource in self._resources:
            if answer := self._answering.answers.get(resource.plural):
                path = _collection(resource)
                routes.append(Route(path, self._answering_with(resource, answer), methods=_METHODS))
            reader = self._answering.readers.get(resource.plural)
            live = self._live.get(resource.qualified)
            if reader or live:
                routes += self._reading(resource, reader, live)
        return routes

    def _answering_with(
        self, resource: VirtualResource, answer: Answer
    ) -> Callable[[Request], Awaitable[Response]]:
        async def create(request: Request) -> Response:
            if request.method != "POST":
                raise Failure(405, NO_SUCH_METHOD)
            await self._authorize(_identity(request), resource)
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
            add_warnings(response, answered.warnings)
            return response

        return create

    def _reading(
        self, resource: VirtualResource, reader: Reader | None, live: LiveObjects | None
    ) -> list[Route]:
        reads = live and ObjectReads(
            live.store, live.watches, self._now, tells_deletions=live.is_whole
        )

        async def read(request: Request) -> Response:
            if request.method not in ("GET", "HEAD"):
                raise Failure(405, NO_SUCH_METHOD)
            path = request.path_params
            place = VirtualPlace(
                resource,
                resource.kind.api_versions[0],
                path.get("namespace", ""),
                path.get("name", ""),
            )
            if live and reads and (live.is_whole or is_watch(request)):
                await live.refresh()
                return await (reads.one if place.name else reads.collection)(request, place)
            if reader is None or is_watch(request):
                raise Failure(405, NO_SUCH_METHOD)
            return await (self._one if place.name else self._many)(request, place, reader)

        places = [_collection(resource)]
        if resource.namespaced:
            places.append(_collection(resource, "/namespaces/{namespace}"))
        paths = [*places, f"{places[-1]}/{{name}}"]
        return [Route(path, read, methods=_METHODS) for path in paths]

    async def _many(self, request: Request, place: VirtualPlace, reader: Reader) -> Response:
        query = list_query(request)
        after = query.after[1] if query.after else ""
        listed = await reader.list(Page(query.limit, after, place.namespace))
        metadata: dict[str, Any] = {"resourceVersion": listed.revision}
        if listed.last:
            metadata["continue"] = continue_token(0, "", listed.last)
        items = [each for each in listed.items if query.selects(each)]
        return JSONResponse(presentation(request, place, self._now).many(items, metadata))

    async def _one(self, request: Request, place: VirtualPlace, reader: Reader) -> Response:
        found = await reader.get(place.namespace, place.name)
        if found is None:
            raise not_found(place.resource, place.name)
        return JSONResponse(presentation(request, place, self._now).one(found))


def elsewhere_routes() -> list[Route]:
    """For what a cluster has not: the answer says where it is."""

    def refusing(plural: str) -> Callable[[Request], Awaitable[Response]]:
        async def refuse(request: Request) -> Response:
            raise elsewhere(plural)

        return refuse

    return [
        Route(f"{root(API_VERSION)}/{plural}{rest}", refusing(plural), methods=_METHODS)
        for plural in ELSEWHERE
        for rest in ("", "/{rest:path}")
    ]


def _collection(resource: VirtualResource, where: str = "") -> str:
    return f"{root(resource.kind.api_versions[0])}{where}/{resource.plural}"


def _metadata(data: Mapping[str, Any]) -> dict[str, Any]:
    given = data.get("metadata")
    named = given if isinstance(given, Mapping) else {}
    return {"creationTimestamp": None, **named}


def _identity(request: Request) -> Identity:
    identity = request.state.identity
    assert isinstance(identity, Identity)
    return identity
