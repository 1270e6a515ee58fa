"""The declared state and the operator accept the same objects, for the same reasons."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest
from tests.compile.meshes import group, lane, rule, service
from tests.control.declared.declared_states import GATE, GROUP, JACK, SHOP, put, remove

from laneway.compile.envoy.limits import check
from laneway.control.declared import DeclaredState, Request
from laneway.control.declared.planning import plan
from laneway.model.acceptance import Standing
from laneway.model.findings import ObjectKey
from laneway.model.gateways import Gateway
from laneway.model.keys import Declared, key_of
from laneway.model.lanes import Lane, LaneGroup
from laneway.model.names import ObjectName
from laneway.operator.acceptance import accept, candidate
from laneway.operator.manifests import Manifest
from laneway.schema import encode

FIRST = lane("first", "c", rule("c", hosts=("c.test",)), group="other")
OTHER: tuple[Declared, ...] = (service("c"), group("c", "other"), FIRST)

#: What is written when the shop and the other group are active.
CASES: dict[str, tuple[Request, ...]] = {
    "nothing": (),
    "a new lane": (put(lane("green", "b")),),
    "a new lane of an unknown service": (put(lane("green", "z")),),
    "a lane of an unknown group": (put(lane("green", "a", group="nowhere")),),
    "an active lane with an unknown service": (put(lane("blue", "z", rule("a"))),),
    "an active lane and another of its group": (
        put(lane("blue", "z", rule("a"))),
        put(lane("green", "b")),
    ),
    "a group without one of its baseline's services": (
        put(replace(GROUP, services=GROUP.services[:1])),
    ),
    "two groups with one service": (put(group("c b", "other")),),
    "a service that is gone": (remove("Service", "default/b"),),
    "a gateway that is gone, and another stays": (
        put(Gateway(ObjectName("default", "other"), GATE.servers)),
        remove("Gateway", "istio-system/ingressgateway"),
    ),
    "a group that is gone": (remove("LaneGroup", "test"),),
    "a baseline that is gone": (remove("Lane", "test/base"),),
    "a lane that is to come before the baseline": (put(lane("green", "a b", order=-1)),),
    "another baseline, which the group names": (
        put(lane("green", "a b")),
        put(replace(GROUP, baseline="green")),
        remove("Lane", "test/base"),
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_the_same_objects_stand_as_they_do_in_a_cluster(case: str) -> None:
    state = after(DeclaredState(), map(put, [*SHOP, *OTHER]))
    assert {standing for standing, _ in standings(state).values()} == {Standing.ACCEPTED}
    active = {each.key for each in state.objects.ordered}
    recorded = state.baselines
    state = after(state, CASES[case])
    objects = [each.declared for each in state.objects.ordered]
    assert standings(state) == standings_in_a_cluster(objects, active, recorded)


def test_every_standing_is_among_them() -> None:
    shop = after(DeclaredState(), map(put, [*SHOP, *OTHER]))
    found = [standings(after(shop, case)).values() for case in CASES.values()]
    assert {standing for each in found for standing, _ in each} == set(Standing)


def after(state: DeclaredState, requests: Iterable[Request]) -> DeclaredState:
    for request in requests:
        planned = plan(state, request, JACK, active=state.mesh, check=check)
        assert isinstance(planned, DeclaredState), planned
        state = planned
    return state


def standings(state: DeclaredState) -> dict[str, tuple[Standing, Sequence[str]]]:
    result: dict[str, tuple[Standing, Sequence[str]]] = {}
    for each in state.objects.ordered:
        if isinstance(each.declared, Lane | LaneGroup):
            status = state.status(each.key)
            result[str(each.declared.name)] = (
                status.standing,
                # In a cluster a recorded baseline is one that the group names.
                [f.message.replace(" (the group's first lane)", "") for f in status.findings],
            )
    return result


def standings_in_a_cluster(
    objects: Sequence[Declared], active: set[ObjectKey], recorded: Mapping[str, str]
) -> dict[str, tuple[Standing, Sequence[str]]]:
    lanes = [each for each in objects if isinstance(each, Lane | LaneGroup)]
    own = {str(o.name): manifest(o, age, active, recorded) for age, o in enumerate(lanes)}
    context = [encode(o) for o in objects if not isinstance(o, Lane | LaneGroup)]
    acceptance = accept(own.values(), context)
    return {
        name: (
            acceptance.standing(candidate(each)),
            [f.message for f in acceptance.findings.get(candidate(each).key, ())],
        )
        for name, each in own.items()
    }


def manifest(
    declared: Declared, age: int, active: set[ObjectKey], recorded: Mapping[str, str]
) -> Manifest:
    """The objects are created in their order."""
    conditions: list[Any] = [{"type": "Programmed", "status": str(key_of(declared) in active)}]
    status: dict[str, Any] = {"conditions": conditions}
    if isinstance(declared, LaneGroup) and declared.name in recorded:
        status["baseline"] = recorded[declared.name]
    document = encode(declared)
    metadata = {**document["metadata"], "creationTimestamp": f"2026-01-01T00:00:{age:02}Z"}
    return {**document, "metadata": metadata, "status": status}
