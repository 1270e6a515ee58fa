"""Lowering: mesh -> IR. What lanes mean is decided here and nowhere else.

The rules, with their source:

- A lane's subset of a service exists when the lane contains the service, whether or not workloads
  run (the article's DestinationRule for ``mocka`` has no ``s3``).
- A permissive lane tries its own subset of a service, if it contains it, then those of its
  fallback lanes that contain it, then the baseline's. A value that names no lane goes to the
  baseline.
- A strict lane has its own subset and no other. Calls of its workloads belong to it, whatever
  applications pass on (ASM: the VirtualService's ``sourceLabels``).
- A service may have a baseline of its own (ASM: serviceLevelFallbackTarget).
- Trace propagation needs a memory beside every workload of the group (the article's TrafficLabel),
  baggage propagation a filter there and at the gateway.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping

from laneway.compile.ingress import baggage_member, lower_gateway, trace_memory
from laneway.compile.ir import (
    Carrier,
    LaneChoice,
    MeshRoutes,
    Route,
    RouteHeader,
    ServiceRoutes,
    Target,
)
from laneway.compile.service_views import ServiceView, group_views, service_view
from laneway.model.lanes import LaneGroup, Mode, Propagation
from laneway.model.meshes import Mesh
from laneway.model.names import ObjectName
from laneway.model.services import ServicePort


def lower(mesh: Mesh) -> MeshRoutes:
    """The IR of a valid mesh (one without findings of severity error)."""
    groups = group_views(mesh)
    services = {
        service.name: lower_service(service_view(mesh, service, groups))
        for service in mesh.services
    }
    gateways = {gateway.name: lower_gateway(mesh, gateway, services) for gateway in mesh.gateways}
    return MeshRoutes(
        services, gateways, lower_memories(mesh), mesh.caller_rules, lower_route_headers(mesh)
    )


def lower_service(view: ServiceView) -> ServiceRoutes:
    """One service's part of the IR."""
    service = view.service
    if view.group is None:
        by_port = {port.port: Route((), Target(service, port, ())) for port in service.ports}
        return ServiceRoutes(service, None, (), None, by_port)
    chains = dict(_chains(view))
    by_port = {port.port: _route(view, view.group, chains, port) for port in service.ports}
    return ServiceRoutes(service, view.group, view.subsets, view.baseline, by_port)


def _chains(view: ServiceView) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The subsets that each lane's requests try, unless they go straight to the baseline."""
    subsets = {lane.name for lane in view.subsets}
    for lane in view.subsets:
        strict = (lane.mode or view.mode) is Mode.STRICT
        yield from _chain(lane.name, strict, lane.fallback, view.baseline, subsets)
    for way in view.elsewhere:
        yield from _chain(way.lane, way.strict, way.fallback, view.baseline, subsets)


def _chain(
    lane: str, strict: bool, fallback: Iterable[str], baseline: str | None, subsets: Container[str]
) -> Iterator[tuple[str, tuple[str, ...]]]:
    if strict:
        chain: tuple[str, ...] = (lane,)
    else:
        wanted = dict.fromkeys([lane, *fallback, baseline])
        chain = tuple(name for name in wanted if name is not None and name in subsets)
        # The baseline comes last: an instance that it lacks is not looked for elsewhere.
        if baseline in chain:
            chain = chain[: chain.index(baseline) + 1]
    if chain and (lane in chain or chain != (baseline,)):
        yield lane, chain


def _route(
    view: ServiceView, group: str, chains: Mapping[str, tuple[str, ...]], port: ServicePort
) -> Route:
    targets = {lane: Target(view.service, port, chain) for lane, chain in chains.items()}
    baseline = view.baseline
    default = Target(view.service, port, (baseline,) if baseline in targets else ())
    return Route((LaneChoice(group, view.route_header, targets),), default, view.callers)


def lower_memories(mesh: Mesh) -> Mapping[ObjectName, Carrier]:
    """What each service's workloads have beside them, where their group needs it."""
    return {
        service: carrier
        for group in mesh.groups
        if (carrier := _carrier(group)) is not None
        for service in group.services
    }


def lower_route_headers(mesh: Mesh) -> Mapping[ObjectName, RouteHeader]:
    """The route header of each service whose applications pass it on themselves."""
    return {
        service: RouteHeader(group.name, group.route_header)
        for group in mesh.groups
        if group.propagation is Propagation.HEADER
        for service in group.services
    }


def _carrier(group: LaneGroup) -> Carrier | None:
    match group.propagation:
        case Propagation.HEADER:
            return None
        case Propagation.TRACE:
            return trace_memory(group)
        case Propagation.BAGGAGE:
            return baggage_member(group)
