"""Promotion: one write to a lane group makes a lane's versions the baseline. Pure.

The group's ``spec.serviceBaselines`` names the lane that is the baseline of each service. The lane
stays. Undoing a promotion restores the entries from before.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
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
    """``patch`` and ``undo`` are merge patches of the group: the promotion, and its reversal.

    ``applied`` is the same as a configuration for server-side apply.
    """

    write: WholeWrite
    applied: Manifest
    patch: Mapping[str, Any]
    undo: Mapping[str, Any]


def promoted(
    spec: PromotionSpec,
    mesh: Mesh,
    objects: Objects,
    author: Author,
    resources: Collection[Resource],
    earlier: Mapping[ObjectName, str | None] | None = None,
) -> Promoted:
    """``objects`` declare ``mesh``. Raises ``Failure``.

    ``earlier``, for undoing, has the lanes that were baselines before.
    """
    key = group_key(spec)
    services = _services(spec, mesh)
    live = objects.get(key)
    if live is None:
        raise Failure(
            422,
            f"spec.group: the group {spec.group} is no LaneGroup, so it has no {_FIELD}; "
            "`laneway convert` writes it as one",
        )
    before = baselines(live.manifest)
    known = {ObjectName.of(each): each for each in before}
    wanted: dict[ObjectName, str | None] = dict.fromkeys(services, spec.lane)
    if spec.undo:
        wanted = _restored(spec, mesh, services, before, earlier or {})
    after = {known.get(service, service.short): lane for service, lane in wanted.items()}
    patch = {"spec": {_FIELD: after}}
    undo = {"spec": {_FIELD: {each: before.get(each) for each in after}}}
    resource = next(each for each in resources if each.qualified == _GROUPS)
    write = author.write(resource, "", spec.group)
    own = {each: before[each] for each in _owned(live.manifest, author.manager) if each in before}
    body = {
        "apiVersion": write.api_version,
        "kind": resource.kind.name,
        "metadata": {"name": spec.group},
        "spec": {_FIELD: {k: lane for k, lane in {**own, **after}.items() if lane is not None}},
    }
    try:
        valid = writes.patch(write, live, APPLY, body)
    except Failure as failure:
        raise elsewhere(failure, patch, ", or take it over by `force`") from failure
    lasting = baselines(valid.manifest)
    if kept := [each for each, lane in after.items() if lasting.get(each) != lane]:
        message = f"{_FIELD}: {listing(kept)}: another source sets it, too"
        raise elsewhere(Failure(409, message), patch)
    changed = {} if valid.manifest == live.manifest else {key: valid.manifest}
    return Promoted(WholeWrite(changed, valid.warnings), body, patch, undo)


def group_key(spec: PromotionSpec) -> ObjectId:
    return ObjectId(_GROUPS, "", spec.group)


def baselines(manifest: Manifest) -> Mapping[str, str]:
    """The lanes that are baselines of single services of the group."""
    found: Mapping[str, str] = manifest["spec"].get(_FIELD) or {}
    return found


def lanes_by_service(manifest: Manifest) -> Mapping[ObjectName, str]:
    return {ObjectName.of(service): lane for service, lane in baselines(manifest).items()}


def earlier_baselines(
    history: Sequence[Mapping[ObjectName, str]], lane: str
) -> Mapping[ObjectName, str | None]:
    """The lane that was the baseline of each service before ``lane``; None is the group's baseline.

    ``history`` has the group's ``lanes_by_service`` as they were, the newest first. A return to an
    earlier lane also removes what came after it, so undoing two promotions, one after the other,
    does not bring back the second.
    """
    promoted = [service for service, now in history[0].items() if now == lane] if history else ()
    found: dict[ObjectName, str | None] = {}
    for service in promoted:
        answering: list[str | None] = [None]
        for then in reversed(history):
            now = then.get(service)
            if now in answering:
                del answering[answering.index(now) + 1 :]
            else:
                answering.append(now)
        found[service] = answering[-2]
    return found


def elsewhere(failure: Failure, patch: Mapping[str, Any], otherwise: str = "") -> Failure:
    """A conflict whose message has the merge patch for the place where the group is declared."""
    if failure.code != 409 or "patch" in failure.details:
        return failure
    return Failure(
        409,
        f"{failure.message}; change it where it is declared, by {json.dumps(patch)}{otherwise}",
        details={**failure.details, "patch": patch},
    )


def _restored(
    spec: PromotionSpec,
    mesh: Mesh,
    services: Collection[ObjectName],
    before: Mapping[str, str],
    earlier: Mapping[ObjectName, str | None],
) -> dict[ObjectName, str | None]:
    """A lane that has been deleted is not restored: the group's baseline is used instead."""
    lanes = {lane.name for lane in mesh.lanes_by_group[spec.group]}
    standing = {ObjectName.of(each) for each, lane in before.items() if lane == spec.lane}
    wanted = [service for service in services if service in standing]
    if not wanted:
        about = listing([each.short for each in services])
        raise Failure(422, f"spec.undo: lane {spec.lane} is not promoted for {about}")
    restored = {service: earlier.get(service) for service in wanted}
    return {service: lane if lane in lanes else None for service, lane in restored.items()}


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
    """The services whose baselines this manager applied before, and continues to declare."""
    prefix = ("f:spec", f"f:{_FIELD}")
    for owner, owned in field_ownership.owners_of(manifest).items():
        if owner.name == manager and owner.operation == field_ownership.APPLY:
            for path in owned.paths:
                if path[:2] == prefix and len(path) == 3:
                    yield path[2].removeprefix("f:")
