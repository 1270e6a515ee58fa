"""The compile report: each limit where it is met, and nowhere else."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.compile.gateway_api.emission import codes, emitted, report
from tests.compile.gateway_api.validation import problems
from tests.compile.golden_cases import ROOT
from tests.compile.meshes import (
    GATEWAY,
    ROUTE_HEADER,
    exact,
    group,
    lane,
    mesh,
    prefix,
    regex,
    rule,
    service,
)

from laneway.compile.gateway_api.options import Options
from laneway.model.findings import Severity
from laneway.model.gateways import Gateway, GatewayServer
from laneway.model.lanes import (
    CallsWithoutLane,
    IngressRule,
    Lane,
    Mode,
    RouteBy,
    Sticky,
    StickyKind,
    Unmatched,
)
from laneway.model.meshes import Mesh
from laneway.model.services import ServicePort

HEADER = {"trace_header": ROUTE_HEADER}
ALWAYS = {"HEADER_TWICE", "NO_FAILOVER"}


def declared(*lanes: Lane, **fields: Any) -> Mesh:
    """A group that passes on its route header, of the services a and b."""
    some = lanes or (lane("s1", "a b", rule("a")), lane("s2", "a"))
    return mesh([group("a b", **{**HEADER, **fields})], some, [service("a"), service("b")])


def ruled(one: IngressRule) -> Mesh:
    """The baseline has the rule; and one for all requests."""
    return declared(lane("s1", "a b", rule("a"), one), lane("s2", "a"))


def documents(found: Mesh, kind: str = "HTTPRoute") -> list[dict[str, Any]]:
    resources = emitted(found)
    assert [problem for resource in resources for problem in problems(resource)] == []
    return [resource for resource in resources if resource["kind"] == kind]


def test_permissive_and_strict_lanes_have_limits_of_their_own() -> None:
    assert codes(declared()) == ALWAYS
    strict = [lane("s1", "a b", rule("a")), lane("s2", "a b")]
    assert codes(declared(*strict, mode=Mode.STRICT)) == {
        *("HEADER_TWICE", "STRICT_STATUS", "CALLER_UNKNOWN")
    }
    own = declared(calls_without_lane=CallsWithoutLane.OWN_LANE)
    assert codes(own) == {*ALWAYS, "CALLER_UNKNOWN"}


def test_a_lane_is_entered_by_naming_it_in_the_route_header_alone() -> None:
    base = lane("s1", "a b", rule("a"))
    entered = replace(rule("a", headers={"x-user": exact("jack")}), enter=True)
    assert codes(declared(base, lane("s2", "a", entered))) - ALWAYS == {"NO_ENTER"}
    off = replace(entered, online=False)
    assert codes(declared(base, lane("s2", "a", off))) - ALWAYS == set()
    assert codes(declared(base, lane("s2", "a", names=("gray",)))) - ALWAYS == {"NO_NAMES"}
    by_cookie = declared(base, lane("s2", "a"), route_by=RouteBy(cookie="lane"))
    assert codes(by_cookie) - ALWAYS == {"NO_ROUTE_BY"}


def test_a_mesh_without_lanes_has_none() -> None:
    nothing = mesh([group("a")], [], [service("a")])
    assert (codes(nothing), emitted(nothing)) == (set(), [])
    assert codes(declared(lane("s1", "a b"))) == set()


@pytest.mark.parametrize(
    ("trace_header", "code"),
    [("x-trace", "NO_TRACE_MEMORY"), ("baggage", "NO_BAGGAGE"), (ROUTE_HEADER.upper(), None)],
)
def test_a_lane_that_applications_do_not_pass_on_is_told(
    trace_header: str, code: str | None
) -> None:
    told = codes(declared(trace_header=trace_header))
    assert told & {"NO_TRACE_MEMORY", "NO_BAGGAGE"} == ({code} if code else set())


@pytest.mark.parametrize(
    ("port", "told"),
    [
        (ServicePort(8000, "http"), False),
        (ServicePort(8000, "tcp-x"), True),
        (ServicePort(8000, "tcp-x", app_protocol="kubernetes.io/h2c"), False),
        (ServicePort(8000, app_protocol="tls"), True),
    ],
)
def test_a_port_that_is_not_http_is_told(port: ServicePort, told: bool) -> None:
    base = declared()
    named = replace(base.services[0], ports=(port,))
    found = replace(base, services=(named, base.services[1]))
    assert ("PORT_NOT_HTTP" in codes(found)) is told
    (spec,) = (r["spec"] for r in documents(found, "Service") if r["metadata"]["name"] == "a-s2")
    assert spec["ports"][0].get("appProtocol", "") == port.app_protocol


@pytest.mark.parametrize("headless", [False, True])
def test_a_headless_service_is_told(headless: bool) -> None:
    base = declared()
    changed = replace(base.services[0], headless=headless)
    found = replace(base, services=(changed, base.services[1]))
    assert ("HEADLESS" in codes(found)) is headless


def test_a_service_without_a_selector_is_told() -> None:
    base = declared()
    plain = replace(base.services[0], selector={})
    found = replace(base, services=(plain, base.services[1]))
    assert "NO_SELECTOR" in codes(found)
    services = {r["metadata"]["name"]: r["spec"] for r in documents(found, "Service")}
    assert "selector" not in services["a-s2"]
    assert "selector" in services["b-s1"]


def test_several_ports_are_told_and_named() -> None:
    base = declared()
    found = replace(base, services=(service("a", 8000, 9000), base.services[1]))
    assert "FEATURES" in codes(found)
    names = {r["metadata"]["name"]: r["spec"] for r in documents(found)}
    assert names["a-lanes-9000"]["parentRefs"][0]["port"] == 9000
    assert "port" not in names["b-lanes"]["parentRefs"][0]


@pytest.mark.parametrize(
    ("one", "found"),
    [
        (rule("a", uri=exact("/mock")), set()),
        (rule("a", uri=prefix("/")), set()),
        (rule("b", uri=prefix("/api")), {"PREFIX_BY_ELEMENT"}),
        (rule("b", uri=prefix("/api/")), {"PREFIX_BY_ELEMENT"}),
        (rule("b", uri=prefix("/a%2Fb")), {"REGEX", "PRECEDENCE"}),
        (rule("b", uri=exact("/a//b")), {"REGEX", "PRECEDENCE"}),
        (rule("b", uri=regex("/a|/b")), {"REGEX", "PRECEDENCE"}),
        (rule("a", headers={"x": exact("1")}), set()),
        (rule("b", headers={"x": prefix("1")}), {"REGEX"}),
        (rule("b", headers={"x": exact("")}), {"REGEX"}),
        (rule("b", query={"q": regex("[0-9]")}), {"REGEX", "FEATURES"}),
        (rule("b", methods=("GET", "PURGE")), {"METHODS_LEFT_OUT", "FEATURES"}),
        (rule("b", methods=("PURGE",)), {"RULE_LEFT_OUT"}),
        (rule("b", query={"q[]": exact("1")}), {"RULE_LEFT_OUT"}),
        (rule("b", uri=exact("/" + "x" * 2000)), {"RULE_LEFT_OUT"}),
        (rule("b", headers={"x": exact("y" * 5000)}), {"RULE_LEFT_OUT"}),
        (rule("b", headers={f"x{n}": exact("1") for n in range(16)}), {"RULE_LEFT_OUT"}),
        (rule("b", hosts=("a_b.test",)), {"HOST_LEFT_OUT"}),
    ],
)
def test_conditions_that_cannot_be_said_are_told(one: IngressRule, found: set[str]) -> None:
    declared = ruled(one)
    assert codes(declared) - ALWAYS == found
    assert documents(declared)


def test_weights_are_told() -> None:
    lanes = [lane("s1", "a b", rule("a")), lane("s2", "a", rule("a"), weight=20)]
    assert codes(declared(*lanes)) - ALWAYS == {"FEATURES"}
    sticky = declared(*lanes, sticky=Sticky(StickyKind.COOKIE, "user"))
    assert codes(sticky) - ALWAYS == {"FEATURES", "NOT_STICKY"}


def test_a_refusal_is_told_where_another_rule_would_take_the_request() -> None:
    alone = declared(unmatched=Unmatched.NOT_FOUND)
    assert "REFUSED_STATUS" not in codes(alone)
    other = lane("t1", "c", rule("c"), group="two")
    lanes = [lane("s1", "a b", rule("a", uri=exact("/x"))), other]
    groups = [
        group("a b", unmatched=Unmatched.NOT_FOUND, **HEADER),
        group("c", "two", **HEADER),
    ]
    both = mesh(groups, lanes, [service("a"), service("b"), service("c")])
    assert codes(both) == {"REFUSED_STATUS", "GROUPS_SHARE_GATEWAY"}
    rules = [r for d in documents(both) if "hostnames" not in d["spec"] for r in d["spec"]["rules"]]
    assert [rule["matches"] for rule in rules if "backendRefs" not in rule] == [
        [{"path": {"type": "Exact", "value": "/x"}}]
    ]


def test_gateways_are_expected_or_rendered() -> None:
    base = declared()
    expected = [f.severity for f in report(base, Options()) if f.code.endswith("GATEWAY_EXPECTED")]
    assert expected == [Severity.NOTE]
    assert documents(base, "Gateway")[0]["spec"]["gatewayClassName"] == "example"
    assert not [r for r in emitted(base, Options()) if r["kind"] == "Gateway"]


def test_no_listener_is_made_for_tls() -> None:
    secured = GatewayServer(443, "https", "HTTPS", tls=True)
    both = replace(declared(), gateways=(Gateway(GATEWAY, (GatewayServer(80), secured)),))
    assert "TLS" in codes(both)
    (made,) = documents(both, "Gateway")
    assert [listener["port"] for listener in made["spec"]["listeners"]] == [80]
    alone = replace(declared(), gateways=(Gateway(GATEWAY, (secured,)),))
    assert documents(alone, "Gateway") == []
    expected = next(f for f in report(alone, Options()) if f.code.endswith("GATEWAY_EXPECTED"))
    assert "at 443 (TLS)" in expected.message


def test_ports_of_a_gateway_with_hosts_of_their_own_have_routes_of_their_own() -> None:
    servers = (GatewayServer(80, hosts=("a.test",)), GatewayServer(81, hosts=("b.test",)))
    found = replace(declared(), gateways=(Gateway(GATEWAY, servers),))
    assert "FEATURES" in codes(found)
    ports = [
        (document["spec"]["hostnames"], document["spec"]["parentRefs"][0]["port"])
        for document in documents(found)
        if "hostnames" in document["spec"]
    ]
    assert ports == [(["a.test"], 80), (["b.test"], 81)]


def test_a_tie_that_only_the_age_of_routes_decides_is_told() -> None:
    """Each lane's two values tie; as many rules as one HTTPRoute cannot hold."""
    values = {"one": exact("1"), "any": prefix("1")}
    for number, expected in ((5, False), (17, True)):
        rules = [
            [rule(to, uri=exact(f"/{n}"), headers={"x": values[kind]})]
            for n in range(number)
            for to, kind in (("a", "one"), ("b", "any"))
        ]
        lanes = [lane("s1", "a b", *(one for some in rules for one in some))]
        assert ("PRECEDENCE" in codes(declared(*lanes))) is False
        several = [*lanes, *(lane(f"t{n}", "a", *lanes[0].ingress) for n in range(number))]
        assert ("PRECEDENCE" in codes(declared(*several))) is expected


def test_every_limit_has_a_remedy_and_a_place() -> None:
    lanes = [
        lane("s1", "a b", rule("b", uri=prefix("/x")), rule("a", uri=regex("/y"))),
        lane("s2", "a", rule("a", methods=("PURGE",)), weight=10),
    ]
    for found in (declared(*lanes, trace_header="x-trace"), declared(trace_header="baggage")):
        for finding in report(found, Options()):
            assert finding.severity in (Severity.WARNING, Severity.NOTE)
            assert finding.fix
            assert finding.subject
            assert finding.path


def test_every_limit_is_documented() -> None:
    """The table of ``docs/how-to/gateway-api.md`` names each code, and no other."""
    folder = ROOT / "src/laneway/compile/gateway_api"
    sources = [path.read_text(encoding="utf-8") for path in folder.glob("*limits.py")]
    told = {part.split('"')[0] for text in sources for part in text.split('"GATEWAY_API_')[1:]}
    page = (ROOT / "docs/how-to/gateway-api.md").read_text(encoding="utf-8")
    rows = [line for line in page.splitlines() if line.startswith("| `GATEWAY_API_")]
    documented = [row.split("`")[1].removeprefix("GATEWAY_API_") for row in rows]
    assert documented == sorted(told)
