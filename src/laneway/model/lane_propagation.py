"""Whether workloads pass on what keeps a request in its lane, from counts of their calls alone.

Whatever a workload of one lane alone calls belongs to that lane: there a break is certain. A
workload that serves several lanes, such as the baseline's, may also call on its own behalf; there
a break is suspected, and only where many of its calls name no lane.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from laneway.model.lanes import Lane, LaneGroup
from laneway.model.lanes_by_labels import LanesByLabels
from laneway.model.meshes import Mesh
from laneway.model.names import ObjectName
from laneway.model.propagated_calls import PropagatedCalls
from laneway.model.service_selection import ServiceSelection

#: The fewest lost calls that are evidence: single ones leave while an application starts, say.
FEWEST = 5
#: The share of lost calls from which on a break is certain, or suspected.
CERTAIN_SHARE, SUSPECTED_SHARE = 0.01, 0.2

#: By workload and lane group.
Calls = Mapping[tuple[ObjectName, str], PropagatedCalls]


class Certainty(enum.Enum):
    CERTAIN = "Certain"
    SUSPECTED = "Suspected"


@dataclass(frozen=True, slots=True)
class WorkloadPropagation:
    """``lane`` is the workload's own; "" where it serves several. ``services`` are those of the
    group that it is behind. ``certainty`` None: there is no sign of a break."""

    group: LaneGroup
    workload: ObjectName
    services: tuple[ObjectName, ...]
    lane: str
    calls: PropagatedCalls

    @property
    def certainty(self) -> Certainty | None:
        least = CERTAIN_SHARE if self.lane else SUSPECTED_SHARE
        if self.calls.lost < FEWEST or self.calls.lost_share < least:
            return None
        return Certainty.CERTAIN if self.lane else Certainty.SUSPECTED


def lane_propagation(mesh: Mesh, calls: Calls) -> tuple[WorkloadPropagation, ...]:
    """Certain breaks come first, then suspected ones; within these, those that lose most calls.
    Workloads that made no call, or that are not behind a service of the group, are left out."""
    found = _found(mesh, calls) if calls else ()
    return tuple(sorted(found, key=_order))


def _order(each: WorkloadPropagation) -> tuple[int, int, str, ObjectName]:
    rank = [Certainty.CERTAIN, Certainty.SUSPECTED, None].index(each.certainty)
    return rank, -each.calls.lost, each.group.name, each.workload


def _found(mesh: Mesh, calls: Calls) -> Iterator[WorkloadPropagation]:
    selection = ServiceSelection(mesh.services)
    lanes = {name: LanesByLabels(lanes) for name, lanes in mesh.lanes_by_group.items()}
    for (name, group_name), its in calls.items():
        workload = mesh.workloads_by_name.get(name)
        group = mesh.groups_by_name.get(group_name)
        if workload is None or group is None:
            continue
        services = tuple(s for s in selection.services(workload) if s in group.services)
        if services and its.total:
            own = _own_lane(mesh, group, services, lanes[group.name].selecting(workload.labels))
            yield WorkloadPropagation(group, name, services, own, its)


def _own_lane(
    mesh: Mesh, group: LaneGroup, services: Iterable[ObjectName], selecting: Iterable[Lane]
) -> str:
    """The only lane with a workload behind these services, if none falls back to it."""
    behind = set(services)
    lanes = [lane for lane in selecting if not behind.isdisjoint(lane.services)]
    if len(lanes) != 1:
        return ""
    others = {name for lane in mesh.lanes_by_group[group.name] for name in lane.fallback}
    baselines = {mesh.service_baseline(group, service) for service in behind}
    return "" if lanes[0].name in others | baselines else lanes[0].name
