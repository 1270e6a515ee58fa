"""Warnings of what ASM answers otherwise."""

from __future__ import annotations

import inspect
import re
from dataclasses import replace
from typing import Any

import pytest
from tests.compile.golden_cases import ROOT
from tests.compile.meshes import ROUTE_HEADER, exact, group, lane, mesh, prefix, rule, service

from laneway.compile.asm import limits as asm_limits
from laneway.compile.asm import strict_limits as strict
from laneway.compile.asm.limits import limits
from laneway.compile.lower import lower
from laneway.model.findings import Finding, Severity
from laneway.model.lanes import IngressRule, Lane, MemoryLimits, Mode, Unmatched
from laneway.model.meshes import Mesh
from laneway.model.services import ServicePort


def declared(group_fields: dict[str, Any], lane_fields: dict[str, Any]) -> Mesh:
    lanes = [lane("s1", "a", rule("a")), lane("s2", "a", **lane_fields)]
    return mesh([group("a", **group_fields)], lanes, [service("a")])


def report(mesh: Mesh) -> list[Finding]:
    return limits(mesh, lower(mesh))


ANY = rule("a")
ALWAYS = {"ASM_LANE_NAMED_TWICE", "ASM_TRACE_ID_NEEDED"}
BY_HEADER = {"trace_header": ROUTE_HEADER, "unmatched": Unmatched.NOT_FOUND}


@pytest.mark.parametrize(
    ("group_fields", "lane_fields", "codes"),
    [
        ({"unmatched": Unmatched.NOT_FOUND}, {}, ALWAYS),
        ({}, {}, {*ALWAYS, "ASM_NO_ROUTE_WITHOUT_LANE"}),
        (BY_HEADER, {}, {"ASM_LANE_NAMED_TWICE", "ASM_NO_ROUTE_WITHOUT_LANE"}),
        (
            {**BY_HEADER, "trace_header": "baggage"},
            {},
            {"ASM_LANE_NAMED_TWICE", "ASM_NO_ROUTE_WITHOUT_LANE", "ASM_BAGGAGE"},
        ),
        (
            {**BY_HEADER, "trace_header": "baggage", "mode": Mode.STRICT},
            {},
            {"ASM_LANE_NAMED_TWICE", "ASM_STRICT_CALLERS", "ASM_BAGGAGE"},
        ),
        ({"unmatched": Unmatched.NOT_FOUND}, {"fallback": ("s1",)}, {*ALWAYS, "ASM_ONE_FALLBACK"}),
        ({"unmatched": Unmatched.NOT_FOUND}, {"weight": 5}, {*ALWAYS, "ASM_NO_WEIGHT"}),
        ({"unmatched": Unmatched.NOT_FOUND}, {"mode": Mode.STRICT}, {*ALWAYS, "ASM_ONE_MODE"}),
        ({"unmatched": Unmatched.NOT_FOUND}, {"mode": Mode.PERMISSIVE}, ALWAYS),
        (
            {
                "unmatched": Unmatched.NOT_FOUND,
                "trace_header": "traceparent",
                "trace_memory": MemoryLimits(ttl_seconds=60),
            },
            {},
            {*ALWAYS, "ASM_TRACE_FORMAT", "ASM_TRACE_MEMORY"},
        ),
    ],
)
def test_each_limit_is_told_where_it_is_met(
    group_fields: dict[str, Any], lane_fields: dict[str, Any], codes: set[str]
) -> None:
    """That they are so is shown by ``finding_examples``, which the conformance tests run."""
    findings = report(declared(group_fields, lane_fields))
    assert len(findings) == len(codes)
    assert {finding.code for finding in findings} == codes
    assert all(f.severity is Severity.WARNING and f.fix and f.subject for f in findings)


def test_a_rule_before_a_lanes_own_is_told_where_one_request_may_meet_both() -> None:
    def told(*baselines: IngressRule) -> bool:
        lanes = [lane("s1", "a", *baselines), lane("s2", "a", rule("a", uri=prefix("/api")))]
        found = report(mesh([group("a")], lanes, [service("a")]))
        return any(finding.code == "ASM_OWN_RULES_ALONE" for finding in found)

    assert told(rule("a", uri=exact("/api/x")))
    assert told(rule("a", uri=prefix("/api/"), methods=("GET",)))
    assert not told(rule("a", uri=exact("/other")))
    assert not told(rule("a", uri=prefix("/")))  # it comes after
    assert not told(rule("a", uri=prefix("/other")), rule("a", uri=prefix("/api")))


def test_the_rule_before_is_one_of_the_lanes_own_group_if_there_is_one() -> None:
    api = rule("a", uri=prefix("/api"))
    lanes = [
        lane("t1", "b", rule("b", uri=prefix("/api/more")), group="other"),
        lane("s1", "a", replace(api, uri=prefix("/api/x"), name="own"), group="test"),
        lane("s2", "a", api, group="test"),
    ]
    groups = [group("b", "other"), group("a")]
    found: dict[int, Finding] = {}
    for declared in (lanes, [lanes[0], replace(lanes[1], ingress=(ANY,)), lanes[2]]):
        told = report(mesh(groups, declared, [service("a"), service("b")]))
        (found[len(found)],) = [
            finding
            for finding in told
            if finding.code == "ASM_OWN_RULES_ALONE" and "lane s2 take" in finding.message
        ]
    assert "rule own of lane s1 takes" in found[0].message
    assert "rule r of lane t1 of group other takes" in found[1].message
    assert found[1].fix == "give each group its own hosts or paths"


def test_what_nobody_meets_is_not_told() -> None:
    alone = mesh([group("a", trace_header="x-request-id")], [lane("s1", "a")], [service("a")])
    assert [finding.code for finding in report(alone)] == ["ASM_TRACE_ID_NEEDED"]
    assert report(mesh([group("a")], [], [service("a")])) == []


def test_the_only_lane_may_be_named_twice_where_others_are_refused() -> None:
    refusing = group("a", unmatched=Unmatched.NOT_FOUND)
    found = report(mesh([refusing], [lane("s1", "a", ANY)], [service("a")]))
    assert {finding.code for finding in found} == ALWAYS


def test_where_a_lane_must_be_named_is_said() -> None:
    first, *_ = report(declared({"trace_header": ROUTE_HEADER}, {}))
    assert "(404) at the gateway and between services" in first.message
    first, *_ = report(declared({"mode": Mode.STRICT, "unmatched": Unmatched.NOT_FOUND}, {}))
    assert first.code == "ASM_LANE_NAMED_TWICE"


def test_strict_rules_that_asm_tries_in_another_order_are_told() -> None:
    """ASM tries the lanes in the order of their creation, laneway the more specific rule first."""
    beta = rule("a", headers={"x-customer": exact("beta")})
    gold = rule("a", headers={"x-customer": exact("gold")})
    alone = group("a", mode=Mode.STRICT)

    def told(*lanes: Lane) -> list[str]:
        found = report(mesh([alone], lanes, [service("a")]))
        return [f"{f.code} {f.subject}" for f in found if "IN_ORDER" in f.code]

    said = ["ASM_STRICT_RULES_IN_ORDER Lane test/s2"]
    assert told(lane("s1", "a", rule("a")), lane("s2", "a", beta)) == said
    assert told(lane("s1", "a", beta), lane("s2", "a", rule("a"))) == []
    assert told(lane("s1", "a", gold), lane("s2", "a", beta)) == []
    assert told(lane("s1", "a", gold), lane("s2", "a", beta), lane("s3", "a", beta)) == [
        "ASM_STRICT_RULES_IN_ORDER Lane test/s3"
    ]


@pytest.mark.parametrize(
    ("port", "headless", "code"),
    [
        (ServicePort(8000, "http"), True, "ASM_HEADLESS"),
        (ServicePort(8000, "dubbo"), False, "ASM_PORT_NOT_HTTP"),
        (ServicePort(8000, "http", app_protocol="tcp"), False, "ASM_PORT_NOT_HTTP"),
    ],
)
def test_services_whose_calls_are_not_routed_are_told(
    port: ServicePort, headless: bool, code: str
) -> None:
    base = declared({}, {})
    changed = replace(base.services[0], ports=(port,), headless=headless)
    added = {each.code for each in report(replace(base, services=(changed,)))}
    assert added - {each.code for each in report(base)} == {code}


def test_the_reference_names_every_limit() -> None:
    told = set(
        re.findall(r'"(ASM_[A-Z_]+)"', inspect.getsource(asm_limits) + inspect.getsource(strict))
    )
    reference = (ROOT / "docs/reference/asm.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^\| `(ASM_[A-Z_]+)`", reference, re.MULTILINE)) == told
