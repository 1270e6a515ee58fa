"""The compile report: where Gateway API cannot do what laneway's own proxies do.

Read this beside ``documents``. Each limitation is a finding about the object that it concerns. This
module covers groups and services; ``gateway_limits`` covers ingress rules.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from laneway.compile.equality_subsets import Platform, approximations
from laneway.compile.gateway_api.gateway_limits import gateway_limits
from laneway.compile.gateway_api.names import lane_services
from laneway.compile.gateway_api.options import Options
from laneway.compile.ir import MeshRoutes, ServiceRoutes
from laneway.model.application_protocols import not_http
from laneway.model.caller_rules import CallerRule
from laneway.model.findings import Finding, Severity
from laneway.model.keys import key_of
from laneway.model.lanes import Lane, LaneGroup, Mode, Propagation
from laneway.model.meshes import Mesh
from laneway.model.suggestions import listing

PLATFORM = Platform(
    "Kubernetes", "GATEWAY_API_SELECTOR_REFUSED", "GATEWAY_API_SELECTOR_APPROXIMATED"
)


def limits(mesh: Mesh, routes: MeshRoutes, options: Options) -> list[Finding]:
    """In the order of the mesh's objects."""
    findings: list[Finding] = []
    services = lane_services(mesh, routes)
    for group in mesh.groups:
        lanes = mesh.lanes_by_group[group.name]
        own = [routes.services[name] for name in group.services]
        findings += approximations(mesh, group, PLATFORM)
        if lanes:
            findings += _propagation(group)
            findings += _lane_header(group, lanes)
            findings += _strict(group, lanes)
            findings += _callers(group, routes.caller_rules.get(group.name, {}))
        for lane in lanes:
            findings += _failover(group, lane, own)
        for service in own:
            findings += _service(service)
    for gateway in routes.gateways.values():
        findings += gateway_limits(mesh, gateway, services, options)
    return findings


def _propagation(group: LaneGroup) -> Iterator[Finding]:
    key, path = key_of(group), ("spec", "traceHeader")
    remedy = (
        f"let applications pass on {group.route_header} themselves, or use a mesh for which "
        "laneway has another dialect"
    )
    if group.propagation is Propagation.TRACE:
        yield Finding(
            "GATEWAY_API_NO_TRACE_MEMORY",
            f"Gateway API cannot remember which lane each {group.trace_header} belongs to: from "
            f"the second service on, requests of group {group.name} go to the baseline",
            remedy,
            key,
            path,
            Severity.WARNING,
        )
    elif group.propagation is Propagation.BAGGAGE:
        yield Finding(
            "GATEWAY_API_NO_BAGGAGE",
            f"Gateway API cannot read a lane from baggage: from the second service on, requests of "
            f"group {group.name} go to the baseline, and from the first one on if only baggage "
            "names the lane",
            remedy,
            key,
            path,
            Severity.WARNING,
        )


def _lane_header(group: LaneGroup, lanes: tuple[Lane, ...]) -> Iterator[Finding]:
    if len(lanes) > 1:
        yield Finding(
            "GATEWAY_API_HEADER_TWICE",
            f"a request with more than one {group.route_header} header gets an "
            f"implementation-defined lane of group {group.name}; in laneway it gets none",
            "send the header once",
            key_of(group),
            ("spec", "routeHeader"),
            Severity.WARNING,
        )


def _strict(group: LaneGroup, lanes: Iterable[Lane]) -> Iterator[Finding]:
    strict = [lane.name for lane in lanes if (lane.mode or group.mode) is Mode.STRICT]
    if strict:
        yield Finding(
            "GATEWAY_API_STRICT_STATUS",
            f"where a strict lane of group {group.name} ({listing(strict)}) has no ready instance, "
            "the answer should be 503 but may be 500, and names neither the lane nor the service",
            "look at the HTTPRoute that took the request, and at the endpoints of its backend",
            key_of(group),
            ("spec", "mode"),
            Severity.WARNING,
        )


def _callers(group: LaneGroup, rules: Mapping[str, CallerRule]) -> Iterator[Finding]:
    if rules:
        yield Finding(
            "GATEWAY_API_CALLER_UNKNOWN",
            f"an HTTPRoute does not know the caller: calls from workloads of {listing(rules, 4)} "
            f"of group {group.name} stay in their lane only if applications pass on "
            f"{group.route_header}",
            f"let applications pass on {group.route_header}, which the gateway sets, or use a mesh "
            "for which laneway has another dialect",
            key_of(group),
            ("spec", "mode" if CallerRule.ALWAYS in rules.values() else "callsWithoutLane"),
            Severity.WARNING,
        )


def _failover(group: LaneGroup, lane: Lane, services: Iterable[ServiceRoutes]) -> Iterator[Finding]:
    """A lane that lacks a service falls back; a lane without a ready instance of it does not."""
    alone = [
        routes.service.name.name
        for routes in services
        if any(
            len(choice.lanes[lane.name].chain) > 1
            for route in routes.by_port.values()
            for choice in route.choices
            if choice.group == group.name and lane.name in choice.lanes
        )
    ]
    if alone:
        yield Finding(
            "GATEWAY_API_NO_FAILOVER",
            f"lane {lane.name} falls back only for services that it does not contain: where it has "
            f"no ready instance of {listing(alone, 4)}, the answer is 503, because Gateway API has "
            "no failover",
            "remove a service from the lane while the lane has no instance of it",
            key_of(lane),
            ("spec", "services"),
            Severity.WARNING,
        )


def _service(routes: ServiceRoutes) -> Iterator[Finding]:
    service = routes.service
    if not routes.subsets:
        return
    key = key_of(service)
    if not service.selector:
        yield Finding(
            "GATEWAY_API_NO_SELECTOR",
            f"Service {service.name} has no selector, so its lanes' Services have no endpoints",
            "add a selector",
            key,
            ("spec", "selector"),
            Severity.WARNING,
        )
    for index, port in enumerate(service.ports):
        if reason := not_http(port):
            yield Finding(
                "GATEWAY_API_PORT_NOT_HTTP",
                f"port {port.port} of {service.name} is not HTTP according to {reason}: a mesh "
                "that uses this information does not route its requests by lane",
                "if the port speaks HTTP, set appProtocol to http, kubernetes.io/h2c or grpc",
                key,
                ("spec", "ports", index),
                Severity.WARNING,
            )
    if service.headless:
        yield Finding(
            "GATEWAY_API_HEADLESS",
            f"Service {service.name} is headless: its callers choose a pod of any lane by DNS, and "
            "a mesh need not apply routes to such calls",
            "let callers use a Service with a clusterIP",
            key,
            ("spec", "clusterIP"),
            Severity.WARNING,
        )
    if len(service.ports) > 1:
        yield Finding(
            "GATEWAY_API_FEATURES",
            f"each HTTPRoute of {service.name} is for one port, which a mesh need not support",
            "check that your mesh supports HTTPRouteParentRefPort",
            key,
            ("spec", "ports"),
            Severity.NOTE,
        )
