"""Lowers ``enter`` rules, by which a gateway finds the lane of a request before routing it.

A request that names a lane is in that lane. Otherwise the most specific ``enter`` rule of all
groups chooses one. Then the request is routed by the routes of ``ingress`` as if it had named that
lane.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from laneway.compile.ingress_precedence import precedence
from laneway.compile.ir import EntryRule, LaneNames, LaneNaming, ServiceRoutes, Share, Split, Target
from laneway.compile.sticky_ranges import lay_out
from laneway.model.lanes import IngressRule, Lane, LaneGroup, RouteBy
from laneway.model.meshes import Mesh
from laneway.model.names import ObjectName
from laneway.model.rule_conditions import Condition, conditions_of

_Rules = Sequence[tuple[Lane, IngressRule]]


def lower_naming(mesh: Mesh, groups: Iterable[LaneGroup]) -> Iterator[LaneNaming]:
    """One for each route header that needs it. Groups may share a route header."""
    by_header: dict[str, list[LaneGroup]] = {}
    for group in groups:
        by_header.setdefault(group.route_header.lower(), []).append(group)
    for header, sharing in by_header.items():
        if any(_needs_naming(mesh, group) for group in sharing):
            yield _naming(mesh, header, sharing)


def _needs_naming(mesh: Mesh, group: LaneGroup) -> bool:
    return group.route_by != RouteBy() or any(
        lane.names or any(rule.enter and rule.online for rule in lane.ingress)
        for lane in mesh.lanes_by_group[group.name]
    )


def _naming(mesh: Mesh, header: str, groups: Sequence[LaneGroup]) -> LaneNaming:
    lanes = [lane for group in groups for lane in mesh.lanes_by_group[group.name]]
    ways = [group.route_by for group in groups]
    others = dict.fromkeys(name.lower() for way in ways for name in way.headers)
    others.pop(header, None)
    return LaneNaming(
        header,
        others=tuple(others),
        cookies=tuple(dict.fromkeys(way.cookie for way in ways if way.cookie)),
        query=tuple(dict.fromkeys(way.query for way in ways if way.query)),
        lanes={
            **{value: lane.name for lane in lanes for value in lane.names},
            **{name: name for name in lane_names(mesh, header).lanes},
        },
    )


def lane_names(mesh: Mesh, header: str) -> LaneNames:
    """The lanes that a request can name in ``header``, at whatever gateway it enters: groups behind
    may know the header, too, and what names a lane of theirs goes on to them."""
    sharing = [group for group in mesh.groups if group.route_header.lower() == header.lower()]
    lanes = [lane.name for group in sharing for lane in mesh.lanes_by_group[group.name]]
    return LaneNames(header, tuple(dict.fromkeys(lanes)))


def lower_entries(
    mesh: Mesh, groups: Iterable[LaneGroup], services: Mapping[ObjectName, ServiceRoutes]
) -> list[EntryRule]:
    """The ``enter`` rules of all groups in order of precedence: the most specific first.

    Equally specific rules are ordered by their content, so that adding or removing a lane does not
    change the order of two others. Lanes with the same condition share a rule.
    """
    stated: dict[tuple[str, Condition], list[tuple[Lane, IngressRule]]] = {}
    for group in groups:
        for lane in mesh.lanes_by_group[group.name]:
            for rule in lane.ingress:
                if rule.enter and rule.online:
                    for condition in conditions_of(rule):
                        stated.setdefault((group.name, condition), []).append((lane, rule))
    entries = [
        _entry(mesh.groups_by_name[group], condition, rules, services)
        for (group, condition), rules in stated.items()
    ]
    return sorted(entries, key=_order)


def _entry(
    group: LaneGroup,
    condition: Condition,
    rules: _Rules,
    services: Mapping[ObjectName, ServiceRoutes],
) -> EntryRule:
    return EntryRule(
        host=condition.host,
        uri=condition.uri,
        methods=condition.methods,
        headers=dict(condition.headers),
        query=dict(condition.query),
        split=_split(group, rules, _default(rules[0][1], services)),
        rules=tuple(rules),
    )


def _split(group: LaneGroup, rules: _Rules, target: Target) -> Split:
    """The share of each lane. If a lane states the condition twice, the first weight counts."""
    by_lane: dict[str, Share] = {}
    for lane, rule in rules:
        by_lane.setdefault(lane.name, Share(lane.name, rule.weight, target))
    lanes = [share for share in by_lane.values() if share.weight]
    left = 100 - sum(share.weight for share in lanes)
    rest = Share("", left, target) if left > 0 else None
    every = (*lanes, rest) if rest else tuple(lanes)
    sticky = next((rule.sticky for _, rule in rules if rule.sticky), group.sticky)
    ranges = every if sticky is None else lay_out(lanes, rest)
    return Split(group.route_header, every, ranges, sticky)


def _default(rule: IngressRule, services: Mapping[ObjectName, ServiceRoutes]) -> Target:
    routes = services[rule.destination]
    port = routes.service.port(rule.port)
    assert port is not None, "validation holds that an ingress rule's port exists"
    return routes.by_port[port.port].default


def _order(entry: EntryRule) -> tuple[object, ...]:
    """By precedence, then by the names of headers and parameters, then by their values."""
    return (
        precedence(entry),
        entry.host,
        entry.methods,
        tuple(entry.headers),
        tuple(entry.query),
        str(entry.uri),
        tuple(map(str, entry.headers.values())),
        tuple(map(str, entry.query.values())),
        entry.group,
    )
