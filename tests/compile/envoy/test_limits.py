"""Gateways with TLS: what laneway's own proxies leave out, and when they refuse."""

from __future__ import annotations

from dataclasses import replace

from tests.compile.meshes import GATEWAY, group, lane, mesh, rule, service

from laneway.compile.envoy.emitter import emit
from laneway.compile.envoy.limits import check, limits
from laneway.compile.envoy.options import FilterModule, Options
from laneway.compile.lower import lower
from laneway.compile.placeholder_placements import placeholder_placements
from laneway.compile.resources import LISTENER
from laneway.model.findings import Severity
from laneway.model.gateways import Gateway, GatewayServer
from laneway.model.meshes import Mesh

HTTP = GatewayServer(80, "http")
HTTPS = GatewayServer(443, "https", "HTTPS", tls=True)


def declared(*servers: GatewayServer) -> Mesh:
    lanes = [lane("s1", "a", rule("a")), lane("s2", "a", rule("a"))]
    made = mesh([group("a")], lanes, [service("a")])
    return replace(made, gateways=(Gateway(GATEWAY, servers),))


def test_a_gateway_without_tls_has_no_limit() -> None:
    assert limits(declared(HTTP)) == []


def test_ports_with_tls_are_left_out_and_told() -> None:
    made = declared(HTTP, HTTPS)
    (finding,) = limits(made)
    assert (finding.code, finding.severity) == ("ENVOY_GATEWAY_TLS", Severity.WARNING)
    assert finding.message.endswith(": 443")
    placements = placeholder_placements(made)
    assert set(placements.gateways[GATEWAY].listeners) == {80}
    snapshots = emit(made, lower(made), placements, Options(FilterModule("/m.wasm")))
    listeners = [name for snapshot in snapshots.values() for name in snapshot.resources(LISTENER)]
    assert not [name for name in listeners if "443" in name]


def test_a_gateway_with_tls_alone_is_refused_on_this_machine_only() -> None:
    made = declared(HTTPS)
    errors = [f for f in check(made) if f.severity is Severity.ERROR]
    assert [finding.code for finding in errors] == ["ENVOY_GATEWAY_ALL_TLS"]
    assert "on Kubernetes it is fine" in errors[0].fix


def test_every_port_has_the_same_routes() -> None:
    """Istio serves them, and the simulator tells of them."""
    (one, other) = lower(declared(HTTP, HTTPS)).gateways[GATEWAY].servers
    assert one.virtual_hosts
    assert one.virtual_hosts == other.virtual_hosts
