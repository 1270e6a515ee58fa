"""Cases of agreement that random meshes seldom meet."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.compile.interpreters import Asked, Readers
from tests.compile.meshes import (
    ROUTE_HEADER,
    TRACE_HEADER,
    exact,
    group,
    lane,
    mesh,
    name,
    rule,
    service,
)

from laneway.compile.simulate import Applications, Call, Request
from laneway.model.lanes import CallsWithoutLane, Mode, Sticky, StickyKind
from laneway.model.meshes import Mesh


@pytest.mark.parametrize("named", ["s1", "s2", "s3"])
@pytest.mark.parametrize("platform", ["istio", "asm"])
@pytest.mark.parametrize("shared", [True, False])
def test_a_rule_may_ask_for_the_route_header_itself(
    platform: str, named: str, shared: bool
) -> None:
    """Lane s3 states a rule that only requests of lane s2 meet."""
    own = rule("a", uri=exact("/x"), headers={"X-Lane": exact("s2")})
    baseline = lane("s1", "a", rule("a"), *([own] if shared else []))
    lanes = [baseline, lane("s2", "a", own), lane("s3", "a", own)]
    declared = mesh([group("a")], lanes, [service("a")])
    readers = Readers(declared, Applications())
    request = Request(path="/x", headers={"x-lane": named, "x-trace": "t"})
    asked = Asked(request, 80, frozenset(w.name for w in declared.workloads))
    served = readers.simulated(asked).hops[0].served
    assert served == ("s2" if named == "s2" else "s1")
    # ASM has no rule for a request of s3, and tells.
    assert readers.agree(platform, asked) is ((platform, named) != ("asm", "s3"))


@pytest.mark.parametrize("draw", range(0, 100, 5))
@pytest.mark.parametrize("owner", ["cart", "web cart"], ids=["inner", "entry and inner"])
@pytest.mark.parametrize("carried", [TRACE_HEADER, ROUTE_HEADER, "baggage"])
@pytest.mark.parametrize("sticky", [None, Sticky(StickyKind.HEADER, "x-user")])
def test_a_weight_does_not_undo_the_baselines_of_single_services(
    draw: int, owner: str, carried: str, sticky: Sticky | None
) -> None:
    """Services were promoted to r-12. Of the requests that r-13 does not get, all are answered as
    they were before r-13 was given a weight."""
    promoted = dict.fromkeys(map(name, owner.split()), "r-12")
    shop = group("web cart", baseline="stable", service_baselines=promoted, sticky=sticky,
                 trace_header=carried)  # fmt: skip
    lanes = [
        lane("stable", "web cart", rule("web")),
        lane("r-12", "web cart"),
        lane("r-13", "web", rule("web"), weight=5),
    ]
    services = [service("web"), service("cart")]
    kept = frozenset({carried})
    calls = Applications(
        {name("web"): (Call(name("cart"), 8000),)}, {name("web"): kept, name("cart"): kept}
    )
    declared = mesh([shop], lanes, services)
    everything = frozenset(w.name for w in declared.workloads)
    readers = Readers(declared, calls)
    asked = Asked(Request(headers={TRACE_HEADER: "t"}), 80, everything, draw=draw)
    web, cart = readers.simulated(asked).hops
    chosen = web.intended == "r-13"
    assert chosen or web.intended is cart.intended is None
    assert web.served == ("r-13" if chosen else "r-12" if "web" in owner else "stable")
    assert cart.served == "r-12"
    assert readers.agree("istio", asked)


SHOP = [service("web"), service("cart"), service("stock")]


def chain(kept: str) -> Applications:
    """web calls cart, cart calls stock; each passes on ``kept`` and nothing else."""
    calls = {name("web"): (Call(name("cart"), 8000),), name("cart"): (Call(name("stock"), 8000),)}
    return Applications(calls, {one.name: frozenset(kept.split()) for one in SHOP})


def lanes_served(declared: Mesh, kept: str, *platforms: str, **headers: str) -> list[str | None]:
    readers = Readers(declared, chain(kept))
    asked = Asked(Request(headers=headers), 80, frozenset(declared.workloads_by_name))
    outcome = readers.simulated(asked)
    for platform in platforms:
        assert readers.agree(platform, asked), platform
    return [hop.served for hop in outcome.hops]


@pytest.mark.parametrize("kept", ["", ROUTE_HEADER, TRACE_HEADER, "baggage"])
@pytest.mark.parametrize("carried", [TRACE_HEADER, ROUTE_HEADER, "baggage"])
@pytest.mark.parametrize("named", ["blue", "green", "red", ""])
def test_a_strict_lane_is_entered_by_its_rule_and_left_by_no_call(
    kept: str, carried: str, named: str
) -> None:
    """Whatever lane the client names, and whatever applications pass on of that."""
    shop = group("web cart stock", mode=Mode.STRICT, trace_header=carried)
    lanes = [
        lane("blue", "web cart stock", rule("web", headers={"x-customer": exact("gold")})),
        lane("green", "web cart stock", rule("web", headers={"x-customer": exact("beta")})),
    ]
    declared = mesh([shop], lanes, SHOP)
    headers = {"x-lane": named, "x-trace": "t", "baggage": f"x-lane={named}"}
    for customer, entered in (("beta", "green"), ("gold", "blue")):
        said = {**headers, "x-customer": customer}
        assert lanes_served(declared, kept, "istio", "asm", **said) == [entered] * 3


def test_of_strict_lanes_that_state_the_same_the_first_is_entered_and_others_are_named() -> None:
    same = rule("web", headers={"x-customer": exact("beta")})
    lanes = [lane(text, "web cart stock", same) for text in ("green", "red")]
    baseline = lane("blue", "web cart stock", rule("web"))
    declared = mesh([group("web cart stock", mode=Mode.STRICT)], [baseline, *lanes], SHOP)
    for named, entered in (("", "green"), ("red", "red"), ("green", "green"), ("blue", "green")):
        headers = {"x-customer": "beta", "x-lane": named}
        assert lanes_served(declared, "", "istio", **headers) == [entered] * 3
    assert lanes_served(declared, "", "istio") == ["blue"] * 3


def test_a_strict_baseline_does_not_take_requests_of_permissive_lanes_from_them() -> None:
    """Its workloads answer for lane s2, too, and pass the lane on."""
    lanes = [
        lane("s1", "web cart stock", rule("web"), mode=Mode.STRICT),
        lane("s2", "web stock", rule("web")),
    ]
    declared = mesh([group("web cart stock", trace_header=ROUTE_HEADER)], lanes, SHOP)
    said = {"x-lane": "s2"}
    assert lanes_served(declared, ROUTE_HEADER, "istio", **said) == ["s2", "s1", "s2"]


OWN_LANE = CallsWithoutLane.OWN_LANE


@pytest.mark.parametrize("where", ["group", "lane"])
@pytest.mark.parametrize("carried", [TRACE_HEADER, ROUTE_HEADER])
def test_a_call_begun_in_a_lane_stays_there_and_falls_back(where: str, carried: str) -> None:
    """web of s2 forgets the lane, as a cron job has none. Its call is s2's; cart, which s2 lacks,
    passes on what it gets, so that stock is s2's again."""
    fields: dict[str, Any] = {"calls_without_lane": OWN_LANE}
    shop = group("web cart stock", trace_header=carried, **(fields if where == "group" else {}))
    lanes = [
        lane("s1", "web cart stock", rule("web")),
        lane("s2", "web stock", rule("web"), **(fields if where == "lane" else {})),
    ]
    declared = mesh([shop], lanes, SHOP)
    forgets = {name("web"): frozenset[str](), name("cart"): frozenset({carried})}
    calls = Applications(chain("").calls, forgets)
    for named, path in (("s2", ["s2", "s1", "s2"]), ("s1", ["s1", "s1", "s1"])):
        readers = Readers(declared, calls)
        request = Request(headers={"x-lane": named, "x-trace": "t"})
        asked = Asked(request, 80, frozenset(declared.workloads_by_name))
        assert [hop.served for hop in readers.simulated(asked).hops] == path
        assert readers.agree("istio", asked)
    off = mesh([replace(shop, calls_without_lane=CallsWithoutLane.BASELINE)],
               [replace(one, calls_without_lane=None) for one in lanes], SHOP)  # fmt: skip
    outcome = Readers(off, calls).simulated(
        Asked(Request(headers={"x-lane": "s2"}), 80, frozenset(off.workloads_by_name))
    )
    assert [hop.served for hop in outcome.hops] == ["s2", "s1", "s1"]


def test_a_call_that_names_a_lane_is_of_that_lane_wherever_it_begins() -> None:
    """Lane s3 falls back to s2, whose workloads pass the lane on."""
    shop = group("web cart stock", trace_header=ROUTE_HEADER, calls_without_lane=OWN_LANE)
    lanes = [
        lane("s1", "web cart stock", rule("web")),
        lane("s2", "web cart stock", rule("web")),
        lane("s3", "stock", rule("web"), fallback=("s2",)),
    ]
    declared = mesh([shop], lanes, SHOP)
    said = {"x-lane": "s3"}
    assert lanes_served(declared, ROUTE_HEADER, "istio", **said) == ["s2", "s2", "s3"]


@pytest.mark.parametrize("promoted", ["cart", "web cart"])
def test_what_a_lane_answers_as_a_baseline_stays_without_a_lane(promoted: str) -> None:
    """Lane r-12 serves cart for everybody. What cart calls for a request without a lane is not of
    r-12, which has a stock of its own."""
    owners = dict.fromkeys(map(name, promoted.split()), "r-12")
    shop = group("web cart stock", trace_header=ROUTE_HEADER, calls_without_lane=OWN_LANE,
                 service_baselines=owners)  # fmt: skip
    lanes = [lane("s1", "web cart stock", rule("web")), lane("r-12", "web cart stock", rule("web"))]
    declared = mesh([shop], lanes, SHOP)
    first = "r-12" if "web" in promoted else "s1"
    assert lanes_served(declared, "", "istio") == [first, "r-12", "s1"]


def test_a_workload_of_two_lanes_is_of_neither() -> None:
    shop = group("web cart stock", trace_header=ROUTE_HEADER, calls_without_lane=OWN_LANE)
    twins = {"version": "v-s2"}
    lanes = [
        lane("s1", "web cart stock", rule("web")),
        lane("s2", "web cart stock", rule("web")),
        replace(lane("s3", "web cart stock", rule("web")), selector=twins),
    ]
    declared = mesh([shop], lanes, SHOP)
    said = {"x-lane": "s2"}
    assert lanes_served(declared, "", "istio", **said) == ["s2", "s1", "s1"]


def test_a_caller_of_another_group_with_the_same_labels_is_of_no_lane_here() -> None:
    """web is of group other, and its workloads are labelled as lane s2 of the group of cart."""
    lanes = [
        lane("t1", "web", rule("web"), group="other"),
        replace(lane("t2", "web", rule("web"), group="other"), selector={"version": "v-s2"}),
        lane("s1", "cart stock"),
        lane("s2", "cart stock"),
    ]
    groups = [
        group("web", "other", route_header="x-other", trace_header="x-other"),
        group("cart stock", mode=Mode.STRICT, gateway=None),
    ]
    declared = mesh(groups, lanes, SHOP)
    said = {"x-other": "t2"}
    assert lanes_served(declared, "", "istio", **said) == ["t2", "s1", "s1"]
