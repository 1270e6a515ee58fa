"""ASM's kinds, written and read again: what is not reported lost comes back."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import assume, given
from tests.compile.mesh_strategies import meshes
from tests.compile.meshes import exact, group, lane, mesh, rule, service

from laneway.model.findings import Severity, Source
from laneway.model.keys import key_of
from laneway.model.label_selectors import LabelRequirement, Operator
from laneway.model.lanes import (
    CallsWithoutLane,
    IngressRule,
    Lane,
    LaneGroup,
    Mode,
    RouteBy,
    Sticky,
    StickyKind,
    Unmatched,
)
from laneway.model.meshes import Mesh
from laneway.model.rule_actions import NO_ACTIONS, RuleActions
from laneway.schema import Document, decode
from laneway.schema.asm_declarations import declarations, losses


def read_again(declared: Mesh) -> Mesh:
    documents = [Document(data, Source("asm")) for data in declarations(declared)]
    # Rules of two groups may claim the same requests once methods and queries are left out; and ASM
    # has no way to say that lanes share workloads on purpose.
    mesh, findings = decode(documents, complete=False, check=lambda mesh, gaps: ())
    assert [f for f in findings if f.severity is Severity.ERROR] == []
    return mesh


def without_losses(declared: Mesh) -> tuple[list[LaneGroup], list[Lane]]:
    """What ASM's kinds can say. Rules that belong to weights have no names there."""
    lost = {(finding.subject, finding.path) for finding in losses(declared)}
    groups = [
        replace(
            one,
            unmatched=Unmatched.BASELINE,
            sticky=None,
            route_by=RouteBy(),
            calls_without_lane=CallsWithoutLane.BASELINE,
        )
        for one in declared.groups
    ]
    lanes = [
        replace(
            one,
            ingress=tuple(map(anonymous, one.ingress)),
            fallback=(),
            mode=None,
            calls_without_lane=None,
            names=(),
            shares_workloads_with=(),
            weight=0 if (key_of(one), ("spec", "weight")) in lost else one.weight,
        )
        for group in declared.groups
        for one in declared.lanes_by_group[group.name]
    ]
    return groups, lanes


def anonymous(one: IngressRule) -> IngressRule:
    plain = replace(one, name="r", methods=(), query={}, enter=False, weight=100, sticky=None)
    return replace(plain, actions=NO_ACTIONS)


def test_actions_of_rules_are_lost_and_reported() -> None:
    acting = rule("a", uri=exact("/mock"), actions=RuleActions(uri="/v2"))
    one = mesh([group("a")], [lane("s1", "a", acting)], [service("a")])
    assert [finding.path for finding in losses(one)] == [("spec", "ingress", 0, "actions")]


@given(meshes())
def test_what_is_not_lost_comes_back(declared: Mesh) -> None:
    assume(all(one.services for one in declared.lanes))  # In a document, none means all.
    again = read_again(declared)
    groups, lanes = without_losses(declared)
    assert list(again.groups) == groups
    found = [replace(one, ingress=tuple(map(anonymous, one.ingress))) for one in again.lanes]
    assert found == lanes


OWN_LANE = CallsWithoutLane.OWN_LANE
SOON = datetime(2030, 1, 1, tzinfo=UTC)
REST = LabelRequirement("lane", Operator.DOES_NOT_EXIST)
ONE = LabelRequirement("lane", Operator.IN, ("s2",))
LANES = [lane("s1", "a", rule("a")), lane("s2", "a", rule("a"))]


@pytest.mark.parametrize(
    ("group_fields", "lane_fields", "lost"),
    [
        ({}, {}, []),
        ({"mode": Mode.STRICT}, {"weight": 20}, []),
        ({"unmatched": Unmatched.NOT_FOUND}, {}, ["spec.unmatched"]),
        ({"sticky": Sticky(StickyKind.HEADER, "x")}, {"weight": 20}, ["spec.sticky"]),
        ({}, {"fallback": ("s1",)}, ["spec.fallback"]),
        ({}, {"mode": Mode.STRICT}, ["spec.mode"]),
        ({}, {"mode": Mode.PERMISSIVE}, []),
        ({"calls_without_lane": OWN_LANE}, {}, ["spec.callsWithoutLane"]),
        ({}, {"calls_without_lane": OWN_LANE}, ["spec.callsWithoutLane"]),
        ({}, {"ingress": (rule("a", methods=("GET",)),)}, ["spec.ingress[0].methods"]),
        ({}, {"ingress": (rule("a", query={"q": exact("1")}),)}, ["spec.ingress[0].query"]),
        ({}, {"match_expressions": (REST,)}, ["spec.matchExpressions"]),
        ({}, {"match_expressions": (ONE,)}, []),
        ({}, {"shares_workloads_with": ("s1",)}, ["spec.sharesWorkloadsWith"]),
        ({}, {"enabled": False, "owner": "jack"}, ["spec.enabled", "spec.owner"]),
        ({}, {"expires_at": SOON, "order": 2}, ["spec.expiresAt", "spec.order"]),
        ({}, {"weight": 20, "ingress": (rule("a"), rule("b"))}, ["spec.weight"]),
    ],
)
def test_each_loss_is_told(
    group_fields: dict[str, Any], lane_fields: dict[str, Any], lost: list[str]
) -> None:
    lanes = [LANES[0], replace(LANES[1], **lane_fields)]
    declared = mesh([group("a b", **group_fields)], lanes, [service("a"), service("b")])
    found = list(losses(declared))
    assert [finding.field for finding in found] == lost
    assert all(f.severity is Severity.WARNING and f.fix and f.subject for f in found)
