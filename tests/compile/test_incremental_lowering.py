"""Lowering again and again is lowering, and leaves alone what a change does not touch."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from tests.compile.edit_strategies import successions
from tests.compile.meshes import group, lane, mesh, name, service

from laneway.compile.incremental_lowering import Lowerer
from laneway.compile.lower import lower
from laneway.model.lanes import Mode
from laneway.model.meshes import Mesh
from laneway.model.structural_sharing import share_unchanged

SERVICES = [service("a"), service("b"), service("c")]


@given(successions())
def test_whatever_came_before_the_result_is_lowers(meshes: list[Mesh]) -> None:
    lowerer, last = Lowerer(), Mesh()
    for each in [*meshes, meshes[0]]:
        last = share_unchanged(each, last)
        assert lowerer(last) == lower(each)


@given(successions())
def test_nor_does_it_matter_whether_meshes_are_inherited(meshes: list[Mesh]) -> None:
    lowerer = Lowerer()
    for each in [*meshes, meshes[0]]:
        assert lowerer(each) == lower(each)


@given(successions())
def test_what_is_equal_is_the_same_object(meshes: list[Mesh]) -> None:
    lowerer, last = Lowerer(), Mesh()
    before = lowerer(last)
    for each in meshes:
        last = share_unchanged(each, last)
        routes = lowerer(last)
        for known in before.services.keys() & routes.services.keys():
            if before.services[known] == routes.services[known]:
                assert before.services[known] is routes.services[known]
        before = routes


def test_one_lanes_change_makes_only_its_services_anew() -> None:
    declared = mesh([group("a b c")], [lane("s1", "a b c"), lane("s2", "a")], SERVICES)
    lowerer = Lowerer()
    before = lowerer(declared)
    moved = replace(declared.lanes[1], services=(name("b"),))
    after = lowerer(share_unchanged(replace(declared, lanes=(declared.lanes[0], moved)), declared))
    same = {one.name for one in before.services if before.services[one] is after.services[one]}
    assert same == {"c"}


def test_a_strict_lane_has_to_do_with_services_that_it_lacks() -> None:
    declared = mesh([group("a b")], [lane("s1", "a b"), lane("s2", "a")], SERVICES[:2])
    strict = replace(declared.lanes[1], mode=Mode.STRICT)
    after = replace(declared, lanes=(declared.lanes[0], strict))
    lowerer = Lowerer()
    lowerer(declared)
    route = lowerer(after).services[name("b")].by_port[8000]
    assert route.choices[0].lanes["s2"].chain == ("s2",)


def test_a_lane_that_becomes_the_baseline_concerns_services_that_it_lacks() -> None:
    """Which is an error, and lowered like any other."""
    declared = mesh([group("a b")], [lane("s1", "a b")], SERVICES[:2])
    first = lane("s0", "a")
    after = replace(declared, lanes=(first, *declared.lanes))
    lowerer = Lowerer()
    lowerer(declared)
    assert lowerer(after) == lower(after)
