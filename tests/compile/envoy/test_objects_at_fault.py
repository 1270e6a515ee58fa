"""A rejection leads to the lane or group that changed, by what Envoy says of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from laneway.compile.envoy.objects_at_fault import objects_at_fault
from laneway.model.lanes import IngressRule, Lane, LaneGroup
from laneway.model.matches import MatchKind, StringMatch
from laneway.model.meshes import Mesh
from laneway.model.names import ObjectName

WEB, CART = ObjectName("default", "web"), ObjectName("default", "cart")
GATEWAY, WEB_ROUTES = "gateway|80|default/entry", "outbound|80||web.default.svc.cluster.local"
REPETITION = "Invalid regex '/a{1001}': invalid repetition size: {1001}"


def lane(name: str, group: str = "shop", uri: str = "") -> Lane:
    match = StringMatch(MatchKind.REGEX, uri) if uri else None
    rule = IngressRule("rule", WEB, uri=match)
    return Lane(name, group, {"v": name}, (WEB,), ingress=(rule,))


BEFORE = Mesh(
    (LaneGroup("shop", (WEB,), "x-lane", ""), LaneGroup("bank", (CART,), "x-lane", "")),
    (lane("base"), lane("s1"), lane("b1", "bank")),
)


def with_lanes(*lanes: Lane) -> Mesh:
    known = {(each.group, each.name): each for each in (*BEFORE.lanes, *lanes)}
    return replace(BEFORE, lanes=tuple(known.values()))


def found(mesh: Mesh, resource: str, error: str, before: Mesh = BEFORE) -> list[str]:
    return [str(each) for each in objects_at_fault(mesh, before, resource, error)]


@pytest.mark.parametrize("error", [REPETITION, "invalid repetition size: {1001}"])
def test_the_lane_whose_expression_is_quoted(error: str) -> None:
    mesh = with_lanes(lane("s1", uri="/b"), lane("s2", uri="/a{1001}"))
    assert found(mesh, GATEWAY, error) == ["Lane shop/s2"]
    assert found(mesh, GATEWAY, error, before=mesh) == ["Lane shop/s2"]  # at a start


def test_all_lanes_that_have_it() -> None:
    mesh = with_lanes(lane("s2", uri="/a{1001}"), lane("s3", uri="/a{1001}"))
    assert found(mesh, GATEWAY, REPETITION) == ["Lane shop/s2", "Lane shop/s3"]


def test_the_only_object_that_changed() -> None:
    assert found(with_lanes(lane("s2")), GATEWAY, "no words") == ["Lane shop/s2"]


def test_the_changed_lane_of_the_group_whose_service_is_named() -> None:
    mesh = with_lanes(lane("s2"), lane("b2", "bank"))
    assert found(mesh, WEB_ROUTES, "no words") == ["Lane shop/s2"]
    error = "unknown cluster 'outbound|80|b2|cart.default.svc.cluster.local'"
    assert found(mesh, GATEWAY, error) == ["Lane bank/b2"]


def test_the_group_where_several_of_its_lanes_changed() -> None:
    mesh = with_lanes(lane("s2"), lane("s3"))
    assert found(mesh, WEB_ROUTES, "no words") == ["LaneGroup shop"]


def test_nobody_is_blamed_without_a_sign() -> None:
    assert found(with_lanes(lane("s2"), lane("b2", "bank")), GATEWAY, "no words") == []
