"""Routing objects of the user's own beside those that are generated for Istio."""

from __future__ import annotations

from typing import Any

import pytest
from tests.compile.istio.emission import emitted
from tests.compile.meshes import GATEWAY, group, lane, mesh, rule, service

from laneway.compile.existing_objects import conflicts
from laneway.model.findings import Finding, Source
from laneway.schema import Document, decode
from laneway.wiring.dialects import unsupported

HOST = "a.default.svc.cluster.local"
AT_GATEWAY = [str(GATEWAY)]


def entered(*hosts: str) -> Any:
    """A mesh of the service a, whose rule is for these hosts."""
    rules = rule("a", hosts=hosts or ("*",))
    return mesh([group("a")], [lane("s1", "a", rules), lane("s2", "a")], [service("a")])


def found(*objects: dict[str, Any], hosts: tuple[str, ...] = ()) -> list[Finding]:
    existing = decode(Document(each, Source("own.yaml")) for each in objects)[0].existing
    return conflicts(existing, emitted(entered(*hosts)))


def codes(*objects: dict[str, Any], hosts: tuple[str, ...] = ()) -> list[str]:
    return [finding.code for finding in found(*objects, hosts=hosts)]


def own(kind: str, name: str = "own", namespace: str = "default", **spec: Any) -> dict[str, Any]:
    metadata = {"name": name, "namespace": namespace}
    api = "networking.istio.io/v1beta1"
    return {"apiVersion": api, "kind": kind, "metadata": metadata, "spec": spec}


@pytest.mark.parametrize(
    "spec",
    [
        {"hosts": [HOST]},
        {"hosts": ["a"]},
        {"hosts": [HOST], "gateways": ["mesh"]},
        {"hosts": ["other.test", HOST], "gateways": ["default/gw", "mesh"]},
    ],
)
def test_routes_of_the_same_host_in_the_mesh(spec: dict[str, Any]) -> None:
    (finding,) = found(own("VirtualService", **spec))
    assert finding.code == "EXISTING_MESH_ROUTES"
    assert str(finding.subject) == "VirtualService default/own"
    assert "VirtualService default/a-lanes" in finding.message


@pytest.mark.parametrize("host", ["a.default", "a.default.svc", "A.default.svc.cluster"])
def test_routes_of_a_shortened_host_in_the_mesh(host: str) -> None:
    (finding,) = found(own("VirtualService", hosts=[host]))
    assert finding.code == "EXISTING_MESH_ROUTES"
    assert f"calls of {HOST} that write {host.lower()} may take these routes" in finding.message


@pytest.mark.parametrize(
    "document",
    [
        own("VirtualService", hosts=["a.other"]),
        own("VirtualService", hosts=["a.def"]),
        own("VirtualService", hosts=["b.default.svc.cluster.local"]),
        own("VirtualService", hosts=["*.shop.svc.cluster.local"]),
        own("VirtualService", namespace="shop", hosts=["a"]),
        own("VirtualService", hosts=[HOST], gateways=["default/gw"]),
        own("VirtualService", hosts=["shop.test"], gateways=["other/gw"]),
        own("DestinationRule", host="b"),
        own("DestinationRule", host=HOST),
        own("DestinationRule", host=HOST, exportTo=["*"], subsets=[{"name": "mine"}]),
        own("DestinationRule", host="*.shop.svc.cluster.local"),
        own("Sidecar", "a-lanes"),
        {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "a-lanes"}},
        own("VirtualService", hosts="a", gateways={"no": "list"}),
        {"apiVersion": "networking.istio.io/v1", "kind": "VirtualService", "spec": 7},
    ],
    ids=str,
)
def test_what_is_in_nobodys_way(document: dict[str, Any]) -> None:
    assert codes(document) == []


@pytest.mark.parametrize(
    ("hosts", "own_host", "words"),
    [
        ((), "shop.test", "by this object alone"),
        (("*.shop.test",), "a.shop.test", "by this object alone"),
        (("shop.test",), "shop.test", "Istio joins the two"),
        ((), "*", "Istio joins the two"),
    ],
)
def test_routes_of_a_host_at_the_gateway(hosts: Any, own_host: str, words: str) -> None:
    for gateway in (AT_GATEWAY[0], "ingressgateway.istio-system.svc.cluster.local"):
        document = own("VirtualService", hosts=[own_host], gateways=[gateway])
        (finding,) = found(document, hosts=hosts)
        assert finding.code == "EXISTING_GATEWAY_ROUTES"
        assert words in finding.message


def test_routes_of_a_wider_host_at_the_gateway_do_not_apply_any_more() -> None:
    for wide in ("*", "*.test"):
        routes = own("VirtualService", hosts=[wide], gateways=AT_GATEWAY)
        assert codes(routes, hosts=("shop.test",)) == ["EXISTING_ROUTES_HIDDEN"]
    other = own("VirtualService", hosts=["*.other.test"], gateways=AT_GATEWAY)
    assert codes(other, hosts=("shop.test",)) == []


@pytest.mark.parametrize("host", ["*.default.svc.cluster.local", "*.local", "*"])
def test_routes_of_a_wider_host_in_the_mesh_do_not_apply_any_more(host: str) -> None:
    assert codes(own("VirtualService", hosts=[host])) == ["EXISTING_ROUTES_HIDDEN"]
    assert codes(own("VirtualService", hosts=[host, HOST])) == ["EXISTING_MESH_ROUTES"]


@pytest.mark.parametrize(
    "document",
    [
        own("DestinationRule", namespace="shop", host=HOST),
        own("DestinationRule", host="a", exportTo=["."]),
        own("DestinationRule", host="a", workloadSelector={"matchLabels": {"app": "b"}}),
        own("DestinationRule", host="a", subsets=[{"name": "s1"}, {"name": "mine"}]),
    ],
    ids=str,
)
def test_a_destination_rule_that_hides_the_lanes_subsets(document: dict[str, Any]) -> None:
    assert codes(document) == ["EXISTING_SUBSETS"]


@pytest.mark.parametrize("host", ["*.default.svc.cluster.local", "*.local", "*"])
def test_policies_of_a_wider_destination_rule_do_not_apply_any_more(host: str) -> None:
    assert codes(own("DestinationRule", host=host)) == ["EXISTING_POLICY_HIDDEN"]


@pytest.mark.parametrize(
    "document",
    [
        own("DestinationRule", "a-lanes", host="b"),
        own("VirtualService", "a-lanes", hosts=["b"]),
        own("EnvoyFilter", "a-lanes"),
    ],
    ids=str,
)
def test_an_object_of_the_name_that_is_written(document: dict[str, Any]) -> None:
    assert codes(document) == ["EXISTING_OBJECT_REPLACED"]


@pytest.mark.parametrize(
    "labels", [{"app.kubernetes.io/managed-by": "laneway"}, {"provider": "asm"}]
)
def test_what_was_generated_before_is_nobodys_own(labels: dict[str, str]) -> None:
    document = own("VirtualService", "a-lanes", hosts=[HOST])
    document["metadata"]["labels"] = labels
    assert codes(document) == []


@pytest.mark.parametrize("dialect", ["istio", "asm"])
def test_render_tells_of_them(dialect: str) -> None:
    documents = [
        own("VirtualService", hosts=[HOST]),
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": "a"},
            "spec": {"selector": {"app": "a"}, "ports": [{"port": 80, "name": "http"}]},
        },
        {
            "apiVersion": "laneway.dev/v1alpha1",
            "kind": "LaneGroup",
            "metadata": {"name": "test"},
            "spec": {"routeHeader": "x-lane", "services": ["a"]},
        },
        *(
            {
                "apiVersion": "laneway.dev/v1alpha1",
                "kind": "Lane",
                "metadata": {"name": name},
                "spec": {"group": "test", "selector": {"version": name}},
            }
            for name in ("s1", "s2")
        ),
    ]
    declared, _ = decode(Document(each, Source("all.yaml")) for each in documents)
    assert "EXISTING_MESH_ROUTES" in {each.code for each in unsupported(declared, dialect)}
