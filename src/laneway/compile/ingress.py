"""Lowering of gateways: lanes' ingress rules -> virtual hosts with routes in order of precedence.

Lanes usually repeat one rule (``/mock`` on any host) under different lane names. Rules that state
the same condition become one route whose target is chosen by the route header, so that the number
of routes does not grow with the number of lanes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from laneway.compile.ir import (
    BaggageMember,
    GatewayRoutes,
    IngressRoute,
    LaneChoice,
    Route,
    ServerRoutes,
    ServiceRoutes,
    Share,
    Split,
    Target,
    VirtualHost,
)
from laneway.compile.ranges import lay_out
from laneway.model.gateways import Gateway, GatewayServer
from laneway.model.lanes import IngressRule, Lane, LaneGroup, Propagation, Unmatched
from laneway.model.matches import MatchKind, StringMatch
from laneway.model.meshes import Mesh
from laneway.model.names import ObjectName

_KIND_ORDER = {MatchKind.EXACT: 0, MatchKind.PREFIX: 1, MatchKind.REGEX: 2}


@dataclass(frozen=True, slots=True)
class _Claim:
    """One lane's rule for one host."""

    group: LaneGroup
    lane: Lane
    rule: IngressRule
    host: str


@dataclass(frozen=True, slots=True)
class _Condition:
    """What a request must meet; rules that state the same become one route."""

    host: str
    uri: StringMatch | None
    methods: tuple[str, ...]
    headers: tuple[tuple[str, StringMatch], ...]
    query: tuple[tuple[str, StringMatch], ...]

    @staticmethod
    def of(claim: _Claim) -> _Condition:
        rule = claim.rule
        headers = {name.lower(): match for name, match in rule.headers.items()}
        return _Condition(
            claim.host,
            rule.uri,
            tuple(sorted(rule.methods)),
            tuple(sorted(headers.items(), key=lambda item: item[0])),
            tuple(sorted(rule.query.items(), key=lambda item: item[0])),
        )


def lower_gateway(
    mesh: Mesh, gateway: Gateway, services: Mapping[ObjectName, ServiceRoutes]
) -> GatewayRoutes:
    """The routes of every port of ``gateway``; ports that lead nowhere have no virtual host."""
    claims = list(_claims(mesh, gateway))
    routes = sorted(_merge(mesh, claims, services), key=precedence)
    servers = tuple(
        ServerRoutes(server, tuple(_virtual_hosts(server, routes))) for server in gateway.servers
    )
    members = [
        baggage_member(group)
        for group in mesh.groups
        if group.gateway == gateway.name and group.propagation is Propagation.BAGGAGE
    ]
    return GatewayRoutes(gateway, servers, tuple(members))


def baggage_member(group: LaneGroup) -> BaggageMember:
    return BaggageMember(group.name, group.route_header, group.baggage_key)


def host_covers(pattern: str, host: str) -> bool:
    """Whether ``pattern`` (a host, ``*.suffix`` or ``*``) covers ``host``, or a pattern like it."""
    if pattern in ("*", host):
        return True
    return pattern.startswith("*.") and host.endswith(pattern[1:]) and host != "*"


def _claims(mesh: Mesh, gateway: Gateway) -> Iterable[_Claim]:
    for group in mesh.groups:
        if group.gateway != gateway.name:
            continue
        for lane in mesh.lanes_by_group[group.name]:
            for rule in lane.ingress:
                if rule.online:
                    yield from (_Claim(group, lane, rule, host) for host in rule.hosts)


def _merge(
    mesh: Mesh, claims: Iterable[_Claim], services: Mapping[ObjectName, ServiceRoutes]
) -> list[IngressRoute]:
    merged: dict[_Condition, list[_Claim]] = {}
    for claim in claims:
        merged.setdefault(_Condition.of(claim), []).append(claim)
    return [
        IngressRoute(
            host=condition.host,
            uri=condition.uri,
            headers=dict(condition.headers),
            route=_route(mesh, members, services),
            rules=tuple((claim.lane, claim.rule) for claim in members),
            trace_headers=_trace_headers(members),
            methods=condition.methods,
            query=dict(condition.query),
            split=_split(mesh, members, services),
            not_found=members[0].group.unmatched is Unmatched.NOT_FOUND,
        )
        for condition, members in merged.items()
    ]


def _route(mesh: Mesh, claims: list[_Claim], services: Mapping[ObjectName, ServiceRoutes]) -> Route:
    """One choice a group; the default is the first group's baseline (else its first claim)."""
    by_group: dict[str, list[_Claim]] = {}
    for claim in claims:
        by_group.setdefault(claim.group.name, []).append(claim)
    default = _default(mesh, claims, services)
    choices = []
    for name, members in by_group.items():
        targets: dict[str, Target] = {}
        for claim in members:
            target = _target(claim, services)
            # A lane that the default serves needs an entry only where others are turned away.
            turned_away = claim.group.unmatched is Unmatched.NOT_FOUND
            if turned_away or claim.lane.name in target.chain or target != default:
                targets.setdefault(claim.lane.name, target)
        choices.append(LaneChoice(name, members[0].group.route_header, targets))
    return Route(tuple(choices), default)


def _destination(
    claim: _Claim, services: Mapping[ObjectName, ServiceRoutes]
) -> tuple[ServiceRoutes, int]:
    routes = services[claim.rule.destination]
    port = routes.service.port(claim.rule.port)
    assert port is not None, "validation holds that an ingress rule's port exists"
    return routes, port.port


def _target(claim: _Claim, services: Mapping[ObjectName, ServiceRoutes]) -> Target:
    """The lane's subset of the rule's service, or that service's baseline where it has none.

    The latter needs an entry of its own: the route's default may be another service.
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
    """The shares of the first group that gives lanes weights; what is left is the baseline's."""
    weighted = [claim for claim in claims if claim.lane.weight]
    if not weighted:
        return None
    group = weighted[0].group
    shares = {
        claim.lane.name: Share(claim.lane.name, claim.lane.weight, _target(claim, services))
        for claim in weighted
        if claim.group is group
    }
    baseline = mesh.baseline(group)
    rest = None
    if baseline is not None:
        shares.pop(baseline.name, None)
        weight = 100 - sum(share.weight for share in shares.values())
        target = _default(mesh, [c for c in claims if c.group is group], services)
        rest = Share(baseline.name, weight, target) if weight > 0 else None
    lanes = tuple(shares.values())
    every = lanes if rest is None else (*lanes, rest)
    ranges = every if group.sticky is None else lay_out(lanes, rest)
    return Split(group.route_header, every, ranges, group.sticky)


def _trace_headers(claims: list[_Claim]) -> tuple[str, ...]:
    headers = {
        claim.group.trace_header: None
        for claim in claims
        if claim.group.propagation is Propagation.TRACE
    }
    return tuple(headers)


def precedence(route: IngressRoute) -> tuple[int, int, int, int, int]:
    """The most specific condition first: host, kind of URI match, its length, further conditions.

    An exact host precedes ``*.suffix`` (longer first), which precedes ``*``; an exact URI precedes
    a prefix, a prefix a regex, a regex no condition; longer values precede. Then the more
    conditions on method, headers and query precede. Ties keep the order of declaration
    (``sorted`` is stable).
    """
    host = 2 if route.host == "*" else 1 if route.host.startswith("*") else 0
    kind = 3 if route.uri is None else _KIND_ORDER[route.uri.kind]
    length = 0 if route.uri is None else len(route.uri.value)
    conditions = bool(route.methods) + len(route.headers) + len(route.query)
    return host, -len(route.host), kind, -length, -conditions


def _virtual_hosts(server: GatewayServer, routes: list[IngressRoute]) -> Iterable[VirtualHost]:
    """Envoy picks one virtual host by domain, so each holds every route whose host covers it."""
    domains: dict[str, None] = {}
    for route in routes:
        for served in server.hosts:
            if host_covers(served, route.host):
                domains[route.host] = None
            elif host_covers(route.host, served):
                domains[served] = None
    for domain in domains:
        yield VirtualHost(domain, tuple(r for r in routes if host_covers(r.host, domain)))
