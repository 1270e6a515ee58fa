"""What a service of a group becomes: subsets, routes by lane, and the fallback between them."""

from __future__ import annotations

from collections.abc import Iterator

from laneway.compile.ir import Route, ServiceRoutes, Target
from laneway.compile.istio import names, patches
from laneway.compile.istio.options import Options
from laneway.compile.istio.resources import (
    NETWORKING,
    Document,
    destination,
    document,
    retries,
)
from laneway.model.lanes import Lane, LaneGroup


def service_documents(
    group: LaneGroup, routes: ServiceRoutes, options: Options
) -> Iterator[Document]:
    """Nothing for a service that no lane contains."""
    if not routes.subsets:
        return
    yield _destination_rule(group, routes)
    yield _virtual_service(group, routes)
    patched = [
        part
        for route in routes.by_port.values()
        for part in patches.added_clusters(patches.SIDECAR, lane_targets(route).values())
    ]
    patched += [
        patches.merged_route(patches.SIDECAR, names.service_route(target, lane), value)
        for route in routes.by_port.values()
        for lane, target in lane_targets(route).items()
        if (value := patches.to_chain(target))
    ]
    if patched:
        name = names.root_object(routes.service.name)
        yield patches.envoy_filter(options.root_namespace, name, group, patched)


def lane_targets(route: Route) -> dict[str, Target]:
    """The lanes that go another way than a request without one."""
    return {
        lane: target
        for choice in route.choices
        for lane, target in choice.lanes.items()
        if target != route.default
    }


def last_resorts(routes: ServiceRoutes) -> set[str]:
    """The subsets after which no other is tried."""
    targets = [
        target
        for route in routes.by_port.values()
        for target in (*lane_targets(route).values(), route.default)
    ]
    return {target.chain[-1] for target in targets if target.chain}


def _destination_rule(group: LaneGroup, routes: ServiceRoutes) -> Document:
    """Policies are the subsets' own, so that a DestinationRule of the user's keeps its policy."""
    service = routes.service
    last = last_resorts(routes)
    subsets = [_subset(lane, lane.name in last) for lane in routes.subsets]
    spec = {"exportTo": ["*"], "host": service.host, "subsets": subsets}
    name, namespace = names.service_object(service.name), service.name.namespace
    return document(NETWORKING, "DestinationRule", namespace, name, group, spec)


def _subset(lane: Lane, last_resort: bool) -> Document:
    """Eject an instance at the first failure to connect, never for what an application answers.

    Where no fallback follows, the last instance stays: to try it is better than to fail for sure.
    """
    detection = {
        "splitExternalLocalOriginErrors": True,
        "consecutiveLocalOriginFailures": 1,
        "consecutive5xxErrors": 0,
        "consecutiveGatewayErrors": 0,
        "interval": "1s",
        "baseEjectionTime": "5s",
        "maxEjectionPercent": 99 if last_resort else 100,
        "minHealthPercent": 0,
    }
    return {
        "name": lane.name,
        "labels": dict(lane.selector),
        "trafficPolicy": {"outlierDetection": detection},
    }


def _virtual_service(group: LaneGroup, routes: ServiceRoutes) -> Document:
    service = routes.service
    http = [part for route in routes.by_port.values() for part in _routes(group, routes, route)]
    spec = {"exportTo": ["*"], "hosts": [service.host], "http": http}
    name, namespace = names.service_object(service.name), service.name.namespace
    return document(NETWORKING, "VirtualService", namespace, name, group, spec)


def _routes(group: LaneGroup, routes: ServiceRoutes, route: Route) -> Iterator[Document]:
    """Of one port: a route for each lane that goes its own way, then the baseline's."""
    several = len(routes.by_port) > 1
    port = {"port": route.default.port.port} if several else {}
    for lane, target in lane_targets(route).items():
        headers = {group.route_header.lower(): {"exact": lane}}
        yield _route(routes, target, lane, {"headers": headers, **port})
    yield _route(routes, route.default, None, port)


def _route(routes: ServiceRoutes, target: Target, lane: str | None, match: Document) -> Document:
    head: Document = {"name": names.service_route(target, lane)}
    if match:
        head["match"] = [match]
    if target.chain and all(target.chain[0] != subset.name for subset in routes.subsets):
        body = f"laneway: lane {lane} has no {routes.service.name} and is strict\n"
        return {**head, "directResponse": {"status": 503, "body": {"string": body}}}
    return {**head, "route": [{"destination": destination(target)}], "retries": retries()}
