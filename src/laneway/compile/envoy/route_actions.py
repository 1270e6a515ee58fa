"""Route actions: the cluster of a request, by the lane that it names, and when to retry.

The lane is chosen by a map from header value to cluster (the matcher cluster specifier), so that
the cost of a request does not grow with the number of lanes.
"""

from __future__ import annotations

from collections.abc import Sequence

from envoy.config.route.v3 import route_components_pb2
from envoy.extensions.retry.host.previous_hosts.v3 import previous_hosts_pb2
from envoy.extensions.router.cluster_specifiers.matcher.v3 import matcher_pb2 as specifier_pb2
from envoy.type.matcher.v3 import http_inputs_pb2
from google.protobuf.wrappers_pb2 import UInt32Value
from xds.core.v3 import extension_pb2 as xds_extension_pb2
from xds.type.matcher.v3 import matcher_pb2

from laneway.compile.envoy import names, visibility
from laneway.compile.envoy.protobuf import duration, extension, matcher_extension, packed
from laneway.compile.ir import LaneChoice, Route

#: Restores the header that inbound proxies rename, after outlier detection has seen the response.
GRPC_STATUS = visibility.header("grpc-status", f"%RESP({names.GRPC_STATUS_HEADER})%")
ANY_PATH = route_components_pb2.RouteMatch(prefix="/")


def lane_action(route: Route, not_found: bool = False) -> route_components_pb2.RouteAction:
    """Chooses the cluster by lane. Retries only requests that cannot have reached an application.

    There is no timeout, because only the caller knows how long a call may take. With ``not_found``,
    requests without a lane are answered 404.
    """
    action = route_components_pb2.RouteAction(timeout=duration(0), retry_policy=RETRY_POLICY)
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


def header_names(route: Route) -> Sequence[str]:
    return [choice.header for choice in route.choices]


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
    """Route to the baseline. If the request named a lane, use the ``?>`` cluster so that logs and
    counters show a fallback."""
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
    """Retries only requests that cannot have reached an application.

    These are failed connections, refused HTTP/2 streams, and responses of the inbound proxy that
    say that it could not connect. The first failure ejects the endpoint, but worker threads learn
    of that a moment later. Hence there are several retries, in quick succession, to other hosts.
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


RETRY_POLICY = _retry_policy()
