"""The subsets of a service: the lanes that contain it."""

from __future__ import annotations

from tests.compile.meshes import group, lane, mesh, name, service


def test_a_service_that_a_lane_lists_twice_has_the_lane_once() -> None:
    twice = lane("s1", "a a")
    declared = mesh([group("a")], [twice], [service("a")])
    assert declared.subsets == {("test", name("a")): (twice,)}
