"""Gateway API as its specification has it: where requests go, given resources and ready workloads.

- Of the HTTPRoutes of a parent, those of the most specific host take part; then the match with the
  most specific conditions wins, then the older route, the name, the order of rules.
- A backend is a Service: the workloads that its selector picks. One in another namespace needs a
  ReferenceGrant, if the parent is a Gateway. No backend: 500; one without instances: 503.
- A header that comes several times is one, its values joined by commas (RFC 9110, section 5.3).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from laneway.compile.simulate import Applications, Request
from laneway.compile.simulate.path_normalization import split_target
from laneway.model.meshes import Mesh
from laneway.model.names import ObjectName
from laneway.model.workloads import Workload

Resource = Mapping[str, Any]
Headers = Mapping[str, str]

#: The Service of each hop and which workloads may answer; or, last, the status that ends the path.
Path = list[tuple[str, tuple[ObjectName, ...]] | int]


@dataclass(frozen=True, slots=True)
class Arrival:
    """A request as one parent's routes see it."""

    host: str
    path: str
    query: str
    method: str
    headers: Headers


@dataclass(frozen=True)
class GatewayApi:
    """``resources`` in the order of their creation, each a second after the one before.

    ``regex_first``: whether regular expressions precede prefixes, or the other way round; the
    specification leaves it open.
    """

    mesh: Mesh
    resources: Sequence[Resource]
    ready: Collection[ObjectName]
    regex_first: bool = True

    def path(self, request: Request, port: int, applications: Applications, draw: int) -> Path:
        """The hops of a request that enters by the mesh's only gateway."""
        (gateway,) = self.mesh.gateways
        target = split_target(request.path)
        if target is None:
            return [400]
        headers = {name: ",".join(values) for name, values in request.header_lines.items()}
        host = re.sub(r":[^:\]]*$", "", request.host).lower()
        arrival = Arrival(host, *target, request.method, headers)
        backend = self._backend("Gateway", gateway.name, port, arrival, draw)
        if isinstance(backend, int):
            return [backend]
        return self._walk(*backend, applications)

    def _walk(self, backend: Resource, headers: Headers, applications: Applications) -> Path:
        path: Path = []
        pending: list[tuple[ObjectName, int, Headers]] = []
        while True:
            service, workloads = self._instances(backend)
            path.append((service.host, tuple(workload.name for workload in workloads)))
            if not workloads:
                return [*path, 503]
            kept = {name.lower() for name in applications.passes_on.get(service, ())}
            passed = {name: value for name, value in headers.items() if name in kept}
            calls = reversed(applications.calls.get(service, ()))
            pending += [(call.service, call.port, passed) for call in calls]
            if not pending:
                return path
            called, port, headers = pending.pop()
            arrival = Arrival(called.host, "/", "", "GET", headers)
            chosen = self._backend("Service", called, port, arrival, 0)
            if isinstance(chosen, int):
                return [*path, chosen]
            backend = chosen[0]

    def _backend(
        self, kind: str, parent: ObjectName, port: int, arrival: Arrival, draw: int
    ) -> tuple[Resource, Headers] | int:
        """A reference with its namespace, and the headers that go there; or a status."""
        routes = list(self._routes(kind, parent, port))
        if not routes and kind == "Service":
            namespace = {"namespace": parent.namespace}
            return {"name": parent.name, "port": port, **namespace}, arrival.headers
        rule = _chosen(routes, arrival, self.regex_first)
        if rule is None:
            return 404
        refs = rule[1].get("backendRefs", ())
        if not refs:
            return 500
        ends = list(accumulate(ref["weight"] for ref in refs))
        place = draw * ends[-1] / 100
        ref = next(one for one, end in zip(refs, ends, strict=True) if place < end)
        source = rule[0]["metadata"]["namespace"]
        ref = {"namespace": source, **ref}
        if kind == "Gateway" and not self._is_granted(source, ref):
            return 500
        headers = dict(arrival.headers)
        for changed in ref.get("filters", ()):
            assert changed["type"] == "RequestHeaderModifier"
            for header in changed["requestHeaderModifier"]["set"]:
                headers[header["name"].lower()] = header["value"]
        return ref, headers

    def _routes(self, kind: str, parent: ObjectName, port: int) -> Iterator[Resource]:
        for resource in self._of("HTTPRoute"):
            for ref in resource["spec"]["parentRefs"]:
                named = (ref["kind"], resource["metadata"]["namespace"], ref["name"])
                if named == (kind, parent.namespace, parent.name) and ref.get("port", port) == port:
                    yield resource

    def _is_granted(self, source: str, ref: Resource) -> bool:
        if ref["namespace"] == source:
            return True
        return any(
            {"group": "", "kind": "Service", "name": ref["name"]} in grant["spec"]["to"]
            and any(one["namespace"] == source for one in grant["spec"]["from"])
            for grant in self._of("ReferenceGrant")
            if grant["metadata"]["namespace"] == ref["namespace"]
        )

    def _instances(self, backend: Resource) -> tuple[ObjectName, list[Workload]]:
        """Of which declared service, and the ready workloads."""
        name = ObjectName(backend["namespace"], backend["name"])
        declared = self.mesh.services_by_name.get(name)
        if declared is not None:
            target = declared.port(backend["port"])
            assert target is not None
            return name, self._selected(name, declared.selector, target.workload_port)
        (service,) = (
            one["spec"]
            for one in self._of("Service")
            if (one["metadata"]["namespace"], one["metadata"]["name"])
            == (name.namespace, name.name)
        )
        (port,) = (one for one in service["ports"] if one["port"] == backend["port"])
        selector = service.get("selector", {})
        return self._origin(name), self._selected(name, selector, port["targetPort"])

    def _origin(self, name: ObjectName) -> ObjectName:
        """The service whose lane has this Service: that of which the name is the beginning."""
        return next(
            service.name
            for service in self.mesh.services
            for lane in self.mesh.lanes
            if name == ObjectName(service.name.namespace, f"{service.name.name}-{lane.name}")
        )

    def _selected(
        self, name: ObjectName, selector: Mapping[str, str], port: int | str
    ) -> list[Workload]:
        return [
            workload
            for workload in self.mesh.workloads
            if selector
            and workload.name.namespace == name.namespace
            and workload.name in self.ready
            and workload.is_selected(selector)
            and workload.port(port)
        ]

    def _of(self, kind: str) -> Iterable[Resource]:
        return (resource for resource in self.resources if resource["kind"] == kind)


def _chosen(
    routes: Sequence[Resource], arrival: Arrival, regex_first: bool
) -> tuple[Resource, Resource] | None:
    """The route and the rule that take the request; ``routes`` by age."""
    best: tuple[tuple[int, ...], Resource, Resource] | None = None
    for age, route in enumerate(routes):
        host = _host(route["spec"].get("hostnames", ()), arrival.host)
        if host is None:
            continue
        for number, rule in enumerate(route["spec"]["rules"]):
            for match in rule["matches"]:
                if _matches(match, arrival):
                    rank = (*host, *_specificity(match, regex_first), -age, -number)
                    if best is None or rank > best[0]:
                        best = (rank, route, rule)
    return best[1:] if best is not None else None


def _host(hostnames: Sequence[str], host: str) -> tuple[int, int] | None:
    """Characters of the best matching name without and with wildcard; None if none matches."""
    if not hostnames:
        return 0, 0
    found = [
        (0 if name.startswith("*.") else len(name), len(name))
        for name in hostnames
        if name == host or (name.startswith("*.") and host.endswith(name[1:]) and host != name[1:])
    ]
    return max(found, default=None)


def _specificity(match: Resource, regex_first: bool) -> tuple[int, int, int, int, int]:
    path = match["path"]
    kind = {"RegularExpression": 2 * regex_first, "PathPrefix": 1, "Exact": 3}[path["type"]]
    length = len(path["value"]) if path["type"] == "PathPrefix" else 0
    headers, query = match.get("headers", ()), match.get("queryParams", ())
    return kind, length, int("method" in match), len(headers), len(query)


def _matches(match: Resource, arrival: Arrival) -> bool:
    parameters: dict[str, str] = {}
    for part in arrival.query.split("&"):
        name, _, value = part.partition("=")
        parameters.setdefault(name, value)
    return (
        _path(match["path"], arrival.path)
        and match.get("method", arrival.method) == arrival.method
        and all(_value(one, arrival.headers) for one in match.get("headers", ()))
        and all(_value(one, parameters) for one in match.get("queryParams", ()))
    )


def _path(match: Resource, path: str) -> bool:
    value = match["value"]
    if match["type"] == "PathPrefix":
        elements, wanted = path.split("/"), value.rstrip("/").split("/")
        return bool(elements[: len(wanted)] == wanted)
    return bool(path == value) if match["type"] == "Exact" else bool(re.fullmatch(value, path))


def _value(match: Resource, values: Mapping[str, str]) -> bool:
    if match["name"] not in values:
        return False
    value = values[match["name"]]
    if match["type"] == "Exact":
        return bool(value == match["value"])
    return re.fullmatch(match["value"], value) is not None
