"""Lowering again and again is lowering, and leaves alone what a change does not touch."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from tests.compile.edit_strategies import successions
from tests.compile.meshes import group, lane, mesh, name, service

from laneway.compile import incremental_lowering
from laneway.compile.incremental_lowering import Lowerer
from laneway.compile.ir import ServiceRoutes
from laneway.compile.lower import lower, lower_service
from laneway.compile.service_views import ServiceView
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
def test_nor_does_it_matter_whether_meshes_share_objects(meshes: list[Mesh]) -> None:
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


@pytest.fixture
def lowered(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The services that are really lowered."""
    names: list[str] = []

    def counted(view: ServiceView) -> ServiceRoutes:
        names.append(view.service.name.name)
        return lower_service(view)

    monkeypatch.setattr(incremental_lowering, "lower_service", counted)
    return names


def edited(declared: Mesh, **fields: object) -> Mesh:
    """With the second lane changed."""
    first, second, *rest = declared.lanes
    lanes = (first, replace(second, **fields), *rest)  # type: ignore[arg-type]
    return share_unchanged(replace(declared, lanes=lanes), declared)


def test_a_change_of_one_lane_lowers_only_its_services(lowered: list[str]) -> None:
    declared = mesh([group("a b c")], [lane("s1", "a b c"), lane("s2", "a")], SERVICES)
    lowerer = Lowerer()
    lowerer(declared)
    lowered.clear()
    lowerer(edited(declared, services=(name("b"),)))
    assert sorted(lowered) == ["a", "b"]


def test_a_fallback_concerns_the_services_of_the_lane_that_it_leads_to(lowered: list[str]) -> None:
    lanes = [lane("s1", "a b c"), lane("s2", "a"), lane("s3", "b")]
    declared = mesh([group("a b c")], lanes, SERVICES)
    lowerer = Lowerer()
    lowerer(declared)
    lowered.clear()
    after = edited(declared, fallback=("s3",))
    routes = lowerer(after)
    assert sorted(lowered) == ["a", "b"]
    assert routes == lower(after)
    assert routes.services[name("b")].by_port[8000].choices[0].lanes["s2"].chain == ("s3", "s1")


def test_a_service_that_joins_the_group_leaves_the_others_alone(lowered: list[str]) -> None:
    declared = mesh([group("a b")], [lane("s1", "a b c"), lane("s2", "a")], SERVICES)
    lowerer = Lowerer()
    lowerer(declared)
    lowered.clear()
    after = replace(declared, groups=(group("a b c"),))
    assert lowerer(share_unchanged(after, declared)) == lower(after)
    assert lowered == ["c"]


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
