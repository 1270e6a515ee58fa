"""The objects of a service in a group: a Service for each lane, and HTTPRoutes that choose one."""

from __future__ import annotations

from collections.abc import Iterator

from laneway.compile.equality_subsets import subset_labels
from laneway.compile.gateway_api import names
from laneway.compile.gateway_api.matches import Match
from laneway.compile.gateway_api.names import LaneServices
from laneway.compile.gateway_api.resources import (
    Backend,
    Document,
    Rule,
    document,
    http_route,
    parent,
)
from laneway.compile.gateway_api.route_splitting import packed
from laneway.compile.ir import Route, ServiceRoutes, Target
from laneway.model.lanes import Lane, LaneGroup
from laneway.model.names import ObjectName
from laneway.model.services import Service, ServicePort


def service_documents(
    group: LaneGroup, routes: ServiceRoutes, services: LaneServices
) -> Iterator[Document]:
    """Nothing for a service that no lane contains."""
    if not routes.subsets:
        return
    lanes = {lane.name: lane for lane in routes.subsets}
    for lane in names.served_lanes(routes):
        yield _lane_service(
            group, routes.service, lanes.get(lane), services[routes.service.name, lane]
        )
    several = len(routes.by_port) > 1
    for number, route in routes.by_port.items():
        port = number if several else None
        of = parent("", "Service", routes.service.name.name, port)
        for part, rules in enumerate(packed(_rules(group, route, services))):
            name = names.service_routes(routes.service.name, port, part)
            yield http_route(name, group.name, of, rules)


def backend(target: Target, services: LaneServices) -> Backend:
    """The first lane of the chain. (Falling back to a later one would require health checks.)

    Without a chain: all instances of the service, whether they are in lanes or not.
    """
    own = target.service.name
    service = services[own, target.chain[0]] if target.chain else own
    return Backend(service, target.port.port)


def _rules(group: LaneGroup, route: Route, services: LaneServices) -> Iterator[Rule]:
    """The baseline's rule is the first, so its position does not change when lanes are added or
    removed. Rules of lanes still take precedence, because they have more conditions."""
    default = backend(route.default, services)
    yield Rule((Match(),), (default,))
    by_backend: dict[Backend, list[Match]] = {}
    for choice in route.choices:
        for lane, target in choice.lanes.items():
            to = backend(target, services)
            named = Match().with_header(choice.header, lane)
            if to != default and named is not None:
                by_backend.setdefault(to, []).append(named)
    for to, matches in by_backend.items():
        yield Rule(tuple(matches), (to,))


def _lane_service(
    group: LaneGroup, service: Service, lane: Lane | None, name: ObjectName
) -> Document:
    """A Service without a selector has no instances: for a lane that lacks the service, or whose
    labels contradict the service's own."""
    ports = [_port(port, alone=len(service.ports) == 1) for port in service.ports]
    spec: Document = {"ports": ports}
    labels = subset_labels(lane) if lane else {}
    selector = {**service.selector, **labels} if labels and service.selector else {}
    if selector and service.selector.items() <= selector.items():
        spec["selector"] = selector
    return document("v1", "Service", name.namespace, name.name, group.name, spec)


def _port(port: ServicePort, alone: bool) -> Document:
    """Kubernetes requires names if there are several ports."""
    name = port.name or ("" if alone else f"port-{port.port}")
    named: Document = {"name": name} if name else {}
    protocol = {"appProtocol": port.app_protocol} if port.app_protocol else {}
    return {
        **named,
        **protocol,
        "port": port.port,
        "protocol": "TCP",
        "targetPort": port.workload_port,
    }
