"""VirtualServices as Istio's documentation has them: which route takes a request.

The first route of which one match holds. At a gateway the routes of all VirtualServices that
overlap with a server's host follow one another, in the order of their creation.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from laneway.compile.simulate import Request
from laneway.model.gateways import Gateway

Resource = Mapping[str, Any]
Lines = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Arrival:
    """A request as a proxy routes it. ``port``: the service's, or the gateway's. ``labels`` and
    ``namespace`` are those of the pod that calls."""

    port: int
    lines: Lines
    path: str = "/"
    query: str = ""
    method: str = "GET"
    labels: Mapping[str, str] = field(default_factory=dict)
    namespace: str = ""


def gateway_route(
    services: Iterable[Resource], gateway: Gateway, host: str, arrival: Arrival
) -> Resource | None:
    """The route of ``gateway`` that takes the request; ``None``: it is answered 404."""
    name = re.sub(r":[^:\]]*$", "", host).lower()
    server = next(server for server in gateway.servers if server.port == arrival.port)
    by_domain: dict[str, list[Resource]] = {}
    for spec in (service["spec"] for service in services):
        if str(gateway.name) in spec.get("gateways", ()):
            http = [route for route in spec["http"] if _is_at(route, arrival.port)]
            for domain in dict.fromkeys(_intersection(server.hosts, spec["hosts"])) if http else ():
                by_domain.setdefault(domain, []).extend(http)
    covering = [domain for domain in by_domain if _covers(domain, name)]
    best = max(covering, key=lambda domain: (domain == name, len(domain)), default="")
    return next((route for route in by_domain.get(best, ()) if _takes(route, arrival)), None)


def rewritten(route: Resource, arrival: Arrival, request: Request, query: str) -> Request:
    """What ``rewrite`` and ``headers`` of the route make of a request: a path's prefix is replaced
    where the match is one, otherwise all of the path."""
    rewrite, path, headers = route.get("rewrite", {}), arrival.path, dict(request.headers)
    if "uri" in rewrite:
        (match,) = (match for match in route["match"] if _matches(match, arrival))
        rest = path[len(match["uri"]["prefix"]) :] if "prefix" in match["uri"] else ""
        path = rewrite["uri"] + rest
    changes = route.get("headers", {}).get("request", {})
    for name in changes.get("remove", ()):
        headers.pop(name, None)
    for name, value in changes.get("add", {}).items():
        before = f"{headers[name]}," if name in headers else ""
        headers[name] = before + value.replace("%%", "%")
    for name, value in changes.get("set", {}).items():
        headers[name] = value.replace("%%", "%")
    host = rewrite.get("authority", request.host)
    return replace(request, host=host, path=path + query, headers=headers)


def called_service(services: Iterable[Resource], host: str) -> Resource | None:
    """The VirtualService for calls inside the mesh."""
    specs = (service["spec"] for service in services)
    return next((s for s in specs if "gateways" not in s and host in s["hosts"]), None)


def called_route(service: Resource, arrival: Arrival) -> Resource | None:
    return next((route for route in service["http"] if _takes(route, arrival)), None)


def _is_at(route: Resource, port: int) -> bool:
    """Of a listener Istio generates only the routes that its port may match."""
    return all(match.get("port", port) == port for match in route.get("match", ()))


def _takes(route: Resource, arrival: Arrival) -> bool:
    return "match" not in route or any(_matches(match, arrival) for match in route["match"])


def _matches(match: Resource, arrival: Arrival) -> bool:
    parameters: dict[str, tuple[str, ...]] = {}
    for part in arrival.query.split("&"):
        name, _, value = part.partition("=")
        parameters.setdefault(name, (value,))
    headers, without = match.get("headers", {}), match.get("withoutHeaders", {})
    conditions = [
        match.get("port", arrival.port) == arrival.port,
        match.get("sourceLabels", {}).items() <= arrival.labels.items(),
        match.get("sourceNamespace", arrival.namespace) == arrival.namespace,
        _string(match.get("uri", {}), (arrival.path,)),
        _string(match.get("method", {}), (arrival.method,)),
        *(_string(m, arrival.lines.get(n.lower(), ())) for n, m in headers.items()),
        *(_string(m, parameters.get(n, ())) for n, m in match.get("queryParams", {}).items()),
        *(
            not _string(m, _without(m, arrival.lines.get(n.lower(), ())))
            for n, m in without.items()
        ),
    ]
    return all(conditions)


def _string(match: Resource, values: tuple[str, ...]) -> bool:
    """A StringMatch; an empty one asks for presence."""
    if "exact" in match:
        return match["exact"] in values
    if "prefix" in match:
        return any(value.startswith(match["prefix"]) for value in values)
    if "regex" in match:
        return any(re.fullmatch(match["regex"], value) for value in values)
    return bool(values)


def _without(match: Resource, values: tuple[str, ...]) -> tuple[str, ...]:
    """Istio takes a missing header for an empty one here, unless its presence is asked for."""
    return values or (("",) if match else ())


def _intersection(served: Iterable[str], hosts: Iterable[str]) -> Iterator[str]:
    """Of each pair that overlaps, the narrower one."""
    for one in served:
        for other in hosts:
            if _covers(one, other):
                yield other
            elif _covers(other, one):
                yield one


def _covers(pattern: str, host: str) -> bool:
    if pattern in ("*", host):
        return True
    return pattern.startswith("*.") and host.endswith(pattern[1:]) and len(host) > len(pattern) - 1
