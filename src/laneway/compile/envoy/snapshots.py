"""The Envoy emitter's entry: IR and placements -> a snapshot for every proxy.

What callers need (clusters, endpoints, routes) is the same for every proxy of a namespace, so it
is built once and shared; a proxy's own part is its listeners and the way to its application.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial

from laneway.compile.envoy import names
from laneway.compile.envoy.clusters import (
    inbound_cluster,
    passthrough_cluster,
    service_clusters,
    tunnel_cluster,
)
from laneway.compile.envoy.endpoints import inbound_endpoint, service_endpoints
from laneway.compile.envoy.gateway_routes import gateway_routes
from laneway.compile.envoy.lane_filter import gateway_filter, inbound_filter, outbound_filter
from laneway.compile.envoy.listeners import (
    gateway_listener,
    inbound_listener,
    outbound_listener,
)
from laneway.compile.envoy.options import Options
from laneway.compile.envoy.sidecar_routes import outbound_routes, service_hosts
from laneway.compile.ir import Carrier, GatewayRoutes, MeshRoutes, ServiceRoutes
from laneway.compile.memos import Memo, Same
from laneway.compile.snapshots import (
    CLUSTER,
    ENDPOINT,
    LISTENER,
    PUSH_ORDER,
    ROUTE,
    Layers,
    Resource,
    Resources,
    Snapshot,
)
from laneway.model.meshes import Mesh
from laneway.model.names import ObjectName
from laneway.model.placements import GatewayPlacement, Placements, SidecarPlacement
from laneway.model.selection import Selection
from laneway.model.workloads import Workload


class Emitter:
    """Emits again and again, and builds only what changed since.

    A pure function of its arguments, but for the time it takes: whatever a part is built from is
    compared with what it was built from the last time. Unchanged parts, up to whole snapshots, are
    the same objects as before, which readers downstream notice.
    """

    def __init__(self, options: Options) -> None:
        self._options = options
        self._memo = Memo()
        self._passthrough = [passthrough_cluster()]

    def __call__(
        self, mesh: Mesh, routes: MeshRoutes, placements: Placements
    ) -> Mapping[str, Snapshot]:
        """Node id -> snapshot, for every sidecar and gateway of the mesh that has a place."""
        selection = Selection(mesh)
        clusters, endpoints = self._shared(routes, selection, placements)
        memories = _memories(routes, selection)
        outbound = {
            namespace: self._outbound(namespace, routes)
            for namespace in {workload.name.namespace for workload in mesh.workloads}
        }
        snapshots = {}
        for name, gateway in placements.gateways.items():
            if name in routes.gateways:
                own = self._gateway(routes.gateways[name], gateway)
                snapshots[names.gateway_node(name)] = self._snapshot(own, clusters, endpoints)
        for workload in mesh.workloads:
            if sidecar := placements.sidecars.get(workload.name):
                own = self._sidecar(workload, sidecar, memories.get(workload.name, ()))
                node = names.sidecar_node(workload.name)
                called = outbound[workload.name.namespace]
                snapshots[node] = self._snapshot(own, clusters, endpoints, called)
        self._memo.sweep()
        return snapshots

    def _shared(
        self, routes: MeshRoutes, selection: Selection, placements: Placements
    ) -> tuple[Resources, Resources]:
        """How to call any service: clusters and endpoints, which every proxy is sent alike."""
        clusters, endpoints = [self._passthrough], []
        for name, service in routes.services.items():
            core = _core(service)
            clusters.append(self._memo(("clusters", name), core, partial(_clusters, service)))
            behind = tuple(
                (
                    workload,
                    placements.sidecars.get(workload.name),
                    workload.name in placements.ready,
                )
                for workload in selection.workloads(service.service)
            )
            endpoints.append(
                self._memo(
                    ("endpoints", name),
                    (core, behind),
                    partial(_endpoints, service, selection, placements),
                )
            )
        return self._joined("clusters", clusters), self._joined("endpoints", endpoints)

    def _outbound(self, namespace: str, routes: MeshRoutes) -> Resources:
        """The route configuration of the sidecars of ``namespace``."""
        hosts = [
            self._memo(
                ("hosts", namespace, name),
                _core(service),
                partial(service_hosts, namespace, service, self._options),
            )
            for name, service in routes.services.items()
        ]
        build = partial(outbound_routes, namespace, hosts)
        return self._memo(("outbound", namespace), Same(hosts), lambda: _by_name([build()]))

    def _sidecar(
        self, workload: Workload, placement: SidecarPlacement, memories: tuple[Carrier, ...]
    ) -> Own:
        return self._memo(
            ("sidecar", workload.name),
            (workload, placement, memories),
            lambda: Own.of(_sidecar(workload, placement, memories, self._options)),
        )

    def _gateway(self, routes: GatewayRoutes, placement: GatewayPlacement) -> Own:
        return self._memo(
            ("gateway", routes.gateway.name),
            (routes, placement),
            lambda: Own.of(_gateway(routes, placement, self._options)),
        )

    def _joined(self, what: str, parts: list[list[Resource]]) -> Resources:
        return self._memo(
            ("joined", what), Same(parts), lambda: _by_name(r for part in parts for r in part)
        )

    def _snapshot(
        self, own: Own, clusters: Resources, endpoints: Resources, called: Resources | None = None
    ) -> Snapshot:
        """A sidecar's routes are ``called``, a gateway's are its own."""
        routes = own.types[ROUTE] if called is None else called
        types = {
            CLUSTER: Layers(own.types[CLUSTER], clusters),
            ENDPOINT: Layers(own.types[ENDPOINT], endpoints),
            LISTENER: own.types[LISTENER],
            ROUTE: routes,
        }
        inputs = Same([own, clusters, endpoints, routes])
        return self._memo(("snapshot", id(own)), inputs, lambda: Snapshot(types))


def emit(
    mesh: Mesh, routes: MeshRoutes, placements: Placements, options: Options
) -> Mapping[str, Snapshot]:
    """Once; see ``Emitter``."""
    return Emitter(options)(mesh, routes, placements)


@dataclass(frozen=True, eq=False)
class Own:
    """What is one proxy's alone."""

    types: Mapping[str, Resources]

    @staticmethod
    def of(resources: Iterable[Resource]) -> Own:
        types: dict[str, dict[str, Resource]] = {url: {} for url in PUSH_ORDER}
        for resource in resources:
            types[resource.type_url][resource.name] = resource
        return Own(types)


def _clusters(routes: ServiceRoutes) -> list[Resource]:
    return list(service_clusters(routes))


def _endpoints(
    routes: ServiceRoutes, selection: Selection, placements: Placements
) -> list[Resource]:
    return list(service_endpoints(routes, selection, placements))


def _core(routes: ServiceRoutes) -> tuple[object, ...]:
    """What of a service's routes its Envoy configuration depends on."""
    return routes.service, routes.by_port, routes.subsets


def _memories(routes: MeshRoutes, selection: Selection) -> Mapping[ObjectName, tuple[Carrier, ...]]:
    """The filters beside each workload: one for each group whose services it stands behind."""
    memories: dict[ObjectName, set[Carrier]] = {}
    for service, memory in routes.memories.items():
        for workload in selection.workloads(routes.services[service].service):
            memories.setdefault(workload.name, set()).add(memory)
    return {
        name: tuple(sorted(found, key=lambda carrier: carrier.group))
        for name, found in memories.items()
    }


def _sidecar(
    workload: Workload,
    placement: SidecarPlacement,
    memories: Iterable[Carrier],
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
    routes: GatewayRoutes, placement: GatewayPlacement, options: Options
) -> Iterable[Resource]:
    name = routes.gateway.name
    filters = [gateway_filter(member, options.module) for member in routes.baggage]
    for server in routes.servers:
        if server.server.tls:
            continue
        port = server.server.port
        yield gateway_listener(name, port, placement.listeners[port], filters, options)
        yield gateway_routes(name, server, options)


def _by_name(resources: Iterable[Resource]) -> dict[str, Resource]:
    return {resource.name: resource for resource in resources}
