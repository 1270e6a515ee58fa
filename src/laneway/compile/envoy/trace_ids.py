"""Trace ids that a proxy fills in where a request has none, since lanes are remembered by them."""

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
    """``route``, and before it the same for requests of which some of the headers are there and are
    empty, by each of ``empty``: they get an id, too. (Envoy adds a header where it is absent, or
    overwrites it whatever it is.)
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
