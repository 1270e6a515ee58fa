"""Routes: one for each service (or ingress condition), whatever the number of lanes.

The lane is chosen by a map from header value to cluster (the matcher cluster specifier), so that
the cost of a request does not grow with the number of lanes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from envoy.config.route.v3 import route_components_pb2, route_pb2
from envoy.extensions.retry.host.previous_hosts.v3 import previous_hosts_pb2
from envoy.extensions.router.cluster_specifiers.matcher.v3 import matcher_pb2 as specifier_pb2
from envoy.type.matcher.v3 import http_inputs_pb2, regex_pb2, string_pb2
from google.protobuf.wrappers_pb2 import UInt32Value
from xds.core.v3 import extension_pb2 as xds_extension_pb2
from xds.type.matcher.v3 import matcher_pb2

from laneway.compile.envoy import names, visibility
from laneway.compile.envoy.options import Options
from laneway.compile.envoy.packing import duration, extension, matcher_extension, packed, resource
from laneway.compile.ir import IngressRoute, LaneChoice, Route, ServerRoutes, ServiceRoutes, Split
from laneway.compile.snapshots import ROUTE, Resource
from laneway.model.lanes import Sticky, StickyKind
from laneway.model.matches import MatchKind, StringMatch
from laneway.model.names import ObjectName
from laneway.model.services import Service, ServicePort

#: What inbound proxies took away is put back once the response has been judged.
_GRPC_STATUS = visibility.header("grpc-status", f"%RESP({names.GRPC_STATUS_HEADER})%")
_ANY_PATH = route_components_pb2.RouteMatch(prefix="/")


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
                match=_ANY_PATH,
                route=route_components_pb2.RouteAction(
                    cluster=names.PASSTHROUGH, timeout=duration(0)
                ),
            ),
        ],
    )


def gateway_routes(gateway: ObjectName, server: ServerRoutes, options: Options) -> Resource:
    """The routes of one port of a gateway."""
    name = names.gateway_routes(gateway, server.server.port)
    hosts = [
        route_components_pb2.VirtualHost(
            name=host.domain,
            domains=[host.domain],
            response_headers_to_add=[_GRPC_STATUS],
            routes=[
                part
                for ingress in host.routes
                for route in _ingress_routes(ingress)
                for part in visibility.explained(route, _header_names(ingress.route), options)
            ],
        )
        for host in server.virtual_hosts
    ]
    config = route_pb2.RouteConfiguration(
        name=name,
        virtual_hosts=hosts,
        ignore_port_in_host_matching=True,
        response_headers_to_remove=[names.GRPC_STATUS_HEADER],
    )
    return resource(ROUTE, name, config)


def inbound_route(port: int) -> route_pb2.RouteConfiguration:
    """Everything that arrives goes to the application; nobody else may claim to be unreachable."""
    route = route_components_pb2.Route(
        match=_ANY_PATH,
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
    everything = route_components_pb2.Route(match=_ANY_PATH, route=_action(route))
    return route_components_pb2.VirtualHost(
        name=f"{service.host}:{port.port}",
        domains=list(_domains(namespace, service, port.port)),
        response_headers_to_add=[_GRPC_STATUS],
        routes=[
            *visibility.explained(everything, _header_names(route), options),
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


def _header_names(route: Route) -> Sequence[str]:
    return [choice.header for choice in route.choices]


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


def _ingress_routes(ingress: IngressRoute) -> Iterable[route_components_pb2.Route]:
    """The route by lane; after it, where lanes have weights, one for those that name no lane."""
    action = _action(ingress.route, ingress.not_found)
    if ingress.split is None:
        yield _ingress_route(ingress, action)
        return
    for choice in ingress.route.choices:
        named = route_components_pb2.HeaderMatcher(name=choice.header.lower(), present_match=True)
        yield _ingress_route(ingress, action, named)
    yield _ingress_route(ingress, _split_action(ingress.split))


def _ingress_route(
    ingress: IngressRoute,
    action: route_components_pb2.RouteAction,
    condition: route_components_pb2.HeaderMatcher | None = None,
) -> route_components_pb2.Route:
    match = route_components_pb2.RouteMatch()
    _match_path(match, ingress.uri)
    match.headers.extend(_header_matchers(ingress))
    if condition is not None:
        match.headers.append(condition)
    match.query_parameters.extend(
        route_components_pb2.QueryParameterMatcher(name=name, string_match=_string_matcher(value))
        for name, value in sorted(ingress.query.items())
    )
    route = route_components_pb2.Route(match=match, route=action)
    route.request_headers_to_add.extend(
        visibility.header(header, "%REQ(x-request-id)%", "ADD_IF_ABSENT")
        for header in ingress.trace_headers
    )
    return route


def _header_matchers(ingress: IngressRoute) -> Iterable[route_components_pb2.HeaderMatcher]:
    if ingress.methods:
        methods = "|".join(ingress.methods)
        regex = regex_pb2.RegexMatcher(regex=methods)
        matcher = string_pb2.StringMatcher(safe_regex=regex)
        yield route_components_pb2.HeaderMatcher(name=":method", string_match=matcher)
    for name, value in sorted(ingress.headers.items()):
        yield route_components_pb2.HeaderMatcher(name=name, string_match=_string_matcher(value))


def _split_action(split: Split) -> route_components_pb2.RouteAction:
    """Choose a lane by weight, name it for the hops to come, and keep to it where asked."""
    action = route_components_pb2.RouteAction(timeout=duration(0), retry_policy=_RETRY_POLICY)
    for share in split.shares:
        action.weighted_clusters.clusters.add(
            name=names.target_cluster(share.target),
            weight=UInt32Value(value=share.weight),
            request_headers_to_add=[visibility.header(split.header.lower(), share.lane)],
        )
    if split.sticky is not None:
        action.hash_policy.append(_hash_policy(split.sticky))
        action.weighted_clusters.use_hash_policy.value = True
    return action


def _hash_policy(sticky: Sticky) -> route_components_pb2.RouteAction.HashPolicy:
    policies = route_components_pb2.RouteAction.HashPolicy
    if sticky.kind is StickyKind.HEADER:
        return policies(header=policies.Header(header_name=sticky.name.lower()))
    return policies(cookie=policies.Cookie(name=sticky.name))


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


def _action(route: Route, not_found: bool = False) -> route_components_pb2.RouteAction:
    """Choose the cluster by lane; retry only what certainly did not reach an application.

    No time limit: how long a call may take is between the caller and the service. ``not_found``
    answers 404 where no lane decides.
    """
    action = route_components_pb2.RouteAction(timeout=duration(0), retry_policy=_RETRY_POLICY)
    if not route.choices:
        action.cluster = names.target_cluster(route.default)
        return action
    if not_found:
        action.cluster_not_found_response_code = (
            route_components_pb2.RouteAction.ClusterNotFoundResponseCode.Value("NOT_FOUND")
        )
        matcher = matcher_pb2.Matcher(on_no_match=_to_cluster(names.NOT_FOUND))
    else:
        matcher = _default_matcher(route)
    for choice in reversed(route.choices):
        matcher = _lane_matcher(choice, matcher)
    action.inline_cluster_specifier_plugin.extension.CopyFrom(
        extension(
            "envoy.router.cluster_specifier_plugin.matcher",
            specifier_pb2.MatcherClusterSpecifier(cluster_matcher=matcher),
        )
    )
    return action


def _lane_matcher(choice: LaneChoice, otherwise: matcher_pb2.Matcher) -> matcher_pb2.Matcher:
    """A map lookup by the header's value."""
    lanes = {
        lane: _to_cluster(names.target_cluster(target)) for lane, target in choice.lanes.items()
    }
    if not lanes:
        return otherwise
    tree = matcher_pb2.Matcher.MatcherTree(
        input=_header_input(choice.header),
        exact_match_map=matcher_pb2.Matcher.MatcherTree.MatchMap(map=lanes),
    )
    return matcher_pb2.Matcher(
        matcher_tree=tree, on_no_match=matcher_pb2.Matcher.OnMatch(matcher=otherwise)
    )


def _default_matcher(route: Route) -> matcher_pb2.Matcher:
    """The baseline; by way of another cluster, for what is told of it, if some lane was named."""
    matcher = matcher_pb2.Matcher(on_no_match=_to_cluster(names.target_cluster(route.default)))
    if not route.default.chain:
        return matcher
    named = _to_cluster(names.absent_cluster(route.default))
    for choice in reversed(route.choices):
        tree = matcher_pb2.Matcher.MatcherTree(
            input=_header_input(choice.header),
            prefix_match_map=matcher_pb2.Matcher.MatcherTree.MatchMap(map={"": named}),
        )
        matcher = matcher_pb2.Matcher(
            matcher_tree=tree, on_no_match=matcher_pb2.Matcher.OnMatch(matcher=matcher)
        )
    return matcher


def _header_input(name: str) -> xds_extension_pb2.TypedExtensionConfig:
    return matcher_extension(
        "request-header",
        http_inputs_pb2.HttpRequestHeaderMatchInput(header_name=name.lower()),
    )


def _to_cluster(cluster: str) -> matcher_pb2.Matcher.OnMatch:
    action = specifier_pb2.ClusterAction(cluster=cluster)
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
