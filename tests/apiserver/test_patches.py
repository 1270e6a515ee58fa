"""Patches of objects: merge, JSON, and strategic ones."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from laneway.apiserver import patches
from laneway.apiserver.failures import Failure
from laneway.apiserver.patches import JSON, MERGE, STRATEGIC
from laneway.apiserver.structure import Structure

STRUCTURE = Structure({("spec", "ports"): {"port": None, "protocol": "TCP"}})
LIVE: dict[str, Any] = {
    "metadata": {"name": "x", "labels": {"a": "1", "b": "2"}},
    "spec": {"ports": [{"port": 80, "name": "http"}, {"port": 90}], "list": [1, 2]},
}


def patched(kind: str, patch: Any) -> dict[str, Any]:
    before = copy.deepcopy(LIVE)
    result = patches.patched(kind, LIVE, patch, STRUCTURE)
    assert before == LIVE
    return result


@pytest.mark.parametrize("kind", [MERGE, STRATEGIC])
def test_a_null_removes_and_objects_are_merged(kind: str) -> None:
    result = patched(kind, {"metadata": {"labels": {"a": None, "c": "3"}}, "spec": {"list": [3]}})
    assert result["metadata"] == {"name": "x", "labels": {"b": "2", "c": "3"}}
    assert result["spec"] == {**LIVE["spec"], "list": [3]}


def test_a_merge_patch_replaces_lists() -> None:
    assert patched(MERGE, {"spec": {"ports": [{"port": 1}]}})["spec"]["ports"] == [{"port": 1}]


def test_a_strategic_patch_merges_ports_by_number() -> None:
    ports = [
        {"port": 90, "name": "grpc"},
        {"port": 100},
        {"$patch": "delete", "port": 80},
    ]
    patch = {"spec": {"ports": ports, "$setElementOrder/ports": []}}
    assert patched(STRATEGIC, patch)["spec"]["ports"] == [
        {"port": 90, "name": "grpc"},
        {"port": 100},
    ]


def test_a_port_without_a_number_is_refused_in_a_strategic_patch() -> None:
    with pytest.raises(Failure, match=r"item of spec\.ports in the patch has no port"):
        patched(STRATEGIC, {"spec": {"ports": [{"name": "http"}]}})


def test_a_json_patch() -> None:
    result = patched(
        JSON,
        [
            {"op": "test", "path": "/metadata/labels/a", "value": "1"},
            {"op": "remove", "path": "/metadata/labels/a"},
            {"op": "add", "path": "/spec/list/-", "value": 3},
            {"op": "replace", "path": "/spec/ports/1/port", "value": 91},
        ],
    )
    assert result["metadata"]["labels"] == {"b": "2"}
    assert result["spec"]["list"] == [1, 2, 3]
    assert result["spec"]["ports"][1] == {"port": 91}


@pytest.mark.parametrize(
    "operations",
    [
        [{"op": "test", "path": "/metadata/labels/a", "value": "2"}],
        [{"op": "remove", "path": "/nowhere"}],
        [{"op": "dance", "path": "/spec"}],
        [{"op": "add", "path": "spec", "value": 1}],
        [{"op": "add"}],
        [3],
        [{"op": "replace", "path": "", "value": 1}],
        [{"op": "add", "path": "/spec/list/01", "value": 1}],
        [{"op": "add", "path": ["spec"], "value": 1}],
        [{"op": "move", "from": "/spec", "path": "/spec/x"}],
    ],
)
def test_a_json_patch_that_cannot_be_applied_is_refused(operations: Any) -> None:
    with pytest.raises(Failure) as caught:
        patched(JSON, operations)
    assert caught.value.code == 422


@pytest.mark.parametrize("patch", [[], "x", None, 1])
def test_a_patch_that_is_no_object_is_refused(patch: Any) -> None:
    with pytest.raises(Failure, match="the patch is not an object"):
        patched(MERGE, patch)
