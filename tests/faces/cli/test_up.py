"""``laneway up``: what it refuses before anything is started."""

from __future__ import annotations

import os
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


def test_what_can_be_read_only_once_is_not_watched(cli: Cli, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for path, what in (("-", "standard input cannot be"), (pipe, "is a pipe, which cannot be")):
        result = cli("up", "--watch", "-f", path)
        assert result.code == 2
        assert what in result.message


def test_prune_needs_watch(cli: Cli, examples: Path) -> None:
    result = cli("up", "--prune", "-f", examples / "scenario-1")
    assert result.code == 2
    assert "--prune is about files that change: it needs --watch" in result.message
