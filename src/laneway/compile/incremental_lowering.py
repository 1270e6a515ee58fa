"""Lowering again and again: of a mesh that follows another, only the services that it touches.

The result is ``lower``'s. What did not change is the object that it was, by which the emitter knows
it; so the cost of a change of one lane does not grow with the services that the lane lacks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from laneway.compile.identity_diff import changes
from laneway.compile.ingress import lower_gateway
from laneway.compile.ir import MeshRoutes, ServiceRoutes
from laneway.compile.lower import lower_callers, lower_memories, lower_service
from laneway.model.lanes import LaneGroup, Mode
from laneway.model.meshes import Mesh
from laneway.model.names import ObjectName
from laneway.model.structural_sharing import lane_changes


class Lowerer:
    """Fast for a mesh that shares unchanged objects with the one before, correct for any."""

    def __init__(self) -> None:
        self._mesh = Mesh()
        self._routes = MeshRoutes({}, {}, {})

    def __call__(self, mesh: Mesh) -> MeshRoutes:
        before, known = self._mesh, self._routes
        services = self._services(mesh, set(_touched(before, mesh)))
        gateways = {each.name: lower_gateway(mesh, each, services) for each in mesh.gateways}
        same_groups = mesh.groups is before.groups
        memories = known.memories if same_groups else lower_memories(mesh)
        routes = MeshRoutes(services, gateways, memories, mesh.caller_rules)
        self._mesh, self._routes = mesh, routes
        return self._routes

    def _services(self, mesh: Mesh, touched: set[ObjectName]) -> Mapping[ObjectName, ServiceRoutes]:
        known, declared = self._routes.services, mesh.services_by_name
        lowered = {name: lower_service(mesh, declared[name]) for name in touched & declared.keys()}
        made = {name: each for name, each in lowered.items() if known.get(name) != each}
        if mesh.services is self._mesh.services:
            return {**known, **made} if made else known
        return {name: made[name] if name in made else known[name] for name in declared}


def _touched(before: Mesh, after: Mesh) -> Iterable[ObjectName]:
    """The services of which ``lower_service`` may read anything else than before."""
    yield from changes(before.services_by_name, after.services_by_name).made
    groups = changes(before.groups_by_service, after.groups_by_service)
    yield from (*groups.made, *groups.gone)
    changed = lane_changes(before.lanes, after.lanes)
    if changed is None:
        yield from after.services_by_name
        return
    for lane in (*changed[0], *changed[1]):
        yield from lane.services
    for group in after.groups:
        if known := before.groups_by_name.get(group.name):
            yield from _touched_elsewhere(before, known, after, group)


def _touched_elsewhere(
    before: Mesh, old: LaneGroup, after: Mesh, new: LaneGroup
) -> Iterable[ObjectName]:
    """Services that changed lanes lack, and still have something to say about."""
    if _baseline(before, old) != _baseline(after, new):
        yield from new.services
    if lower_callers(before, old) != lower_callers(after, new):
        yield from new.services
    ways = [_own_ways(before, old), _own_ways(after, new)]
    for name in ways[0].keys() | ways[1].keys():
        modes = [each[name] for each in ways if name in each]
        if ways[0].get(name) == ways[1].get(name):
            continue
        if any(mode is Mode.STRICT for mode, _ in modes):
            yield from new.services
        fallback = {other for _, names in modes for other in names}
        for lane in (*before.lanes_by_group[old.name], *after.lanes_by_group[new.name]):
            if lane.name in fallback:
                yield from lane.services


def _baseline(mesh: Mesh, group: LaneGroup) -> str | None:
    baseline = mesh.baseline(group)
    return baseline.name if baseline else None


def _own_ways(mesh: Mesh, group: LaneGroup) -> Mapping[str, tuple[Mode, tuple[str, ...]]]:
    return {
        lane.name: (lane.mode or group.mode, lane.fallback)
        for lane in mesh.lanes_with_own_way[group.name]
    }
