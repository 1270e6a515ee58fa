"""Lowers gateways: turns the ingress rules of lanes into virtual hosts with ordered routes.

A rule of the baseline applies to all requests. Lanes usually repeat the baseline's rules (``/mock``
on any host). Then one route serves them all, and the route header chooses its target, so the number
of routes does not grow with the number of lanes. A rule that only other lanes have, or have with
other actions, applies only to requests that name one of these lanes. So adding or removing a lane
does not affect requests of others.

In a strict group, the rules themselves determine the lane that a request enters, whether it names
one or not (ASM's strict groups have no route header). The route header only chooses among lanes
with the same rule as the baseline, or as a lane that was declared earlier.
A rule with ``enter`` works as in any other group: its lane does not take requests that the rule did
not choose.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from laneway.compile.enter_rules import lane_names, lower_entries, lower_naming
from laneway.compile.ingress_precedence import precedence
from laneway.compile.ir import (
    BaggageMember,
    EnteredLane,
    EntryRule,
    GatewayRoutes,
    IngressRoute,
    LaneChoice,
    LaneNames,
    Route,
    ServerRoutes,
    ServiceRoutes,
    Share,
    Split,
    Target,
    TraceMemory,
    VirtualHost,
)
from laneway.compile.sticky_ranges import lay_out
from laneway.model.gateways import Gateway, GatewayServer
from laneway.model.hosts import host_covers
from laneway.model.lanes import IngressRule, Lane, LaneGroup, Mode, Propagation, Unmatched
from laneway.model.meshes import Mesh
from laneway.model.names import ObjectName
from laneway.model.rule_actions import RuleActions
from laneway.model.rule_conditions import Condition, conditions_of
from laneway.model.trace_contexts import is_known


@dataclass(frozen=True, slots=True)
class _Claim:
    """A lane's rule for one host.

    ``actions`` are those of the lane's first rule with the same condition.
    """

    group: LaneGroup
    lane: Lane
    rule: IngressRule
    condition: Condition
    actions: RuleActions


@dataclass(frozen=True, slots=True)
class _Common:
    """What happens to all requests that meet a condition. They enter ``lane``, if there is one."""

    actions: RuleActions
    lane: Lane | None = None

    def has(self, claim: _Claim) -> bool:
        return self.lane in (None, claim.lane) and self.actions == claim.actions


def lower_gateway(
    mesh: Mesh, gateway: Gateway, services: Mapping[ObjectName, ServiceRoutes]
) -> GatewayRoutes:
    """The routes of all ports of ``gateway``. A port without routes has no virtual host."""
    groups = [group for group in mesh.groups if group.gateway == gateway.name]
    claims = {group.name: list(_claims(mesh, group)) for group in groups}
    common = {group.name: _common(mesh, group, claims) for group in groups}
    routes: list[IngressRoute] = []
    for name, stated in common.items():
        own = [claim for claim in claims[name] if not _is_common(claim, stated)]
        routes += _own_routes(mesh, own, services)
    routes += _common_routes(mesh, claims, common, services)
    routes.sort(key=precedence)
    entries = lower_entries(mesh, groups, services)
    servers = tuple(
        ServerRoutes(server, tuple(_virtual_hosts(server, routes, entries)))
        for server in gateway.servers
    )
    members = [
        baggage_member(group) for group in groups if group.propagation is Propagation.BAGGAGE
    ]
    return GatewayRoutes(
        gateway,
        servers,
        tuple(members),
        tuple(lower_naming(mesh, groups)),
        _trace_contexts(groups),
    )


def _trace_contexts(groups: Iterable[LaneGroup]) -> tuple[TraceMemory, ...]:
    """One for each header, since several groups may need the same."""
    contexts: dict[str, TraceMemory] = {}
    for group in groups:
        if group.propagation is Propagation.TRACE and is_known(group.trace_header):
            contexts.setdefault(group.trace_header.lower(), trace_memory(group))
    return tuple(contexts.values())


def trace_memory(group: LaneGroup) -> TraceMemory:
    return TraceMemory(group.name, group.route_header, group.trace_header, group.trace_memory)


def baggage_member(group: LaneGroup) -> BaggageMember:
    return BaggageMember(group.name, group.route_header, group.baggage_key)


def _claims(mesh: Mesh, group: LaneGroup) -> Iterable[_Claim]:
    for lane in mesh.lanes_by_group[group.name]:
        stated: dict[Condition, RuleActions] = {}
        for rule in lane.ingress:
            if rule.online:
                for condition in conditions_of(rule):
                    actions = stated.setdefault(condition, rule.actions)
                    yield _Claim(group, lane, rule, condition, actions)


def _common(
    mesh: Mesh, group: LaneGroup, claims: Mapping[str, Sequence[_Claim]]
) -> Mapping[Condition, _Common]:
    """The conditions that apply to all requests, in order: those of the baseline. Without a
    baseline, those of all lanes.

    In a strict group, also conditions of other lanes: such requests enter the first lane with the
    condition. Not if another group has the same condition, because then a lane must be named.
    """
    baseline = mesh.baseline(group)
    own = claims[group.name]
    common: dict[Condition, _Common] = {}
    for claim in own:
        if baseline is None or claim.lane is baseline:
            common.setdefault(claim.condition, _Common(claim.actions))
    others = {c.condition for name, some in claims.items() if name != group.name for c in some}
    for claim in own:
        if _is_entered(claim) and claim.condition not in others:
            common.setdefault(claim.condition, _Common(claim.actions, claim.lane))
    return common


def _is_entered(claim: _Claim) -> bool:
    """Whether the lane's own rules determine that a request enters it. A rule with ``enter`` does
    so earlier, and only for its share of the requests that name no lane."""
    strict = claim.group.mode is Mode.STRICT and claim.lane.mode in (None, Mode.STRICT)
    return strict and not claim.rule.enter


def _common_routes(
    mesh: Mesh,
    claims: Mapping[str, list[_Claim]],
    common: Mapping[str, Mapping[Condition, _Common]],
    services: Mapping[ObjectName, ServiceRoutes],
) -> list[IngressRoute]:
    """Routes for all requests. Groups whose baselines have the same condition share a route."""
    stating: dict[Condition, list[_Claim]] = {
        condition: [] for conditions in common.values() for condition in conditions
    }
    for group, members in claims.items():
        for claim in members:
            if _is_common(claim, common[group]):
                stating[claim.condition].append(claim)
    return [
        _entered_route(mesh, condition, members, services)
        if common[members[0].group.name][condition].lane
        else _ingress_route(
            mesh, condition, members, services, split=_split(mesh, members, services)
        )
        for condition, members in stating.items()
    ]


def _is_common(claim: _Claim, stated: Mapping[Condition, _Common]) -> bool:
    return claim.condition in stated and stated[claim.condition].has(claim)


def _entered_route(
    mesh: Mesh,
    condition: Condition,
    claims: list[_Claim],
    services: Mapping[ObjectName, ServiceRoutes],
) -> IngressRoute:
    """A route for requests that enter the only lane of ``claims``, whatever lane they name."""
    group, lane = claims[0].group, claims[0].lane
    route = _ingress_route(mesh, condition, claims, services)
    return replace(
        route,
        route=Route((), _target(claims[0], services)),
        not_found=False,
        entered=EnteredLane(group.route_header, lane.name),
    )


def _own_routes(
    mesh: Mesh, claims: Iterable[_Claim], services: Mapping[ObjectName, ServiceRoutes]
) -> list[IngressRoute]:
    """Routes for requests that name a lane of the group. Lanes with the same conditions share them.

    They are not in the order of the lanes: if a request names several lanes at once, a new lane
    must not change the precedence of the others.
    """
    by_lane: dict[str, dict[Condition, list[_Claim]]] = {}
    for claim in claims:
        by_lane.setdefault(claim.lane.name, {}).setdefault(claim.condition, []).append(claim)
    alike: dict[tuple[object, ...], list[dict[Condition, list[_Claim]]]] = {}
    for stated in by_lane.values():
        in_order = sorted(stated.items(), key=lambda item: precedence(item[0]))
        ways = (
            (c, own[0].actions, own[0].rule.destination, own[0].rule.port) for c, own in in_order
        )
        alike.setdefault(tuple(ways), []).append(dict(in_order))
    return [
        _ingress_route(mesh, condition, members, services, named=_names(members))
        for _, lanes in sorted(alike.items(), key=lambda item: repr(item[0]))
        for condition in lanes[0]
        if (members := [claim for stated in lanes for claim in stated[condition]])
    ]


def _names(claims: Sequence[_Claim]) -> LaneNames:
    lanes = dict.fromkeys(claim.lane.name for claim in claims)
    return LaneNames(claims[0].group.route_header, tuple(lanes))


def _ingress_route(
    mesh: Mesh,
    condition: Condition,
    claims: list[_Claim],
    services: Mapping[ObjectName, ServiceRoutes],
    *,
    split: Split | None = None,
    named: LaneNames | None = None,
) -> IngressRoute:
    return IngressRoute(
        host=condition.host,
        uri=condition.uri,
        headers=dict(condition.headers),
        route=_route(mesh, claims, services),
        rules=tuple((claim.lane, claim.rule) for claim in claims),
        trace_headers=_trace_headers(claims),
        methods=condition.methods,
        query=dict(condition.query),
        split=split,
        not_found=claims[0].group.unmatched is Unmatched.NOT_FOUND,
        named=named,
        actions=claims[0].actions,
    )


def _route(mesh: Mesh, claims: list[_Claim], services: Mapping[ObjectName, ServiceRoutes]) -> Route:
    """One choice for each group. The default is the first group's baseline, or its first claim."""
    by_group: dict[str, list[_Claim]] = {}
    for claim in claims:
        by_group.setdefault(claim.group.name, []).append(claim)
    default = _default(mesh, claims, services)
    choices = []
    for name, members in by_group.items():
        targets: dict[str, Target] = {}
        for claim in _firsts(members):
            target = _target(claim, services)
            # A lane that the default serves needs an entry only if other requests are refused.
            turned_away = claim.group.unmatched is Unmatched.NOT_FOUND
            if turned_away or claim.lane.name in target.chain or target != default:
                targets[claim.lane.name] = target
        choices.append(LaneChoice(name, members[0].group.route_header, targets))
    return Route(tuple(choices), default)


def _firsts(claims: Iterable[_Claim]) -> Iterable[_Claim]:
    """One claim for each lane. If a lane states a condition twice, its first rule counts."""
    firsts: dict[tuple[str, str], _Claim] = {}
    for claim in claims:
        firsts.setdefault((claim.group.name, claim.lane.name), claim)
    return firsts.values()


def _destination(
    claim: _Claim, services: Mapping[ObjectName, ServiceRoutes]
) -> tuple[ServiceRoutes, int]:
    routes = services[claim.rule.destination]
    port = routes.service.port(claim.rule.port)
    assert port is not None, "validation holds that an ingress rule's port exists"
    return routes, port.port


def _target(claim: _Claim, services: Mapping[ObjectName, ServiceRoutes]) -> Target:
    """The lane's subset of the rule's service, or that service's baseline if there is none.

    The latter needs an entry, too, because the route's default may be another service.
    """
    routes, port = _destination(claim, services)
    route = routes.by_port[port]
    own = (choice.lanes for choice in route.choices if choice.group == claim.group.name)
    return next(
        (lanes[claim.lane.name] for lanes in own if claim.lane.name in lanes), route.default
    )


def _default(
    mesh: Mesh, claims: list[_Claim], services: Mapping[ObjectName, ServiceRoutes]
) -> Target:
    first_group = claims[0].group
    baseline = mesh.baseline(first_group)
    chosen = next(
        (c for c in claims if c.group is first_group and c.lane is baseline),
        claims[0],
    )
    routes, port = _destination(chosen, services)
    return routes.by_port[port].default


def _split(
    mesh: Mesh, claims: list[_Claim], services: Mapping[ObjectName, ServiceRoutes]
) -> Split | None:
    """The shares of the first group with weights. Remaining requests stay without a lane."""
    weighted = [claim for claim in claims if claim.lane.weight]
    if not weighted:
        return None
    group = weighted[0].group
    shares: dict[str, Share] = {
        claim.lane.name: Share(claim.lane.name, claim.lane.weight, _target(claim, services))
        for claim in _firsts(weighted)
        if claim.group is group
    }
    baseline = mesh.baseline(group)
    rest = None
    if baseline is not None:
        shares.pop(baseline.name, None)
        weight = 100 - sum(share.weight for share in shares.values())
        target = _default(mesh, [c for c in claims if c.group is group], services)
        rest = Share("", weight, target) if weight > 0 else None
    lanes = tuple(shares.values())
    every = lanes if rest is None else (*lanes, rest)
    ranges = every if group.sticky is None else lay_out(lanes, rest)
    headers = {c.group.route_header.lower(): c.group.route_header for c in claims}
    exempt = tuple(lane_names(mesh, header) for header in headers.values())
    return Split(group.route_header, every, ranges, group.sticky, exempt)


def _trace_headers(claims: list[_Claim]) -> tuple[str, ...]:
    headers = {
        claim.group.trace_header: None
        for claim in claims
        if claim.group.propagation is Propagation.TRACE and not is_known(claim.group.trace_header)
    }
    return tuple(headers)


def _virtual_hosts(
    server: GatewayServer, routes: list[IngressRoute], entries: list[EntryRule]
) -> Iterable[VirtualHost]:
    """Envoy picks one virtual host by domain, so each contains all routes whose host covers it."""
    domains: dict[str, None] = {}
    for route in routes:
        for served in server.hosts:
            if host_covers(served, route.host):
                domains[route.host] = None
            elif host_covers(route.host, served):
                domains[served] = None
    for domain in domains:
        yield VirtualHost(
            domain,
            tuple(route for route in routes if host_covers(route.host, domain)),
            tuple(entry for entry in entries if host_covers(entry.host, domain)),
        )
