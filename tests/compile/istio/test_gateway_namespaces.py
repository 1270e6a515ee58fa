"""Hosts of a gateway that take routes from one namespace alone (``shop/app.example.com``).

The VirtualService of such a host must stand in that namespace: Istio binds no other.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.compile.istio.emission import emitted
from tests.compile.meshes import GATEWAY, group, lane, mesh, rule, service

from laneway.compile.asm.limits import limits as asm_limits
from laneway.compile.lower import lower
from laneway.model.findings import Source
from laneway.model.gateways import Gateway, GatewayServer
from laneway.model.meshes import Mesh
from laneway.model.names import ObjectName
from laneway.schema.decoding import decode
from laneway.schema.documents import Document


def gateway(*hosts: str, ports: tuple[int, ...] = (80,)) -> Gateway:
    """Of the namespace ``istio-system``, as a document declares it."""
    servers = [
        {"port": {"number": port, "name": f"h{port}", "protocol": "HTTP"}, "hosts": list(hosts)}
        for port in ports
    ]
    data = {
        "apiVersion": "networking.istio.io/v1",
        "kind": "Gateway",
        "metadata": {"name": GATEWAY.name, "namespace": GATEWAY.namespace},
        "spec": {"selector": {"istio": "ingressgateway"}, "servers": servers},
    }
    found, findings = decode([Document(data, Source("test"))])
    assert not findings
    return found.gateways[0]


def entered(*gateways: Gateway, hosts: tuple[str, ...] = ("*",)) -> Mesh:
    """A mesh whose rules are for these hosts."""
    lanes = [lane("s1", "a", rule("a", hosts=hosts)), lane("s2", "a")]
    return replace(mesh([group("a")], lanes, [service("a")]), gateways=gateways)


def namespaces(found: Mesh) -> dict[str, str]:
    """Host -> the namespace of its VirtualService at the gateway."""
    return {
        document["spec"]["hosts"][0]: document["metadata"]["namespace"]
        for document in emitted(found)
        if document["kind"] == "VirtualService" and "gateways" in document["spec"]
    }


@pytest.mark.parametrize(
    ("hosts", "namespace"),
    [
        (["app.example.com"], "istio-system"),
        (["*/app.example.com"], "istio-system"),
        (["./app.example.com"], "istio-system"),
        (["istio-system/app.example.com"], "istio-system"),
        (["shop/app.example.com"], "shop"),
        (["shop/*.example.com"], "shop"),
        (["shop/*"], "shop"),
        (["shop/app.example.com", "team/app.example.com"], "shop"),
        (["shop/app.example.com", "./app.example.com"], "istio-system"),
        (["shop/app.example.com", "app.example.com"], "istio-system"),
        (["shop/app.example.com", "*/other.example.com"], "shop"),
    ],
)
def test_routes_stand_where_the_gateway_takes_them_from(hosts: list[str], namespace: str) -> None:
    found = namespaces(entered(gateway(*hosts), hosts=("app.example.com",)))
    assert found == {"app.example.com": namespace}


def test_hosts_of_one_gateway_may_be_of_several_namespaces() -> None:
    hosts = ["shop/app.example.com", "./admin.example.com", "*/api.example.com"]
    assert namespaces(entered(gateway(*hosts))) == {
        "app.example.com": "shop",
        "admin.example.com": "istio-system",
        "api.example.com": "istio-system",
    }


def test_ports_with_the_same_host_share_its_namespace() -> None:
    assert namespaces(entered(gateway("shop/app.example.com", ports=(80, 8080)))) == {
        "app.example.com": "shop"
    }


def test_gateways_of_one_name_do_not_share_an_object() -> None:
    one = gateway("shop/app.example.com")
    other = replace(one, name=ObjectName("edge", one.name.name))
    found = [
        (document["metadata"]["namespace"], document["metadata"]["name"])
        for gateway in (one, other)
        for document in emitted(at(gateway))
        if document["kind"] == "VirtualService" and "gateways" in document["spec"]
    ]
    assert len(set(found)) == 2
    assert {namespace for namespace, _ in found} == {"shop"}


def at(gateway: Gateway) -> Mesh:
    lanes = [lane("s1", "a", rule("a")), lane("s2", "a")]
    found = mesh([group("a", gateway=gateway.name)], lanes, [service("a")])
    return replace(found, gateways=(gateway,))


def test_the_domain_that_a_wider_host_serves_is_open_to_all_if_that_is() -> None:
    server = GatewayServer(80, hosts=("*", "a.test"), namespaces=(("a.test", "shop"),))
    assert server.namespaces_of("a.test") is None
    assert server.namespaces_of("b.test") is None


@pytest.mark.parametrize(("host", "told"), [("shop/a.test", True), ("./a.test", False)])
def test_asm_is_told_where_its_routes_are_not_taken(host: str, told: bool) -> None:
    found = entered(gateway(host))
    codes = {each.code for each in asm_limits(found, lower(found))}
    assert ("ASM_HOST_OF_NAMESPACE" in codes) is told
