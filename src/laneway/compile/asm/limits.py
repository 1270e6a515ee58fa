"""The compile report of ASM: which requests ASM answers differently from laneway."""

from __future__ import annotations

from collections.abc import Iterator

from laneway.compile.asm.gateways import entering_rules
from laneway.compile.asm.rule_order import asked_before
from laneway.compile.asm.services import ROOT_NAMESPACE
from laneway.compile.asm.strict_limits import strict_limits
from laneway.compile.equality_subsets import Platform, approximations
from laneway.compile.ir import GatewayRoutes, MeshRoutes
from laneway.model.application_protocols import not_http
from laneway.model.caller_rules import CallerRule
from laneway.model.findings import Finding, warning_about
from laneway.model.keys import key_of
from laneway.model.lanes import (
    IngressRule,
    Lane,
    LaneGroup,
    MemoryLimits,
    Mode,
    Propagation,
    RouteBy,
    Unmatched,
)
from laneway.model.meshes import Mesh
from laneway.model.rule_actions import NO_ACTIONS
from laneway.model.services import Service
from laneway.model.suggestions import listing
from laneway.model.trace_contexts import is_known

#: Every Envoy gateway adds this header to a request that lacks it.
_ALWAYS_THERE = "x-request-id"

PLATFORM = Platform("ASM", "ASM_SELECTOR_REFUSED", "ASM_SELECTOR_APPROXIMATED")


def limits(mesh: Mesh, routes: MeshRoutes) -> list[Finding]:
    """Warnings for users who apply the documents to ASM."""
    findings: list[Finding] = []
    before = asked_before(routes)
    for group in mesh.groups:
        lanes = mesh.lanes_by_group[group.name]
        findings += approximations(mesh, group, PLATFORM)
        if lanes:
            findings += _without_lane(group, lanes, routes)
            findings += _headers(group, lanes)
            findings += _label(mesh, group)
        if lanes and group.mode is Mode.STRICT:
            findings += strict_limits(mesh, routes, group)
        for lane in lanes:
            findings += _lane(group, lane)
            findings += _own_calls(mesh, group, lane)
            if first := before.get((group.name, lane.name)):
                findings += _own_rules(lane, *first)
    for service in routes.services.values():
        if service.subsets:
            findings += _service(service.service)
    for gateway in routes.gateways.values():
        findings += _gateway(gateway)
    return findings


def _service(service: Service) -> Iterator[Finding]:
    for index, port in enumerate(service.ports):
        if reason := not_http(port):
            yield warning_about(key_of(service), ("spec", "ports", index))(
                "ASM_PORT_NOT_HTTP",
                f"ASM does not route by lane at port {port.port} of {service.name}, which is not "
                f"HTTP according to {reason}",
                "if the port speaks HTTP, set appProtocol to http, http2 or grpc",
            )
    if service.headless:
        yield warning_about(key_of(service), ("spec", "clusterIP"))(
            "ASM_HEADLESS",
            f"Service {service.name} is headless, so sidecars send a call to the pod that its "
            "caller chose by DNS, in any lane: lanes apply only at the gateway",
            "let callers use a Service with a clusterIP",
        )


def _without_lane(
    group: LaneGroup, lanes: tuple[Lane, ...], routes: MeshRoutes
) -> Iterator[Finding]:
    gateways = [each for name, each in routes.gateways.items() if name == group.gateway]
    entering = {rule for gateway in gateways for rule in entering_rules(gateway, group)}
    named = any(id(rule) not in entering for lane in lanes for rule in lane.ingress)
    at_gateway = group.unmatched is Unmatched.BASELINE and named
    strict = group.mode is Mode.STRICT
    by_header = group.propagation is not Propagation.TRACE and not strict
    places = ["at the gateway"] * at_gateway + ["between services"] * by_header
    refused = [f"has no route (404) {' and '.join(places)}"] if places else []
    if refused:
        yield warning_about(key_of(group), ("spec", "routeHeader"))(
            "ASM_NO_ROUTE_WITHOUT_LANE",
            f"in ASM a request without a lane of group {group.name} in {group.route_header} "
            f"{' and '.join(refused)}; in laneway it goes to the baseline",
            "send the header, or add a default route to the VirtualServices",
        )


def _headers(group: LaneGroup, lanes: tuple[Lane, ...]) -> Iterator[Finding]:
    warning = warning_about(key_of(group), ("spec", "traceHeader"))
    strict = group.mode is Mode.STRICT  # applications need pass on nothing there
    if group.propagation is Propagation.BAGGAGE:
        yield warning("ASM_BAGGAGE", *_baggage(group))
    if group.propagation is Propagation.TRACE and not strict:
        there = group.trace_header.lower() == _ALWAYS_THERE
        yield warning(
            "ASM_TRACE_ID_NEEDED",
            f"ASM keeps the lanes of group {group.name} only by {group.trace_header}: a call "
            f"without it goes to the baseline, even if it has {group.route_header}"
            + ("" if there else "; and the gateway adds none to a request that has none"),
            "let all applications pass it on"
            + ("" if there else f"; send it with each request, or choose {_ALWAYS_THERE}"),
        )
    if group.route_by != RouteBy():
        yield warning_about(key_of(group), ("spec", "routeBy"))(
            "ASM_NO_ROUTE_BY",
            f"in ASM only {group.route_header} can name a lane of group {group.name}",
            f"send {group.route_header}",
        )
    if group.propagation is Propagation.TRACE and is_known(group.trace_header):
        yield warning(
            "ASM_TRACE_FORMAT",
            f"laneway reads the trace id in {group.trace_header}; ASM does not document whether it "
            "does so or compares the whole value, which changes at each hop",
            "test it in ASM, or choose a header that stays the same, such as x-request-id",
        )
    if group.propagation is Propagation.TRACE and group.trace_memory != MemoryLimits():
        yield warning_about(key_of(group), ("spec", "traceMemory"))(
            "ASM_TRACE_MEMORY",
            f"ASM decides how many trace ids of group {group.name} it remembers, and for how long",
            "remove spec.traceMemory",
        )
    if len(lanes) > 1 or group.unmatched is Unmatched.NOT_FOUND:
        yield warning_about(key_of(group), ("spec", "routeHeader"))(
            "ASM_LANE_NAMED_TWICE",
            f"in ASM a request with several {group.route_header} headers gets a lane of group "
            f"{group.name} that one of them names; in laneway it gets none",
            "send the header once",
        )


def _baggage(group: LaneGroup) -> tuple[str, str]:
    """The message and the fix."""
    if group.mode is Mode.STRICT:
        return (
            f"in ASM a request names a lane of the strict group {group.name} in "
            f"{group.route_header} alone, not in baggage",
            f"send {group.route_header}",
        )
    return (
        f"ASM needs an ASMHeaderPropagation to keep the lanes of group {group.name} in "
        "baggage, which is not among the documents",
        f"declare one for the header {group.route_header} in every namespace of the group",
    )


def _label(mesh: Mesh, group: LaneGroup) -> Iterator[Finding]:
    others = [service for service in mesh.services if service.name not in group.services]
    if group.propagation is Propagation.TRACE and group.mode is Mode.PERMISSIVE and others:
        yield warning_about(key_of(group), ("spec", "services"))(
            "ASM_LABEL_OF_CALLER",
            f"in ASM a call into group {group.name} from a service outside it (such as "
            f"{others[0].name}) gets the lane that the caller's own group remembers for its trace "
            f"id, whatever {group.route_header} says",
            "add the callers to the group, or let applications pass on the route header itself",
        )


def _lane(group: LaneGroup, lane: Lane) -> Iterator[Finding]:
    def warning(field: str, code: str, message: str, fix: str) -> Finding:
        return warning_about(key_of(lane), ("spec", field))(code, message, fix)

    if lane.fallback:
        yield warning(
            "fallback",
            "ASM_ONE_FALLBACK",
            f"ASM has only one fallback, so lane {lane.name} falls back directly to the baseline "
            "there",
            "remove spec.fallback, or name services' baselines in the group",
        )
    if lane.mode not in (None, group.mode):
        yield warning("mode", "ASM_ONE_MODE", *_one_mode(group, lane))
    if lane.weight:
        yield warning(
            "weight",
            "ASM_NO_WEIGHT",
            f"the documents send no requests to lane {lane.name} by weight",
            "set weights in ASM's console, or in your own VirtualService",
        )
    if lane.names:
        yield warning(
            "names",
            "ASM_NO_NAMES",
            f"in ASM only the value {lane.name} names lane {lane.name}; its other names are "
            "ignored",
            f"send {group.route_header}: {lane.name}",
        )
    if any(rule.enter and rule.online for rule in lane.ingress):
        yield warning(
            "ingress",
            "ASM_NO_ENTER",
            f"in ASM a request enters lane {lane.name} only if it names the lane; enter has no "
            "effect on its rules",
            f"send {group.route_header}: {lane.name}, or set the header in your own VirtualService",
        )
    acting = [rule.name for rule in lane.ingress if rule.online and rule.actions != NO_ACTIONS]
    if acting:
        yield warning(
            "ingress",
            "ASM_NO_ACTIONS",
            f"the documents do not say what rules of lane {lane.name} do with requests besides "
            f"routing them ({listing(acting)})",
            "add the actions to the VirtualServices that ASM generates, in its console",
        )


def _own_calls(mesh: Mesh, group: LaneGroup, lane: Lane) -> Iterator[Finding]:
    """Of a lane that is the baseline, such calls are without a lane in laneway, too."""
    rule = mesh.caller_rules[group.name].get(lane.name)
    strict = (lane.mode or group.mode) is Mode.STRICT
    if rule is CallerRule.WITHOUT_LANE and not strict and lane is not mesh.baseline(group):
        yield warning_about(key_of(lane), ("spec", "callsWithoutLane"))(
            "ASM_CALLS_WITHOUT_LANE",
            f"in ASM a call without a lane goes to the baseline, even from a workload of lane "
            f"{lane.name}",
            f"let the application name the lane in {group.route_header}",
        )


def _one_mode(group: LaneGroup, lane: Lane) -> tuple[str, str]:
    """The message and the fix."""
    header = f"let applications pass on {group.route_header}"
    if group.mode is Mode.STRICT:
        return (
            f"ASM finds the lanes of a strict group by the calling pod, so requests of lane "
            f"{lane.name} that fell back do not return to it there",
            "remove spec.mode",
        )
    if group.propagation is Propagation.TRACE:
        return (
            f"ASM routes by trace id in one mode, so between services lane {lane.name} is "
            "permissive there, like its group",
            f"remove spec.mode, or {header}",
        )
    return (
        f"in ASM calls from workloads of lane {lane.name} belong to it only if they name it, "
        "because its group is permissive",
        f"remove spec.mode, or {header}",
    )


def _own_rules(lane: Lane, owner: Lane, rule: IngressRule) -> Iterator[Finding]:
    another = owner.group != lane.group
    of = f" of group {owner.group}" if another else ""
    yield warning_about(key_of(lane), ("spec", "ingress"))(
        "ASM_OWN_RULES_ALONE",
        f"in ASM only the rules of lane {lane.name} take requests that name it; in laneway rule "
        f"{rule.name} of lane {owner.name}{of} takes precedence for some of them",
        "give each group its own hosts or paths"
        if another
        else "add that rule to the lane as well",
    )


def _gateway(routes: GatewayRoutes) -> Iterator[Finding]:
    for server in routes.servers:
        for host in server.virtual_hosts:
            namespaces = server.server.namespaces_of(host.domain)
            if namespaces is not None and ROOT_NAMESPACE not in namespaces:
                yield warning_about(key_of(routes.gateway), ("spec", "servers"))(
                    "ASM_HOST_OF_NAMESPACE",
                    f"Gateway {routes.gateway.name} accepts routes of {host.domain} only from "
                    f"namespace {' or '.join(namespaces)}, but ASM's are in {ROOT_NAMESPACE}",
                    f"add {ROOT_NAMESPACE}/{host.domain} to the gateway's hosts",
                )
    if len(routes.groups) > 1:
        yield warning_about(key_of(routes.gateway), ("spec", "servers"))(
            "ASM_GROUPS_SHARE_GATEWAY",
            f"in ASM a request at Gateway {routes.gateway.name} that names lanes of several of "
            f"the groups {', '.join(sorted(routes.groups))}, or meets a rule of a strict one, goes "
            "to the one created first that has a rule for it; in laneway the more specific rule "
            "takes it",
            "give each group its own gateway, or rules that do not overlap",
        )
