"""What the webhook judges lanes against: lanes, groups, services and gateways of a cluster.

Every replica that serves the webhook keeps its own copy, whether it leads or not. It is less than
``cluster`` keeps, and is only read.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from laneway.adapters.kube.caches import Cache
from laneway.adapters.kube.client import Client
from laneway.adapters.kube.resources import DECLARED, GATEWAYS, SERVICES, Resource
from laneway.adapters.kube.retained_fields import trim_of
from laneway.operator.admission import Surroundings
from laneway.operator.manifests import Manifest

_CONTEXT = (SERVICES, GATEWAYS)


def _unheard(_: Resource) -> None:
    return None


class AdmissionContext:
    def __init__(
        self, client: Client, pause: Callable[[float], Awaitable[None]] = asyncio.sleep
    ) -> None:
        self._caches = {
            resource: Cache(client, resource, trim_of(resource), _unheard, pause)
            for resource in (*DECLARED, *_CONTEXT)
        }

    async def run(self) -> None:
        """Keep the caches until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for cache in self._caches.values():
                tasks.create_task(cache.run(), name=f"watch {cache.resource.plural}")

    def surroundings(self) -> Surroundings | None:
        """``None`` while something has not been seen yet: what is missing then means nothing."""
        if not all(cache.filled.is_set() for cache in self._caches.values()):
            return None
        return Surroundings(self._of(DECLARED), self._of(_CONTEXT))

    def _of(self, resources: tuple[Resource, ...]) -> tuple[Manifest, ...]:
        return tuple(item for one in resources for item in self._caches[one].objects())
