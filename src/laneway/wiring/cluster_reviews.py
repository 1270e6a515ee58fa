"""The mesh that reviews ask about in a cluster: what its objects declare now."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from laneway.adapters.kube.declared_objects import DeclaredObjects
from laneway.apiserver.failures import Failure
from laneway.model.names import ObjectName
from laneway.model.suggestions import listing
from laneway.operator.manifests import Manifest
from laneway.wiring.cluster_meshes import ClusterMesh, cluster_mesh
from laneway.wiring.reviewed_meshes import ReviewedMesh

#: Of objects that were left out; ``Analysis`` lists them all.
_MOST_WARNINGS = 10


class ClusterReviews:
    """``now`` is in UTC."""

    def __init__(self, objects: DeclaredObjects, now: Callable[[], datetime]) -> None:
        self._objects = objects
        self._now = now
        self._known: tuple[object, ClusterMesh] | None = None

    async def reviewed(self, revision: int | None) -> ReviewedMesh:
        """Raises ``Failure`` for an earlier revision, and before the cluster has been read."""
        if revision is not None:
            message = "spec.revision: a cluster keeps no history; `laneway serve` does"
            raise Failure(422, message)
        found = await self.mesh()
        return ReviewedMesh(
            found.declared,
            found.at,
            {},
            found.unready,
            tuple(_warnings(found)),
            found.errors,
            self._objects.manifests(),
        )

    def context(self) -> Sequence[Manifest]:
        """The services and gateways. Raises ``Failure``."""
        self._check()
        return self._objects.context()

    def _check(self) -> None:
        if not self._objects.filled:
            faults = "; ".join(self._objects.faults().values())
            raise Failure(503, f"laneway has not read the cluster yet{faults and f': {faults}'}")

    async def mesh(self) -> ClusterMesh:
        """In a thread, because a large mesh takes a while. Raises ``Failure``."""
        self._check()
        revision, known = self._objects.revision, self._known
        if known is None or known[0] != revision:
            manifests = self._objects.manifests()
            known = revision, await asyncio.to_thread(cluster_mesh, manifests, self._now())
            self._known = known
        return replace(known[1], at=self._now())


def _warnings(found: ClusterMesh) -> Iterator[str]:
    if found.unready:
        yield f"no pod is ready of {_names(found.unready)}"
    if found.unknown:
        yield (
            f"how many pods of {_names(found.unknown)} are ready is not known, so they count as "
            "ready"
        )
    yield from (f"left out: {each}" for each in found.errors[:_MOST_WARNINGS])
    if len(found.errors) > _MOST_WARNINGS:
        yield f"left out: {len(found.errors) - _MOST_WARNINGS} more; an Analysis lists all"


def _names(workloads: Collection[ObjectName]) -> str:
    return listing([each.short for each in sorted(workloads)])
