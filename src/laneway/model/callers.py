"""The lanes that workloads' calls belong to, by the rules of ``caller_rules``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from laneway.model.caller_rules import CallerRule
from laneway.model.lanes import Lane, LaneGroup
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


def is_baseline(mesh: Mesh, group: LaneGroup, lane: str, service: ObjectName) -> bool:
    """Whether the lane answers for lanes that lack the service, and requests without a lane."""
    baseline = mesh.baseline(group)
    default = baseline.name if baseline is not None else None
    return group.service_baselines.get(service, default) == lane


class Callers:
    """The lanes of workloads, found by labels, so that the cost does not grow with the lanes."""

    def __init__(self, mesh: Mesh) -> None:
        self._mesh = mesh

    def lanes_of(self, workload: Workload) -> tuple[CallerLane, ...]:
        """At most one for each group.

        A workload that several lanes select belongs to none. Where its lane answers for others, a
        call without a lane may be part of such a request, and stays without.
        """
        found = []
        for group, services in self._groups_of(workload):
            lanes = self._selecting(group, workload, services)
            if len(lanes) != 1:
                continue
            (lane,) = lanes
            rule = self._mesh.caller_rules[group.name].get(lane.name)
            shared = any(is_baseline(self._mesh, group, lane.name, each) for each in services)
            if rule is CallerRule.ALWAYS or (rule is not None and not shared):
                found.append(CallerLane(group.name, lane.name, rule))
        return tuple(found)

    def memberships(self, workload: Workload) -> Iterator[tuple[LaneGroup, tuple[Lane, ...]]]:
        """The lanes that the workload is in, for each group whose lanes have rules for calls."""
        for group, services in self._groups_of(workload):
            yield group, self._selecting(group, workload, services)

    def overlapping(self, lane: Lane, service: ObjectName) -> Lane | None:
        """Another lane that certainly selects some of the workloads of ``service`` in ``lane``: its
        labels are among the lane's, or the other way round."""
        labels = lane.selector.items()
        wider = (other for other in self._with_rarest(lane.group, lane.selector)
                 if other.selector.items() <= labels)  # fmt: skip
        among = min((self._by_label.get((lane.group, label), []) for label in labels),
                    key=len, default=self._mesh.lanes_by_group[lane.group])  # fmt: skip
        narrower = (other for other in among if labels <= other.selector.items())
        found = (other for some in (wider, narrower) for other in some)
        return next((o for o in found if o is not lane and service in o.services), None)

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
        found = {
            lane.name: lane
            for lane in self._with_rarest(group.name, workload.labels)
            if workload.is_selected(lane.selector) and not behind.isdisjoint(lane.services)
        }
        return tuple(found.values())

    def _with_rarest(self, group: str, labels: Mapping[str, str]) -> Iterator[Lane]:
        """The lanes of which one label is among ``labels``, or that have none."""
        for label in (*labels.items(), None):
            yield from self._by_rarest_label.get((group, label), ())

    @cached_property
    def _services(self) -> ServiceSelection:
        return ServiceSelection(self._mesh.services)

    @cached_property
    def _by_label(self) -> Mapping[_Label, list[Lane]]:
        index: dict[_Label, list[Lane]] = {}
        for lane in self._mesh.lanes:
            for label in lane.selector.items():
                index.setdefault((lane.group, label), []).append(lane)
        return index

    @cached_property
    def _by_rarest_label(self) -> Mapping[tuple[str, tuple[str, str] | None], list[Lane]]:
        """Each lane once, by that label of its selector that the fewest others have."""
        index: dict[tuple[str, tuple[str, str] | None], list[Lane]] = {}
        for lane in self._mesh.lanes:
            label = min(
                lane.selector.items(),
                key=lambda label: len(self._by_label[lane.group, label]),
                default=None,
            )
            index.setdefault((lane.group, label), []).append(lane)
        return index


_Label = tuple[str, tuple[str, str]]
