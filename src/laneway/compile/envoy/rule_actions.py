"""The actions of a rule as fields of Envoy's routes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from envoy.config.core.v3 import base_pb2
from envoy.config.route.v3 import route_components_pb2
from envoy.type.matcher.v3 import string_pb2
from google.protobuf.duration_pb2 import Duration

from laneway.compile.envoy import names, visibility
from laneway.compile.envoy.route_actions import RETRY_POLICY
from laneway.compile.envoy.try_timeouts import try_timeout
from laneway.model.rule_actions import NO_ACTIONS, HeaderChanges, Retries, RuleActions

#: Retry conditions on ``grpc-status``, which inbound proxies send under another name so that Envoy
#: does not count the application's answer as a failure of its host.
_GRPC = {
    "cancelled": "1",
    "deadline-exceeded": "4",
    "internal": "13",
    "resource-exhausted": "8",
    "unavailable": "14",
}


#: Conditions that include a try which took too long.
_TIMED_OUT = {"5xx", "gateway-error", "reset"}


def act(route: route_components_pb2.Route, actions: RuleActions) -> None:
    """Adds the actions to a route that leads to a cluster."""
    if actions == NO_ACTIONS:
        return
    if actions.uri is not None:
        route.route.prefix_rewrite = actions.uri
    if actions.authority is not None:
        route.route.host_rewrite_literal = actions.authority
    if actions.timeout is not None:
        # ``timeout`` would eject the slow host, and thereby end its lane for other requests.
        limit = route.route.max_stream_duration.max_stream_duration
        limit.CopyFrom(_duration(actions.timeout))
    if actions.retries is not None:
        route.route.retry_policy.CopyFrom(_retry_policy(actions.retries))
        if actions.retries.per_try_timeout is not None:
            route.request_headers_to_add.append(try_timeout(actions.retries.per_try_timeout))
            route.response_headers_to_remove.append(names.TIMED_OUT_HEADER)
    request, response = actions.request_headers, actions.response_headers
    route.request_headers_to_add.extend(_values(request))
    route.request_headers_to_remove.extend(request.remove)
    route.response_headers_to_add.extend(_values(response))
    route.response_headers_to_remove.extend(response.remove)


def _values(changes: HeaderChanges) -> Iterator[base_pb2.HeaderValueOption]:
    """Values are used literally: a ``%`` does not begin a command of Envoy."""
    for name, value in changes.set:
        yield visibility.header(name, value.replace("%", "%%"))
    for name, value in changes.add:
        yield visibility.header(name, value.replace("%", "%%"), "APPEND_IF_EXISTS_OR_ADD")


def _retry_policy(retries: Retries) -> route_components_pb2.RetryPolicy:
    """Requests that cannot have reached an application are retried, too, and count as attempts.

    Envoy has one counter for all retries of a request. The interval is Envoy's default (25 ms),
    longer than for such requests alone, so that ejected hosts are known by then.
    """
    policy = route_components_pb2.RetryPolicy()
    policy.CopyFrom(RETRY_POLICY)
    policy.ClearField("retry_back_off")
    policy.num_retries.value = retries.attempts
    conditions = [policy.retry_on]
    for condition in retries.retry_on:
        if condition in _GRPC:
            status = string_pb2.StringMatcher(exact=_GRPC[condition])
            policy.retriable_headers.add(name=names.GRPC_STATUS_HEADER, string_match=status)
        elif condition.isdecimal():
            policy.retriable_status_codes.append(int(condition))
        elif condition not in policy.retry_on.split(","):
            conditions.append(condition)
    if policy.retriable_status_codes:
        conditions.append("retriable-status-codes")
    if not _TIMED_OUT.isdisjoint(retries.retry_on):
        policy.retriable_headers.add(name=names.TIMED_OUT_HEADER, present_match=True)
    policy.retry_on = ",".join(conditions)
    return policy


def _duration(time: timedelta) -> Duration:
    duration = Duration()
    duration.FromTimedelta(time)
    return duration
