"""Lane groups and lanes as ASM's own kinds: the way back from ``model.kinds.asm``.

What ASM's kinds cannot say is left out, and ``losses`` says so.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from laneway.model.findings import Finding, Path, Severity
from laneway.model.keys import key_of
from laneway.model.lanes import IngressRule, Lane, LaneGroup, Mode, Unmatched
from laneway.model.matches import StringMatch
from laneway.model.meshes import Mesh
from laneway.model.names import ObjectName
from laneway.model.rule_conditions import conditions_of

Document = dict[str, Any]

_API = "istio.alibabacloud.com/v1"


def declarations(mesh: Mesh) -> Iterator[Document]:
    """Each group and, after it, its lanes."""
    for group in mesh.groups:
        lanes = mesh.lanes_by_group[group.name]
        weighted = _weighted_rules(lanes)
        yield _document("ASMSwimLaneGroup", {"name": group.name}, _group_spec(group, weighted))
        for lane in lanes:
            metadata = {"name": lane.name, "labels": {"swimlane-group": group.name}}
            yield _document("ASMSwimLane", metadata, _lane_spec(lane, weighted))


def losses(mesh: Mesh) -> Iterator[Finding]:
    """Warnings of what the documents leave out."""
    for group in mesh.groups:
        lanes = mesh.lanes_by_group[group.name]
        if group.unmatched is not Unmatched.BASELINE:
            yield _lost(group, ("spec", "unmatched"), "ASM answers 404 where a lane is not named")
        if group.sticky:
            yield _lost(group, ("spec", "sticky"), "use an ASMHashTagging")
        for lane in lanes:
            yield from _lane_losses(group, lane, _weighted_rules(lanes))


def _lane_losses(
    group: LaneGroup, lane: Lane, weighted: Sequence[IngressRule]
) -> Iterator[Finding]:
    if lane.fallback:
        yield _lost(lane, ("spec", "fallback"), "ASM falls back to the baseline at once")
    if lane.mode not in (None, group.mode):
        yield _lost(lane, ("spec", "mode"), "a lane is of its group's mode there")
    if lane.weight and not _enters_by_weight(lane, weighted):
        yield _lost(
            lane,
            ("spec", "weight"),
            "give all lanes with a weight the same rules, with one list of hosts",
        )
    for index, rule in enumerate(lane.ingress):
        for field, given in (("methods", rule.methods), ("query", rule.query)):
            if given:
                yield _lost(lane, ("spec", "ingress", index, field), "match a header, or the path")


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


def _document(kind: str, metadata: Document, spec: Document) -> Document:
    return {"apiVersion": _API, "kind": kind, "metadata": metadata, "spec": spec}


def _group_spec(group: LaneGroup, weighted: Sequence[IngressRule]) -> Document:
    permissive: Document = {}
    if group.baseline is not None:
        permissive["fallbackTarget"] = group.baseline
    if group.service_baselines:
        permissive["serviceLevelFallbackTarget"] = {
            str(service): lane for service, lane in group.service_baselines.items()
        }
    permissive["routeHeader"] = group.route_header
    permissive["traceHeader"] = group.trace_header
    ingress: Document = {}
    if group.gateway is not None:
        ingress["gateway"] = {**_reference(group.gateway), "type": "ASM"}
    if weighted:
        ingress["ingressRouting"] = {
            "ingressRoutingStrategy": "weighted",
            "weightedRoutingRule": {
                "hosts": list(weighted[0].hosts),
                "requestMatches": [_match(rule) for rule in weighted],
            },
        }
    return {
        **({"ingress": ingress} if ingress else {}),
        "isPermissive": group.mode is Mode.PERMISSIVE,
        "permissiveModeConfiguration": permissive,
        "services": [_reference(service) for service in group.services],
    }


def _lane_spec(lane: Lane, weighted: Sequence[IngressRule]) -> Document:
    spec: Document = {"labelSelector": dict(lane.selector)}
    if lane.services:
        spec["services"] = [_reference(service) for service in lane.services]
    if _enters_by_weight(lane, weighted):
        to = _destination(lane.ingress[0])
        spec["ingressWeight"] = {"destination": to, "weight": lane.weight}
    elif lane.ingress:
        spec["ingressRules"] = [_rule(rule) for rule in lane.ingress]
    return spec


def _rule(rule: IngressRule) -> Document:
    return {
        "name": rule.name,
        "online": rule.online,
        "hosts": list(rule.hosts),
        "match": _match(rule),
        "route": {"destination": _destination(rule)},
    }


def _match(rule: IngressRule) -> Document:
    match: Document = {}
    if rule.uri is not None:
        match["uri"] = _string(rule.uri)
    if rule.headers:
        match["headers"] = {name: _string(value) for name, value in rule.headers.items()}
    return match


def _destination(rule: IngressRule) -> Document:
    port = {} if rule.port is None else {"portNum": rule.port}
    return {"host": rule.destination.host, **port}


def _string(match: StringMatch) -> Document:
    return {match.kind.value: match.value}


def _reference(name: ObjectName) -> Document:
    return {"name": name.name, "namespace": name.namespace}
