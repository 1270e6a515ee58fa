"""Lowering: mesh -> IR. What lanes mean is decided here and nowhere else.

The rules, with their source:

- A lane's subset of a service exists when the lane contains the service, whether or not workloads
  run (the article's DestinationRule for ``mocka`` has no ``s3``).
- A permissive lane that contains a service tries its own subset, then the baseline's. One that
  does not, and a value that names no lane, go to the baseline.
- A strict lane has its own subset and no other.
- Trace propagation needs a memory beside every workload of the group (the article's TrafficLabel).
"""

from __future__ import annotations

from laneway.compile.ingress import lower_gateway
from laneway.compile.ir import (
    LaneChoice,
    MeshRoutes,
    Route,
    ServiceRoutes,
    Target,
    TraceMemory,
)
from laneway.model.lanes import Lane, LaneGroup, Mode, Propagation
from laneway.model.meshes import Mesh
from laneway.model.names import ObjectName
from laneway.model.services import Service, ServicePort


def lower(mesh: Mesh) -> MeshRoutes:
    """The IR of a valid mesh (one without findings of severity error)."""
    services = {service.name: lower_service(mesh, service) for service in mesh.services}
    gateways = {gateway.name: lower_gateway(mesh, gateway, services) for gateway in mesh.gateways}
    return MeshRoutes(services, gateways, _memories(mesh))


def lower_service(mesh: Mesh, service: Service) -> ServiceRoutes:
    """One service's part of the IR; depends on its group and that group's lanes only."""
    group = mesh.groups_by_service.get(service.name)
    if group is None:
        by_port = {port.port: Route((), Target(service, port, ())) for port in service.ports}
        return ServiceRoutes(service, None, (), (), None, by_port)
    lanes = mesh.lanes_by_group[group.name]
    subsets = mesh.subsets.get((group.name, service.name), ())
    baseline = mesh.baseline(group)
    name = baseline.name if baseline is not None else None
    by_port = {port.port: _route(group, subsets, name, service, port) for port in service.ports}
    return ServiceRoutes(service, group, lanes, subsets, name, by_port)


def chain(group: LaneGroup, lane: str, baseline: str | None) -> tuple[str, ...]:
    """The subsets that a request of ``lane`` tries, for a service that the lane contains."""
    if group.mode is Mode.STRICT or baseline is None or lane == baseline:
        return (lane,)
    return (lane, baseline)


def _route(
    group: LaneGroup,
    subsets: tuple[Lane, ...],
    baseline: str | None,
    service: Service,
    port: ServicePort,
) -> Route:
    targets = {
        lane.name: Target(service, port, chain(group, lane.name, baseline)) for lane in subsets
    }
    default = Target(service, port, (baseline,) if baseline in targets else ())
    return Route((LaneChoice(group.name, group.route_header, targets),), default)


def _memories(mesh: Mesh) -> dict[ObjectName, TraceMemory]:
    return {
        service: TraceMemory(group.name, group.route_header, group.trace_header)
        for group in mesh.groups
        if group.propagation is Propagation.TRACE
        for service in group.services
    }
