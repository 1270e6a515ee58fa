"""All resources of a mesh."""

from __future__ import annotations

from collections.abc import Iterator

from laneway.compile.gateway_api.gateways import gateway_documents
from laneway.compile.gateway_api.names import lane_services
from laneway.compile.gateway_api.options import Options
from laneway.compile.gateway_api.resources import Document
from laneway.compile.gateway_api.services import service_documents
from laneway.compile.ir import MeshRoutes
from laneway.model.meshes import Mesh


def emit(mesh: Mesh, routes: MeshRoutes, options: Options) -> Iterator[Document]:
    """A route follows the objects that it refers to: first all groups, then all gateways."""
    services = lane_services(mesh, routes)
    for group in mesh.groups:
        for name in group.services:
            yield from service_documents(group, routes.services[name], services)
    for gateway in routes.gateways.values():
        yield from gateway_documents(mesh, gateway, services, options)
