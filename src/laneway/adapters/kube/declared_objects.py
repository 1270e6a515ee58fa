"""What a cluster declares of lanes: lanes, groups, services and gateways.

The webhook judges lanes by it, and reviews ask about it. Every replica keeps its own copy, whether
it leads or not. It is less than ``cluster`` keeps, and is only read.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from laneway.adapters.kube.caches import Cache
from laneway.adapters.kube.client import Client
from laneway.adapters.kube.resources import DECLARED, GATEWAYS, SERVICES, Resource
from laneway.adapters.kube.retained_fields import trim_of
from laneway.operator.admission import Surroundings
from laneway.operator.manifests import Manifest

_CONTEXT = (SERVICES, GATEWAYS)


class DeclaredObjects:
    def __init__(
        self, client: Client, pause: Callable[[float], Awaitable[None]] = asyncio.sleep
    ) -> None:
        self._changed = asyncio.Event()
        self._caches = {
            resource: Cache(client, resource, trim_of(resource), self._heard, pause)
            for resource in (*DECLARED, *_CONTEXT)
        }

    async def run(self) -> None:
        """Keep the caches until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for cache in self._caches.values():
                tasks.create_task(cache.run(), name=f"watch {cache.resource.plural}")

    @property
    def filled(self) -> bool:
        """Before that, what is missing means nothing."""
        return all(cache.filled.is_set() for cache in self._caches.values())

    @property
    def revision(self) -> tuple[int, ...]:
        """Differs whenever an object does."""
        return tuple(cache.revision for cache in self._caches.values())

    def faults(self) -> Mapping[str, str]:
        """What keeps each watch from working, by resource."""
        return {c.resource.plural: c.fault for c in self._caches.values() if c.fault}

    def manifests(self) -> tuple[Manifest, ...]:
        return (*self._of(DECLARED), *self._of(_CONTEXT))

    def context(self) -> tuple[Manifest, ...]:
        return self._of(_CONTEXT)

    def surroundings(self) -> Surroundings | None:
        """``None`` while something has not been seen yet."""
        if not self.filled:
            return None
        return Surroundings(self._of(DECLARED), self._of(_CONTEXT))

    async def changed(self) -> None:
        """Until something changes."""
        await self._changed.wait()

    def _heard(self, _: Resource) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    def _of(self, resources: tuple[Resource, ...]) -> tuple[Manifest, ...]:
        return tuple(item for one in resources for item in self._caches[one].objects())
