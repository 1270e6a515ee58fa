"""Reads of stored objects: list, get and watch."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import datetime
from typing import Any, Protocol

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from laneway.adapters.http.presentation import Presentation
from laneway.adapters.http.queries import (
    ListQuery,
    continue_token,
    is_watch,
    list_query,
    watch_query,
)
from laneway.adapters.http.watches import Watch, Watches
from laneway.apiserver.failures import Failure, too_large_version
from laneway.apiserver.resources import Served
from laneway.apiserver.tokens import Identity
from laneway.apiserver.writes import shown
from laneway.control.revisions import (
    ObjectId,
    Objects,
    RevisionCompacted,
    RevisionStore,
    StoredObject,
    StoreError,
)


class Readable(Protocol):
    """The target of a URL. ``name`` is "" for all objects of a resource."""

    @property
    def resource(self) -> Served: ...

    @property
    def api_version(self) -> str: ...

    @property
    def namespace(self) -> str: ...

    @property
    def name(self) -> str: ...


class ObjectReads:
    """``now`` is in UTC. ``tells_deletions``: watches report deleted objects."""

    def __init__(
        self,
        store: RevisionStore,
        watches: Watches,
        now: Callable[[], datetime],
        *,
        tells_deletions: bool = True,
    ) -> None:
        self._store = store
        self._watches = watches
        self._now = now
        self._tells_deletions = tells_deletions

    async def collection(self, request: Request, place: Readable) -> Response:
        reading = self.watch if is_watch(request) else self._list
        return await reading(request, place)

    async def one(self, request: Request, place: Readable) -> Response:
        if is_watch(request):
            return await self.watch(request, place)
        stored = found(place, self._store.objects)
        return JSONResponse(presentation(request, place, self._now).one(shown(stored)))

    async def _list(self, request: Request, place: Readable) -> Response:
        query = list_query(request, place.resource.selectable)
        revision, objects = await self._objects(query)
        every = [
            (key, stored)
            for key, stored in sorted(objects.items(), key=lambda item: item[0])
            if covers(place, key) and query.selects(stored.manifest)
            if query.after is None or (key.namespace, key.name) > query.after
        ]
        page = every[: query.limit] if query.limit else every
        metadata: dict[str, Any] = {"resourceVersion": str(revision)}
        if len(page) < len(every):
            last = page[-1][0]
            metadata["continue"] = continue_token(revision, last.namespace, last.name)
            if not query.is_selective:
                metadata["remainingItemCount"] = len(every) - len(page)
        asked = presentation(request, place, self._now)
        return JSONResponse(asked.many([shown(each) for _, each in page], metadata))

    async def _objects(self, query: ListQuery) -> tuple[int, Objects]:
        """All pages of a list show the same revision."""
        wanted = query.revision or query.not_older
        if wanted > self._store.latest:
            raise too_large_version(wanted, self._store.latest)
        if query.revision is None:
            return self._store.latest, self._store.objects
        try:
            return query.revision, await self._store.objects_at(query.revision)
        except RevisionCompacted as error:
            raise Failure(410, f"{error}; list without a revision") from error
        except StoreError as error:
            raise Failure(504, str(error)) from error

    async def watch(self, request: Request, place: Readable) -> Response:
        query = watch_query(request, place.resource.selectable)
        asked = presentation(request, place, self._now)
        selects = query.selects
        if place.name:
            by_query = query.selects

            def selects(manifest: Mapping[str, Any]) -> bool:
                return manifest["metadata"]["name"] == place.name and by_query(manifest)

        watch = Watch(
            {place.resource.qualified},
            place.namespace,
            selects,
            asked.key,
            asked.one,
            asked.bookmark,
            query.bookmarks,
            query.marks_initial,
            _token(request),
            self._tells_deletions,
        )
        lines = await self._watches.stream(
            watch, query.since, initial=query.initial, seconds=query.seconds
        )
        if "text/event-stream" in request.headers.get("accept", ""):
            return StreamingResponse(server_sent_events(lines), media_type="text/event-stream")
        return StreamingResponse(lines, media_type="application/json")


def covers(place: Readable, key: ObjectId) -> bool:
    return key.resource == place.resource.qualified and place.namespace in ("", key.namespace)


def found(place: Readable, objects: Objects) -> StoredObject:
    """Raises ``Failure`` if there is no such object."""
    stored = objects.get(ObjectId(place.resource.qualified, place.namespace, place.name))
    if stored is None:
        raise not_found(place.resource, place.name)
    return stored


def not_found(resource: Served, name: str) -> Failure:
    details = {"name": name, "group": resource.group, "kind": resource.plural}
    return Failure(404, f'{resource.qualified} "{name}" not found', details=details)


def presentation(request: Request, place: Readable, now: Callable[[], datetime]) -> Presentation:
    return Presentation.asked(request, place.resource, place.api_version, now)


def _token(request: Request) -> str:
    identity = request.state.identity
    assert isinstance(identity, Identity)
    return identity.token


async def server_sent_events(lines: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """https://html.spec.whatwg.org/multipage/server-sent-events.html"""
    async for together in lines:
        sent = b""
        for each in together.splitlines(keepends=True):
            number = json.loads(each)["object"].get("metadata", {}).get("resourceVersion", "")
            sent += f"id: {number}\n".encode() + b"data: " + each + b"\n"
        yield sent
