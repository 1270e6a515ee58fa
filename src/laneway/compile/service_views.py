"""What lowering reads of a mesh for one service: a view, whose type is the whole dependency.

``lower_service`` is given nothing else. Equal views are therefore lowered to equal routes, and
``incremental_lowering`` lowers a service again only if its view has changed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from laneway.compile.ir import ByCaller
from laneway.model.caller_rules import CallerRule
from laneway.model.lanes import Lane, LaneGroup, Mode, Propagation
from laneway.model.meshes import Mesh
from laneway.model.names import ObjectName
from laneway.model.services import Service
from laneway.model.trace_contexts import is_known


@dataclass(frozen=True, slots=True)
class LaneWay:
    """How a lane treats the services that it does not contain."""

    lane: str
    strict: bool
    fallback: tuple[str, ...]

    @staticmethod
    def of(lane: Lane, group_mode: Mode) -> LaneWay:
        return LaneWay(lane.name, (lane.mode or group_mode) is Mode.STRICT, lane.fallback)


@dataclass(frozen=True, slots=True)
class GroupView:
    """The part of a lane group, and of its lanes, that matters to all services of the group."""

    name: str
    route_header: str
    mode: Mode
    baseline: str | None
    service_baselines: Mapping[ObjectName, str]
    callers: tuple[ByCaller, ...]
    #: The lanes that are strict or have fallbacks, in order of declaration.
    ways: tuple[LaneWay, ...]


@dataclass(frozen=True, slots=True)
class ServiceView:
    """A service without a group has the defaults.

    ``subsets`` are the lanes that contain the service, ``elsewhere`` others that treat it
    differently from the baseline: strict lanes, and those that fall back to one of ``subsets``.
    ``baseline`` is the lane that answers for all others.
    """

    service: Service
    group: str | None = None
    route_header: str = ""
    mode: Mode = Mode.PERMISSIVE
    baseline: str | None = None
    subsets: tuple[Lane, ...] = ()
    elsewhere: tuple[LaneWay, ...] = ()
    callers: tuple[ByCaller, ...] = ()


def group_views(mesh: Mesh) -> Mapping[str, GroupView]:
    return {group.name: _group_view(mesh, group) for group in mesh.groups}


def service_view(mesh: Mesh, service: Service, groups: Mapping[str, GroupView]) -> ServiceView:
    """``groups`` are the ``group_views`` of the mesh."""
    declared = mesh.groups_by_service.get(service.name)
    if declared is None:
        return ServiceView(service)
    group = groups[declared.name]
    subsets = mesh.subsets.get((group.name, service.name), ())
    names = {lane.name for lane in subsets}
    return ServiceView(
        service,
        group.name,
        group.route_header,
        group.mode,
        group.service_baselines.get(service.name, group.baseline),
        subsets,
        tuple(
            way
            for way in group.ways
            if way.lane not in names and (way.strict or not names.isdisjoint(way.fallback))
        ),
        group.callers,
    )


def _group_view(mesh: Mesh, group: LaneGroup) -> GroupView:
    baseline = mesh.baseline(group)
    lanes = mesh.lanes_with_own_way[group.name]
    return GroupView(
        group.name,
        group.route_header,
        group.mode,
        baseline.name if baseline else None,
        group.service_baselines,
        _callers(group, mesh.used_caller_rules[group.name]),
        tuple(LaneWay.of(lane, group.mode) for lane in lanes),
    )


def _callers(group: LaneGroup, used: frozenset[CallerRule]) -> tuple[ByCaller, ...]:
    """In order of precedence, strict lanes first."""
    filled_in = group.propagation is Propagation.TRACE and not is_known(group.trace_header)
    trace_header = group.trace_header if filled_in else None
    return tuple(ByCaller(rule, trace_header) for rule in CallerRule if rule in used)
