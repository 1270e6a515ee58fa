"""Which requests a change leads elsewhere, each shown by one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.compile.meshes import exact, group, lane, mesh, name, rule, service

from laneway.compile.analyze.changed_paths import changed_paths
from laneway.model.lanes import Lane, RouteBy
from laneway.model.meshes import Mesh

BASE = lane("base", "a b", rule("a"))
BLUE = lane("blue", "a", rule("a"))


def shop(*lanes: Lane, **fields: Any) -> Mesh:
    return mesh([group("a b", **fields)], lanes, [service("a"), service("b")], {"a": "b"})


def told(before: Mesh, after: Mesh) -> list[tuple[dict[str, str], str, str, int]]:
    return [
        (dict(each.example.headers), each.before, each.after, each.percentage)
        for each in changed_paths(before, after)
    ]


def test_where_nothing_changes_no_request_does() -> None:
    assert told(shop(BASE, BLUE), shop(BASE, BLUE)) == []


def test_a_new_lane_changes_what_names_it() -> None:
    assert told(shop(BASE), shop(BASE, BLUE)) == [
        (
            {"x-lane": "blue"},
            "a in lane base instead of blue, then b in lane base instead of blue",
            "a in lane blue, then b in lane base instead of blue",
            100,
        )
    ]


def test_a_lane_that_goes_changes_what_named_it() -> None:
    assert [headers for headers, *_ in told(shop(BASE, BLUE), shop(BASE))] == [{"x-lane": "blue"}]


def test_another_baseline_changes_what_names_no_lane() -> None:
    before, after = shop(BASE, BLUE), shop(BASE, BLUE, service_baselines={name("a"): "blue"})
    assert told(before, after) == [
        ({}, "a in lane base, then b in lane base", "a in lane blue, then b in lane base", 100)
    ]


def test_a_weight_changes_a_share_of_the_requests() -> None:
    heavier = replace(BLUE, weight=20)
    found = told(shop(BASE, replace(BLUE, weight=5)), shop(BASE, heavier))
    assert [(headers, share) for headers, _, _, share in found] == [({}, 15)]


def test_a_rule_that_goes_leaves_its_requests_without_an_answer() -> None:
    only = rule("a", hosts=("shop.test",))
    before = shop(lane("base", "a b", rule("a"), replace(only, name="r2")))
    after = shop(lane("base", "a b", replace(only, name="r2")))
    found = told(before, after)
    assert any(after.startswith("404") for _, _, after, _ in found)


def test_a_gateway_that_goes_answers_nothing() -> None:
    found = told(shop(BASE), Mesh())
    assert {after for _, _, after, _ in found} == {"there is no such gateway or port"}


JACK = rule("a", headers={"x-user": exact("jack")}, enter=True)


def test_an_enter_rule_changes_what_meets_it() -> None:
    plain, entering = (replace(BLUE, ingress=(rule("a"), *more)) for more in ((), (JACK,)))
    base, blue = "a in lane base, then b in lane base", "a in lane blue, then b in lane base"
    blue += " instead of blue"
    jack = {"x-user": "jack"}
    assert told(shop(BASE, plain), shop(BASE, entering)) == [(jack, base, blue, 100)]
    assert told(shop(BASE, entering), shop(BASE, plain)) == [(jack, blue, base, 100)]


def test_the_weight_of_an_enter_rule_changes_a_share() -> None:
    some = (replace(BLUE, ingress=(rule("a"), replace(JACK, weight=n))) for n in (10, 30))
    assert [(headers, share) for headers, _, _, share in told(*(shop(BASE, s) for s in some))] == [
        ({"x-user": "jack"}, 20)
    ]


def test_another_name_of_a_lane_changes_what_has_it() -> None:
    gray = replace(BLUE, names=("gray",))
    assert [headers for headers, *_ in told(shop(BASE, BLUE), shop(BASE, gray))] == [
        {"x-lane": "gray"}
    ]


def test_other_places_to_name_a_lane_change_what_names_it_there() -> None:
    route_by = RouteBy(("x-version",), cookie="lane", query="lane")
    changed = changed_paths(shop(BASE, BLUE), shop(BASE, BLUE, route_by=route_by))
    assert [(dict(each.example.headers), each.example.path) for each in changed] == [
        ({"x-version": "blue"}, "/"),
        ({"cookie": "lane=blue"}, "/"),
        ({}, "/?lane=blue"),
    ]
