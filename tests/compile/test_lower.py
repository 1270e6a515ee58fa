"""Lowering: what lanes mean, service by service."""

from __future__ import annotations

import dataclasses
from typing import Any

from tests.compile.meshes import ROUTE_HEADER, TRACE_HEADER, group, lane, mesh, name, service

from laneway.compile.ir import MeshRoutes, TraceMemory
from laneway.compile.lower import lower
from laneway.model.lanes import Mode
from laneway.model.meshes import Mesh

SERVICES = [service("a"), service("b"), service("c")]


def chains(routes: MeshRoutes, text: str) -> dict[str, tuple[str, ...]]:
    """Lane -> chain, for the only choice of a service's first port."""
    (choice,) = next(iter(routes.services[name(text)].by_port.values())).choices
    return {lane: target.chain for lane, target in choice.lanes.items()}


def default(routes: MeshRoutes, text: str) -> tuple[str, ...]:
    return next(iter(routes.services[name(text)].by_port.values())).default.chain


def article(**fields: Any) -> Mesh:
    lanes = [lane("s1", "a b c"), lane("s2", "a c"), lane("s3", "b")]
    return mesh([group("a b c", **fields)], lanes, SERVICES)


def test_a_permissive_lane_tries_its_own_subset_then_the_baselines() -> None:
    routes = lower(article())
    assert chains(routes, "a") == {"s1": ("s1",), "s2": ("s2", "s1")}
    assert chains(routes, "b") == {"s1": ("s1",), "s3": ("s3", "s1")}
    assert default(routes, "a") == ("s1",)


def test_subsets_follow_the_lanes_services_not_what_runs() -> None:
    routes = lower(dataclasses.replace(article(), workloads=()))
    assert [lane.name for lane in routes.services[name("a")].subsets] == ["s1", "s2"]


def test_a_strict_lane_tries_nothing_else() -> None:
    routes = lower(article(mode=Mode.STRICT))
    assert chains(routes, "a")["s2"] == ("s2",)
    assert chains(routes, "a")["s3"] == ("s3",)  # which has no workload: 503
    assert default(routes, "a") == ("s1",)


def test_a_lanes_own_mode_overrides_the_groups() -> None:
    lanes = [lane("s1", "a"), lane("s2", "a", mode=Mode.STRICT), lane("s3", "a")]
    routes = lower(mesh([group("a")], lanes, SERVICES[:1]))
    assert chains(routes, "a") == {"s1": ("s1",), "s2": ("s2",), "s3": ("s3", "s1")}


def test_the_baseline_is_the_one_named() -> None:
    routes = lower(article(baseline="s3"))
    assert routes.services[name("b")].baseline == "s3"
    assert chains(routes, "b") == {"s1": ("s1", "s3"), "s3": ("s3",)}


def test_a_service_may_have_a_baseline_of_its_own() -> None:
    routes = lower(article(service_baselines={name("c"): "s2"}))
    assert default(routes, "c") == ("s2",)
    assert chains(routes, "c")["s1"] == ("s1", "s2")
    assert default(routes, "a") == ("s1",)


def test_fallback_lanes_come_between_those_that_contain_the_service() -> None:
    lanes = [
        lane("base", "a b"),
        lane("one", "a"),
        lane("two", "b", fallback=("one",)),
        lane("three", "", fallback=("two", "one")),
    ]
    routes = lower(mesh([group("a b")], lanes, SERVICES[:2]))
    assert chains(routes, "a")["two"] == ("one", "base")
    assert chains(routes, "b")["two"] == ("two", "base")
    assert chains(routes, "a")["three"] == ("one", "base")
    assert chains(routes, "b")["three"] == ("two", "base")


def test_nothing_comes_after_the_baseline() -> None:
    lanes = [lane("base", "a"), lane("one", "a"), lane("two", "a", fallback=("base", "one"))]
    routes = lower(mesh([group("a")], lanes, SERVICES[:1]))
    assert chains(routes, "a")["two"] == ("two", "base")


def test_a_service_that_the_baseline_lacks_defaults_to_all_its_workloads() -> None:
    lanes = [lane("base", "a"), lane("s2", "a b")]
    routes = lower(mesh([group("a b")], lanes, SERVICES[:2]))
    assert default(routes, "b") == ()
    assert chains(routes, "b") == {"s2": ("s2",)}


def test_a_service_in_no_group_has_all_its_workloads_and_no_choice() -> None:
    routes = lower(mesh([group("a")], [lane("s1", "a")], [service("a"), service("d", 80, 81)]))
    plain = routes.services[name("d")]
    assert plain.group is None
    assert sorted(plain.by_port) == [80, 81]
    assert all(not route.choices and route.default.chain == () for route in plain.by_port.values())


def test_each_port_has_its_own_target() -> None:
    routes = lower(mesh([group("a")], [lane("s1", "a")], [service("a", 80, 90)]))
    by_port = routes.services[name("a")].by_port
    assert [by_port[port].default.port.port for port in (80, 90)] == [80, 90]


def test_groups_do_not_see_each_other() -> None:
    groups = [group("a", "one"), group("b", "two")]
    lanes = [lane("s1", "a", group="one"), lane("s1", "b", group="two")]
    lanes.append(lane("s2", "b", group="two"))
    routes = lower(mesh(groups, lanes, SERVICES[:2]))
    assert set(chains(routes, "a")) == {"s1"}
    assert set(chains(routes, "b")) == {"s1", "s2"}


def test_a_memory_beside_every_service_where_a_trace_id_is_passed_on() -> None:
    memory = TraceMemory("test", ROUTE_HEADER, TRACE_HEADER)
    assert lower(article()).memories == {name(text): memory for text in "abc"}
    assert lower(article(trace_header=ROUTE_HEADER.upper())).memories == {}
