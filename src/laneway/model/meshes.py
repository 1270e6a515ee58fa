"""The mesh: all declared objects as one immutable value, the only input of ``compile``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from laneway.model.caller_rules import CallerRule, caller_rules
from laneway.model.existing_objects import ExistingObject
from laneway.model.gateways import Gateway
from laneway.model.lanes import Lane, LaneGroup, Mode
from laneway.model.names import ObjectName
from laneway.model.services import Service
from laneway.model.workloads import Workload


@dataclass(frozen=True)
class Mesh:
    """Objects in the order in which they were declared: a group's first lane is its baseline."""

    groups: tuple[LaneGroup, ...] = ()
    lanes: tuple[Lane, ...] = ()
    services: tuple[Service, ...] = ()
    workloads: tuple[Workload, ...] = ()
    gateways: tuple[Gateway, ...] = ()
    #: The user's own routing objects, which laneway neither applies nor changes.
    existing: tuple[ExistingObject, ...] = ()

    @cached_property
    def services_by_name(self) -> Mapping[ObjectName, Service]:
        return {service.name: service for service in self.services}

    @cached_property
    def gateways_by_name(self) -> Mapping[ObjectName, Gateway]:
        return {gateway.name: gateway for gateway in self.gateways}

    @cached_property
    def workloads_by_name(self) -> Mapping[ObjectName, Workload]:
        return {workload.name: workload for workload in self.workloads}

    @cached_property
    def groups_by_name(self) -> Mapping[str, LaneGroup]:
        return {group.name: group for group in self.groups}

    @cached_property
    def lanes_by_group(self) -> Mapping[str, tuple[Lane, ...]]:
        """Every group's lanes in order of declaration; a group without lanes maps to ``()``."""
        lanes: dict[str, list[Lane]] = {group.name: [] for group in self.groups}
        for lane in self.lanes:
            lanes.setdefault(lane.group, []).append(lane)
        return {name: tuple(members) for name, members in lanes.items()}

    @cached_property
    def subsets(self) -> Mapping[tuple[str, ObjectName], tuple[Lane, ...]]:
        """(group, service) -> the group's lanes that contain the service, in order."""
        subsets: dict[tuple[str, ObjectName], list[Lane]] = {}
        for lane in self.lanes:
            for service in dict.fromkeys(lane.services):  # one may be listed twice
                subsets.setdefault((lane.group, service), []).append(lane)
        return {key: tuple(lanes) for key, lanes in subsets.items()}

    @cached_property
    def lanes_with_own_way(self) -> Mapping[str, tuple[Lane, ...]]:
        """By group, the lanes that are strict or have fallbacks: for a service that they lack, they
        do not simply use the baseline."""
        return {
            group.name: tuple(
                lane
                for lane in self.lanes_by_group[group.name]
                if lane.fallback or (lane.mode or group.mode) is Mode.STRICT
            )
            for group in self.groups
        }

    @cached_property
    def caller_rules(self) -> Mapping[str, Mapping[str, CallerRule]]:
        """By group: lane -> when calls belong to it because its workloads make them."""
        return {
            group.name: caller_rules(group, self.lanes_by_group[group.name], self.baseline(group))
            for group in self.groups
        }

    @cached_property
    def used_caller_rules(self) -> Mapping[str, frozenset[CallerRule]]:
        return {group: frozenset(rules.values()) for group, rules in self.caller_rules.items()}

    @cached_property
    def groups_by_service(self) -> Mapping[ObjectName, LaneGroup]:
        """The group of each service that is in one (the checks ensure that it is at most one)."""
        return {service: group for group in self.groups for service in group.services}

    def baseline(self, group: LaneGroup) -> Lane | None:
        """The group's baseline lane: the one it names, else its first."""
        lanes = self.lanes_by_group[group.name]
        if group.baseline is None:
            return lanes[0] if lanes else None
        return next((lane for lane in lanes if lane.name == group.baseline), None)

    def service_baseline(self, group: LaneGroup, service: ObjectName) -> str | None:
        """The baseline lane for this service: the service's own one, otherwise the group's."""
        if service in group.service_baselines:
            return group.service_baselines[service]
        baseline = self.baseline(group)
        return baseline.name if baseline is not None else None
