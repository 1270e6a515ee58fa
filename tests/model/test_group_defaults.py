"""Group defaults: what a lane takes from its group, of objects that no document declared."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from tests.schema.object_strategies import meshes

from laneway.model.group_defaults import mesh_of, with_group_defaults
from laneway.model.keys import Declared
from laneway.model.lanes import IngressRule, Lane, LaneGroup
from laneway.model.meshes import Mesh
from laneway.model.names import ObjectName

A, B = ObjectName("default", "a"), ObjectName("default", "b")
RULE = IngressRule("r", A, hosts=("shop.test",), methods=("GET",))
GROUP = LaneGroup("g", (A, B), "x-lane", "x-lane", ingress=(RULE,))
LANE = Lane("s1", "g", {"version": "v1"}, ())


def filled(lane: Lane, *groups: LaneGroup) -> Lane:
    (result,) = with_group_defaults([lane], groups)
    return result


def test_a_lane_that_declares_neither_services_nor_rules_has_its_groups() -> None:
    assert filled(LANE, GROUP) == replace(LANE, services=(A, B), ingress=(RULE,))


def test_what_a_lane_declares_stays() -> None:
    own = IngressRule("own", B)
    assert filled(replace(LANE, services=(B,)), GROUP).services == (B,)
    assert filled(replace(LANE, ingress=(own,)), GROUP).ingress == (own,)


def test_a_rule_without_hosts_has_the_conditions_of_the_groups_rules() -> None:
    own = IngressRule("weighted", B, hosts=(), port=81)
    lane = filled(replace(LANE, ingress=(own,)), GROUP)
    assert lane.ingress == (replace(RULE, destination=B, port=81),)


def test_a_lane_of_an_unknown_group_stays_as_it_is() -> None:
    assert filled(LANE) == LANE
    assert filled(LANE, replace(GROUP, name="other")) == LANE


def test_a_mesh_has_the_rules_in_the_lanes_alone() -> None:
    mesh = mesh_of([LANE, GROUP])
    assert mesh.groups[0].ingress == ()
    assert mesh.lanes[0].ingress == (RULE,)


@given(meshes())
def test_defaults_are_filled_in_once_whatever_the_order_of_kinds(mesh: Mesh) -> None:
    """A mesh taken apart and made again is the same mesh: nothing is left to fill in."""
    declared: list[Declared] = [
        *mesh.workloads,
        *mesh.lanes,
        *mesh.services,
        *mesh.groups,
        *mesh.gateways,
    ]
    assert mesh_of(declared) == mesh
