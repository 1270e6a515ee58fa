"""``laneway up``: what it refuses before anything is started."""

from __future__ import annotations

from pathlib import Path

from .conftest import Cli

TLS = Path(__file__).parents[2] / "golden" / "istio" / "tls" / "mesh.yaml"


def test_a_gateway_with_tls_alone_is_refused(cli: Cli) -> None:
    assert cli("validate", "-f", TLS).code == 0
    result = cli("up", "-f", TLS)
    assert result.code != 0
    assert "error ENVOY_GATEWAY_ALL_TLS: Gateway istio-system/ingressgateway" in result.message
    assert "on Kubernetes it is fine as it is" in result.message
    assert f"{TLS}:" in result.message  # where it stands
