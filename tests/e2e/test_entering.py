"""Into a lane without naming it, or by another name: real proxies, and what the simulator says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import pytest
from tests.compile.entering import CALLS, CASES, SERVICES, declared, weighted
from tests.compile.meshes import exact, group, lane, mesh, rule
from tests.e2e.agreement import ATTEMPTS, hold
from tests.e2e.rig import Rig

from laneway.compile.lower import lower
from laneway.compile.simulate import Request, simulate
from laneway.model.lanes import Sticky, StickyKind, Unmatched

pytestmark = [pytest.mark.envoy, pytest.mark.slow]


@pytest.fixture(scope="module")
def rig() -> Iterator[Rig]:
    one = Rig()
    yield one
    one.close()


@pytest.mark.parametrize("trace", ["x-lane", "x-trace"])
def test_requests_are_in_the_lane_that_they_name_or_enter(rig: Rig, trace: str) -> None:
    one = declared(trace_header=trace)
    everything = frozenset(workload.name for workload in one.workloads)
    rig.adopt(one, CALLS)
    for request, expected in CASES:
        outcome = simulate(one, lower(one), request, applications=CALLS)
        assert [hop.intended for hop in outcome.hops] == [expected] * 2, request
        assert [hop.served for hop in outcome.hops] == ["base", expected or "base"], request
        hold(rig, one, [request] * ATTEMPTS, 80, CALLS, everything)
        (entered, _) = rig.ask(request, 80).hops
        assert entered.headers.get("x-lane") == expected, request
        assert "x-laneway-entered" not in entered.headers


def test_who_names_an_alias_is_not_turned_away(rig: Rig) -> None:
    one = declared(unmatched=Unmatched.NOT_FOUND)
    rig.adopt(one, CALLS)
    assert rig.ask(Request(headers={"x-lane": "gray"}, path="/own")).refusal is None
    assert rig.ask(Request(headers={"x-user": "jack"})).refusal is None
    for headers in ({}, {"x-lane": "unknown"}):
        refusal = rig.ask(Request(headers=headers)).refusal
        assert refusal is not None
        assert (refusal.status, refusal.body[:9]) == (404, "laneway: ")


def test_a_rule_has_a_weight_of_its_own_above_the_lanes(rig: Rig) -> None:
    one = weighted(None)
    rig.adopt(one, CALLS)
    acme = Request(headers={"x-company": "acme"})
    asked = [rig.ask(acme).hops[0].headers.get("x-lane") for _ in range(300)]
    assert {*Counter(asked)} == {"beta", "gamma", None}
    assert 40 < Counter(asked)["beta"] < 150
    assert 100 < Counter(asked)[None] < 200
    others = {rig.ask(Request()).hops[0].headers.get("x-lane") for _ in range(20)}
    assert others == {"gamma"}


def test_a_user_stays_in_or_out_of_the_lane(rig: Rig) -> None:
    rig.adopt(weighted(Sticky(StickyKind.HEADER, "x-user")), CALLS)
    lanes = set()
    for number in range(20):
        request = Request(headers={"x-company": "acme", "x-user": f"user-{number}"})
        seen = {rig.ask(request).hops[0].headers.get("x-lane") for _ in range(4)}
        assert len(seen) == 1, number
        lanes |= seen
    assert lanes == {"beta", "gamma", None}


def test_many_rules_of_one_shape_choose_each_its_lane(rig: Rig) -> None:
    """They share routes, in parts where the regex would be too long."""
    lanes = [
        lane(
            f"l{n}",
            "cart",
            rule("web", headers={"x-user": exact(f"user-{n}" + "." * 40)}, enter=True),
        )
        for n in range(400)
    ]
    one = mesh([group("web cart")], [lane("base", "web cart", rule("web")), *lanes], SERVICES)
    some = replace(
        one, workloads=tuple(w for w in one.workloads if w.labels["version"] == "v-base")
    )
    rig.adopt(some, CALLS)
    for n in (0, 7, 203, 399):
        request = Request(headers={"x-user": f"user-{n}" + "." * 40})
        assert rig.ask(request).hops[0].headers.get("x-lane") == f"l{n}"
    assert rig.ask(Request(headers={"x-user": "user-1"})).hops[0].headers.get("x-lane") is None
