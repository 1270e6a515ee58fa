"""Lowering of gateways: merging rules, precedence, hosts, several groups."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from tests.compile.meshes import (
    GATEWAY,
    ROUTE_HEADER,
    TRACE_HEADER,
    exact,
    group,
    lane,
    mesh,
    name,
    prefix,
    regex,
    rule,
    service,
)

from laneway.compile.ir import IngressRoute, VirtualHost
from laneway.compile.lower import lower
from laneway.model.hosts import host_covers
from laneway.model.lanes import IngressRule, Lane, LaneGroup, Unmatched


def virtual_hosts(
    groups: list[LaneGroup], lanes: list[Lane], hosts: tuple[str, ...] = ("*",)
) -> tuple[VirtualHost, ...]:
    declared = mesh(groups, lanes, [service("a"), service("b", 80, 90)], hosts=hosts)
    return lower(declared).gateways[GATEWAY].servers[0].virtual_hosts


def routes_of(*rules: IngressRule) -> list[IngressRoute]:
    (host,) = virtual_hosts([group("a b")], [lane("s1", "a b", *rules)])
    return list(host.routes)


def test_lanes_with_one_rule_share_a_route() -> None:
    lanes = [lane(text, "a", rule("a", uri=exact("/mock"))) for text in ("s1", "s2")]
    (host,) = virtual_hosts([group("a")], [*lanes, lane("s3", "", rule("a", uri=exact("/mock")))])
    (route,) = host.routes
    (choice,) = route.route.choices
    assert {lane: target.chain for lane, target in choice.lanes.items()} == {
        "s1": ("s1",),
        "s2": ("s2", "s1"),
    }
    assert choice.header == ROUTE_HEADER
    assert route.route.default.chain == ("s1",)
    assert route.trace_headers == (TRACE_HEADER,)
    assert [owner.name for owner, _ in route.rules] == ["s1", "s2", "s3"]


def test_of_a_lanes_rules_with_one_condition_the_first_leads_to_its_service() -> None:
    """Also where the baseline serves it, and where the lane gets requests by weight."""
    doubled = lane("s2", "b", rule("a"), replace(rule("b"), name="again"), weight=10)
    (host,) = virtual_hosts([group("a b")], [lane("s1", "a b", rule("a")), doubled])
    (route,) = host.routes
    (choice,) = route.route.choices
    assert choice.lanes.get("s2", route.route.default).service.name == name("a")
    assert route.split is not None
    assert {share.lane: share.target.service.name for share in route.split.shares} == {
        "s2": name("a"),
        "": name("a"),
    }


def test_no_trace_header_is_filled_in_where_the_route_header_is_passed_on() -> None:
    lanes = [lane("s1", "a", rule("a"))]
    (host,) = virtual_hosts([group("a", trace_header=ROUTE_HEADER)], lanes)
    assert host.routes[0].trace_headers == ()


def test_a_lane_may_enter_by_another_service_and_port() -> None:
    (host,) = virtual_hosts(
        [group("a b")], [lane("s1", "a b", rule("a")), lane("s2", "a", rule("b", port=90))]
    )
    (choice,) = host.routes[0].route.choices
    assert str(choice.lanes["s2"].service.name) == "default/b"
    assert choice.lanes["s2"].port.port == 90
    assert choice.lanes["s2"].chain == ("s1",)


def test_a_rule_that_is_not_online_is_none() -> None:
    assert virtual_hosts([group("a")], [lane("s1", "a", rule("a", online=False))]) == ()


def test_headers_of_any_case_state_the_same() -> None:
    lanes = [
        lane("s1", "a", rule("a", headers={"X-Beta": exact("1")})),
        lane("s2", "a", rule("a", headers={"x-beta": exact("1")})),
    ]
    (host,) = virtual_hosts([group("a")], lanes)
    assert len(host.routes) == 1


def test_the_most_specific_condition_is_first() -> None:
    anything = rule("a")
    worded = rule("a", uri=prefix("/shop/cart"))
    conditions = [
        rule("a", uri=exact("/s")),
        rule("a", uri=prefix("/shop/cart"), headers={"x": exact("1")}, methods=("GET",)),
        rule("a", uri=prefix("/shop/cart"), query={"x": exact("1")}),
        worded,
        rule("a", uri=prefix("/shop")),
        rule("a", uri=regex("/shop/cart/[0-9]+")),
        rule("a", headers={"x": exact("1")}),
        anything,
    ]
    found = [route.rules[0][1] for route in routes_of(*reversed(conditions))]
    assert found == conditions


def test_what_is_equally_specific_keeps_the_order_of_declaration() -> None:
    rules = [rule("a", uri=prefix("/b")), rule("a", uri=prefix("/a")), rule("a", uri=prefix("/c"))]
    assert [route.rules[0][1] for route in routes_of(*rules)] == rules


def test_a_host_holds_the_routes_of_all_hosts_that_cover_it_its_own_first() -> None:
    rules = [
        rule("a", uri=exact("/mock")),
        rule("a", hosts=("*.example.com",), uri=exact("/mock")),
        rule("a", hosts=("a.example.com", "b.test"), uri=prefix("/")),
    ]
    hosts = virtual_hosts([group("a")], [lane("s1", "a", *rules)])
    assert {h.domain: [r.host for r in h.routes] for h in hosts} == {
        "a.example.com": ["a.example.com", "*.example.com", "*"],
        "b.test": ["b.test", "*"],
        "*.example.com": ["*.example.com", "*"],
        "*": ["*"],
    }


def test_a_gateway_serves_only_its_own_hosts() -> None:
    rules = [rule("a"), rule("a", hosts=("a.example.com",)), rule("a", hosts=("b.test",))]
    hosts = virtual_hosts([group("a")], [lane("s1", "a", *rules)], hosts=("*.example.com",))
    assert {h.domain for h in hosts} == {"*.example.com", "a.example.com"}


def test_two_groups_with_one_condition_are_two_choices() -> None:
    groups = [group("a", "one"), group("b", "two", route_header="x-other")]
    lanes = [lane("s1", "a", rule("a"), group="one"), lane("t1", "b", rule("b"), group="two")]
    (host,) = virtual_hosts(groups, lanes)
    (route,) = host.routes
    assert [(c.group, c.header) for c in route.route.choices] == [
        ("one", ROUTE_HEADER),
        ("two", "x-other"),
    ]
    assert str(route.route.default.service.name) == "default/a"


OWN = rule("a", uri=prefix("/own"))


def named_by(routes: Sequence[IngressRoute]) -> list[tuple[str, ...]]:
    return [route.named.lanes if route.named else () for route in routes]


def test_what_the_baseline_lacks_is_for_the_lanes_that_have_it() -> None:
    lanes = [
        lane("s1", "a", rule("a")),
        lane("s2", "a", OWN, rule("a")),
        lane("s3", "", rule("a"), OWN),
        lane("s4", "a", replace(OWN, destination=name("b"))),
        lane("s5", "a", replace(OWN, methods=("GET",)), OWN),
    ]
    (host,) = virtual_hosts([group("a b")], lanes)
    first, *some, last = host.routes
    assert named_by([first]) == [("s5",)]  # it asks for more
    assert sorted(named_by(some)) == [("s2", "s3"), ("s4",), ("s5",)]
    assert [owner.name for owner, _ in last.rules] == ["s1", "s2", "s3"]
    shared = next(route for route in some if len(route.rules) == 2)
    assert set(shared.route.choices[0].lanes) == {"s2"}  # the default serves s3


def test_the_place_of_a_lane_moves_no_route_of_another() -> None:
    """Though lanes differ in the order of rules that are equally specific."""
    first, second = rule("a", uri=prefix("/b")), rule("a", uri=prefix("/a"))
    lanes = [lane("s2", "a", first, second), lane("s3", "a", second, first)]
    baseline = lane("s1", "a", rule("a"))
    orders = [lanes, lanes[::-1]]
    found = [virtual_hosts([group("a")], [baseline, *order])[0].routes for order in orders]
    assert named_by(found[0]) == named_by(found[1]) == [("s3",), ("s3",), ("s2",), ("s2",), ()]
    assert [route.uri for route in found[0][2:4]] == [first.uri, second.uri]
    assert [route.uri for route in found[0][:2]] == [second.uri, first.uri]


def test_weights_are_for_requests_that_the_baseline_asks_for_too() -> None:
    lanes = [lane("s1", "a", rule("a")), lane("s2", "a", OWN, rule("a"), weight=20)]
    (host,) = virtual_hosts([group("a")], lanes)
    assert [route.split is not None for route in host.routes] == [False, True]


def test_where_no_lane_is_the_baseline_rules_are_for_all() -> None:
    lanes = [lane("s1", "a", rule("a")), lane("s2", "a", OWN)]
    (host,) = virtual_hosts([group("a", baseline="s9")], lanes)
    assert named_by(host.routes) == [(), ()]


def test_what_a_lane_of_one_group_has_alone_precedes_the_same_of_another_groups_baseline() -> None:
    groups = [group("a", "one"), group("b", "two", route_header="x-other")]
    lanes = [
        lane("s1", "a", rule("a"), group="one"),
        lane("t1", "b", group="two"),
        lane("t2", "b", rule("b"), group="two"),
    ]
    (host,) = virtual_hosts(groups, lanes)
    assert named_by(host.routes) == [("t2",), ()]


def test_a_group_at_another_gateway_is_not_here() -> None:
    lanes = [lane("s1", "a", rule("a"))]
    assert virtual_hosts([group("a", gateway=None)], lanes) == ()


def test_no_lane_with_a_rule_is_turned_away_where_strangers_are() -> None:
    lanes = [lane("s1", "a", rule("a")), lane("s3", "", rule("a"))]
    (host,) = virtual_hosts([group("a", unmatched=Unmatched.NOT_FOUND)], lanes)
    (route,) = host.routes
    assert route.not_found
    assert set(route.route.choices[0].lanes) == {"s1", "s3"}


def test_who_is_not_chosen_by_weight_goes_to_the_baseline_and_has_no_lane() -> None:
    lanes = [lane("s1", "a", rule("a"), weight=10), lane("s2", "a", rule("a"), weight=20)]
    (host,) = virtual_hosts([group("a")], lanes)
    split = host.routes[0].split
    assert split is not None
    assert [(s.lane, s.weight, s.target.chain) for s in split.shares] == [
        ("s2", 20, ("s2", "s1")),
        ("", 80, ("s1",)),
    ]


@pytest.mark.parametrize(
    ("pattern", "host", "covers"),
    [
        ("*", "*", True),
        ("*", "*.a.test", True),
        ("*.a.test", "b.a.test", True),
        ("*.a.test", "*.b.a.test", True),
        ("*.a.test", "a.test", False),
        ("*.a.test", "xa.test", False),
        ("*.a.test", "*", False),
        ("a.test", "b.test", False),
    ],
)
def test_hosts_cover_hosts(pattern: str, host: str, covers: bool) -> None:
    assert host_covers(pattern, host) is covers
