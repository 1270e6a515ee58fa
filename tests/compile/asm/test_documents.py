"""ASM's documents beyond the article: strict lanes, ports, hosts, other groups' services."""

from __future__ import annotations

from typing import Any

from tests.compile.meshes import ROUTE_HEADER, exact, group, lane, mesh, prefix, rule, service

from laneway.compile.asm.documents import emit
from laneway.compile.lower import lower
from laneway.model.lanes import Mode, Unmatched
from laneway.model.meshes import Mesh

SERVICES = [service("a"), service("b", 80, 90)]


def documents(declared: Mesh, prefix: str) -> list[dict[str, Any]]:
    emitted = emit(declared, lower(declared))
    return [document for document in emitted if document["metadata"]["name"].startswith(prefix)]


def destinations(document: dict[str, Any]) -> list[dict[str, Any]]:
    return [destination for route in document["spec"]["http"] for destination in route["route"]]


def test_strict_lanes_have_no_fallback() -> None:
    lanes = [lane("s1", "a", rule("a")), lane("s2", "a", rule("a"))]
    declared = mesh([group("a", mode=Mode.STRICT)], lanes, SERVICES[:1])
    services = documents(declared, "trafficlabel-vs") + documents(declared, "swimlane-ingress")
    assert len(services) == 3
    assert not [d for vs in services for d in destinations(vs) if "fallback" in d]


def test_a_strict_group_is_what_asm_makes_of_it() -> None:
    """Lanes are entered by their own rules, and calls are of the lane of the calling pod."""
    entry = [rule("a", headers={"x-customer": exact(text)}) for text in ("gold", "beta")]
    lanes = [lane("s1", "a b", entry[0]), lane("s2", "a b", entry[1])]
    declared = mesh([group("a b", mode=Mode.STRICT)], lanes, SERVICES)
    assert documents(declared, "asm-swimlane") == []
    (_, called) = documents(declared, "trafficlabel-vs")
    assert [
        (r["match"], r["route"][0]["destination"]["subset"]) for r in called["spec"]["http"]
    ] == [
        ([{"sourceLabels": {"version": "v-s1"}}], "s1"),
        ([{"sourceLabels": {"version": "v-s2"}}], "s2"),
    ]
    ingress = documents(declared, "swimlane-ingress")
    assert [r["match"] for vs in ingress for r in vs["spec"]["http"]] == [
        [{"headers": {"x-customer": {"exact": "gold"}}}],
        [{"headers": {"x-customer": {"exact": "beta"}}}],
    ]


def test_a_strict_baseline_that_turns_strangers_away_is_named() -> None:
    strict = group("a", mode=Mode.STRICT, unmatched=Unmatched.NOT_FOUND)
    declared = mesh([strict], [lane("s1", "a", rule("a"))], SERVICES[:1])
    (ingress,) = documents(declared, "swimlane-ingress")
    assert ingress["spec"]["http"][0]["match"] == [{"headers": {ROUTE_HEADER: {"exact": "s1"}}}]


def test_a_strict_rule_without_conditions_is_a_route_without_a_match() -> None:
    declared = mesh([group("a", mode=Mode.STRICT)], [lane("s1", "a", rule("a"))], SERVICES[:1])
    (ingress,) = documents(declared, "swimlane-ingress")
    assert "match" not in ingress["spec"]["http"][0]


def test_a_lanes_own_mode_shows_where_lanes_have_routes_of_their_own() -> None:
    lanes = [lane("s1", "a", rule("a")), lane("s2", "a", rule("a"), mode=Mode.STRICT)]
    declared = mesh([group("a", trace_header=ROUTE_HEADER)], lanes, SERVICES[:1])
    (service_vs,) = documents(declared, "trafficlabel-vs")
    assert ["fallback" in d for d in destinations(service_vs)] == [True, False]
    ingress = documents(declared, "swimlane-ingress")
    assert ["fallback" in destinations(vs)[0] for vs in ingress] == [True, False]


def test_a_baseline_without_the_service_leaves_the_fallback_to_all_workloads() -> None:
    declared = mesh([group("a b")], [lane("s1", "a"), lane("s2", "b")], SERVICES)
    (vs,) = documents(declared, "trafficlabel-vs-test-default-b")
    assert destinations(vs)[0]["fallback"]["target"] == {"host": "b.default.svc.cluster.local"}


def test_a_services_own_baseline_is_its_fallback() -> None:
    baselines = {SERVICES[1].name: "s2"}
    lanes = [lane("s1", "a b"), lane("s2", "b")]
    declared = mesh([group("a b", service_baselines=baselines)], lanes, SERVICES)
    (vs,) = documents(declared, "trafficlabel-vs-test-default-b")
    assert destinations(vs)[0]["fallback"]["target"]["subset"] == "s2"


def test_a_port_is_named_where_there_are_several_or_the_rule_does() -> None:
    rules = [
        rule("b", uri=exact("/b")),
        rule("b", uri=exact("/b9"), port=90),
        rule("a", uri=exact("/a")),
        rule("a", uri=exact("/a8"), port=8000),
    ]
    declared = mesh([group("a b")], [lane("s1", "a b", *rules)], SERVICES)
    (vs,) = documents(declared, "swimlane-ingress")
    ports = {
        route["match"][0]["uri"]["exact"]: route["route"][0]["destination"].get("port")
        for route in vs["spec"]["http"]
    }
    assert ports == {
        "/b": {"number": 80},
        "/b9": {"number": 90},
        "/a": None,
        "/a8": {"number": 8000},
    }


def test_every_condition_of_a_rule_is_matched() -> None:
    conditions = rule(
        "a",
        uri=prefix("/x"),
        headers={"z-beta": prefix("y")},
        methods=("GET", "PUT"),
        query={"q": exact("1")},
    )
    declared = mesh([group("a")], [lane("s1", "a", conditions)], SERVICES[:1])
    (vs,) = documents(declared, "swimlane-ingress")
    assert vs["spec"]["http"][0]["match"] == [
        {
            "headers": {"x-lane": {"exact": "s1"}, "z-beta": {"prefix": "y"}},
            "method": {"regex": "GET|PUT"},
            "queryParams": {"q": {"exact": "1"}},
            "uri": {"prefix": "/x"},
        }
    ]


def test_hosts_that_cover_one_another_are_told_apart() -> None:
    rules = [rule("a"), rule("b", hosts=("a.test",), uri=exact("/b"))]
    declared = mesh(
        [group("a b")], [lane("s1", "a b", *rules), lane("s2", "a", rule("a"))], SERVICES
    )
    found = {
        vs["metadata"]["name"]: (vs["spec"]["hosts"], len(vs["spec"]["http"]))
        for vs in documents(declared, "swimlane-ingress")
    }
    assert found == {
        "swimlane-ingress-vs-test-s1": (["a.test"], 2),
        "swimlane-ingress-vs-test-s1-2": (["*"], 1),
        "swimlane-ingress-vs-test-s2": (["a.test", "*"], 1),
    }


def test_an_entry_service_of_another_group_has_none_of_the_lanes_subsets() -> None:
    groups = [group("a", "one"), group("b", "two")]
    lanes = [lane("s1", "a", rule("b"), group="one"), lane("t1", "b", group="two")]
    (vs,) = documents(mesh(groups, lanes, SERVICES), "swimlane-ingress")
    assert destinations(vs) == [
        {
            "destination": {
                "host": "b.default.svc.cluster.local",
                "port": {"number": 80},
                "subset": "t1",
            }
        }
    ]


def test_a_group_without_lanes_has_its_labels_only() -> None:
    declared = mesh([group("a")], [], SERVICES[:1])
    assert [d["kind"] for d in emit(declared, lower(declared))] == ["TrafficLabel"]


def test_a_group_without_a_gateway_has_no_ingress() -> None:
    declared = mesh([group("a", gateway=None)], [lane("s1", "a", rule("a"))], SERVICES[:1])
    assert documents(declared, "swimlane-ingress") == []
