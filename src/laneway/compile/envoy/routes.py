"""Routes: one for each service (or ingress condition), whatever the number of lanes.

The lane is chosen by a map from header value to cluster (the matcher cluster specifier), so that
the cost of a request does not grow with the number of lanes.
"""

from __future__ import annotations

from collections.abc import Iterable

from envoy.config.core.v3 import base_pb2
from envoy.config.route.v3 import route_components_pb2, route_pb2
from envoy.extensions.retry.host.previous_hosts.v3 import previous_hosts_pb2
from envoy.extensions.router.cluster_specifiers.matcher.v3 import matcher_pb2 as specifier_pb2
from envoy.type.matcher.v3 import http_inputs_pb2, regex_pb2, string_pb2
from google.protobuf.wrappers_pb2 import UInt32Value
from xds.type.matcher.v3 import matcher_pb2

from laneway.compile.envoy import names
from laneway.compile.envoy.packing import duration, extension, matcher_extension, packed, resource
from laneway.compile.ir import IngressRoute, LaneChoice, Route, ServerRoutes, ServiceRoutes, Target
from laneway.compile.snapshots import ROUTE, Resource
from laneway.model.matches import MatchKind, StringMatch
from laneway.model.names import ObjectName
from laneway.model.services import Service, ServicePort

_ANY_PATH = route_components_pb2.RouteMatch(prefix="/")


def outbound_routes(namespace: str, services: Iterable[ServiceRoutes]) -> Resource:
    """What a sidecar of ``namespace`` may call: every service, and hosts outside the mesh."""
    hosts = [
        _service_host(namespace, routes.service, port, routes.by_port[port.port])
        for routes in services
        for port in routes.service.ports
    ]
    hosts.append(
        route_components_pb2.VirtualHost(
            name="passthrough",
            domains=["*"],
            routes=[
                route_components_pb2.Route(
                    match=_ANY_PATH,
                    route=route_components_pb2.RouteAction(
                        cluster=names.PASSTHROUGH, timeout=duration(0)
                    ),
                )
            ],
        )
    )
    name = names.outbound_routes(namespace)
    return resource(ROUTE, name, route_pb2.RouteConfiguration(name=name, virtual_hosts=hosts))


def gateway_routes(gateway: ObjectName, server: ServerRoutes) -> Resource:
    """The routes of one port of a gateway."""
    name = names.gateway_routes(gateway, server.server.port)
    hosts = [
        route_components_pb2.VirtualHost(
            name=host.domain,
            domains=[host.domain],
            routes=[_ingress_route(route) for route in host.routes],
        )
        for host in server.virtual_hosts
    ]
    config = route_pb2.RouteConfiguration(
        name=name, virtual_hosts=hosts, ignore_port_in_host_matching=True
    )
    return resource(ROUTE, name, config)


def inbound_route(port: int) -> route_pb2.RouteConfiguration:
    """Everything that arrives goes to the application; nobody else may claim to be unreachable."""
    route = route_components_pb2.Route(
        match=_ANY_PATH,
        route=route_components_pb2.RouteAction(
            cluster=names.inbound_cluster(port), timeout=duration(0)
        ),
        response_headers_to_remove=[names.UNREACHABLE_HEADER],
    )
    host = route_components_pb2.VirtualHost(name="inbound", domains=["*"], routes=[route])
    return route_pb2.RouteConfiguration(name=f"inbound|{port}", virtual_hosts=[host])


def _service_host(
    namespace: str, service: Service, port: ServicePort, route: Route
) -> route_components_pb2.VirtualHost:
    return route_components_pb2.VirtualHost(
        name=f"{service.host}:{port.port}",
        domains=list(_domains(namespace, service, port.port)),
        routes=[route_components_pb2.Route(match=_ANY_PATH, route=_action(route))],
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


def _ingress_route(ingress: IngressRoute) -> route_components_pb2.Route:
    match = route_components_pb2.RouteMatch()
    _match_path(match, ingress.uri)
    match.headers.extend(
        route_components_pb2.HeaderMatcher(name=name, string_match=_string_matcher(value))
        for name, value in sorted(ingress.headers.items())
    )
    route = route_components_pb2.Route(match=match, route=_action(ingress.route))
    route.request_headers_to_add.extend(
        base_pb2.HeaderValueOption(
            header=base_pb2.HeaderValue(key=header, value="%REQ(x-request-id)%"),
            append_action=base_pb2.HeaderValueOption.ADD_IF_ABSENT,
        )
        for header in ingress.trace_headers
    )
    return route


def _match_path(match: route_components_pb2.RouteMatch, uri: StringMatch | None) -> None:
    if uri is None:
        match.prefix = "/"
    elif uri.kind is MatchKind.EXACT:
        match.path = uri.value
    elif uri.kind is MatchKind.PREFIX:
        match.prefix = uri.value
    else:
        match.safe_regex.regex = uri.value


def _string_matcher(match: StringMatch) -> string_pb2.StringMatcher:
    match match.kind:
        case MatchKind.EXACT:
            return string_pb2.StringMatcher(exact=match.value)
        case MatchKind.PREFIX:
            return string_pb2.StringMatcher(prefix=match.value)
        case MatchKind.REGEX:
            return string_pb2.StringMatcher(safe_regex=regex_pb2.RegexMatcher(regex=match.value))


def _action(route: Route) -> route_components_pb2.RouteAction:
    """Choose the cluster by lane; retry only what certainly did not reach an application.

    No time limit: how long a call may take is between the caller and the service.
    """
    action = route_components_pb2.RouteAction(timeout=duration(0), retry_policy=_RETRY_POLICY)
    if any(choice.lanes for choice in route.choices):
        specifier = specifier_pb2.MatcherClusterSpecifier(cluster_matcher=_matcher(route))
        action.inline_cluster_specifier_plugin.extension.CopyFrom(
            extension("envoy.router.cluster_specifier_plugin.matcher", specifier)
        )
    else:
        action.cluster = names.target_cluster(route.default)
    return action


def _matcher(route: Route) -> matcher_pb2.Matcher:
    """A map lookup for each choice, each nested in the former's "no match"."""
    matcher = matcher_pb2.Matcher(on_no_match=_on_match(route.default))
    for choice in reversed([choice for choice in route.choices if choice.lanes]):
        outer = matcher_pb2.Matcher(matcher_tree=_tree(choice))
        if matcher.HasField("matcher_tree"):
            outer.on_no_match.matcher.CopyFrom(matcher)
        else:
            outer.on_no_match.CopyFrom(matcher.on_no_match)
        matcher = outer
    return matcher


def _tree(choice: LaneChoice) -> matcher_pb2.Matcher.MatcherTree:
    lanes = {lane: _on_match(target) for lane, target in choice.lanes.items()}
    return matcher_pb2.Matcher.MatcherTree(
        input=matcher_extension(
            "request-header",
            http_inputs_pb2.HttpRequestHeaderMatchInput(header_name=choice.header.lower()),
        ),
        exact_match_map=matcher_pb2.Matcher.MatcherTree.MatchMap(map=lanes),
    )


def _on_match(target: Target) -> matcher_pb2.Matcher.OnMatch:
    action = specifier_pb2.ClusterAction(cluster=names.target_cluster(target))
    return matcher_pb2.Matcher.OnMatch(action=matcher_extension("cluster", action))


def _retry_policy() -> route_components_pb2.RetryPolicy:
    """Replay a request only where it cannot have reached an application.

    A failed connection, a refused HTTP/2 stream, or the inbound proxy's own word that it could not
    connect. The first such failure ejects the endpoint, but workers learn of it a moment later:
    hence several tries, close together, away from hosts already tried.
    """
    previous_hosts = route_components_pb2.RetryPolicy.RetryHostPredicate(
        name="envoy.retry_host_predicates.previous_hosts",
        typed_config=packed(previous_hosts_pb2.PreviousHostsPredicate()),
    )
    return route_components_pb2.RetryPolicy(
        retry_on="connect-failure,refused-stream,retriable-headers",
        retriable_headers=[
            route_components_pb2.HeaderMatcher(name=names.UNREACHABLE_HEADER, present_match=True)
        ],
        num_retries=UInt32Value(value=8),
        retry_host_predicate=[previous_hosts],
        host_selection_retry_max_attempts=3,
        retry_back_off=route_components_pb2.RetryPolicy.RetryBackOff(
            base_interval=duration(0.002), max_interval=duration(0.02)
        ),
    )


_RETRY_POLICY = _retry_policy()
