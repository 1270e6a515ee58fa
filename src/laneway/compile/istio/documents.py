"""All resources of a mesh."""

from __future__ import annotations

from collections.abc import Iterator

from laneway.compile.ir import MeshRoutes
from laneway.compile.istio.gateways import gateway_documents
from laneway.compile.istio.options import Options
from laneway.compile.istio.plugins import gateway_plugins, sidecar_plugins
from laneway.compile.istio.resources import Document
from laneway.compile.istio.services import service_documents
from laneway.model.meshes import Mesh


def emit(mesh: Mesh, routes: MeshRoutes, options: Options) -> Iterator[Document]:
    """What stands behind a route comes before it: group by group, then gateway by gateway."""
    for group in mesh.groups:
        if not mesh.lanes_by_group[group.name]:
            continue
        services = [routes.services[name] for name in group.services]
        yield from sidecar_plugins(group, services, routes.memories, options)
        for service in services:
            yield from service_documents(group, service, options)
    for gateway in routes.gateways.values():
        yield from gateway_plugins(mesh, gateway, options)
        yield from gateway_documents(mesh, routes, gateway, options)
