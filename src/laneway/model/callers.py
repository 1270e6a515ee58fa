"""The lanes that workloads' calls belong to, by the rules of ``caller_rules``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from laneway.model.caller_rules import CallerRule
from laneway.model.label_selectors import admitted, implies, is_possible
from laneway.model.lanes import Lane, LaneGroup
from laneway.model.lanes_by_labels import LanesByLabels
from laneway.model.meshes import Mesh
from laneway.model.names import ObjectName
from laneway.model.service_selection import ServiceSelection
from laneway.model.workloads import Workload


@dataclass(frozen=True, slots=True)
class CallerLane:
    """The lane of a workload in one group, which its calls to that group's services belong to."""

    group: str
    lane: str
    rule: CallerRule


class Callers:
    """The lanes of workloads, found by labels, so that the cost does not grow with the lanes."""

    def __init__(self, mesh: Mesh) -> None:
        self._mesh = mesh
        self._overlaps: dict[tuple[str, ObjectName], dict[str, Lane]] = {}

    def lanes_of(self, workload: Workload) -> tuple[CallerLane, ...]:
        """At most one for each group.

        A workload that several lanes select belongs to none. If its lane answers for others, a call
        without a lane may be part of such a request, and stays without a lane.
        """
        found = []
        for group, services in self._groups_of(workload):
            lanes = self._selecting(group, workload, services)
            if len(lanes) != 1:
                continue
            (lane,) = lanes
            rule = self._mesh.caller_rules[group.name].get(lane.name)
            shared = lane.name in [self._mesh.service_baseline(group, each) for each in services]
            if rule is CallerRule.ALWAYS or (rule is not None and not shared):
                found.append(CallerLane(group.name, lane.name, rule))
        return tuple(found)

    def memberships(self, workload: Workload) -> Iterator[tuple[LaneGroup, tuple[Lane, ...]]]:
        """The lanes that the workload is in, for each group whose lanes have rules for calls."""
        for group, services in self._groups_of(workload):
            yield group, self._selecting(group, workload, services)

    def overlapping(self, lane: Lane, service: ObjectName) -> Lane | None:
        """Another lane that certainly selects some of the workloads of ``service`` in ``lane``: one
        of the two selects all that the other does."""
        key = (lane.group, service)
        if key not in self._overlaps:
            self._overlaps[key] = self._overlapping(*key)
        return self._overlaps[key].get(lane.name)

    def _overlapping(self, group: str, service: ObjectName) -> dict[str, Lane]:
        known = self._mesh.services_by_name.get(service)
        labels = known.selector if known is not None else {}
        found: dict[str, Lane] = {}
        for lane in self._mesh.subsets.get((group, service), ()):
            own = admitted(labels, lane.selector, lane.match_expressions)
            for other in self._lanes[group].candidates(own) if is_possible(own) else ():
                theirs = admitted(other.selector, other.match_expressions)
                if other is not lane and service in other.services and implies(own, theirs):
                    found.setdefault(lane.name, other)
                    found.setdefault(other.name, lane)
                    break
        return found

    def _groups_of(self, workload: Workload) -> Iterator[tuple[LaneGroup, list[ObjectName]]]:
        """The services that the workload is behind, of groups whose lanes have rules."""
        found: dict[str, list[ObjectName]] = {}
        if any(self._mesh.caller_rules.values()):
            for service in self._services.services(workload):
                group = self._mesh.groups_by_service.get(service)
                if group is not None and self._mesh.caller_rules[group.name]:
                    found.setdefault(group.name, []).append(service)
        return ((self._mesh.groups_by_name[name], behind) for name, behind in found.items())

    def _selecting(
        self, group: LaneGroup, workload: Workload, services: Iterable[ObjectName]
    ) -> tuple[Lane, ...]:
        """The lanes that select the workload and contain one of the services that it is behind."""
        behind = set(services)
        lanes = self._lanes[group.name].selecting(workload.labels)
        return tuple(lane for lane in lanes if not behind.isdisjoint(lane.services))

    @cached_property
    def _services(self) -> ServiceSelection:
        return ServiceSelection(self._mesh.services)

    @cached_property
    def _lanes(self) -> Mapping[str, LanesByLabels]:
        lanes = self._mesh.lanes_by_group
        return {group.name: LanesByLabels(lanes[group.name]) for group in self._mesh.groups}
