"""The endpoints of stored objects: create, replace, patch, delete, and reads."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from laneway.adapters.http.bodies import ReadYaml, body, content_type
from laneway.adapters.http.object_reads import ObjectReads, covers, found, presentation
from laneway.adapters.http.queries import (
    WriteQuery,
    add_warnings,
    delete_options,
    list_query,
    write_query,
)
from laneway.adapters.http.watches import Watches
from laneway.apiserver import patches, writes
from laneway.apiserver.expired_lanes import check_not_expired
from laneway.apiserver.failures import NO_SUCH_METHOD, Failure
from laneway.apiserver.resources import Resource
from laneway.apiserver.tokens import Identity
from laneway.apiserver.validation import Valid
from laneway.apiserver.writes import Write, shown
from laneway.control.revisions import (
    Draft,
    Manifest,
    ObjectId,
    RevisionStore,
    StoredObject,
)
from laneway.model.times import timestamp

_PATCHES = (patches.JSON, patches.MERGE, patches.APPLY)


@dataclass(frozen=True)
class Place:
    """The target of a URL. ``name`` is "" for all objects of a resource."""

    resource: Resource
    api_version: str
    namespace: str
    name: str
    subresource: str

    @property
    def id(self) -> ObjectId:
        return ObjectId(self.resource.qualified, self.namespace, self.name)


class ObjectEndpoints:
    """``now`` is in UTC; ``uid`` returns a new uid with each call."""

    def __init__(
        self,
        store: RevisionStore,
        watches: Watches,
        now: Callable[[], datetime],
        uid: Callable[[], str],
        read_yaml: ReadYaml,
    ) -> None:
        self._store = store
        self._reads = ObjectReads(store, watches, now)
        self._now = now
        self._uid = uid
        self._read_yaml = read_yaml

    async def collection(self, request: Request, place: Place) -> Response:
        presentation(request, place, self._now)  # refused before anything is written
        match request.method:
            case "GET" | "HEAD":
                return await self._reads.collection(request, place)
            case "POST":
                return await self._create(request, place)
            case "DELETE":
                return await self._delete_all(request, place)
            case _:
                raise Failure(405, NO_SUCH_METHOD)

    async def one(self, request: Request, place: Place) -> Response:
        presentation(request, place, self._now)
        match request.method:
            case "GET" | "HEAD":
                return await self._reads.one(request, place)
            case "PUT":
                return await self._replace(request, place)
            case "PATCH":
                return await self._patch(request, place)
            case "DELETE":
                return await self._delete(request, place)
            case _:
                raise Failure(405, NO_SUCH_METHOD)

    async def _create(self, request: Request, place: Place) -> Response:
        query, data = write_query(request), await self._body(request)
        write = self._write(place, query)
        valid = writes.created(write, data)
        name = valid.manifest["metadata"]["name"]
        key = ObjectId(place.resource.qualified, place.namespace, name)
        if key in self._store.submitted_objects:
            raise writes.already_exists(write, name)
        return await self._keep(request, place, key, valid, query, None)

    async def _replace(self, request: Request, place: Place) -> Response:
        query, data = write_query(request), await self._body(request)
        live = self._submitted(place)
        write = self._write(place, query)
        writes.demand_version(write, data)
        valid = writes.replaced(write, live, data)
        return await self._keep(request, place, place.id, valid, query, live)

    async def _patch(self, request: Request, place: Place) -> Response:
        kind = content_type(request)
        # These are custom resources, which have no directives for strategic merges.
        accepted = _PATCHES if place.resource.group else (*_PATCHES, patches.STRATEGIC)
        if kind not in accepted:
            listed = ", ".join(accepted)
            raise Failure(415, f"the content type {kind!r} is no patch here; there are {listed}")
        query, data = write_query(request), await self._body(request)
        if kind == patches.APPLY and not request.query_params.get("fieldManager"):
            query = replace(query, manager="")  # not one that is derived from the client's name
        live = self._store.submitted_objects.get(place.id)
        valid = writes.patch(self._write(place, query), live, kind, data)
        states_its_end = kind == patches.APPLY and "expiresAt" in (data.get("spec") or {})
        return await self._keep(request, place, place.id, valid, query, live, states_its_end)

    async def _delete(self, request: Request, place: Place) -> Response:
        options = await self._options(request)
        live = self._submitted(place)
        _check_preconditions(place, live, options)
        await self._remove(request, place, [place.id], options)
        metadata = live.manifest["metadata"]
        details = {
            "name": place.name,
            "group": place.resource.group,
            "kind": place.resource.plural,
            "uid": metadata["uid"],
        }
        return JSONResponse(_success(details))

    async def _delete_all(self, request: Request, place: Place) -> Response:
        query, options = list_query(request), await self._options(request)
        found = {
            key: stored
            for key, stored in sorted(self._store.submitted_objects.items(), key=lambda i: i[0])
            if covers(place, key) and query.selects(stored.manifest)
        }
        await self._remove(request, place, tuple(found), options)
        asked = presentation(request, place, self._now)
        metadata = {"resourceVersion": str(self._store.latest)}
        return JSONResponse(asked.many([shown(each) for each in found.values()], metadata))

    async def _remove(
        self,
        request: Request,
        place: Place,
        keys: Sequence[ObjectId],
        options: Mapping[str, Any],
    ) -> None:
        query = write_query(request)
        objects = self._store.submitted_objects
        _check_allowed(request, place, [objects[key].manifest for key in keys])
        draft = _draft(request, dict.fromkeys(keys), query)
        self._store.check(draft)
        if keys and not query.dry_run and not options.get("dryRun"):
            await self._append(draft)

    async def _keep(
        self,
        request: Request,
        place: Place,
        key: ObjectId,
        valid: Valid,
        query: WriteQuery,
        live: StoredObject | None,
        states_its_end: bool = False,
    ) -> Response:
        """There is no await between reading the submitted objects and this line, so nothing has
        changed."""
        _check_allowed(request, place, [valid.manifest, *([live.manifest] if live else [])])
        if not place.subresource:
            check_not_expired(
                place.resource,
                valid.manifest,
                live.manifest if live else None,
                self._store.submitted_objects,
                self._now(),
                states_its_end=states_its_end,
            )
        code = 201 if live is None else 200
        unchanged = live is not None and live.manifest == valid.manifest
        draft = _draft(request, {key: valid.manifest}, query)
        if not unchanged:
            self._store.check(draft)
        if unchanged or query.dry_run:
            stored = StoredObject(valid.manifest, live.revision if live else 0, 0)
        else:
            revision = await self._append(draft)
            stored = StoredObject(valid.manifest, revision, revision)
        response = self._answer(request, place, stored, code)
        add_warnings(response, valid.warnings)
        return response

    async def _append(self, draft: Draft) -> int:
        revision = await self._store.append(draft, expected=self._store.submitted)
        return revision.number

    async def _body(self, request: Request) -> Any:
        return await body(request, self._read_yaml)

    async def _options(self, request: Request) -> Mapping[str, Any]:
        """``DeleteOptions``, which most clients send and some do not."""
        if not int(request.headers.get("content-length", "0") or 0):
            policy = request.query_params.get("propagationPolicy")
            return delete_options({"propagationPolicy": policy})
        return delete_options(await self._body(request))

    def _submitted(self, place: Place) -> StoredObject:
        return found(place, self._store.submitted_objects)

    def _write(self, place: Place, query: WriteQuery) -> Write:
        return Write(
            place.resource,
            place.namespace,
            place.name,
            query.manager,
            timestamp(self._now()),
            self._uid(),
            place.api_version,
            query.validation,
            query.force,
            place.subresource,
        )

    def _answer(
        self, request: Request, place: Place, stored: StoredObject, code: int = 200
    ) -> Response:
        return JSONResponse(presentation(request, place, self._now).one(shown(stored)), code)


def _draft(
    request: Request, changes: Mapping[ObjectId, Manifest | None], query: WriteQuery
) -> Draft:
    reason = f"{request.method} {request.url.path}"
    force = query.force and request.method == "PATCH"
    return Draft(changes, _identity(request).name, query.manager, reason, force)


def _identity(request: Request) -> Identity:
    identity = request.state.identity
    assert isinstance(identity, Identity)
    return identity


def _check_allowed(request: Request, place: Place, manifests: Sequence[Manifest]) -> None:
    identity = _identity(request)
    if not identity.may_change(place.resource, manifests):
        raise Failure(
            403,
            f'{place.resource.qualified} "{place.name}" is forbidden: {identity.name} may not '
            f"change it (scopes: {', '.join(sorted(identity.scopes))})",
        )


def _check_preconditions(place: Place, live: StoredObject, options: Mapping[str, Any]) -> None:
    wanted = options.get("preconditions")
    if not isinstance(wanted, Mapping):
        return
    there = {"uid": live.manifest["metadata"]["uid"], "resourceVersion": str(live.revision)}
    for field, value in there.items():
        if wanted.get(field) not in (None, value):
            raise Failure(
                409,
                f"Operation cannot be fulfilled on {place.resource.qualified} "
                f'"{place.name}": the {field} in the precondition ({wanted[field]}) does not match '
                f"the object's ({value})",
                details={
                    "name": place.name,
                    "group": place.resource.group,
                    "kind": place.resource.kind.name,
                },
            )


def _success(details: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Success",
        "details": dict(details),
    }
