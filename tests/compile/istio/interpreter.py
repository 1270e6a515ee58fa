"""Istio as its documentation has it: what its proxies do, given resources and ready workloads.

- VirtualService: as ``virtual_services`` has it. In the mesh one VirtualService has a host.
- A destination is a cluster: the service's workloads with the subset's labels.
- EnvoyFilter: clusters are added, and what is merged into a route by its name replaces its cluster.
  An aggregate cluster serves from the first of its clusters with a ready instance.
- An HTTP filter that an EnvoyFilter inserts is configured by the extension configuration of its
  name. What the lane filter does is the simulator's business, and so is what the two scripts do
  at gateways with the contexts that routes give them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Any

from tests.compile.request_paths import Path
from tests.compile.virtual_services import (
    Arrival,
    Resource,
    called_route,
    called_service,
    gateway_route,
    rewritten,
)

from laneway.compile.entry_filters import ENTERED_HEADER, ENTRY, NAMES
from laneway.compile.ir import BaggageMember, Carrier, LaneNaming, TraceMemory
from laneway.compile.simulate import Applications, Request, baggage, trace_contexts
from laneway.compile.simulate.enter_rules import read_names
from laneway.compile.simulate.gateways import FRESH_ID
from laneway.compile.simulate.path_normalization import split_target
from laneway.compile.simulate.trace_memories import TraceMemories
from laneway.model.meshes import Mesh
from laneway.model.names import ObjectName
from laneway.model.services import Service
from laneway.model.workloads import Workload

_CONTEXTS = {"inbound": "SIDECAR_INBOUND", "outbound": "SIDECAR_OUTBOUND", "gateway": "GATEWAY"}


@dataclass(frozen=True, slots=True)
class _Way:
    """``again``: the headers of a response on which the request is made again, elsewhere."""

    cluster: str
    again: tuple[str, ...] = ()


@dataclass(frozen=True)
class Istio:
    """``resources`` in the order of their creation.

    Whoever meets a workload that is ``dead``, and taken for ready, is answered 503 by its sidecar,
    unless that says that it reached nobody, and the caller's route tries again on that word.
    """

    mesh: Mesh
    resources: Sequence[Resource]
    ready: Collection[ObjectName]
    dead: Collection[ObjectName] = ()

    def path(self, request: Request, port: int, applications: Applications, draw: int) -> Path:
        """The hops of a request that enters by the mesh's only gateway."""
        entered = self._entered(request, port, draw)
        if entered is None:
            return [400]
        arrival, route = entered
        if route is None:
            return [404]
        if "directResponse" in route:
            return [int(route["directResponse"]["status"])]
        headers: Mapping[str, str] = {n: ",".join(values) for n, values in arrival.lines.items()}
        way, headers = self._routed(route, "GATEWAY", headers, draw)
        return self._walk(way, headers, applications)

    def sent(self, request: Request, port: int, draw: int) -> Request | None:
        """The request as its first service gets it; ``None`` if the gateway itself answers."""
        entered = self._entered(request, port, draw)
        if entered is None:
            return None
        arrival, route = entered
        if route is None or "directResponse" in route:
            return None
        lines = {name: ",".join(values) for name, values in arrival.lines.items()}
        _, headers = self._routed(route, "GATEWAY", lines, draw)
        mark = "?" if "?" in request.path else ""
        return rewritten(
            route, arrival, replace(request, headers=headers), f"{mark}{arrival.query}"
        )

    def _entered(
        self, request: Request, port: int, draw: int
    ) -> tuple[Arrival, Resource | None] | None:
        """Which route takes the request, and in which form; ``None``: its path is refused."""
        (gateway,) = self.mesh.gateways
        for carrier in self._carriers("gateway", gateway.selector):
            if isinstance(carrier, BaggageMember):
                request, _ = baggage.enter([carrier], request)
            else:
                request, _ = trace_contexts.enter([carrier], request)
        target = split_target(request.path)
        if target is None:
            return None
        request = self._with_lane(request, port, target[1])
        arrival, route = self._gateway_route(request, port, target)
        if (context := self._entry_context(route, draw)) is not None:
            lines = {**request.header_lines, ENTERED_HEADER: ("1",)}
            if "lane" in context:
                lines[context["header"]] = (context["lane"],)
            arrival, route = self._gateway_route(replace(request, headers=lines), port, target)
            lines = {name: value for name, value in lines.items() if name != ENTERED_HEADER}
            arrival = replace(arrival, lines=lines)
        return arrival, route

    def _gateway_route(
        self, request: Request, port: int, target: tuple[str, str]
    ) -> tuple[Arrival, Resource | None]:
        arrival = Arrival(port, request.header_lines, *target, request.method)
        (gateway,) = self.mesh.gateways
        services = self._of("VirtualService")
        return arrival, gateway_route(services, gateway, request.host, arrival)

    def _with_lane(self, request: Request, port: int, query: str) -> Request:
        """What the script ``NAMES`` makes of a request, by its context for the port."""
        for patch in self._patches("ROUTE_CONFIGURATION", "GATEWAY"):
            if patch["match"]["routeConfiguration"]["portNumber"] == port:
                assert NAMES in self._enabled()
                value = patch["patch"]["value"]
                assert value["request_headers_to_remove"] == [ENTERED_HEADER]
                script = value["typed_per_filter_config"][NAMES]["source_code"]["inline_string"]
                lines = request.header_lines
                lines = {name: text for name, text in lines.items() if name != ENTERED_HEADER}
                return read_names(
                    namings_in(script), replace(request, headers=lines), query
                ).request
        return request

    def _entry_context(self, route: Resource | None, draw: int) -> Resource | None:
        """What the script ``ENTRY`` learns from the route."""
        if route is None:
            return None
        for patch in self._patches("HTTP_ROUTE", "GATEWAY"):
            if patch["match"]["routeConfiguration"]["vhost"]["route"]["name"] != route["name"]:
                continue
            value = patch["patch"]["value"]
            clusters = value.get("route", {}).get("weighted_clusters", {}).get("clusters", ())
            ends = accumulate(cluster["weight"] for cluster in clusters)
            shares = (c for c, end in zip(clusters, ends, strict=True) if draw < end)
            filters = next(shares, value).get("typed_per_filter_config", {})
            if ENTRY in filters:
                assert ENTRY in self._enabled()
                context: Resource = filters[ENTRY]["filter_context"]
                return context
        return None

    def _enabled(self) -> set[str]:
        """The gateway's filters that run for requests to all of its ports."""
        (gateway,) = self.mesh.gateways
        assert gateway.selector
        inserted = [patch["patch"]["value"] for patch in self._patches("HTTP_FILTER", "GATEWAY")]
        by_port = [
            set(patch["patch"]["value"]["typed_per_filter_config"])
            for patch in self._patches("ROUTE_CONFIGURATION", "GATEWAY")
        ]
        switched_on = set.intersection(*by_port) if by_port else set()
        always = {each["name"] for each in inserted if not each.get("disabled")}
        return always | ({each["name"] for each in inserted} & switched_on)

    def _walk(self, way: _Way, headers: Mapping[str, str], applications: Applications) -> Path:
        path: Path = []
        memories = TraceMemories()
        pending: list[tuple[Workload, str, int, Mapping[str, str]]] = []
        while True:
            workloads = self._instances(way, "GATEWAY" if not path else "SIDECAR_OUTBOUND")
            host = way.cluster.split("|")[3]
            path.append((host, tuple(workload.name for workload in workloads)))
            if not workloads or any(workload.name in self.dead for workload in workloads):
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
            way, headers = self._called(caller, host, port, headers)

    def _called(
        self, caller: Workload, host: str, port: int, headers: Mapping[str, str]
    ) -> tuple[_Way, Mapping[str, str]]:
        lines = {name: (value,) for name, value in headers.items()}
        arrival = Arrival(port, lines, labels=caller.labels, namespace=caller.name.namespace)
        service = called_service(self._of("VirtualService"), host)
        if service is None:
            return _Way(f"outbound|{port}||{host}"), headers
        route = called_route(service, arrival)
        assert route is not None, "the last route takes everything"
        return self._routed(route, "SIDECAR_OUTBOUND", headers, 0)

    def _routed(
        self, route: Resource, context: str, headers: Mapping[str, str], draw: int
    ) -> tuple[_Way, Mapping[str, str]]:
        """The way, by what Istio generates for the route with all that is merged into it."""
        weighted = [_weighted(destination) for destination in route["route"]]
        set_ = route.get("headers", {}).get("request", {}).get("set", {})
        headers = {**headers, **set_}
        added: list[Resource] = []
        again: list[Resource] = []
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
            again += action.get("retry_policy", {}).get("retriable_headers", ())
            added += value.get("request_headers_to_add", ())
        ends = accumulate(cluster["weight"] for cluster in weighted)
        chosen = next(c for c, end in zip(weighted, ends, strict=True) if draw < end)
        for option in (*added, *chosen.get("request_headers_to_add", ())):
            headers = _added(headers, option)
        for name in chosen.get("request_headers_to_remove", ()):
            headers = {key: value for key, value in headers.items() if key != name}
        return _Way(chosen["name"], tuple(header["name"] for header in again)), headers

    def _instances(self, way: _Way, context: str) -> list[Workload]:
        """Ready workloads; of the first cluster that has some, if there are several to try."""
        cluster = way.cluster
        for patch in self._patches("CLUSTER", context):
            value = patch["patch"]["value"]
            if value["name"] == cluster:
                tried = value["cluster_type"]["typed_config"]["clusters"]
                found = (self._instances(replace(way, cluster=one), context) for one in tried)
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
            and not (workload.name in self.dead and self._says(workload, way.again))
            and workload.is_selected(labels)
            and workload.is_selected(service.selector)
            and workload.port(target)
        ]

    def _says(self, workload: Workload, headers: Collection[str]) -> bool:
        """Whether the sidecar of a dead workload marks its 503 with one of the headers."""
        for resource in self._of("EnvoyFilter"):
            selector = resource["spec"].get("workloadSelector", {}).get("labels", {})
            if workload.is_selected(selector):
                for patch in resource["spec"]["configPatches"]:
                    config = patch["patch"]["value"].get("typed_config", {})
                    for mapper in config.get("local_reply_config", {}).get("mappers", ()):
                        keys = {option["header"]["key"] for option in mapper["headers_to_add"]}
                        if keys & {*headers}:
                            return True
        return False

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
        """The lane filters of a proxy whose pod has these labels."""
        for resource in self._of("EnvoyFilter"):
            selector = resource["spec"].get("workloadSelector", {}).get("labels", {})
            if not selector.items() <= labels.items():
                continue
            for patch in resource["spec"]["configPatches"]:
                inserted = patch["applyTo"] == "HTTP_FILTER" and not _is_script(patch)
                if inserted and patch["match"]["context"] == _CONTEXTS[direction]:
                    config = self._extension(patch["patch"]["value"]["name"])
                    assert config["direction"] == direction
                    group = resource["metadata"]["labels"]["laneway.dev/group"]
                    if "baggage_key" in config:
                        yield BaggageMember(group, config["route_header"], config["baggage_key"])
                    else:
                        yield TraceMemory(group, config["route_header"], config["trace_header"])

    def _extension(self, name: str) -> Mapping[str, str]:
        """The settings of the lane filter of that name; those in the root namespace are for all."""
        (found,) = (
            patch["patch"]["value"]["typed_config"]["config"]
            for resource in self._of("EnvoyFilter")
            if resource["metadata"]["namespace"] == "istio-system"
            for patch in resource["spec"]["configPatches"]
            if patch["applyTo"] == "EXTENSION_CONFIG" and patch["patch"]["value"]["name"] == name
        )
        settings: Mapping[str, str] = json.loads(found["configuration"]["value"])
        return settings

    def _patches(self, applied_to: str, context: str) -> Iterator[Resource]:
        for resource in self._of("EnvoyFilter"):
            for patch in resource["spec"]["configPatches"]:
                if patch["applyTo"] == applied_to and patch["match"]["context"] == context:
                    yield patch

    def _of(self, kind: str) -> Iterable[Resource]:
        return (resource for resource in self.resources if resource["kind"] == kind)


def _is_script(patch: Resource) -> bool:
    return patch["patch"]["value"]["name"] in (NAMES, ENTRY)


def namings_in(script: str) -> Iterator[LaneNaming]:
    """What the script's tables say."""
    lanes = table(script, "LANES")
    for each in table(script, "HEADERS"):
        begin = f"{each['header']}="
        own = {k.removeprefix(begin): lane for k, lane in lanes.items() if k.startswith(begin)}
        others, cookies, query = (tuple(each[place]) for place in ("others", "cookies", "query"))
        yield LaneNaming(each["header"], others, cookies, query, own)


def table(script: str, name: str) -> Any:
    """A table of constants of Lua, as Python has it; an empty one is a list."""
    (line,) = (one for one in script.splitlines() if one.startswith(f"local {name} = "))
    return _constant(iter(re.findall(r'"[^"]*"|[{}=,\[\]]|[0-9]+', line.partition(" = ")[2])))


def _constant(tokens: Iterator[str], token: str = "") -> Any:
    token = token or next(tokens)
    if token != "{":
        text = re.sub(r"\\([0-9]{3})", lambda code: chr(int(code[1])), token.strip('"'))
        return text if token[0] == '"' else int(token)
    items: list[Any] = []
    pairs: dict[Any, Any] = {}
    for token in tokens:
        if token == "}":
            break
        if token == "[":
            key = _constant(tokens)
            assert (next(tokens), next(tokens)) == ("]", "=")
            pairs[key] = _constant(tokens)
        elif token != ",":
            items.append(_constant(tokens, token))
    return pairs or items


def _weighted(destination: Resource) -> Resource:
    """A destination as a weighted cluster. Without a subset Istio routes to the whole service."""
    to = destination["destination"]
    cluster = f"outbound|{to['port']['number']}|{to.get('subset', '')}|{to['host']}"
    added = [
        {"header": {"key": key, "value": value}, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}
        for key, value in destination.get("headers", {}).get("request", {}).get("set", {}).items()
    ]
    weight = destination.get("weight", 100)
    removed = destination.get("headers", {}).get("request", {}).get("remove", [])
    return {
        "name": cluster,
        "weight": weight,
        "request_headers_to_add": added,
        "request_headers_to_remove": removed,
    }


def _added(headers: Mapping[str, str], option: Resource) -> Mapping[str, str]:
    key, value = option["header"]["key"], option["header"]["value"]
    if option["append_action"] == "ADD_IF_ABSENT" and key in headers:
        return headers
    if value == "%UNIQUE_ID%":
        value = FRESH_ID
    return {**headers, key: value}
