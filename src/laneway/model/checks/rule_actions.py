"""Actions of ingress rules: they keep the lane, and rules that share a route share them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from laneway.model.checks.gaps import Gaps
from laneway.model.codes import Code
from laneway.model.findings import Finding, Path, Severity
from laneway.model.keys import key_of
from laneway.model.lanes import IngressRule, Lane, LaneGroup
from laneway.model.matches import MatchKind
from laneway.model.meshes import Mesh
from laneway.model.names import ObjectName
from laneway.model.rule_actions import NO_ACTIONS
from laneway.model.rule_conditions import Condition, conditions_of

#: For each condition that a baseline states, the first rule that does, with its group.
_Stated = dict[Condition, tuple[LaneGroup, IngressRule]]


def check(mesh: Mesh, gaps: Gaps) -> Iterator[Finding]:
    lane_headers = _lane_headers(mesh)
    for lane in mesh.lanes:
        for index, rule in enumerate(lane.ingress):
            if rule.online and rule.actions != NO_ACTIONS:
                path: Path = ("spec", "ingress", index, "actions")
                yield from _headers(lane, rule, path, lane_headers)
                yield from _slashes(lane, rule, path)
                yield from _times(lane, rule, path)
    if gaps.may_hold("Lane"):
        return  # which lane is the baseline may stand in what was not read
    by_gateway: dict[ObjectName, _Stated] = {}
    for group in mesh.groups:
        if group.gateway is not None and (baseline := mesh.baseline(group)) is not None:
            yield from _shared(by_gateway.setdefault(group.gateway, {}), group, baseline)
            yield from _weighted(mesh, group, baseline)


def _lane_headers(mesh: Mesh) -> Mapping[str, str]:
    """Headers by which lanes travel, in lower case, and of which group."""
    return {
        header.lower(): group.name
        for group in mesh.groups
        for header in (group.trace_header, group.route_header)
    }


def _headers(
    lane: Lane, rule: IngressRule, path: Path, lane_headers: Mapping[str, str]
) -> Iterator[Finding]:
    for header in rule.actions.request_headers.names:
        if header in lane_headers:
            yield Finding(
                Code.LANE_HEADER_CHANGED,
                f"rule {rule.name} changes {header}, which carries the lanes of group "
                f"{lane_headers[header]}: its requests would lose their lane",
                "leave it out; to let requests enter a lane, use enter: true",
                key_of(lane),
                (*path, "headers", "request"),
            )


def _slashes(lane: Lane, rule: IngressRule, path: Path) -> Iterator[Finding]:
    """``/mock`` -> ``/`` makes ``//a`` of ``/mock/a``, and ``/mock/`` -> ``/v2`` makes ``/v2a``."""
    uri, new = rule.uri, rule.actions.uri
    if uri is None or new is None or uri.kind is not MatchKind.PREFIX:
        return
    if uri.value.endswith("/") == new.endswith("/"):
        return
    example = f"{uri.value.rstrip('/')}/a"
    result = new + example[len(uri.value) :]
    same = "with" if uri.value.endswith("/") else "without"
    yield Finding(
        Code.REWRITE_CHANGES_SLASHES,
        f"rule {rule.name} rewrites {example} to {result}: the text of the prefix is replaced, "
        "nothing else",
        f"end the prefix and the new path alike, both {same} /"
        if new != "/"
        else f"write the prefix {uri.value}/, and another rule for exactly {uri.value}",
        key_of(lane),
        (*path, "rewrite", "uri"),
        Severity.WARNING,
    )


def _times(lane: Lane, rule: IngressRule, path: Path) -> Iterator[Finding]:
    timeout, retries = rule.actions.timeout, rule.actions.retries
    each = retries.per_try_timeout if retries else None
    if timeout and each and each >= timeout:
        yield Finding(
            Code.NO_EFFECT,
            "the first try may take as long as the whole request: there is no time for another",
            "let it be shorter than the rule's timeout",
            key_of(lane),
            (*path, "retries", "perTryTimeout"),
            Severity.WARNING,
        )


def _shared(stated: _Stated, group: LaneGroup, baseline: Lane) -> Iterator[Finding]:
    """Requests without a lane that two groups ask for are of one route."""
    for index, rule in enumerate(baseline.ingress):
        for condition in conditions_of(rule) if rule.online else ():
            other, first = stated.setdefault(condition, (group, rule))
            if other is not group and first.actions != rule.actions:
                yield Finding(
                    Code.CONFLICTING_INGRESS,
                    f"the baseline of group {other.name} has claimed {_words(condition)} at this "
                    "gateway, with other actions",
                    "give both the same actions, or one of them another host or path",
                    key_of(baseline),
                    ("spec", "ingress", index, "actions"),
                )


def _weighted(mesh: Mesh, group: LaneGroup, baseline: Lane) -> Iterator[Finding]:
    """Who is given a lane by weight comes by the baseline's rule."""
    own = {c: r for r in reversed(baseline.ingress) if r.online for c in conditions_of(r)}
    for lane in mesh.lanes_by_group[group.name]:
        if not lane.weight or lane is baseline:
            continue
        for index, rule in enumerate(lane.ingress):
            shared = [c for c in conditions_of(rule) if c in own] if rule.online else []
            if any(own[condition].actions != rule.actions for condition in shared):
                yield Finding(
                    Code.WEIGHTED_ACTIONS_DIFFER,
                    f"lane {lane.name} gets a share of the requests for {_words(shared[0])}, which "
                    f"come by the rule of lane {baseline.name}, the baseline, and this rule has "
                    "other actions",
                    "give both rules the same actions, or remove the lane's weight",
                    key_of(lane),
                    ("spec", "ingress", index, "actions"),
                )


def _words(condition: Condition) -> str:
    return f"{condition.host}{f', {condition.uri}' if condition.uri else ''}"
