"""Requests that enter a lane although their route header does not have its name.

They meet an ``enter`` rule, or they name the lane otherwise: by one of its other ``names``, or in a
header, a cookie or a query parameter of ``routeBy``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice

from laneway.compile.analyze.reachability import Survey
from laneway.compile.analyze.request_synthesis import witnesses
from laneway.compile.analyze.simulated_requests import Trial, naming, tried
from laneway.compile.ir import EntryRule, IngressRoute, Route
from laneway.compile.simulate import Request
from laneway.model.lanes import Lane, LaneGroup
from laneway.model.names import ObjectName

#: So many requests are tried for each rule. The first may meet a more specific rule.
_MOST = 5


def as_route(entry: EntryRule) -> IngressRoute:
    """The rule as a route for all requests with its conditions."""
    return IngressRoute(
        host=entry.host,
        uri=entry.uri,
        headers=entry.headers,
        route=Route((), entry.split.shares[0].target),
        rules=entry.rules,
        trace_headers=(),
        methods=entry.methods,
        query=entry.query,
    )


def entering_trials(survey: Survey, down: tuple[ObjectName, ...] = ()) -> Iterator[Trial]:
    """Requests that name no lane, one for each ``enter`` rule that such a request meets."""
    done: set[int] = set()
    for port in survey.ports:
        for host in port.hosts:
            for entry in host.entries:
                if id(entry) in done:
                    continue
                requests = islice(witnesses(host, [as_route(entry)], port.hosts), _MOST)
                several = (tried(survey, port, request, down) for request in requests)
                if trial := next((one for one in several if one.enters_by_rule), None):
                    done.add(id(entry))
                    yield trial


def otherwise_named_trials(
    survey: Survey, lane: Lane, down: tuple[ObjectName, ...] = ()
) -> Iterator[Trial]:
    """Requests that name the lane in each other way, at the first route for its requests."""
    group = survey.group(lane.group)
    reached = next(iter(survey.reached_by(lane)), None)
    if reached is not None:
        for request in _otherwise(naming(survey, reached, lane), group, lane):
            yield tried(survey, reached.entry.port, request, down)


def _otherwise(request: Request, group: LaneGroup, lane: Lane) -> Iterator[Request]:
    header, route_by = group.route_header.lower(), group.route_by
    lines = {name: value for name, value in request.header_lines.items() if name != header}
    plain = replace(request, headers=lines)
    for value in lane.names:
        yield replace(plain, headers={**lines, header: (value,)})
    for name in route_by.headers:
        yield replace(plain, headers={**lines, name.lower(): (lane.name,)})
    if route_by.cookie is not None:
        cookies = (*lines.get("cookie", ()), f"{route_by.cookie}={lane.name}")
        yield replace(plain, headers={**lines, "cookie": ("; ".join(cookies),)})
    if route_by.query is not None:
        mark = "&" if "?" in request.path else "?"
        yield replace(plain, path=f"{request.path}{mark}{route_by.query}={lane.name}")
