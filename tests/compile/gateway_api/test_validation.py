"""The validator of the other tests finds what is wrong."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
from tests.compile.gateway_api.emission import emitted
from tests.compile.gateway_api.validation import cel, problems
from tests.compile.meshes import exact, group, lane, mesh, rule, service

Edit = Callable[[dict[str, Any]], Any]

LANES = [lane("s1", "a", rule("a", uri=exact("/x"))), lane("s2", "a", rule("a"))]
RESOURCES = emitted(mesh([group("a")], LANES, [service("a")]))


def edited(kind: str, edit: Edit) -> dict[str, Any]:
    found = next(one for one in reversed(RESOURCES) if one["kind"] == kind)
    wrong: dict[str, Any] = copy.deepcopy(found)
    edit(wrong["spec"])
    return wrong


def test_what_is_emitted_is_valid() -> None:
    assert [problem for resource in RESOURCES for problem in problems(resource)] == []
    kinds = {resource["kind"] for resource in RESOURCES}
    assert kinds == {"Gateway", "HTTPRoute", "ReferenceGrant", "Service"}


@pytest.mark.parametrize(
    ("kind", "edit"),
    [
        ("HTTPRoute", lambda spec: spec.update(hosts=["a"])),
        ("HTTPRoute", lambda spec: spec.update(hostnames=["*"])),
        ("HTTPRoute", lambda spec: spec.update(rules=spec["rules"] * 17)),
        ("HTTPRoute", lambda spec: spec["rules"][0].update(retries={})),
        ("HTTPRoute", lambda spec: spec["rules"][0]["matches"][0].update(method="get")),
        ("HTTPRoute", lambda spec: spec["rules"][0]["matches"][0].pop("path")),
        ("HTTPRoute", lambda spec: spec["rules"][0]["backendRefs"][0].pop("weight")),
        ("HTTPRoute", lambda spec: spec["parentRefs"][0].pop("group")),
        ("Gateway", lambda spec: spec.pop("gatewayClassName")),
        ("Gateway", lambda spec: spec["listeners"][0].pop("allowedRoutes")),
        ("ReferenceGrant", lambda spec: spec["to"][0].pop("kind")),
        ("Service", lambda spec: spec["ports"].append({"port": 1, "protocol": "TCP"})),
        ("Service", lambda spec: spec.update(selectors={})),
    ],
)
def test_a_misspelt_field_or_a_wrong_or_missing_value_is_found(kind: str, edit: Edit) -> None:
    assert problems(edited(kind, edit))


@pytest.mark.skipif(cel is None, reason="cel-expr-python has no wheel for this machine")
@pytest.mark.parametrize(
    ("kind", "edit"),
    [
        (
            "HTTPRoute",
            lambda spec: spec["rules"][0]["matches"][0].update(
                path={"type": "Exact", "value": "/a//b"}
            ),
        ),
        (
            "HTTPRoute",
            lambda spec: spec.update(
                rules=[{**spec["rules"][0], "matches": spec["rules"][0]["matches"] * 50}] * 3
            ),
        ),
        ("Gateway", lambda spec: spec.update(listeners=spec["listeners"] * 2)),
    ],
)
def test_a_broken_rule_is_found(kind: str, edit: Edit) -> None:
    assert problems(edited(kind, edit))


def test_wrong_metadata_is_found() -> None:
    resource = copy.deepcopy(RESOURCES[0])
    resource["apiVersion"] = "v2"
    resource["metadata"]["name"] = "a.b"
    resource["metadata"]["labels"]["laneway.dev/group"] = "x" * 64
    assert len(problems(resource)) == 3
