"""A mesh that shares objects with the previous one is equal, and derives the same values."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import fields

from hypothesis import given
from tests.compile.edit_strategies import successions

from laneway.model.meshes import Mesh
from laneway.model.structural_sharing import share_unchanged

DERIVED = (
    *("services_by_name", "gateways_by_name", "workloads_by_name", "groups_by_name"),
    *("lanes_by_group", "subsets", "lanes_with_own_way", "groups_by_service"),
)


@given(successions())
def test_it_is_equal_and_derives_the_same(meshes: list[Mesh]) -> None:
    last = Mesh()
    for mesh in meshes:
        last = share_unchanged(mesh, last)
        fresh = deepcopy(mesh)
        assert last == fresh
        for name in DERIVED:
            assert getattr(last, name) == getattr(fresh, name)


@given(successions())
def test_what_is_equal_is_the_same_object(meshes: list[Mesh]) -> None:
    before = meshes[0]
    for mesh in meshes[1:]:
        after = share_unchanged(deepcopy(mesh), before)
        for field in fields(Mesh):
            old, new = getattr(before, field.name), getattr(after, field.name)
            assert (old is new) == (old == new)
            for one in old:
                assert all(one is other for other in new if one == other)
        before = after
