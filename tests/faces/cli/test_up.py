"""``laneway up``: what it refuses before anything is started."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from .conftest import Cli

EXAMPLES = Path(__file__).parents[3] / "examples"

TLS = Path(__file__).parents[2] / "golden" / "istio" / "tls" / "mesh.yaml"


def test_a_gateway_with_tls_alone_is_refused(cli: Cli) -> None:
    assert cli("validate", "-f", TLS).code == 0
    result = cli("up", "-f", TLS)
    assert result.code != 0
    assert "error ENVOY_GATEWAY_ALL_TLS: Gateway istio-system/ingressgateway" in result.message
    assert "on Kubernetes it is fine as it is" in result.message
    assert f"{TLS}:" in result.message  # where it stands


@pytest.mark.parametrize("command", ["validate", "up"])
@pytest.mark.parametrize(
    ("example", "old", "new", "path"),
    [
        (
            "shop",
            "destination: web}",
            "destination: web, uri: {regex: REGEX}}",
            "spec.ingress[0].uri.regex",
        ),
        ("scenario-1", "exact: /mock", "regex: REGEX", "uri.regex"),
    ],
)
def test_a_regular_expression_that_envoy_would_refuse_is_refused(
    cli: Cli, tmp_path: Path, command: str, example: str, old: str, new: str, path: str
) -> None:
    """Before anything is started, with its place in the file; in all kinds that have rules."""
    regex = "(((a{30}){30}){30}){30}"
    folder = tmp_path / example
    shutil.copytree(EXAMPLES / example, folder)
    file = folder / "lanes.yaml"
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new.replace("REGEX", f'"{regex}"'), 1))
    result = cli(command, "-f", folder)
    assert result.code != 0
    told = result.out + result.message  # `validate` prints what it finds, `up` fails by it
    assert f"{file}:" in told
    assert path in told
    assert f"`{regex}` is no regular expression that proxies take" in told


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
