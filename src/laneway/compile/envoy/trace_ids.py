"""Trace ids that a proxy generates for requests without one, because lanes are remembered by id."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from envoy.config.route.v3 import route_components_pb2
from envoy.type.matcher.v3 import regex_pb2, string_pb2

from laneway.compile.envoy import names, visibility
from laneway.compile.ir import EMPTY_ID


def with_fresh_ids(
    route: route_components_pb2.Route,
    trace_headers: Iterable[str],
    empty: Iterable[Sequence[str]],
) -> Iterator[route_components_pb2.Route]:
    """``route``, preceded by routes for requests in which some trace headers are empty.

    Envoy can only add a header that is absent, or overwrite it in any case. So each combination of
    empty headers in ``empty`` gets a route that overwrites these.
    """
    for header in trace_headers:
        fresh = visibility.header(header, names.FRESH_ID, "ADD_IF_ABSENT")
        route.request_headers_to_add.append(fresh)
    for headers in empty:
        other = route_components_pb2.Route()
        other.CopyFrom(route)
        for header in headers:
            regex = regex_pb2.RegexMatcher(regex=EMPTY_ID)
            matcher = string_pb2.StringMatcher(safe_regex=regex)
            other.match.headers.add(name=header.lower(), string_match=matcher)
            other.request_headers_to_add.append(visibility.header(header, names.FRESH_ID))
        yield other
    yield route
