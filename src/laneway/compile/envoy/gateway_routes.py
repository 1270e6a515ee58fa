"""A gateway's routes: one for each ingress condition, whatever the number of lanes.

A condition that only some lanes state applies to requests that name one of these lanes. They match
one regex of the lanes' names, whose cost depends on the length of the header's value only.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator

from envoy.config.route.v3 import route_components_pb2, route_pb2
from envoy.type.matcher.v3 import regex_pb2, string_pb2
from google.protobuf.wrappers_pb2 import UInt32Value

from laneway.compile.envoy import names, visibility
from laneway.compile.envoy.conditions import condition, hash_policy
from laneway.compile.envoy.entry_lookups import Shared, joined, shared
from laneway.compile.envoy.entry_routes import enable_filters, entry_routes, is_named, not_entered
from laneway.compile.envoy.options import Options
from laneway.compile.envoy.protobuf import duration, resource
from laneway.compile.envoy.route_actions import GRPC_STATUS, RETRY_POLICY, header_names, lane_action
from laneway.compile.envoy.rule_actions import act
from laneway.compile.envoy.trace_ids import with_fresh_ids
from laneway.compile.ir import GatewayRoutes, IngressRoute, LaneNames, ServerRoutes, Split
from laneway.compile.regex_alternation import alternatives
from laneway.compile.resources import ROUTE, Resource


def gateway_routes(gateway: GatewayRoutes, server: ServerRoutes, options: Options) -> Resource:
    """The routes of one port of a gateway."""
    name = names.gateway_routes(gateway.gateway.name, server.server.port)
    last = [_no_rule()] if gateway.naming else []
    found = shared(server)
    read = {naming.header for naming in gateway.naming}
    hosts = [
        route_components_pb2.VirtualHost(
            name=host.domain,
            domains=[host.domain],
            response_headers_to_add=[GRPC_STATUS],
            routes=[
                _two_hosts(),
                *entry_routes(host.entries, found),
                *(
                    part
                    for ingress in joined(host.routes, found)
                    for plain in _ingress_routes(ingress, bool(host.entries), found, read)
                    for route in with_fresh_ids(
                        plain, ingress.trace_headers, ingress.empty_trace_headers
                    )
                    for part in visibility.explained(route, _header_names(ingress), options)
                ),
                *last,
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
    if gateway.naming:
        enable_filters(config, gateway, found)
    return resource(ROUTE, name, config)


def _no_rule() -> route_components_pb2.Route:
    """The route for requests that no rule takes.

    Filters read their configuration from a route, and a request that names its lane elsewhere than
    in the route header meets a rule only after the filters have run.
    """
    refusal = route_components_pb2.DirectResponseAction(status=404)
    refusal.body.inline_string = "laneway: no ingress rule takes this request\n"
    match = route_components_pb2.RouteMatch(prefix="/")
    return route_components_pb2.Route(match=match, direct_response=refusal)


def _two_hosts() -> route_components_pb2.Route:
    """Refuses requests with several ``Host`` headers, which Envoy joins. The next proxy, or the
    application, may use another one of them."""
    comma = string_pb2.StringMatcher(contains=",")
    host = route_components_pb2.HeaderMatcher(name=":authority", string_match=comma)
    refusal = route_components_pb2.DirectResponseAction(status=400)
    refusal.body.inline_string = "laneway: a request has one Host\n"
    match = route_components_pb2.RouteMatch(prefix="/", headers=[host])
    return route_components_pb2.Route(match=match, direct_response=refusal)


def _ingress_routes(
    ingress: IngressRoute, has_entries: bool, found: Shared, read: Container[str]
) -> Iterable[route_components_pb2.Route]:
    """The route by lane; after it, where lanes have weights, one for those that name no lane.

    Of the headers that are ``read``, filters have left nothing but names of lanes.
    """
    action = lane_action(ingress.route, ingress.not_found)
    if ingress.named is not None:
        for named in _names(ingress.named):
            yield _ingress_route(ingress, action, named)
        return
    if any(lookup.result in ingress.headers for lookup in found.lookups):
        (choice,) = ingress.route.choices
        yield _ingress_route(ingress, action, is_named(choice.header))
        return
    if ingress.split is None:
        yield _ingress_route(ingress, action)
        return
    for exempt in ingress.split.exempt:
        is_read = exempt.header.lower() in read
        for named in [is_named(exempt.header)] if is_read else _names(exempt):
            yield _ingress_route(ingress, action, named)
    split = _split_action(ingress.split)
    if has_entries:  # an enter rule may have left the request without a lane
        yield _ingress_route(ingress, split, not_entered())
        yield _ingress_route(ingress, action)
    else:
        yield _ingress_route(ingress, split)


def _names(named: LaneNames) -> Iterator[route_components_pb2.HeaderMatcher]:
    """Matches requests that name one of the lanes."""
    header = named.header.lower()
    if len(named.lanes) == 1:
        matcher = string_pb2.StringMatcher(exact=named.lanes[0])
        yield route_components_pb2.HeaderMatcher(name=header, string_match=matcher)
        return
    for regex, _ in alternatives(named.lanes):
        matcher = string_pb2.StringMatcher(safe_regex=regex_pb2.RegexMatcher(regex=regex))
        yield route_components_pb2.HeaderMatcher(name=header, string_match=matcher)


def _ingress_route(
    ingress: IngressRoute,
    action: route_components_pb2.RouteAction,
    *further: route_components_pb2.HeaderMatcher,
) -> route_components_pb2.Route:
    match = condition(ingress)
    match.headers.extend(further)
    route = route_components_pb2.Route(match=match, route=action)
    if ingress.entered is not None:
        named = visibility.header(ingress.entered.header.lower(), ingress.entered.lane)
        route.request_headers_to_add.append(named)
    act(route, ingress.actions)
    return route


def _header_names(ingress: IngressRoute) -> list[str]:
    entered = [ingress.entered.header] if ingress.entered is not None else []
    return [*header_names(ingress.route), *entered]


def _split_action(split: Split) -> route_components_pb2.RouteAction:
    """Chooses a lane by weight, sets the route header to it, and keeps it if weights are sticky."""
    action = route_components_pb2.RouteAction(timeout=duration(0), retry_policy=RETRY_POLICY)
    for share in split.ranges:
        cluster = action.weighted_clusters.clusters.add(
            name=names.target_cluster(share.target), weight=UInt32Value(value=share.weight)
        )
        if share.lane:
            named = visibility.header(split.header.lower(), share.lane)
            cluster.request_headers_to_add.append(named)
        else:
            cluster.request_headers_to_remove.append(split.header.lower())
    if split.sticky is not None:
        action.hash_policy.append(hash_policy(split.sticky))
        action.weighted_clusters.use_hash_policy.value = True
    return action
