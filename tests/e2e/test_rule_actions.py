"""Actions of ingress rules: what real proxies make of requests, and what the simulator says."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from tests.compile.meshes import exact, group, lane, mesh, name, prefix, regex, rule, service
from tests.e2e.echo_applications import Failure
from tests.e2e.live_meshes import LiveMesh
from tests.e2e.simulator_comparison import ATTEMPTS, hold

from laneway.compile.simulate import Applications, Call, Request
from laneway.model.meshes import Mesh
from laneway.model.rule_actions import HeaderChanges, Retries, RuleActions

pytestmark = [pytest.mark.envoy, pytest.mark.slow]

CALLS = Applications(
    {name("a"): (Call(name("b"), 8000),)}, {name(one): frozenset({"x-lane"}) for one in "ab"}
)
A_BASE, A_BETA = name("a-v-base"), name("a-v-beta")


@pytest.fixture(scope="module")
def live() -> Iterator[LiveMesh]:
    one = LiveMesh()
    yield one
    one.close()


def declared(base: RuleActions, beta: RuleActions, **condition: object) -> Mesh:
    """Two lanes whose rules ask for the same; their ``beta`` has no service b."""
    lanes = [
        lane("base", "a b", rule("a", actions=base, **condition)),
        lane("beta", "a", rule("a", actions=beta, **condition)),
    ]
    return mesh([group("a b", trace_header="x-lane")], lanes, [service("a"), service("b")])


def agree(live: LiveMesh, one: Mesh, *requests: Request) -> None:
    everything = frozenset(workload.name for workload in one.workloads)
    for request in requests:
        hold(live, one, [request] * ATTEMPTS, 80, CALLS, everything)


BETA = {"x-lane": "beta"}
ENVOYS = "x-envoy-upstream-rq-per-try-timeout-ms"


def grpc(status: int) -> Failure:
    return Failure(200, {"content-type": "application/grpc", "grpc-status": str(status)})


def test_the_path_and_the_host_are_those_that_the_rule_of_the_lane_gives(live: LiveMesh) -> None:
    base = RuleActions(uri="/api/", authority="internal.test:81")
    one = declared(base, RuleActions(uri="/v2/"), uri=prefix("/m/"))
    live.adopt(one, CALLS)
    agree(live, one, *(
        Request(host="shop.test", path=path, headers=headers)
        for path in ("/m/", "/m/x/y?q=1", "/m/?", "/m/%6d%2f?a?b", "/n/../m/m/")
        for headers in ({}, BETA, {"x-lane": "unknown"})
    ))  # fmt: skip
    (entered, called) = live.ask(Request(host="shop.test", path="/m/x?q=1", headers=BETA)).hops
    assert (entered.target, entered.headers["host"]) == ("/v2/x?q=1", "shop.test")
    assert called.headers["x-lane"] == "beta"
    (entered, _) = live.ask(Request(host="shop.test", path="/m/x?q=1")).hops
    assert (entered.target, entered.headers["host"]) == ("/api/x?q=1", "internal.test:81")


@pytest.mark.parametrize("uri", [exact("/mock"), regex("/mo+ck|/x")], ids=["exact", "regex"])
def test_without_a_prefix_all_of_the_path_is_replaced(live: LiveMesh, uri: object) -> None:
    one = declared(RuleActions(uri="/new"), RuleActions(uri="/beta"), uri=uri)
    live.adopt(one, CALLS)
    agree(live, one, Request(path="/mock?q=/mock"), Request(path="/mock", headers=BETA))


def test_headers_are_set_added_and_removed_both_ways(live: LiveMesh) -> None:
    request = HeaderChanges(
        (("x-env", '100%REQ(x-user)%% "a, b"'),), (("x-via", "shop"),), ("x-beta",)
    )
    response = HeaderChanges((("x-env", "%"),), (("x-via", "gateway"),), ("x-app",))
    changing = RuleActions(request_headers=request, response_headers=response)
    one = declared(RuleActions(), changing)
    live.adopt(one, CALLS)
    mine = {"x-env": "mine", "x-beta": "1", "X-Via": "me"}
    agree(
        live, one, Request(headers={**mine, **BETA}), Request(headers=BETA), Request(headers=mine)
    )
    assert "x-app" not in live.ask(Request(headers=BETA)).headers
    assert "x-app" in live.ask(Request()).headers


def test_who_enters_by_a_rule_or_an_alias_gets_the_actions_of_that_lane(live: LiveMesh) -> None:
    """Rules of one shape share a route, unless their actions differ or need the path."""
    lanes = [lane("base", "a b", rule("a"))]
    for number in range(4):
        actions = RuleActions(uri=f"/v{number % 2}/") if number else RuleActions()
        sets = HeaderChanges((("x-env", f"{number // 2}"),))
        own = rule("a", uri=prefix(f"/l{number}/"), actions=actions, enter=True)
        by_user = rule(
            "a",
            headers={"x-user": exact(f"u{number}")},
            actions=RuleActions(request_headers=sets),
            enter=True,
        )
        lanes.append(lane(f"l{number}", "a", own, by_user, names=(f"alias{number}",)))
    one = mesh([group("a b", trace_header="x-lane")], lanes, [service("a"), service("b")])
    live.adopt(one, CALLS)
    agree(
        live,
        one,
        *(Request(path=f"/l{number}/x?q") for number in range(5)),
        *(Request(headers={"x-user": f"u{number}"}) for number in range(5)),
        *(Request(path="/l3/x", headers={"x-lane": f"alias{number}"}) for number in range(4)),
    )


def test_weights_share_the_actions(live: LiveMesh) -> None:
    acting = RuleActions(uri="/v2", request_headers=HeaderChanges((("x-env", "w"),)))
    shared = rule("a", uri=exact("/mock"), actions=acting)
    lanes = [lane("base", "a b", shared), lane("beta", "a b", shared, weight=50)]
    one = mesh([group("a b", trace_header="x-lane")], lanes, [service("a"), service("b")])
    live.adopt(one, CALLS)
    asked = [live.ask(Request(path="/mock?q")).hops[0] for _ in range(40)]
    assert {(hop.target, hop.headers["x-env"]) for hop in asked} == {("/v2?q", "w")}
    assert {hop.workload for hop in asked} == {A_BASE, A_BETA}


@pytest.mark.parametrize(
    ("condition", "failure", "is_tried_again"),
    [
        ("5xx", Failure(500), True),
        ("503", Failure(503), True),
        ("503", Failure(502), False),
        ("gateway-error", Failure(502), True),
        ("gateway-error", Failure(500), False),
        ("retriable-4xx", Failure(409), True),
        ("5xx", Failure(None), True),  # its own proxy answers 503
        ("reset", Failure(None), False),
        ("unavailable", grpc(14), True),
        ("unavailable", grpc(13), False),
        ("internal", grpc(13), True),
    ],
)  # fmt: skip
def test_a_request_is_tried_again_in_its_lane_as_often_as_the_rule_says(
    live: LiveMesh, condition: str, failure: Failure, is_tried_again: bool
) -> None:
    retrying = RuleActions(retries=Retries(2, (condition,)))
    one = declared(RuleActions(), retrying)
    live.adopt(one, CALLS)
    for failures, tries in ((1, 2), (2, 3), (5, 3)):
        live.fail(A_BETA, [failure] * failures)
        live.fail(A_BASE, [])
        live.status(Request(headers=BETA))
        assert live.taken(A_BETA) == (tries if is_tried_again else 1), failures
        assert live.taken(A_BASE) == 0
    live.fail(A_BETA, [])
    live.fail(A_BASE, [failure] * 2)
    live.status(Request())
    assert live.taken(A_BASE) == 1  # its rule asks for none
    live.fail(A_BASE, [])


def test_a_request_that_reached_no_application_falls_back_all_the_same(live: LiveMesh) -> None:
    one = declared(RuleActions(), RuleActions(retries=Retries(3, ("5xx",))))
    live.adopt(one, CALLS)
    live.suffer(frozenset(), frozenset({A_BETA}))
    for _ in range(5):
        path = live.ask(Request(headers=BETA))
        assert path.refusal is None
        assert path.hops[0].workload == A_BASE


@pytest.mark.parametrize(
    ("condition", "headers", "is_tried_again"),
    [
        ("5xx", {}, True),
        ("gateway-error", {}, True),
        ("reset", {}, True),
        ("503", {}, False),
        ("unavailable", {}, False),
        ("5xx", {"content-type": "application/grpc"}, True),
        ("unavailable", {"content-type": "application/grpc"}, True),
        ("internal", {"content-type": "application/grpc"}, False),
    ],
)
def test_a_try_that_takes_too_long_is_ended_and_perhaps_followed_by_another(
    live: LiveMesh, condition: str, headers: dict[str, str], is_tried_again: bool
) -> None:
    """In the lane; and the instance that was too slow goes on with other requests."""
    retries = Retries(2, (condition,), per_try_timeout=timedelta(milliseconds=100))
    one = declared(RuleActions(), RuleActions(retries=retries))
    live.adopt(one, CALLS)
    request = Request(headers={**BETA, **headers})
    waits = Failure(0)
    for waiting, tries in ((1, 2), (3, 3)):
        live.fail(A_BETA, [waits] * waiting)
        live.fail(A_BASE, [])
        answer = live.send(request)
        assert live.taken(A_BETA) == (tries if is_tried_again else 1)
        assert live.taken(A_BASE) == 0
        if tries == 3 or not is_tried_again:
            assert answer.body == b"" if headers else answer.status == 504
            assert answer.headers.get("grpc-status") == ("14" if headers else None)
        assert "x-laneway-timed-out" not in answer.headers
        live.fail(A_BETA, [])
        (hop, *_) = live.ask(Request(headers=BETA)).hops
        assert hop.workload == A_BETA
        assert not {"x-laneway-try-timeout", ENVOYS} & hop.headers.keys()


def test_an_answer_that_has_begun_in_time_may_go_on(live: LiveMesh) -> None:
    """And an application cannot say that it was too slow, so that it is asked again."""
    retries = Retries(2, ("5xx",), per_try_timeout=timedelta(milliseconds=100))
    live.adopt(declared(RuleActions(), RuleActions(retries=retries)), CALLS)
    live.fail(A_BETA, [Failure(200, {"x-laneway-timed-out": "UT"}, body_after=0.5)])
    assert live.send(Request(headers=BETA)).body == b"late"
    assert live.taken(A_BETA) == 1
    live.fail(A_BETA, [grpc(13)])
    headers = {**BETA, "content-type": "application/grpc"}
    assert live.send(Request(headers=headers)).headers["grpc-status"] == "13"


def test_a_request_that_takes_too_long_is_answered_504_and_its_lane_goes_on(live: LiveMesh) -> None:
    """To be slow is not to be dead: other requests meet the same instance."""
    limited = rule("a", uri=exact("/slow"), actions=RuleActions(timeout=timedelta(milliseconds=50)))
    beta = lane("beta", "a", limited, rule("a"))
    entered = lane("entered", "a", replace(limited, uri=exact("/x"), enter=True), rule("a"))
    lanes = [lane("base", "a b", rule("a")), beta, entered]
    one = mesh([group("a b", trace_header="x-lane")], lanes, [service("a"), service("b")])
    live.adopt(one, CALLS)
    for path, lane_name, headers in (("/slow", "beta", BETA), ("/x", "entered", {})):
        workload = name(f"a-v-{lane_name}")
        live.fail(workload, [Failure(0)])
        assert live.status(Request(path=path, headers=headers)) == 504
        for _ in range(5):
            (hop, _) = live.ask(Request(headers={"x-lane": lane_name})).hops
            assert hop.workload == workload
