"""Hypothesis strategies: meshes of every kind over one fixed set of workloads, and requests.

The workloads, their ports and the gateway's ports never change, only their labels and what is
declared of them, so that running proxies can take one mesh after another.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from hypothesis import assume
from hypothesis import strategies as st
from tests.compile.meshes import GATEWAY, exact, name, prefix, regex, service

from laneway.compile.simulate import Applications, Call, Request
from laneway.model.checks import check
from laneway.model.findings import Severity
from laneway.model.gateways import Gateway, GatewayServer
from laneway.model.lanes import (
    CallsWithoutLane,
    IngressRule,
    Lane,
    LaneGroup,
    Mode,
    RouteBy,
    Sticky,
    StickyKind,
    Unmatched,
)
from laneway.model.meshes import Mesh
from laneway.model.names import ObjectName
from laneway.model.rule_actions import HeaderChanges, Retries, RuleActions
from laneway.model.workloads import Workload, WorkloadPort

SERVICES = (service("a", 8000, 9000), service("b"), service("c"))
WORKLOADS = tuple(
    Workload(
        name(f"{one.name.name}-{number}"),
        {"app": one.name.name, "version": f"v{number}"},
        tuple(WorkloadPort(port.port) for port in one.ports),
        command=("true",),
    )
    for one in SERVICES
    for number in (1, 2, 3)
)
NAMES = tuple(workload.name for workload in WORKLOADS)
PORTS = (80, 81)
ROUTE_HEADER, TRACE_HEADER, OTHER_HEADER = "x-lane", "x-trace", "X-Other"
#: A trace header whose value has a trace id among other parts.
CONTEXT = "traceparent"
VERSIONS = ("v1", "v2", "v3")
LANE_VERSIONS = (*VERSIONS, "v4")
HOSTS = ("*", "*.example.com", "*.a.example.com", "a.example.com", "b.test")


STICKIES = (None, Sticky(StickyKind.HEADER, "x-user"), Sticky(StickyKind.COOKIE, "user"))
ROUTE_BY = RouteBy((OTHER_HEADER, "x-beta"), cookie="lane", query="q")


def subsets(values: Sequence[ObjectName]) -> st.SearchStrategy[tuple[ObjectName, ...]]:
    """In the order of ``values``, of any size."""
    return st.sets(st.sampled_from(values)).map(lambda some: tuple(v for v in values if v in some))


def actions(*, rewrites: bool) -> st.SearchStrategy[RuleActions]:
    """Few, so that lanes often have the same. Without a time limit, which any request may meet."""
    uris = ["/v2/", "/v2"] if rewrites else []
    changing = RuleActions(
        request_headers=HeaderChanges((("x-env", "100%"),), (("x-via", "1"),), ("x-beta",)),
        response_headers=HeaderChanges((("x-env", "a, b"),), (("x-via", "2"),)),
    )
    retrying = RuleActions(retries=Retries(3, ("5xx", "unavailable", "409")))
    others = [RuleActions(authority="internal.test:81"), changing, retrying]
    return st.sampled_from([*(RuleActions(uri=uri) for uri in uris), *others])


@st.composite
def rules(draw: st.DrawFn, services: tuple[ObjectName, ...]) -> tuple[IngressRule, ...]:
    """Few conditions, so that lanes often state the same."""
    plain = IngressRule("r", services[0])
    some = [plain] if draw(st.integers(0, 5)) else []
    for number in range(draw(st.integers(0, 2))):
        destination = draw(st.sampled_from(services))
        one = IngressRule(
            f"r{number}",
            destination,
            hosts=tuple(draw(st.lists(st.sampled_from(HOSTS), min_size=1, unique=True))),
            uri=draw(
                st.sampled_from(
                    [None, exact("/mock"), prefix("/m"), prefix("/mock/"), regex("/mock|/x[0-9]+")]
                )
            ),
            headers=draw(
                st.sampled_from(
                    [
                        *[{}, {"X-Beta": exact("1")}] * 2,
                        *({"x-beta": match} for match in (prefix("1,"), regex(".*"))),
                        *({"X-Lane": match} for match in (exact("s2"), prefix("s"))),
                    ]
                )
            ),
            methods=draw(st.sampled_from([(), ("GET",), ("POST", "PUT")])),
            query=draw(st.sampled_from([{}, {"q": exact("1")}, {"q": regex("[0-9]*")}])),
            port=draw(st.sampled_from([None, 9000])) if destination == name("a") else None,
            online=draw(st.integers(0, 5)) > 0,
        )
        if draw(st.integers(0, 4)) == 0:
            one = replace(one, actions=draw(actions(rewrites=one.uri is not None)))
        if draw(st.integers(0, 3)) == 0:
            weight, sticky = draw(st.sampled_from([(100, None), (40, None), (20, STICKIES[1])]))
            one = replace(one, enter=True, weight=weight, sticky=sticky)
        some.append(one)
    return tuple(some)


@st.composite
def lanes(
    draw: st.DrawFn, group: LaneGroup, names: Sequence[str]
) -> tuple[LaneGroup, tuple[Lane, ...]]:
    """The group with its baseline, and its lanes, of which one at least holds everything."""
    texts = names[: draw(st.integers(1, len(names)))]
    baseline = draw(st.sampled_from(texts))
    apart = dict(zip(texts, draw(st.permutations(LANE_VERSIONS)), strict=False))
    strict = group.mode is Mode.STRICT
    found: list[Lane] = []
    for text in texts:
        whole = text == baseline or strict
        mode = draw(st.sampled_from([None, None, None, Mode.STRICT, Mode.PERMISSIVE]))
        # What a strict lane selects is no other lane's.
        version = apart[text] if draw(st.booleans()) or strict else draw(st.sampled_from(VERSIONS))
        others = draw(st.permutations([one.name for one in found if one.name != baseline]))
        lane = Lane(
            name=text,
            group=group.name,
            selector={"version": version},
            # One that names none has all of the group's.
            services=(not whole and draw(subsets(group.services))) or group.services,
            ingress=draw(rules(group.services)),
            fallback=tuple(others[: draw(st.integers(0, 2))]),
            mode=mode,
            calls_without_lane=draw(st.sampled_from([None, None, *CallsWithoutLane])),
            weight=draw(st.sampled_from([0, 0, 0, 20])),
            names=(f"{text}.0",) if draw(st.integers(0, 4)) == 0 else (),
            # Of few versions, lanes often have the same.
            shares_workloads_with=tuple(one for one in texts if one != text),
        )
        found.append(lane)
    owners = {
        one: draw(st.sampled_from([lane.name for lane in found if one in lane.services]))
        for one in (draw(subsets(group.services)) if draw(st.integers(0, 3)) == 0 else ())
    }
    named = None if baseline == texts[0] and draw(st.booleans()) else baseline
    return replace(group, baseline=named, service_baselines=owners), tuple(found)


@st.composite
def meshes(draw: st.DrawFn) -> Mesh:
    """Valid ones, of one or two groups, with services in none."""
    layout = draw(st.sampled_from([*[("a b c",)] * 3, ("a b", "c"), ("a b", "c"), ("a b",)]))
    groups: list[LaneGroup] = []
    all_lanes: list[Lane] = []
    for number, text in enumerate(layout):
        route = draw(st.sampled_from([ROUTE_HEADER, OTHER_HEADER] if number else [ROUTE_HEADER]))
        group = LaneGroup(
            name=f"g{number}",
            services=tuple(map(name, text.split())),
            route_header=route,
            trace_header=draw(st.sampled_from([TRACE_HEADER, route, "x-request-id", CONTEXT])),
            gateway=GATEWAY,
            mode=draw(st.sampled_from([Mode.PERMISSIVE, Mode.PERMISSIVE, Mode.STRICT])),
            calls_without_lane=draw(st.sampled_from(CallsWithoutLane)),
            unmatched=draw(st.sampled_from([Unmatched.BASELINE] * 5 + [Unmatched.NOT_FOUND])),
            sticky=draw(st.sampled_from(STICKIES)),
            route_by=draw(st.sampled_from([RouteBy(), RouteBy(), RouteBy(), ROUTE_BY])),
        )
        names = ("t1", "s2") if number else ("s1", "s2", "s3", "s4")
        group, found = draw(lanes(group, names))
        groups.append(group)
        all_lanes += found
    workloads = tuple(
        replace(one, labels={**one.labels, "version": draw(st.sampled_from(VERSIONS))})
        for one in WORKLOADS
    )
    served = draw(st.sampled_from([("*",), ("*.example.com", "b.test")]))
    servers = (GatewayServer(PORTS[0], hosts=served), GatewayServer(PORTS[1]))
    mesh = Mesh(tuple(groups), tuple(all_lanes), SERVICES, workloads, (Gateway(GATEWAY, servers),))
    assume(all(finding.severity is not Severity.ERROR for finding in check(mesh)))
    return mesh


@st.composite
def applications(draw: st.DrawFn) -> Applications:
    """Who calls whom, without a circle, and what each passes on."""
    a = draw(st.sampled_from([("b", "c"), ("b",), ("c", "b"), ("b",), ()]))
    b = draw(st.sampled_from([("c",), ("c",), ()]))
    calls = {"a": a, "b": b}
    everything = frozenset({ROUTE_HEADER, TRACE_HEADER, OTHER_HEADER, "x-request-id", CONTEXT})
    kept = st.sets(st.sampled_from(sorted(everything)))
    return Applications(
        {name(one): tuple(Call(name(other), 8000) for other in calls[one]) for one in calls},
        {
            one.name: everything if draw(st.integers(0, 3)) else frozenset(draw(kept))
            for one in SERVICES
        },
    )


@dataclass(frozen=True)
class Situation:
    """What runs while ``request`` is made; ``dead`` workloads are still thought to be ready."""

    port: int
    request: Request
    unready: frozenset[ObjectName]
    dead: frozenset[ObjectName]

    @property
    def alive(self) -> frozenset[ObjectName]:
        return frozenset(NAMES) - self.unready - self.dead


LANE_NAMES = ("s1", "s2", "s3", "s4", "t1")
PATHS = (
    *["/mock"] * 6, "/mock?q=1", "/mock?x&q=1&q=2", "/mock?q=a", "/mock?q", "/mock?q=%31",
    "/mock?q=s3",
    "/MOCK", "/mock/", "/mock/a", "/x12", "/x12y", "//mock", "/a/../mock", "/%6dock/%2e%2e/x1",
    "/mock%2fx", "/mock;v=1", "/m\\x", "/mock#x", "/",
)  # fmt: skip
REQUEST_HOSTS = (
    *["a.example.com"] * 4, "a.example.com:8080", "A.Example.COM", "b.a.example.com",
    "c.b.a.example.com", "example.com", "b.test", "b.test.", "b.test:x", "localhost",
    "xa.example.com", "[::1]:80",
)  # fmt: skip
Values = st.SearchStrategy[str | tuple[str, ...]]
_VALUES: Values = st.sampled_from(
    [*LANE_NAMES, *LANE_NAMES, "s9", "", "S2", "s2,s3", ("s2", "s3"), "s2 ", "s1.0", "s2.0", "t1.0"]
)


@st.composite
def requests(draw: st.DrawFn) -> Request:
    traces: Values = st.sampled_from(["#", "#", "", ("#", "x"), "#" * 40])
    valid = "00-@-00f067aa0ba902b7-01"
    contexts: Values = st.sampled_from([valid, valid, "", "#", ("", valid), (valid, valid)])
    betas: Values = st.sampled_from(["1", "", ("1", "2"), "1,2", "2"])
    headers: dict[str, str | tuple[str, ...]] = {}
    if draw(st.integers(0, 4)):
        headers[ROUTE_HEADER.upper()] = draw(_VALUES)
    if draw(st.integers(0, 3)) == 0:
        headers[OTHER_HEADER] = draw(_VALUES)
    if draw(st.booleans()):
        headers[TRACE_HEADER] = draw(traces)
    if draw(st.integers(0, 3)) == 0:
        headers["x-request-id"] = draw(st.sampled_from(["#", "#", ""]))
    if draw(st.booleans()):
        headers[CONTEXT] = draw(contexts)
    if draw(st.integers(0, 2)) == 0:
        headers["x-beta"] = draw(betas)
    if draw(st.integers(0, 3)) == 0:
        headers["x-user"] = draw(st.sampled_from(["u1", "u2"]))
    if draw(st.integers(0, 5)) == 0:
        headers["cookie"] = draw(st.sampled_from(["lane=s2", "user=u1; lane=s3.0", "lane=s1.0"]))
    return Request(
        host=draw(st.sampled_from(REQUEST_HOSTS)),
        path=draw(st.sampled_from(PATHS)),
        method=draw(st.sampled_from(["GET", "GET", "GET", "POST", "DELETE"])),
        headers=headers,
    )


def traced(request: Request, number: int) -> Request:
    """``#`` in a value stands for what no other request has, ``@`` for a trace id like that."""

    def unique(value: str) -> str:
        return value.replace("#", f"n{number}.").replace("@", f"{number + 1:032x}")

    headers = {
        key: unique(value) if isinstance(value, str) else tuple(map(unique, value))
        for key, value in request.headers.items()
    }
    return replace(request, headers=headers)


def lane_headers(mesh: Mesh) -> Mapping[str, str]:
    """The route header of each service that is in a group."""
    groups = mesh.groups_by_service
    return {str(one): group.route_header.lower() for one, group in groups.items()}


@st.composite
def situations(draw: st.DrawFn) -> list[Situation]:
    """One state of health, and several requests in it."""
    down = draw(st.frozensets(st.sampled_from(NAMES), max_size=7)) if draw(st.booleans()) else ()
    dead = frozenset(one for one in sorted(down) if draw(st.integers(0, 3)) == 0)
    unready = frozenset(down) - dead
    return [
        Situation(draw(st.sampled_from(PORTS)), request, unready, dead)
        for request in draw(st.lists(requests(), min_size=1, max_size=6))
    ]
