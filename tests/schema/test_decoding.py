"""Documents -> mesh: short forms, defaults, and ASM's kinds meaning the same as laneway's own."""

from __future__ import annotations

from typing import Any

import pytest

from laneway.model.codes import Code
from laneway.model.findings import Source
from laneway.model.gateways import GatewayServer
from laneway.model.lanes import (
    IngressRule,
    Lane,
    LaneGroup,
    Mode,
    Propagation,
    Sticky,
    StickyKind,
    Unmatched,
)
from laneway.model.matches import MatchKind, StringMatch
from laneway.model.meshes import Mesh
from laneway.model.names import ObjectName
from laneway.model.services import ServicePort
from laneway.schema import Document, decode

OWN = "laneway.dev/v1alpha1"
ASM = "istio.alibabacloud.com/v1"
MOCKA, MOCKB = ObjectName("default", "mocka"), ObjectName("default", "mockb")
INGRESS = ObjectName("istio-system", "ingressgateway")


def document(api: str, kind: str, name: str, spec: dict[str, Any], **metadata: Any) -> Any:
    return {"apiVersion": api, "kind": kind, "metadata": {"name": name, **metadata}, "spec": spec}


def service(name: str, **spec: Any) -> Any:
    spec = {"selector": {"app": name}, "ports": [{"port": 8000}], **spec}
    return document("v1", "Service", name, spec)


def gateway(**metadata: Any) -> Any:
    servers = [{"port": {"number": 80, "name": "http", "protocol": "HTTP"}, "hosts": ["*"]}]
    api = "networking.istio.io/v1beta1"
    metadata = {"namespace": "istio-system", **metadata}
    return document(api, "Gateway", "ingressgateway", {"servers": servers}, **metadata)


def decoded(*data: Any) -> Mesh:
    """The mesh of documents that are right in every way."""
    mesh, findings = decode(Document(item, Source("test", n)) for n, item in enumerate(data, 1))
    assert findings == ()
    return mesh


def codes(*data: Any, complete: bool = True) -> list[str]:
    documents = [Document(item, Source("test", n)) for n, item in enumerate(data, 1)]
    return [finding.code for finding in decode(documents, complete=complete)[1]]


GROUP = document(
    OWN,
    "LaneGroup",
    "test",
    {"gateway": "istio-system/ingressgateway", "routeHeader": "x-lane", "services": ["mocka"]},
)
LANE = document(OWN, "Lane", "s1", {"group": "test", "selector": {"tag": "v1"}})


def test_defaults() -> None:
    mesh = decoded(gateway(), service("mocka"), GROUP, LANE)
    assert mesh.groups == (LaneGroup("test", (MOCKA,), "x-lane", "x-lane", INGRESS),)
    assert mesh.groups[0].mode is Mode.PERMISSIVE
    assert mesh.baseline(mesh.groups[0]) == mesh.lanes[0]
    assert mesh.services[0].ports == (ServicePort(8000),)
    assert mesh.services[0].ports[0].workload_port == 8000


def test_a_lane_that_lists_no_services_contains_all_of_its_group() -> None:
    assert decoded(LANE, GROUP, gateway(), service("mocka")).lanes[0].services == (MOCKA,)


@pytest.mark.parametrize(
    "short",
    ["mocka", "default/mocka", {"name": "mocka"}, {"name": "mocka", "namespace": "default"}],
)
def test_references_may_be_short(short: object) -> None:
    spec = {"group": "test", "selector": {"tag": "v1"}, "services": [short]}
    for destination in ("mocka", {"service": short}):
        rule = {"name": "r1", "destination": destination}
        lane = document(OWN, "Lane", "s1", {**spec, "ingress": [rule]})
        mesh = decoded(gateway(), service("mocka"), GROUP, lane)
        assert mesh.lanes[0].services == (MOCKA,)
        assert mesh.lanes[0].ingress == (IngressRule("r1", MOCKA),)


def asm_group(**spec: Any) -> Any:
    return document(
        ASM,
        "ASMSwimLaneGroup",
        "test",
        {
            "ingress": {"gateway": {"name": "ingressgateway", "namespace": "istio-system"}},
            "services": [{"name": "mocka", "namespace": "default"}, {"name": "mockb"}],
            **spec,
        },
    )


def asm_lane(**spec: Any) -> Any:
    spec = {"labelSelector": {"ASM_TRAFFIC_TAG": "v1"}, **spec}
    return document(ASM, "ASMSwimLane", "s1", spec, labels={"swimlane-group": "test"})


def test_asm_kinds_mean_what_laneways_own_mean() -> None:
    common = (gateway(), service("mocka"), service("mockb"))
    own = decoded(
        *common,
        document(
            OWN,
            "LaneGroup",
            "test",
            {
                "gateway": {"name": "ingressgateway", "namespace": "istio-system"},
                "routeHeader": "x-asm-prefer-tag",
                "traceHeader": "my-request-id",
                "baseline": "s1",
                "services": ["mocka", "mockb"],
            },
        ),
        document(
            OWN,
            "Lane",
            "s1",
            {
                "group": "test",
                "selector": {"ASM_TRAFFIC_TAG": "v1"},
                "services": ["mocka", "mockb"],
                "ingress": [
                    {
                        "name": "r1",
                        "uri": {"prefix": "/mock"},
                        "headers": {"x-user": {"exact": "jack"}},
                        "destination": {"service": "mocka", "port": 8000},
                        "online": False,
                    }
                ],
            },
        ),
    )
    asm = decoded(
        *common,
        asm_group(
            isPermissive=True,
            permissiveModeConfiguration={
                "fallbackTarget": "s1",
                "routeHeader": "x-asm-prefer-tag",
                "traceHeader": "my-request-id",
            },
        ),
        asm_lane(
            services=[{"name": "mocka"}, {"name": "mockb"}],
            ingressRules=[
                {
                    "name": "r1",
                    "online": False,
                    "hosts": ["*"],
                    "match": {
                        "uri": {"prefix": "/mock"},
                        "headers": {"x-user": {"exact": "jack"}},
                    },
                    "route": {
                        "destination": {"host": "mocka.default.svc.cluster.local", "portNum": 8000}
                    },
                }
            ],
        ),
    )
    assert asm == own
    assert asm.lanes[0].ingress[0].uri == StringMatch(MatchKind.PREFIX, "/mock")


def test_asm_group_is_strict_unless_it_says_otherwise() -> None:
    common = (gateway(), service("mocka"), service("mockb"))
    for group in (asm_group(), asm_group(isPermissive=False), asm_group(isPermissive=None)):
        mesh = decoded(*common, group, asm_lane())
        assert mesh.groups[0].mode is Mode.STRICT
        assert mesh.groups[0].route_header == mesh.groups[0].trace_header == "x-asm-prefer-tag"
        assert mesh.lanes == (Lane("s1", "test", {"ASM_TRAFFIC_TAG": "v1"}, (MOCKA, MOCKB)),)


@pytest.mark.parametrize("host", ["mocka", "mocka.default", "mocka.default.svc"])
def test_asm_hosts_may_be_short(host: str) -> None:
    rule = {"name": "r1", "online": True, "route": {"destination": {"host": host}}}
    lane = asm_lane(ingressRules=[rule])
    mesh = decoded(gateway(), service("mocka"), service("mockb"), asm_group(), lane)
    assert mesh.lanes[0].ingress[0].destination == MOCKA


@pytest.mark.parametrize("strategy", ["rule_based", "rule-based"])
def test_asm_strategy_in_both_spellings(strategy: str) -> None:
    ingress = {
        "gateway": {"name": "ingressgateway", "namespace": "istio-system", "type": "ASM"},
        "ingressRouting": {"ingressRoutingStrategy": strategy},
    }
    group = asm_group(ingress=ingress, autoUpdate=False, defaultHttpRoutePatch={})
    decoded(gateway(), service("mocka"), service("mockb"), group, asm_lane())


def test_gateway_listen_ports_and_merged_servers() -> None:
    servers = [
        {"port": {"number": 80, "name": "http", "protocol": "HTTP"}, "hosts": ["ns/A.test"]},
        {"port": {"number": 80, "name": "again", "protocol": "HTTP"}, "hosts": ["b.test"]},
        {"port": {"number": 81, "name": "grpc", "protocol": "GRPC"}, "hosts": ["*"]},
    ]
    fixed = gateway(annotations={"laneway.dev/listen-ports": "80=18080, 81=0"})
    fixed["spec"]["servers"] = servers
    assert decoded(fixed).gateways[0].servers == (
        GatewayServer(
            80, "http", "HTTP", ("a.test", "b.test"), 18080, namespaces=(("a.test", "ns"),)
        ),
        GatewayServer(81, "grpc", "GRPC", ("*",), 0),
    )


def test_what_a_cluster_adds_is_accepted() -> None:
    dumped = service("mocka", clusterIP="None", sessionAffinity="None", ipFamilies=["IPv4"])
    dumped["metadata"] |= {"uid": "1", "creationTimestamp": None, "managedFields": [{}]}
    dumped["status"] = {"loadBalancer": {}}
    assert decoded({"apiVersion": "v1", "kind": "List", "items": [dumped]}).services


def test_nothing_is_called_unknown_of_an_incomplete_input() -> None:
    alone = [GROUP, document(OWN, "Lane", "s2", {"group": "other", "selector": {"tag": "v2"}})]
    assert codes(*alone, complete=False) == []
    assert set(codes(*alone)) == {
        Code.UNKNOWN_SERVICE,
        Code.UNKNOWN_GATEWAY,
        Code.UNKNOWN_GROUP,
        Code.GROUP_WITHOUT_LANES,
    }


def test_nothing_is_missing_workloads_where_none_are_declared() -> None:
    selecting = service("mocka", selector={"app": "mocka"})
    assert codes(gateway(), selecting, GROUP, LANE) == []


def test_a_lane_without_rules_has_its_groups() -> None:
    rule = {"name": "r1", "uri": {"exact": "/mock"}, "destination": "mocka"}
    own = {"name": "own", "uri": {"prefix": "/own"}, "destination": "mocka"}
    group = {**GROUP, "spec": {**GROUP["spec"], "ingress": [rule]}}
    other = document(
        OWN, "Lane", "s2", {"group": "test", "selector": {"tag": "v2"}, "ingress": [own]}
    )
    mesh = decoded(gateway(), service("mocka"), group, LANE, other)
    assert [[r.name for r in lane.ingress] for lane in mesh.lanes] == [["r1"], ["own"]]


def test_what_is_wrong_with_a_groups_rule_names_the_group() -> None:
    rule = {"name": "r1", "destination": {"service": "mocka", "port": 81}}
    group = {**GROUP, "spec": {**GROUP["spec"], "ingress": [rule]}}
    own = document(
        OWN, "Lane", "s2", {"group": "test", "selector": {"tag": "v2"}, "ingress": [rule]}
    )
    documents = [gateway(), service("mocka"), group, LANE, own]
    findings = decode(Document(each, Source("in.yaml")) for each in documents)[1]
    fixes = {str(f.subject): f.fix for f in findings if f.code == Code.UNKNOWN_PORT}
    place = "the rule is in LaneGroup test, spec.ingress[0].destination.port"
    assert fixes["Lane test/s1"].endswith(place)
    assert "LaneGroup" not in fixes["Lane test/s2"]


def test_policies_of_lanes() -> None:
    spec = {
        **GROUP["spec"],
        "serviceBaselines": {"mocka": "s2"},
        "unmatched": "notFound",
        "sticky": {"cookie": "session"},
    }
    rule = {
        "name": "r1",
        "methods": ["GET"],
        "query": {"debug": {"exact": "1"}},
        "destination": "mocka",
    }
    second = {"group": "test", "selector": {"tag": "v2"}, "fallback": ["s1"], "ingress": [rule]}
    third = {"group": "test", "selector": {"tag": "v3"}, "mode": "strict"}
    documents = [
        Document(item, Source("test", number))
        for number, item in enumerate(
            (
                gateway(),
                service("mocka"),
                {**GROUP, "spec": spec},
                LANE,
                document(OWN, "Lane", "s2", {**second, "weight": 10}),
                document(OWN, "Lane", "s3", third),
            ),
            1,
        )
    ]
    mesh, findings = decode(documents)
    # notFound, with weights; and a weight where the baseline has no such rule
    assert [finding.code for finding in findings] == [Code.NO_EFFECT] * 2
    (group,) = mesh.groups
    assert group.service_baselines == {MOCKA: "s2"}
    assert group.unmatched is Unmatched.NOT_FOUND
    assert group.sticky == Sticky(StickyKind.COOKIE, "session")
    first, lane, strict = mesh.lanes
    assert (first.fallback, first.mode, first.weight) == ((), None, 0)
    assert (lane.fallback, lane.weight, strict.mode) == (("s1",), 10, Mode.STRICT)
    assert lane.ingress[0].methods == ("GET",)
    assert lane.ingress[0].query == {"debug": StringMatch(MatchKind.EXACT, "1")}


def test_asm_weights_are_lanes_weights() -> None:
    routing = {
        "ingressRoutingStrategy": "weighted",
        "weightedRoutingRule": {
            "hosts": ["a.test"],
            "requestMatches": [{"uri": {"exact": "/mock"}}, {"uri": {"exact": "/other"}}],
        },
    }
    group = document(
        ASM,
        "ASMSwimLaneGroup",
        "test",
        {
            "isPermissive": True,
            "services": [{"name": "mocka"}, {"name": "mockb"}],
            "ingress": {"gateway": {"name": "ingressgateway"}, "ingressRouting": routing},
        },
    )
    destination = {"host": "mockb.default.svc.cluster.local", "portNum": 8000}
    weight = {"weight": 20, "destination": destination}
    lanes = (
        document(
            ASM,
            "ASMSwimLane",
            name,
            {"labelSelector": {"tag": name}, **extra},
            labels={"swimlane-group": "test"},
        )
        for name, extra in (("s1", {}), ("s2", {"ingressWeight": weight}))
    )
    mesh = decoded(gateway(), service("mocka"), service("mockb"), group, *lanes)
    lane = mesh.lanes[1]
    assert lane.weight == 20
    assert [(r.hosts, str(r.uri), r.destination, r.port) for r in lane.ingress] == [
        (("a.test",), "exact /mock", MOCKB, 8000),
        (("a.test",), "exact /other", MOCKB, 8000),
    ]


@pytest.mark.parametrize("header", ["baggage", "Baggage"])
def test_baggage_is_a_way_to_travel(header: str) -> None:
    group = {**GROUP, "spec": {**GROUP["spec"], "traceHeader": header}}
    mesh = decoded(gateway(), service("mocka"), group, LANE)
    assert mesh.groups[0].propagation is Propagation.BAGGAGE
