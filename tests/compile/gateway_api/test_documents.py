"""What is emitted: names, limits of what one object may hold, and what a lane adds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest
from tests.compile.gateway_api.emission import codes, emitted
from tests.compile.gateway_api.interpreter import GatewayApi
from tests.compile.gateway_api.validation import problems
from tests.compile.meshes import ROUTE_HEADER, exact, group, lane, mesh, name, rule, service

from laneway.compile.gateway_api.matches import Match
from laneway.compile.gateway_api.resources import Rule
from laneway.compile.gateway_api.route_splitting import MATCHES, MATCHES_OF_RULE, RULES, packed
from laneway.compile.simulate import Applications, Request
from laneway.model.lanes import Lane, Mode
from laneway.model.meshes import Mesh
from laneway.model.names import ObjectName
from laneway.model.services import Service

Document = dict[str, Any]


def by_key(documents: Iterable[Document]) -> dict[tuple[str, str, str], Document]:
    found = {
        (one["kind"], one["metadata"]["namespace"], one["metadata"]["name"]): one
        for one in documents
    }
    assert [problem for one in found.values() for problem in problems(one)] == []
    return found


def of_a(*lanes: Lane, **fields: Any) -> Mesh:
    settings = {"trace_header": ROUTE_HEADER, **fields}
    return mesh([group("a b", **settings)], lanes, [service("a"), service("b")])


def rules_with(*numbers: int) -> list[Rule]:
    """A rule for each number, with so many matches."""
    return [
        Rule(tuple(Match(headers=(("h", exact(f"{n}.{i}")),)) for i in range(number)), ())
        for n, number in enumerate(numbers)
    ]


@pytest.mark.parametrize(
    ("numbers", "found"),
    [
        ([], []),
        ([1] * 16, [[1] * 16]),
        ([1] * 17, [[1] * 16, [1]]),
        ([64, 64, 1], [[64, 64], [1]]),
        ([100], [[64, 36]]),
        ([60, 60, 60], [[60, 60], [60]]),
        ([200, 1], [[64, 64], [64, 8, 1]]),
    ],
)
def test_rules_fill_as_few_routes_as_their_order_allows(
    numbers: list[int], found: list[list[int]]
) -> None:
    routes = packed(rules_with(*numbers))
    assert [[len(rule.matches) for rule in route] for route in routes] == found
    assert sum((rule.matches for route in routes for rule in route), ()) == sum(
        (rule.matches for rule in rules_with(*numbers)), ()
    )


def test_no_route_holds_more_than_it_may() -> None:
    lanes = [lane("s1", "a b", rule("a")), *(lane(f"x{n}", "a", rule("a")) for n in range(300))]
    found = of_a(*lanes)
    routes = [one for key, one in by_key(emitted(found)).items() if key[0] == "HTTPRoute"]
    assert len(routes) > 2 * 300 / RULES
    for route in routes:
        numbers = [len(one["matches"]) for one in route["spec"]["rules"]]
        assert len(numbers) <= RULES
        assert max(numbers) <= MATCHES_OF_RULE
        assert sum(numbers) <= MATCHES


def test_every_one_of_many_lanes_is_reached() -> None:
    lanes = [lane("s1", "a b", rule("a")), *(lane(f"x{n}", "a b", rule("a")) for n in range(40))]
    found = of_a(*lanes)
    cluster = GatewayApi(found, emitted(found)[::-1], {one.name for one in found.workloads})
    calls = Applications({}, {})
    for one in found.lanes:
        request = Request(headers={ROUTE_HEADER: one.name})
        ((_, workloads),) = cluster.path(request, 80, calls, 0)  # type: ignore[misc]
        assert workloads == (name(f"a-v-{one.name}"),)


def test_lanes_that_go_to_the_same_lane_share_a_rule() -> None:
    lanes = [lane("s1", "a b", rule("a")), lane("next", "b")]
    lanes += [lane(f"x{n}", "a", fallback=("next",)) for n in range(20)]
    route = by_key(emitted(of_a(*lanes)))["HTTPRoute", "default", "b-lanes"]
    assert [len(one["matches"]) for one in route["spec"]["rules"]] == [1, 21]


def test_a_lane_adds_to_services_that_it_contains_alone() -> None:
    lanes = [lane("s1", "a b", rule("a")), lane("s2", "a", rule("a"))]
    before = by_key(emitted(of_a(*lanes)))
    after = by_key(emitted(of_a(*lanes, lane("s3", "b", rule("a")))))
    changed = {key for key, one in after.items() if before.get(key) != one}
    assert changed == {("Service", "default", "b-s3"), ("HTTPRoute", "default", "b-lanes")}
    assert before.keys() <= after.keys()


def test_names_are_told_apart_and_short_enough() -> None:
    """``a-b`` and ``c``, ``a`` and ``b-c``; a declared Service; a name longer than a label."""
    long = "x" * 60
    services = [service(text) for text in ("a", "a-b", "a-s1", long)]
    texts = " ".join(one.name.name for one in services)
    lanes = [lane("s1", texts), lane("c", "a-b"), lane("b-c", "a"), lane("lane-7", long)]
    found = by_key(emitted(mesh([group(texts)], lanes, services)))
    names = [key[2] for key in found if key[0] == "Service"]
    assert len(names) == len(set(names)) == 7
    assert not {"a-s1", "a-b-c"} & set(names)
    assert "a-b-s1" in names
    assert all(len(one) <= 63 for one in names)
    assert sum(one.startswith("a-b-c-") for one in names) == 2


def test_a_strict_lane_that_lacks_a_service_reaches_nobody() -> None:
    """Files that say so are refused; what is emitted would not let it out of its lane, either."""
    found = of_a(lane("s1", "a b", rule("a")), lane("s2", "a", rule("a"), mode=Mode.STRICT))
    service = by_key(emitted(found))["Service", "default", "b-s2"]
    assert "selector" not in service["spec"]
    route = by_key(emitted(found))["HTTPRoute", "default", "b-lanes"]
    assert route["spec"]["rules"][1]["backendRefs"][0]["name"] == "b-s2"


def test_labels_that_contradict_the_service_select_nothing() -> None:
    odd = replace(lane("s2", "a"), selector={"app": "other"})
    found = by_key(emitted(of_a(lane("s1", "a b", rule("a")), odd)))
    assert "selector" not in found["Service", "default", "a-s2"]["spec"]


def test_leave_to_refer_is_for_what_is_referred_to() -> None:
    """Sixteen names at most in one ReferenceGrant; none in the gateway's own namespace."""
    lanes = [lane("s1", "a b", rule("a")), *(lane(f"x{n:02}", "a", rule("a")) for n in range(20))]
    found = by_key(emitted(of_a(*lanes)))
    grants = [one for key, one in found.items() if key[0] == "ReferenceGrant"]
    granted = [to["name"] for grant in grants for to in grant["spec"]["to"]]
    assert len(grants) == 2
    assert sorted(granted) == sorted(f"a-{one.name}" for one in lanes)
    assert all(grant["metadata"]["namespace"] == "default" for grant in grants)


def test_no_leave_is_needed_within_a_namespace() -> None:
    home = Service(ObjectName("istio-system", "a"), service("a").ports, {"app": "a"})
    members = replace(group("a"), services=(home.name,))
    lanes = [replace(lane("s1", "", rule("a")), services=(home.name,))]
    own = replace(lanes[0], ingress=(replace(lanes[0].ingress[0], destination=home.name),))
    found = mesh([members], [own], [home])
    assert {key[0] for key in by_key(emitted(found))} == {"Service", "HTTPRoute", "Gateway"}
    assert "NO_TRACE_MEMORY" in codes(found)
