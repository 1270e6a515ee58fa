"""An API server in memory, over kmock: what kmock's own emulator leaves out and laneway relies on.

Resource versions that grow with every real change, server-side apply (fields that are no longer
applied go; lists are replaced), uid preconditions, generations, status apart from spec, paged
lists, and watches that begin at a version. Faults are injected by kmock's own rules, which come
before what is here: ``server['get', '/api/v1/pods'] << 500``.
"""

from __future__ import annotations

import asyncio
import copy
import itertools
import json
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import kmock

from laneway.adapters.kube.client import Client
from laneway.adapters.kube.credentials import Credentials

Object = dict[str, Any]
Place = tuple[str, str, str]  # resource, namespace, name

ERA = "2026-01-01T00:00:00Z"


class ApiError(kmock.KubernetesError):
    pass


class ApiServer(kmock.KubernetesScaffold):
    """``objects`` is what there is. ``write`` and ``drop`` act as another client would.

    ``forgetful`` keeps no record of requests, each of which kmock would compare with all others.
    """

    def __attrs_post_init__(self) -> None:
        super().__attrs_post_init__()
        self.objects: dict[Place, Object] = {}
        self.writes: list[tuple[str, str]] = []  # (verb, resource namespace/name)
        self.applied: dict[Place, Object] = {}
        self._log: list[tuple[int, str, str, Object]] = []  # version, resource, type, object
        self._versions = itertools.count(100)
        self._uids = itertools.count(1)
        self._version = next(self._versions)
        self._oldest = 0
        self._told = asyncio.Condition()
        self._cut = 0
        self.reads: list[str] = []
        self.forgetful = False
        rule = self.fallback
        rule[kmock.action.LIST] << self._list
        rule[kmock.action.WATCH] << self._watch
        rule[kmock.action.FETCH] << self._fetch
        rule[kmock.action.CREATE] << self._create
        rule["patch"] << self._apply
        rule["put"] << self._update
        rule[kmock.action.DELETE] << self._delete

    async def _handle(self, request: kmock.Request) -> Any:
        if self.forgetful:
            del self._requests[:-1]
        return await super()._handle(request)

    # What another client does

    async def write(self, plural: str, item: Object, *, created: str = ERA) -> Object:
        """Create or replace an object, as ``kubectl replace`` does."""
        metadata = item["metadata"]
        place = (plural, metadata.get("namespace", ""), metadata["name"])
        before = self.objects.get(place)
        item = copy.deepcopy(item)
        item["metadata"].setdefault("creationTimestamp", created)
        if before is not None and "status" in before:
            item.setdefault("status", before["status"])
        return await self._store(place, item)

    async def drop(self, plural: str, namespace: str, name: str) -> None:
        await self._remove((plural, namespace, name))

    def fail(self, method: str, path: str, code: int, message: str, times: int = 0) -> None:
        """Answer so where the path matches; so many times, or always."""
        requests = self[method, re.compile(f".*{path}")]
        (requests[:times] if times else requests) << ApiError(code, "Injected", message)

    async def cut_watches(self, *, forget: bool = False) -> None:
        """Close every open watch; with ``forget``, what they have seen is too old to resume."""
        self._cut += 1
        if forget:
            self._oldest = self._version = next(self._versions)
        async with self._told:
            self._told.notify_all()

    def of(self, plural: str) -> Iterator[Object]:
        return (item for place, item in self.objects.items() if place[0] == plural)

    # The API

    async def _list(self, request: kmock.Request) -> Any:
        plural = _plural(request)
        self.reads.append(f"list {plural}")
        items = [self.objects[place] for place in sorted(self.objects) if place[0] == plural]
        begin = int(request.params.get("continue", 0))
        limit = int(request.params.get("limit", 0)) or len(items)
        metadata: Object = {"resourceVersion": str(self._version)}
        if begin + limit < len(items):
            metadata["continue"] = str(begin + limit)
        return {"metadata": metadata, "items": items[begin : begin + limit]}

    async def _watch(self, request: kmock.Request) -> AsyncIterator[Any]:
        plural, since = _plural(request), int(request.params["resourceVersion"])
        self.reads.append(f"watch {plural}")
        yield b""
        if since < self._oldest:
            status = {"code": 410, "reason": "Expired", "message": "too old resource version"}
            yield {"type": "ERROR", "object": status}
            return
        cut, position = self._cut, 0
        while cut == self._cut:
            while position < len(self._log):
                version, where, kind, item = self._log[position]
                position += 1
                if where == plural and version > since:
                    yield {"type": kind, "object": item}
            async with self._told:
                if position >= len(self._log) and cut == self._cut:
                    await self._told.wait()

    async def _fetch(self, request: kmock.Request) -> Any:
        return self._found(_place(request))

    async def _create(self, request: kmock.Request) -> Any:
        item = request.data
        metadata = item["metadata"]
        prefix = metadata.get("generateName", "")
        if prefix and not re.fullmatch(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?", prefix.removesuffix("-")):
            raise ApiError(422, "Invalid", f"metadata.generateName: Invalid value: {prefix!r}")
        name = metadata.get("name") or f"{prefix}{next(self._uids)}"
        metadata["name"] = name
        place = (_plural(request), request.namespace or "", name)
        if place in self.objects:
            raise ApiError(409, "AlreadyExists", f"{name} already exists")
        return await self._store(place, item, "create")

    async def _update(self, request: kmock.Request) -> Any:
        place = _place(request)
        before = self._found(place)
        version = request.data["metadata"].get("resourceVersion")
        if version and version != before["metadata"]["resourceVersion"]:
            raise ApiError(409, "Conflict", f"{place[2]} has been modified")
        return await self._store(place, request.data, "update")

    async def _apply(self, request: kmock.Request) -> Any:
        assert request.headers["Content-Type"] == "application/apply-patch+yaml"
        assert request.params["fieldManager"] == "laneway"
        # kmock takes the last segment of a status' path for the subresource.
        place, status = _place(request), request.subresource == "status"
        body = request.data
        before = self.objects.get(place)
        if before is None and status:
            raise ApiError(404, "NotFound", f"{place[2]} not found")
        uid = body["metadata"].pop("uid", None)
        if uid is not None and before is None:
            raise ApiError(409, "Conflict", f"Precondition failed: UID in precondition: {uid}")
        if uid is not None and before is not None and before["metadata"]["uid"] != uid:
            causes = [{"field": "metadata.uid", "message": "field is immutable"}]
            raise ApiError(422, "Invalid", "field is immutable", details={"causes": causes})
        if status:
            assert before is not None
            return await self._store(place, {**before, "status": body["status"]}, "status")
        merged = _merge(before or {}, self.applied.get(place, {}), body)
        self.applied[place] = body
        merged["metadata"].setdefault("creationTimestamp", "2026-06-01T00:00:00Z")
        return await self._store(place, merged, "apply")

    async def _delete(self, request: kmock.Request) -> Any:
        place = _place(request)
        before = self._found(place)
        uid = (request.data or {}).get("preconditions", {}).get("uid")
        if uid is not None and before["metadata"]["uid"] != uid:
            raise ApiError(409, "Conflict", "Precondition failed")
        self.writes.append(("delete", "/".join(place)))
        await self._remove(place)
        return {"status": "Success"}

    # The store

    def _found(self, place: Place) -> Object:
        if place not in self.objects:
            raise ApiError(404, "NotFound", f'{place[0]} "{place[2]}" not found')
        return self.objects[place]

    async def _store(self, place: Place, item: Object, verb: str = "") -> Object:
        before = self.objects.get(place)
        if verb:
            self.writes.append((verb, "/".join(place)))
        item = copy.deepcopy(item)
        metadata = item["metadata"]
        old: Object = (
            before["metadata"] if before else {"uid": f"uid-{next(self._uids)}", "generation": 0}
        )
        metadata["uid"] = old["uid"]
        changed = before is None or _content(before) != _content(item)
        metadata["generation"] = old["generation"] + changed
        metadata["resourceVersion"] = old.get("resourceVersion")
        if item == before:
            return item
        metadata["resourceVersion"] = str(self._tick())
        self.objects[place] = item
        await self._tell(place[0], "MODIFIED" if before else "ADDED", item)
        return item

    async def _remove(self, place: Place) -> None:
        item = copy.deepcopy(self.objects.pop(place))
        self.applied.pop(place, None)
        item["metadata"]["resourceVersion"] = str(self._tick())
        await self._tell(place[0], "DELETED", item)

    def _tick(self) -> int:
        self._version = next(self._versions)
        return self._version

    async def _tell(self, plural: str, kind: str, item: Object) -> None:
        async with self._told:
            self._log.append((self._version, plural, kind, copy.deepcopy(item)))
            self._told.notify_all()


def _plural(request: kmock.Request) -> str:
    assert request.resource is not None
    return str(request.resource.plural)


def _place(request: kmock.Request) -> Place:
    return _plural(request), request.namespace or "", str(request.name)


def _content(item: Object) -> str:
    return json.dumps({k: v for k, v in item.items() if k not in ("metadata", "status")})


def _merge(value: Object, previous: Object, applied: Object) -> Object:
    """Server-side apply of mappings: what was applied before and is not now goes."""
    merged = {k: v for k, v in value.items() if k not in previous or k in applied}
    for key, wanted in applied.items():
        if isinstance(wanted, dict) and isinstance(value.get(key), dict):
            was = previous.get(key)
            merged[key] = _merge(value[key], was if isinstance(was, dict) else {}, wanted)
        else:
            merged[key] = copy.deepcopy(wanted)
    return merged


@asynccontextmanager
async def serving() -> AsyncIterator[ApiServer]:
    async with ApiServer() as api, kmock.Server(api, host="127.0.0.1") as _:
        yield api


async def no_pause(_: float) -> None:
    """Waits are over at once, but others get their turn."""
    await asyncio.sleep(0)


def client_of(api: ApiServer, **more: Any) -> Client:
    return Client(Credentials(str(api.url).rstrip("/")), **{"pause": no_pause, **more})
