"""The ASM emitter: IR -> the documents that Alibaba Cloud Service Mesh generates for lanes.

Field for field, key order included, what ASM 1.18 prints for a permissive lane group: per service a
TrafficLabel (only where sidecars remember traces), a DestinationRule and a VirtualService; per lane
a VirtualService at the gateway. A group in strict mode gets the same without ``fallback``; that is
inferred, since ASM's documents show generated objects of permissive groups only.

``limits`` tells where the documents, in ASM, mean something else than laneway's own data plane does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from laneway.compile.ingress import host_covers
from laneway.compile.ir import GatewayRoutes, IngressRoute, MeshRoutes, ServiceRoutes
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
        if group.gateway in routes.gateways:
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
    at = {} if port is None else {"port": port}
    destination = {"host": routes.service.host, **at, "subset": subset}
    if group.mode is Mode.STRICT:
        return {"destination": destination}
    target = {"host": routes.service.host, **at}
    if any(lane.name == routes.baseline for lane in routes.subsets):
        target["subset"] = routes.baseline
    return {"destination": destination, "fallback": {"target": target}}


def _ingress(
    mesh: Mesh, group: LaneGroup, routes: MeshRoutes, gateway: GatewayRoutes
) -> Iterator[Document]:
    """A lane's VirtualServices at the gateway: one for each distinct list of rules of its hosts.

    Istio joins what several VirtualServices say of one host, but not what they say of ``*`` and of
    ``a.example.com``; so each host is given the rules of every host that covers it. Nearly always
    that is one VirtualService; others have their number appended to its name.
    """
    for lane in mesh.lanes_by_group[group.name]:
        by_rules = _hosts_by_rules(lane, gateway)
        for number, (rules, hosts) in enumerate(by_rules.items(), 1):
            name = f"swimlane-ingress-vs-{group.name}-{lane.name}"
            http = [_ingress_route(group, lane, rule, routes) for rule in map(by_name(lane), rules)]
            yield {
                "apiVersion": _ISTIO,
                "kind": "VirtualService",
                "metadata": _metadata(
                    group, name if number == 1 else f"{name}-{number}", ROOT_NAMESPACE
                ),
                "spec": {"gateways": [str(gateway.gateway.name)], "hosts": hosts, "http": http},
            }
