"""The compile report: each limit where it is met, and nowhere else."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.compile.istio.emission import codes, emitted
from tests.compile.istio.interpreter import Istio
from tests.compile.meshes import (
    GATEWAY,
    ROUTE_HEADER,
    exact,
    group,
    lane,
    mesh,
    regex,
    rule,
    service,
)
from tests.compile.request_paths import simulated

from laneway.compile.istio.limits import limits
from laneway.compile.lower import lower
from laneway.compile.simulate import Applications, Request, simulate
from laneway.model.findings import Severity
from laneway.model.gateways import Gateway, GatewayServer
from laneway.model.lanes import Lane, LaneGroup, Mode, Unmatched
from laneway.model.meshes import Mesh
from laneway.model.services import ServicePort

TWO = {"ISTIO_DEAD_APPLICATION", "ISTIO_LANE_NAMED_TWICE"}
FALLBACK = {"ISTIO_SPILL_UNDER_EJECTION"}


def declared(fields: dict[str, Any], *more: Lane, **lane_fields: Any) -> Mesh:
    lanes = [lane("s1", "a", rule("a")), lane("s2", "a", **lane_fields), *more]
    return mesh([group("a", **fields)], lanes, [service("a")])


def test_permissive_and_strict_lanes_have_limits_of_their_own() -> None:
    assert codes(declared({})) == TWO | FALLBACK
    assert codes(declared({"mode": Mode.STRICT})) == TWO | {"ISTIO_STRICT_UNEXPLAINED"}
    mixed = codes(declared({}, mode=Mode.STRICT))
    assert mixed == TWO | {"ISTIO_STRICT_UNEXPLAINED"}


def test_the_only_lane_may_be_named_twice_where_others_are_refused() -> None:
    alone = [lane("s1", "a", rule("a"))]
    refusing = mesh([group("a", unmatched=Unmatched.NOT_FOUND)], alone, [service("a")])
    assert "ISTIO_LANE_NAMED_TWICE" in codes(refusing)
    assert "ISTIO_LANE_NAMED_TWICE" not in codes(mesh([group("a")], alone, [service("a")]))


def test_a_mesh_without_lanes_has_none() -> None:
    assert codes(mesh([group("a")], [], [service("a")])) == set()
    alone = mesh([group("a")], [lane("s1", "a")], [service("a")])
    assert codes(alone) == set()


@pytest.mark.parametrize(
    ("port", "told"),
    [
        (ServicePort(8000, "http"), False),
        (ServicePort(8000, "tcp-x"), True),
        (ServicePort(8000, "tcp-x", app_protocol="http"), False),
        (ServicePort(8000, "http", app_protocol="tcp"), True),
        (ServicePort(8000, "dubbo"), True),
    ],
)
def test_a_port_that_istio_takes_for_no_http_is_told(port: ServicePort, told: bool) -> None:
    base = declared({})
    named = replace(base.services[0], ports=(port,))
    assert ("ISTIO_PORT_NOT_HTTP" in codes(replace(base, services=(named,)))) is told


@pytest.mark.parametrize("headless", [False, True])
def test_a_headless_service_is_told(headless: bool) -> None:
    base = declared({})
    service = replace(base.services[0], headless=headless)
    assert ("ISTIO_HEADLESS" in codes(replace(base, services=(service,)))) is headless


def test_many_lanes_are_told() -> None:
    lanes = [lane(f"x{number}", "a") for number in range(100)]
    assert "ISTIO_MANY_LANES" not in codes(declared({}, *lanes[:99]))
    assert "ISTIO_MANY_LANES" in codes(declared({}, *lanes))


@pytest.mark.parametrize(
    ("fields", "left_out"),
    [
        ({"uri": regex("/" + "a" * 1023)}, False),
        ({"uri": regex("/" + "a" * 1024)}, True),
        ({"uri": regex("/" + "é" * 512)}, True),
        ({"headers": {"x-a": regex("a" * 1025)}}, True),
        ({"headers": {"x-a": exact("a" * 1025)}}, False),
        ({"query": {"q": regex(r"a\C")}}, True),
        ({"query": {"q": regex(r"a\\\C")}}, True),
        ({"query": {"q": regex(r"a\\C")}}, False),
        ({"methods": ("A" * 1000, "B" * 1000)}, True),
        ({"methods": ("A" * 2000,)}, False),
    ],
)
def test_a_rule_that_istio_refuses_is_told_and_does_not_take_others_with_it(
    fields: dict[str, Any], left_out: bool
) -> None:
    lanes = [lane("s1", "a", rule("a", uri=exact("/kept")), rule("a", **fields))]
    base = mesh([group("a")], lanes, [service("a")])
    assert ("ISTIO_REGEX_REFUSED" in codes(base)) is left_out
    (entry,) = [
        document["spec"]["http"]
        for document in emitted(base)
        if document["kind"] == "VirtualService" and "gateways" in document["spec"]
    ]
    assert {"exact": "/kept"} in [route["match"][0].get("uri") for route in entry]
    # Each rule has a route more, for requests whose trace header is empty.
    assert len(entry) == 2 * (1 if left_out else 2)


def test_groups_that_share_a_gateway_are_told() -> None:
    lanes = [lane("s1", "a", rule("a"), group="one"), lane("t1", "b", rule("b"), group="two")]
    both = mesh([group("a", "one"), group("b", "two")], lanes, [service("a"), service("b")])
    assert "ISTIO_GROUPS_SHARE_GATEWAY" in codes(both)


@pytest.mark.parametrize("selector", [{}, {"istio": "ingressgateway"}])
@pytest.mark.parametrize("header", ["baggage", "traceparent"])
def test_a_gateway_without_a_selector_that_needs_the_filter_is_told(
    selector: dict[str, str], header: str
) -> None:
    base = declared({"trace_header": header})
    gateway = Gateway(GATEWAY, (GatewayServer(80),), selector)
    found = replace(base, gateways=(gateway,))
    filters = [r["metadata"]["name"] for r in emitted(found) if r["kind"] == "EnvoyFilter"]
    assert ("test-lane-filter-gateway" in filters) is bool(selector)
    assert ("ISTIO_GATEWAY_WITHOUT_SELECTOR" in codes(found)) is not bool(selector)


def test_hosts_that_overlap_at_a_gateway_are_told() -> None:
    """Istio joins what the VirtualServices of both say, in the order of their creation."""
    rules = [rule("a", hosts=("*.x.test",)), rule("b", hosts=("a.x.test",))]
    lanes = [lane("s1", "a b", *rules)]
    base = mesh([group("a b")], lanes, [service("a"), service("b")], hosts=("*.x.test", "a.x.test"))
    request = Request(host="a.x.test")
    ready = [w.name for w in base.workloads]
    outcome = simulate(base, lower(base), request, applications=Applications())
    resources = emitted(base)
    paths = [
        Istio(base, order, ready).path(request, 80, Applications(), 0)
        for order in (resources, resources[::-1])
    ]
    assert simulated(outcome) in paths
    assert paths[0] != paths[1]
    assert "ISTIO_HOSTS_OVERLAP" in codes(base)
    apart = mesh([group("a b")], lanes, list(base.services), hosts=("*.x.test",))
    assert "ISTIO_HOSTS_OVERLAP" not in codes(apart)


def test_every_limit_is_a_warning_with_a_remedy() -> None:
    shared: LaneGroup = group("a", trace_header=ROUTE_HEADER, mode=Mode.STRICT)
    base = mesh([shared], [lane("s1", "a", rule("a", uri=exact("/")))], [service("a")])
    for found in (base, declared({})):
        for finding in limits(found, lower(found)):
            assert finding.severity is Severity.WARNING
            assert finding.fix
            assert finding.subject
            assert finding.path
