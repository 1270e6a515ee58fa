"""Lowers a sequence of meshes. Of each mesh it lowers only the services whose view has changed.

The result is the same as that of ``lower``. Routes that did not change are the same objects as
before, so the emitter finds the changed ones by identity. The cost of a change of one lane does not
grow with the number of services that the lane lacks.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import TypeVar

from laneway.compile.identity_diff import changes
from laneway.compile.ingress import lower_gateway
from laneway.compile.ir import MeshRoutes
from laneway.compile.lower import lower_memories, lower_route_headers, lower_service
from laneway.compile.service_views import (
    GroupView,
    LaneWay,
    ServiceView,
    group_views,
    service_view,
)
from laneway.model.meshes import Mesh
from laneway.model.names import ObjectName

T = TypeVar("T")


class Lowerer:
    """Correct for any meshes, and fast if they share unchanged objects (``share_unchanged``)."""

    def __init__(self) -> None:
        self._mesh = Mesh()
        self._groups: Mapping[str, GroupView] = {}
        self._views: Mapping[ObjectName, ServiceView] = {}
        self._routes = MeshRoutes({}, {}, {})

    def __call__(self, mesh: Mesh) -> MeshRoutes:
        before, known = self._mesh, self._routes
        groups = group_views(mesh)
        views = self._changed_views(mesh, groups)
        lowered = {name: lower_service(view) for name, view in views.items()}
        # A view may change without any effect on the routes.
        made = {name: each for name, each in lowered.items() if known.services.get(name) != each}
        services = _merged(known.services, made, before, mesh)
        gateways = {each.name: lower_gateway(mesh, each, services) for each in mesh.gateways}
        same_groups = mesh.groups is before.groups
        memories = known.memories if same_groups else lower_memories(mesh)
        headers = known.route_headers if same_groups else lower_route_headers(mesh)
        self._views = _merged(self._views, views, before, mesh)
        self._mesh, self._groups = mesh, groups
        self._routes = MeshRoutes(services, gateways, memories, mesh.caller_rules, headers)
        return self._routes

    def _changed_views(
        self, mesh: Mesh, groups: Mapping[str, GroupView]
    ) -> Mapping[ObjectName, ServiceView]:
        declared = mesh.services_by_name
        touched = declared.keys() & _touched(self._mesh, self._groups, mesh, groups)
        views = {name: service_view(mesh, declared[name], groups) for name in touched}
        return {name: view for name, view in views.items() if self._views.get(name) != view}


def _touched(
    before: Mesh,
    groups_before: Mapping[str, GroupView],
    after: Mesh,
    groups_after: Mapping[str, GroupView],
) -> Iterable[ObjectName]:
    """All services whose view may differ: one of the objects that it is made from differs."""
    yield from changes(before.services_by_name, after.services_by_name).made
    groups = changes(before.groups_by_service, after.groups_by_service)
    yield from (*groups.made, *groups.gone)
    subsets = changes(before.subsets, after.subsets)
    yield from (service for _, service in (*subsets.made, *subsets.gone))
    for name, group in groups_after.items():
        known = groups_before.get(name)
        if known is None or replace(known, ways=group.ways) != group:
            yield from after.groups_by_name[name].services
        elif known.ways != group.ways:
            yield from _touched_by_ways(set(known.ways) ^ set(group.ways), after, name)


def _touched_by_ways(ways: Collection[LaneWay], mesh: Mesh, group: str) -> Iterable[ObjectName]:
    """The services of the group whose view may contain one of these ``ways``."""
    if any(way.strict for way in ways):
        yield from mesh.groups_by_name[group].services
    fallbacks = {lane for way in ways for lane in way.fallback}
    for lane in mesh.lanes_by_group[group]:
        if lane.name in fallbacks:
            yield from lane.services


def _merged(
    known: Mapping[ObjectName, T], made: Mapping[ObjectName, T], before: Mesh, after: Mesh
) -> Mapping[ObjectName, T]:
    """The values of all services of ``after``: those of ``made``, and otherwise the ``known``."""
    if after.services is before.services:
        return {**known, **made} if made else known
    return {name: made[name] if name in made else known[name] for name in after.services_by_name}
