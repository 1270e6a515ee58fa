"""Caches: each kind's objects as they are in the cluster, kept by listing once and watching then.

A watch that ends is resumed where it stopped; one whose place is too old (410) begins with a list
again. Faults are waited out, ever longer, while the cache goes on showing what it last knew.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection
from traceback import format_exception
from typing import Any

import structlog

from laneway.adapters.kube.client import Client
from laneway.adapters.kube.errors import Gone
from laneway.adapters.kube.resources import Resource
from laneway.operator.cluster_port import ClusterError

log = structlog.get_logger(__name__)

Object = dict[str, Any]
Place = tuple[str, str]

FIRST_WAIT, LONGEST_WAIT = 0.5, 30.0


class Cache:
    """``trim`` drops what nobody reads, before it is kept. ``changed`` is called after changes."""

    def __init__(
        self,
        client: Client,
        resource: Resource,
        trim: Callable[[Object], Object],
        changed: Callable[[Resource], None],
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.resource = resource
        self.filled = asyncio.Event()
        self.fault = ""
        self.revision = 0
        self._client = client
        self._trim = trim
        self._changed = changed
        self._pause = pause
        self._objects: dict[Place, Object] = {}

    def objects(self) -> Collection[Object]:
        return self._objects.values()

    def learn(self, item: Object) -> None:
        """What the API server answered to a change, ahead of the watch."""
        self._keep(item)

    def forget(self, item: Object) -> None:
        if self._objects.pop(_place(item), None) is not None:
            self.revision += 1

    async def run(self) -> None:
        """Until cancelled."""
        wait = FIRST_WAIT
        version = ""
        while True:
            heard = False
            try:
                if not version:
                    version = await self._list()
                async for kind, item in self._client.watch(self.resource, version):
                    sent = item["metadata"].get("resourceVersion")
                    version, heard = str(sent or version), heard or bool(sent)
                    self._take(kind, item)
                    wait, self.fault = FIRST_WAIT, ""
            except Gone:
                version = ""
            except ClusterError as error:
                self._failed(error)
                await self._pause(wait)
                wait = min(2 * wait, LONGEST_WAIT)
                continue
            if not heard:  # whoever ends watches at once must not be asked again at once
                await self._pause(FIRST_WAIT)

    def _failed(self, error: ClusterError) -> None:
        if str(error) != self.fault:
            log.warning("watch failed", resource=self.resource.plural, error=str(error))
        self.fault = str(error)

    async def _list(self) -> str:
        items, version = await self._client.list(self.resource)
        for item in items:  # a list leaves out what all its items share
            item.setdefault("apiVersion", self.resource.api_version)
            item.setdefault("kind", self.resource.kind)
        trimmed = {_place(item): self._trimmed(item) for item in items}
        if trimmed != self._objects or not self.filled.is_set():
            self._objects = trimmed
            self.revision += 1
            self.filled.set()
            self._changed(self.resource)
        self.fault = ""
        return version

    def _take(self, kind: str, item: Object) -> None:
        if kind == "BOOKMARK":
            return
        before = self.revision
        if kind == "DELETED":
            self.forget(item)
        else:
            self._keep(item)
        if self.revision != before:
            self._changed(self.resource)

    def _keep(self, item: Object) -> None:
        place = _place(item)
        known = self._objects.get(place)
        if known is not None and _is_older(item, known):
            return
        trimmed = self._trimmed({**item, **self._kind()})
        if trimmed != known:
            self._objects[place] = trimmed
            self.revision += 1

    def _trimmed(self, item: Object) -> Object:
        """The whole item if it cannot be trimmed: one that seems to be gone would be taken down."""
        try:
            return self._trim(item)
        except Exception as error:
            text = "".join(format_exception(error))
            log.error("internal error", resource=self.resource.plural, exception=text)
            return item

    def _kind(self) -> Object:
        """A watch of metadata says that it is just that."""
        return {"apiVersion": self.resource.api_version, "kind": self.resource.kind}


def _place(item: Object) -> Place:
    return item["metadata"].get("namespace", ""), item["metadata"]["name"]


def _is_older(item: Object, known: Object) -> bool:
    """A watch may report late a state that a response has contained already."""
    one, other = (str(each["metadata"].get("resourceVersion", "")) for each in (item, known))
    same = item["metadata"].get("uid") == known["metadata"].get("uid")
    return same and one.isdigit() and other.isdigit() and int(one) < int(other)
