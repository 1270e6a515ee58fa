"""Small xDS resources for these tests, as real messages: what refers to what is real."""

from __future__ import annotations

from collections.abc import Iterable

from envoy.config.cluster.v3.cluster_pb2 import Cluster
from envoy.config.core.v3.config_source_pb2 import ApiVersion, ConfigSource
from envoy.config.endpoint.v3.endpoint_pb2 import ClusterLoadAssignment
from envoy.config.listener.v3.listener_pb2 import Listener
from envoy.config.route.v3.route_pb2 import RouteConfiguration
from envoy.config.route.v3.scoped_route_pb2 import ScopedRouteConfiguration
from envoy.extensions.filters.http.router.v3.router_pb2 import Router
from envoy.extensions.filters.network.http_connection_manager.v3 import (
    http_connection_manager_pb2 as hcm,
)
from google.protobuf.message import Message

from laneway.compile.resources import (
    CLUSTER,
    ENDPOINT,
    LISTENER,
    PUSH_ORDER,
    ROUTE,
    SCOPE,
    Resource,
    Snapshot,
)


def resource(type_url: str, name: str, message: Message) -> Resource:
    return Resource.of(type_url, name, message.SerializeToString(deterministic=True))


def cluster(name: str, timeout: int = 1) -> Resource:
    """An EDS cluster; ``timeout`` makes another version of it. Envoy refuses a negative one.

    It waits for its endpoints without end, so that a test cannot pass by Envoy's timeout.
    """
    message = Cluster(name=name, type=Cluster.EDS)
    message.connect_timeout.seconds = timeout
    message.eds_cluster_config.eds_config.ads.SetInParent()
    message.eds_cluster_config.eds_config.resource_api_version = 2
    message.eds_cluster_config.eds_config.initial_fetch_timeout.SetInParent()
    return resource(CLUSTER, name, message)


def endpoints(name: str, *ports: int) -> Resource:
    message = ClusterLoadAssignment(cluster_name=name)
    group = message.endpoints.add()
    for port in ports:
        address = group.lb_endpoints.add().endpoint.address.socket_address
        address.address, address.port_value = "127.0.0.1", port
    return resource(ENDPOINT, name, message)


def listener(name: str, route_name: str, port: int = 0, prefix: str = "in") -> Resource:
    """``prefix`` makes another version of it."""
    message = Listener(name=name)
    message.address.socket_address.address = "127.0.0.1"
    message.address.socket_address.port_value = port
    manager = hcm.HttpConnectionManager(stat_prefix=prefix)
    manager.rds.route_config_name = route_name
    _over_ads(manager.rds.config_source)
    return _listening(message, manager)


def scoped_listener(name: str, port: int = 0, prefix: str = "in") -> Resource:
    """The value of the request header ``scope`` chooses the routes."""
    message = Listener(name=name)
    message.address.socket_address.address = "127.0.0.1"
    message.address.socket_address.port_value = port
    manager = hcm.HttpConnectionManager(stat_prefix=prefix)
    scoped = manager.scoped_routes
    scoped.name = "scopes"
    scoped.scope_key_builder.fragments.add().header_value_extractor.name = "scope"
    scoped.scope_key_builder.fragments[0].header_value_extractor.index = 0
    for source in (scoped.rds_config_source, scoped.scoped_rds.scoped_rds_config_source):
        _over_ads(source)
    return _listening(message, manager)


def scope(name: str, route_name: str, key: str = "") -> Resource:
    """Chosen by ``key``, else by its name."""
    message = ScopedRouteConfiguration(name=name, route_configuration_name=route_name)
    message.key.fragments.add(string_key=key or name)
    return resource(SCOPE, name, message)


def _over_ads(source: ConfigSource) -> None:
    source.ads.SetInParent()
    source.resource_api_version = ApiVersion.V3
    source.initial_fetch_timeout.SetInParent()


def _listening(message: Listener, manager: hcm.HttpConnectionManager) -> Resource:
    router = manager.http_filters.add(name="envoy.filters.http.router")
    router.typed_config.Pack(Router())
    chain = message.filter_chains.add()
    chain.filters.add(name="http").typed_config.Pack(manager)
    return resource(LISTENER, message.name, message)


def route(name: str, *clusters: str) -> Resource:
    """One virtual host; the path ``/CLUSTER`` goes to the cluster, anything else to the first."""
    message = RouteConfiguration(name=name)
    host = message.virtual_hosts.add(name="all", domains=["*"])
    for each in clusters:
        host.routes.add(match={"prefix": f"/{each}"}, route={"cluster": each})
    if clusters:
        host.routes.add(match={"prefix": "/"}, route={"cluster": clusters[0]})
    return resource(ROUTE, name, message)


def snapshot(resources: Iterable[Resource]) -> Snapshot:
    types: dict[str, dict[str, Resource]] = {type_url: {} for type_url in PUSH_ORDER}
    for each in resources:
        types[each.type_url][each.name] = each
    return Snapshot(types)
