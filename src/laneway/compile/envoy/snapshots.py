"""The Envoy emitter's entry: IR and placements -> a snapshot for every proxy.

What callers need (clusters, endpoints, routes) is the same for every proxy of a namespace, so it
is built once and shared; a proxy's own part is its listeners and the way to its application.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from laneway.compile.envoy import names
from laneway.compile.envoy.clusters import (
    inbound_cluster,
    passthrough_cluster,
    service_clusters,
    tunnel_cluster,
)
from laneway.compile.envoy.endpoints import inbound_endpoint, service_endpoints
from laneway.compile.envoy.listeners import (
    gateway_listener,
    inbound_listener,
    outbound_listener,
)
from laneway.compile.envoy.options import Options
from laneway.compile.envoy.routes import gateway_routes, outbound_routes
from laneway.compile.envoy.trace_memory import inbound_filter, outbound_filter
from laneway.compile.ir import GatewayRoutes, MeshRoutes, TraceMemory
from laneway.compile.snapshots import (
    CLUSTER,
    ENDPOINT,
    LISTENER,
    ROUTE,
    Resource,
    Snapshot,
)
from laneway.model.meshes import Mesh
from laneway.model.names import ObjectName
from laneway.model.placements import GatewayPlacement, Placements, SidecarPlacement
from laneway.model.selection import Selection
from laneway.model.workloads import Workload


@dataclass(frozen=True, slots=True)
class Shared:
    """What every proxy is sent alike: how to call any service."""

    clusters: dict[str, Resource]
    endpoints: dict[str, Resource]


def emit(
    mesh: Mesh, routes: MeshRoutes, placements: Placements, options: Options
) -> Mapping[str, Snapshot]:
    """Node id -> snapshot, for every sidecar and gateway of the mesh that has a place."""
    selection = Selection(mesh)
    shared = _shared(routes, selection, placements)
    memories = _memories(routes, selection)
    by_namespace = {
        namespace: outbound_routes(namespace, routes.services.values(), options)
        for namespace in {workload.name.namespace for workload in mesh.workloads}
    }
    snapshots = {
        names.gateway_node(name): _gateway(routes.gateways[name], placement, shared, options)
        for name, placement in placements.gateways.items()
        if name in routes.gateways
    }
    for workload in mesh.workloads:
        if placement := placements.sidecars.get(workload.name):
            own = _sidecar(workload, placement, memories.get(workload.name, ()), options)
            outbound = by_namespace[workload.name.namespace]
            snapshots[names.sidecar_node(workload.name)] = _snapshot(shared, own, [outbound])
    return snapshots


def _shared(routes: MeshRoutes, selection: Selection, placements: Placements) -> Shared:
    clusters = [c for service in routes.services.values() for c in service_clusters(service)]
    endpoints = [
        endpoint
        for service in routes.services.values()
        for endpoint in service_endpoints(service, selection, placements)
    ]
    return Shared(_by_name([passthrough_cluster(), *clusters]), _by_name(endpoints))


def _memories(
    routes: MeshRoutes, selection: Selection
) -> Mapping[ObjectName, tuple[TraceMemory, ...]]:
    """The memories beside each workload: one for each group whose services it stands behind."""
    memories: dict[ObjectName, set[TraceMemory]] = {}
    for service, memory in routes.memories.items():
        for workload in selection.workloads(routes.services[service].service):
            memories.setdefault(workload.name, set()).add(memory)
    return {name: tuple(sorted(found)) for name, found in memories.items()}


def _sidecar(
    workload: Workload,
    placement: SidecarPlacement,
    memories: Iterable[TraceMemory],
    options: Options,
) -> Iterable[Resource]:
    inbound = [inbound_filter(memory, options.module) for memory in memories]
    outbound = [outbound_filter(memory, options.module) for memory in memories]
    for port in workload.ports:
        yield inbound_cluster(port.number)
        yield inbound_endpoint(port.number, placement.application[port.number])
        yield inbound_listener(workload.name, port.number, placement.inbound[port.number], inbound)
    yield tunnel_cluster(placement.outbound)
    yield outbound_listener(workload.name.namespace, placement.outbound, outbound, options)


def _gateway(
    routes: GatewayRoutes, placement: GatewayPlacement, shared: Shared, options: Options
) -> Snapshot:
    name = routes.gateway.name
    own = [
        gateway_listener(name, server.server.port, placement.listeners[server.server.port], options)
        for server in routes.servers
    ]
    return _snapshot(
        shared, own, [gateway_routes(name, server, options) for server in routes.servers]
    )


def _snapshot(shared: Shared, own: Iterable[Resource], routes: Iterable[Resource]) -> Snapshot:
    by_type: dict[str, list[Resource]] = {CLUSTER: [], ENDPOINT: [], LISTENER: []}
    for resource in own:
        by_type[resource.type_url].append(resource)
    return Snapshot(
        {
            CLUSTER: ChainMap(_by_name(by_type[CLUSTER]), shared.clusters),
            ENDPOINT: ChainMap(_by_name(by_type[ENDPOINT]), shared.endpoints),
            LISTENER: _by_name(by_type[LISTENER]),
            ROUTE: _by_name(routes),
        }
    )


def _by_name(resources: Iterable[Resource]) -> dict[str, Resource]:
    return {resource.name: resource for resource in resources}
