"""Workloads whose calls belong to their own lane: in a strict group each must be in one lane."""

from __future__ import annotations

from collections.abc import Iterator

from laneway.model.callers import Callers
from laneway.model.checks.gaps import Gaps
from laneway.model.codes import Code
from laneway.model.findings import Finding, Path
from laneway.model.keys import key_of
from laneway.model.lanes import Lane, LaneGroup, Mode
from laneway.model.meshes import Mesh

_SELECTOR: Path = ("spec", "selector")


def check(mesh: Mesh, gaps: Gaps) -> Iterator[Finding]:
    del gaps  # what is unread makes no two lanes differ
    reported: set[tuple[str, str]] = set()
    callers = Callers(mesh)
    for group in mesh.groups:
        yield from _overlaps(mesh, callers, group, reported)
    for workload in mesh.workloads:
        for group, lanes in callers.memberships(workload):
            strict = [lane for lane in lanes if _is_strict(group, lane)]
            if len(lanes) > 1 and strict and (group.name, strict[-1].name) not in reported:
                other = next(lane for lane in lanes if lane is not strict[-1])
                reported.add((group.name, strict[-1].name))
                yield _shared(strict[-1], other, f"Workload {workload.name}")
        owners = callers.lanes_of(workload)
        if len(owners) > 1:
            names = " and ".join(f"lane {each.lane} of group {each.group}" for each in owners)
            yield Finding(
                Code.WORKLOAD_IN_TWO_GROUPS,
                f"calls of Workload {workload.name} belong to {names}",
                "declare a separate Workload for each group, so that one lane decides",
                key_of(workload),
                ("metadata", "labels"),
            )


def _overlaps(
    mesh: Mesh, callers: Callers, group: LaneGroup, reported: set[tuple[str, str]]
) -> Iterator[Finding]:
    """Lanes whose selectors alone say that they share workloads, of each pair the later one."""
    seen: set[str] = set()
    for lane in mesh.lanes_by_group[group.name]:
        seen.add(lane.name)
        if not _is_strict(group, lane):
            continue
        others = ((name, callers.overlapping(lane, name)) for name in lane.services)
        service, other = next((pair for pair in others if pair[1]), (None, None))
        if other is not None and (other.name in seen or not _is_strict(group, other)):
            reported.add((group.name, lane.name))
            yield _shared(lane, other, f"workloads of Service {service}")


def _is_strict(group: LaneGroup, lane: Lane) -> bool:
    """Not a strict lane of a permissive group, where calls can name the lane."""
    return group.mode is Mode.STRICT and lane.mode in (None, Mode.STRICT)


def _shared(lane: Lane, other: Lane, what: str) -> Finding:
    return Finding(
        Code.STRICT_LANES_OVERLAP,
        f"the strict lane {lane.name} selects {what} that lane {other.name} selects, too",
        "a call belongs to the lane of the calling workload: give each lane labels that no other "
        "lane's workloads have",
        key_of(lane),
        _SELECTOR,
    )
