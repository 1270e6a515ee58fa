"""The routes of a sidecar: for each service that its workload may call, and to the workload."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from envoy.config.route.v3 import route_components_pb2, route_pb2

from laneway.compile.envoy import names, visibility
from laneway.compile.envoy.callers import caller_routes
from laneway.compile.envoy.egress import within_the_mesh
from laneway.compile.envoy.options import Options
from laneway.compile.envoy.protobuf import duration, packed, resource
from laneway.compile.envoy.route_actions import ANY_PATH, GRPC_STATUS, header_names, lane_action
from laneway.compile.envoy.scoped_routes import UNKNOWN_HOST
from laneway.compile.envoy.try_timeouts import limited
from laneway.compile.ir import Route, ServiceRoutes
from laneway.compile.resources import ROUTE, Resource


def service_routes(routes: ServiceRoutes, options: Options) -> Iterable[Resource]:
    """The routes by which every sidecar calls a service.

    Each port has a route configuration of its own, so that a change of one service costs a proxy
    that service's part only. ``scoped_routes`` selects it by host.
    """
    for port in routes.service.ports:
        name = names.service_routes(routes.service.host, port.port)
        host = _service_host(name, routes.by_port[port.port], options)
        yield _configuration(name, host, known=True)


def passthrough_routes() -> Resource:
    """The routes to hosts outside the mesh."""
    route = route_components_pb2.Route(
        match=ANY_PATH,
        route=route_components_pb2.RouteAction(cluster=names.PASSTHROUGH, timeout=duration(0)),
        request_headers_to_add=[visibility.header(names.EGRESS_HEADER, "1")],
    )
    host = route_components_pb2.VirtualHost(
        name=names.PASSTHROUGH_ROUTES, domains=["*"], routes=[_tunnel(names.PASSTHROUGH), route]
    )
    return _configuration(names.PASSTHROUGH_ROUTES, host, known=False)


def _configuration(name: str, host: route_components_pb2.VirtualHost, known: bool) -> Resource:
    """The scope has chosen this configuration already. Headers for this proxy only are removed."""
    config = route_pb2.RouteConfiguration(
        name=name,
        virtual_hosts=[host],
        request_headers_to_remove=[
            names.HOST_HEADER,
            names.CALLER_HEADER,
            names.CALLER_LANE_HEADER,
        ],
        response_headers_to_remove=[names.GRPC_STATUS_HEADER],
    )
    if known:
        for name_of_filter, off in {UNKNOWN_HOST: _NOT_UNKNOWN, **within_the_mesh()}.items():
            config.typed_per_filter_config[name_of_filter].CopyFrom(off)
    return resource(ROUTE, name, config)


def inbound_route(port: int) -> route_pb2.RouteConfiguration:
    """Sends all requests to the application. Headers that only this proxy may set are removed from
    its responses."""
    route = route_components_pb2.Route(
        match=ANY_PATH,
        route=route_components_pb2.RouteAction(
            cluster=names.inbound_cluster(port), timeout=duration(0)
        ),
        response_headers_to_remove=[
            names.UNREACHABLE_HEADER,
            names.TIMED_OUT_HEADER,
            names.GRPC_STATUS_HEADER,
        ],
        response_headers_to_add=[
            visibility.header(names.GRPC_STATUS_HEADER, "%RESP(grpc-status)%")
        ],
    )
    # Envoy applies the header changes of routes first, then those of hosts, then of configurations.
    host = route_components_pb2.VirtualHost(
        name="inbound",
        domains=["*"],
        routes=[_from_outside(), limited(route), route],
        response_headers_to_remove=["grpc-status"],
    )
    return route_pb2.RouteConfiguration(name=f"inbound|{port}", virtual_hosts=[host])


@cache
def _from_outside() -> route_components_pb2.Route:
    """Refuses requests that a sidecar sent out of the mesh, if DNS leads back to this machine."""
    marked = route_components_pb2.HeaderMatcher(name=names.EGRESS_HEADER, present_match=True)
    match = route_components_pb2.RouteMatch(prefix="/", headers=[marked])
    refusal = route_components_pb2.DirectResponseAction(status=403)
    refusal.body.inline_string = "laneway: a sidecar is not called as a host outside the mesh\n"
    return route_components_pb2.Route(match=match, direct_response=refusal)


def _service_host(name: str, route: Route, options: Options) -> route_components_pb2.VirtualHost:
    # Routes have names so that ``scoped_routes`` can tell known hosts from others.
    everything = route_components_pb2.Route(name="lane", match=ANY_PATH, route=lane_action(route))
    tunnel = _tunnel(names.TUNNEL)
    tunnel.name = "tunnel"
    return route_components_pb2.VirtualHost(
        name=name,
        domains=["*"],
        response_headers_to_add=[GRPC_STATUS],
        routes=[
            *(
                part
                for each in [*caller_routes(route), everything]
                for part in visibility.explained(each, header_names(route), options)
            ),
            tunnel,
        ],
    )


def _tunnel(cluster: str) -> route_components_pb2.Route:
    """The route for CONNECT, which only this matcher matches: forwards bytes to the cluster."""
    action = route_components_pb2.RouteAction(cluster=cluster, timeout=duration(0))
    upgrade = action.upgrade_configs.add(upgrade_type="CONNECT")
    upgrade.connect_config.SetInParent()
    connect = route_components_pb2.RouteMatch.ConnectMatcher()
    return route_components_pb2.Route(
        match=route_components_pb2.RouteMatch(connect_matcher=connect), route=action
    )


_NOT_UNKNOWN = packed(route_components_pb2.FilterConfig(disabled=True))
