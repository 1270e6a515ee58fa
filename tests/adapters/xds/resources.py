"""Small xDS resources for these tests, as real messages: what refers to what is real."""

from __future__ import annotations

from collections.abc import Iterable

from envoy.config.cluster.v3.cluster_pb2 import Cluster
from envoy.config.endpoint.v3.endpoint_pb2 import ClusterLoadAssignment
from envoy.config.listener.v3.listener_pb2 import Listener
from envoy.config.route.v3.route_pb2 import RouteConfiguration
from envoy.extensions.filters.http.router.v3.router_pb2 import Router
from envoy.extensions.filters.network.http_connection_manager.v3 import (
    http_connection_manager_pb2 as hcm,
)
from google.protobuf.message import Message

from laneway.compile.snapshots import (
    CLUSTER,
    ENDPOINT,
    LISTENER,
    PUSH_ORDER,
    ROUTE,
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
    manager.rds.config_source.ads.SetInParent()
    manager.rds.config_source.resource_api_version = 2
    manager.rds.config_source.initial_fetch_timeout.SetInParent()
    router = manager.http_filters.add(name="envoy.filters.http.router")
    router.typed_config.Pack(Router())
    chain = message.filter_chains.add()
    chain.filters.add(name="http").typed_config.Pack(manager)
    return resource(LISTENER, name, message)


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
