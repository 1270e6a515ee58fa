"""Where ASM answers requests of a strict group differently.

ASM finds a strict lane by the labels of the calling pod, whatever lane the pod belongs to, and
tries the lanes' rules at the gateway in the order in which the lanes were created.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from laneway.compile.asm.rule_order import may_meet
from laneway.compile.ir import IngressRoute, MeshRoutes, VirtualHost
from laneway.model.findings import Finding, warning_about
from laneway.model.keys import key_of
from laneway.model.lanes import IngressRule, Lane, LaneGroup
from laneway.model.meshes import Mesh

_Ruling = tuple[Lane, IngressRule]


def strict_limits(mesh: Mesh, routes: MeshRoutes, group: LaneGroup) -> Iterator[Finding]:
    yield _callers(group)
    found: dict[str, tuple[_Ruling, _Ruling]] = {}
    places = {lane.name: place for place, lane in enumerate(mesh.lanes_by_group[group.name])}
    for gateway in routes.gateways.values():
        for server in gateway.servers:
            for host in server.virtual_hosts:
                for later, earlier in _out_of_order(host, group, places):
                    found.setdefault(later[0].name, (later, earlier))
    for (lane, rule), (first, its) in found.values():
        yield warning_about(key_of(lane), ("spec", "ingress"))(
            "ASM_STRICT_RULES_IN_ORDER",
            f"in ASM rule {its.name} of lane {first.name}, which was created first, takes some "
            f"requests that rule {rule.name} of lane {lane.name} takes in laneway",
            "give each rule conditions that only requests of its own lane meet",
        )


def _callers(group: LaneGroup) -> Finding:
    return warning_about(key_of(group), ("spec", "mode"))(
        "ASM_STRICT_CALLERS",
        f"in ASM a call to a service of the strict group {group.name} belongs to the lane whose "
        "labels the calling pod has, even if the pod is not in the group; without such labels it "
        "has no route (404)",
        "use labels that no other workloads have, and let only the group's workloads call it",
    )


def _out_of_order(
    host: VirtualHost, group: LaneGroup, places: Mapping[str, int]
) -> Iterator[tuple[_Ruling, _Ruling]]:
    """Pairs of a lane's rule and a rule of an older lane that laneway tries later."""
    own = [
        (route, [pair for pair in route.rules if pair[0].group == group.name])
        for route in host.routes
        if group.name in route.groups
    ]
    for position, (route, pairs) in enumerate(own):
        for other, others in own[position:]:
            if may_meet(route, other) and not _tell_apart(route, other):
                for pair in pairs:
                    for before in others:
                        if places[before[0].name] < places[pair[0].name]:
                            yield pair, before


def _tell_apart(one: IngressRoute, other: IngressRoute) -> bool:
    """Whether both match lanes by name, as lanes that share a rule with the baseline do."""
    return all(
        route.entered is None and (route.named is not None or len(route.rules) > 1)
        for route in (one, other)
    )
