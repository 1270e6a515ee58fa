"""A sidecar's routes: one for each service that its workload may call, and one to the workload."""

from __future__ import annotations

from collections.abc import Iterable

from envoy.config.route.v3 import route_components_pb2, route_pb2

from laneway.compile.envoy import names, visibility
from laneway.compile.envoy.actions import ANY_PATH, GRPC_STATUS, header_names, lane_action
from laneway.compile.envoy.options import Options
from laneway.compile.envoy.packing import duration
from laneway.compile.ir import Route, ServiceRoutes
from laneway.compile.snapshots import ROUTE, Resource
from laneway.model.services import Service, ServicePort


def service_hosts(namespace: str, routes: ServiceRoutes, options: Options) -> bytes:
    """How a sidecar of ``namespace`` calls one service: its part of ``outbound_routes``."""
    return _serialized_hosts(
        _service_host(namespace, routes.service, port, routes.by_port[port.port], options)
        for port in routes.service.ports
    )


def outbound_routes(namespace: str, hosts: Iterable[bytes]) -> Resource:
    """What a sidecar of ``namespace`` may call: every service, and hosts outside the mesh.

    The services' parts are joined as they are on the wire (protobuf's encoding of a repeated field
    is the concatenation of its items'), so that a change to one service costs little more than
    that service's part.
    """
    name = names.outbound_routes(namespace)
    config = route_pb2.RouteConfiguration(
        name=name, response_headers_to_remove=[names.GRPC_STATUS_HEADER]
    )
    head = config.SerializeToString(deterministic=True)
    body = b"".join([head, *hosts, _serialized_hosts([_passthrough_host()])])
    return Resource.of(ROUTE, name, body)


def _serialized_hosts(hosts: Iterable[route_components_pb2.VirtualHost]) -> bytes:
    message = route_pb2.RouteConfiguration(virtual_hosts=hosts)
    serialized: bytes = message.SerializeToString(deterministic=True)
    return serialized


def _passthrough_host() -> route_components_pb2.VirtualHost:
    return route_components_pb2.VirtualHost(
        name="passthrough",
        domains=["*"],
        routes=[
            _tunnel(names.PASSTHROUGH),
            route_components_pb2.Route(
                match=ANY_PATH,
                route=route_components_pb2.RouteAction(
                    cluster=names.PASSTHROUGH, timeout=duration(0)
                ),
            ),
        ],
    )


def inbound_route(port: int) -> route_pb2.RouteConfiguration:
    """Everything that arrives goes to the application; nobody else may claim to be unreachable."""
    route = route_components_pb2.Route(
        match=ANY_PATH,
        route=route_components_pb2.RouteAction(
            cluster=names.inbound_cluster(port), timeout=duration(0)
        ),
        response_headers_to_remove=[names.UNREACHABLE_HEADER, names.GRPC_STATUS_HEADER],
        response_headers_to_add=[
            visibility.header(names.GRPC_STATUS_HEADER, "%RESP(grpc-status)%")
        ],
    )
    # A host's headers are changed after its routes', and a configuration's after its hosts'.
    host = route_components_pb2.VirtualHost(
        name="inbound",
        domains=["*"],
        routes=[route],
        response_headers_to_remove=["grpc-status"],
    )
    return route_pb2.RouteConfiguration(name=f"inbound|{port}", virtual_hosts=[host])


def _service_host(
    namespace: str, service: Service, port: ServicePort, route: Route, options: Options
) -> route_components_pb2.VirtualHost:
    everything = route_components_pb2.Route(match=ANY_PATH, route=lane_action(route))
    return route_components_pb2.VirtualHost(
        name=f"{service.host}:{port.port}",
        domains=list(_domains(namespace, service, port.port)),
        response_headers_to_add=[GRPC_STATUS],
        routes=[
            *visibility.explained(everything, header_names(route), options),
            _tunnel(names.TUNNEL),
        ],
    )


def _tunnel(cluster: str) -> route_components_pb2.Route:
    """For CONNECT, which no other matcher matches: bytes to and from the cluster."""
    action = route_components_pb2.RouteAction(cluster=cluster, timeout=duration(0))
    upgrade = action.upgrade_configs.add(upgrade_type="CONNECT")
    upgrade.connect_config.SetInParent()
    connect = route_components_pb2.RouteMatch.ConnectMatcher()
    return route_components_pb2.Route(
        match=route_components_pb2.RouteMatch(connect_matcher=connect), route=action
    )


def _domains(namespace: str, service: Service, port: int) -> Iterable[str]:
    """The names that Kubernetes' DNS search path would let a workload of ``namespace`` use."""
    name, home = service.name.name, service.name.namespace
    hosts = [f"{name}.{home}", f"{name}.{home}.svc", service.host]
    if home == namespace:
        hosts.insert(0, name)
    for host in hosts:
        yield f"{host}:{port}"
        if port == 80:
            yield host
