"""The simulator: single requests, and laws that hold for any mesh."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.compile.chain_strategies import CHAIN, LANES, SERVICES, SUBSETS, meshes
from tests.compile.meshes import (
    ROUTE_HEADER,
    TRACE_HEADER,
    exact,
    group,
    lane,
    mesh,
    name,
    regex,
    rule,
    service,
)

from laneway.compile.lower import lower
from laneway.compile.simulate import Applications, Call, Outcome, Request, Why, simulate
from laneway.model.label_selectors import LabelRequirement, Operator
from laneway.model.lanes import Mode, Unmatched
from laneway.model.meshes import Mesh
from laneway.model.names import ObjectName


def article(**fields: Any) -> Mesh:
    entry = rule("a", uri=exact("/mock"))
    lanes = [lane("s1", "a b c", entry), lane("s2", "a c", entry), lane("s3", "b", entry)]
    return mesh([group("a b c", **fields)], lanes, SERVICES, CHAIN)


def call(declared: Mesh, headers: Mapping[str, str], **options: Any) -> Outcome:
    request = Request(path="/mock", headers=headers)
    return simulate(declared, lower(declared), request, **options)


def served(outcome: Outcome) -> list[str | None]:
    return [hop.served for hop in outcome.hops]


def test_reasons_tell_the_rule_the_header_the_memory_and_the_fallback() -> None:
    outcome = call(article(), {ROUTE_HEADER: "s2"})
    assert [[reason.why for reason in hop.reasons] for hop in outcome.hops] == [
        [Why.RULE, Why.TRACE_SET, Why.HEADER],
        [Why.MEMORY, Why.HEADER, Why.NO_SERVICE],
        [Why.MEMORY, Why.HEADER],
    ]
    assert [hop.caller for hop in outcome.hops] == [None, name("a"), name("b")]
    assert outcome.hops[0].reasons[0].text == "rule r of lane s2: host *, uri exact /mock"


@pytest.mark.parametrize(
    ("host", "taken"), [("a.test", True), ("a.test:81", True), ("A.test", False), ("b", False)]
)
def test_a_condition_on_host_is_met_by_the_requests_host(host: str, taken: bool) -> None:
    """With its port, and as it was sent: so Envoy does, which has no other header ``Host``."""
    entry = rule("a", headers={"Host": regex("a[.]test(:[0-9]+)?")})
    declared = mesh([group("a")], [lane("s1", "a", entry)], SERVICES[:1])
    request = Request(host, headers={"host": "a.test"} if host == "b" else {})
    assert (simulate(declared, lower(declared), request).failure is None) is taken


def test_past_a_sidecar_the_lane_is_that_of_the_workload_that_is_called() -> None:
    """The baseline selects by an expression, and has no equal labels at all."""
    absent = LabelRequirement("version", Operator.NOT_IN, ("v-s2",))
    base = lane("s1", "a b", rule("a"), match_expressions=(absent,))
    lanes = [dataclasses.replace(base, selector={}), lane("s2", "a b")]
    declared = mesh([group("a b")], lanes, SERVICES[:2])
    past = Call(name("b"), 8000, past_sidecar=name("b-v-s2"))
    outcome = call(declared, {}, applications=Applications({name("a"): (past,)}))
    assert served(outcome) == ["s1", "s2"]


def test_where_the_route_header_is_passed_on_nothing_is_remembered() -> None:
    outcome = call(article(trace_header=ROUTE_HEADER), {ROUTE_HEADER: "s2"})
    assert served(outcome) == ["s2", "s1", "s2"]
    assert all(reason.why is not Why.MEMORY for hop in outcome.hops for reason in hop.reasons)


def test_memory_wins_over_what_the_application_says() -> None:
    """The application invents a lane of its own: only the trace id counts."""
    declared = article()
    calls = {name("a"): (Call(name("b"), 8000),), name("b"): (Call(name("c"), 8000),)}
    both = frozenset({ROUTE_HEADER, TRACE_HEADER})
    applications = Applications(calls, dict.fromkeys([name("a"), name("b")], both))
    outcome = call(declared, {ROUTE_HEADER: "s2"}, applications=applications)
    assert served(outcome) == ["s2", "s1", "s2"]


def test_no_ready_instance_names_the_lane_and_the_service() -> None:
    declared = article(mode=Mode.STRICT)
    ready = [w.name for w in declared.workloads if w.name.name != "c-v-s1"]
    outcome = call(declared, {ROUTE_HEADER: "s1"}, ready=ready)
    assert outcome.failure is not None
    assert outcome.failure.status == 503
    assert outcome.failure.message == "no instance of default/c is ready in lane s1"
    assert outcome.hops[-1].workloads == ()


def test_a_strict_lane_without_the_service_fails() -> None:
    outcome = call(article(mode=Mode.STRICT), {ROUTE_HEADER: "s2"})
    assert served(outcome) == ["s2", None]
    assert outcome.failure is not None
    assert outcome.failure.status == 503


def test_a_chain_of_fallbacks_is_walked_in_order() -> None:
    lanes = [lane("s1", "a", rule("a")), lane("s2", "a"), lane("s3", "a", fallback=("s2",))]
    lanes[2] = dataclasses.replace(lanes[2], ingress=(rule("a"),))
    declared = mesh([group("a")], lanes, SERVICES[:1])
    ready = {w.name for w in declared.workloads}
    for down, answer in (((), "s3"), (("s3",), "s2"), (("s3", "s2"), "s1")):
        left = ready - {name(f"a-v-{text}") for text in down}
        outcome = call(declared, {ROUTE_HEADER: "s3"}, ready=left)
        assert served(outcome) == [answer]
        assert outcome.hops[0].fallback is (Why.NOT_READY if down else None)


def test_strangers_are_turned_away_where_the_group_says_so() -> None:
    declared = article(unmatched=Unmatched.NOT_FOUND)
    assert served(call(declared, {ROUTE_HEADER: "s3"})) == ["s1", "s3", "s1"]
    for headers in ({}, {ROUTE_HEADER: "s9"}):
        failure = call(declared, headers).failure
        assert failure is not None
        assert failure.status == 404


def test_weights_give_a_lane_to_those_that_name_none() -> None:
    entry = rule("a", uri=exact("/mock"))
    lanes = [lane("s1", "a b c", entry), lane("s2", "a c", entry, weight=20)]
    declared = mesh([group("a b c")], lanes, SERVICES, CHAIN)
    assert served(call(declared, {}, draw=19)) == ["s2", "s1", "s2"]
    assert served(call(declared, {}, draw=20)) == ["s1", "s1", "s1"]
    assert served(call(declared, {ROUTE_HEADER: "s1"}, draw=0)) == ["s1", "s1", "s1"]


def test_methods_and_query_are_conditions() -> None:
    post = rule("a", methods=("POST",))
    asked = rule("a", query={"q": exact("1")})
    declared = mesh([group("a")], [lane("s1", "a", post, asked)], SERVICES[:1])
    routes = lower(declared)
    found = [
        simulate(declared, routes, request).failure is None
        for request in (
            Request(method="POST"),
            Request(),
            Request(path="/?q=1&q=2"),
            Request(path="/?q=2"),
            Request(path="/#?q=1"),
        )
    ]
    assert found == [True, False, True, False, False]


def test_applications_that_call_in_a_circle_are_told() -> None:
    declared = mesh(
        [group("a b")], [lane("s1", "a b", rule("a"))], SERVICES[:2], {"a": "b", "b": "a"}
    )
    outcome = call(declared, {})
    assert outcome.failure is not None
    assert "default/a -> default/b -> default/a" in outcome.failure.message


def test_a_call_to_nowhere_is_told() -> None:
    declared = article()
    applications = Applications({name("a"): (Call(name("b"), 81),)})
    outcome = call(declared, {}, applications=applications)
    assert outcome.failure is not None
    assert "default/a calls default/b:81, which no service declares" in outcome.failure.message


def test_calls_are_made_in_turn_depth_first() -> None:
    declared = mesh([group("a b c d")], [lane("s1", "a b c d", rule("a"))],
                    [*SERVICES, service("d")], {"a": "b d", "b": "c"})  # fmt: skip
    assert [hop.service.name for hop in call(declared, {}).hops] == ["a", "b", "c", "d"]


def test_a_request_that_multiplies_has_an_end() -> None:
    texts = [f"a{i}" for i in range(12)]
    calls = {one: " ".join(texts[i + 1 :]) for i, one in enumerate(texts)}
    lanes = [lane("s1", " ".join(texts), rule("a0"))]
    declared = mesh([group(" ".join(texts))], lanes, [service(t) for t in texts], calls)
    outcome = call(declared, {})
    assert outcome.failure is not None
    assert "more than 1,000 calls" in outcome.failure.message


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"gateway": ObjectName("x", "y")}, "there is no gateway x/y; there is: istio-system/ingr"),
        ({"port": 81}, "has no port 81; it has: 80"),
    ],
)
def test_what_the_mesh_does_not_have_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call(article(), {}, **options)


def test_without_a_single_gateway_one_must_be_named() -> None:
    with pytest.raises(ValueError, match="say which gateway the request enters by; there is: none"):
        call(dataclasses.replace(article(), gateways=()), {})


# Laws, over any mesh of three services that call one another in a row.


@st.composite
def situations(draw: st.DrawFn) -> tuple[Mesh, dict[str, str], list[ObjectName]]:
    """A mesh, headers, and the workloads that are ready."""
    declared = draw(meshes())
    headers = {}
    if draw(st.booleans()):
        headers[ROUTE_HEADER] = draw(st.sampled_from([*LANES, "s9", ""]))
    if draw(st.booleans()):
        headers[TRACE_HEADER] = draw(st.sampled_from(["x1", "s2"]))
    names = [w.name for w in declared.workloads]
    return declared, headers, draw(st.lists(st.sampled_from(names), unique=True) | st.just(names))


@given(situations())
def test_every_request_is_answered_or_its_failure_explained(
    situation: tuple[Mesh, dict[str, str], list[ObjectName]],
) -> None:
    declared, headers, ready = situation
    outcome = call(declared, headers, ready=ready)
    *done, last = outcome.hops
    for hop in done if outcome.failure else outcome.hops:
        assert hop.workloads
        assert set(hop.workloads) <= set(ready)
        assert (hop.fallback is None) == (hop.intended == hop.served)
    if outcome.failure:
        assert outcome.failure.message
        assert last.workloads == ()
    else:
        assert [hop.service.name for hop in outcome.hops] == ["a", "b", "c"]


@given(situations(), SUBSETS, st.booleans())
def test_a_lane_changes_nothing_for_requests_that_do_not_name_it(
    situation: tuple[Mesh, dict[str, str], list[ObjectName]], contained: str, enters: bool
) -> None:
    """Read backwards: a lane that is deleted might as well never have existed."""
    declared, headers, ready = situation
    rules = [rule("a", uri=exact("/mock"))] if enters else []
    more = dataclasses.replace(declared, lanes=(*declared.lanes, lane("new", contained, *rules)))
    before, after = (call(m, headers, ready=ready) for m in (declared, more))
    assert before == after


@given(situations())
def test_a_lane_is_left_only_for_its_fallbacks(
    situation: tuple[Mesh, dict[str, str], list[ObjectName]],
) -> None:
    declared, headers, ready = situation
    lanes = {one.name: one for one in declared.lanes}
    for hop in call(declared, headers, ready=ready).hops:
        intended = lanes.get(hop.intended or "")
        allowed = {"s1", hop.intended, *(intended.fallback if intended else ())}
        assert hop.served is None or hop.served in allowed


@given(meshes(), st.sampled_from(LANES))
def test_with_everything_ready_each_hop_is_in_its_lane_where_the_lane_has_the_service(
    declared: Mesh, lane_name: str
) -> None:
    """A call by a workload of a strict lane is in that lane; any other in the one that is named."""
    outcome = call(declared, {ROUTE_HEADER: lane_name})
    members = {one.name: one.services for one in declared.lanes}
    entered = {one.name for one in declared.lanes if one.ingress}
    for before, hop in zip((None, *outcome.hops), outcome.hops, strict=False):
        if any(reason.why is Why.CALLER for reason in hop.reasons):
            assert before is not None
            assert hop.intended == before.served
        elif hop.service in members.get(lane_name, ()) and (hop.caller or lane_name in entered):
            assert hop.served == lane_name


def test_weights_name_no_lane_for_a_request_that_names_another_groups() -> None:
    """Two groups share a rule; a lane in the other group's header rules weights out."""
    entry = rule("a", uri=exact("/mock"))
    lanes = [
        lane("s1", "a b", entry),
        lane("s2", "a b", entry, weight=100),
        lane("t1", "c", rule("c", uri=exact("/mock")), group="other"),
        lane("t2", "c", group="other"),
    ]
    groups = [
        group("a b", trace_header=ROUTE_HEADER),
        group("c", "other", route_header="x-other", trace_header="x-other"),
    ]
    declared = mesh(groups, lanes, SERVICES, CHAIN)
    assert served(call(declared, {})) == ["s2", "s2", "t1"]
    outcome = call(declared, {"x-other": "t2"})
    assert [(hop.intended, hop.served) for hop in outcome.hops][:2] == [("t2", "s1"), (None, "s1")]
    assert served(call(declared, {"x-other": "s2"})) == ["s2", "s2", "t1"]


@pytest.mark.parametrize("value", ["unknown", "", "s2,s1"])
def test_what_names_no_lane_counts_as_none_for_weights_too(value: str) -> None:
    entry = rule("a")
    lanes = [lane("s1", "a b", entry), lane("s2", "a b", entry, weight=50), lane("s3", "b")]
    declared = mesh([group("a b", trace_header=ROUTE_HEADER)], lanes, SERVICES, CHAIN)
    headers = {ROUTE_HEADER: value}
    assert served(call(declared, headers, draw=0))[:2] == ["s2", "s2"]
    (left, *_) = call(declared, headers, draw=99).hops
    assert (left.intended, left.served) == (None, "s1")
    assert f"{ROUTE_HEADER} {value or '(empty)'} names no lane" in " ".join(
        reason.text for reason in left.reasons
    )
    for lane_name in ("s1", "s3"):
        assert served(call(declared, {ROUTE_HEADER: lane_name}, draw=0))[0] == "s1"
