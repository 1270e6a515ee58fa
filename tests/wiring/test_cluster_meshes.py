"""The mesh of a cluster: workloads stand for pods, and the statuses of lanes say what is ready."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from tests.wiring.declared_objects import gateway, group, lane, service

from laneway.model.names import ObjectName
from laneway.model.selection import Selection
from laneway.wiring.cluster_meshes import ClusterMesh, cluster_mesh

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def with_ready(item: dict[str, Any], **ready: int) -> dict[str, Any]:
    counts = [
        {"namespace": "default", "name": name, "ready": number, "total": 1}
        for name, number in ready.items()
    ]
    return {**item, "status": {"services": counts}}


def declared(*lanes: dict[str, Any]) -> ClusterMesh:
    rest = [service("a"), service("b"), service("alone"), gateway()]
    return cluster_mesh([group("a", "b", baseline="v1"), *lanes, *rest], NOW)


def selected(found: ClusterMesh, of: str, name: str) -> list[str]:
    mesh = found.mesh
    lanes = {each.name: each for each in mesh.lanes}
    here = mesh.services_by_name[ObjectName("default", of)]
    return [each.name.name for each in Selection(mesh).workloads(here, lanes.get(name))]


def test_each_service_of_each_lane_has_a_workload() -> None:
    found = declared(lane("v1"), lane("v2", "b"))
    assert [each.name.name for each in found.mesh.workloads] == ["a@v1", "b@v1", "b@v2", "alone"]
    assert selected(found, "b", "v2") == ["b@v2"]
    assert selected(found, "b", "") == ["b@v1", "b@v2"]
    (port,) = found.mesh.workloads_by_name[ObjectName("default", "alone")].ports
    assert port.number == 8000


def test_readiness_is_what_statuses_say() -> None:
    found = declared(with_ready(lane("v1"), a=2, b=0), lane("v2", "b"))
    assert found.unready == {ObjectName("default", "b@v1")}
    assert {each.name for each in found.unknown} == {"b@v2"}


@pytest.mark.parametrize(
    "expression",
    [
        {"key": "version", "operator": "In", "values": ["v2", "v3"]},
        {"key": "canary", "operator": "Exists"},
    ],
)
def test_a_workload_has_the_labels_that_its_lane_wants(expression: dict[str, Any]) -> None:
    other = lane("v2", "b", selector={"track": "new"}, matchExpressions=[expression])
    found = declared(lane("v1"), other)
    assert found.errors == ()
    assert selected(found, "b", "v2") == ["b@v2"]


def test_what_is_not_accepted_is_left_out_and_reported() -> None:
    found = declared(lane("v1"), lane("v2", "nowhere"))
    assert [each.name for each in found.mesh.lanes] == ["v1"]
    assert "nowhere" in str(found.errors[0])


def test_an_expired_lane_is_declared_and_does_not_count() -> None:
    found = declared(lane("v1"), lane("v2", "b", expiresAt="2026-01-01T00:00:00Z"))
    assert [each.name for each in found.declared.lanes] == ["v1", "v2"]
    assert [each.name for each in found.mesh.lanes] == ["v1"]
    assert found.inactive.said_of("g", "v2") == ": lane v2 expired at 2026-01-01T00:00:00Z"
