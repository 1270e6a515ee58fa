"""The conditions of a rule, and the hash policy of sticky weights, as Envoy's messages."""

from __future__ import annotations

from collections.abc import Iterable

from envoy.config.route.v3 import route_components_pb2
from envoy.type.matcher.v3 import regex_pb2, string_pb2

from laneway.compile.ir import EntryRule, IngressRoute
from laneway.model.lanes import Sticky, StickyKind
from laneway.model.matches import MatchKind, StringMatch
from laneway.model.regexes import one_of


def condition(rule: IngressRoute | EntryRule) -> route_components_pb2.RouteMatch:
    """Matchers for path, method, headers and query; the virtual host matches the host."""
    match = route_components_pb2.RouteMatch()
    _match_path(match, rule.uri)
    match.headers.extend(_header_matchers(rule))
    match.query_parameters.extend(
        route_components_pb2.QueryParameterMatcher(name=name, string_match=_string_matcher(value))
        for name, value in sorted(rule.query.items())
    )
    return match


def hash_policy(sticky: Sticky) -> route_components_pb2.RouteAction.HashPolicy:
    policies = route_components_pb2.RouteAction.HashPolicy
    if sticky.kind is StickyKind.HEADER:
        return policies(header=policies.Header(header_name=sticky.name.lower()))
    return policies(cookie=policies.Cookie(name=sticky.name))


def _header_matchers(
    rule: IngressRoute | EntryRule,
) -> Iterable[route_components_pb2.HeaderMatcher]:
    if rule.methods:
        regex = regex_pb2.RegexMatcher(regex=one_of(rule.methods))
        matcher = string_pb2.StringMatcher(safe_regex=regex)
        yield route_components_pb2.HeaderMatcher(name=":method", string_match=matcher)
    for name, value in sorted(rule.headers.items()):
        yield route_components_pb2.HeaderMatcher(name=name, string_match=_string_matcher(value))


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
