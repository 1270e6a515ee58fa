"""Rollback: a new revision in which all objects are as in an earlier one. Pure.

The user who rolls back owns the fields that change. A source that declares something else gets a
conflict when it applies again, so it cannot silently undo the rollback.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from laneway.apiserver import writes
from laneway.apiserver.failures import Failure
from laneway.apiserver.object_metadata import USER_FIELDS
from laneway.apiserver.resources import Resource
from laneway.apiserver.whole_writes import (
    Author,
    Problem,
    WholeWrite,
    problems_of,
    refusal,
)
from laneway.control.revisions import Manifest, ObjectId, Objects
from laneway.model.meshes import Mesh

#: The metadata that a rollback restores; the server owns the rest.


def rolled_back(
    objects: Objects, target: Objects, then: Mesh, author: Author, resources: Collection[Resource]
) -> WholeWrite:
    """The writes that make ``objects`` declare what ``target`` does. Raises ``Failure``.

    ``then`` is the mesh of ``target``. A group that was deleted since has its baseline again, even
    if its lanes are created in another order now.
    """
    by_name = {resource.qualified: resource for resource in resources}
    changed: dict[ObjectId, Manifest | None] = {}
    problems: list[Problem] = []
    for key, stored in target.items():
        wanted, live = declared_part(stored.manifest), objects.get(key)
        if live is not None and declared_part(live.manifest) == wanted:
            continue
        write = author.write(by_name[key.resource], key.namespace, key.name)
        body = {**wanted, "apiVersion": write.api_version}
        try:
            valid = (
                writes.created(write, body) if live is None else writes.replaced(write, live, body)
            )
        except Failure as failure:
            problems += problems_of(failure, (), str(key))
            continue
        changed[key] = valid.manifest if live is not None else _with_baseline(valid.manifest, then)
    if problems:
        raise refusal("Rollback", problems)
    return WholeWrite(changed | {key: None for key in objects if key not in target})


def _with_baseline(manifest: Manifest, then: Mesh) -> Manifest:
    if manifest["kind"] != "LaneGroup":
        return manifest
    group = then.groups_by_name.get(manifest["metadata"]["name"])
    baseline = then.baseline(group) if group is not None else None
    return {**manifest, "status": {"baseline": baseline.name}} if baseline else manifest


def declared_part(manifest: Manifest) -> dict[str, Any]:
    """The declared part of an object, without its status and the server's fields."""
    metadata = manifest["metadata"]
    kept = {name: metadata[name] for name in USER_FIELDS if metadata.get(name)}
    return {**{k: v for k, v in manifest.items() if k != "status"}, "metadata": kept}


def moved_baselines(then: Mesh, now: Mesh) -> Iterator[str]:
    """Groups without a declared baseline that have been deleted since, or that have recorded
    another baseline."""
    for group in now.groups:
        before = then.groups_by_name.get(group.name)
        if before is None:
            continue
        old, new = then.baseline(before), now.baseline(group)
        if old is not None and new is not None and old.name != new.name:
            yield (
                f"the baseline of group {group.name} was lane {old.name}, and is lane {new.name} "
                f"now: set spec.baseline to {old.name}"
            )
