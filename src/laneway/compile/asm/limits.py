"""Where ASM's documents cannot say what the mesh says: requests that ASM answers otherwise."""

from __future__ import annotations

from collections.abc import Iterator

from laneway.model.findings import Finding, ObjectKey, Severity
from laneway.model.lanes import Lane, LaneGroup, Propagation, Unmatched
from laneway.model.meshes import Mesh


def limits(mesh: Mesh) -> list[Finding]:
    """Warnings, for whoever takes the documents to ASM."""
    findings: list[Finding] = []
    for group in mesh.groups:
        lanes = mesh.lanes_by_group[group.name]
        findings += _group_limits(group, lanes)
        for lane in lanes:
            findings += _lane_limits(group, lane)
    return findings


def _group_limits(group: LaneGroup, lanes: tuple[Lane, ...]) -> Iterator[Finding]:
    key = ObjectKey("LaneGroup", group.name)
    at_gateway = group.unmatched is Unmatched.BASELINE and any(lane.ingress for lane in lanes)
    places = ["at the gateway"] if at_gateway else []
    if group.propagation is not Propagation.TRACE and lanes:
        places.append("between services")
    if places:
        yield Finding(
            "ASM_NO_ROUTE_WITHOUT_LANE",
            f"in ASM a request without a lane of group {group.name} in {group.route_header} has no "
            f"route (404) {' and '.join(places)}; in laneway it goes to the baseline",
            "send the header, or add a default route to the VirtualServices",
            key,
            ("spec", "routeHeader"),
            Severity.WARNING,
        )
    if group.propagation is Propagation.BAGGAGE:
        yield Finding(
            "ASM_BAGGAGE",
            f"ASM keeps the lanes of group {group.name} in baggage by an ASMHeaderPropagation, "
            "which is not among the documents",
            f"declare one for the header {group.route_header} in every namespace of the group",
            key,
            ("spec", "traceHeader"),
            Severity.WARNING,
        )


def _lane_limits(group: LaneGroup, lane: Lane) -> Iterator[Finding]:
    key = ObjectKey("Lane", lane.name)
    if lane.fallback:
        yield Finding(
            "ASM_ONE_FALLBACK",
            f"ASM has one fallback, so lane {lane.name} falls back to the baseline at once there",
            "remove spec.fallback, or name services' baselines in the group",
            key,
            ("spec", "fallback"),
            Severity.WARNING,
        )
    if lane.mode not in (None, group.mode) and group.propagation is Propagation.TRACE:
        yield Finding(
            "ASM_ONE_MODE",
            f"ASM routes by trace id in one mode, so between services lane {lane.name} is "
            f"{group.mode.value} there, as its group",
            "remove spec.mode, or let applications pass on the route header",
            key,
            ("spec", "mode"),
            Severity.WARNING,
        )
    if lane.weight:
        yield Finding(
            "ASM_NO_WEIGHT",
            f"the documents give no requests to lane {lane.name} by weight",
            "set weights in ASM's console, or by a VirtualService of your own",
            key,
            ("spec", "weight"),
            Severity.WARNING,
        )
