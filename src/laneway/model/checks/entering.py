"""Into a lane at the gateway: values that name one lane only, and ``enter`` rules that add up."""

from __future__ import annotations

from collections.abc import Iterator

from laneway.model.checks.gaps import Gaps
from laneway.model.codes import Code
from laneway.model.findings import Finding, Path, Severity
from laneway.model.keys import key_of
from laneway.model.lanes import IngressRule, Lane, LaneGroup, RouteBy
from laneway.model.meshes import Mesh
from laneway.model.names import ObjectName
from laneway.model.rule_conditions import Condition, conditions_of

#: Groups at one gateway whose requests name lanes in one header.
_Header = tuple[ObjectName | None, str]


def check(mesh: Mesh, gaps: Gaps) -> Iterator[Finding]:
    by_header: dict[_Header, list[LaneGroup]] = {}
    for group in mesh.groups:
        by_header.setdefault((group.gateway, group.route_header.lower()), []).append(group)
        yield from _route_by(group)
        yield from _entries(mesh, group)
    for (gateway, _), groups in by_header.items():
        lanes = [lane for group in groups for lane in mesh.lanes_by_group[group.name]]
        yield from _names(lanes) if gateway else _names_without_gateway(lanes)
    del gaps  # what is unread cannot make right what is wrong here


def _names(lanes: list[Lane]) -> Iterator[Finding]:
    """Whose a value is: a lane's own name wins, then who said it first."""
    owners: dict[str, list[Lane]] = {}
    for lane in lanes:
        owners.setdefault(lane.name, []).append(lane)
    for lane in lanes:
        before: set[str] = set()
        for index, value in enumerate(lane.names):
            path: Path = ("spec", "names", index)
            others = [other for other in owners.get(value, ()) if other is not lane]
            if others:
                yield Finding(
                    Code.CONFLICTING_LANE_NAME,
                    f"`{value}` names lane {others[0].name} of group {others[0].group} already",
                    "a value names one lane: choose another one, or remove it from that lane",
                    key_of(lane),
                    path,
                )
            elif value == lane.name or value in before:
                message = f"`{value}` names lane {lane.name} anyway"
                yield _no_effect(lane, path, message, "remove it")
            before.add(value)
            owners.setdefault(value, []).append(lane)


def _names_without_gateway(lanes: list[Lane]) -> Iterator[Finding]:
    for lane in lanes:
        if lane.names:
            message = f"nothing reads the names of lane {lane.name}: its group has no gateway"
            yield _no_effect(lane, ("spec", "names"), message, "name the group's gateway")


def _route_by(group: LaneGroup) -> Iterator[Finding]:
    if group.route_by != RouteBy() and group.gateway is None:
        message = f"nothing reads it: lane group {group.name} has no gateway"
        yield _no_effect(group, ("spec", "routeBy"), message, "name the group's gateway")
    before = {group.route_header.lower()}
    for index, header in enumerate(group.route_by.headers):
        if header.lower() in before:
            message = f"the header {header} is already read before"
            yield _no_effect(group, ("spec", "routeBy", "headers", index), message, "remove it")
        before.add(header.lower())


def _entries(mesh: Mesh, group: LaneGroup) -> Iterator[Finding]:
    """The lanes that let the same requests enter take at most 100 % of them, and tell users apart
    alike."""
    shares: dict[Condition, dict[str, int]] = {}
    telling: dict[Condition, tuple[Lane, IngressRule]] = {}
    for lane in mesh.lanes_by_group[group.name]:
        for index, rule in enumerate(lane.ingress):
            path: Path = ("spec", "ingress", index, "weight")
            if not (rule.enter and rule.online):
                continue
            if not rule.weight:
                message = f"no request enters lane {lane.name} by rule {rule.name}: its weight is 0"
                fix = "give it a weight of 1 to 100, or remove weight and enter"
                yield _no_effect(lane, path, message, fix)
            if group.route_header.lower() in map(str.lower, rule.headers):
                message = (
                    f"no request enters lane {lane.name} by rule {rule.name}: it requires "
                    f"{group.route_header}, which requests without a lane do not have"
                )
                fix = "remove that condition, or remove enter"
                yield _no_effect(lane, (*path[:-1], "enter"), message, fix)
            if rule.sticky is not None:
                yield from _sticky(telling, lane, rule, (*path[:-1], "sticky"))
            for condition in conditions_of(rule):
                by_lane = shares.setdefault(condition, {})
                by_lane.setdefault(lane.name, rule.weight)
                total = sum(by_lane.values())
                if total > 100 and len(by_lane) > 1 and next(reversed(by_lane)) == lane.name:
                    others = ", ".join(name for name in by_lane if name != lane.name)
                    yield Finding(
                        Code.WEIGHTS_EXCEED_100,
                        f"requests that meet rule {rule.name} also enter {others}, and the weights "
                        f"of these enter rules add up to {total}",
                        "give them weights of at most 100 together, or other conditions",
                        key_of(lane),
                        path if rule.weight != 100 else path[:-1],
                    )
                    break


def _sticky(
    telling: dict[Condition, tuple[Lane, IngressRule]], lane: Lane, rule: IngressRule, path: Path
) -> Iterator[Finding]:
    for condition in conditions_of(rule):
        owner, first = telling.setdefault(condition, (lane, rule))
        if first.sticky is not None and first.sticky != rule.sticky:
            message = (
                f"rule {first.name} of lane {owner.name} has the same conditions, and keeps users "
                f"by the {first.sticky.kind.value} {first.sticky.name}"
            )
            yield _no_effect(lane, path, message, "give both the same sticky, or other conditions")
            return


def _no_effect(subject: Lane | LaneGroup, path: Path, message: str, fix: str) -> Finding:
    return Finding(Code.NO_EFFECT, message, fix, key_of(subject), path, Severity.WARNING)
