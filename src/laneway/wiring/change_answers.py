"""Answers requests that change many objects at once: change sets, rollbacks and promotions.

The answer has the revision, the changes and, for a dry run or a preview, the requests that take
another path.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from laneway.apiserver.change_sets import composed
from laneway.apiserver.failures import Failure
from laneway.apiserver.promotions import (
    Promoted,
    earlier_baselines,
    elsewhere,
    group_key,
    lanes_by_service,
    promoted,
)
from laneway.apiserver.resources import Resource
from laneway.apiserver.rollbacks import moved_baselines, rolled_back
from laneway.apiserver.tokens import ADMIN, Identity
from laneway.apiserver.virtual_resources import Answered, Asked
from laneway.apiserver.whole_writes import Author, WholeWrite
from laneway.compile.analyze.changed_paths import ChangedPath, changed_paths
from laneway.control.declared import Declarations
from laneway.control.revisions import (
    ObjectId,
    Objects,
    RevisionCompacted,
    RevisionStore,
    StoreError,
)
from laneway.model.lane_lives import INACTIVE, active
from laneway.model.meshes import Mesh
from laneway.model.names import ObjectName
from laneway.model.times import timestamp
from laneway.schema.api_requests import ChangeSetSpec, PreviewSpec, PromotionSpec, RollbackSpec
from laneway.wiring.reviewed_meshes import declared_mesh, workload_names
from laneway.wiring.stored_declarations import declared_at_start
from laneway.wiring.whole_changes import Change, Taken, WholeChanges

#: At most this many are listed, because one change may affect thousands of routes.
MOST_PATHS = 100
#: The number of revisions that are read at a time, from the newest back.
_REVISIONS = 200
_PROMOTION, _ROLLBACK = "promotion", "rollback"


class ChangeAnswers:
    """``now`` is in UTC; ``uid`` returns a new uid with each call."""

    def __init__(
        self,
        store: RevisionStore,
        declarations: Declarations,
        changes: WholeChanges,
        resources: Collection[Resource],
        now: Callable[[], datetime],
        uid: Callable[[], str],
    ) -> None:
        self._store = store
        self._declarations = declarations
        self._changes = changes
        self._resources = resources
        self._now = now
        self._uid = uid

    async def change_set(self, asked: Asked) -> Answered:
        spec = asked.spec
        assert isinstance(spec, ChangeSetSpec)
        author = self._author(asked, spec.source, force=spec.force)

        def compose(objects: Objects) -> WholeWrite:
            return composed("ChangeSet", spec, objects, author, self._resources)

        change = _change("ChangeSet", asked, spec.source, spec.message, force=author.force)
        taken = await self._changes.make(change, compose, dry_run=asked.dry_run)
        status = await self._status(taken, asked)
        if spec.wait and not asked.dry_run:
            lacking = await self._not_ready(taken.write.concerned, spec.timeout_seconds)
            status |= {"ready": not lacking, "notReady": lacking}
        return Answered(status, taken.warnings)

    async def preview(self, asked: Asked) -> Answered:
        """The dry run of a change set. Users who may view may ask for it."""
        spec = asked.spec
        assert isinstance(spec, PreviewSpec)
        author = self._author(asked, spec.source, force=spec.force)

        def compose(objects: Objects) -> WholeWrite:
            return composed("Preview", spec, objects, author, self._resources)

        looking = replace(asked, identity=Identity(asked.identity.name, frozenset({ADMIN})))
        change = _change("Preview", looking, spec.source, "", force=author.force)
        taken = await self._changes.make(change, compose, dry_run=True)
        names = workload_names(spec.down, taken.mesh, "spec.down")
        status = await self._status(taken, replace(asked, dry_run=True), names)
        return Answered(status, taken.warnings)

    async def rollback(self, asked: Asked) -> Answered:
        spec = asked.spec
        assert isinstance(spec, RollbackSpec)
        try:
            target = await self._store.objects_at(spec.revision)
        except RevisionCompacted as error:
            raise Failure(410, f"spec.revision: {error}") from error
        except StoreError as error:
            raise Failure(422, f"spec.revision: {error}") from error
        author = self._author(asked, _ROLLBACK, force=True)
        then = declared_mesh(declared_at_start(target))

        def compose(objects: Objects) -> WholeWrite:
            return rolled_back(objects, target, then, author, self._resources)

        reason = f"to revision {spec.revision}" + (f": {spec.message}" if spec.message else "")
        change = _change("Rollback", asked, _ROLLBACK, reason, force=asked.force)
        taken = await self._changes.make(change, compose, dry_run=asked.dry_run)
        status = await self._status(taken, asked)
        return Answered(status, (*taken.warnings, *moved_baselines(then, taken.mesh)))

    async def promotion(self, asked: Asked) -> Answered:
        """The promotion, with its preview even if it is carried out."""
        spec = asked.spec
        assert isinstance(spec, PromotionSpec)
        author = self._author(asked, _PROMOTION, force=spec.force)
        earlier = await self._earlier_baselines(spec) if spec.undo else {}
        made: list[Promoted] = []

        def compose(objects: Objects) -> WholeWrite:
            mesh = self._declarations.state.mesh
            made.append(promoted(spec, mesh, objects, author, self._resources, earlier))
            return made[-1].write

        what = f"of lane {spec.group}/{spec.lane}{' undone' if spec.undo else ''}"
        reason = f"{what}: {spec.message}" if spec.message else what
        change = _change("Promotion", asked, _PROMOTION, reason, force=author.force)
        try:
            taken = await self._changes.make(change, compose, dry_run=asked.dry_run)
        except Failure as failure:
            raise (elsewhere(failure, made[-1].patch) if made else failure) from failure
        status = await self._status(taken, replace(asked, dry_run=True))
        status |= {"patch": made[-1].patch, "undo": made[-1].undo}
        return Answered(status, taken.warnings)

    async def _earlier_baselines(self, spec: PromotionSpec) -> Mapping[ObjectName, str | None]:
        """The baselines from before the lane was promoted, as far as the history goes back."""
        key, top = group_key(spec), self._store.latest
        if key not in self._store.objects:
            return {}
        history = [lanes_by_service(self._store.objects[key].manifest)]
        promoted = {service for service, lane in history[0].items() if lane == spec.lane}
        while top > self._store.compacted and promoted & history[-1].keys():
            low = max(self._store.compacted, top - _REVISIONS)
            revisions = reversed(await self._store.revisions(low, top - low))
            manifests = (revision.draft.writes.get(key) for revision in revisions)
            history += [lanes_by_service(manifest) for manifest in manifests if manifest]
            top = low
        return earlier_baselines(history, spec.lane)

    async def _status(
        self, taken: Taken, asked: Asked, down: Collection[Any] = ()
    ) -> dict[str, Any]:
        status: dict[str, Any] = {
            "revision": str(taken.revision) if taken.revision is not None else None,
            "objects": object_operations(taken.write, taken.before),
            "changes": [report.as_json() for report in taken.changes],
            "late": list(taken.late),
        }
        if asked.dry_run:
            before, after = (active(mesh, self._now()) for mesh in (taken.active, taken.mesh))
            status |= await asyncio.to_thread(path_preview, before, after, down)
        return status

    async def _not_ready(self, keys: Iterable[ObjectId], seconds: int) -> list[str]:
        """Lanes and lane groups that are not ready in time."""
        written = asyncio.Event()
        stop = self._store.listen(lambda revision, before: written.set())
        try:
            async with asyncio.timeout(seconds):
                while self._lacking(keys):
                    written.clear()
                    await written.wait()
        except TimeoutError:
            pass
        finally:
            stop()
        return self._lacking(keys)

    def _lacking(self, keys: Iterable[ObjectId]) -> list[str]:
        objects = self._store.objects
        watched = (key for key in keys if key.resource in _WITH_STATUS and key in objects)
        return [str(key) for key in watched if not is_ready(objects[key].manifest)]

    def _author(self, asked: Asked, manager: str, *, force: bool) -> Author:
        now = timestamp(self._now())
        return Author(asked.identity, manager, now, self._uid, force or asked.force)


def path_preview(before: Mesh, after: Mesh, down: Collection[ObjectName] = ()) -> dict[str, Any]:
    """The fields of a status for requests that take another path."""
    paths = changed_paths(before, after, down)
    return {
        "changedPaths": [_path(each) for each in paths[:MOST_PATHS]],
        "changedPathsTotal": len(paths),
    }


_WITH_STATUS = ("lanegroups.laneway.dev", "lanes.laneway.dev")


def is_ready(manifest: Mapping[str, Any]) -> bool:
    """A disabled lane counts as ready: nobody waits for it."""
    status = manifest.get("status") or {}
    conditions = {each["type"]: each for each in status.get("conditions") or ()}
    if status.get("observedGeneration") != manifest["metadata"]["generation"]:
        return False
    ready = conditions.get("Ready", {})
    return ready.get("status") == "True" or ready.get("reason") in INACTIVE


def _change(kind: str, asked: Asked, source: str, reason: str, *, force: bool) -> Change:
    told = f"{kind}: {reason}" if reason else kind
    return Change(kind, asked.identity, source, told, force)


def object_operations(write: WholeWrite, before: Objects) -> list[dict[str, Any]]:
    """The result for each object of the request."""
    listed = []
    for key in dict.fromkeys((*write.concerned, *write.writes)):
        manifest = write.writes.get(key)
        if key not in write.writes:
            operation = "unchanged"
        elif manifest is None:
            operation = "deleted"
        else:
            operation = "configured" if key in before else "created"
        listed.append(
            {
                "resource": key.resource,
                **({"namespace": key.namespace} if key.namespace else {}),
                "name": key.name,
                "operation": operation,
            }
        )
    return listed


def _path(changed: ChangedPath) -> dict[str, Any]:
    example = changed.example
    return {
        "gateway": str(example.gateway),
        "port": example.port,
        "request": {
            "method": example.method,
            "host": example.host,
            "path": example.path,
            "headers": dict(example.headers),
        },
        "curl": example.curl(),
        "before": changed.before,
        "after": changed.after,
        "percentage": changed.percentage,
    }
