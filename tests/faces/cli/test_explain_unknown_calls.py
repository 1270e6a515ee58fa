"""Where `explain` stops knowing, and how a user tells it more."""

from __future__ import annotations

import json
from pathlib import Path
from string import Template

import pytest

from .conftest import Cli

MESH = Template("""\
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{name: http, port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: cart}
spec: {selector: {app: cart}, ports: [{name: http, port: 80}]}
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: gw}
spec:
  selector: {istio: ingressgateway}
  servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: ['*']}]
---
apiVersion: laneway.dev/v1alpha1
kind: LaneGroup
metadata: {name: shop}
spec:
  gateway: gw
  routeHeader: x-lane
  traceHeader: x-trace
  services: [web, cart]
  ingress: [{name: all, destination: web}]
---
apiVersion: laneway.dev/v1alpha1
kind: Lane
metadata: {name: base}
spec: {group: shop, selector: {version: v1}}
---
apiVersion: laneway.dev/v1alpha1
kind: Lane
metadata: {name: beta}
spec: {group: shop, selector: {version: v2}, services: [cart]}
---
apiVersion: laneway.dev/v1alpha1
kind: Workload
metadata: {name: web-v1, labels: {app: web, version: v1}}
spec: {command: [web], ports: [{port: 80}]$web}
---
apiVersion: laneway.dev/v1alpha1
kind: Workload
metadata: {name: cart-v1, labels: {app: cart, version: v1}}
spec: {command: [cart], ports: [{port: 80, listen: 18093}], calls: []}
---
apiVersion: laneway.dev/v1alpha1
kind: Workload
metadata: {name: cart-v2, labels: {app: cart, version: v2}}
spec: {command: [cart], ports: [{port: 80, listen: 18094}], calls: []}
""")
UNKNOWN = "Calls of web are unknown"
BETA = ("-H", "x-lane: beta")


def mesh(tmp_path: Path, web: str = "") -> Path:
    file = tmp_path / "mesh.yaml"
    file.write_text(MESH.substitute(web=f", {web}" if web else ""), encoding="utf-8")
    return file


def test_explain_says_where_it_stops_knowing(cli: Cli, tmp_path: Path) -> None:
    result = cli("explain", "-f", mesh(tmp_path), *BETA)
    assert result.out.splitlines()[-1] == "-> web-v1"
    assert UNKNOWN in result.err
    assert "--calls" in result.err
    assert "spec.calls" in result.err


def test_the_json_says_so_too(cli: Cli, tmp_path: Path) -> None:
    result = cli("explain", "-f", mesh(tmp_path), *BETA, "--output", "json")
    assert json.loads(result.out)["unknownCalls"] == ["default/web"]


@pytest.mark.parametrize("calls", ["cart", "cart:80", "default/cart", "cart.default.svc:80"])
def test_a_workload_says_whom_it_calls(cli: Cli, tmp_path: Path, calls: str) -> None:
    result = cli("explain", "-f", mesh(tmp_path, f"calls: ['{calls}']"), *BETA)
    assert result.out.splitlines()[-1] == "-> web-v1, cart-v2"
    assert "unknown" not in result.err


def test_the_option_says_whom_a_service_calls(cli: Cli, tmp_path: Path) -> None:
    for option, path in (("web=cart", "-> web-v1, cart-v2"), ("web=", "-> web-v1")):
        result = cli("explain", "-f", mesh(tmp_path), *BETA, "--calls", option)
        assert result.out.splitlines()[-1] == path
        assert "unknown" not in result.err


def test_a_call_of_a_port_of_this_machine_loses_the_lane(cli: Cli, tmp_path: Path) -> None:
    file = mesh(tmp_path, "env: {CART: 'http://localhost:18093/'}")
    result = cli("explain", "-f", file, *BETA)
    assert result.out.splitlines()[-1] == "-> web-v1, cart-v1"
    assert "past the caller's sidecar" in " ".join(result.out.split())
    analysis = cli("analyze", "-f", file)
    assert "CALL_PAST_SIDECAR: Workload default/web-v1, spec.env.CART" in analysis.out


@pytest.mark.parametrize("url", ["http://cart/", "http://localhost:9/", "http://localhost:18093x"])
def test_other_urls_call_past_no_sidecar(cli: Cli, tmp_path: Path, url: str) -> None:
    file = mesh(tmp_path, f"env: {{CART: '{url}'}}")
    assert "CALL_PAST_SIDECAR" not in cli("analyze", "-f", file).out
