"""Lane groups: a baseline that can answer for every service, and services of one group only."""

from __future__ import annotations

from collections.abc import Iterator

from laneway.model.checks.gaps import Gaps
from laneway.model.codes import Code
from laneway.model.findings import Finding
from laneway.model.keys import key_of
from laneway.model.lanes import Lane, LaneGroup, Mode
from laneway.model.meshes import Mesh
from laneway.model.names import ObjectName
from laneway.model.suggestions import listing, suggestion


def check(mesh: Mesh, gaps: Gaps) -> Iterator[Finding]:
    yield from _shared_services(mesh)
    if gaps.may_hold("Lane"):
        return  # the first lane, or the one that holds the service, may be among the unread
    for group in mesh.groups:
        lanes = mesh.lanes_by_group[group.name]
        if not lanes:
            yield Finding(
                Code.GROUP_WITHOUT_LANES,
                f"lane group {group.name} has no lane",
                "declare one that contains all the group's services: the baseline",
                key_of(group),
                ("metadata", "name"),
            )
        yield from _strict(group, lanes)
        yield from _baseline(mesh, group)


def _shared_services(mesh: Mesh) -> Iterator[Finding]:
    owners: dict[ObjectName, LaneGroup] = {}
    for group in mesh.groups:
        for index, service in enumerate(group.services):
            if service not in owners:
                owners[service] = group
                continue
            owner = owners[service]
            already = "listed" if owner is group else f"in lane group {owner.name}"
            message = f"Service {service} is {already} already"
            yield Finding(
                Code.SERVICE_IN_TWO_GROUPS,
                message,
                "a service is in one group, once: put lanes that share it into one group",
                key_of(group),
                ("spec", "services", index, "name"),
            )


def _baseline(mesh: Mesh, group: LaneGroup) -> Iterator[Finding]:
    lanes = mesh.lanes_by_group[group.name]
    baseline = mesh.baseline(group)
    if baseline is None:
        if lanes and group.baseline is not None:
            names = [lane.name for lane in lanes]
            yield Finding(
                Code.UNKNOWN_BASELINE,
                f"lane group {group.name} has no lane {group.baseline}, its baseline",
                suggestion(group.baseline, names, f"its lanes: {listing(names)}"),
                key_of(group),
                ("spec", "baseline"),
            )
    elif group.mode is Mode.PERMISSIVE:
        lacking = [s for s in _lacking(group, baseline) if s not in group.service_baselines]
        if lacking:
            chosen = "" if group.baseline else " (the group's first lane)"
            yield Finding(
                Code.BASELINE_LACKS_SERVICE,
                f"the baseline lane {baseline.name}{chosen} lacks {listing(map(str, lacking))}",
                "the baseline answers where a lane cannot: add them, or name another baseline",
                key_of(baseline),
                ("spec", "services"),
            )


def _strict(group: LaneGroup, lanes: tuple[Lane, ...]) -> Iterator[Finding]:
    for lane in lanes:
        if (lane.mode or group.mode) is not Mode.STRICT:
            continue
        lacking = _lacking(group, lane)
        if lacking:
            whose = "" if lane.mode else f" of the strict group {group.name}"
            yield Finding(
                Code.LANE_LACKS_SERVICE,
                f"{'the strict ' if lane.mode else ''}lane {lane.name}{whose} lacks"
                f" {listing(map(str, lacking))}",
                "a strict lane never falls back: add them, or make it permissive",
                key_of(lane),
                ("spec", "services"),
            )


def _lacking(group: LaneGroup, lane: Lane) -> list[ObjectName]:
    contained = set(lane.services)
    return [service for service in group.services if service not in contained]
