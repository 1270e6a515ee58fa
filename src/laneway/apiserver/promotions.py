"""Promotion: a lane's versions become the baseline, by one write of its group. Pure.

``spec.serviceBaselines`` of the group says which lane answers for a service where no other does.
The lane stays, and undoing is to restore what the map said before.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from laneway.apiserver import field_ownership, writes
from laneway.apiserver.failures import Failure
from laneway.apiserver.patches import APPLY
from laneway.apiserver.resources import Resource
from laneway.apiserver.whole_writes import Author, WholeWrite
from laneway.control.revisions import Manifest, ObjectId, Objects
from laneway.model.meshes import Mesh
from laneway.model.names import ObjectName
from laneway.model.suggestions import listing, suggestion
from laneway.schema.api_requests import PromotionSpec

_GROUPS = "lanegroups.laneway.dev"
_FIELD = "serviceBaselines"


@dataclass(frozen=True, slots=True)
class Promoted:
    """``patch`` and ``undo`` are merge patches of the group: the promotion, and what stood."""

    write: WholeWrite
    patch: Mapping[str, Any]
    undo: Mapping[str, Any]


def promoted(
    spec: PromotionSpec,
    mesh: Mesh,
    objects: Objects,
    author: Author,
    resources: Collection[Resource],
) -> Promoted:
    """``mesh`` is what is declared, and ``objects`` what declares it. Raises ``Failure``."""
    key = ObjectId(_GROUPS, "", spec.group)
    services = _services(spec, mesh)
    live = objects.get(key)
    if live is None:
        raise Failure(
            422,
            f"spec.group: the group {spec.group} is no LaneGroup, so it has no {_FIELD}; "
            "`laneway convert` writes it as one",
        )
    before: Mapping[str, str] = live.manifest["spec"].get(_FIELD) or {}
    known = {ObjectName.of(each): each for each in before}
    keys = [known.get(service, service.short) for service in services]
    after = dict.fromkeys(keys, spec.lane)
    patch = {"spec": {_FIELD: after}}
    undo = {"spec": {_FIELD: {each: before.get(each) for each in keys}}}
    resource = next(each for each in resources if each.qualified == _GROUPS)
    write = author.write(resource, "", spec.group)
    own = {each: before[each] for each in _owned(live.manifest, author.manager) if each in before}
    body = {
        "apiVersion": write.api_version,
        "kind": resource.kind.name,
        "metadata": {"name": spec.group},
        "spec": {_FIELD: {**own, **after}},
    }
    try:
        valid = writes.patch(write, live, APPLY, body)
    except Failure as failure:
        if failure.code != 409:
            raise
        raise Failure(
            409,
            f"{failure.message}; change it where it is declared, by "
            f"{json.dumps(patch)}, or take it over by `force`",
            details=failure.details,
        ) from failure
    changed = {} if valid.manifest == live.manifest else {key: valid.manifest}
    return Promoted(WholeWrite(changed, valid.warnings), patch, undo)


def _services(spec: PromotionSpec, mesh: Mesh) -> tuple[ObjectName, ...]:
    group = mesh.groups_by_name.get(spec.group)
    if group is None:
        known = list(mesh.groups_by_name)
        fix = suggestion(spec.group, known, f"there is {listing(known) or 'none'}")
        raise Failure(422, f"spec.group: there is no lane group {spec.group}; {fix}")
    lanes = {lane.name: lane for lane in mesh.lanes_by_group[spec.group]}
    lane = lanes.get(spec.lane)
    if lane is None:
        fix = suggestion(spec.lane, list(lanes), f"there is {listing(list(lanes)) or 'none'}")
        raise Failure(422, f"spec.lane: group {spec.group} has no lane {spec.lane}; {fix}")
    if not spec.services:
        return lane.services
    wanted = []
    for index, text in enumerate(spec.services):
        if ObjectName.of(text) not in lane.services:
            names = [each.short for each in lane.services]
            fix = suggestion(text, names, f"there is {listing(names)}")
            raise Failure(
                422, f"spec.services[{index}]: lane {spec.lane} has no service {text}; {fix}"
            )
        wanted.append(ObjectName.of(text))
    return tuple(wanted)


def _owned(manifest: Manifest, manager: str) -> Iterator[str]:
    """The services whose baselines this manager applied before: it goes on to declare them."""
    prefix = ("f:spec", f"f:{_FIELD}")
    for owner, owned in field_ownership.owners_of(manifest).items():
        if owner.name == manager and owner.operation == field_ownership.APPLY:
            for path in owned.paths:
                if path[:2] == prefix and len(path) == 3:
                    yield path[2].removeprefix("f:")
