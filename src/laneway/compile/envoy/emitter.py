"""The Envoy emitter: builds a snapshot for every proxy from the IR and the placements.

The resources for calls (clusters, endpoints, scopes, routes) are the same for all proxies, except
for the short names of hosts in a namespace. They are built once and shared. A proxy has only its
listeners and the cluster of its application for itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from laneway.compile.envoy import names
from laneway.compile.envoy.clusters import inbound_cluster, tunnel_cluster
from laneway.compile.envoy.endpoint_inputs import selecting
from laneway.compile.envoy.endpoints import inbound_endpoint
from laneway.compile.envoy.entry_routes import entry_filter_chain
from laneway.compile.envoy.gateway_routes import gateway_routes
from laneway.compile.envoy.lane_hooks import gateway_hooks, inbound_hooks, outbound_hooks
from laneway.compile.envoy.listeners import (
    call_listener,
    gateway_listener,
    inbound_listener,
    outbound_listener,
)
from laneway.compile.envoy.options import Options
from laneway.compile.envoy.outbound_resources import OutboundResources
from laneway.compile.generational_cache import GenerationalCache, SameObjects
from laneway.compile.ir import GatewayRoutes, MeshRoutes, Propagated
from laneway.compile.resources import (
    CLUSTER,
    ENDPOINT,
    LISTENER,
    PUSH_ORDER,
    ROUTE,
    SCOPE,
    Layers,
    Resource,
    Resources,
    Snapshot,
)
from laneway.model.callers import CallerLane, Callers
from laneway.model.meshes import Mesh
from laneway.model.names import ObjectName
from laneway.model.placements import GatewayPlacement, Placements, SidecarPlacement
from laneway.model.workloads import Workload


class Emitter:
    """Builds only what has changed since the last call. The result depends on the arguments alone.

    Unchanged parts, up to whole snapshots, are the same objects as before, so that the xDS server
    finds changes by identity. A call is fast if the unchanged routes of services are the same
    objects as before, as ``Lowerer`` returns them.
    """

    def __init__(self, options: Options) -> None:
        self._options = options
        self._cache = GenerationalCache()
        self._outbound = OutboundResources(options)

    def __call__(
        self, mesh: Mesh, routes: MeshRoutes, placements: Placements
    ) -> Mapping[str, Snapshot]:
        """Node id -> snapshot, for every sidecar and gateway of the mesh that has a placement, and
        for the sidecars that are terminating."""
        try:
            self._outbound.update(mesh, routes, placements)
        except BaseException:
            self._outbound = OutboundResources(self._options)
            raise
        snapshots, callers = {}, Callers(mesh)
        for name, gateway in placements.gateways.items():
            if name in routes.gateways:
                own = self._gateway(routes.gateways[name], gateway)
                snapshots[names.gateway_node(name, gateway.generation)] = self._snapshot(own)
        for workload in mesh.workloads:
            if sidecar := placements.sidecars.get(workload.name):
                services = self._outbound.backends.services[workload.name]
                node = names.sidecar_node(workload.name, sidecar.generation)
                propagated, lanes = _propagated(routes, services), callers.lanes_of(workload)
                snapshots[node] = self._sidecar(node, workload, sidecar, propagated, lanes)
        for each in placements.terminating:
            name = each.workload.name
            services = selecting(mesh.services, [each.workload])[name]
            node = names.sidecar_node(name, each.placement.generation)
            propagated, lanes = _propagated(routes, services), callers.lanes_of(each.workload)
            snapshots[node] = self._sidecar(node, each.workload, each.placement, propagated, lanes)
        self._cache.next_generation()
        return snapshots

    def _sidecar(
        self,
        node: str,
        workload: Workload,
        placement: SidecarPlacement,
        propagated: tuple[Propagated, ...],
        callers: tuple[CallerLane, ...],
    ) -> Snapshot:
        own = self._cache.get(
            ("sidecar", node),
            (workload, placement, propagated, callers),
            lambda: Own.of(_sidecar(workload, placement, propagated, callers, self._options)),
        )
        return self._snapshot(own, workload.name.namespace)

    def _gateway(self, routes: GatewayRoutes, placement: GatewayPlacement) -> Own:
        return self._cache.get(
            ("gateway", routes.gateway.name),
            (routes, placement),
            lambda: Own.of(_gateway(routes, placement, self._options)),
        )

    def _snapshot(self, own: Own, namespace: str | None = None) -> Snapshot:
        """``namespace`` is that of a sidecar. A gateway has no scopes, and has its own routes."""
        outbound = self._outbound
        inputs: list[object] = [own, outbound.clusters, outbound.endpoints]
        types: dict[str, Resources] = {
            CLUSTER: Layers(own.types[CLUSTER], outbound.clusters),
            ENDPOINT: Layers(own.types[ENDPOINT], outbound.endpoints),
            LISTENER: own.types[LISTENER],
            ROUTE: own.types[ROUTE],
        }
        if namespace is not None:
            home = outbound.home_scopes(namespace)
            inputs += [home, outbound.scopes, outbound.routes]
            types |= {SCOPE: Layers(home, outbound.scopes), ROUTE: outbound.routes}
        return self._cache.get(("snapshot", id(own)), SameObjects(*inputs), lambda: Snapshot(types))


def emit(
    mesh: Mesh, routes: MeshRoutes, placements: Placements, options: Options
) -> Mapping[str, Snapshot]:
    """A single emission; see ``Emitter``."""
    return Emitter(options)(mesh, routes, placements)


@dataclass(frozen=True, eq=False)
class Own:
    """The resources of one proxy that it shares with no other."""

    types: Mapping[str, Resources]

    @staticmethod
    def of(resources: Iterable[Resource]) -> Own:
        types: dict[str, dict[str, Resource]] = {url: {} for url in PUSH_ORDER}
        for resource in resources:
            types[resource.type_url][resource.name] = resource
        return Own(types)


def _propagated(routes: MeshRoutes, services: Iterable[ObjectName]) -> tuple[Propagated, ...]:
    """How a workload's lanes are propagated: one for each group whose services select it."""
    known = (routes.memories.get(each) or routes.route_headers.get(each) for each in services)
    return tuple(sorted({each for each in known if each}, key=lambda each: each.group))


def _sidecar(
    workload: Workload,
    placement: SidecarPlacement,
    propagated: tuple[Propagated, ...],
    callers: Iterable[CallerLane],
    options: Options,
) -> Iterable[Resource]:
    inbound = inbound_hooks(propagated, options.module)
    outbound = outbound_hooks(propagated, options.module)
    # All ports that have a placement: during a change, those before and those after it. A sidecar
    # that is terminating has no listener, but still sends requests to its application.
    for port, address in placement.application.items():
        yield inbound_cluster(port)
        yield inbound_endpoint(port, address)
        if port in placement.inbound:
            listen = placement.inbound[port]
            yield inbound_listener(workload.name, port, listen, inbound, options)
    yield tunnel_cluster(placement.outbound)
    yield outbound_listener(placement.outbound, outbound, callers, options)
    for variable, call in placement.calls.items():
        yield call_listener(variable, call, outbound, callers, options)


def _gateway(
    routes: GatewayRoutes, placement: GatewayPlacement, options: Options
) -> Iterable[Resource]:
    name = routes.gateway.name
    lanes = gateway_hooks(routes.carriers, options.module)
    lanes = replace(lanes, filters=(*lanes.filters, *entry_filter_chain()))
    for server in routes.servers:
        if server.server.tls:
            continue
        port = server.server.port
        yield gateway_listener(name, port, placement.listeners[port], lanes, options)
        yield gateway_routes(routes, server, options)
