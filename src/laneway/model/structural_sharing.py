"""Structural sharing: a new mesh uses the objects of the previous one wherever they are equal.

A change arrives as a whole mesh, most of whose objects are equal to those before. Once equal
objects are identical, lowering and emission find what changed by comparing identities, and values
that were derived from unchanged objects are used again.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from operator import is_
from typing import Any, TypeVar

from laneway.model.lanes import Lane
from laneway.model.meshes import Mesh
from laneway.model.names import ObjectName

T = TypeVar("T")

# The derived values of ``Mesh``, and the only field from which each of them is derived.
_SOURCES = {
    "services_by_name": "services",
    "gateways_by_name": "gateways",
    "workloads_by_name": "workloads",
    "groups_by_name": "groups",
    "groups_by_service": "groups",
    "subsets": "lanes",
}


def share_unchanged(mesh: Mesh, before: Mesh) -> Mesh:
    """An equal mesh that consists of objects of ``before`` wherever those are equal."""
    result = Mesh(
        groups=_shared(mesh.groups, before.groups, lambda group: group.name),
        lanes=_shared(mesh.lanes, before.lanes, lambda lane: (lane.group, lane.name)),
        services=_shared(mesh.services, before.services, lambda service: service.name),
        workloads=_shared(mesh.workloads, before.workloads, lambda workload: workload.name),
        gateways=_shared(mesh.gateways, before.gateways, lambda gateway: gateway.name),
    )
    # ``cached_property`` looks for its value here first.
    derived: dict[str, Any] = vars(result)
    for name, source in _SOURCES.items():
        if name in vars(before) and getattr(result, source) is getattr(before, source):
            derived[name] = vars(before)[name]
    if "subsets" in vars(before) and "subsets" not in derived:
        subsets = _subsets(before, result.lanes)
        if subsets is not None:
            derived["subsets"] = subsets
    return result


def lane_changes(
    before: Sequence[Lane], after: Sequence[Lane]
) -> tuple[Sequence[Lane], Sequence[Lane]] | None:
    """The removed lanes, and those that are new or other objects than before.

    None if the remaining lanes are in another order, which may affect everything.
    """
    old, new = set(map(id, before)), set(map(id, after))
    stay = [id(lane) for lane in before if id(lane) in new]
    if stay != [id(lane) for lane in after if id(lane) in old]:
        return None
    gone = [lane for lane in before if id(lane) not in new]
    return gone, [lane for lane in after if id(lane) not in old]


def _shared(new: tuple[T, ...], old: tuple[T, ...], key: Callable[[T], Hashable]) -> tuple[T, ...]:
    if new is old:
        return old
    known = {key(each): each for each in old}
    shared = tuple(_same(each, known.get(key(each))) for each in new)
    return next((each for each in (old, new) if _same_objects(each, shared)), shared)


def _same(new: T, old: T | None) -> T:
    return old if old is not None and (new is old or new == old) else new


def _same_objects(some: Sequence[object], others: Sequence[object]) -> bool:
    return len(some) == len(others) and all(map(is_, some, others))


def _subsets(
    before: Mesh, lanes: Sequence[Lane]
) -> Mapping[tuple[str, ObjectName], tuple[Lane, ...]] | None:
    """``Mesh.subsets`` of ``lanes``, derived from those before and the lanes that changed."""
    changed = lane_changes(before.lanes, lanes)
    if changed is None:
        return None
    gone, made = changed
    place = {id(lane): index for index, lane in enumerate(lanes)}
    added: dict[tuple[str, ObjectName], list[Lane]] = {key: [] for key in _keys(gone)}
    for lane in made:
        for key in _keys([lane]):
            added.setdefault(key, []).append(lane)
    subsets = dict(before.subsets)
    for key, new in added.items():
        stay = [lane for lane in subsets.get(key, ()) if id(lane) in place]
        if stay or new:
            # In its old place, so that a comparison of the two mappings is fast.
            subsets[key] = tuple(sorted([*stay, *new], key=lambda lane: place[id(lane)]))
        else:
            del subsets[key]
    return subsets


def _keys(lanes: Iterable[Lane]) -> Iterable[tuple[str, ObjectName]]:
    return ((lane.group, service) for lane in lanes for service in lane.services)
