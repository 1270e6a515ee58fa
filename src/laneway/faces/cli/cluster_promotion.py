"""``laneway promote`` in a cluster, where no server makes promotions: the client makes the write.

It is decided as on one machine, by ``apiserver.promotions``, and written by server-side apply. So
the API server refuses it where another field manager sets the same baseline. The resource version
is part of the write: of two promotions at a time, neither undoes the other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from laneway.apiserver.failures import Failure
from laneway.apiserver.promotions import Promoted, group_key, promoted
from laneway.apiserver.resources import served
from laneway.apiserver.tokens import Identity
from laneway.apiserver.whole_writes import Author
from laneway.control.revisions import StoredObject
from laneway.faces.cli import object_requests
from laneway.faces.cli.cluster_objects import Manifest, cluster_objects, warn_of
from laneway.faces.cli.failures import Failed
from laneway.faces.cli.resource_words import ObjectReference, reference_of
from laneway.faces.cli.server_requests import Server, ServerError
from laneway.faces.cli.terminals import errors
from laneway.model.times import timestamp
from laneway.schema.api_requests import PromotionSpec
from laneway.schema.yaml_text import dump_all
from laneway.wiring.change_answers import path_preview
from laneway.wiring.cluster_meshes import ClusterMesh, cluster_mesh
from laneway.wiring.lane_expiry import utc_now

MANAGER = "laneway-promote"
#: The operator writes statuses meanwhile, which makes other versions of the group.
_ATTEMPTS = 5


def promote_in_cluster(
    server: Server, asked: Mapping[str, Any], *, dry_run: bool
) -> Mapping[str, Any]:
    """The status that a Promotion has elsewhere, without a revision. Raises ``ServerError``, with
    the patch to make in its details where another source sets the baseline."""
    spec = PromotionSpec.model_validate(asked)
    for attempt in range(1, _ATTEMPTS + 1):
        objects = cluster_objects(server)
        before = cluster_mesh(objects, utc_now())
        made = _decided(spec, before, objects)
        after = _mesh_after(made, before, objects)
        try:
            changed = _write(server, spec, made, objects, dry_run=dry_run)
        except ServerError as error:
            if error.code != 409 or _field_causes(error) or attempt == _ATTEMPTS:
                raise
            continue
        break
    warn_of(before.errors)
    _say_what_is_not_known(spec)
    if dry_run:
        print(dump_all([dict(made.patch)]), end="")
    return _status(spec, made, before, after, changed=changed)


def _decided(spec: PromotionSpec, mesh: ClusterMesh, objects: Sequence[Manifest]) -> Promoted:
    author = Author(
        Identity("", frozenset()), MANAGER, timestamp(utc_now()), lambda: "", spec.force
    )
    stored = {group_key(spec): StoredObject(_group(spec, objects), 0, 0)}
    try:
        return promoted(spec, mesh.declared, stored, author, served())
    except Failure as failure:
        warn_of(mesh.errors)
        raise ServerError(str(failure), failure.code, {"details": failure.details}) from failure


def _group(spec: PromotionSpec, objects: Sequence[Manifest]) -> Manifest:
    for each in objects:
        if (each["kind"], each["metadata"]["name"]) == ("LaneGroup", spec.group):
            return each
    raise Failed(f"there is no LaneGroup {spec.group}, to which lane {spec.lane} belongs")


def _mesh_after(made: Promoted, before: ClusterMesh, objects: Sequence[Manifest]) -> ClusterMesh:
    """Raises ``Failed`` if the group would not be accepted any more."""
    written = {
        ("LaneGroup", key.name): manifest
        for key, manifest in made.write.writes.items()
        if manifest is not None
    }
    names = [(each["kind"], each["metadata"]["name"]) for each in objects]
    new = [written.get(name, each) for name, each in zip(names, objects, strict=True)]
    after = cluster_mesh(new, before.at)
    if wrong := [each for each in after.errors if each not in before.errors]:
        raise Failed("\n".join(map(str, wrong)))
    return after


def _write(
    server: Server,
    spec: PromotionSpec,
    made: Promoted,
    objects: Sequence[Manifest],
    *,
    dry_run: bool,
) -> bool:
    """Whether the group was, or would be, changed. Raises ``ServerError``."""
    group = _group(spec, objects)
    version = group["metadata"]["resourceVersion"]
    body = {
        **made.applied,
        "metadata": {"name": spec.group, "resourceVersion": version},
    }
    applied = object_requests.apply(
        server, _reference(spec), body, MANAGER, force=spec.force, dry_run=dry_run
    )
    return bool(applied["spec"] != group["spec"])


def _reference(spec: PromotionSpec) -> ObjectReference:
    return reference_of(group_key(spec))


def _field_causes(error: ServerError) -> bool:
    """Another manager owns a field; else another version of the group was written meanwhile."""
    return bool((error.document.get("details") or {}).get("causes"))


def _say_what_is_not_known(spec: PromotionSpec) -> None:
    notes = ["Whom services call is not known in a cluster: the preview ends at the first service."]
    if spec.undo:
        notes.append(
            "A cluster keeps no history: the earlier value is not known, so the group's baseline "
            "answers."
        )
    if spec.message:
        notes.append("A cluster keeps no history: the message is not kept.")
    for note in notes:
        errors().print(note, soft_wrap=True)


def _status(
    spec: PromotionSpec,
    made: Promoted,
    before: ClusterMesh,
    after: ClusterMesh,
    *,
    changed: bool,
) -> Mapping[str, Any]:
    preview = path_preview(before.mesh, after.mesh, before.unready)
    key = group_key(spec)
    operation = "configured" if changed else "unchanged"
    return {
        "revision": None,
        "objects": [{"resource": key.resource, "name": key.name, "operation": operation}],
        "patch": made.patch,
        "undo": made.undo,
        # That nothing changes at the first service says nothing about those behind it.
        **(preview if preview["changedPathsTotal"] else {}),
    }
