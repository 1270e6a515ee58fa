"""A plan is made for any dialect: the operator knows none by name."""

from __future__ import annotations

from typing import Any

import pytest
from tests.operator.test_acceptance import served
from tests.wiring.declared_objects import gateway, group, lane

from laneway.operator.cluster_port import Observed
from laneway.operator.manifests import Manifest
from laneway.operator.operations import Delete, Phase
from laneway.operator.planning import Plan, Planner
from laneway.wiring.dialects import DIALECTS, Settings


def observed(*lanes: dict[str, Any], generated: tuple[Manifest, ...] = ()) -> Observed:
    entry = group("a", "b", gateway={"name": "gate"})
    services = [served("a"), served("b")]
    return Observed([entry], lanes, services, [gateway()], generated)


def applied(plan: Plan, before: tuple[Manifest, ...] = ()) -> tuple[Manifest, ...]:
    """The objects of a cluster after the plan was carried out."""
    present = {_place(manifest): manifest for manifest in before}
    for step in plan.difference.steps:
        for operation in step.operations:
            if isinstance(operation, Delete):
                del present[_place(operation.manifest)]
            else:
                present[_place(operation.manifest)] = operation.manifest
    return tuple(present.values())


def _place(manifest: Manifest) -> tuple[str, str]:
    return manifest["kind"], manifest["metadata"]["name"]


@pytest.mark.parametrize("name", ["istio", "gateway-api"])
def test_lanes_come_and_go_make_before_break(name: str) -> None:
    dialect = DIALECTS[name].configured(Settings())
    planner = Planner(dialect)
    entry: dict[str, Any] = {"name": "entry", "destination": "a"}
    first = lane("v1", ingress=[entry])
    plan = planner.plan(observed(first, lane("v2", "b")))
    assert [step.phase for step in plan.difference.steps][-1] is Phase.SWITCH
    for step in plan.difference.steps:
        routes = {dialect.kinds[o.manifest["kind"]].is_route for o in step.operations}
        assert routes == {step.phase is Phase.SWITCH}
    present = applied(plan)
    assert len(planner.plan(observed(first, lane("v2", "b"), generated=present)).difference) == 0
    plan = planner.plan(observed(first, generated=present))
    phases = [step.phase for step in plan.difference.steps]
    assert phases == sorted(phases, key=list(Phase).index)
    assert phases[-1] is Phase.REMOVE
    present = applied(plan, present)
    assert len(planner.plan(observed(first, generated=present)).difference) == 0


@pytest.mark.parametrize("name", ["istio", "gateway-api"])
def test_a_held_group_keeps_its_objects_in_any_dialect(name: str) -> None:
    planner = Planner(DIALECTS[name].configured(Settings()))
    present = applied(planner.plan(observed(lane("v1"), lane("v2", "b"))))
    programmed = {"conditions": [{"type": "Programmed", "status": "True"}]}
    broken = {**lane("v2", "nowhere"), "status": programmed}
    plan = planner.plan(observed(lane("v1"), broken, generated=present))
    assert plan.acceptance.held == {"g"}
    assert len(plan.difference) == 0
