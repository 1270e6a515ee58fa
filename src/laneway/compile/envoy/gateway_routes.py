"""A gateway's routes: one for each ingress condition, whatever the number of lanes.

A condition that only some lanes state takes requests that name one of them: one regex of their
names, which costs as much as the header's value is long, however many they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from envoy.config.route.v3 import route_components_pb2, route_pb2
from envoy.type.matcher.v3 import regex_pb2, string_pb2
from google.protobuf.wrappers_pb2 import UInt32Value

from laneway.compile.envoy import names, visibility
from laneway.compile.envoy.actions import GRPC_STATUS, RETRY_POLICY, header_names, lane_action
from laneway.compile.envoy.options import Options
from laneway.compile.envoy.packing import duration, resource
from laneway.compile.envoy.trace_ids import with_fresh_ids
from laneway.compile.ir import IngressRoute, LaneNames, ServerRoutes, Split
from laneway.compile.resources import ROUTE, Resource
from laneway.model.lanes import Sticky, StickyKind
from laneway.model.matches import MatchKind, StringMatch
from laneway.model.names import ObjectName
from laneway.model.regexes import one_of

#: Characters of a regex of lanes' names. A character is one step of RE2's program, an alternative
#: another one, so that this is well within what proxies take (``model.regexes``).
_MOST_CHARACTERS = 8192


def gateway_routes(gateway: ObjectName, server: ServerRoutes, options: Options) -> Resource:
    """The routes of one port of a gateway."""
    name = names.gateway_routes(gateway, server.server.port)
    hosts = [
        route_components_pb2.VirtualHost(
            name=host.domain,
            domains=[host.domain],
            response_headers_to_add=[GRPC_STATUS],
            routes=[
                _two_hosts(),
                *(
                    part
                    for ingress in host.routes
                    for plain in _ingress_routes(ingress)
                    for route in with_fresh_ids(plain, ingress.trace_headers)
                    for part in visibility.explained(route, _header_names(ingress), options)
                ),
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


def _two_hosts() -> route_components_pb2.Route:
    """Refuses a request with more than one ``Host``, which Envoy joins: the next proxy or the
    application might go by another of them."""
    comma = string_pb2.StringMatcher(contains=",")
    host = route_components_pb2.HeaderMatcher(name=":authority", string_match=comma)
    refusal = route_components_pb2.DirectResponseAction(status=400)
    refusal.body.inline_string = "laneway: a request has one Host\n"
    match = route_components_pb2.RouteMatch(prefix="/", headers=[host])
    return route_components_pb2.Route(match=match, direct_response=refusal)


def _ingress_routes(ingress: IngressRoute) -> Iterable[route_components_pb2.Route]:
    """The route by lane; after it, where lanes have weights, one for those that name no lane."""
    action = lane_action(ingress.route, ingress.not_found)
    if ingress.named is not None:
        for named in _names(ingress.named):
            yield _ingress_route(ingress, action, named)
        return
    if ingress.split is None:
        yield _ingress_route(ingress, action)
        return
    for choice in ingress.route.choices:
        named = route_components_pb2.HeaderMatcher(name=choice.header.lower(), present_match=True)
        yield _ingress_route(ingress, action, named)
    yield _ingress_route(ingress, _split_action(ingress.split))


def _names(named: LaneNames) -> Iterator[route_components_pb2.HeaderMatcher]:
    """That the request names one of the lanes; in parts, where one regex would be too long."""
    header = named.header.lower()
    if len(named.lanes) == 1:
        matcher = string_pb2.StringMatcher(exact=named.lanes[0])
        yield route_components_pb2.HeaderMatcher(name=header, string_match=matcher)
        return
    parts, length = [""], 0
    for name in map(re.escape, named.lanes):
        length += len(name) + 1
        if length > _MOST_CHARACTERS:
            parts.append("")
            length = len(name) + 1
        parts[-1] += f"|{name}" if parts[-1] else name
    for part in parts:
        matcher = string_pb2.StringMatcher(safe_regex=regex_pb2.RegexMatcher(regex=part))
        yield route_components_pb2.HeaderMatcher(name=header, string_match=matcher)


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
    if ingress.entered is not None:
        named = visibility.header(ingress.entered.header.lower(), ingress.entered.lane)
        route.request_headers_to_add.append(named)
    return route


def _header_names(ingress: IngressRoute) -> list[str]:
    entered = [ingress.entered.header] if ingress.entered is not None else []
    return [*header_names(ingress.route), *entered]


def _header_matchers(ingress: IngressRoute) -> Iterable[route_components_pb2.HeaderMatcher]:
    if ingress.methods:
        regex = regex_pb2.RegexMatcher(regex=one_of(ingress.methods))
        matcher = string_pb2.StringMatcher(safe_regex=regex)
        yield route_components_pb2.HeaderMatcher(name=":method", string_match=matcher)
    for name, value in sorted(ingress.headers.items()):
        yield route_components_pb2.HeaderMatcher(name=name, string_match=_string_matcher(value))


def _split_action(split: Split) -> route_components_pb2.RouteAction:
    """Choose a lane by weight, name it for the hops to come, and keep to it where asked."""
    action = route_components_pb2.RouteAction(timeout=duration(0), retry_policy=RETRY_POLICY)
    for share in split.ranges:
        cluster = action.weighted_clusters.clusters.add(
            name=names.target_cluster(share.target), weight=UInt32Value(value=share.weight)
        )
        if share.lane is not None:
            named = visibility.header(split.header.lower(), share.lane)
            cluster.request_headers_to_add.append(named)
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
