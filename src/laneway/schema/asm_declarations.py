"""A whole mesh as ASM's own kinds, for ``laneway convert``.

``schema.asm`` writes single objects. This module finds what groups of a mesh have as weighted
routing in ASM, and leaves out what ASM's kinds cannot say; ``losses`` reports that.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from laneway.model.findings import Finding, Path, Severity
from laneway.model.keys import key_of
from laneway.model.label_selectors import admitted, equal_labels
from laneway.model.lanes import CallsWithoutLane, IngressRule, Lane, LaneGroup, RouteBy, Unmatched
from laneway.model.meshes import Mesh
from laneway.model.rule_actions import NO_ACTIONS
from laneway.model.rule_conditions import conditions_of
from laneway.schema import asm

Document = dict[str, Any]


def declarations(mesh: Mesh) -> Iterator[Document]:
    """Each group and, after it, its lanes."""
    for group in mesh.groups:
        lanes = mesh.lanes_by_group[group.name]
        weighted = _weighted_rules(lanes)
        yield asm.GROUP.document(replace(group, ingress=weighted))
        yield from (asm.LANE.document(_as_weighted(lane, weighted)) for lane in lanes)


def _as_weighted(lane: Lane, weighted: Sequence[IngressRule]) -> Lane:
    """A lane of the weighted routing has a destination there, and no rules of its own."""
    if not _enters_by_weight(lane, weighted):
        return replace(lane, weight=0)
    return replace(lane, ingress=(replace(lane.ingress[0], hosts=()),))


def losses(mesh: Mesh) -> Iterator[Finding]:
    """Warnings of what the documents leave out."""
    for group in mesh.groups:
        lanes = mesh.lanes_by_group[group.name]
        if group.unmatched is not Unmatched.BASELINE:
            yield _lost(group, ("spec", "unmatched"), "ASM answers 404 where a lane is not named")
        if group.calls_without_lane is CallsWithoutLane.OWN_LANE:
            yield _lost(group, ("spec", "callsWithoutLane"), _NAME_IT)
        if group.sticky:
            yield _lost(group, ("spec", "sticky"), "use an ASMHashTagging")
        if group.route_by != RouteBy():
            yield _lost(group, ("spec", "routeBy"), "ASM reads the route header alone")
        for lane in lanes:
            yield from _lane_losses(group, lane, _weighted_rules(lanes))


def _lane_losses(
    group: LaneGroup, lane: Lane, weighted: Sequence[IngressRule]
) -> Iterator[Finding]:
    if lane.fallback:
        yield _lost(lane, ("spec", "fallback"), "ASM falls back to the baseline at once")
    if lane.mode not in (None, group.mode):
        yield _lost(lane, ("spec", "mode"), "a lane is of its group's mode there")
    if lane.calls_without_lane is CallsWithoutLane.OWN_LANE:
        yield _lost(lane, ("spec", "callsWithoutLane"), _NAME_IT)
    if lane.weight and not _enters_by_weight(lane, weighted):
        yield _lost(
            lane,
            ("spec", "weight"),
            "give all lanes with a weight the same rules, with one list of hosts",
        )
    if lane.names:
        yield _lost(lane, ("spec", "names"), "in ASM nothing but its own name names a lane")
    asked = admitted(lane.selector, lane.match_expressions)
    if asked.keys() != equal_labels(asked).keys():
        yield _lost(lane, ("spec", "matchExpressions"), "give the workloads labels to select")
    life = {
        "enabled": not lane.enabled,
        "owner": bool(lane.owner),
        "expiresAt": lane.expires_at is not None,
        "order": lane.order != 0,
    }
    for field, is_said in life.items():
        if is_said:
            yield _lost(lane, ("spec", field), "declare the lane as long as it is to be there")
    if lane.shares_workloads_with:
        yield _lost(lane, ("spec", "sharesWorkloadsWith"), "ASM does not ask for it")
    for index, rule in enumerate(lane.ingress):
        if rule.enter:
            fix = "set the route header by a VirtualService of your own"
            yield _lost(lane, ("spec", "ingress", index, "enter"), fix)
        if rule.actions != NO_ACTIONS:
            fix = "add them to the VirtualServices that ASM generates"
            yield _lost(lane, ("spec", "ingress", index, "actions"), fix)
        for field, given in (("methods", rule.methods), ("query", rule.query)):
            if given:
                yield _lost(lane, ("spec", "ingress", index, field), "match a header, or the path")


_NAME_IT = "let applications name the lane in the calls that they begin"


def _lost(subject: LaneGroup | Lane, path: Path, fix: str) -> Finding:
    message = f"ASM's kinds have no `{path[-1]}` of this sort: it is left out"
    return Finding("NOT_CONVERTED", message, fix, key_of(subject), path, Severity.WARNING)


def _weighted_rules(lanes: Sequence[Lane]) -> tuple[IngressRule, ...]:
    """The rules of the group's weighted routing: those of all lanes with a weight, if ASM can say
    them. It has one list of hosts, and one destination a lane; lanes without rules get them too."""
    weighted = [lane for lane in lanes if lane.weight]
    if not weighted or not all(lane.ingress for lane in lanes):
        return ()
    rules = weighted[0].ingress
    plain = all(
        not (r.methods or r.query) and r.online and r.hosts == rules[0].hosts for r in rules
    )
    alike = all(_enters_by_weight(lane, rules) for lane in weighted)
    return rules if plain and alike else ()


def _enters_by_weight(lane: Lane, rules: Sequence[IngressRule]) -> bool:
    if not rules or len({(rule.destination, rule.port) for rule in lane.ingress}) != 1:
        return False
    return [_asks_for(rule) for rule in lane.ingress] == [_asks_for(rule) for rule in rules]


def _asks_for(rule: IngressRule) -> tuple[object, ...]:
    return rule.online, *conditions_of(rule)
