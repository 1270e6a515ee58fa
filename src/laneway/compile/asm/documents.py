"""All documents of a mesh."""

from __future__ import annotations

from collections.abc import Iterator

from laneway.compile.asm.gateways import ingress
from laneway.compile.asm.services import Document, destination_rule, service_routes, traffic_label
from laneway.compile.ir import MeshRoutes
from laneway.model.lanes import Mode, Propagation
from laneway.model.meshes import Mesh


def emit(mesh: Mesh, routes: MeshRoutes) -> Iterator[Document]:
    """The documents of every group, in the order in which ASM comes to create them.

    Lazily: a group of many lanes that pass on the route header has a match for every pair of lane
    and service.
    """
    for group in mesh.groups:
        services = [routes.services[name] for name in group.services]
        if group.propagation is Propagation.TRACE and group.mode is Mode.PERMISSIVE:
            yield from (traffic_label(group, service) for service in services)
        lanes = mesh.lanes_by_group[group.name]
        if not lanes:
            continue
        yield from (destination_rule(group, service) for service in services)
        yield from (service_routes(group, lanes, service) for service in services)
        if group.gateway is not None and group.gateway in routes.gateways:
            yield from ingress(lanes, group, routes, routes.gateways[group.gateway])
