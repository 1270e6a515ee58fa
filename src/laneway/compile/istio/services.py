"""What a service of a group becomes: subsets, routes by lane, and the fallback between them."""

from __future__ import annotations

from collections.abc import Iterator

from laneway.compile.equality_subsets import subset_labels
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
    service = routes.service
    yield _destination_rule(group, routes)
    yield _virtual_service(group, routes)
    patched = [
        part
        for route in routes.by_port.values()
        for part in patches.added_clusters(patches.SIDECAR, lane_targets(route).values())
    ]
    patched += [
        patches.merged_route(
            patches.SIDECAR,
            names.service_route(target, lane),
            {"route": {**patches.to_target(target), **patches.tried_again()}},
        )
        for route in routes.by_port.values()
        for lane, target in _branches(route)
        if not _is_refused(routes, target)
    ]
    name = names.root_object(routes.service.name)
    yield patches.envoy_filter(options.root_namespace, name, group, patched)
    if service.selector:
        name, namespace = names.service_object(service.name), service.name.namespace
        told = patches.unreachable_told()
        yield patches.envoy_filter(namespace, name, group, told, service.selector)


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
        "labels": dict(subset_labels(lane)),
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
    for lane, target in _branches(route):
        named = {group.route_header.lower(): {"exact": lane}}
        match = port if lane is None else {"headers": named, **port}
        yield _route(routes, target, lane, match)


def _branches(route: Route) -> Iterator[tuple[str | None, Target]]:
    """Lane and target; the last is for all others."""
    yield from lane_targets(route).items()
    yield None, route.default


def _is_refused(routes: ServiceRoutes, target: Target) -> bool:
    """A strict lane that lacks the service."""
    lanes = {lane.name for lane in routes.subsets}
    return bool(target.chain) and target.chain[0] not in lanes


def _route(routes: ServiceRoutes, target: Target, lane: str | None, match: Document) -> Document:
    head: Document = {"name": names.service_route(target, lane)}
    if match:
        head["match"] = [match]
    if _is_refused(routes, target):
        body = f"laneway: lane {lane} has no {routes.service.name} and is strict\n"
        return {**head, "directResponse": {"status": 503, "body": {"string": body}}}
    return {**head, "route": [{"destination": destination(target)}], "retries": retries()}
