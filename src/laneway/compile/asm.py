"""The ASM emitter: IR -> the documents that Alibaba Cloud Service Mesh generates for lanes.

Field for field, key order included, what ASM 1.18 prints for a permissive lane group: per service a
TrafficLabel (only where sidecars remember traces), a DestinationRule and a VirtualService; per lane
a VirtualService at the gateway. A group in strict mode gets the same without ``fallback``; that is
inferred, since ASM's documents show generated objects of permissive groups only.

``limits`` tells where the documents mean something else in ASM than the mesh does in laneway.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from laneway.compile.ingress import host_covers, precedence
from laneway.compile.ir import GatewayRoutes, MeshRoutes, ServiceRoutes
from laneway.model.findings import Finding, ObjectKey, Severity
from laneway.model.lanes import IngressRule, Lane, LaneGroup, Mode, Propagation
from laneway.model.matches import StringMatch
from laneway.model.meshes import Mesh
from laneway.model.names import ObjectName

Document = dict[str, Any]

ROOT_NAMESPACE = "istio-system"
LABEL = "asm-label"
_ISTIO = "networking.istio.io/v1beta1"
_ASM = "istio.alibabacloud.com/v1beta1"


def emit(mesh: Mesh, routes: MeshRoutes) -> Iterator[Document]:
    """The documents of every group, in the order in which ASM comes to create them.

    Lazily: a group of many lanes that pass on the route header has a match for every pair of lane
    and service.
    """
    for group in mesh.groups:
        services = [routes.services[name] for name in group.services]
        if group.propagation is Propagation.TRACE:
            yield from (_traffic_label(group, service) for service in services)
        if not mesh.lanes_by_group[group.name]:
            continue
        yield from (_destination_rule(group, service) for service in services)
        yield from (_service_routes(group, service) for service in services)
        if group.gateway is not None and group.gateway in routes.gateways:
            yield from _ingress(mesh, group, routes, routes.gateways[group.gateway])


def limits(mesh: Mesh, routes: MeshRoutes) -> list[Finding]:
    """Warnings: requests that ASM, given these documents, answers otherwise than laneway does."""
    return [
        Finding(
            code="ASM_NO_ROUTE_WITHOUT_LANE",
            message=(
                f"in ASM a request without a lane of group {group.name!r} in the header "
                f"{group.route_header!r} has no route (404) {where}; laneway sends it to the "
                "baseline"
            ),
            fix="send the header, or add a default route to the generated VirtualServices",
            subject=ObjectKey("LaneGroup", group.name),
            path=("spec", "routeHeader"),
            severity=Severity.WARNING,
        )
        for group in mesh.groups
        if mesh.lanes_by_group[group.name] and (where := _needs_lane(mesh, group))
    ]


def _needs_lane(mesh: Mesh, group: LaneGroup) -> str:
    ingress = any(lane.ingress for lane in mesh.lanes_by_group[group.name])
    places = ["at the gateway"] if ingress else []
    if group.propagation is Propagation.HEADER:
        places.append("between services")
    return " and ".join(places)


def _metadata(group: LaneGroup, name: str, namespace: str) -> Document:
    labels = {"asm-system": "true", "provider": "asm", "swimlane-group": group.name}
    return {"labels": labels, "name": name, "namespace": namespace}


def _traffic_label(group: LaneGroup, routes: ServiceRoutes) -> Document:
    service = routes.service
    value = f"$getExternalInboundRequestHeader({group.route_header}, {group.trace_header})"
    name = f"asm-swimlane-{group.name}-{service.name.name}"
    return {
        "apiVersion": _ASM,
        "kind": "TrafficLabel",
        "metadata": _metadata(group, name, service.name.namespace),
        "spec": {
            "rules": [{"labels": [{"name": LABEL, "valueFrom": [value]}]}],
            "workloadSelector": {"labels": dict(service.selector)},
        },
    }


def _destination_rule(group: LaneGroup, routes: ServiceRoutes) -> Document:
    name = f"trafficlabel-dr-{group.name}-{_dashed(routes.service.name)}"
    subsets = [{"labels": dict(lane.selector), "name": lane.name} for lane in routes.subsets]
    return {
        "apiVersion": _ISTIO,
        "kind": "DestinationRule",
        "metadata": _metadata(group, name, ROOT_NAMESPACE),
        "spec": {"host": routes.service.host, "subsets": subsets},
    }


def _service_routes(group: LaneGroup, routes: ServiceRoutes) -> Document:
    """One route by label where sidecars know it, else one for every lane of the group.

    Lanes without the service are matched too: their subset does not exist, which is what makes
    ``fallback`` act.
    """
    if group.propagation is Propagation.TRACE:
        http = [{"name": "default", "route": [_destination(group, routes, f"${LABEL}")]}]
    else:
        http = [
            {
                "match": [{"headers": {group.route_header: {"exact": lane.name}}}],
                "route": [_destination(group, routes, lane.name)],
            }
            for lane in routes.lanes
        ]
    return {
        "apiVersion": _ISTIO,
        "kind": "VirtualService",
        "metadata": _metadata(
            group, f"trafficlabel-vs-{group.name}-{_dashed(routes.service.name)}", ROOT_NAMESPACE
        ),
        "spec": {"hosts": [routes.service.host], "http": http},
    }


def _destination(
    group: LaneGroup, routes: ServiceRoutes, subset: str, port: Mapping[str, Any] | None = None
) -> Document:
    host: Document = {"host": routes.service.host}
    if port is not None:
        host["port"] = port
    has_baseline = any(lane.name == routes.baseline for lane in routes.subsets)
    baseline = {**host, "subset": routes.baseline} if has_baseline else host
    if routes.group is not group:  # an entry service of another group, or of none, has no such lane
        return {"destination": baseline}
    destination = {**host, "subset": subset}
    if group.mode is Mode.STRICT:
        return {"destination": destination}
    return {"destination": destination, "fallback": {"target": baseline}}


def _ingress(
    mesh: Mesh, group: LaneGroup, routes: MeshRoutes, gateway: GatewayRoutes
) -> Iterator[Document]:
    """A lane's VirtualServices at the gateway: one, unless its rules differ in their hosts."""
    rules_by_host = _rules_by_host(gateway)
    for lane in mesh.lanes_by_group[group.name]:
        for number, (hosts, rules) in enumerate(_split(lane, rules_by_host), 1):
            name = f"swimlane-ingress-vs-{group.name}-{lane.name}"
            suffix = "" if number == 1 else f"-{number}"
            yield {
                "apiVersion": _ISTIO,
                "kind": "VirtualService",
                "metadata": _metadata(group, name + suffix, ROOT_NAMESPACE),
                "spec": {
                    "gateways": [str(gateway.gateway.name)],
                    "hosts": hosts,
                    "http": [_ingress_route(group, lane, rule, routes) for rule in rules],
                },
            }


def _rules_by_host(gateway: GatewayRoutes) -> dict[str, list[tuple[Lane, IngressRule]]]:
    """Every declared host with the rules of all hosts that cover it, in order of precedence.

    Istio joins what several VirtualServices say of one host, but not what they say of ``*`` and of
    ``a.example.com``: the latter must hold the rules of both.
    """
    found = {
        id(route): route for s in gateway.servers for v in s.virtual_hosts for route in v.routes
    }
    routes = sorted(found.values(), key=precedence)
    return {
        host: [pair for route in routes if host_covers(route.host, host) for pair in route.rules]
        for host in dict.fromkeys(route.host for route in routes)
    }


def _split(
    lane: Lane, rules_by_host: Mapping[str, list[tuple[Lane, IngressRule]]]
) -> Iterable[tuple[list[str], list[IngressRule]]]:
    """The lane's rules, with the hosts that share exactly these rules."""
    shared: dict[tuple[int, ...], tuple[list[str], list[IngressRule]]] = {}
    for host, pairs in rules_by_host.items():
        rules = {id(rule): rule for owner, rule in pairs if owner is lane}
        if rules:
            shared.setdefault(tuple(rules), ([], list(rules.values())))[0].append(host)
    return shared.values()


def _ingress_route(group: LaneGroup, lane: Lane, rule: IngressRule, routes: MeshRoutes) -> Document:
    service = routes.services[rule.destination]
    match: Document = {
        "headers": {
            **{name: _string_match(value) for name, value in sorted(rule.headers.items())},
            group.route_header: {"exact": lane.name},
        }
    }
    if rule.uri is not None:
        match["uri"] = _string_match(rule.uri)
    # Istio takes a destination without a port for the gateway's own port number, unless the
    # service has just one.
    several = len(service.service.ports) > 1
    port = service.service.port(rule.port) if several or rule.port is not None else None
    at = None if port is None else {"number": port.port}
    return {
        "match": [match],
        "name": rule.name,
        "route": [_destination(group, service, lane.name, at)],
    }


def _string_match(match: StringMatch) -> Document:
    return {match.kind.value: match.value}


def _dashed(name: ObjectName) -> str:
    return f"{name.namespace}-{name.name}"
