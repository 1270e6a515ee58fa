"""Istio as its documentation has it: what its proxies do, given resources and ready workloads.

- VirtualService: the first route of which one match holds. In the mesh one VirtualService has a
  host; at a gateway the routes of all that overlap with a server's host follow one another.
- A destination is a cluster: the service's workloads with the subset's labels.
- EnvoyFilter: clusters are added, and what is merged into a route by its name replaces its cluster.
  An aggregate cluster serves from the first of its clusters with a ready instance.
- WasmPlugin: the lane filter, where it is configured; what it does is the simulator's business.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from laneway.compile.ir import BaggageMember, Carrier, TraceMemory
from laneway.compile.simulate import Applications, Request, baggage
from laneway.compile.simulate.gateways import FRESH_ID
from laneway.compile.simulate.request_paths import split_target
from laneway.compile.simulate.trace_memories import TraceMemories
from laneway.model.gateways import Gateway
from laneway.model.meshes import Mesh
from laneway.model.names import ObjectName
from laneway.model.services import Service
from laneway.model.workloads import Workload

Resource = Mapping[str, Any]
Lines = Mapping[str, tuple[str, ...]]

#: Which workloads may answer a hop; or, last, the status of a path that ends early.
Path = list[tuple[str, tuple[ObjectName, ...]] | int]


@dataclass(frozen=True, slots=True)
class Arrival:
    """A request as a proxy routes it. ``port``: the service's, or the gateway's."""

    port: int
    lines: Lines
    path: str = "/"
    query: str = ""
    method: str = "GET"


@dataclass(frozen=True)
class Istio:
    """``resources`` in the order of their creation."""

    mesh: Mesh
    resources: Sequence[Resource]
    ready: Collection[ObjectName]

    def path(self, request: Request, port: int, applications: Applications, draw: int) -> Path:
        """The hops of a request that enters by the mesh's only gateway."""
        (gateway,) = self.mesh.gateways
        for carrier in self._carriers("gateway", gateway.selector):
            if isinstance(carrier, BaggageMember):
                request, _ = baggage.enter([carrier], request)
        target = split_target(request.path)
        if target is None:
            return [400]
        arrival = Arrival(port, request.header_lines, *target, request.method)
        routes = self._gateway_routes(gateway, port, request.host)
        route = next((route for route in routes if _takes(route, arrival)), None)
        if route is None:
            return [404]
        if "directResponse" in route:
            return [int(route["directResponse"]["status"])]
        headers: Mapping[str, str] = {n: ",".join(values) for n, values in arrival.lines.items()}
        cluster, headers = self._routed(route, "GATEWAY", headers, draw)
        return self._walk(cluster, headers, applications)

    def _walk(self, cluster: str, headers: Mapping[str, str], applications: Applications) -> Path:
        path: Path = []
        memories = TraceMemories()
        pending: list[tuple[Workload, str, int, Mapping[str, str]]] = []
        while True:
            workloads = self._instances(cluster, "GATEWAY" if not path else "SIDECAR_OUTBOUND")
            host = cluster.split("|")[3]
            path.append((host, tuple(workload.name for workload in workloads)))
            if not workloads:
                return [*path, 503]
            service = self._service(host)
            for carrier in self._carriers("inbound", workloads[0].labels):
                headers = baggage.receive(carrier, headers)
                names = [workload.name for workload in workloads]
                memories = memories.receive(carrier, names, headers)
            kept = {name.lower() for name in applications.passes_on.get(service.name, ())}
            passed = {name: value for name, value in headers.items() if name in kept}
            calls = reversed(applications.calls.get(service.name, ()))
            pending += [(workloads[0], c.service.host, c.port, passed) for c in calls]
            if not pending:
                return path
            caller, host, port, headers = pending.pop()
            for carrier in self._carriers("outbound", caller.labels):
                headers, _ = memories.send(carrier, caller.name, headers)
                headers, _ = baggage.send(carrier, headers)
            cluster = self._called(host, port, headers)

    def _called(self, host: str, port: int, headers: Mapping[str, str]) -> str:
        arrival = Arrival(port, {name: (value,) for name, value in headers.items()})
        for resource in self._of("VirtualService"):
            if "gateways" not in resource["spec"] and host in resource["spec"]["hosts"]:
                route = next(r for r in resource["spec"]["http"] if _takes(r, arrival))
                return self._routed(route, "SIDECAR_OUTBOUND", headers, 0)[0]
        return f"outbound|{port}||{host}"

    def _gateway_routes(self, gateway: Gateway, port: int, host: str) -> list[Resource]:
        name = re.sub(r":[^:\]]*$", "", host).lower()
        server = next(server for server in gateway.servers if server.port == port)
        by_domain: dict[str, list[Resource]] = {}
        for resource in self._of("VirtualService"):
            if str(gateway.name) in resource["spec"].get("gateways", ()):
                http = [route for route in resource["spec"]["http"] if _is_at(route, port)]
                domains = _intersection(server.hosts, resource["spec"]["hosts"])
                for domain in dict.fromkeys(domains) if http else ():
                    by_domain.setdefault(domain, []).extend(http)
        covering = [domain for domain in by_domain if _covers(domain, name)]
        best = max(covering, key=lambda domain: (domain == name, len(domain)), default="")
        return by_domain.get(best, [])

    def _routed(
        self, route: Resource, context: str, headers: Mapping[str, str], draw: int
    ) -> tuple[str, Mapping[str, str]]:
        """The cluster, by what Istio generates for the route with all that is merged into it."""
        weighted = [_weighted(destination) for destination in route["route"]]
        added: list[Resource] = []
        for patch in self._patches("HTTP_ROUTE", context):
            if patch["match"]["routeConfiguration"]["vhost"]["route"]["name"] != route["name"]:
                continue
            value = patch["patch"]["value"]
            action = value.get("route", {})
            if action.keys() & {"cluster", "weighted_clusters"}:
                assert len(weighted) == 1, "clusters would be merged into weights, not replace them"
            if "cluster" in action:
                weighted = [{"name": action["cluster"], "weight": 100}]
            elif "weighted_clusters" in action:
                weighted = action["weighted_clusters"]["clusters"]
            added += value.get("request_headers_to_add", ())
        ends = accumulate(cluster["weight"] for cluster in weighted)
        chosen = next(c for c, end in zip(weighted, ends, strict=True) if draw < end)
        for option in (*added, *chosen.get("request_headers_to_add", ())):
            headers = _added(headers, option)
        return chosen["name"], headers

    def _instances(self, cluster: str, context: str) -> list[Workload]:
        """Ready workloads; of the first cluster that has some, if there are several to try."""
        for patch in self._patches("CLUSTER", context):
            value = patch["patch"]["value"]
            if value["name"] == cluster:
                tried = value["cluster_type"]["typed_config"]["clusters"]
                found = (self._instances(one, context) for one in tried)
                return next((workloads for workloads in found if workloads), [])
        _, port, subset, host = cluster.split("|")
        service = self._service(host)
        labels = {**service.selector, **self._labels(host, subset)} if subset else service.selector
        if not labels or labels.items() < service.selector.items():
            return []
        target = next(p for p in service.ports if p.port == int(port)).workload_port
        return [
            workload
            for workload in self.mesh.workloads
            if workload.name.namespace == service.name.namespace
            and workload.name in self.ready
            and workload.is_selected(labels)
            and workload.is_selected(service.selector)
            and workload.port(target)
        ]

    def _labels(self, host: str, subset: str) -> Mapping[str, str]:
        for resource in self._of("DestinationRule"):
            if resource["spec"]["host"] == host:
                for one in resource["spec"]["subsets"]:
                    if one["name"] == subset:
                        labels: Mapping[str, str] = one["labels"]
                        return labels
        return {"": "no such subset"}

    def _service(self, host: str) -> Service:
        return next(service for service in self.mesh.services if service.host == host)

    def _carriers(self, direction: str, labels: Mapping[str, str]) -> Iterator[Carrier]:
        """The lane filters beside a proxy whose pod has these labels."""
        for resource in self._of("WasmPlugin"):
            spec, config = resource["spec"], resource["spec"]["pluginConfig"]
            if config["direction"] != direction:
                continue
            if spec["selector"]["matchLabels"].items() <= labels.items():
                group = resource["metadata"]["labels"]["laneway.dev/group"]
                if "baggage_key" in config:
                    yield BaggageMember(group, config["route_header"], config["baggage_key"])
                else:
                    yield TraceMemory(group, config["route_header"], config["trace_header"])

    def _patches(self, applied_to: str, context: str) -> Iterator[Resource]:
        for resource in self._of("EnvoyFilter"):
            for patch in resource["spec"]["configPatches"]:
                if patch["applyTo"] == applied_to and patch["match"]["context"] == context:
                    yield patch

    def _of(self, kind: str) -> Iterable[Resource]:
        return (resource for resource in self.resources if resource["kind"] == kind)


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
    conditions = [
        match.get("port", arrival.port) == arrival.port,
        _string(match.get("uri", {}), (arrival.path,)),
        _string(match.get("method", {}), (arrival.method,)),
        *(_string(m, arrival.lines.get(n, ())) for n, m in match.get("headers", {}).items()),
        *(_string(m, parameters.get(n, ())) for n, m in match.get("queryParams", {}).items()),
        *(
            not _string(m, arrival.lines.get(n, ()))
            for n, m in match.get("withoutHeaders", {}).items()
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


def _weighted(destination: Resource) -> Resource:
    """A destination as a weighted cluster. Without a subset Istio routes to the whole service."""
    to = destination["destination"]
    cluster = f"outbound|{to['port']['number']}|{to.get('subset', '')}|{to['host']}"
    added = [
        {"header": {"key": key, "value": value}, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}
        for key, value in destination.get("headers", {}).get("request", {}).get("set", {}).items()
    ]
    weight = destination.get("weight", 100)
    return {"name": cluster, "weight": weight, "request_headers_to_add": added}


def _added(headers: Mapping[str, str], option: Resource) -> Mapping[str, str]:
    key, value = option["header"]["key"], option["header"]["value"]
    if option["append_action"] == "ADD_IF_ABSENT" and key in headers:
        return headers
    if value == "%REQ(x-request-id)%":
        value = headers.get("x-request-id") or FRESH_ID
    return {**headers, key: value}


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
