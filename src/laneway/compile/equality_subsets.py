"""Lanes as subsets by equal labels, the only selectors that DestinationRules and Services have.

A lane with ``matchExpressions`` can be such a subset only if its equal labels distinguish it from
all other lanes of its services. If they do not, the platform refuses the group. If they do, the
other conditions are ignored, and the report says so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from laneway.model.findings import Finding, Severity
from laneway.model.keys import key_of
from laneway.model.label_selectors import admitted, equal_labels, written
from laneway.model.lanes import Lane, LaneGroup
from laneway.model.meshes import Mesh
from laneway.model.suggestions import listing

#: Deployments set a new value for each pod template, so a lane cannot be identified by it.
_NOT_A_LANES_OWN = "pod-template-hash"


@dataclass(frozen=True, slots=True)
class Platform:
    """``refused`` and ``approximated`` are the codes of the dialect's findings."""

    name: str
    refused: str
    approximated: str


def subset_labels(lane: Lane) -> Mapping[str, str]:
    """The labels that have the same value in all workloads of the lane."""
    if not lane.match_expressions:
        return lane.selector
    return equal_labels(admitted(lane.selector, lane.match_expressions))


def refused_groups(mesh: Mesh, platform: Platform) -> Iterator[Finding]:
    """An error for each group whose lanes cannot be told apart by equal labels."""
    for group in mesh.groups:
        lanes = [lane for lane in mesh.lanes_by_group[group.name] if is_approximated(lane)]
        wrong = {lane.name: other for lane in lanes if (other := _not_told_apart(mesh, lane))}
        if wrong:
            names = listing(list(wrong), 4)
            first, others = next(iter(wrong.items()))
            yield Finding(
                platform.refused,
                f"{platform.name} selects pods only by equal labels, which do not tell lane "
                f"{names} from other lanes: lane {first} from {listing(others, 4)}",
                "give the pods of these lanes their own label, with one value for each lane "
                f"(not {_NOT_A_LANES_OWN}), and add it to the lanes' selectors",
                key_of(group),
                ("metadata", "name"),
                Severity.ERROR,
            )


def approximations(mesh: Mesh, group: LaneGroup, platform: Platform) -> Iterator[Finding]:
    """A warning for each lane whose other conditions than equal labels are ignored."""
    for lane in mesh.lanes_by_group[group.name]:
        if is_approximated(lane):
            labels = written(subset_labels(lane))
            yield Finding(
                platform.approximated,
                f"{platform.name} selects pods only by equal labels: all pods with {labels} are "
                f"lane {lane.name}'s there, whatever else its matchExpressions require",
                "make sure that only pods of the lane have these labels",
                key_of(lane),
                ("spec", "matchExpressions"),
                Severity.WARNING,
            )


def is_approximated(lane: Lane) -> bool:
    """Whether the lane has other conditions than equal labels."""
    asked = admitted(lane.selector, lane.match_expressions)
    return bool(lane.match_expressions) and asked.keys() != equal_labels(asked).keys()


def _not_told_apart(mesh: Mesh, lane: Lane) -> list[str]:
    """Lanes that contain one of its services and may select pods with the same equal labels."""
    own = subset_labels(lane)
    services = set(lane.services)
    return [
        other.name
        for other in mesh.lanes_by_group[lane.group]
        if other is not lane and services & set(other.services)
        if not _differ(own, subset_labels(other))
    ]


def _differ(one: Mapping[str, str], other: Mapping[str, str]) -> bool:
    both = one.keys() & other.keys() - {_NOT_A_LANES_OWN}
    return any(one[key] != other[key] for key in both)
