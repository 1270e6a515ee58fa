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

from collections.abc import Container, Iterable, Mapping

from laneway.compile.ingress import baggage_member, lower_gateway, trace_memory
from laneway.compile.ir import (
    ByCaller,
    Carrier,
    LaneChoice,
    MeshRoutes,
    Route,
    ServiceRoutes,
    Target,
)
from laneway.model.caller_rules import CallerRule
from laneway.model.lanes import Lane, LaneGroup, Mode, Propagation
from laneway.model.meshes import Mesh
from laneway.model.names import ObjectName
from laneway.model.services import Service, ServicePort
from laneway.model.trace_contexts import is_known


def lower(mesh: Mesh) -> MeshRoutes:
    """The IR of a valid mesh (one without findings of severity error)."""
    services = {service.name: lower_service(mesh, service) for service in mesh.services}
    gateways = {gateway.name: lower_gateway(mesh, gateway, services) for gateway in mesh.gateways}
    return MeshRoutes(services, gateways, lower_memories(mesh), mesh.caller_rules)


def lower_service(mesh: Mesh, service: Service) -> ServiceRoutes:
    """One service's part of the IR; depends on its group and that group's lanes only.

    ``Lowerer`` knows in detail on what: change it together with this.
    """
    group = mesh.groups_by_service.get(service.name)
    if group is None:
        by_port = {port.port: Route((), Target(service, port, ())) for port in service.ports}
        return ServiceRoutes(service, None, (), None, by_port)
    subsets = mesh.subsets.get((group.name, service.name), ())
    baseline = mesh.service_baseline(group, service.name)
    concerned = {lane.name: lane for lane in (*subsets, *mesh.lanes_with_own_way[group.name])}
    chains = _chains(group, concerned.values(), {lane.name for lane in subsets}, baseline)
    by_caller = lower_callers(mesh, group)
    by_port = {
        port.port: _route(group, chains, baseline, service, port, by_caller)
        for port in service.ports
    }
    return ServiceRoutes(service, group.name, subsets, baseline, by_port)


def _chains(
    group: LaneGroup, lanes: Iterable[Lane], subsets: Container[str], baseline: str | None
) -> Mapping[str, tuple[str, ...]]:
    """Lane -> the subsets that its requests try; without lanes that go straight to the baseline.

    ``subsets`` are the lanes that contain the service.
    """
    chains = {}
    for lane in lanes:
        if (lane.mode or group.mode) is Mode.STRICT:
            chain: tuple[str, ...] = (lane.name,)
        else:
            wanted = dict.fromkeys([lane.name, *lane.fallback, baseline])
            chain = tuple(name for name in wanted if name is not None and name in subsets)
            # What follows the baseline would never be asked for what the baseline lacks.
            if baseline in chain:
                chain = chain[: chain.index(baseline) + 1]
        if chain and (lane.name in chain or chain != (baseline,)):
            chains[lane.name] = chain
    return chains


def _route(
    group: LaneGroup,
    chains: Mapping[str, tuple[str, ...]],
    baseline: str | None,
    service: Service,
    port: ServicePort,
    by_caller: tuple[ByCaller, ...],
) -> Route:
    targets = {lane: Target(service, port, chain) for lane, chain in chains.items()}
    default = Target(service, port, (baseline,) if baseline in targets else ())
    return Route((LaneChoice(group.name, group.route_header, targets),), default, by_caller)


def lower_callers(mesh: Mesh, group: LaneGroup) -> tuple[ByCaller, ...]:
    """The same for every service of the group; strict lanes first."""
    filled_in = group.propagation is Propagation.TRACE and not is_known(group.trace_header)
    trace_header = group.trace_header if filled_in else None
    used = mesh.used_caller_rules[group.name]
    return tuple(ByCaller(rule, trace_header) for rule in CallerRule if rule in used)


def lower_memories(mesh: Mesh) -> Mapping[ObjectName, Carrier]:
    """What each service's workloads have beside them, where their group needs it."""
    return {
        service: carrier
        for group in mesh.groups
        if (carrier := _carrier(group)) is not None
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
