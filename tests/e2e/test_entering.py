"""Into a lane without naming it, or by another name: real proxies, and what the simulator says."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import pytest
from tests.compile.entering_meshes import (
    CALLS,
    CASES,
    SERVICES,
    SILENT,
    STRICT_CASES,
    declared,
    strict,
    weighted,
)
from tests.compile.meshes import exact, group, lane, mesh, name, prefix, rule
from tests.e2e.clients import Call, Connection
from tests.e2e.echo_applications import Failure
from tests.e2e.live_meshes import LiveMesh
from tests.e2e.simulator_comparison import ATTEMPTS, hold

from laneway.compile.lower import lower
from laneway.compile.simulate import Request, simulate
from laneway.model.lanes import IngressRule, Sticky, StickyKind, Unmatched

pytestmark = [pytest.mark.envoy, pytest.mark.slow]


#: Envoy's counts of listeners that were replaced, by others or by other filters.
REPLACED = r"^listener_manager\.listener_(modified|in_place_updated|removed)$"


@pytest.fixture(scope="module")
def live() -> Iterator[LiveMesh]:
    one = LiveMesh()
    yield one
    one.close()


@pytest.mark.parametrize("trace", ["x-lane", "x-trace"])
def test_requests_are_in_the_lane_that_they_name_or_enter(live: LiveMesh, trace: str) -> None:
    one = declared(trace_header=trace)
    everything = frozenset(workload.name for workload in one.workloads)
    live.adopt(one, CALLS)
    for request, expected in CASES:
        outcome = simulate(one, lower(one), request, applications=CALLS)
        assert [hop.intended for hop in outcome.hops] == [expected] * 2, request
        assert [hop.served for hop in outcome.hops] == ["base", expected or "base"], request
        hold(live, one, [request] * ATTEMPTS, 80, CALLS, everything)
        (entered, _) = live.ask(request, 80).hops
        assert entered.headers.get("x-lane") == expected, request
        assert "x-laneway-entered" not in entered.headers


def test_the_first_lane_that_is_entered_costs_no_connection(live: LiveMesh) -> None:
    """The gateway's listener stays, whose connections Envoy would close some minutes later."""
    plain = mesh([group("web cart")], [lane("base", "web cart", rule("web"))], SERVICES)
    web = name("web-v-base")

    async def across() -> None:
        address, answered = live.gateway_address(), asyncio.Event()
        idle, slow = (Connection(address.host, address.port) for _ in range(2))
        before = await live.gateway_statistics(REPLACED)
        assert (await idle.get(Call())).status == 200
        live.fail(web, [Failure(201, until=answered)])
        waiting = asyncio.create_task(slow.get(Call()))
        while not live.taken(web):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        await live.change(declared())
        assert await live.gateway_statistics(REPLACED) == before
        socket = idle.socket
        answer = await idle.get(Call(headers={"x-user": "jack"}))
        assert (answer.status, json.loads(answer.body)["hops"][0]["headers"]["x-lane"]) == (
            200,
            "beta",
        )
        assert idle.socket is socket is not None
        answered.set()
        assert (await waiting).status == 201
        assert slow.socket is not None
        for connection in (idle, slow):
            connection.close()

    live.adopt(plain, CALLS)
    live.run(across())


def test_who_names_an_alias_is_not_turned_away(live: LiveMesh) -> None:
    one = declared(unmatched=Unmatched.NOT_FOUND)
    live.adopt(one, CALLS)
    assert live.ask(Request(headers={"x-lane": "gray"}, path="/own")).refusal is None
    assert live.ask(Request(headers={"x-user": "jack"})).refusal is None
    for headers in ({}, {"x-lane": "unknown"}):
        refusal = live.ask(Request(headers=headers)).refusal
        assert refusal is not None
        assert (refusal.status, refusal.body[:9]) == (404, "laneway: ")


def test_a_rule_has_a_weight_of_its_own_above_the_lanes(live: LiveMesh) -> None:
    one = weighted(None)
    live.adopt(one, CALLS)
    acme = Request(headers={"x-company": "acme"})
    asked = [live.ask(acme).hops[0].headers.get("x-lane") for _ in range(300)]
    assert {*Counter(asked)} == {"beta", "gamma", None}
    assert 40 < Counter(asked)["beta"] < 150
    assert 100 < Counter(asked)[None] < 200
    others = {live.ask(Request()).hops[0].headers.get("x-lane") for _ in range(20)}
    assert others == {"gamma"}


@pytest.mark.parametrize("weight", [100, 1])
def test_where_nobody_enters_what_names_no_lane_counts_as_none_too(
    live: LiveMesh, weight: int
) -> None:
    """It is given a lane by weight; the value that it had goes no further."""
    entry = rule("web")
    beta = lane("beta", "cart", entry, weight=weight)
    lanes = [lane("base", "web cart", entry), lane("gamma", "cart"), beta]
    one = mesh([group("web cart", trace_header="x-lane")], lanes, SERVICES)
    everything = frozenset(workload.name for workload in one.workloads)
    live.adopt(one, CALLS)
    for value in ("unknown", "", "Beta", "beta2", "beta, base"):
        request = Request(headers={"x-lane": value})
        hold(live, one, [request] * ATTEMPTS, 80, CALLS, everything)
        seen = {live.ask(request).hops[0].headers.get("x-lane") for _ in range(4)}
        assert seen == {"beta"} if weight == 100 else seen <= {"beta", None}, value
    for named in ("base", "gamma", "beta", ("beta", "gamma")):
        request = Request(headers={"x-lane": named})
        hold(live, one, [request] * ATTEMPTS, 80, CALLS, everything)
        header = named if isinstance(named, str) else ",".join(named)
        assert live.ask(request).hops[0].headers.get("x-lane") == header


def test_a_user_stays_in_or_out_of_the_lane(live: LiveMesh) -> None:
    live.adopt(weighted(Sticky(StickyKind.HEADER, "x-user")), CALLS)
    lanes = set()
    for number in range(20):
        request = Request(headers={"x-company": "acme", "x-user": f"user-{number}"})
        seen = {live.ask(request).hops[0].headers.get("x-lane") for _ in range(4)}
        assert len(seen) == 1, number
        lanes |= seen
    assert lanes == {"beta", "gamma", None}


def test_in_strict_groups_who_is_not_chosen_by_a_rule_stays_without_a_lane(live: LiveMesh) -> None:
    """Applications pass on nothing, and no lane falls back."""
    one = strict()
    everything = frozenset(workload.name for workload in one.workloads)
    live.adopt(one, SILENT)
    for request, lanes in STRICT_CASES:
        hold(live, one, [request] * ATTEMPTS, 80, SILENT, everything)
        asked = 60 if len(lanes) > 1 else 1
        paths = [[hop.workload.name for hop in live.ask(request).hops] for _ in range(asked)]
        answering = {lane or "base" for lane in lanes}
        expected = [[f"{service}-v-{lane}" for service in ("web", "cart")] for lane in answering]
        assert sorted(map(list, {*map(tuple, paths)})) == sorted(expected), request


def alike(number: int) -> tuple[IngressRule, ...]:
    """Rules of lane ``l<number>``, of three shapes, that do not lead where the baseline's does."""
    label = f"{number:03}"
    return (
        rule("cart", headers={"x-user": exact(f"user-{label}")}, enter=True),
        rule("cart", uri=prefix(f"/below/{label}/"), enter=True),
        rule("cart", uri=exact(f"/at/{label}")),
        rule("cart", query={"debug": exact(label)}, methods=("GET",), enter=True),
    )


def test_many_rules_of_one_shape_choose_each_its_lane(live: LiveMesh) -> None:
    """They share a route, which is exact all the same."""
    lanes = [lane(f"l{number}", "cart", *alike(number)) for number in range(80)]
    one = mesh([group("web cart")], [lane("base", "web cart", rule("web")), *lanes], SERVICES)
    versions = {"v-base", "v-l3", "v-l7", "v-l79"}
    running = tuple(w for w in one.workloads if w.labels["version"] in versions)
    some = replace(one, workloads=running)
    everything = frozenset(workload.name for workload in running)
    live.adopt(some, CALLS)
    routes = lower(some)
    for request, expected in [
        *[(Request(headers={"x-user": f"user-{n:03}"}), f"l{n}") for n in (3, 7, 79)],
        (Request(headers={"x-user": ("user-007", "user-003")}), "l3"),
        (Request(headers={"x-user": "user-3"}), None),
        (Request(headers={"x-user": "user-0031"}), None),
        (Request(path="/below/007/x"), "l7"),
        (Request(path="/below/007"), None),
        (Request(path="/below/007x"), None),
        (Request(path="/below/003/x", headers={"x-user": "user-007"}), "l3"),
        (Request(path="/?debug=003"), "l3"),
        (Request(path="/?debug=003", method="POST"), None),
        (Request(path="/?debug=3&debug=003"), None),
        (Request(headers={"x-lane": "l3", "x-user": "user-003"}), "l3"),
        (Request(headers={"x-lane": "l3", "x-user": "user-007"}), "l3"),
        (Request(headers={"x-lane": "l3"}, path="/below/007/x"), "l3"),
        (Request(headers={"x-lane": "l3"}, path="/at/003"), "l3"),
        (Request(headers={"x-lane": "l3"}, path="/at/007"), "l3"),
        (Request(headers={"x-lane": "base", "x-user": "user-003"}), "base"),
    ]:
        (path, *_) = simulate(some, routes, request, applications=CALLS).hops
        assert path.intended == expected, request
        hold(live, some, [request] * ATTEMPTS, 80, CALLS, everything)
