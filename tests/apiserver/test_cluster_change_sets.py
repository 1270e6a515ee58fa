"""Change sets in a cluster: what is asked of it, in which order, and what counts as a change."""

from __future__ import annotations

from typing import Any

import pytest

from laneway.apiserver.change_sets import applied_by
from laneway.apiserver.cluster_change_sets import (
    PREVIEWED,
    WRITTEN,
    Step,
    operation,
    ordered,
    requested,
    resources_of,
)
from laneway.control.revisions import ObjectId, StoredObject
from laneway.schema.api_requests import ChangeSetSpec, ObjectReference, PreviewSpec

V1 = "laneway.dev/v1alpha1"


def lane(name: str, **metadata: Any) -> dict[str, Any]:
    spec = {"group": "shop", "selector": {"version": name}}
    return {"apiVersion": V1, "kind": "Lane", "metadata": {"name": name, **metadata}, "spec": spec}


def owner(manager: str, subresource: str = "", time: str = "2026-01-01T00:00:00Z") -> Any:
    found: dict[str, Any] = {"manager": manager, "operation": "Apply", "apiVersion": V1}
    found |= {"time": time, "fieldsType": "FieldsV1", "fieldsV1": {"f:spec": {"f:group": {}}}}
    return found | ({"subresource": subresource} if subresource else {})


def key(name: str, resource: str = "lanes.laneway.dev") -> ObjectId:
    return ObjectId(resource, "", name)


def named(bodies: list[dict[str, Any]]) -> list[Step]:
    return list(requested(PreviewSpec(source="x", objects=bodies), {}, resources_of(PREVIEWED)))


def test_a_new_object_is_created_and_patched_as_kubernetes_asks_it() -> None:
    deleted = ObjectReference.model_validate({"apiVersion": V1, "kind": "Lane", "name": "s3"})
    spec = ChangeSetSpec(source="x", objects=[lane("s1"), lane("s2")], deletions=[deleted])
    objects = {key(name): StoredObject(lane(name), 1, 1) for name in ("s1", "s3")}
    steps = list(requested(spec, objects, resources_of(WRITTEN)))
    assert [(step.key.name, step.verbs) for step in steps] == [
        ("s1", ("patch",)),
        ("s2", ("create", "patch")),
        ("s3", ("delete",)),
    ]


@pytest.mark.parametrize(
    "name",
    ["s1/status", "..", "../lanes/s1", "a..b", "s1?x", "s1%2f", "", "S1", "a" * 254, 1, None],
)
def test_what_is_no_name_becomes_no_url(name: Any) -> None:
    bodies = [
        {**lane("x"), "metadata": {"name": name}},
        {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}},
    ]
    assert (
        list(requested(PreviewSpec(source="x", objects=bodies), {}, resources_of(PREVIEWED))) == []
    )


@pytest.mark.parametrize("namespace", ["default/services", "..", "A", " "])
def test_what_is_no_namespace_becomes_no_url(namespace: str) -> None:
    body = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "x"}}
    body["metadata"] |= {"namespace": namespace}  # type: ignore[operator]
    assert (
        list(requested(PreviewSpec(source="x", objects=[body]), {}, resources_of(PREVIEWED))) == []
    )


def test_deletions_come_last_and_lanes_before_groups() -> None:
    group = key("shop", "lanegroups.laneway.dev")
    steps = [
        Step(group, (), None, {}),
        Step(key("s1"), (), None, {}),
        Step(key("b"), (), lane("b"), None),
        Step(key("a"), (), lane("a"), None),
    ]
    assert [step.key.name for step in ordered(steps)] == ["b", "a", "s1", "shop"]


def test_times_versions_and_statuses_are_no_change() -> None:
    before = lane("s1", resourceVersion="7", generation=1, managedFields=[owner("shop")])
    step = Step(key("s1"), (), lane("s1"), before)
    later = [owner("laneway", "status"), owner("shop", time="2026-02-01T00:00:00Z")]
    same = lane("s1", resourceVersion="8", generation=1, managedFields=later)
    assert operation(step, {**same, "status": {"ready": 1}}) == "unchanged"
    assert operation(step, {**same, "spec": {}}) == "configured"
    taken_over = lane("s1", managedFields=[owner("shop"), owner("other")])
    assert operation(step, taken_over) == "configured"


def test_who_reports_a_status_declares_nothing() -> None:
    """Else the operator would count as a second source of every lane, which prune must respect."""
    found = lane("s1", managedFields=[owner("shop"), owner("laneway", "status")])
    assert applied_by(found) == {"shop"}
