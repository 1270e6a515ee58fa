"""The resources that a proxy subscribes to because of another resource.

A cluster refers to endpoints, and a listener or a scope to routes. ``streams`` waits for these
subscriptions and answers them in time. (A proxy requests all clusters, listeners and scopes.)
"""

from __future__ import annotations

from collections.abc import Iterator

from envoy.config.cluster.v3.cluster_pb2 import Cluster
from envoy.config.core.v3.config_source_pb2 import ConfigSource
from envoy.config.listener.v3.listener_components_pb2 import Filter
from envoy.config.listener.v3.listener_pb2 import Listener
from envoy.config.route.v3.scoped_route_pb2 import ScopedRouteConfiguration
from envoy.extensions.filters.network.http_connection_manager.v3 import (
    http_connection_manager_pb2,
)
from google.protobuf.message import DecodeError

from laneway.compile.resources import CLUSTER, ENDPOINT, LISTENER, ROUTE, SCOPE, Resource

#: The type of the resources to which resources of a type refer.
CHILD_TYPES = {CLUSTER: ENDPOINT, LISTENER: ROUTE, SCOPE: ROUTE}


def references(resource: Resource) -> tuple[str, ...]:
    """The names, of the child type, that a proxy requests after it has accepted the resource.

    Empty for a body that cannot be parsed: the proxy will reject it.
    """
    try:
        if resource.type_url == CLUSTER:
            return tuple(_endpoints(Cluster.FromString(resource.body)))
        if resource.type_url == LISTENER:
            return tuple(dict.fromkeys(_routes(Listener.FromString(resource.body))))
        if resource.type_url == SCOPE:
            scope = ScopedRouteConfiguration.FromString(resource.body)
            return (scope.route_configuration_name,) if scope.route_configuration_name else ()
    except DecodeError:
        pass
    return ()


def _endpoints(cluster: Cluster) -> Iterator[str]:
    eds = cluster.eds_cluster_config
    if cluster.type == Cluster.EDS and _over_ads(eds.eds_config):
        yield eds.service_name or cluster.name


def _routes(listener: Listener) -> Iterator[str]:
    for chain in (*listener.filter_chains, listener.default_filter_chain):
        for network_filter in chain.filters:
            yield from _filter_routes(network_filter)


def _filter_routes(network_filter: Filter) -> Iterator[str]:
    manager = http_connection_manager_pb2.HttpConnectionManager()
    if network_filter.typed_config.Unpack(manager) and _over_ads(manager.rds.config_source):
        yield manager.rds.route_config_name


def _over_ads(source: ConfigSource) -> bool:
    return source.WhichOneof("config_source_specifier") in ("ads", "self")
