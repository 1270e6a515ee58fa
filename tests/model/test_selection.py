"""A workload that a lane seems to lack may be in another namespace."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from laneway.model.label_selectors import LabelRequirement, Operator
from laneway.model.lanes import Lane, LaneGroup
from laneway.model.machine_defaults import machine_mesh_of
from laneway.model.meshes import Mesh
from laneway.model.names import ObjectName
from laneway.model.selection import Selection
from laneway.model.services import Service, ServicePort
from laneway.model.workloads import Workload, WorkloadPort


def service(namespace: str) -> Service:
    return Service(ObjectName(namespace, "cart"), (ServicePort(80),), {"app": "cart"})


def workload(namespace: str, **labels: str) -> Workload:
    name = ObjectName(namespace, f"cart-{labels.get('lane', 'v1')}")
    return Workload(name, {"app": "cart", **labels}, (WorkloadPort(80),), command=("true",))


def lane(selector: Mapping[str, str], *expressions: LabelRequirement) -> Lane:
    return Lane("beta", "g", selector, (), match_expressions=expressions)


HERE = service("shop")
BETA = lane({"lane": "beta"})


def elsewhere(mesh: Mesh, of: Lane = BETA) -> str | None:
    found = Selection(mesh).elsewhere(HERE, of)
    return str(found.name) if found is not None else None


def test_a_workload_in_the_wrong_namespace_is_found() -> None:
    mesh = machine_mesh_of([HERE, workload("shop"), workload("test", lane="beta")])
    assert elsewhere(mesh) == "test/cart-beta"  # although a Service is assumed for it


@pytest.mark.parametrize(("grouped", "expected"), [(True, None), (False, "test/cart-beta")])
def test_a_workload_of_another_service_of_lane_groups_is_not_misplaced(
    grouped: bool, expected: str | None
) -> None:
    there = service("test")
    mesh = Mesh(
        groups=(LaneGroup("g", (HERE.name, *([there.name] if grouped else [])), "x", "x"),),
        services=(HERE, there),
        workloads=(workload("shop"), workload("test", lane="beta")),
    )
    assert elsewhere(mesh) == expected


@pytest.mark.parametrize(
    ("operator", "expected"), [(Operator.EXISTS, "test/cart-beta"), (Operator.DOES_NOT_EXIST, None)]
)
def test_it_must_meet_the_expressions_of_the_lane(operator: Operator, expected: str | None) -> None:
    mesh = Mesh(services=(HERE,), workloads=(workload("shop"), workload("test", lane="beta")))
    assert elsewhere(mesh, lane({}, LabelRequirement("lane", operator))) == expected
