"""Rules that laneway asks before those of the lane that a request names; ASM does not ask them.

In ASM each lane has VirtualServices of its own, all of whose routes ask for its name.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from laneway.compile.ir import IngressRoute, MeshRoutes, VirtualHost
from laneway.model.lanes import IngressRule, Lane
from laneway.model.matches import MatchKind, StringMatch


def asked_before(routes: MeshRoutes) -> Mapping[tuple[str, str], tuple[Lane, IngressRule]]:
    """(group, lane) -> whose rule and which, for lanes which have none like it.

    One of the lane's own group, if there is one.
    """
    found: dict[tuple[str, str], tuple[Lane, IngressRule]] = {}
    for gateway in routes.gateways.values():
        for server in gateway.servers:
            for host in server.virtual_hosts:
                for lane, other in _of_host(host):
                    known = found.setdefault((lane.group, lane.name), other)
                    if known[0].group != lane.group == other[0].group:
                        found[lane.group, lane.name] = other
    return found


def _of_host(host: VirtualHost) -> Iterator[tuple[Lane, tuple[Lane, IngressRule]]]:
    others = [(position, route) for position, route in enumerate(host.routes) if not route.named]
    shared = _names_in_several_groups(host)
    others += [(p, r) for p, r in enumerate(host.routes) if r.named and shared & {*r.named.lanes}]
    for position, other in others:
        stating = {(lane.group, lane.name) for lane, _ in other.rules}
        for route in host.routes[position + 1 :]:
            if may_meet(other, route):
                for lane, _ in route.rules:
                    if (lane.group, lane.name) not in stating:
                        yield lane, other.rules[0]


def _names_in_several_groups(host: VirtualHost) -> set[str]:
    groups: dict[str, str] = {}
    lanes = (lane for route in host.routes for lane, _ in route.rules)
    return {lane.name for lane in lanes if groups.setdefault(lane.name, lane.group) != lane.group}


def may_meet(one: IngressRoute, other: IngressRoute) -> bool:
    """Whether a request could meet the conditions of both; ``True`` where nobody knows."""
    return (
        (not one.methods or not other.methods or bool({*one.methods} & {*other.methods}))
        and _overlap(one.uri, other.uri)
        and all(_overlap(match, other.headers.get(name)) for name, match in one.headers.items())
        and all(_overlap(match, other.query.get(name)) for name, match in one.query.items())
    )


def _overlap(one: StringMatch | None, other: StringMatch | None) -> bool:
    if one is None or other is None:
        return True
    if one.kind is MatchKind.EXACT:
        return other.matches(one.value)
    if other.kind is MatchKind.EXACT:
        return one.matches(other.value)
    if MatchKind.REGEX in (one.kind, other.kind):
        return True
    return one.value.startswith(other.value) or other.value.startswith(one.value)
