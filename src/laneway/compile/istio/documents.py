"""All resources of a mesh.

Like Envoy's, ``Emitter`` remembers: as long as the inputs of a service are the same, it returns the
same objects for it, so that callers find by identity what has changed.
"""

from __future__ import annotations

from collections.abc import Iterator

from laneway.compile.generational_cache import GenerationalCache
from laneway.compile.ir import MeshRoutes, ServiceRoutes
from laneway.compile.istio.callers import Caller, callers
from laneway.compile.istio.gateways import gateway_documents
from laneway.compile.istio.lane_filters import gateway_filters, sidecar_filters
from laneway.compile.istio.options import Options
from laneway.compile.istio.resources import Document
from laneway.compile.istio.services import service_documents
from laneway.model.lanes import LaneGroup
from laneway.model.meshes import Mesh


class Emitter:
    """Callers must not change the resources: the next emission may return them again."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._cache = GenerationalCache()

    def __call__(self, mesh: Mesh, routes: MeshRoutes) -> Iterator[Document]:
        """A route follows the objects that it refers to: first all groups, then all gateways."""
        for group in mesh.groups:
            if mesh.lanes_by_group[group.name]:
                yield from self._group(mesh, group, routes)
        yield from gateway_filters(mesh, routes.gateways.values(), self._options)
        for gateway in routes.gateways.values():
            yield from gateway_documents(mesh, routes, gateway, self._options)
        self._cache.next_generation()

    def _group(self, mesh: Mesh, group: LaneGroup, routes: MeshRoutes) -> Iterator[Document]:
        services = [routes.services[name] for name in group.services]
        yield from self._cache.get(
            ("lane filter", group.name),
            (group, [each.service for each in services]),
            lambda: tuple(sidecar_filters(group, services, routes.memories, self._options)),
        )
        by_caller = tuple(callers(mesh, group, routes))
        for service in services:
            yield from self._service(group, service, by_caller)

    def _service(
        self, group: LaneGroup, service: ServiceRoutes, by_caller: tuple[Caller, ...]
    ) -> tuple[Document, ...]:
        return self._cache.get(
            ("service", service.service.name),
            (group, service.service, service.by_port, service.subsets, by_caller),
            lambda: tuple(service_documents(group, service, by_caller, self._options)),
        )


def emit(mesh: Mesh, routes: MeshRoutes, options: Options) -> Iterator[Document]:
    """A single emission; see ``Emitter``."""
    return Emitter(options)(mesh, routes)
