"""Simulates a gateway: which route takes a request, as Envoy finds it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from laneway.compile.ir import (
    EMPTY_ID,
    EntryRule,
    GatewayRoutes,
    IngressRoute,
    LaneNames,
    MeshRoutes,
    VirtualHost,
)
from laneway.compile.simulate.outcomes import Reason, Request, Why
from laneway.compile.simulate.phrases import Phrase, reason
from laneway.model.hosts import host_covers
from laneway.model.matches import StringMatch
from laneway.model.names import ObjectName
from laneway.model.suggestions import listing

#: Stands for the trace id that a gateway generates. A simulation has one request only.
FRESH_ID = "(new)"

Headers = Mapping[str, str]
Lines = Mapping[str, tuple[str, ...]]


def gateway_named(routes: MeshRoutes, name: ObjectName | None) -> GatewayRoutes:
    """The gateway of that name, or the only one for ``None``."""
    known = ", ".join(map(str, routes.gateways)) or "none"
    if name is None and len(routes.gateways) != 1:
        raise ValueError(f"say which gateway the request enters by; there is: {known}")
    gateway = routes.gateways.get(name) if name else next(iter(routes.gateways.values()))
    if gateway is None:
        raise ValueError(f"there is no gateway {name}; there is: {known}")
    return gateway


def hosts_at(gateway: GatewayRoutes, port: int | None) -> tuple[VirtualHost, ...]:
    """The virtual hosts of a port, or of the first port for ``None``."""
    for server in gateway.servers:
        if port in (None, server.server.port):
            return server.virtual_hosts
    ports = ", ".join(str(server.server.port) for server in gateway.servers) or "none"
    raise ValueError(f"gateway {gateway.gateway.name} has no port {port}; it has: {ports}")


def find_route(
    hosts: Iterable[VirtualHost], request: Request, path: str, query: str
) -> IngressRoute | None:
    """Picks a virtual host by domain, then the first of its routes whose conditions hold.

    ``path`` and ``query`` are those of the request, as returned by ``split_target``.
    """
    best = covering_host(hosts, request.host)
    routes = best.routes if best is not None else ()
    return next((route for route in routes if takes(route, request, path, query)), None)


def covering_host(hosts: Iterable[VirtualHost], name: str) -> VirtualHost | None:
    """The virtual host of the most specific domain that covers ``name``, which may have a port."""
    host = re.sub(r":[^:\]]*$", "", name).lower()
    covering = [h for h in hosts if host_covers(h.domain.lower(), host)]
    return max(covering, key=lambda h: (h.domain.lower() == host, len(h.domain)), default=None)


def set_trace_headers(
    wanted: Iterable[str], headers: Headers, proxy: str = "gateway", fresh_id: str = FRESH_ID
) -> tuple[Headers, tuple[Reason, ...]]:
    """The headers, with the trace headers that the proxy generates because sidecars need them."""
    missing = [
        header for header in wanted if re.fullmatch(EMPTY_ID, headers.get(header.lower(), ""))
    ]
    said = Phrase.GATEWAY_SETS_HEADER if proxy == "gateway" else Phrase.SIDECAR_SETS_HEADER
    reasons = (reason(Why.TRACE_SET, said, header=header) for header in missing)
    return {**headers, **{header.lower(): fresh_id for header in missing}}, tuple(reasons)


def describe(ingress: IngressRoute) -> str:
    """The route's conditions in words."""
    words = [f"host {ingress.host}"]
    if ingress.uri is not None:
        words.append(f"uri {ingress.uri}")
    if ingress.methods:
        words.append(f"method {' or '.join(ingress.methods)}")
    words += [f"header {name} {match}" for name, match in ingress.headers.items()]
    words += [f"query {name} {match}" for name, match in ingress.query.items()]
    if ingress.named is not None:
        lanes = ingress.named.lanes
        one = "one of " if len(lanes) > 1 else ""
        words.append(f"{ingress.named.header} names {one}{listing(lanes, 4)}")
    return ", ".join(words)


def takes(route: IngressRoute, request: Request, path: str, query: str) -> bool:
    """Whether the request meets the route's conditions, those on its host aside."""
    return (route.named is None or names(route.named, request.header_lines)) and meets(
        route, request, path, query
    )


def meets(condition: IngressRoute | EntryRule, request: Request, path: str, query: str) -> bool:
    """Whether the request meets the rule's own conditions, regardless of the lane that it names."""
    return (
        (condition.uri is None or condition.uri.matches(path))
        and (not condition.methods or request.method in condition.methods)
        and (not condition.headers or _hold(condition.headers, _lines(request)))
        and (not condition.query or _hold(condition.query, parameters(query)))
    )


def _lines(request: Request) -> Lines:
    """With ``Host``: to Envoy it is the same as ``:authority``, port included."""
    return {**request.header_lines, "host": (request.host,)}


def parameters(query: str) -> Lines:
    """The parameters by name. Only the first of several with the same name counts."""
    parameters: dict[str, tuple[str, ...]] = {}
    for part in query.split("&"):
        name, _, value = part.partition("=")
        parameters.setdefault(name, (value,))
    return parameters


def names(named: LaneNames, lines: Lines) -> bool:
    """Whether a line of the header names one of the lanes."""
    return any(value in named.lanes for value in lines.get(named.header.lower(), ()))


def _hold(conditions: Mapping[str, StringMatch], values: Lines) -> bool:
    """Whether all conditions hold. Any line of a repeated header may meet the condition on it."""
    return all(
        any(match.matches(value) for value in values.get(name, ()))
        for name, match in conditions.items()
    )
