"""All documents of a mesh, and where they mean something else in ASM than the mesh in laneway."""

from __future__ import annotations

from collections.abc import Iterator

from laneway.compile.asm.gateways import ingress
from laneway.compile.asm.services import Document, destination_rule, service_routes, traffic_label
from laneway.compile.ir import MeshRoutes
from laneway.model.findings import Finding, ObjectKey, Severity
from laneway.model.lanes import LaneGroup, Propagation
from laneway.model.meshes import Mesh


def emit(mesh: Mesh, routes: MeshRoutes) -> Iterator[Document]:
    """The documents of every group, in the order in which ASM comes to create them.

    Lazily: a group of many lanes that pass on the route header has a match for every pair of lane
    and service.
    """
    for group in mesh.groups:
        services = [routes.services[name] for name in group.services]
        if group.propagation is Propagation.TRACE:
            yield from (traffic_label(group, service) for service in services)
        if not mesh.lanes_by_group[group.name]:
            continue
        yield from (destination_rule(group, service) for service in services)
        yield from (service_routes(group, service) for service in services)
        if group.gateway is not None and group.gateway in routes.gateways:
            yield from ingress(
                mesh.lanes_by_group[group.name], group, routes, routes.gateways[group.gateway]
            )


def limits(mesh: Mesh) -> list[Finding]:
    """Warnings: requests that ASM, given these documents, answers otherwise than laneway does."""
    return [
        Finding(
            code="ASM_NO_ROUTE_WITHOUT_LANE",
            message=(
                f"in ASM a request without a lane of group {group.name!r} in the header "
                f"{group.route_header!r} has no route (404) {where}; laneway sends it to the "
                "baseline"
            ),
            fix="send the header, or add a default route to the generated VirtualServices",
            subject=ObjectKey("LaneGroup", group.name),
            path=("spec", "routeHeader"),
            severity=Severity.WARNING,
        )
        for group in mesh.groups
        if mesh.lanes_by_group[group.name] and (where := _needs_lane(mesh, group))
    ]


def _needs_lane(mesh: Mesh, group: LaneGroup) -> str:
    ingress = any(lane.ingress for lane in mesh.lanes_by_group[group.name])
    places = ["at the gateway"] if ingress else []
    if group.propagation is Propagation.HEADER:
        places.append("between services")
    return " and ".join(places)
