"""Calls that belong to the lane of the workload that makes them.

All sidecars share the routes by which a service is called. So each sidecar sets two headers that
name the lane of its workload, overwriting what the application sent, and the routes match these
headers. They are removed before the request is sent; the lane is then in the route header.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from envoy.config.common.mutation_rules.v3 import mutation_rules_pb2
from envoy.config.core.v3 import extension_pb2
from envoy.config.route.v3 import route_components_pb2
from envoy.extensions.http.early_header_mutation.header_mutation.v3 import header_mutation_pb2
from envoy.type.matcher.v3 import string_pb2

from laneway.compile.envoy import names, visibility
from laneway.compile.envoy.protobuf import extension
from laneway.compile.envoy.route_actions import ANY_PATH, lane_action
from laneway.compile.envoy.trace_ids import with_fresh_ids
from laneway.compile.ir import ByCaller, LaneChoice, Route
from laneway.model.caller_rules import CallerRule
from laneway.model.callers import CallerLane


def caller_headers(caller: CallerLane) -> extension_pb2.TypedExtensionConfig:
    """Sets the two headers, before anything else reads the request."""
    said = {
        names.CALLER_HEADER: _rule_of(caller.rule, caller.group),
        names.CALLER_LANE_HEADER: caller.lane,
    }
    mutations = [
        mutation_rules_pb2.HeaderMutation(append=visibility.header(name, value))
        for name, value in said.items()
    ]
    return extension(
        "envoy.http.early_header_mutation.header_mutation",
        header_mutation_pb2.HeaderMutation(mutations=mutations),
    )


def caller_routes(route: Route) -> Iterable[route_components_pb2.Route]:
    """A route for each caller rule, which looks up the caller's lane among any number of lanes."""
    for rule in route.by_caller:
        for choice in route.choices:
            yield from _caller_routes(route, choice, rule)


def _caller_routes(
    route: Route, choice: LaneChoice, rule: ByCaller
) -> Iterable[route_components_pb2.Route]:
    header = choice.header.lower()
    match = route_components_pb2.RouteMatch()
    match.CopyFrom(ANY_PATH)
    said = string_pb2.StringMatcher(exact=_rule_of(rule.rule, choice.group))
    match.headers.add(name=names.CALLER_HEADER, string_match=said)
    if rule.rule is CallerRule.WITHOUT_LANE:
        none = match.headers.add(name=header, treat_missing_header_as_empty=True)
        none.string_match.exact = ""
    own = replace(route, choices=(replace(choice, header=names.CALLER_LANE_HEADER),))
    found = route_components_pb2.Route(
        name=f"caller {rule.rule.value}",
        match=match,
        route=lane_action(own),
        request_headers_to_add=[visibility.header(header, f"%REQ({names.CALLER_LANE_HEADER})%")],
    )
    filled_in = [rule.trace_header] if rule.trace_header else []
    return with_fresh_ids(found, filled_in, [filled_in] if filled_in else [])


def _rule_of(rule: CallerRule, group: str) -> str:
    return f"{rule.value} {group}"
