"""The resources for calls of services, which all proxies share. Updated service by service."""

from __future__ import annotations

from collections.abc import Mapping

from laneway.compile.envoy.clusters import passthrough_cluster, service_clusters
from laneway.compile.envoy.endpoint_inputs import EndpointInputs
from laneway.compile.envoy.endpoints import service_endpoints
from laneway.compile.envoy.options import Options
from laneway.compile.envoy.resource_sets import ResourceSet
from laneway.compile.envoy.scoped_routes import home_scopes, passthrough_scope, service_scopes
from laneway.compile.envoy.sidecar_routes import passthrough_routes, service_routes
from laneway.compile.identity_diff import Changes, changes
from laneway.compile.ir import MeshRoutes, ServiceRoutes
from laneway.compile.shared_map import SharedMap
from laneway.model.meshes import Mesh
from laneway.model.names import ObjectName
from laneway.model.placements import Placements
from laneway.model.selection import Selection

_Changed = Changes[ObjectName, ServiceRoutes]


class OutboundResources:
    """Builds the resources of a service again if its routes are another object than in the last
    update, and its endpoints also if one of its workloads has changed.

    Discard the object if ``update`` raises an exception.
    """

    def __init__(self, options: Options) -> None:
        self._options = options
        self._services: Mapping[ObjectName, ServiceRoutes] = {}
        self._clusters = _ResourceSet([passthrough_cluster()])
        self._endpoints = _ResourceSet()
        self._routes = _ResourceSet([passthrough_routes()])
        self._scopes = _ResourceSet([passthrough_scope()])
        self._home_scopes: dict[str, _ResourceSet] = {}
        self.backends = EndpointInputs()

    @property
    def clusters(self) -> SharedMap:
        return self._clusters.resources

    @property
    def endpoints(self) -> SharedMap:
        return self._endpoints.resources

    @property
    def routes(self) -> SharedMap:
        return self._routes.resources

    @property
    def scopes(self) -> SharedMap:
        return self._scopes.resources

    def home_scopes(self, namespace: str) -> SharedMap:
        """The additional scopes of sidecars in this namespace."""
        return self._home(namespace).resources

    def update(self, mesh: Mesh, routes: MeshRoutes, placements: Placements) -> None:
        options = self._options
        changed = changes(self._services, routes.services)
        self._clusters.update(changed, service_clusters)
        self._routes.update(changed, lambda each: service_routes(each, options))
        self._scopes.update(changed, lambda each: service_scopes(each.service))
        for namespace, part in _by_namespace(changed).items():
            self._home(namespace).update(part, lambda each: home_scopes(each.service))
        self._update_endpoints(changed, mesh, routes, placements)
        self._services = routes.services

    def _update_endpoints(
        self, changed: _Changed, mesh: Mesh, routes: MeshRoutes, placements: Placements
    ) -> None:
        before, self.backends = self.backends, EndpointInputs.of(mesh, placements, self.backends)
        moved = {
            name: routes.services[name]
            for name in self.backends.moved(before)
            if name in routes.services
        }
        selection = Selection(mesh)
        self._endpoints.update(
            Changes({**changed.made, **moved}, changed.gone),
            lambda each: service_endpoints(each, selection, placements),
        )

    def _home(self, namespace: str) -> _ResourceSet:
        return self._home_scopes.setdefault(namespace, _ResourceSet())


_ResourceSet = ResourceSet[ObjectName, ServiceRoutes]


def _by_namespace(changed: _Changed) -> Mapping[str, _Changed]:
    namespaces = {name.namespace for name in (*changed.made, *changed.gone)}
    return {
        namespace: Changes(
            {name: each for name, each in changed.made.items() if name.namespace == namespace},
            tuple(name for name in changed.gone if name.namespace == namespace),
        )
        for namespace in namespaces
    }
