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


@pytest.mark.parametrize("port", [{}, {"port": None}, {"port": [80]}, {"port": {"a": 1}}])
def test_a_port_without_a_number_is_refused_in_a_strategic_patch(port: Any) -> None:
    with pytest.raises(Failure, match=r"item of spec\.ports in the patch has no port"):
        patched(STRATEGIC, {"spec": {"ports": [{"name": "http", **port}]}})


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


@pytest.mark.parametrize("copied", ["", "/metadata"])
def test_an_object_that_is_copied_into_itself_has_a_limit(copied: str) -> None:
    """Each of these copies would double it."""
    big = {"op": "add", "path": "/metadata/labels/b", "value": "b" * 100_000}
    doubling = [{"op": "copy", "from": copied, "path": "/metadata/labels/a"}] * 60
    with pytest.raises(Failure, match="copies more than") as caught:
        patched(JSON, [big, *doubling])
    assert caught.value.code == 413


def test_copies_count_together() -> None:
    big = {"op": "add", "path": "/metadata/labels/b", "value": "b" * 100_000}
    copies = [
        {"op": "copy", "from": "/metadata/labels/b", "path": f"/metadata/labels/c{number}"}
        for number in range(40)
    ]
    with pytest.raises(Failure, match="copies more than"):
        patched(JSON, [big, *copies])


def test_values_may_be_copied_within_an_object() -> None:
    copying = [{"op": "copy", "from": "/spec/list", "path": "/metadata/labels/a"}] * 1000
    assert patched(JSON, copying)["metadata"]["labels"]["a"] == [1, 2]


def test_an_object_that_is_moved_into_another_again_and_again_is_refused() -> None:
    """Each round nests it one level more, with short operations."""
    deeper = [
        {"op": "add", "path": "/b", "value": {}},
        {"op": "move", "from": "/spec", "path": "/b/c"},
        {"op": "move", "from": "/b", "path": "/spec"},
    ]
    for rounds in (101, 3000):
        with pytest.raises(Failure, match="more deeply than 100 levels") as caught:
            patched(JSON, deeper * rounds)
        assert caught.value.code == 422


@pytest.mark.parametrize("source", [None, 1, {}, [], "/spec/list/-", "spec"])
def test_a_copy_from_nowhere_is_refused(source: Any) -> None:
    with pytest.raises(Failure) as caught:
        patched(JSON, [{"op": "copy", "from": source, "path": "/spec/x"}])
    assert caught.value.code == 422


@pytest.mark.parametrize("patch", [[], "x", None, 1])
def test_a_patch_that_is_no_object_is_refused(patch: Any) -> None:
    with pytest.raises(Failure, match="the patch is not an object"):
        patched(MERGE, patch)
