"""Finds new workloads that take the place of others, such as one that was renamed.

``rollouts`` waits until these are ready before it removes the others, so that a service which has
an instance before and after a change also has one in between.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from laneway.model.lanes import Lane
from laneway.model.meshes import Mesh
from laneway.model.names import ObjectName
from laneway.model.selection import Selection
from laneway.model.services import Service
from laneway.model.workloads import Workload


def replacements(old: Mesh, new: Mesh, ready: Collection[ObjectName]) -> frozenset[ObjectName]:
    """The workloads of ``new`` alone in a service, or in a lane's subset of one, of whose workloads
    in ``old`` some are ready, and of whose others in ``new`` none are.

    A workload that needs the port of one that is removed is left out: it has to wait for the end of
    that one.
    """
    added = new.workloads_by_name.keys() - old.workloads_by_name.keys()
    if not added or not ready:
        return frozenset()
    removed = [w for w in old.workloads if w.name not in new.workloads_by_name]
    taken = {each.address for each in removed if each.has_fixed_port}
    before, after = Selection(old), Selection(new)
    found: set[ObjectName] = set()
    for service in new.services:
        known = old.services_by_name.get(service.name)
        members = after.workloads(service)
        if known is None or added.isdisjoint(each.name for each in members):
            continue
        for lane, former in _subsets(old, new, service):
            chosen = [w for w in members if lane is None or lane.selects(w.labels)]
            served = _any(before.workloads(known, former), ready)
            if served and not _any(chosen, ready):
                found.update(w.name for w in chosen if w.name in added and w.address not in taken)
    return frozenset(found)


def _subsets(old: Mesh, new: Mesh, service: Service) -> Iterator[tuple[Lane | None, Lane | None]]:
    """Each lane that contains the service both before and after, as it is after and as it was
    before; without a lane group, all of the service."""
    group = new.groups_by_service.get(service.name)
    if group is None or service.name not in old.groups_by_service:
        yield None, None
        return
    former = {lane.name: lane for lane in old.subsets.get((group.name, service.name), ())}
    for lane in new.subsets.get((group.name, service.name), ()):
        if lane.name in former:
            yield lane, former[lane.name]


def _any(workloads: Collection[Workload], ready: Collection[ObjectName]) -> bool:
    return any(each.name in ready for each in workloads)
