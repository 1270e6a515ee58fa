"""The validator of the other tests finds what is wrong."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
from tests.compile.istio.emission import emitted
from tests.compile.istio.validation import problems
from tests.compile.meshes import group, lane, mesh, rule, service

Edit = Callable[[dict[str, Any]], Any]

LANES = [lane("s1", "a", rule("a")), lane("s2", "a")]
RESOURCES = {
    (resource["kind"], resource["metadata"]["name"]): resource
    for resource in emitted(mesh([group("a")], LANES, [service("a")]))
}


def test_what_is_emitted_is_valid() -> None:
    assert [problem for resource in RESOURCES.values() for problem in problems(resource)] == []
    assert {kind for kind, _ in RESOURCES} == {
        "DestinationRule",
        "EnvoyFilter",
        "VirtualService",
    }


@pytest.mark.parametrize(
    ("kind", "edit"),
    [
        ("DestinationRule", lambda spec: spec.update(hosts=["a"])),
        ("DestinationRule", lambda spec: spec.pop("host")),
        ("DestinationRule", lambda spec: spec["subsets"][0].update(label={})),
        (
            "DestinationRule",
            lambda spec: spec["subsets"][0]["trafficPolicy"]["outlierDetection"].update(
                consecutiveLocalOriginFailure=1
            ),
        ),
        ("VirtualService", lambda spec: spec["http"][0].update(routes=[])),
        ("VirtualService", lambda spec: spec["http"][0]["retries"].update(attempts="8")),
        (
            "VirtualService",
            lambda spec: spec["http"][0]["match"][0]["headers"].update(x={"is": "y"}),
        ),
        ("EnvoyFilter", lambda spec: spec["configPatches"][0].update(applyTo="CLUSTERS")),
        ("EnvoyFilter", lambda spec: spec["configPatches"][0]["patch"].update(op="ADD")),
    ],
)
def test_a_misspelt_field_or_a_wrong_value_is_found(kind: str, edit: Edit) -> None:
    resource = next(r for (k, _), r in RESOURCES.items() if k == kind)
    wrong = copy.deepcopy(resource)
    edit(wrong["spec"])
    assert problems(wrong)


def test_wrong_metadata_is_found() -> None:
    resource = copy.deepcopy(next(iter(RESOURCES.values())))
    resource["apiVersion"] = "networking.istio.io/v2"
    resource["metadata"]["name"] = "A_b"
    resource["metadata"]["labels"]["laneway.dev/group"] = "x" * 64
    assert len(problems(resource)) == 3
