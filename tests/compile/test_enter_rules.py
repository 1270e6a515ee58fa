"""Which ``enter`` rule chooses, and what names a lane at a gateway."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations

import pytest
from tests.compile.entering_meshes import SILENT, STRICT_CASES, strict
from tests.compile.meshes import GATEWAY, exact, group, lane, mesh, prefix, rule, service

from laneway.compile.ir import EntryRule, LaneNaming
from laneway.compile.lower import lower
from laneway.compile.simulate import Request, simulate
from laneway.model.lanes import IngressRule, Lane, RouteBy, Sticky, StickyKind
from laneway.model.meshes import Mesh

BASE = lane("base", "a", rule("a"))


def entering(*rules: IngressRule) -> list[Lane]:
    """A lane for each of the rules: ``l0``, ``l1``, ..."""
    return [
        lane(f"l{number}", "a", replace(one, name=f"r{number}", enter=True))
        for number, one in enumerate(rules)
    ]


def declared(*lanes: Lane) -> Mesh:
    return mesh([group("a")], [BASE, *lanes], [service("a")])


def entries(one: Mesh) -> tuple[EntryRule, ...]:
    return lower(one).gateways[GATEWAY].servers[0].virtual_hosts[0].entries


def intended(one: Mesh, request: Request, draw: int = 0) -> str | None:
    return simulate(one, lower(one), request, draw=draw).hops[0].intended


def test_the_most_specific_rule_chooses() -> None:
    everything = Request(
        path="/x/y?q=1", headers={"x-user": "jack", "x-company": "acme"}, host="a.test"
    )
    rules = [
        rule("a"),
        rule("a", headers={"x-user": exact("jack")}),
        rule("a", headers={"x-user": exact("jack")}, query={"q": exact("1")}),
        rule("a", uri=prefix("/x")),
        rule("a", uri=prefix("/x/y")),
        rule("a", uri=exact("/x/y")),
        rule("a", hosts=("a.test",)),
    ]
    for number in range(len(rules)):
        assert intended(declared(*entering(*rules[: number + 1])), everything) == f"l{number}"


def test_in_strict_groups_who_is_not_chosen_by_a_rule_stays_without_a_lane() -> None:
    """And who names a lane is in that one. Rules without ``enter`` say themselves who enters."""
    one = strict()
    routes = lower(one)
    for request, lanes in STRICT_CASES:
        found = [
            simulate(one, routes, request, applications=SILENT, draw=draw) for draw in range(100)
        ]
        assert {outcome.hops[0].intended for outcome in found} == lanes, request
        for outcome in found:
            served = outcome.hops[0].intended or "base"
            assert [hop.served for hop in outcome.hops] == [served] * 2, request
        if len(lanes) > 1:
            chosen = [outcome.hops[0].intended for outcome in found]
            assert (chosen.count("some"), chosen.count("others")) == (30, 20)


def test_neither_lanes_nor_rules_are_ordered_by_who_came_first() -> None:
    """Two that are equally specific keep their order whatever lane comes or goes beside them."""
    lanes = entering(
        rule("a", headers={"x-user": exact("jack")}),
        rule("a", headers={"x-company": exact("acme")}),
        rule("a", query={"q": exact("1")}),
        rule("a", headers={"x-user": prefix("j")}),
    )
    request = Request(path="/?q=1", headers={"x-user": "jack", "x-company": "acme"})
    for some in (lanes, lanes[:2], lanes[1:], lanes[::2], lanes[::3]):
        winners = {intended(declared(*order), request) for order in permutations(some)}
        assert len(winners) == 1


def test_a_lane_that_comes_changes_no_request_that_does_not_meet_its_rule() -> None:
    lanes = entering(*(rule("a", headers={"x-user": exact(f"u{n}")}) for n in range(4)))
    for number, one in enumerate(lanes):
        others = [other for other in lanes if other is not one]
        for user in (f"u{n}" for n in range(5) if n != number):
            request = Request(headers={"x-user": user})
            outcomes = [
                simulate(m, lower(m), request).hops[0].intended
                for m in (declared(*others), declared(*lanes))
            ]
            assert outcomes[0] == outcomes[1]


def test_lanes_that_say_the_same_share_it_by_weight() -> None:
    same = rule("a", headers={"X-User": exact("jack")})
    other = replace(same, headers={"x-user": exact("jack")})
    lanes = entering(replace(same, weight=30), replace(other, weight=20))
    (entry,) = entries(declared(*lanes))
    assert [(share.lane, share.weight) for share in entry.split.shares] == [
        ("l0", 30),
        ("l1", 20),
        ("", 50),
    ]
    jack = Request(headers={"x-user": "jack"})
    draws = [intended(declared(*lanes), jack, draw) for draw in (0, 29, 30, 49, 50, 99)]
    assert draws == ["l0", "l0", "l1", "l1", None, None]


def test_a_rules_sticky_precedes_the_groups() -> None:
    user, session = Sticky(StickyKind.HEADER, "x-user"), Sticky(StickyKind.COOKIE, "session")
    own = rule("a", headers={"x-company": exact("acme")}, weight=10)
    for sticky, expected in ((user, user), (None, session)):
        lanes = entering(replace(own, sticky=sticky))
        one = mesh([group("a", sticky=session)], [BASE, *lanes], [service("a")])
        (entry,) = entries(one)
        assert entry.split.sticky == expected


def test_a_rule_that_is_not_online_lets_nobody_enter() -> None:
    (one,) = entering(rule("a"))
    off = replace(one, ingress=(replace(one.ingress[0], online=False),))
    assert entries(declared(off)) == ()
    assert lower(declared(off)).gateways[GATEWAY].naming == ()


def test_who_uses_neither_names_nor_enter_has_no_naming() -> None:
    assert lower(declared(lane("beta", "a", rule("a")))).gateways[GATEWAY].naming == ()


def test_groups_that_share_a_route_header_share_its_names() -> None:
    groups = [group("a", "one", route_by=RouteBy(("x-tag",))), group("b", "two")]
    lanes = [
        lane("base", "a", rule("a"), group="one"),
        lane("other", "b", rule("b", uri=prefix("/b")), group="two", names=("gray",)),
    ]
    one = mesh(groups, lanes, [service("a"), service("b")])
    assert lower(one).gateways[GATEWAY].naming == (
        LaneNaming(
            "x-lane",
            ("x-tag",),
            (),
            (),
            {"gray": "other", "base": "base", "other": "other"},
        ),
    )


def test_what_names_a_lane_of_an_inner_group_goes_on_to_it() -> None:
    groups = [group("a", "outer"), group("b", "inner", gateway=None, trace_header="x-lane")]
    lanes = [
        lane("base", "a", rule("a"), group="outer", names=("gray",)),
        lane("deep", "b", group="inner", names=("ignored",)),
    ]
    one = mesh(groups, lanes, [service("a"), service("b")])
    (naming,) = lower(one).gateways[GATEWAY].naming
    assert naming.lanes == {"gray": "base", "base": "base", "deep": "deep"}


@pytest.mark.parametrize("value", ['a"b\\c', "]]", "a=b; c", "%41", "100%"])
def test_a_name_may_be_any_text(value: str) -> None:
    one = declared(lane("beta", "a", rule("a"), names=(value,)))
    assert intended(one, Request(headers={"x-lane": value})) == "beta"
