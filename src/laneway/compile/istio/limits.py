"""The compile report: where upstream Istio cannot do what laneway's own proxies do.

Read this beside ``documents``. Each limitation is a finding about the object that it concerns.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from laneway.compile.equality_subsets import Platform, approximations
from laneway.compile.ir import GatewayRoutes, MeshRoutes, ServiceRoutes
from laneway.compile.istio.regexes import LONGEST, refused
from laneway.compile.istio.services import lane_targets
from laneway.model.application_protocols import not_http
from laneway.model.callers import Callers
from laneway.model.findings import Finding, warning_about
from laneway.model.hosts import host_covers
from laneway.model.keys import key_of
from laneway.model.lanes import Lane, LaneGroup, Mode, Unmatched
from laneway.model.meshes import Mesh

#: More routes by lane than this are reported: 100 cost a proxy about 5 µs for each request.
MANY_LANES = 100

PLATFORM = Platform("Istio", "ISTIO_SELECTOR_REFUSED", "ISTIO_SELECTOR_APPROXIMATED")


def limits(mesh: Mesh, routes: MeshRoutes) -> list[Finding]:
    """Warnings, in the order of the mesh's objects."""
    findings: list[Finding] = []
    for group in mesh.groups:
        lanes = mesh.lanes_by_group[group.name]
        services = [routes.services[name] for name in group.services]
        findings += _fallback(group, services)
        findings += _strict(group, lanes)
        findings += _named_twice(group, lanes)
        findings += _callers(mesh, routes, lanes)
        findings += approximations(mesh, group, PLATFORM)
    for service in routes.services.values():
        if service.group is not None:
            findings += _service(service)
    for gateway in routes.gateways.values():
        findings += _gateway(gateway)
        findings += _refused_rules(gateway)
        findings += _actions(gateway)
    return findings


def _fallback(group: LaneGroup, services: Iterable[ServiceRoutes]) -> Iterator[Finding]:
    chains = [
        target.chain
        for service in services
        for route in service.by_port.values()
        for target in lane_targets(route).values()
    ]
    warning = warning_about(key_of(group), ("spec", "mode"))
    if chains:
        yield warning(
            "ISTIO_DEAD_APPLICATION",
            f"Istio does not eject an instance of group {group.name} whose application is dead: "
            "each request may try it once or twice before another instance answers",
            "give pods a readiness probe: a pod that is not ready gets no requests",
        )
    if any(len(chain) > 1 for chain in chains):
        yield warning(
            "ISTIO_SPILL_UNDER_EJECTION",
            f"in Istio a lane of group {group.name} sends some requests to its fallback if fewer "
            "than about 71 % of its ready instances are reachable; in laneway, only if none is",
            "give pods a readiness probe: pods that are not ready do not count",
        )


def _strict(group: LaneGroup, lanes: Iterable[Lane]) -> Iterator[Finding]:
    strict = [lane.name for lane in lanes if (lane.mode or group.mode) is Mode.STRICT]
    if strict:
        yield warning_about(key_of(group), ("spec", "mode"))(
            "ISTIO_STRICT_UNEXPLAINED",
            "in Istio the 503 of a strict lane without an instance does not name the lane and the "
            f"service (group {group.name})",
            "look for UH in the access log of the caller's proxy; %UPSTREAM_CLUSTER% names both",
        )


def _callers(mesh: Mesh, routes: MeshRoutes, lanes: Iterable[Lane]) -> Iterator[Finding]:
    """Pods that two lanes select belong to neither, which a match by labels cannot express."""
    callers = Callers(mesh)
    for lane in lanes:
        known = lane.name in routes.caller_rules.get(lane.group, {})
        shared = (callers.overlapping(lane, name) for name in lane.services)
        if known and (other := next(filter(None, shared), None)):
            yield warning_about(key_of(lane), ("spec", "selector"))(
                "ISTIO_CALLERS_SHARED",
                f"in Istio calls without a lane from workloads of lane {lane.name} stay without "
                f"one, because lane {other.name} also selects some of these workloads",
                "give each lane labels that no other lane's workloads have",
            )


def _named_twice(group: LaneGroup, lanes: tuple[Lane, ...]) -> Iterator[Finding]:
    if len(lanes) > 1 or (lanes and group.unmatched is Unmatched.NOT_FOUND):
        yield warning_about(key_of(group), ("spec", "routeHeader"))(
            "ISTIO_LANE_NAMED_TWICE",
            f"in Istio a request with several {group.route_header} headers gets the first declared "
            f"lane of group {group.name} that one of them names; in laneway it gets none",
            "send the header once",
        )


def _service(routes: ServiceRoutes) -> Iterator[Finding]:
    service = routes.service
    warning = warning_about(key_of(service), ("spec", "ports"))
    for port in service.ports if routes.subsets else ():
        if reason := not_http(port):
            yield warning(
                "ISTIO_PORT_NOT_HTTP",
                f"Istio does not route by lane at port {port.port} of {service.name}, which is not "
                f"HTTP according to {reason}: requests go to any version",
                "if the port speaks HTTP, set appProtocol to http, http2 or grpc",
            )
    if routes.subsets and service.headless:
        yield warning_about(key_of(service), ("spec", "clusterIP"))(
            "ISTIO_HEADLESS",
            f"Service {service.name} is headless, so Istio's sidecars send a call to the pod that "
            "its caller chose by DNS, in any lane: lanes apply only at the gateway",
            "let callers use a Service with a clusterIP, or set "
            "PILOT_ENABLE_EDS_FOR_HEADLESS_SERVICES=true in istiod",
        )
    number = max((len(lane_targets(route)) for route in routes.by_port.values()), default=0)
    if number > MANY_LANES:
        yield warning(
            "ISTIO_MANY_LANES",
            f"Istio's proxies try up to {number} routes, one after another, for each request to "
            f"{service.name}; laneway's proxies look up the lane in a map",
            "remove lanes, or services from lanes, that are no longer needed",
        )


def _gateway(routes: GatewayRoutes) -> Iterator[Finding]:
    gateway = routes.gateway
    warning = warning_about(key_of(gateway), ("spec", "servers"))
    for server in routes.servers:
        hosts = server.server.hosts
        covered = [(a, b) for a in hosts for b in hosts if a != b and host_covers(a, b)]
        served = {host.domain: [id(r) for r in host.routes] for host in server.virtual_hosts}
        for wide, narrow in covered:
            if served.get(narrow) != served.get(wide) and wide in served:
                yield warning(
                    "ISTIO_HOSTS_OVERLAP",
                    f"port {server.server.port} of Gateway {gateway.name} serves both {wide} and "
                    f"{narrow}: Istio may try the rules of {wide} first for {narrow}",
                    f"remove {narrow} from the gateway's hosts: {wide} covers it",
                )
    if (routes.baggage or routes.naming) and not gateway.selector:
        where = ["in baggage"] * bool(routes.baggage)
        where += ["by another name or enters by a rule"] * bool(routes.naming)
        yield warning(
            "ISTIO_GATEWAY_WITHOUT_SELECTOR",
            f"Gateway {gateway.name} has no selector for its pods, so it does not find the lane of "
            f"a request that names it {' or '.join(where)}",
            "add a selector to the Gateway",
        )
    for context in () if gateway.selector else routes.trace_contexts:
        yield warning(
            "ISTIO_GATEWAY_WITHOUT_SELECTOR",
            f"Gateway {gateway.name} has no selector for its pods, so it adds no "
            f"{context.trace_header} to requests without one: group {context.group} loses their "
            "lane",
            "add a selector to the Gateway",
        )
    if len(routes.groups) > 1:
        yield warning(
            "ISTIO_GROUPS_SHARE_GATEWAY",
            f"groups {', '.join(sorted(routes.groups))} share the objects generated for Gateway "
            f"{gateway.name}",
            "give each group its own gateway if they must change independently",
        )


def _refused_rules(gateway: GatewayRoutes) -> Iterator[Finding]:
    """One finding for each rule, wherever it has the regex and however many domains it has."""
    refusals = {
        (key_of(lane), lane.ingress.index(rule)): regex
        for server in gateway.servers
        for host in server.virtual_hosts
        for route in host.routes
        if (regex := refused(route))
        for lane, rule in route.rules
    }
    for (lane_key, index), regex in refusals.items():
        yield warning_about(lane_key, ("spec", "ingress", index))(
            "ISTIO_REGEX_REFUSED",
            f"Istio refuses the regular expression `{regex[:40]}{'...' if regex[40:] else ''}`, so "
            "this rule is left out of the gateway's routes",
            f"write at most {LONGEST:,} bytes, without \\C; split the rule if its list is long",
        )


def _actions(gateway: GatewayRoutes) -> Iterator[Finding]:
    """An instance whose application is dead is not set aside, and one that is too slow is."""
    acting = {
        (key_of(lane), lane.ingress.index(rule)): rule
        for server in gateway.servers
        for host in server.virtual_hosts
        for route in host.routes
        for lane, rule in route.rules
    }
    for (lane_key, index), rule in acting.items():
        warning = warning_about(lane_key, ("spec", "ingress", index, "actions"))
        retries = rule.actions.retries
        if retries is not None:
            yield warning(
                "ISTIO_RETRIES_MEET_DEAD_APPLICATION",
                f"in Istio a request of rule {rule.name} that meets a dead application is tried "
                "again in the same lane, and may be answered 503; in laneway it falls back",
                "give pods a readiness probe: one that is not ready gets no requests",
            )
        if rule.actions.timeout or (retries and retries.per_try_timeout):
            yield warning(
                "ISTIO_TIMEOUT_EJECTS",
                f"in Istio an instance that takes longer than rule {rule.name} allows is set aside "
                "for some seconds, and other requests of its lane fall back meanwhile",
                "set times that an instance exceeds only when it hangs",
            )
