"""What a service of a group becomes: subsets, routes by lane, and the fallback between them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from laneway.compile.equality_subsets import subset_labels
from laneway.compile.ir import Route, ServiceRoutes, Target
from laneway.compile.istio import names, patches
from laneway.compile.istio.callers import Caller
from laneway.compile.istio.options import Options
from laneway.compile.istio.resources import (
    NETWORKING,
    Document,
    destination,
    document,
    named_lane,
    retries,
)
from laneway.model.caller_rules import CallerRule
from laneway.model.lanes import Lane, LaneGroup


def service_documents(
    group: LaneGroup, routes: ServiceRoutes, callers: Sequence[Caller], options: Options
) -> Iterator[Document]:
    """Nothing for a service that no lane contains."""
    if not routes.subsets:
        return
    service = routes.service
    yield _destination_rule(group, routes)
    yield _virtual_service(group, routes, callers)
    patched = [
        part
        for route in routes.by_port.values()
        for part in patches.added_clusters(patches.SIDECAR, lane_targets(route).values())
    ]
    patched += [
        patches.merged_route(patches.SIDECAR, branch.name, _patch(branch))
        for route in routes.by_port.values()
        for branch in _branches(group, routes, route, callers)
        if not _is_refused(routes, branch.target)
    ]
    name = names.root_object(routes.service.name)
    yield patches.envoy_filter(options.root_namespace, name, group, patched)
    if service.selector:
        name, namespace = names.service_object(service.name), service.name.namespace
        patch = patches.unreachable_header()
        yield patches.envoy_filter(namespace, name, group, patch, service.selector)


def lane_targets(route: Route) -> dict[str, Target]:
    """The lanes whose target differs from that of a request without a lane."""
    return {
        lane: target
        for choice in route.choices
        for lane, target in choice.lanes.items()
        if target != route.default
    }


def last_resorts(routes: ServiceRoutes) -> set[str]:
    """The subsets that are last in their chain."""
    targets = [
        target
        for route in routes.by_port.values()
        for target in (*lane_targets(route).values(), route.default)
    ]
    return {target.chain[-1] for target in targets if target.chain}


def _destination_rule(group: LaneGroup, routes: ServiceRoutes) -> Document:
    """Only subsets have policies, so that a user's own DestinationRule keeps its policy."""
    service = routes.service
    last = last_resorts(routes)
    subsets = [_subset(lane, lane.name in last) for lane in routes.subsets]
    spec = {"exportTo": ["*"], "host": service.host, "subsets": subsets}
    name, namespace = names.service_object(service.name), service.name.namespace
    return document(NETWORKING, "DestinationRule", namespace, name, group, spec)


def _subset(lane: Lane, last_resort: bool) -> Document:
    """Eject an instance at the first failure to connect, never for what an application answers.

    Without a fallback the last instance stays: trying it is better than certain failure.
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


def _virtual_service(
    group: LaneGroup, routes: ServiceRoutes, callers: Sequence[Caller]
) -> Document:
    service = routes.service
    http = [
        _http_route(routes, branch)
        for route in routes.by_port.values()
        for branch in _branches(group, routes, route, callers)
    ]
    spec = {"exportTo": ["*"], "hosts": [service.host], "http": http}
    name, namespace = names.service_object(service.name), service.name.namespace
    return document(NETWORKING, "VirtualService", namespace, name, group, spec)


@dataclass(frozen=True, slots=True)
class _Branch:
    """A route for some calls to a port. Calls of ``caller`` name its lane from then on."""

    name: str
    matches: list[Document]
    target: Target
    lane: str | None = None
    caller: Caller | None = None
    header: str = ""


def _branches(
    group: LaneGroup, routes: ServiceRoutes, route: Route, callers: Sequence[Caller]
) -> Iterator[_Branch]:
    """Of one port: the callers whose lane decides; each lane that goes its own way; callers whose
    lane decides where the call names none; then the baseline's."""
    port = {"port": route.default.port.port} if len(routes.by_port) > 1 else {}
    header = group.route_header.lower()
    always = [each for each in callers if each.rule is CallerRule.ALWAYS]
    for caller in always:
        yield _of_caller(route, caller, header, port)
    for lane, target in lane_targets(route).items():
        match = {"headers": {header: {"exact": lane}}, **port}
        yield _Branch(names.service_route(target, lane), [match], target, lane)
    none = {"withoutHeaders": {header: {"regex": ".+"}}}
    for caller in callers:
        if caller.rule is CallerRule.WITHOUT_LANE:
            yield _of_caller(route, caller, header, {**none, **port})
    rest = route.default
    yield _Branch(names.service_route(rest, None), [port] if port else [], rest)


def _of_caller(route: Route, caller: Caller, header: str, condition: Document) -> _Branch:
    target = route.default
    for choice in route.choices:
        target = choice.lanes.get(caller.lane, target)
    matches = [{**source, **condition} for source in caller.sources]
    name = names.caller_route(target, caller.lane)
    return _Branch(name, matches, target, caller.lane, caller, header)


def _patch(branch: _Branch) -> Document:
    filled_in: Document = {}
    if branch.caller is not None and branch.caller.trace_header is not None:
        filled_in = patches.filled_in([branch.caller.trace_header])
    return {"route": {**patches.to_target(branch.target), **patches.tried_again()}, **filled_in}


def _is_refused(routes: ServiceRoutes, target: Target) -> bool:
    """A strict lane that lacks the service."""
    lanes = {lane.name for lane in routes.subsets}
    return bool(target.chain) and target.chain[0] not in lanes


def _http_route(routes: ServiceRoutes, branch: _Branch) -> Document:
    head: Document = {"name": branch.name}
    if branch.matches:
        head["match"] = branch.matches
    if _is_refused(routes, branch.target):
        body = f"laneway: lane {branch.lane} has no {routes.service.name} and is strict\n"
        return {**head, "directResponse": {"status": 503, "body": {"string": body}}}
    named = named_lane(branch.header, branch.caller.lane) if branch.caller else {}
    to = [{"destination": destination(branch.target)}]
    return {**head, **named, "route": to, "retries": retries()}
