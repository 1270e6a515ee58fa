"""Warnings of what ASM answers otherwise."""

from __future__ import annotations

from typing import Any

import pytest
from tests.compile.meshes import ROUTE_HEADER, group, lane, mesh, rule, service

from laneway.compile.asm.limits import limits
from laneway.model.findings import Severity
from laneway.model.lanes import Mode, Unmatched
from laneway.model.meshes import Mesh


def declared(group_fields: dict[str, Any], lane_fields: dict[str, Any]) -> Mesh:
    lanes = [lane("s1", "a", rule("a")), lane("s2", "a", **lane_fields)]
    return mesh([group("a", **group_fields)], lanes, [service("a")])


@pytest.mark.parametrize(
    ("group_fields", "lane_fields", "codes"),
    [
        ({"unmatched": Unmatched.NOT_FOUND}, {}, []),
        ({}, {}, ["ASM_NO_ROUTE_WITHOUT_LANE"]),
        (
            {"trace_header": ROUTE_HEADER, "unmatched": Unmatched.NOT_FOUND},
            {},
            ["ASM_NO_ROUTE_WITHOUT_LANE"],
        ),
        ({"trace_header": "baggage"}, {}, ["ASM_NO_ROUTE_WITHOUT_LANE", "ASM_BAGGAGE"]),
        ({"unmatched": Unmatched.NOT_FOUND}, {"fallback": ("s1",)}, ["ASM_ONE_FALLBACK"]),
        ({"unmatched": Unmatched.NOT_FOUND}, {"weight": 5}, ["ASM_NO_WEIGHT"]),
        ({"unmatched": Unmatched.NOT_FOUND}, {"mode": Mode.STRICT}, ["ASM_ONE_MODE"]),
        ({"unmatched": Unmatched.NOT_FOUND}, {"mode": Mode.PERMISSIVE}, []),
    ],
)
def test_each_limit_is_told_where_it_is_met(
    group_fields: dict[str, Any], lane_fields: dict[str, Any], codes: list[str]
) -> None:
    findings = limits(declared(group_fields, lane_fields))
    assert [finding.code for finding in findings] == codes
    assert all(f.severity is Severity.WARNING and f.fix and f.subject for f in findings)


def test_where_a_lane_must_be_named_is_said() -> None:
    (finding,) = limits(declared({"trace_header": ROUTE_HEADER}, {}))
    assert "(404) at the gateway and between services" in finding.message
