"""Which new workloads must be ready before a change takes others away."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pytest
from tests.compile.meshes import group, lane, mesh, name, service, workload

from laneway.model.meshes import Mesh
from laneway.model.workloads import Workload
from laneway.wiring.replacements import replacements

A_V1, A_V2, B_V1 = workload("a", "v-1"), workload("a", "v-2"), workload("b", "v-1")


def declared(*workloads: Workload, lanes: Iterable[str] = ("1", "2")) -> Mesh:
    one = mesh([group("a b")], [lane(each, "a b") for each in lanes], [service("a"), service("b")])
    return replace(one, workloads=workloads)


def renamed(old: Workload, **fields: object) -> Workload:
    return replace(old, name=name(f"{old.name.name}-new"), **fields)  # type: ignore[arg-type]


def awaited(old: Mesh, new: Mesh, *unready: Workload) -> set[str]:
    ready = {w.name for w in old.workloads} - {w.name for w in unready}
    return {each.name for each in replacements(old, new, ready)}


OLD = declared(A_V1, A_V2, B_V1)


def test_a_workload_that_is_renamed_has_to_be_ready() -> None:
    assert awaited(OLD, declared(renamed(A_V1), A_V2, B_V1)) == {"a-v-1-new"}
    assert awaited(OLD, declared(A_V1, renamed(A_V2), B_V1)) == {"a-v-2-new"}


def test_all_that_replace_one_have_to_be_ready() -> None:
    two = renamed(A_V1), replace(A_V1, name=name("a-v-1-newer"))
    assert awaited(OLD, declared(*two, A_V2, B_V1)) == {"a-v-1-new", "a-v-1-newer"}


@pytest.mark.parametrize(
    "new",
    [
        declared(A_V1, renamed(A_V1), A_V2, B_V1),  # another instance stays
        declared(A_V1, B_V1),  # nothing is new
        declared(A_V1, A_V2, B_V1, workload("b", "v-2")),  # nothing was there
        declared(A_V1, B_V1, workload("b", "v-3"), lanes=["1", "3"]),
    ],
)
def test_others_do_not_hold_a_change_up(new: Mesh) -> None:
    assert awaited(OLD, new) == set()


def test_what_did_not_serve_is_not_waited_for() -> None:
    new = declared(renamed(A_V1), renamed(A_V2), B_V1)
    assert awaited(OLD, new, A_V2) == {"a-v-1-new"}
    assert awaited(OLD, new, A_V1, A_V2) == set()


def test_an_instance_that_stays_and_is_not_ready_does_not_count() -> None:
    second = renamed(A_V1)
    third = replace(A_V1, name=name("a-v-1-third"))
    old, new = declared(A_V1, second, A_V2, B_V1), declared(second, third, A_V2, B_V1)
    assert awaited(old, new, second) == {"a-v-1-third"}
    assert awaited(old, new) == set()


def test_a_selector_that_moves_to_new_workloads_waits_for_them() -> None:
    moved = replace(lane("1", "a b"), selector={"version": "v-3"})
    of_lane = declared(A_V1, A_V2, B_V1, workload("a", "v-3"))
    of_lane = replace(of_lane, lanes=(moved, *of_lane.lanes[1:]))
    assert awaited(OLD, of_lane) == {"a-v-3"}
    other = workload("other", "v-1")
    of_service = declared(A_V1, A_V2, B_V1, other)
    a, b = of_service.services
    of_service = replace(of_service, services=(replace(a, selector={"app": "other"}), b))
    assert awaited(OLD, of_service) == {"other-v-1"}


def test_a_service_without_a_group_counts_as_a_whole() -> None:
    alone = mesh([], [], [service("a")])
    old, new = replace(alone, workloads=(A_V1,)), replace(alone, workloads=(renamed(A_V1),))
    assert awaited(old, new) == {"a-v-1-new"}


def test_what_needs_the_port_of_the_other_cannot_be_waited_for() -> None:
    fixed = replace(A_V1, address="127.0.0.1:8080")
    old = declared(fixed, A_V2, B_V1)
    assert awaited(old, declared(renamed(fixed), A_V2, B_V1)) == set()
    elsewhere = renamed(fixed, address="127.0.0.1:8081")
    assert awaited(old, declared(elsewhere, A_V2, B_V1)) == {"a-v-1-new"}
