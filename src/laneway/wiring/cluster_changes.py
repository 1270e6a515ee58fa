"""Answers to previews and change sets in a cluster.

A change set is decided as on one machine: whose fields are whose, what is valid, and what is valid
together. Then the API server tries each object, and last each is written. The operator writes in
its own name, so the cluster is asked before whether the user may write each of the objects. What
was written by whom is told in events about the objects.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from laneway.adapters.kube.access_reviews import Access
from laneway.adapters.kube.client import Client
from laneway.apiserver import cluster_change_sets
from laneway.apiserver.change_sets import composed
from laneway.apiserver.cluster_change_sets import (
    PREVIEWED,
    WRITTEN,
    Step,
    check_kinds,
    check_size,
    ordered,
    pruned,
    requested,
    resources_of,
)
from laneway.apiserver.failures import Failure
from laneway.apiserver.virtual_resources import Answered, Asked
from laneway.apiserver.whole_writes import Author, WholeWrite, refusal_of
from laneway.control.declared import Refused
from laneway.control.revisions import ObjectId, Objects, StoredObject
from laneway.model.times import timestamp
from laneway.operator.cluster_port import ClusterError
from laneway.schema.api_requests import ChangeSetSpec, PreviewSpec, ProposedChanges
from laneway.wiring.change_answers import object_operations, path_preview
from laneway.wiring.cluster_access import ClusterAccess
from laneway.wiring.cluster_meshes import ClusterMesh, cluster_mesh
from laneway.wiring.cluster_objects import (
    declared_objects,
    named_context,
    trimmed_bodies,
    with_writes,
)
from laneway.wiring.cluster_reviews import ClusterReviews
from laneway.wiring.cluster_writes import ClusterWrites
from laneway.wiring.reviewed_meshes import workload_names

_CALLS_UNKNOWN = (
    "whom services call is not known in a cluster: the preview ends at the first service"
)
_NO_HISTORY = "a cluster keeps no history: the message is in the events of the objects alone"


@dataclass(frozen=True, slots=True)
class _Meshes:
    before: ClusterMesh
    after: ClusterMesh


class ClusterChanges:
    """``now`` is in UTC."""

    def __init__(
        self,
        client: Client,
        reviews: ClusterReviews,
        access: ClusterAccess,
        writes: ClusterWrites,
        now: Callable[[], datetime],
    ) -> None:
        self._client = client
        self._reviews = reviews
        self._access = access
        self._writes = writes
        self._now = now

    async def preview(self, asked: Asked) -> Answered:
        spec = asked.spec
        assert isinstance(spec, PreviewSpec)
        check_size("Preview", spec)
        spec = spec.model_copy(update={"objects": trimmed_bodies(spec.objects)})
        resources = resources_of(PREVIEWED)
        try:
            objects = await declared_objects(self._client)
            objects |= await named_context(self._client, requested(spec, {}, resources))
        except ClusterError as error:
            raise _not_read(error) from error
        write = composed("Preview", spec, objects, self._author(asked, spec), resources)
        meshes = await self._meshes("Preview", write, objects)
        down = workload_names(spec.down, meshes.after.mesh, "spec.down")
        status: dict[str, Any] = {
            "revision": None,
            "objects": object_operations(write, objects),
            **await self._paths(meshes, down),
        }
        return Answered(status, (*write.warnings, _CALLS_UNKNOWN))

    async def change_set(self, asked: Asked) -> Answered:
        spec = asked.spec
        assert isinstance(spec, ChangeSetSpec)
        check_size("ChangeSet", spec)
        resources = resources_of(WRITTEN)
        try:
            objects = await declared_objects(self._client)
        except ClusterError as error:
            raise _not_read(error) from error
        check_kinds(spec)
        named = list(requested(spec, objects, resources))
        # Before anything is said of the objects, such as who owns a field.
        await self._check(asked, named)
        author = self._author(asked, spec)
        write = composed("ChangeSet", spec, objects, author, resources)
        unnamed = list(pruned(write, objects))
        await self._check(asked, unnamed)
        meshes = await self._meshes("ChangeSet", write, objects)
        steps = ordered([*named, *unnamed])
        assert write.writes.keys() <= {step.key for step in steps}, "what is decided is done"
        tried = await self._writes.tried(steps, author)
        warnings = [*write.warnings, *([_NO_HISTORY] if spec.message else ())]
        status: dict[str, Any] = {"revision": None, "atomic": False}
        if asked.dry_run:
            done = [
                cluster_change_sets.report(step.key, cluster_change_sets.operation(step, each))
                for step, each in tried
            ]
            status |= {"objects": done, **await self._paths(meshes)}
            return Answered(status, (*warnings, _CALLS_UNKNOWN))
        written = await self._writes.made(tried, author, spec.message)
        status["objects"] = written.reports
        if spec.wait:
            lacking = await self._writes.not_ready(written, spec.timeout_seconds)
            status |= {"ready": not lacking, "notReady": lacking}
        return Answered(status, tuple(warnings))

    async def _check(self, asked: Asked, steps: Collection[Step]) -> None:
        await self._access.check(
            asked.identity,
            [
                Access(verb, group, plural, step.key.name)
                for step in steps
                for plural, _, group in [step.key.resource.partition(".")]
                for verb in step.verbs
            ],
        )

    async def _meshes(self, kind: str, write: WholeWrite, objects: Objects) -> _Meshes:
        """Raises ``Failure`` if something would not be valid any more."""
        now = self._now()
        everything = {**self._context(), **objects}
        after = await asyncio.to_thread(cluster_mesh, with_writes(everything, write.writes), now)
        before = await asyncio.to_thread(cluster_mesh, with_writes(everything, {}), now)
        if wrong := [each for each in after.errors if each not in before.errors]:
            raise refusal_of(kind, Refused(0, tuple(wrong)), write.places)
        return _Meshes(before, after)

    def _context(self) -> dict[ObjectId, StoredObject]:
        """Services and gateways, as they are watched. Raises ``Failure``."""
        found = {}
        for manifest in self._reviews.context():
            metadata = manifest["metadata"]
            plural = "services" if manifest["kind"] == "Service" else "gateways.networking.istio.io"
            key = ObjectId(plural, metadata.get("namespace", ""), metadata["name"])
            found[key] = StoredObject(manifest, 0, 0)
        return found

    async def _paths(self, meshes: _Meshes, down: Collection[Any] = ()) -> dict[str, Any]:
        before, after = meshes.before, meshes.after
        unready = {*down, *before.unready}
        found = await asyncio.to_thread(path_preview, before.mesh, after.mesh, unready)
        # That nothing changes at the first service says nothing about those behind it.
        return found if found["changedPathsTotal"] else {}

    def _author(self, asked: Asked, spec: ProposedChanges) -> Author:
        force = spec.force or asked.force
        now = timestamp(self._now())
        return Author(asked.identity, spec.source, now, lambda: "", force)


def _not_read(error: ClusterError) -> Failure:
    return Failure(503, f"the cluster cannot be read: {error}")
