"""Hypothesis strategies: valid objects, as single documents declare them, and whole meshes."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC
from typing import Any

from hypothesis import strategies as st

from laneway.model.gateways import Gateway, GatewayServer
from laneway.model.keys import Declared
from laneway.model.label_selectors import LabelRequirement, Operator
from laneway.model.lanes import (
    CallsWithoutLane,
    IngressRule,
    Lane,
    LaneGroup,
    MemoryLimits,
    Mode,
    RouteBy,
    Sticky,
    StickyKind,
    Unmatched,
)
from laneway.model.matches import MatchKind, StringMatch
from laneway.model.meshes import Mesh
from laneway.model.names import ObjectName
from laneway.model.services import Service, ServicePort
from laneway.model.workloads import (
    DeclaredCall,
    ReadinessProbe,
    RestartPolicy,
    Workload,
    WorkloadPort,
)

labels = st.from_regex(r"[a-z]([-a-z0-9]{0,8}[a-z0-9])?", fullmatch=True)
object_names = st.builds(ObjectName, labels, labels)
selectors = st.dictionaries(labels, labels, min_size=1, max_size=3)
headers = st.sampled_from(["x-lane", "X-Trace-Id", "my-request-id"])
ports = st.integers(1, 65535)
seconds = st.floats(0.5, 60)
text = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=8)


def matches(prefix: str = "") -> st.SearchStrategy[StringMatch]:
    return st.builds(
        lambda kind, word: StringMatch(kind, prefix + word), st.sampled_from(MatchKind), labels
    )


stickies = st.none() | st.builds(Sticky, st.sampled_from(StickyKind), labels)
lane_values = st.from_regex(r"[!-~]([ -~]{0,6}[!-~])?", fullmatch=True)


def rules(services: list[ObjectName]) -> st.SearchStrategy[IngressRule]:
    plain = st.builds(
        IngressRule,
        name=labels,
        destination=st.sampled_from(services),
        hosts=st.lists(
            st.sampled_from(["*", "*.a.test", "b.test"]), min_size=1, max_size=2, unique=True
        ).map(tuple),
        uri=st.none() | matches("/"),
        headers=st.dictionaries(labels, matches(), max_size=2),
        port=st.none() | ports,
        online=st.booleans(),
        methods=st.lists(st.sampled_from(["GET", "POST"]), unique=True).map(tuple),
        query=st.dictionaries(labels, matches(), max_size=1),
    )
    return plain | st.builds(
        lambda rule, weight, sticky: replace(rule, enter=True, weight=weight, sticky=sticky),
        plain,
        st.integers(0, 100),
        stickies,
    )


def workload_ports() -> st.SearchStrategy[tuple[WorkloadPort, ...]]:
    one = st.builds(WorkloadPort, number=ports, name=st.just("") | labels, listen=st.just(0))
    unique = (lambda port: port.number, lambda port: port.name or port)
    return st.lists(one, min_size=1, max_size=3, unique_by=unique).map(tuple)


declared_calls = st.builds(DeclaredCall, object_names, st.none() | ports)


def requirements() -> st.SearchStrategy[LabelRequirement]:
    values = st.lists(labels, min_size=1, max_size=2, unique=True).map(tuple)
    some = st.builds(
        LabelRequirement, labels, st.sampled_from([Operator.IN, Operator.NOT_IN]), values
    )
    none = st.sampled_from([Operator.EXISTS, Operator.DOES_NOT_EXIST])
    return some | st.builds(LabelRequirement, labels, none)


@st.composite
def workloads(draw: st.DrawFn) -> Workload:
    declared = draw(workload_ports())
    probe = draw(
        st.builds(
            ReadinessProbe,
            path=st.none() | st.just("/healthz"),
            port=st.sampled_from([0, declared[0].name or declared[0].number]),
            initial_delay=seconds,
            period=seconds,
            timeout=seconds,
            failure_threshold=st.integers(1, 9),
            success_threshold=st.integers(1, 9),
        )
    )
    common: dict[str, Any] = {
        "name": draw(object_names),
        "labels": draw(selectors),
        "readiness": probe,
        "start_timeout": draw(seconds),
        "env": draw(st.dictionaries(labels, text, max_size=3)),
        "working_dir": draw(st.none() | labels),
        "restart": draw(st.sampled_from(RestartPolicy)),
        "termination_grace_period": draw(seconds),
        "calls": draw(st.none() | st.lists(declared_calls, max_size=2).map(tuple)),
    }
    if draw(st.booleans()):
        common["readiness"] = ReadinessProbe()
        return Workload(ports=declared[:1], address="127.0.0.1:9000", **common)
    command = tuple(draw(st.lists(text, min_size=1, max_size=3)))
    return Workload(ports=declared, command=command, **common)


@st.composite
def services(draw: st.DrawFn) -> Service:
    targets = st.sampled_from([0, "http"]) | ports
    one = st.builds(
        ServicePort,
        port=ports,
        name=st.just("") | labels,
        target=targets,
        app_protocol=st.sampled_from(["", "http", "kubernetes.io/h2c"]),
    )
    unique = (lambda port: port.port, lambda port: port.name or port)
    listed = draw(st.lists(one, min_size=1, max_size=3, unique_by=unique))
    external = draw(st.just("") | labels)
    selector = {} if external else draw(st.dictionaries(labels, labels, max_size=2))
    headless = draw(st.booleans())
    return Service(draw(object_names), tuple(listed), selector, headless, external)


@st.composite
def gateways(draw: st.DrawFn) -> Gateway:
    one = st.builds(
        GatewayServer,
        port=ports,
        name=labels,
        hosts=st.just(("*", "*.a.test")),
        listen=st.none() | st.just(0),
        namespaces=st.sampled_from(
            [(), (("*", "shop"),), (("*", "shop"), ("*", "test"), ("*.a.test", "shop"))]
        ),
    )
    secured = st.builds(
        GatewayServer,
        port=ports,
        protocol=st.sampled_from(["HTTPS", "HTTP"]),
        name=labels,
        hosts=st.just(("shop.test",)),
        tls=st.just(True),
    )
    servers = draw(st.lists(one | secured, max_size=3, unique_by=lambda s: s.port))
    return Gateway(draw(object_names), tuple(servers), draw(st.dictionaries(labels, labels)))


def groups(services: list[ObjectName]) -> st.SearchStrategy[LaneGroup]:
    return st.builds(
        LaneGroup,
        name=labels,
        services=st.lists(st.sampled_from(services), min_size=1, max_size=3, unique=True).map(
            tuple
        ),
        route_header=headers,
        trace_header=headers,
        gateway=st.none() | object_names,
        mode=st.sampled_from(Mode),
        baseline=st.none() | labels,
        service_baselines=st.dictionaries(st.sampled_from(services), labels, max_size=2),
        unmatched=st.sampled_from(Unmatched),
        calls_without_lane=st.sampled_from(CallsWithoutLane),
        sticky=stickies,
        route_by=st.builds(
            RouteBy,
            headers=st.lists(headers, unique=True).map(tuple),
            cookie=st.none() | labels,
            query=st.none() | labels,
        ),
        trace_memory=st.builds(
            MemoryLimits,
            st.none() | st.integers(1, 86400),
            st.none() | st.integers(1, 1 << 20),
        ),
    )


def lanes(
    groups: st.SearchStrategy[str], services: list[ObjectName], at_least: int = 1
) -> st.SearchStrategy[Lane]:
    """``at_least`` so many services."""
    contained = st.lists(st.sampled_from(services), min_size=at_least, max_size=3, unique=True)
    return st.builds(
        Lane,
        name=labels,
        group=groups,
        selector=selectors,
        services=contained.map(tuple),
        ingress=st.lists(rules(services), max_size=2).map(tuple),
        fallback=st.lists(labels, max_size=2).map(tuple),
        mode=st.none() | st.sampled_from(Mode),
        weight=st.integers(0, 100),
        calls_without_lane=st.none() | st.sampled_from(CallsWithoutLane),
        names=st.lists(lane_values, max_size=2, unique=True).map(tuple),
        match_expressions=st.lists(requirements(), max_size=2).map(tuple),
        enabled=st.booleans(),
        owner=st.sampled_from(["", "jack@shop.test"]),
        expires_at=st.none() | st.datetimes(timezones=st.just(UTC)),
        order=st.sampled_from([0, 0, -1, 7]),
        shares_workloads_with=st.lists(labels, max_size=2).map(tuple),
    )


NAMES = [ObjectName("default", "a"), ObjectName("default", "b.c"), ObjectName("shop", "a")]


def single_objects() -> st.SearchStrategy[Declared]:
    """Objects as a single document declares them: group defaults are not filled in yet."""
    own_rules = st.lists(rules(NAMES), max_size=2).map(tuple)
    with_rules = st.builds(
        lambda group, ingress: replace(group, ingress=ingress), groups(NAMES), own_rules
    )
    return st.one_of(
        with_rules, lanes(labels, NAMES, at_least=0), services(), workloads(), gateways()
    )


@st.composite
def meshes(draw: st.DrawFn) -> Mesh:
    """Well-formed objects with distinct names; whether they fit together is left to chance."""
    unique: dict[str, Any] = {"unique_by": lambda item: item.name}
    known = draw(st.lists(services(), min_size=1, max_size=4, **unique))
    names = [service.name for service in known]
    declared = draw(st.lists(groups(names), min_size=1, max_size=2, **unique))
    lane = lanes(st.sampled_from([group.name for group in declared]), names)
    found = draw(st.lists(lane, max_size=4, unique_by=lambda item: (item.group, item.name)))
    return Mesh(
        groups=tuple(declared),
        lanes=tuple(sorted(found, key=lambda lane: lane.order)),
        services=tuple(known),
        workloads=tuple(draw(st.lists(workloads(), max_size=2, **unique))),
        gateways=tuple(draw(st.lists(gateways(), max_size=2, **unique))),
    )
