"""Actions of ingress rules: which routes have them, and what each dialect can say."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from tests.compile.asm.test_limits import report as asm_report
from tests.compile.gateway_api import emission as gateway_api
from tests.compile.gateway_api.validation import problems
from tests.compile.interpreters import Asked, Readers
from tests.compile.istio import emission as istio
from tests.compile.istio.validation import problems as istio_problems
from tests.compile.meshes import GATEWAY, exact, group, lane, mesh, prefix, regex, rule, service

from laneway.compile.ir import IngressRoute
from laneway.compile.lower import lower
from laneway.compile.simulate import Applications, Request, Why, simulate
from laneway.model.lanes import IngressRule, Lane, Mode
from laneway.model.matches import StringMatch
from laneway.model.meshes import Mesh
from laneway.model.rule_actions import NO_ACTIONS, HeaderChanges, Retries, RuleActions

V2 = RuleActions(uri="/v2")
SLOW = RuleActions(timeout=timedelta(milliseconds=1500))
EVERYTHING = RuleActions(
    uri="/v2/",
    authority="internal.test",
    timeout=timedelta(minutes=1, milliseconds=500),
    retries=Retries(2, ("5xx", "refused-stream", "409"), timedelta(seconds=10)),
    request_headers=HeaderChanges((("x-a", "100%"),), (("x-b", "b"),), ("x-c",)),
    response_headers=HeaderChanges(remove=("server",)),
)


def declared(*lanes: Lane) -> Mesh:
    return mesh([group("a b")], lanes, [service("a"), service("b")])


def routes_of(*lanes: Lane) -> list[IngressRoute]:
    (host,) = lower(declared(*lanes)).gateways[GATEWAY].servers[0].virtual_hosts
    return list(host.routes)


def shop(actions: RuleActions = NO_ACTIONS, to: str = "a", **fields: Any) -> IngressRule:
    return rule(to, **{"uri": prefix("/shop/"), "actions": actions, **fields})


BASE, SAME = lane("base", "a b", shop(V2)), lane("same", "a", shop(V2))


def test_lanes_with_the_actions_of_the_baseline_share_its_route() -> None:
    (route,) = routes_of(BASE, SAME)
    assert (route.actions, route.named) == (V2, None)


def test_other_actions_are_for_requests_that_name_the_lane_and_lanes_share_them() -> None:
    others = [lane(name, "a", shop(SLOW)) for name in ("l1", "l2")]
    routes = routes_of(BASE, SAME, *others, lane("l3", "a", shop()))
    assert [route.actions for route in routes] == [NO_ACTIONS, SLOW, V2]
    own, without, common = routes
    named = {route.named.lanes: route.actions for route in (own, without) if route.named}
    assert named == {("l1", "l2"): SLOW, ("l3",): NO_ACTIONS}
    assert (common.actions, common.named) == (V2, None)
    assert {owner.name for owner, _ in common.rules} == {"base", "same"}


def test_of_two_rules_that_say_the_same_the_first_has_its_actions() -> None:
    (route,) = routes_of(BASE, lane("twice", "a", shop(V2), shop(SLOW)))
    assert (route.actions, route.named) == (V2, None)


def test_where_no_lane_is_the_baseline_the_first_rule_decides() -> None:
    services = [service("a"), service("b")]
    one = mesh([group("a b", baseline="gone")], [BASE, SAME, lane("l", "a", shop())], services)
    (host,) = lower(one).gateways[GATEWAY].servers[0].virtual_hosts
    own, common = host.routes
    assert (own.actions, own.named and own.named.lanes) == (NO_ACTIONS, ("l",))
    assert (common.actions, common.named) == (V2, None)


@pytest.mark.parametrize(
    ("uri", "path", "sent"),
    [
        (prefix("/shop/"), "/shop/x/shop/?q=/shop/", "/v2x/shop/?q=/shop/"),
        (prefix("/shop"), "/shop?", "/v2?"),
        (prefix("/"), "/x", "/v2x"),
        (exact("/shop"), "/shop?a=1", "/v2?a=1"),
        (regex("/s.*"), "/shop/x", "/v2"),
    ],
)
def test_the_part_of_the_path_that_was_matched_is_replaced(
    uri: StringMatch, path: str, sent: str
) -> None:
    one = declared(lane("base", "a b", shop(V2, uri=uri)))
    outcome = simulate(one, lower(one), Request(path=path))
    assert outcome.sent is not None
    assert outcome.sent.path == sent
    told = [reason.text for reason in outcome.hops[0].reasons if reason.why is Why.ACTION]
    assert told == [f"the rule rewrites the path to {sent}"]


def test_every_action_is_explained() -> None:
    one = declared(lane("base", "a b", shop(EVERYTHING)))
    outcome = simulate(one, lower(one), Request(path="/shop/x", headers={"x-c": "1", "x-b": "0"}))
    told = [reason.text for reason in outcome.hops[0].reasons if reason.why is Why.ACTION]
    assert told == [
        "the rule rewrites the path to /v2/x",
        "the rule rewrites the host to internal.test",
        "the rule sets the request header x-a: 100%",
        "the rule adds the request header x-b: b",
        "the rule removes the request header x-c",
        "the rule removes the response header server",
        "the rule answers 504 after 60.5 s",
        "the rule lets the lane that answers try up to 2 more times of 10 s each on 5xx, "
        "refused-stream, 409",
    ]
    assert outcome.sent is not None
    assert {"x-a": "100%", "x-b": "0,b"}.items() <= outcome.sent.headers.items()
    assert "x-c" not in outcome.sent.headers


def test_istio_has_all_of_them() -> None:
    one = declared(lane("base", "a b", shop(EVERYTHING)), lane("beta", "a b", shop()))
    resources = istio.emitted(one)
    assert [found for each in resources for found in istio_problems(each)] == []
    routes = next(each for each in resources if "gateways" in each["spec"])["spec"]["http"]
    acting = [route for route in routes if "rewrite" in route]
    for route in acting:
        fields = {key: route[key] for key in ("rewrite", "timeout", "retries", "headers")}
        assert fields == {
            "rewrite": {"uri": "/v2/", "authority": "internal.test"},
            "timeout": "60.5s",
            "retries": {
                "attempts": 2,
                "perTryTimeout": "10s",
                "retryOn": "connect-failure,refused-stream,retriable-headers,5xx,409",
            },
            "headers": {
                "request": {"set": {"x-a": "100%%"}, "add": {"x-b": "b"}, "remove": ["x-c"]},
                "response": {"remove": ["server"]},
            },
        }
    assert 0 < len(acting) < len(routes)
    assert {"ISTIO_RETRIES_MEET_DEAD_APPLICATION", "ISTIO_TIMEOUT_EJECTS"} <= istio.codes(one)


def test_in_istio_retries_that_a_rule_asks_for_stay_in_their_lane() -> None:
    one = declared(BASE, lane("beta", "a", shop(RuleActions(retries=Retries(1)))))
    filters = [each for each in istio.emitted(one) if each["kind"] == "EnvoyFilter"]
    policies = {
        patch["match"]["routeConfiguration"]["vhost"]["route"]["name"]: policy
        for each in filters
        for patch in each["spec"]["configPatches"]
        if patch["applyTo"] == "HTTP_ROUTE" and patch["match"]["context"] == "GATEWAY"
        if (policy := patch["patch"]["value"].get("route", {}).get("retry_policy"))
    }
    staying = {name: policy for name, policy in policies.items() if "/beta" in name}
    others = {name: policy for name, policy in policies.items() if name not in staying}
    assert staying
    assert others
    assert all(policy.keys() == {"retriable_headers"} for policy in staying.values())
    assert all("retry_priority" in policy for policy in others.values())


def test_a_strict_lane_is_named_along_with_the_headers_that_its_rule_changes() -> None:
    """In Istio, both are fields of one ``headers``."""
    changing = RuleActions(request_headers=HeaderChanges((("x-a", "1"),), remove=("x-c",)))
    lanes = [lane("base", "a b", rule("a")), lane("beta", "a b", shop(changing))]
    strict = group("a b", mode=Mode.STRICT)
    readers = Readers(mesh([strict], lanes, [service("a"), service("b")]), Applications())
    request = Request(path="/shop/x", headers={"x-c": "c"})
    asked = Asked(request, 80, frozenset(w.name for w in readers.mesh.workloads))
    sent = readers.simulated(asked).sent
    assert sent is not None
    assert sent.headers.items() >= {"x-lane": "beta", "x-a": "1"}.items()
    assert readers.agree("istio", asked)


def test_gateway_api_has_filters_and_a_timeout() -> None:
    one = declared(lane("base", "a b", shop(EVERYTHING), shop(to="b", uri=exact("/shop/x"))))
    resources = gateway_api.emitted(one)
    assert [found for each in resources for found in problems(each)] == []
    rules = [
        each
        for resource in resources
        if resource["kind"] == "HTTPRoute"
        and resource["spec"]["parentRefs"][0]["kind"] == "Gateway"
        for each in resource["spec"]["rules"]
    ]
    (acting,) = (each for each in rules if "filters" in each)
    assert acting["timeouts"] == {"request": "1m500ms"}
    assert acting["filters"] == [
        {
            "type": "RequestHeaderModifier",
            "requestHeaderModifier": {
                "set": [{"name": "x-a", "value": "100%"}],
                "add": [{"name": "x-b", "value": "b"}],
                "remove": ["x-c"],
            },
        },
        {"type": "ResponseHeaderModifier", "responseHeaderModifier": {"remove": ["server"]}},
        {
            "type": "URLRewrite",
            "urlRewrite": {
                "hostname": "internal.test",
                "path": {"type": "ReplacePrefixMatch", "replacePrefixMatch": "/v2/"},
            },
        },
    ]
    assert "ACTIONS_LEFT_OUT" in gateway_api.codes(one)  # retries


def test_in_gateway_api_a_narrower_path_keeps_what_it_has_beyond_the_prefix() -> None:
    """Lane beta's rule precedes by its lane, and an exact path would precede by its kind."""
    beta = lane("beta", "a", shop(RuleActions(uri="/v2/"), headers={"x": exact("1")}))
    base = lane("base", "a b", shop(to="b", uri=exact("/shop/x")), shop())
    one = declared(base, beta)
    resources = gateway_api.emitted(one)
    assert [found for each in resources for found in problems(each)] == []
    rewrites = [
        (each["matches"], kept["urlRewrite"]["path"])
        for resource in resources
        if resource["kind"] == "HTTPRoute"
        for each in resource["spec"]["rules"]
        for kept in each.get("filters", ())
    ]
    assert all(len(matches) == 1 for matches, _ in rewrites)
    assert {tuple(path.values()) for _, path in rewrites} == {("ReplacePrefixMatch", "/v2/")}


@pytest.mark.parametrize(
    ("actions", "code"),
    [
        (RuleActions(authority="x.test:81"), "ACTIONS_LEFT_OUT"),
        (RuleActions(retries=Retries(1)), "ACTIONS_LEFT_OUT"),
        (RuleActions(uri="/v2"), "REWRITE_BY_ELEMENT"),
        (
            RuleActions(request_headers=HeaderChanges(remove=tuple(f"x-{n}" for n in range(17)))),
            "ACTIONS_LEFT_OUT",
        ),
    ],
)
def test_what_gateway_api_cannot_say_is_reported(actions: RuleActions, code: str) -> None:
    plain = gateway_api.codes(declared(lane("base", "a b", shop())))
    one = declared(lane("base", "a b", shop(actions)))
    assert [found for each in gateway_api.emitted(one) for found in problems(each)] == []
    assert gateway_api.codes(one) - plain - {"FEATURES"} == {code}


def test_asm_says_none_of_them_and_reports_it() -> None:
    codes = {finding.code for finding in asm_report(declared(BASE))}
    assert "ASM_NO_ACTIONS" in codes
    assert "ASM_NO_ACTIONS" not in {f.code for f in asm_report(declared(lane("b", "a b", shop())))}
