"""Into a lane without naming it, or by another name: real proxies, and what the simulator says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import pytest
from tests.compile.meshes import exact, group, lane, mesh, name, prefix, regex, rule, service
from tests.e2e.agreement import ATTEMPTS, hold
from tests.e2e.rig import Rig

from laneway.compile.lower import lower
from laneway.compile.simulate import Applications, Call, Request, simulate
from laneway.model.lanes import RouteBy, Sticky, StickyKind, Unmatched
from laneway.model.meshes import Mesh

pytestmark = [pytest.mark.envoy, pytest.mark.slow]

SERVICES = [service("web"), service("cart")]
CALLS = Applications(
    {name("web"): (Call(name("cart"), 8000),)},
    {name("web"): frozenset({"x-lane", "x-trace"}), name("cart"): frozenset({"x-lane"})},
)


@pytest.fixture(scope="module")
def rig() -> Iterator[Rig]:
    one = Rig()
    yield one
    one.close()


def declared(**fields: object) -> Mesh:
    """The baseline takes everything; beta, gamma and delta hold the cart alone."""
    way = RouteBy(("x-version", "x-tag"), cookie="lane", query="lane")
    jack = rule("web", headers={"X-User": exact("jack")}, enter=True)
    jill = rule("web", headers={"X-User": exact("jill")}, enter=True)
    preview = rule("web", hosts=("pr-7.preview.test",), enter=True)
    below = rule("web", uri=prefix("/gamma/"), enter=True)
    tested = rule("web", query={"debug": regex("[1-9]")}, enter=True)
    own = rule("web", uri=exact("/own"))
    return mesh(
        [group("web cart", **{"route_by": way, **fields})],
        [
            lane("base", "web cart", rule("web")),
            lane("beta", "cart", jack, preview, own, names=("gray", "true", "1.2.0, x")),
            lane("gamma", "cart", jill, below),
            lane("delta", "cart", tested),
        ],
        SERVICES,
    )


#: Request, then the lane that it is in. ``base`` is the lane's name, ``None`` is no lane.
CASES: list[tuple[Request, str | None]] = [
    (Request(), None),
    (Request(headers={"x-user": "jack"}), "beta"),
    (Request(headers={"x-user": "jill"}), "gamma"),
    (Request(headers={"x-user": ("jill", "jack")}), "beta"),
    (Request(headers={"x-user": "jac"}), None),
    (Request(headers={"x-user": "jack", "x-lane": "base"}), "base"),
    (Request(headers={"x-user": "jack", "x-lane": "gamma"}), "gamma"),
    (Request(headers={"x-user": "jack", "x-lane": "unknown"}), "beta"),
    (Request(headers={"x-user": "jack", "x-lane": ""}), "beta"),
    (Request(headers={"x-lane": "unknown"}), None),
    (Request(headers={"x-lane": ("beta", "gamma")}), None),
    (Request(headers={"x-lane": "gray"}), "beta"),
    (Request(headers={"X-LANE": "true"}), "beta"),
    (Request(headers={"x-lane": "1.2.0, x"}), "beta"),
    (Request(headers={"x-lane": "Gray"}), None),
    (Request(headers={"x-lane": "gray"}, path="/own"), "beta"),
    (Request(headers={"x-version": "gray"}), "beta"),
    (Request(headers={"x-version": "gamma", "x-tag": "gray"}), "gamma"),
    (Request(headers={"x-version": "none", "x-tag": "gray"}), "beta"),
    (Request(headers={"x-lane": "none", "x-tag": "gamma"}), "gamma"),
    (Request(headers={"cookie": "a=b; lane=gray; lane=gamma"}), "beta"),
    (Request(headers={"cookie": ("xlane=gamma", 'lane = "gamma"')}), "gamma"),
    (Request(headers={"cookie": "lane=none", "x-user": "jack"}), "beta"),
    (Request(path="/?lane=gray"), "beta"),
    (Request(path="/?x&lanes=gamma&lane=beta&lane=gamma"), "beta"),
    (Request(path="/?lane=gamma", headers={"cookie": "lane=beta"}), "beta"),
    (Request(host="pr-7.preview.test"), "beta"),
    (Request(host="PR-7.preview.test:8080", headers={"x-user": "jill"}), "beta"),
    (Request(host="pr-8.preview.test"), None),
    (Request(path="/gamma/x"), "gamma"),
    (Request(path="/gamma/x", headers={"x-user": "jack"}), "gamma"),
    (Request(path="/gamma"), None),
    (Request(path="/?debug=5"), "delta"),
    (Request(path="/?debug=0"), None),
    (Request(headers={"x-laneway-entered": "1", "x-user": "jack"}), "beta"),
]


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


def weighted(sticky: Sticky | None) -> Mesh:
    """30 percent of acme enter beta, 20 gamma; of the others 100 percent are gamma's by weight."""
    acme = {"x-company": exact("acme")}
    beta = rule("web", headers=acme, enter=True, weight=30, sticky=sticky)
    gamma = rule("web", headers=acme, enter=True, weight=20)
    return mesh(
        [group("web cart", trace_header="x-lane")],
        [
            lane("base", "web cart", rule("web")),
            lane("beta", "cart", beta),
            lane("gamma", "cart", rule("web"), gamma, weight=100),
        ],
        SERVICES,
    )


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
