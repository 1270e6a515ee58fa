"""The cluster, as the reconciler sees it: caches to observe, the client to change things.

What the API server answers to a change goes into the cache at once, so that the next pass sees it
and the watch's echo wakes nobody.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any

from laneway.adapters.kube import resources
from laneway.adapters.kube.announcements import Announcer
from laneway.adapters.kube.caches import Cache
from laneway.adapters.kube.client import Client
from laneway.adapters.kube.errors import NotFound
from laneway.adapters.kube.resources import Resource
from laneway.adapters.kube.retained_fields import generated_trim, trim_of
from laneway.compile.dialect import Kinds
from laneway.operator.cluster_port import Note, Observed
from laneway.operator.manifests import Manifest


class KubeCluster:
    """Implements ``operator.cluster_port.Cluster`` for the kinds of a dialect.

    ``changed`` is called whenever a cache has changed. ``identity`` names this process in the
    events that it writes; ``now`` is RFC 3339 with microseconds.
    """

    def __init__(
        self,
        client: Client,
        kinds: Kinds,
        changed: Callable[[Resource], None],
        *,
        identity: str,
        now: Callable[[], str],
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._client = client
        self._announcer = Announcer(client, identity, now)
        self._generated = resources.generated(kinds)
        trims = {resource: trim_of(resource) for resource in resources.WATCHED} | {
            resource: generated_trim(kinds[kind]) for kind, resource in self._generated.items()
        }
        self._caches = {
            resource: Cache(client, resource, trim, changed, pause)
            for resource, trim in trims.items()
        }
        by_kind = {resource.kind: resource for resource in resources.WATCHED}
        self._by_kind = {**by_kind, **self._generated}

    async def run(self) -> None:
        """Keep the caches until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for cache in self._caches.values():
                tasks.create_task(cache.run(), name=f"watch {cache.resource.plural}")

    async def filled(self) -> None:
        """Until everything has been listed once: before that, what is missing means nothing."""
        for cache in self._caches.values():
            await cache.filled.wait()

    def faults(self) -> Mapping[str, str]:
        """What keeps each watch from working, by resource."""
        return {c.resource.plural: c.fault for c in self._caches.values() if c.fault}

    def sizes(self) -> Mapping[str, int]:
        return {c.resource.plural: len(c.objects()) for c in self._caches.values()}

    def observe(self) -> Observed:
        objects = {resource: tuple(cache.objects()) for resource, cache in self._caches.items()}
        return Observed(
            groups=objects[resources.LANE_GROUPS],
            lanes=objects[resources.LANES],
            services=objects[resources.SERVICES],
            gateways=objects[resources.GATEWAYS],
            generated=tuple(o for r in self._generated.values() for o in objects[r]),
            slices=objects[resources.SLICES],
            pods=objects[resources.PODS],
            revision=tuple(
                cache.revision
                for resource, cache in self._caches.items()
                if resource not in (resources.PODS, resources.SLICES)
            ),
        )

    async def apply(self, manifest: Manifest, before: Manifest | None) -> None:
        cache = self._cache(manifest)
        body = manifest
        if before is not None and "uid" in before["metadata"]:
            body = {**body, "metadata": {**body["metadata"], "uid": before["metadata"]["uid"]}}
        cache.learn(await self._client.apply(cache.resource, body))

    async def delete(self, manifest: Manifest) -> None:
        cache = self._cache(manifest)
        with suppress(NotFound):
            await self._client.delete(cache.resource, manifest)
        cache.forget(dict(manifest))

    async def report(self, subject: Manifest, status: Mapping[str, Any]) -> None:
        cache = self._cache(subject)
        metadata = {n: v for n, v in subject["metadata"].items() if n in ("name", "namespace")}
        body = {
            "apiVersion": cache.resource.api_version,
            "kind": cache.resource.kind,
            "metadata": metadata,
            "status": status,
        }
        with suppress(NotFound):
            cache.learn(await self._client.apply(cache.resource, body, "status"))

    async def announce(self, subject: Manifest, note: Note) -> None:
        await self._announcer.announce(subject, note)

    def _cache(self, manifest: Manifest) -> Cache:
        return self._caches[self._by_kind[manifest["kind"]]]
